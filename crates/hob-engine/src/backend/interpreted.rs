//! wasmi: starts at once, interrupted by fuel.
//!
//! wasmi has no epochs. A guest runs on slices of fuel, and between two slices the stop token is looked at and the
//! budget is charged. One bulk operation (`memory.fill`, `memory.grow`) is paid for whole before it begins and cannot be
//! paused; one that could not end before the deadline is therefore not begun.

use std::time::{Duration, Instant};

use hob_cap::{Limit, LimitExceeded, StopReason, StopToken};

use super::{LiveGuest, contain};
use crate::bounds::Bounds;
use crate::ctx::no_memory;
use crate::error::{LinkError, LoadError};
use crate::fault::{Fault, Trap};
use crate::host::HostTable;
use crate::instance::{Params, Results};
use crate::limiter::Account;
use crate::module::{ModuleInfo, START_EXPORT, cut_bulk, export_start};
use crate::value::Value;

/// Units of fuel in one slice: less than a millisecond of interpretation, and at most 6 MiB of one bulk operation.
const SLICE_FUEL: u64 = 100_000;

/// Bytes of a bulk operation for one unit of fuel.
const BULK_BYTES_PER_FUEL: u32 = 64;

/// A rate of bulk operations that any machine reaches even on memory it touches for the first time, in bytes for each
/// millisecond.
const BULK_BYTES_PER_MS: u64 = 512 << 10;

/// Calls that may be open at once, and the bytes of the interpreter's stack they may take.
const RECURSION_MAX: usize = 20_000;
const STACK_BYTES: usize = 8 << 20;

pub(crate) struct Backend {
    engine: wasmi::Engine,
}

impl Backend {
    pub(crate) fn new() -> Self {
        let mut config = wasmi::Config::default();
        config
            .consume_fuel(true)
            .fuel_cost(wasmi::CustomFuelCosts {
                bytes_copied_per_fuel: BULK_BYTES_PER_FUEL,
                fuel_per_bytes_translated: 0,
                fuel_per_bytes_validated: 0,
            })
            // The whole module is validated before it comes here, so bodies need not be looked at until they run.
            .compilation_mode(wasmi::CompilationMode::Lazy)
            .ignore_custom_sections(true)
            .set_max_recursion_depth(RECURSION_MAX)
            .set_max_stack_height(STACK_BYTES)
            .wasm_tail_call(true)
            .wasm_multi_memory(true)
            .wasm_extended_const(true)
            .wasm_simd(true)
            .wasm_relaxed_simd(false)
            .wasm_wide_arithmetic(false)
            .wasm_custom_page_sizes(false);
        Self { engine: wasmi::Engine::new(&config) }
    }

    /// `wasm` must have been validated.
    pub(crate) fn compile(&self, wasm: &[u8]) -> Result<Code, LoadError> {
        let wasm = cut_bulk(wasm)?;
        let module = wasmi::Module::new(&self.engine, export_start(&wasm)?);
        module.map(|module| Code { module }).map_err(|error| LoadError::Engine(error.to_string()))
    }
}

/// A module the interpreter can run.
pub(crate) struct Code {
    module: wasmi::Module,
}

/// What a store holds.
pub(crate) struct State<T> {
    pub(crate) data: T,
    pub(crate) memory: Option<wasmi::Memory>,
    stop: StopToken,
    account: Account,
    fuel: Option<u64>,
}

/// A module with its imports met.
pub(crate) struct Pre<T: 'static> {
    linker: wasmi::Linker<State<T>>,
    module: wasmi::Module,
    memory_bytes_min: u64,
}

