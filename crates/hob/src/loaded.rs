//! A module that was loaded, before anyone decided what to use it as.

use std::sync::Arc;

use hob_abi::{Contract, actor, command, json, plugin};
use hob_engine::{Instance, Linked, Module, Value};
use hob_record::{How, Outcome};

use crate::actor::{Actor, Functions};
use crate::behavior::Behavior;
use crate::command::Command;
use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::inspect::Inspection;
use crate::package::Package;
use crate::plugin::Plugin;
use crate::record::{Recorder, Session, finish, within};
use crate::reuse::Reuse;
use crate::seat::{Seat, Streams, bounds};
use crate::tool::Tool;
use crate::values::{show_value, show_values};

/// A loaded module. One module may be used as several things, when its exports fit.
///
/// ```
/// let host = hob::Host::builder().build()?;
/// let module = host.load_bytes("m", br#"(module (func (export "_start")))"#)?;
/// assert_eq!(module.contracts(), [hob::Contract::Command]);
/// # Ok::<(), hob::Error>(())
/// ```
#[derive(Clone)]
pub struct Loaded {
    pub(crate) host: Host,
    name: Arc<str>,
    module: Module,
    /// The bytes it was made from, when a record of a run may want them.
    pub(crate) source: Option<Arc<[u8]>>,
    pub(crate) package: Option<Arc<Package>>,
    /// Its instances that wait for the next question, when it is asked questions.
    pub(crate) reuse: Option<Arc<Reuse>>,
}

impl Loaded {
    pub(crate) fn new(host: Host, name: &str, module: Module, source: &[u8]) -> Self {
        let recordable = host.inner.engine.config().deterministic;
        let reuse = Reuse::of(&host, &module, source);
        let source = recordable.then(|| source.into());
        Self { host, name: name.into(), module, source, package: None, reuse: reuse.map(Arc::new) }
    }

    /// The function a program begins with: `_start`, unless its package says otherwise.
    pub(crate) fn entry(&self) -> &str {
        let named = self.package.as_ref().map(|package| package.entry.as_str());
        named.filter(|entry| !entry.is_empty()).unwrap_or(command::ENTRY)
    }

    /// The package it came in, if it came in one.
    ///
    /// ```
    /// let host = hob::Host::builder().build()?;
    /// assert!(host.load_bytes("m", b"(module)")?.package().is_none());
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn package(&self) -> Option<&Package> {
        self.package.as_deref()
    }

    /// The name it was loaded under.
    ///
    /// ```
    /// let host = hob::Host::builder().build()?;
    /// assert_eq!(host.load_bytes("m", b"(module)")?.name(), "m");
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The module beneath.
    ///
    /// ```
    /// let host = hob::Host::builder().build()?;
    /// assert!(host.load_bytes("m", b"(module)")?.module().info().imports.is_empty());
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// The contracts its exports fit.
    ///
    /// ```
    /// let host = hob::Host::builder().build()?;
    /// assert!(host.load_bytes("m", b"(module)")?.contracts().is_empty());
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn contracts(&self) -> Vec<Contract> {
        Contract::detect(self.module.info())
    }

    /// What it imports, exports, and could reach with this host's grants.
    ///
    /// ```
    /// let host = hob::Host::builder().build()?;
    /// assert!(host.load_bytes("m", b"(module)")?.inspect().linkable);
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn inspect(&self) -> Inspection {
        Inspection::of(&self.name, &self.module, &self.host.inner.table)
    }

    /// Uses it as a program.
    ///
    /// ```
    /// let host = hob::Host::builder().build()?;
    /// let program = host.load_bytes("m", br#"(module (func (export "_start")))"#)?.command()?;
    /// assert_eq!(program.run([""; 0])?.code, 0);
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When its exports do not fit the command contract, or it imports what no grant provides.
    pub fn command(&self) -> Result<Command, Error> {
        // A package's entry was checked with the package.
        if self.package.is_none() {
            fits(command::NAME, command::check(self.module.info()))?;
        }
        Ok(Command::new(self.clone(), self.link()?))
    }

    /// Uses it as a decision.
    ///
    /// ```
    /// let host = hob::Host::builder().build()?;
    /// assert!(host.load_bytes("m", b"(module)")?.behavior().is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When its exports do not fit the json contract, or it imports what no grant provides.
    pub fn behavior(&self) -> Result<Behavior, Error> {
        fits(json::NAME, json::check(self.module.info()))?;
        Behavior::new(self)
    }

    /// Uses it as a tool: JSON in, JSON out.
    ///
    /// ```
    /// let host = hob::Host::builder().stdio().build()?;
    /// let tool = host.load_bytes("m", br#"(module (func (export "_start")))"#)?.tool()?;
    /// assert_eq!(tool.kind(), hob::ToolKind::Tool);
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is a package of another kind, its exports do not fit, or it imports what no grant provides.
    pub fn tool(&self) -> Result<Tool, Error> {
        Tool::new(self.command()?, self)
    }

    /// Uses it as a plugin.
    ///
    /// ```
    /// let host = hob::Host::builder().build()?;
    /// assert!(host.load_bytes("m", b"(module)")?.plugin().is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When its exports do not fit the plugin contract, or it imports what no grant provides.
    pub fn plugin(&self) -> Result<Plugin, Error> {
        fits(plugin::NAME, plugin::check(self.module.info()))?;
        Ok(Plugin::new(self.clone(), self.link()?))
    }

