//! One live guest.

use crate::backend::{BackendKind, LiveGuest, compiled, interpreted};
use crate::fault::{Fault, FaultKind};
use crate::memory::Memory;
use crate::module::{FuncType, Module};
use crate::places::Place;
use crate::reset::Mark;
use crate::value::{ValType, Value};

/// What an exported function may take: a number, a tuple of numbers, or `()`.
pub trait Params: wasmtime::WasmParams + wasmi::WasmParams {}
impl<P: wasmtime::WasmParams + wasmi::WasmParams> Params for P {}

/// What an exported function may return: a number, a tuple of numbers, or `()`.
pub trait Results: wasmtime::WasmResults + wasmi::WasmResults {}
impl<R: wasmtime::WasmResults + wasmi::WasmResults> Results for R {}

/// A live instance of a module. A [`Fault`] ends it; it is then good for nothing but [`Instance::into_data`], unless it
/// was marked and can be put back ([`Instance::reset`]).
///
/// An instance belongs to one thread at a time and may move between threads.
pub struct Instance<T: 'static> {
    pub(crate) guest: Guest<T>,
    pub(crate) module: Module,
    pub(crate) ended: bool,
    /// Whether what ended it left it whole.
    pub(crate) recoverable: bool,
    pub(crate) mark: Option<Mark>,
    /// Whether nothing but memory and globals has changed, as far as was looked.
    pub(crate) portable: bool,
    pub(crate) place: Place,
}

pub(crate) enum Guest<T: 'static> {
    Compiled(compiled::Guest<T>),
    Interpreted(Box<interpreted::Guest<T>>),
}

/// A typed handle to an exported function of one instance.
pub struct Func<P: Params, R: Results>(Handle<P, R>);

enum Handle<P: Params, R: Results> {
    Compiled(wasmtime::TypedFunc<P, R>),
    Interpreted(wasmi::TypedFunc<P, R>),
}

macro_rules! with_guest {
    ($self:expr, $guest:ident => $body:expr) => {
        match $self {
            $crate::instance::Guest::Compiled($guest) => $body,
            $crate::instance::Guest::Interpreted($guest) => $body,
        }
    };
}

pub(crate) use with_guest;