impl<T: 'static> Pre<T> {
    pub(crate) fn new(
        backend: &Backend,
        code: &Code,
        info: &ModuleInfo,
        table: &HostTable<T>,
    ) -> Result<Self, LinkError> {
        let mut linker = wasmi::Linker::new(&backend.engine);
        linker.allow_shadowing(true); // A module may import one function twice.
        for import in &info.imports {
            table.resolve(import)?.link_interpreted(&mut linker, &import.module, &import.name)?;
        }
        Ok(Self { linker, module: code.module.clone(), memory_bytes_min: info.memory_bytes_min })
    }

    pub(crate) fn instantiate(&self, data: T, bounds: Bounds) -> Result<Guest<T>, Fault> {
        let account = Account::new(bounds.ledger);
        let state = State { data, memory: None, stop: bounds.stop, account, fuel: bounds.fuel };
        let mut store = wasmi::Store::new(self.linker.engine(), state);
        store.limiter(|state| &mut state.account);
        let mut guest = Guest { store, instance: None, granted: 0, spent: 0 };
        guest.look()?;
        // Making the memories is one bulk operation too; a small one cannot be late enough to matter.
        if self.memory_bytes_min > SLICE_FUEL * u64::from(BULK_BYTES_PER_FUEL) {
            guest.refuse_what_cannot_end_in_time(self.memory_bytes_min)?;
        }
        guest.grant(u64::MAX)?; // No guest code runs in instantiation: the start function is called below.
        let instance = contain(|| {
            let made = self.linker.instantiate_and_start(&mut guest.store, &self.module);
            made.map_err(|error| fault(&error, guest.store.data()))
        })?;
        guest.granted = 0;
        let memory = instance.get_memory(&guest.store, "memory");
        guest.store.data_mut().memory = memory;
        guest.instance = Some(instance);
        if let Some(start) = guest.func::<(), ()>(START_EXPORT) {
            guest.call(&start, ())?;
        }
        Ok(guest)
    }
}

/// A live instance.
pub(crate) struct Guest<T: 'static> {
    store: wasmi::Store<State<T>>,
    instance: Option<wasmi::Instance>,
    /// Fuel handed out in the current slice.
    granted: u64,
    /// Fuel used up in slices that are over.
    spent: u64,
}

impl<T: 'static> Guest<T> {
    fn look(&self) -> Result<(), Fault> {
        match self.store.data().stop.check_at(Instant::now()) {
            Some(reason) => Err(reason.into()),
            None => Ok(()),
        }
    }

    fn grant(&mut self, fuel: u64) -> Result<(), Fault> {
        self.granted = fuel;
        self.store.set_fuel(fuel).map_err(|error| Fault::host(error.to_string()))
    }

    /// Ends the current slice and starts one that covers at least `required`.
    fn next_slice(&mut self, required: u64) -> Result<(), Fault> {
        self.settle();
        self.look()?;
        if required > SLICE_FUEL {
            self.refuse_what_cannot_end_in_time(required.saturating_mul(u64::from(BULK_BYTES_PER_FUEL)))?;
        }
        let mut slice = SLICE_FUEL.max(required);
        if let Some(allowed) = self.store.data().fuel {
            let left = allowed.saturating_sub(self.spent);
            if required > left || left == 0 {
                let asked = required.max(1);
                return Err(LimitExceeded { limit: Limit::Fuel, allowed, used: self.spent, asked }.into());
            }
            slice = slice.min(left);
        }
        self.grant(slice)
    }

    fn settle(&mut self) {
        let left = self.store.get_fuel().unwrap_or(0);
        self.spent = self.spent.saturating_add(self.granted.saturating_sub(left));
        self.granted = left;
    }

    fn refuse_what_cannot_end_in_time(&self, bytes: u64) -> Result<(), Fault> {
        let stop = &self.store.data().stop;
        let Some(deadline) = stop.hard_deadline() else { return Ok(()) };
        let needs = Duration::from_millis(bytes / BULK_BYTES_PER_MS);
        if Instant::now().checked_add(needs).is_none_or(|end| end > deadline) {
            stop.stop(StopReason::HardDeadline);
            return Err(StopReason::HardDeadline.into());
        }
        Ok(())
    }
}

