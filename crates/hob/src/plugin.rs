//! A plugin: named functions, each call in an instance of its own.

use hob_abi::json::Sizes;
use hob_abi::plugin::HasDesk as _;
use hob_abi::plugin::{self, Form};
use hob_engine::{BackendKind, Fault, Instance, Linked, Value};
use hob_record::{How, Outcome};

use crate::error::{Error, ErrorKind};
use crate::loaded::Loaded;
use crate::package;
use crate::record::{Recorder, Session, finish, within};
use crate::seat::{Seat, Streams, bounds};
use crate::values::show_values;

pub use hob_abi::plugin::{Callback, Form as PluginForm, LogLine};

/// A module used under the plugin contract.
///
/// ```
/// let host = hob::Host::builder().build()?;
/// let plugin = host.load_bytes("p", br#"(module
///     (func (export "samuel_protocol_version") (result i32) (i32.const 1))
///     (func (export "lint") (result i32) (i32.const 3)))"#)?.plugin()?;
/// assert_eq!(plugin.call("lint", None)?.answer?, hob::Answer::Values(vec![hob::Value::I32(3)]));
/// # Ok::<(), hob::Error>(())
/// ```
#[derive(Clone)]
pub struct Plugin {
    loaded: Loaded,
    linked: Linked<Seat>,
}

/// What a function of a plugin answered.
///
/// ```
/// assert_ne!(hob::Answer::Values(vec![]), hob::Answer::Json(b"{}".to_vec()));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Numbers, from a plain function.
    Values(Vec<Value>),
    /// Bytes, from a JSON function.
    Json(Vec<u8>),
}

/// A call that was made: what was answered, and what else came of it. The log is there even when the guest failed.
///
/// ```
/// # let host = hob::Host::builder().build()?;
/// # let plugin = host.load_bytes("p", br#"(module
/// #     (func (export "samuel_protocol_version") (result i32) (i32.const 1)) (func (export "f")))"#)?.plugin()?;
/// let called = plugin.call("f", None)?;
/// assert!(called.answer.is_ok() && called.log.is_empty() && called.dropped == 0);
/// # Ok::<(), hob::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Called {
    /// What was answered, or the fault that ended the guest.
    pub answer: Result<Answer, Error>,
    /// The lines it logged.
    pub log: Vec<LogLine>,
    /// How many more lines it would have logged.
    pub dropped: u64,
    /// What it called back with.
    pub callbacks: Vec<Callback>,
}

impl Plugin {
    pub(crate) fn new(loaded: Loaded, linked: Linked<Seat>) -> Self {
        Self { loaded, linked }
    }

    /// The functions it offers, and how each is called. Of a package only those that it declares: only for them are there
    /// schemas, and only they were checked.
    ///
    /// ```
    /// # let host = hob::Host::builder().build()?;
    /// # let plugin = host.load_bytes("p", br#"(module
    /// #     (func (export "samuel_protocol_version") (result i32) (i32.const 1)) (func (export "f")))"#)?.plugin()?;
    /// assert_eq!(plugin.functions().collect::<Vec<_>>(), [("f", hob::PluginForm::Plain)]);
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn functions(&self) -> impl Iterator<Item = (&str, Form)> {
        let declared = self.loaded.package().map(|package| package.exports.as_slice()).unwrap_or_default();
        plugin::functions(self.linked.module().info())
            .filter(move |(name, _)| declared.is_empty() || declared.iter().any(|own| own.name == *name))
    }

    /// Asks the plugin how it is: 0 is well, `None` is a plugin that does not say.
    ///
    /// ```
    /// # let host = hob::Host::builder().build()?;
    /// # let plugin = host.load_bytes("p", br#"(module
    /// #     (func (export "samuel_protocol_version") (result i32) (i32.const 1)))"#)?.plugin()?;
    /// assert_eq!(plugin.health()?, None);
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The fault that ended the guest.
    pub fn health(&self) -> Result<Option<i32>, Error> {
        let bounds = bounds(&self.loaded.host.inner.limits, None);
        let done =
            within(&self.loaded.host, &self.linked, Streams::default(), None, bounds, |mut instance| {
                plugin::begin(&mut instance)?;
                plugin::health(&mut instance)
            })?;
        Ok(done?)
    }

    /// Calls a function: a JSON function with a request, a plain one without.
    ///
    /// ```
    /// # let host = hob::Host::builder().build()?;
    /// # let plugin = host.load_bytes("p", br#"(module
    /// #     (func (export "samuel_protocol_version") (result i32) (i32.const 1)) (func (export "f")))"#)?.plugin()?;
    /// assert!(plugin.call("f", None)?.answer.is_ok());
    /// assert!(plugin.call("f", Some(b"{}")).is_err());
    /// assert!(plugin.call("g", None).is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When there is no such function, or it is called in the wrong form. What the guest does wrong is in
    /// [`Called::answer`].
    pub fn call(&self, export: &str, request: Option<&[u8]>) -> Result<Called, Error> {
        self.call_with(export, request, None)
    }

