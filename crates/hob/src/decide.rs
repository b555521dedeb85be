//! Behaviors as what a statechart names: guards, actions, changes of the context, services.
//!
//! Each call runs in an instance as it was made, so that a machine that is replayed decides the same. The deadline of the step
//! reaches the guest: whichever is earlier, that or the host's own, stops it.
//!
//! A behavior that nothing was granted can depend on nothing but its request, so it need not be asked the same thing twice: the
//! last answers are kept (`kept.rs`), and errors never are. One that was granted anything is asked every time.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use hob_machine::{Call, Failure, Name};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::behavior::Behavior;
use crate::error::Error;
use crate::kept::{KEPT_BYTES_MAX, Lately};

/// What a behavior is told of the machine.
///
/// ```
/// assert_eq!(hob::Asks::default(), hob::Asks::Context);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Asks {
    /// `{"context": …}` and nothing else: what every guard written for Crucible expects.
    #[default]
    Context,
    /// Also the name it was called by, the parameters the document gives it there, the event and what came with it:
    /// `{"context": …, "name": …, "params": …, "event": …, "data": …}`.
    Everything,
}

impl Behavior {
    /// As a guard of a machine. A fault, a deadline or a response that is no verdict is an error of the step, never a no.
    ///
    /// ```
    /// use hob::machine::{Chart, Document, Instance, Machine, Registry};
    ///
    /// let host = hob::Host::builder().build()?;
    /// let yes = host.load_bytes("yes", br#"(module (memory (export "memory") 1) (data (i32.const 16) "{\"ok\":true}")
    ///     (func (export "alloc") (param i32) (result i32) (i32.const 64))
    ///     (func (export "eval") (param i32 i32) (result i64) (i64.const 0x100000000b)))"#)?;
    /// let registry = Registry::new().guard("approved", yes.behavior()?.as_guard(hob::Asks::Context));
    /// let document = Document::parse(r#"{"name": "order", "initial": "open", "hasInitial": true, "states": [
    ///     {"name": "open", "transitions": [{"from": "open", "to": "done", "on": "submit", "guards": [{"name": "approved"}]}]},
    ///     {"name": "done", "isFinal": true}]}"#)?;
    /// let machine = Machine::bind(Chart::load(&document)?, &registry)?;
    /// let (mut order, _) = Instance::start(&machine, serde_json::json!({"total": 50}))?;
    /// order.fire(&"submit".into())?;
    /// assert!(order.is_done());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn as_guard(
        &self,
        asks: Asks,
    ) -> impl Fn(&Call<'_>) -> Result<bool, Failure> + Send + Sync + 'static {
        let verdict =
            |answer: &[u8]| hob_abi::json::verdict(answer).map_err(|error| Failure(error.to_string()));
        let asked = Asked::new(self, asks, verdict);
        move |call| asked.ask(call, call.context)
    }

    /// As an action of a machine: of the response `{"effect": …}` the member is what the step asks for, and `{}` asks for
    /// nothing. `{"error": "…"}` fails the step.
    ///
    /// ```
    /// let host = hob::Host::builder().build()?;
    /// let tell = host.load_bytes("tell", br#"(module (memory (export "memory") 1) (data (i32.const 16) "{\"effect\":\"told\"}")
    ///     (func (export "alloc") (param i32) (result i32) (i32.const 64))
    ///     (func (export "eval") (param i32 i32) (result i64) (i64.const 0x1000000011)))"#)?;
    /// let registry = hob::machine::Registry::new().action("tell", tell.behavior()?.as_action(hob::Asks::Everything));
    /// # drop(registry);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn as_action(
        &self,
        asks: Asks,
    ) -> impl Fn(&Call<'_>) -> Result<Option<Value>, Failure> + Send + Sync + 'static {
        let asked = Asked::new(self, asks, bytes);
        move |call| Ok(object(&asked.ask(call, call.context)?)?.remove("effect"))
    }

    /// As a change of the context: of the response `{"context": …}` the member is the new one, and `{}` changes nothing.
    /// `{"error": "…"}` fails the step.
    ///
    /// ```
    /// let host = hob::Host::builder().build()?;
    /// let reset = host.load_bytes("reset", br#"(module (memory (export "memory") 1) (data (i32.const 16) "{\"context\":{}}")
    ///     (func (export "alloc") (param i32) (result i32) (i32.const 64))
    ///     (func (export "eval") (param i32 i32) (result i64) (i64.const 0x100000000e)))"#)?;
    /// let registry = hob::machine::Registry::new().assign("reset", reset.behavior()?.as_assign(hob::Asks::Context));
    /// # drop(registry);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn as_assign(
        &self,
        asks: Asks,
    ) -> impl Fn(&Call<'_>, &mut Value) -> Result<(), Failure> + Send + Sync + 'static {
        let asked = Asked::new(self, asks, bytes);
        move |call, context| {
            if let Some(changed) = object(&asked.ask(call, context)?)?.remove("context") {
                *context = changed;
            }
            Ok(())
        }
    }

    /// Runs the behavior as a service of a machine: the request is `{"input": …, "params": …}`, and of the response
    /// `{"output": …}` the member is what the service is done with.
    ///
    /// ```
    /// let host = hob::Host::builder().build()?;
    /// let ship = host.load_bytes("ship", br#"(module (memory (export "memory") 1) (data (i32.const 16) "{\"output\":7}")
    ///     (func (export "alloc") (param i32) (result i32) (i32.const 64))
    ///     (func (export "eval") (param i32 i32) (result i64) (i64.const 0x100000000c)))"#)?;
    /// let start = hob::machine::Start {
    ///     id: "s".into(), src: Default::default(), input: Default::default(), on_done: "done".into(),
    ///     on_error: "failed".into(), system_id: None, state: None,
    /// };
    /// assert_eq!(ship.behavior()?.serve(&start, None)?, serde_json::json!(7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Behavior::eval`], and `{"error": "…"}`.
    pub fn serve(&self, start: &hob_machine::Start, deadline: Option<Instant>) -> Result<Value, Failure> {
        let request = json!({"input": *start.input, "params": start.src.params});
        let answer = self.eval_until(request.to_string().as_bytes(), deadline).map_err(failure)?;
        Ok(object(&answer)?.remove("output").unwrap_or_default())
    }
}

