//! Behaviors as what a statechart names: guards, actions, changes of the context, services.
//!
//! Each call runs in an instance of its own, so that a machine that is replayed decides the same. The deadline of the step
//! reaches the guest: whichever is earlier, that or the host's own, stops it.
//!
//! A behavior that nothing was granted can depend on nothing but its request, so it is not asked the same thing twice: the last
//! answers are kept, and errors never are. One that was granted anything is asked every time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use hob_machine::{Call, Failure, Name};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::behavior::Behavior;
use crate::error::Error;

/// How many answers are kept for one binding, and how many bytes a request or an answer that is kept may have.
const KEPT_MAX: usize = 16;
const KEPT_BYTES_MAX: usize = 8 << 10;

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
        let asked = Asked::new(self, asks);
        move |call| {
            let answer = asked.ask(call, call.context)?;
            hob_abi::json::verdict(&answer).map_err(|error| Failure(error.to_string()))
        }
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
        let asked = Asked::new(self, asks);
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
        let asked = Asked::new(self, asks);
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
struct Asked {
    behavior: Behavior,
    asks: Asks,
    /// Newest first; nothing is kept of a behavior that may see the world.
    kept: Option<Mutex<Vec<Kept>>>,
}

/// A request, and the response to it.
type Kept = (Vec<u8>, Arc<[u8]>);

/// What a behavior is sent.
#[derive(Serialize)]
struct Context<'a> {
    context: &'a Value,
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

impl Asked {
    fn new(behavior: &Behavior, asks: Asks) -> Self {
        let kept = behavior.is_closed().then(Mutex::default);
        Self { behavior: behavior.clone(), asks, kept }
    }

    fn ask(&self, call: &Call<'_>, context: &Value) -> Result<Arc<[u8]>, Failure> {
        let request = match self.asks {
            Asks::Context => serde_json::to_vec(&Context { context }),
            Asks::Everything => {
                let (name, params, event, data) = (call.name, call.params, call.event, call.data);
                serde_json::to_vec(&Question { context, name, params, event, data })
            }
        };
        let request = request.map_err(|error| Failure(error.to_string()))?;
        if let Some(answer) = self.kept_answer(&request) {
            return Ok(answer);
        }
        let answer: Arc<[u8]> = self.behavior.eval_until(&request, call.deadline).map_err(failure)?.into();
        self.keep(request, &answer);
        Ok(answer)
    }

    fn kept_answer(&self, request: &[u8]) -> Option<Arc<[u8]>> {
        let mut kept = self.kept.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|(asked, _)| asked == request)?;
        // What is asked again and again stays at the front.
        kept.get_mut(..=place)?.rotate_right(1);
        kept.first().map(|(_, answer)| Arc::clone(answer))
    }

    fn keep(&self, request: Vec<u8>, answer: &Arc<[u8]>) {
        let Some(kept) = &self.kept else { return };
        if request.len() <= KEPT_BYTES_MAX && answer.len() <= KEPT_BYTES_MAX {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.truncate(KEPT_MAX - 1);
            kept.insert(0, (request, Arc::clone(answer)));
        }
    }
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
