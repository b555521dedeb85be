//! A decision: bytes in, bytes out, nothing kept.

use std::sync::Arc;
use std::time::Instant;

use hob_abi::json::{self, Sizes};
use hob_engine::{HostTable, Linked};
use hob_record::{How, Outcome};

use crate::error::Error;
use crate::loaded::Loaded;
use crate::record::{Recorder, Session, finish, within};
use crate::reuse::Question;
use crate::seat::{Seat, Streams, bounds, deadlines, until};

/// A module used under the json contract. Each call runs in an instance as it was made, so that no call sees what another
/// left behind, and calls from many threads do not wait for each other. An instance that answered is put back to how it
/// was and asked again, where that can be done exactly.
///
/// ```
/// let host = hob::Host::builder().build()?;
/// let echo = host.load_bytes("echo", br#"(module (memory (export "memory") 1)
///     (func (export "alloc") (param i32) (result i32) (i32.const 0))
///     (func (export "eval") (param i32 i32) (result i64)
///         (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1)))))"#)?;
/// assert_eq!(echo.behavior()?.eval(b"{}")?, b"{}");
/// # Ok::<(), hob::Error>(())
/// ```
#[derive(Clone)]
pub struct Behavior {
    loaded: Loaded,
    linked: Kind,
}

#[derive(Clone)]
enum Kind {
    /// Imports nothing: there is no world to build.
    Pure(Linked<()>),
    Worldly(Linked<Seat>),
}

impl Behavior {
    pub(crate) fn new(loaded: &Loaded) -> Result<Self, Error> {
        let (host, module) = (&loaded.host, loaded.module());
        let engine = &host.inner.engine;
        let linked = if module.info().imports.is_empty() {
            Kind::Pure(engine.link(module, &Arc::new(HostTable::new()))?)
        } else {
            Kind::Worldly(engine.link(module, &host.inner.table)?)
        };
        Ok(Self { loaded: loaded.clone(), linked })
    }

    /// Hands the guest a request and returns its response.
    ///
    /// ```
    /// # let host = hob::Host::builder().build()?;
    /// # let bad = host.load_bytes("bad", br#"(module (memory (export "memory") 1)
    /// #     (func (export "alloc") (param i32) (result i32) (i32.const -1))
    /// #     (func (export "eval") (param i32 i32) (result i64) (i64.const 0)))"#)?;
    /// // A guest whose pointers lie gets an error, not an answer.
    /// assert!(bad.behavior()?.eval(b"{}").is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The fault that ended the guest: a trap, a limit, a deadline, a request or response over its size, a pointer that
    /// does not lie in its memory.
    pub fn eval(&self, request: &[u8]) -> Result<Vec<u8>, Error> {
        self.eval_until(request, None)
    }

    /// As [`Behavior::eval`], to be over at this moment even when the host's own deadline is later.
    ///
    /// ```
    /// # let host = hob::Host::builder().build()?;
    /// # let busy = host.load_bytes("busy", br#"(module (memory (export "memory") 1)
    /// #     (func (export "alloc") (param i32) (result i32) (i32.const 0))
    /// #     (func (export "eval") (param i32 i32) (result i64) (loop (br 0)) (i64.const 0)))"#)?;
    /// let soon = std::time::Instant::now() + std::time::Duration::from_millis(20);
    /// assert!(busy.behavior()?.eval_until(b"{}", Some(soon)).is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Behavior::eval`].
    pub fn eval_until(&self, request: &[u8], deadline: Option<Instant>) -> Result<Vec<u8>, Error> {
        self.ask(request, deadline, <[u8]>::to_vec)
    }