/// A behavior that is asked, and what it said lately.
struct Asked<A> {
    behavior: Behavior,
    asks: Asks,
    /// What is made of a response.
    read: fn(&[u8]) -> Result<A, Failure>,
    /// Nothing is kept of a behavior that may see the world.
    lately: Option<Lately<A>>,
}

/// What one is sent that asks for everything.
#[derive(Serialize)]
struct Question<'a> {
    context: &'a Value,
    name: &'a str,
    params: &'a Map<String, Value>,
    event: Option<&'a Name>,
    data: Option<&'a Value>,
}

thread_local! {
    /// Where requests are written, one after the other.
    static REQUEST: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl<A: Clone> Asked<A> {
    fn new(behavior: &Behavior, asks: Asks, read: fn(&[u8]) -> Result<A, Failure>) -> Self {
        let lately = behavior.is_closed().then(Lately::default);
        Self { behavior: behavior.clone(), asks, read, lately }
    }

    fn ask(&self, call: &Call<'_>, context: &Value) -> Result<A, Failure> {
        let mut request = REQUEST.take();
        request.clear();
        let answer = self.ask_with(call, context, &mut request);
        if request.capacity() <= KEPT_BYTES_MAX {
            REQUEST.set(request);
        }
        answer
    }

    fn ask_with(&self, call: &Call<'_>, context: &Value, request: &mut Vec<u8>) -> Result<A, Failure> {
        let written = match self.asks {
            Asks::Context => {
                request.extend_from_slice(br#"{"context":"#);
                let written = serde_json::to_writer(&mut *request, context);
                request.push(b'}');
                written
            }
            Asks::Everything => {
                let (name, params, event, data) = (call.name, call.params, call.event, call.data);
                serde_json::to_writer(&mut *request, &Question { context, name, params, event, data })
            }
        };
        written.map_err(|error| Failure(error.to_string()))?;
        let ask = || {
            let read = |response: &[u8]| ((self.read)(response), response.len());
            let (answer, bytes) = self.behavior.ask(request, call.deadline, read).map_err(failure)?;
            answer.map(|answer| (answer, bytes))
        };
        match &self.lately {
            Some(lately) => lately.answer(request, ask),
            None => ask().map(|(answer, _)| answer),
        }
    }
}

/// A response as it is.
#[expect(clippy::unnecessary_wraps, reason = "another way to read a response fails")]
fn bytes(response: &[u8]) -> Result<Arc<[u8]>, Failure> {
    Ok(response.into())
}

#[expect(clippy::needless_pass_by_value, reason = "it is used with map_err")]
fn failure(error: Error) -> Failure {
    Failure(error.to_string())
}

/// The response as an object, unless it says what went wrong.
fn object(answer: &[u8]) -> Result<Map<String, Value>, Failure> {
    let value: Value = serde_json::from_slice(answer)
        .map_err(|error| Failure(format!("the response is not JSON: {error}")))?;
    let Value::Object(fields) = value else {
        return Err(Failure("the response must be a JSON object".into()));
    };
    match fields.get("error") {
        None | Some(Value::Null) => Ok(fields),
        Some(Value::String(said)) => Err(Failure(hob_cap::escape_guest_text(said, 1000))),
        Some(said) => Err(Failure(hob_cap::escape_guest_text(&said.to_string(), 1000))),
    }
}