impl<T: 'static> LiveGuest<T> for Guest<T> {
    type Func<P: Params, R: Results> = wasmi::TypedFunc<P, R>;

    fn data(&self) -> &T {
        &self.store.data().data
    }

    fn data_mut(&mut self) -> &mut T {
        &mut self.store.data_mut().data
    }

    fn memory(&mut self) -> Option<&mut [u8]> {
        self.store.data().memory.map(|memory| memory.data_mut(&mut self.store))
    }

    fn has_func(&mut self, name: &str) -> bool {
        self.instance.is_some_and(|instance| instance.get_func(&self.store, name).is_some())
    }

    fn func<P: Params, R: Results>(&mut self, name: &str) -> Option<Self::Func<P, R>> {
        self.instance?.get_typed_func(&self.store, name).ok()
    }

    fn call<P: Params, R: Results>(&mut self, func: &Self::Func<P, R>, params: P) -> Result<R, Fault> {
        contain(|| {
            self.next_slice(0)?;
            let mut step = func.call_resumable(&mut self.store, params);
            loop {
                match step.map_err(|error| fault(&error, self.store.data()))? {
                    wasmi::TypedResumableCall::Finished(results) => return Ok(results),
                    wasmi::TypedResumableCall::HostTrap(trap) => {
                        return Err(fault(trap.host_error(), self.store.data()));
                    }
                    wasmi::TypedResumableCall::OutOfFuel(paused) => {
                        self.next_slice(paused.required_fuel())?;
                        step = paused.resume(&mut self.store);
                    }
                }
            }
        })
    }

    fn call_values(&mut self, name: &str, args: &[Value]) -> Result<Vec<Value>, Fault> {
        let func = self.instance.and_then(|instance| instance.get_func(&self.store, name));
        let Some(func) = func else { return Err(Fault::contract("no exported function of that name")) };
        let args: Vec<wasmi::Val> = args.iter().map(to_val).collect();
        let mut results = vec![wasmi::Val::I32(0); func.ty(&self.store).results().len()];
        contain(|| {
            self.next_slice(0)?;
            let mut step = func.call_resumable(&mut self.store, &args, &mut results);
            loop {
                match step.map_err(|error| fault(&error, self.store.data()))? {
                    wasmi::ResumableCall::Finished => break,
                    wasmi::ResumableCall::HostTrap(trap) => {
                        return Err(fault(trap.host_error(), self.store.data()));
                    }
                    wasmi::ResumableCall::OutOfFuel(paused) => {
                        self.next_slice(paused.required_fuel())?;
                        step = paused.resume(&mut self.store, &mut results);
                    }
                }
            }
            Ok(())
        })?;
        results.iter().map(from_val).collect()
    }

    fn fuel_used(&self) -> u64 {
        let left = self.store.get_fuel().unwrap_or(0);
        self.spent.saturating_add(self.granted.saturating_sub(left))
    }

    fn into_data(self) -> T {
        self.store.into_data().data
    }
}

pub(crate) fn find_memory<T: 'static>(
    caller: &mut wasmi::Caller<'_, State<T>>,
) -> Result<wasmi::Memory, Fault> {
    let memory = caller.get_export("memory").and_then(wasmi::Extern::into_memory).ok_or_else(no_memory)?;
    caller.data_mut().memory = Some(memory);
    Ok(memory)
}

#[cold]
fn fault<T>(error: &wasmi::Error, state: &State<T>) -> Fault {
    if let Some(fault) = error.downcast_ref::<Fault>() {
        return fault.clone();
    }
    if let Some(trap) = error.as_trap_code() {
        return Fault::trap(trap_of(trap), Vec::new(), state.account.refused().copied());
    }
    if let Some(refused) = state.account.refused() {
        return (*refused).into();
    }
    Fault::host(error.to_string())
}

fn trap_of(trap: wasmi::TrapCode) -> Trap {
    match trap {
        wasmi::TrapCode::UnreachableCodeReached => Trap::Unreachable,
        wasmi::TrapCode::MemoryOutOfBounds => Trap::MemoryOutOfBounds,
        wasmi::TrapCode::TableOutOfBounds => Trap::TableOutOfBounds,
        wasmi::TrapCode::IndirectCallToNull => Trap::IndirectCallToNull,
        wasmi::TrapCode::BadSignature => Trap::BadSignature,
        wasmi::TrapCode::IntegerOverflow => Trap::IntegerOverflow,
        wasmi::TrapCode::IntegerDivisionByZero => Trap::IntegerDivisionByZero,
        wasmi::TrapCode::BadConversionToInteger => Trap::BadConversionToInteger,
        wasmi::TrapCode::StackOverflow => Trap::StackOverflow,
        _ => Trap::Other,
    }
}

fn to_val(value: &Value) -> wasmi::Val {
    match *value {
        Value::I32(v) => wasmi::Val::I32(v),
        Value::I64(v) => wasmi::Val::I64(v),
        Value::F32(v) => wasmi::Val::F32(wasmi::F32::from_bits(v.to_bits())),
        Value::F64(v) => wasmi::Val::F64(wasmi::F64::from_bits(v.to_bits())),
    }
}

fn from_val(value: &wasmi::Val) -> Result<Value, Fault> {
    match value {
        wasmi::Val::I32(v) => Ok(Value::I32(*v)),
        wasmi::Val::I64(v) => Ok(Value::I64(*v)),
        wasmi::Val::F32(v) => Ok(Value::F32(f32::from_bits(v.to_bits()))),
        wasmi::Val::F64(v) => Ok(Value::F64(f64::from_bits(v.to_bits()))),
        _ => Err(Fault::contract("the function returns a value that cannot cross the boundary")),
    }
}