impl<T: 'static> Instance<T> {
    pub(crate) fn new(guest: Guest<T>, module: Module, place: Place) -> Self {
        Self { guest, module, ended: false, recoverable: true, mark: None, portable: true, place }
    }

    /// The back end that runs this instance.
    #[must_use]
    pub fn backend(&self) -> BackendKind {
        match self.guest {
            Guest::Compiled(_) => BackendKind::Wasmtime,
            Guest::Interpreted(_) => BackendKind::Wasmi,
        }
    }

    /// Calls the exported function `name`.
    ///
    /// # Errors
    ///
    /// The fault that ended the guest. A name that is not exported with this type is a broken contract.
    pub fn call<P: Params, R: Results>(&mut self, name: &str, params: P) -> Result<R, Fault> {
        let func = self.func(name)?;
        self.call_func(&func, params)
    }

    /// Finds the exported function `name`, to call it more than once.
    ///
    /// # Errors
    ///
    /// When nothing of that name is exported, or with another type.
    pub fn func<P: Params, R: Results>(&mut self, name: &str) -> Result<Func<P, R>, Fault> {
        let found = match &mut self.guest {
            Guest::Compiled(guest) => guest.func(name).map(Handle::Compiled),
            Guest::Interpreted(guest) => guest.func(name).map(Handle::Interpreted),
        };
        found.map(Func).ok_or_else(|| self.missing(name))
    }

    /// Calls a function found with [`Instance::func`] of this instance.
    ///
    /// # Errors
    ///
    /// The fault that ended the guest.
    pub fn call_func<P: Params, R: Results>(&mut self, func: &Func<P, R>, params: P) -> Result<R, Fault> {
        self.alive()?;
        let result = match (&mut self.guest, &func.0) {
            (Guest::Compiled(guest), Handle::Compiled(func)) => guest.call(func, params),
            (Guest::Interpreted(guest), Handle::Interpreted(func)) => guest.call(func, params),
            _ => Err(elsewhere()),
        };
        self.note_end(&result);
        result
    }

    /// Looks at the deadline, as every call does before it begins.
    ///
    /// # Errors
    ///
    /// When the guest was stopped, and when it had ended before.
    pub fn look(&mut self) -> Result<(), Fault> {
        self.alive()?;
        let looked = with_guest!(&mut self.guest, guest => guest.look());
        self.note_end(&looked);
        looked
    }

    /// Calls one function and then another, which is given what `between` makes of the first one's answer and of the memory
    /// that is exported as `memory`. For two that belong together, such as making room and using it: getting ready to run a
    /// guest happens once. Follows at once on the deadline being looked at, which is not looked at again before they run, only
    /// while they do.
    ///
    /// # Errors
    ///
    /// The fault that ended the guest, which may be that of `between`.
    pub fn call_both<P: Params, M: Results, Q: Params, R: Results>(
        &mut self,
        first: (&Func<P, M>, P),
        between: impl FnOnce(Option<Memory<'_>>, M) -> Result<Q, Fault>,
        second: &Func<Q, R>,
    ) -> Result<R, Fault> {
        self.alive()?;
        let (func, params) = first;
        let result = match (&mut self.guest, &func.0, &second.0) {
            (Guest::Compiled(guest), Handle::Compiled(func), Handle::Compiled(second)) => {
                guest.call_both((func, params), between, second)
            }
            (Guest::Interpreted(guest), Handle::Interpreted(func), Handle::Interpreted(second)) => {
                guest.call_both((func, params), between, second)
            }
            _ => Err(elsewhere()),
        };
        self.note_end(&result);
        result
    }

    /// Calls the exported function `name` with values whose types are known only now.
    ///
    /// # Errors
    ///
    /// The fault that ended the guest; a contract fault when name, number or types of the arguments do not fit (the
    /// instance then lives on).
    pub fn call_values(&mut self, name: &str, args: &[Value]) -> Result<Vec<Value>, Fault> {
        self.alive()?;
        let Some(ty) = self.module.info().exported_func(name) else { return Err(self.missing(name)) };
        check_args(name, ty, args)?;
        let result = with_guest!(&mut self.guest, guest => guest.call_values(name, args));
        self.note_end(&result);
        result
    }

    /// Calls an exported function that takes and returns nothing. An exit ends only this call: its code is returned, and
    /// the instance lives on.
    ///
    /// # Errors
    ///
    /// Any other fault that ended the guest.
    pub fn run_to_exit(&mut self, name: &str) -> Result<Option<u32>, Fault> {
        match self.call::<(), ()>(name, ()) {
            Ok(()) => Ok(None),
            Err(fault) => {
                let code = fault.exit_code().ok_or(fault)?;
                self.ended = false;
                Ok(Some(code))
            }
        }
    }

    /// Whether a function is exported as `name`.
    pub fn has_func(&mut self, name: &str) -> bool {
        with_guest!(&mut self.guest, guest => guest.has_func(name))
    }

    /// The guest's memory, if it exports one as `memory`, read and written through checks. What is written this way is known
    /// to [`Instance::reset`].
    pub fn view(&mut self) -> Option<Memory<'_>> {
        with_guest!(&mut self.guest, guest => guest.view())
    }

    /// The bytes of the guest's memory, if it exports one as `memory`. All of them then count as written: see
    /// [`Instance::view`].
    pub fn memory(&mut self) -> Option<&mut [u8]> {
        with_guest!(&mut self.guest, guest => guest.memory())
    }

    /// The data the instance was made with.
    #[must_use]
    pub fn data(&self) -> &T {
        with_guest!(&self.guest, guest => guest.data())
    }

    /// The data the instance was made with.
    pub fn data_mut(&mut self) -> &mut T {
        with_guest!(&mut self.guest, guest => guest.data_mut())
    }

    /// How many calls of host functions the guest has made.
    #[must_use]
    pub fn host_calls(&self) -> u64 {
        with_guest!(&self.guest, guest => guest.host_calls())
    }

    /// Fuel used so far; 0 when nothing counts it.
    #[must_use]
    pub fn fuel_used(&self) -> u64 {
        with_guest!(&self.guest, guest => guest.fuel_used())
    }

    /// Ends the instance and gives its data back.
    #[must_use]
    pub fn into_data(self) -> T {
        with_guest!(self.guest, guest => guest.into_data())
    }

    fn alive(&self) -> Result<(), Fault> {
        if self.ended { Err(Fault::new(FaultKind::Ended)) } else { Ok(()) }
    }

    fn missing(&self, name: &str) -> Fault {
        let name = hob_cap::escape_guest_text(name, 120);
        match self.module.info().exported_func(&name) {
            Some(ty) => Fault::contract(format!(
                "export `{name}` has type {ty}, which is not the one it is called with"
            )),
            None => Fault::contract(format!("no function is exported as `{name}`")),
        }
    }
}

#[cold]
fn elsewhere() -> Fault {
    Fault::host("the function belongs to another instance")
}

fn check_args(name: &str, ty: &FuncType, args: &[Value]) -> Result<(), Fault> {
    let fits =
        ty.params.len() == args.len() && ty.params.iter().zip(args).all(|(want, got)| *want == got.ty());
    if !fits {
        let name = hob_cap::escape_guest_text(name, 120);
        return Err(Fault::contract(format!("`{name}` is {ty} and was given {} arguments", args.len())));
    }
    if ty.params.iter().chain(&ty.results).any(|ty| *ty == ValType::Other) {
        let name = hob_cap::escape_guest_text(name, 120);
        return Err(Fault::contract(format!(
            "`{name}` takes or returns values that cannot cross the boundary"
        )));
    }
    Ok(())
}
