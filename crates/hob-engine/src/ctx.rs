//! What a host function sees: the guest's memory and the data the instance was made with. Nothing else.
//!
//! The same type on both engines; which one runs is one predictable branch.

use crate::backend::{compiled, interpreted};
use crate::fault::Fault;

/// The view of one guest during one host call.
pub struct Ctx<'a, T: 'static>(Inner<'a, T>);

enum Inner<'a, T: 'static> {
    Compiled(wasmtime::Caller<'a, compiled::State<T>>),
    Interpreted(wasmi::Caller<'a, interpreted::State<T>>),
}

impl<'a, T: 'static> Ctx<'a, T> {
    #[inline]
    pub(crate) fn compiled(caller: wasmtime::Caller<'a, compiled::State<T>>) -> Self {
        Self(Inner::Compiled(caller))
    }

    #[inline]
    pub(crate) fn interpreted(caller: wasmi::Caller<'a, interpreted::State<T>>) -> Self {
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
    pub fn memory(&mut self) -> Result<&mut [u8], Fault> {
        self.split().map(|(memory, _)| memory)
    }

    /// The guest's memory and the instance's data, both at once.
    ///
    /// # Errors
    ///
    /// When the guest exports no memory as `memory`.
    #[inline]
    pub fn split(&mut self) -> Result<(&mut [u8], &mut T), Fault> {
        match &mut self.0 {
            Inner::Compiled(caller) => {
                let memory = match caller.data().memory {
                    Some(memory) => memory,
                    None => compiled::find_memory(caller)?,
                };
                let (bytes, state) = memory.data_and_store_mut(caller);
                Ok((bytes, &mut state.data))
            }
            Inner::Interpreted(caller) => {
                let memory = match caller.data().memory {
                    Some(memory) => memory,
                    None => interpreted::find_memory(caller)?,
                };
                let (bytes, state) = memory.data_and_store_mut(caller);
                Ok((bytes, &mut state.data))
            }
        }
    }
}

#[cold]
pub(crate) fn no_memory() -> Fault {
    Fault::contract("a host function needs the guest's memory, and the guest exports none as `memory`")
}