    /// Uses it as the code of actors.
    ///
    /// ```
    /// let host = hob::Host::builder().actors().build()?;
    /// assert!(host.load_bytes("m", b"(module)")?.actor().is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When its exports or its section `hob-actor` do not fit the actor contract, it imports anything but the functions of that
    /// contract and of WASI, or the host was not built for actors ([`HostBuilder::actors`](crate::HostBuilder::actors)).
    pub fn actor(&self) -> Result<Arc<Actor>, Error> {
        self.actor_with(&[])
    }

    /// Uses it as the code of actors that may also call these functions of the host.
    ///
    /// ```
    /// use hob::vat::Value;
    ///
    /// let host = hob::Host::builder().actors().build()?;
    /// let wat = br#"(module (import "geb" "kind" (func (param i32 i32) (result i64)))
    ///     (memory (export "memory") 1)
    ///     (func (export "alloc") (param i32) (result i32) (i32.const 64))
    ///     (func (export "turn") (param i32 i32) (result i64) (i64.const 0)))"#;
    /// let module = host.load_bytes("m", wat)?;
    /// let geb = hob::Functions::new("geb").grant("kind", 10, |value| Ok(Value::list([value.clone()])));
    /// assert!(module.actor_with(&[geb]).is_ok());
    /// let refused = module.actor().unwrap_err().to_string();
    /// assert!(refused.contains("imports `geb.kind`, which no grant provides"), "{refused}");
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Loaded::actor`], and when a table has the name of a module that the contract gives functions to.
    pub fn actor_with(&self, functions: &[Functions]) -> Result<Arc<Actor>, Error> {
        fits(actor::NAME, actor::check(self.module.info()))?;
        Actor::new(self, functions)
    }

    /// Calls one exported function with numbers, in a fresh instance, after `_initialize` if there is one.
    ///
    /// ```
    /// use hob::Value;
    /// let host = hob::Host::builder().build()?;
    /// let module = host.load_bytes("m", br#"(module (func (export "twice") (param i32) (result i32)
    ///     (i32.mul (local.get 0) (i32.const 2))))"#)?;
    /// assert_eq!(module.call("twice", &[Value::I32(21)])?, [Value::I32(42)]);
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When there is no such function, the arguments do not fit, or the guest ended otherwise than by returning.
    pub fn call(&self, export: &str, args: &[Value]) -> Result<Vec<Value>, Error> {
        self.call_with(export, args, hob_os::Sink::Discard, hob_os::Sink::Discard)
    }

    /// As [`Loaded::call`], with the guest's output going to these sinks.
    ///
    /// ```
    /// let host = hob::Host::builder().build()?;
    /// let module = host.load_bytes("m", br#"(module (func (export "f")))"#)?;
    /// assert!(module.call_with("f", &[], hob::Sink::Discard, hob::Sink::Discard)?.is_empty());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Loaded::call`].
    pub fn call_with(
        &self,
        export: &str,
        args: &[Value],
        stdout: hob_os::Sink,
        stderr: hob_os::Sink,
    ) -> Result<Vec<Value>, Error> {
        self.call_recorded(export, args, stdout, stderr, None)
    }

    /// As [`Loaded::call_with`], recorded.
    ///
    /// ```
    /// let host = hob::Host::builder().recordable().build()?;
    /// let module = host.load_bytes("m", br#"(module (func (export "f")))"#)?;
    /// let recorder = hob::Recorder::new(tempfile::tempfile().unwrap());
    /// let (out, err) = (hob::Sink::Discard, hob::Sink::Discard);
    /// assert!(module.call_recorded("f", &[], out, err, Some(recorder))?.is_empty());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Loaded::call`], and when the record cannot be begun.
    pub fn call_recorded(
        &self,
        export: &str,
        args: &[Value],
        stdout: hob_os::Sink,
        stderr: hob_os::Sink,
        recorder: Option<Recorder>,
    ) -> Result<Vec<Value>, Error> {
        let linked = self.link()?;
        let how = || How::Call { export: export.into(), args: args.iter().map(show_value).collect() };
        let session = recorder.map(|recorder| Session::begin(self, how(), recorder)).transpose()?;
        let streams = Streams { stdout, stderr, ..Streams::default() };
        let work = |mut instance: Instance<Seat>| {
            json::initialize(&mut instance)?;
            instance.call_values(export, args)
        };
        let bounds = bounds(&self.host.inner.limits, None);
        let done = within(&self.host, &linked, streams, session.as_ref(), bounds, work)?;
        finish(session, done, |values| Outcome::Answer(show_values(values).into_bytes()))
    }

    fn link(&self) -> Result<Linked<Seat>, Error> {
        Ok(self.host.inner.engine.link(&self.module, &self.host.inner.table)?)
    }
}

fn fits(contract: &'static str, checked: Result<(), Vec<hob_abi::Mismatch>>) -> Result<(), Error> {
    checked.map_err(|mismatches| Error::new(ErrorKind::Contract { contract, mismatches }))
}