    /// As [`Plugin::call`], recorded.
    ///
    /// ```
    /// # let host = hob::Host::builder().recordable().build()?;
    /// # let plugin = host.load_bytes("p", br#"(module
    /// #     (func (export "samuel_protocol_version") (result i32) (i32.const 1)) (func (export "f")))"#)?.plugin()?;
    /// let file = tempfile::tempfile().unwrap();
    /// assert!(plugin.call_with("f", None, Some(hob::Recorder::new(file)))?.answer.is_ok());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Plugin::call`], and when the record cannot be begun.
    pub fn call_with(
        &self,
        export: &str,
        request: Option<&[u8]>,
        recorder: Option<Recorder>,
    ) -> Result<Called, Error> {
        self.check_form(export, request.is_some())?;
        let declared =
            self.loaded.package().and_then(|package| package.exports.iter().find(|own| own.name == export));
        if let (Some(schema), Some(request)) = (declared.and_then(|own| own.input.as_ref()), request) {
            package::fits(schema, request, true)?;
        }
        let limits = &self.loaded.host.inner.limits;
        let how = || How::Plugin { export: export.into(), request: request.map(<[u8]>::to_vec) };
        let begin = |recorder| Session::begin(&self.loaded, how(), recorder);
        let session = recorder.map(begin).transpose()?;
        let sizes = Sizes { request_max: limits.request_bytes, response_max: limits.response_bytes };
        let mut called = Called {
            answer: Ok(Answer::Values(Vec::new())),
            log: Vec::new(),
            dropped: 0,
            callbacks: Vec::new(),
        };
        let bounds = bounds(limits, None);
        let work = |mut instance: Instance<Seat>| {
            let answer = answer(&mut instance, export, request, sizes);
            (called.log, called.dropped) = instance.data_mut().desk().take_log();
            called.callbacks = instance.data_mut().desk().take_callbacks();
            answer
        };
        let done =
            within(&self.loaded.host, &self.linked, Streams::default(), session.as_ref(), bounds, work)?;
        called.answer = finish(session, done, |answer| {
            Outcome::Answer(match answer {
                Answer::Values(values) => show_values(values).into_bytes(),
                Answer::Json(bytes) => bytes.clone(),
            })
        });
        if let (Some(schema), Ok(Answer::Json(bytes))) =
            (declared.and_then(|own| own.output.as_ref()), &called.answer)
            && let Err(error) = package::fits(schema, bytes, false)
        {
            called.answer = Err(error);
        }
        Ok(called)
    }

    /// Uses a JSON function as a guard: its answer is read as a verdict. An error is never a no.
    ///
    /// ```
    /// # let host = hob::Host::builder().build()?;
    /// # let plugin = host.load_bytes("p", br#"(module (memory (export "memory") 1) (data (i32.const 16) "{\"ok\":true}")
    /// #     (func (export "samuel_protocol_version") (result i32) (i32.const 1))
    /// #     (func (export "samuel_alloc") (param i32) (result i32) (i32.const 64))
    /// #     (func (export "may") (param i32 i32) (result i64) (i64.const 0x100000000b)))"#)?.plugin()?;
    /// assert!(plugin.decide("may", b"{}")?);
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Plugin::call`], what the guest does wrong, and when its answer is no verdict.
    pub fn decide(&self, export: &str, request: &[u8]) -> Result<bool, Error> {
        match self.call(export, Some(request))?.answer? {
            Answer::Json(bytes) => Ok(hob_abi::json::verdict(&bytes)?),
            Answer::Values(_) => Err(Fault::contract("numbers are no verdict").into()),
        }
    }

    /// The back end that would run the plugin now.
    ///
    /// ```
    /// # let host = hob::Host::builder().engine(hob::Choice::Wasmi).build()?;
    /// # let plugin = host.load_bytes("p", br#"(module
    /// #     (func (export "samuel_protocol_version") (result i32) (i32.const 1)))"#)?.plugin()?;
    /// assert_eq!(plugin.backend(), hob::BackendKind::Wasmi);
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn backend(&self) -> BackendKind {
        self.linked.module().backend()
    }

    fn check_form(&self, export: &str, with_request: bool) -> Result<(), Error> {
        let shown = hob_cap::escape_guest_text(export, 120);
        let refuse = |why: String| Err(Fault::contract(why).into());
        match self.functions().find(|(name, _)| *name == export) {
            None => {
                let names: Vec<String> = self
                    .functions()
                    .take(20)
                    .map(|(name, _)| hob_cap::escape_guest_text(name, 120))
                    .collect();
                let have = if names.is_empty() { "none".into() } else { names.join(", ") };
                Err(Error::new(ErrorKind::NoFunction { export: shown, have }))
            }
            Some((_, Form::Json)) if !with_request => {
                refuse(format!("`{shown}` takes a JSON request, and none was given"))
            }
            Some((_, Form::Plain)) if with_request => {
                refuse(format!("`{shown}` takes no request, and one was given"))
            }
            Some(_) => Ok(()),
        }
    }
}

fn answer(
    instance: &mut Instance<Seat>,
    export: &str,
    request: Option<&[u8]>,
    sizes: Sizes,
) -> Result<Answer, Fault> {
    plugin::begin(instance)?;
    Ok(match request {
        Some(request) => Answer::Json(plugin::call_json(instance, export, request, sizes)?),
        None => Answer::Values(plugin::call_plain(instance, export)?),
    })
}
