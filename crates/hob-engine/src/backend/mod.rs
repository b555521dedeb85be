//! The two back ends behind one shape: `compiled` is Wasmtime, `interpreted` is wasmi.
//!
//! Each has a `Backend` (the engine), `Code` (a module it can run), `Pre<T>` (a module with its imports met), `Guest<T>`
//! (a live instance), `State<T>` (what its store holds) and `Noted` (where an instance of a resettable module keeps what
//! it notes). [`LiveGuest`] is the part of that shape an instance needs.

pub(crate) mod compiled;
pub(crate) mod interpreted;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use hob_cap::{Limit, LimitExceeded};

use crate::bounds::{Bounds, Deadlines};
use crate::fault::{Fault, FaultKind};
use crate::instance::{Params, Results};
use crate::memory::Memory;
use crate::module::Tracks;
use crate::touched::Touched;
use crate::value::Value;

/// Which back end runs a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendKind {
    /// Compiled to native code by Cranelift.
    Wasmtime,
    /// Interpreted.
    Wasmi,
}

impl std::fmt::Display for BackendKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Wasmtime => "wasmtime",
            Self::Wasmi => "wasmi",
        })
    }
}

/// A live instance in one engine.
pub(crate) trait LiveGuest<T> {
    /// A typed handle to an exported function.
    type Func<P: Params, R: Results>: Clone;

    fn data(&self) -> &T;
    fn data_mut(&mut self) -> &mut T;
    fn memory(&mut self) -> Option<&mut [u8]>;
    fn has_func(&mut self, name: &str) -> bool;
    fn func<P: Params, R: Results>(&mut self, name: &str) -> Option<Self::Func<P, R>>;
    /// Looks at the deadline.
    fn look(&self) -> Result<(), Fault>;
    /// Looks at the deadline and calls a function.
    fn call<P: Params, R: Results>(&mut self, func: &Self::Func<P, R>, params: P) -> Result<R, Fault>;
    /// Calls a function, and with what the host makes of its answer a second one. The deadline is looked at only while they
    /// run.
    fn call_both<P: Params, M: Results, Q: Params, R: Results>(
        &mut self,
        first: (&Self::Func<P, M>, P),
        between: impl FnOnce(Option<Memory<'_>>, M) -> Result<Q, Fault>,
        second: &Self::Func<Q, R>,
    ) -> Result<R, Fault>;
    fn call_values(&mut self, name: &str, args: &[Value]) -> Result<Vec<Value>, Fault>;
    fn fuel_used(&self) -> u64;
    fn host_calls(&self) -> u64;
    /// The memory it exports as `memory`.
    fn view(&mut self) -> Option<Memory<'_>>;
    /// New bounds.
    fn renew(&mut self, bounds: Bounds) -> Result<(), Fault>;
    /// New bounds on the same ledger.
    fn restart(&mut self, until: Deadlines, fuel: Option<u64>) -> Result<(), Fault>;

    /// Finds what a resettable module notes, before any of the following; `false` when it is not there or someone listens
    /// at the boundary.
    fn prepare(&mut self, tracks: &Tracks) -> bool;
    fn noted_memory(&mut self) -> Option<&mut [u8]>;
    /// The bytes of that memory.
    fn noted_size(&self) -> usize;
    fn noted_map(&mut self) -> Option<&mut [u8]>;
    fn noted_flag(&mut self) -> bool;
    fn clear_noted_flag(&mut self);
    /// Appends the bits of every global.
    fn noted_globals(&mut self, out: &mut Vec<u128>);
    /// Sets every global; `false` when one does not fit.
    fn set_noted_globals(&mut self, values: &[u128]) -> bool;
    /// What the host wrote.
    fn touched(&mut self) -> &mut Touched;
    fn grow(&mut self, pages: u64) -> Result<(), Fault>;
    /// Forgets what a call that was undone left behind in the host.
    fn settle(&mut self);
    fn into_data(self) -> T;
}

/// Runs guest code so that a panic of a host function ends the guest and nothing else.
pub(crate) fn contain<R>(run: impl FnOnce() -> Result<R, Fault>) -> Result<R, Fault> {
    // Everything the closure can leave half-done belongs to the instance, and a fault discards the instance.
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|panic| Err(Fault::new(FaultKind::HostPanic(message(&*panic)))))
}

/// Work of the host would take more fuel than is left.
#[cold]
pub(crate) fn no_fuel(allowed: u64, left: u64, asked: u64) -> Fault {
    LimitExceeded { limit: Limit::Fuel, allowed, used: allowed.saturating_sub(left), asked }.into()
}

/// A call from within a host call named nothing that can be called.
#[cold]
pub(crate) fn missing(export: &str) -> Fault {
    Fault::contract(format!("no function is exported as `{}`", hob_cap::escape_guest_text(export, 120)))
}

/// A call from within a host call did not fit the function.
#[cold]
pub(crate) fn misfit(export: &str) -> Fault {
    let export = hob_cap::escape_guest_text(export, 120);
    Fault::contract(format!("export `{export}` has another type than the one it is called with"))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into());
    text.chars().take(400).collect()
}
