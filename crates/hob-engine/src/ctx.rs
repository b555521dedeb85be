//! What a host function sees: the guest's memory and the data the instance was made with. Nothing else.
//!
//! The same type on both engines; which one runs is one predictable branch.

use crate::backend::{compiled, interpreted};
use crate::boundary::{Boundary, Player};
use crate::fault::Fault;
use crate::memory::{Memory, Trace};
use crate::value::Value;

/// The view of one guest during one host call.
pub struct Ctx<'a, T: 'static>(Inner<'a, T>);

enum Inner<'a, T: 'static> {
    Compiled(wasmtime::Caller<'a, compiled::State<T>>),
    Interpreted(wasmi::Caller<'a, interpreted::State<T>>),
}

impl<'a, T: 'static> Ctx<'a, T> {
    #[inline]
    pub(crate) fn compiled(mut caller: wasmtime::Caller<'a, compiled::State<T>>) -> Self {
        caller.data_mut().host_calls += 1;
        Self(Inner::Compiled(caller))
    }

    #[inline]
    pub(crate) fn interpreted(mut caller: wasmi::Caller<'a, interpreted::State<T>>) -> Self {
        caller.data_mut().host_calls += 1;
        Self(Inner::Interpreted(caller))
    }

    /// The data the instance was made with.
    #[inline]
    pub fn data(&mut self) -> &mut T {
        match &mut self.0 {
            Inner::Compiled(caller) => &mut caller.data_mut().data,
            Inner::Interpreted(caller) => &mut caller.data_mut().data,
        }
    }

    /// The guest's memory, the one it exports as `memory`.
    ///
    /// # Errors
    ///
    /// When the guest exports no memory of that name.
    #[inline]
    pub fn memory(&mut self) -> Result<Memory<'_>, Fault> {
        self.split().map(|(memory, _)| memory)
    }

    /// The guest's memory and the instance's data, both at once.
    ///
    /// # Errors
    ///
    /// When the guest exports no memory as `memory`.
    #[inline]
    pub fn split(&mut self) -> Result<(Memory<'_>, &mut T), Fault> {
        match &mut self.0 {
            Inner::Compiled(caller) => {
                let memory = match caller.data().memory {
                    Some(memory) => memory,
                    None => compiled::find_memory(caller)?,
                };
                let (bytes, state) = memory.data_and_store_mut(caller);
                Ok((
                    Memory::traced(bytes, trace(&mut state.boundary), state.touched.as_mut()),
                    &mut state.data,
                ))
            }
            Inner::Interpreted(caller) => {
                let memory = match caller.data().memory {
                    Some(memory) => memory,
                    None => interpreted::find_memory(caller)?,
                };
                let (bytes, state) = memory.data_and_store_mut(caller);
                Ok((
                    Memory::traced(bytes, trace(&mut state.boundary), state.touched.as_mut()),
                    &mut state.data,
                ))
            }
        }
    }

    /// Fuel that the guest has left; `None` when nothing limits it.
    pub fn fuel_left(&mut self) -> Option<u64> {
        match &mut self.0 {
            Inner::Compiled(caller) => compiled::fuel_left(caller),
            Inner::Interpreted(caller) => interpreted::fuel_left(caller),
        }
    }

    /// Takes fuel from the guest, for work that the host does for it. Does nothing when nothing limits it.
    ///
    /// # Errors
    ///
    /// When it has less; it has none then.
    pub fn burn(&mut self, fuel: u64) -> Result<(), Fault> {
        match &mut self.0 {
            Inner::Compiled(caller) => compiled::burn(caller, fuel),
            Inner::Interpreted(caller) => interpreted::burn(caller, fuel),
        }
    }

    /// Whether the guest exports a function of this name.
    pub fn exports_func(&mut self, name: &str) -> bool {
        match &mut self.0 {
            Inner::Compiled(caller) => {
                caller.get_export(name).is_some_and(|export| export.into_func().is_some())
            }
            Inner::Interpreted(caller) => {
                caller.get_export(name).is_some_and(|export| export.into_func().is_some())
            }
        }
    }

    /// Calls an exported function of the guest from within a host call. The guest's bounds hold for it as for every call.
    ///
    /// # Errors
    ///
    /// The fault that ended the guest; a contract fault when name or types do not fit, or when host calls and guest calls
    /// are nested too deeply: a guest could otherwise use up the host's stack.
    pub fn call_values(&mut self, export: &str, args: &[Value]) -> Result<Vec<Value>, Fault> {
        let depth = self.nested();
        if *depth >= NESTED_MAX {
            return Err(Fault::contract(format!(
                "host calls that call the guest are nested more than {NESTED_MAX} deep"
            )));
        }
        *depth += 1;
        self.settle();
        if let Boundary::Record(recorder, _) = self.boundary() {
            recorder.enter(export, args);
        }
        let result = match &mut self.0 {
            Inner::Compiled(caller) => compiled::reenter(caller, export, args),
            Inner::Interpreted(caller) => interpreted::reenter(caller, export, args),
        };
        if let Boundary::Record(recorder, _) = self.boundary() {
            recorder.left(result.as_deref());
        }
        *self.nested() -= 1;
        result
    }

    pub(crate) fn record_call(&mut self, module: &str, name: &str, args: &[Value]) -> Result<(), Fault> {
        match self.boundary() {
            Boundary::Record(recorder, _) => recorder.call(module, name, args),
            _ => Ok(()),
        }
    }

    pub(crate) fn record_return(
        &mut self,
        result: Result<Option<Value>, Fault>,
    ) -> Result<Option<Value>, Fault> {
        self.settle();
        if let Boundary::Record(recorder, _) = self.boundary() {
            recorder.returned(result.as_ref().copied())?;
        }
        result
    }

    pub(crate) fn player(&mut self) -> Result<&mut dyn Player, Fault> {
        match self.boundary() {
            Boundary::Play(player) => Ok(&mut **player),
            _ => Err(Fault::host("nothing is played back here")),
        }
    }

    /// Tells the recorder what was written so far.
    fn settle(&mut self) {
        if matches!(self.boundary(), Boundary::Record(..))
            && let Ok(mut memory) = self.memory()
        {
            memory.settle();
        }
    }

    fn boundary(&mut self) -> &mut Boundary {
        match &mut self.0 {
            Inner::Compiled(caller) => &mut caller.data_mut().boundary,
            Inner::Interpreted(caller) => &mut caller.data_mut().boundary,
        }
    }

    fn nested(&mut self) -> &mut u8 {
        match &mut self.0 {
            Inner::Compiled(caller) => &mut caller.data_mut().nested,
            Inner::Interpreted(caller) => &mut caller.data_mut().nested,
        }
    }
}

/// How deeply host calls that call the guest again may be nested.
pub(crate) const NESTED_MAX: u8 = 8;

#[inline]
fn trace(boundary: &mut Boundary) -> Option<Trace<'_>> {
    match boundary {
        Boundary::Record(recorder, written) => Some(Trace { recorder: &mut **recorder, written }),
        _ => None,
    }
}

#[cold]
pub(crate) fn no_memory() -> Fault {
    Fault::contract("a host function needs the guest's memory, and the guest exports none as `memory`")
}