    /// As [`Behavior::eval_until`], with the response read where it lies.
    pub(crate) fn ask<R>(
        &self,
        request: &[u8],
        deadline: Option<Instant>,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, Error> {
        let host = &self.loaded.host;
        let limits = &host.inner.limits;
        let sizes = Sizes { request_max: limits.request_bytes, response_max: limits.response_bytes };
        if let Some(reuse) = &self.loaded.reuse
            && reuse.is_ready(host)
        {
            return reuse.ask(host, deadline, Question { request, sizes, read });
        }
        let bounds = until(limits, deadlines(limits, Instant::now(), deadline));
        match &self.linked {
            Kind::Pure(linked) => {
                let mut instance = linked.instantiate((), bounds)?;
                json::initialize(&mut instance)?;
                Ok(read(&json::eval(&mut instance, request, sizes)?))
            }
            Kind::Worldly(linked) => {
                let seat = self.loaded.host.inner.opened.seat(Streams::default(), &bounds)?;
                let mut instance = linked.instantiate(seat, bounds)?;
                json::initialize(&mut instance)?;
                Ok(read(&json::eval(&mut instance, request, sizes)?))
            }
        }
    }

    /// As [`Behavior::eval`], recorded.
    ///
    /// ```
    /// # let host = hob::Host::builder().recordable().build()?;
    /// # let yes = host.load_bytes("yes", br#"(module (memory (export "memory") 1) (data (i32.const 16) "{\"ok\":true}")
    /// #     (func (export "alloc") (param i32) (result i32) (i32.const 64))
    /// #     (func (export "eval") (param i32 i32) (result i64) (i64.const 0x100000000b)))"#)?;
    /// let recorder = hob::Recorder::new(tempfile::tempfile().unwrap());
    /// assert_eq!(yes.behavior()?.eval_recorded(b"{}", recorder)?, br#"{"ok":true}"#);
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Behavior::eval`], and when the record cannot be begun.
    pub fn eval_recorded(&self, request: &[u8], recorder: Recorder) -> Result<Vec<u8>, Error> {
        let (host, limits) = (&self.loaded.host, &self.loaded.host.inner.limits);
        let how = How::Eval { request: request.to_vec() };
        let session = Session::begin(&self.loaded, how, recorder)?;
        let sizes = Sizes { request_max: limits.request_bytes, response_max: limits.response_bytes };
        let linked = host.inner.engine.link(self.loaded.module(), &host.inner.table)?;
        let work = |mut instance| {
            json::initialize(&mut instance)?;
            json::eval(&mut instance, request, sizes)
        };
        let bounds = bounds(limits, None);
        let done = within(host, &linked, Streams::default(), Some(&session), bounds, work)?;
        finish(Some(session), done, |answer| Outcome::Answer(answer.clone()))
    }

    /// Gets ready to be asked often, which otherwise begins with the third question and goes on beside them: the module is
    /// compiled in a second form, whose instances can be put back to how they were made.
    ///
    /// ```
    /// # let host = hob::Host::builder().build()?;
    /// # let yes = host.load_bytes("yes", br#"(module (memory (export "memory") 1) (data (i32.const 16) "{\"ok\":true}")
    /// #     (func (export "alloc") (param i32) (result i32) (i32.const 64))
    /// #     (func (export "eval") (param i32 i32) (result i64) (i64.const 0x100000000b)))"#)?;
    /// let guard = yes.behavior()?;
    /// guard.prepare();
    /// assert!(guard.decide(b"{}")?);
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn prepare(&self) {
        let host = &self.loaded.host.inner;
        if let Some(reuse) = &self.loaded.reuse {
            reuse.prepare(&host.engine, &host.table);
        }
    }

    /// Hands a guard a request and reads its response as a verdict. An error is never a no.
    ///
    /// ```
    /// # let host = hob::Host::builder().build()?;
    /// # let yes = host.load_bytes("yes", br#"(module (memory (export "memory") 1) (data (i32.const 16) "{\"ok\":true}")
    /// #     (func (export "alloc") (param i32) (result i32) (i32.const 64))
    /// #     (func (export "eval") (param i32 i32) (result i64) (i64.const 0x100000000b)))"#)?;
    /// assert!(yes.behavior()?.decide(br#"{"context":{}}"#)?);
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Behavior::eval`], and when the response is no verdict.
    pub fn decide(&self, request: &[u8]) -> Result<bool, Error> {
        Ok(self.ask(request, None, json::verdict)??)
    }

    /// Whether it depends on nothing but its request: it imports nothing, or nothing of the world was granted, so that clock
    /// and randomness are the same in every instance.
    pub(crate) fn is_closed(&self) -> bool {
        match self.linked {
            Kind::Pure(_) => true,
            Kind::Worldly(_) => *self.loaded.host.policy() == hob_cap::Policy::none(),
        }
    }
}
