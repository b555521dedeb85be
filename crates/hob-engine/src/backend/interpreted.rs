//! wasmi: starts at once, interrupted by fuel.
//!
//! wasmi has no epochs. A guest runs on slices of fuel, and between two slices the stop token is looked at and the
//! budget is charged. One bulk operation (`memory.fill`, `memory.grow`) is paid for whole before it begins and cannot be
//! paused; one that could not end before the deadline is therefore not begun.

use std::time::{Duration, Instant};

use hob_cap::{Limit, LimitExceeded, StopReason, StopToken};
use wasmi::AsContextMut;

use super::{LiveGuest, contain, misfit, missing, no_fuel};
use crate::boundary::Boundary;
use crate::bounds::{Bounds, Deadlines};
use crate::ctx::no_memory;
use crate::error::{LinkError, LoadError};
use crate::fault::{Fault, Trap};
use crate::host::HostTable;
use crate::instance::{Params, Results};
use crate::limiter::Account;
use crate::memory::Memory;
use crate::module::{FuncType, ModuleInner, START_EXPORT, Tracks, cut_bulk, export_start, split_lane_stores};
use crate::touched::Touched;
use crate::value::{ValType, Value};

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
        let wasm = split_lane_stores(&wasm)?;
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
    pub(crate) boundary: Boundary,
    pub(crate) nested: u8,
    pub(crate) host_calls: u64,
    /// What the host writes to a memory that is to be put back; `None` where nobody will ask.
    pub(crate) touched: Option<Touched>,
    stop: StopToken,
    account: Account,
    meter: Meter,
}

/// The fuel of one guest.
#[derive(Clone, Copy)]
struct Meter {
    /// What it may use in all.
    allowed: Option<u64>,
    /// What was handed out in the current slice.
    granted: u64,
    /// What was used up in slices that are over.
    spent: u64,
}

/// A module with its imports met.
pub(crate) struct Pre<T: 'static> {
    linker: wasmi::Linker<State<T>>,
    module: wasmi::Module,
    memory_bytes_min: u64,
    map_behind: Option<u64>,
}

impl<T: 'static> Pre<T> {
    pub(crate) fn new(
        backend: &Backend,
        code: &Code,
        inner: &ModuleInner,
        table: &HostTable<T>,
    ) -> Result<Self, LinkError> {
        let mut linker = wasmi::Linker::new(&backend.engine);
        linker.allow_shadowing(true); // A module may import one function twice.
        for import in &inner.info.imports {
            table.resolve(import)?.link_interpreted(&mut linker, &import.module, &import.name)?;
        }
        let (memory_bytes_min, map_behind) = (inner.info.memory_bytes_min, inner.map_behind());
        Ok(Self { linker, module: code.module.clone(), memory_bytes_min, map_behind })
    }

    pub(crate) fn instantiate(&self, data: T, bounds: Bounds, boundary: Boundary) -> Result<Guest<T>, Fault> {
        let state = State {
            data,
            memory: None,
            boundary,
            nested: 0,
            host_calls: 0,
            touched: self.map_behind.map(|_| Touched::default()),
            stop: bounds.stop,
            account: Account::new(bounds.ledger, self.map_behind),
            meter: Meter { allowed: bounds.fuel, granted: 0, spent: 0 },
        };
        let mut store = wasmi::Store::new(self.linker.engine(), state);
        store.limiter(|state| &mut state.account);
        let mut guest = Guest { store, instance: None, noted: None };
        look(guest.store.data())?;
        // Making the memories is one bulk operation too; a small one cannot be late enough to matter.
        if self.memory_bytes_min > SLICE_FUEL * u64::from(BULK_BYTES_PER_FUEL) {
            refuse_what_cannot_end_in_time(guest.store.data(), self.memory_bytes_min)?;
        }
        grant(guest.store.as_context_mut(), u64::MAX)?; // No guest code runs in instantiation: the start function is called below.
        let instance = contain(|| {
            let made = self.linker.instantiate_and_start(&mut guest.store, &self.module);
            made.map_err(|error| fault(&error, guest.store.data()))
        })?;
        guest.store.data_mut().meter.granted = 0;
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
    noted: Option<Noted>,
}

/// Where an instance of a resettable module keeps what it notes.
struct Noted {
    memory: Option<(wasmi::Memory, wasmi::Memory)>,
    flag: Option<wasmi::Global>,
    globals: Vec<wasmi::Global>,
}

impl<T: 'static> Guest<T> {
    fn find_noted(&self, tracks: &Tracks) -> Option<Noted> {
        let (instance, store) = (self.instance?, &self.store);
        let memory = if tracks.memory {
            let memory = instance.get_memory(store, &tracks.memory_export())?;
            Some((memory, instance.get_memory(store, &tracks.map_export())?))
        } else {
            None
        };
        let flag = if tracks.flag { Some(instance.get_global(store, &tracks.flag_export())?) } else { None };
        let global = |at| instance.get_global(store, &tracks.global_export(at));
        let globals = (0..tracks.globals).map(global).collect::<Option<_>>()?;
        Some(Noted { memory, flag, globals })
    }
}

type Context<'a, T> = wasmi::StoreContextMut<'a, State<T>>;

fn look<T>(state: &State<T>) -> Result<(), Fault> {
    match state.stop.pass_at(Instant::now()) {
        Some(reason) => Err(reason.into()),
        None => Ok(()),
    }
}

fn grant<T>(mut store: Context<'_, T>, fuel: u64) -> Result<(), Fault> {
    store.data_mut().meter.granted = fuel;
    store.set_fuel(fuel).map_err(|error| Fault::host(error.to_string()))
}

/// Ends the current slice and starts one that covers at least `required`.
fn next_slice<T>(mut store: Context<'_, T>, required: u64) -> Result<(), Fault> {
    let left = store.get_fuel().unwrap_or(0);
    let meter = &mut store.data_mut().meter;
    meter.spent = meter.spent.saturating_add(meter.granted.saturating_sub(left));
    meter.granted = left;
    look(store.data())?;
    if required > SLICE_FUEL {
        let bytes = required.saturating_mul(u64::from(BULK_BYTES_PER_FUEL));
        refuse_what_cannot_end_in_time(store.data(), bytes)?;
    }
    let mut slice = SLICE_FUEL.max(required);
    let Meter { allowed, spent, .. } = store.data().meter;
    if let Some(allowed) = allowed {
        let left = allowed.saturating_sub(spent);
        if required > left || left == 0 {
            return Err(
                LimitExceeded { limit: Limit::Fuel, allowed, used: spent, asked: required.max(1) }.into()
            );
        }
        slice = slice.min(left);
    }
    grant(store, slice)
}

fn refuse_what_cannot_end_in_time<T>(state: &State<T>, bytes: u64) -> Result<(), Fault> {
    let stop = &state.stop;
    let Some(deadline) = stop.hard_deadline() else { return Ok(()) };
    let needs = Duration::from_millis(bytes / BULK_BYTES_PER_MS);
    if Instant::now().checked_add(needs).is_none_or(|end| end > deadline) {
        stop.stop(StopReason::HardDeadline);
        return Err(StopReason::HardDeadline.into());
    }
    Ok(())
}

/// Calls a function, slice by slice, from outside or from within a host call.
fn run<T: 'static>(
    mut store: impl AsContextMut<Data = State<T>>,
    func: &wasmi::Func,
    args: &[wasmi::Val],
    results: &mut [wasmi::Val],
) -> Result<(), Fault> {
    next_slice(store.as_context_mut(), 0)?;
    let mut step = func.call_resumable(store.as_context_mut(), args, results);
    loop {
        match step.map_err(|error| fault(&error, store.as_context().data()))? {
            wasmi::ResumableCall::Finished => return Ok(()),
            wasmi::ResumableCall::HostTrap(trap) => {
                return Err(fault(trap.host_error(), store.as_context().data()));
            }
            wasmi::ResumableCall::OutOfFuel(paused) => {
                next_slice(store.as_context_mut(), paused.required_fuel())?;
                step = paused.resume(store.as_context_mut(), results);
            }
        }
    }
}

pub(crate) fn fuel_left<T: 'static>(caller: &wasmi::Caller<'_, State<T>>) -> Option<u64> {
    let in_slice = caller.get_fuel().unwrap_or(0);
    let Meter { allowed, granted, spent } = caller.data().meter;
    Some(allowed?.saturating_sub(spent).saturating_sub(granted.saturating_sub(in_slice)))
}

pub(crate) fn burn<T: 'static>(caller: &mut wasmi::Caller<'_, State<T>>, fuel: u64) -> Result<(), Fault> {
    let Some(left) = fuel_left(caller) else { return Ok(()) };
    let rest = left.saturating_sub(fuel);
    let in_slice = caller.get_fuel().unwrap_or(0);
    let meter = &mut caller.data_mut().meter;
    meter.spent = meter.spent.saturating_add(left - rest);
    if in_slice > rest {
        // The slice ends with the fuel.
        meter.granted = meter.granted.saturating_sub(in_slice - rest);
        caller.set_fuel(rest).map_err(|error| Fault::host(error.to_string()))?;
    }
    if fuel > left {
        let allowed = caller.data().meter.allowed.unwrap_or(u64::MAX);
        return Err(no_fuel(allowed, left, fuel));
    }
    Ok(())
}

/// Calls an export from within a host call.
pub(crate) fn reenter<T: 'static>(
    caller: &mut wasmi::Caller<'_, State<T>>,
    export: &str,
    args: &[Value],
) -> Result<Vec<Value>, Fault> {
    let func = caller.get_export(export).and_then(wasmi::Extern::into_func);
    let func = func.ok_or_else(|| missing(export))?;
    let args: Vec<wasmi::Val> = args.iter().map(to_val).collect();
    let ty = func.ty(&*caller);
    if ty.params().len() != args.len() || ty.params().iter().zip(&args).any(|(ty, arg)| *ty != arg.ty()) {
        return Err(misfit(export));
    }
    let mut results = vec![wasmi::Val::I32(0); ty.results().len()];
    run(caller, &func, &args, &mut results)?;
    results.iter().map(from_val).collect()
}

pub(crate) fn func_type(ty: &FuncType) -> wasmi::FuncType {
    let convert = |ty: &ValType| match ty {
        ValType::I64 => wasmi::ValType::I64,
        ValType::F32 => wasmi::ValType::F32,
        ValType::F64 => wasmi::ValType::F64,
        // Other types are refused before a function of them is made.
        ValType::I32 | ValType::Other => wasmi::ValType::I32,
    };
    wasmi::FuncType::new(ty.params.iter().map(convert), ty.results.iter().map(convert))
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
        let memory = self.store.data().memory?;
        if let Some(touched) = &mut self.store.data_mut().touched {
            touched.all();
        }
        Some(memory.data_mut(&mut self.store))
    }

    fn view(&mut self) -> Option<Memory<'_>> {
        let memory = self.store.data().memory?;
        let (bytes, state) = memory.data_and_store_mut(&mut self.store);
        Some(Memory::traced(bytes, None, state.touched.as_mut()))
    }

    fn renew(&mut self, bounds: Bounds) -> Result<(), Fault> {
        let state = self.store.data_mut();
        state.account.move_to(bounds.ledger)?;
        state.stop = bounds.stop;
        state.meter = Meter { allowed: bounds.fuel, granted: 0, spent: 0 };
        grant(self.store.as_context_mut(), 0)
    }

    fn restart(&mut self, until: Deadlines, fuel: Option<u64>) -> Result<(), Fault> {
        let state = self.store.data_mut();
        if !state.stop.restart(until.soft, until.hard) {
            state.stop = StopToken::new(until.soft, until.hard);
        }
        state.account.forget_refused();
        state.meter = Meter { allowed: fuel, granted: 0, spent: 0 };
        grant(self.store.as_context_mut(), 0)
    }

    fn host_calls(&self) -> u64 {
        self.store.data().host_calls
    }

    fn prepare(&mut self, tracks: &Tracks) -> bool {
        if self.noted.is_none() && matches!(self.store.data().boundary, Boundary::Live) {
            self.noted = self.find_noted(tracks);
        }
        self.noted.is_some()
    }

    fn noted_memory(&mut self) -> Option<&mut [u8]> {
        let (memory, _) = self.noted.as_ref()?.memory?;
        Some(memory.data_mut(&mut self.store))
    }

    fn noted_size(&self) -> usize {
        let memory = self.noted.as_ref().and_then(|noted| noted.memory);
        memory.map_or(0, |(memory, _)| memory.data_size(&self.store))
    }

    fn noted_map(&mut self) -> Option<&mut [u8]> {
        let (_, map) = self.noted.as_ref()?.memory?;
        Some(map.data_mut(&mut self.store))
    }

    fn noted_flag(&mut self) -> bool {
        let flag = self.noted.as_ref().and_then(|noted| noted.flag);
        flag.is_some_and(|flag| bits(&flag.get(&self.store)) != Some(0))
    }

    fn clear_noted_flag(&mut self) {
        if let Some(flag) = self.noted.as_ref().and_then(|noted| noted.flag) {
            // It is an i32 that can be set.
            drop(flag.set(&mut self.store, wasmi::Val::I32(0)));
        }
    }

    fn noted_globals(&mut self, out: &mut Vec<u128>) {
        let Some(noted) = &self.noted else { return };
        out.extend(noted.globals.iter().map(|global| bits(&global.get(&self.store)).unwrap_or(0)));
    }

    fn set_noted_globals(&mut self, values: &[u128]) -> bool {
        let Some(noted) = &self.noted else { return false };
        let store = &mut self.store;
        noted.globals.len() == values.len()
            && noted.globals.iter().zip(values).all(|(global, wanted)| {
                let present = global.get(&*store);
                bits(&present) == Some(*wanted)
                    || number(&present, *wanted).is_some_and(|value| global.set(&mut *store, value).is_ok())
            })
    }

    fn touched(&mut self) -> &mut Touched {
        self.store.data_mut().touched.get_or_insert_default()
    }

    fn grow(&mut self, pages: u64) -> Result<(), Fault> {
        let memory = self.noted.as_ref().and_then(|noted| noted.memory);
        let Some((memory, _)) = memory else { return Err(no_memory()) };
        let grown = memory.grow(&mut self.store, pages);
        grown.map(drop).map_err(|error| match self.store.data().account.refused() {
            Some(refused) => (*refused).into(),
            None => Fault::host(error.to_string()),
        })
    }

    fn settle(&mut self) {
        let state = self.store.data_mut();
        state.nested = 0;
        state.account.forget_refused();
    }

    fn has_func(&mut self, name: &str) -> bool {
        self.instance.is_some_and(|instance| instance.get_func(&self.store, name).is_some())
    }

    fn func<P: Params, R: Results>(&mut self, name: &str) -> Option<Self::Func<P, R>> {
        self.instance?.get_typed_func(&self.store, name).ok()
    }

    fn look(&self) -> Result<(), Fault> {
        look(self.store.data())
    }

    // A slice begins with a look at the deadline.
    fn call<P: Params, R: Results>(&mut self, func: &Self::Func<P, R>, params: P) -> Result<R, Fault> {
        contain(|| {
            next_slice(self.store.as_context_mut(), 0)?;
            let mut step = func.call_resumable(&mut self.store, params);
            loop {
                match step.map_err(|error| fault(&error, self.store.data()))? {
                    wasmi::TypedResumableCall::Finished(results) => return Ok(results),
                    wasmi::TypedResumableCall::HostTrap(trap) => {
                        return Err(fault(trap.host_error(), self.store.data()));
                    }
                    wasmi::TypedResumableCall::OutOfFuel(paused) => {
                        next_slice(self.store.as_context_mut(), paused.required_fuel())?;
                        step = paused.resume(&mut self.store);
                    }
                }
            }
        })
    }

    fn call_both<P: Params, M: Results, Q: Params, R: Results>(
        &mut self,
        first: (&Self::Func<P, M>, P),
        between: impl FnOnce(Option<Memory<'_>>, M) -> Result<Q, Fault>,
        second: &Self::Func<Q, R>,
    ) -> Result<R, Fault> {
        let answer = self.call(first.0, first.1)?;
        let params = contain(|| between(self.view(), answer))?;
        self.call(second, params)
    }

    fn call_values(&mut self, name: &str, args: &[Value]) -> Result<Vec<Value>, Fault> {
        let func = self.instance.and_then(|instance| instance.get_func(&self.store, name));
        let Some(func) = func else { return Err(Fault::contract("no exported function of that name")) };
        let args: Vec<wasmi::Val> = args.iter().map(to_val).collect();
        let mut results = vec![wasmi::Val::I32(0); func.ty(&self.store).results().len()];
        contain(|| run(&mut self.store, &func, &args, &mut results))?;
        results.iter().map(from_val).collect()
    }

    fn fuel_used(&self) -> u64 {
        let left = self.store.get_fuel().unwrap_or(0);
        let meter = &self.store.data().meter;
        meter.spent.saturating_add(meter.granted.saturating_sub(left))
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

/// The bits of a number, zero-extended.
fn bits(value: &wasmi::Val) -> Option<u128> {
    match value {
        wasmi::Val::I32(v) => Some(v.cast_unsigned().into()),
        wasmi::Val::I64(v) => Some(v.cast_unsigned().into()),
        wasmi::Val::F32(v) => Some(v.to_bits().into()),
        wasmi::Val::F64(v) => Some(v.to_bits().into()),
        wasmi::Val::V128(v) => Some(v.as_u128()),
        _ => None,
    }
}

/// A number of the same type as another; `None` when the bits are too many.
fn number(like: &wasmi::Val, bits: u128) -> Option<wasmi::Val> {
    let (short, long) = (u32::try_from(bits).ok(), u64::try_from(bits).ok());
    match like {
        wasmi::Val::I32(_) => short.map(|v| wasmi::Val::I32(v.cast_signed())),
        wasmi::Val::I64(_) => long.map(|v| wasmi::Val::I64(v.cast_signed())),
        wasmi::Val::F32(_) => short.map(|v| wasmi::Val::F32(wasmi::F32::from_bits(v))),
        wasmi::Val::F64(_) => long.map(|v| wasmi::Val::F64(wasmi::F64::from_bits(v))),
        wasmi::Val::V128(_) => Some(wasmi::Val::V128(bits.into())),
        _ => None,
    }
}

pub(crate) fn to_val(value: &Value) -> wasmi::Val {
    match *value {
        Value::I32(v) => wasmi::Val::I32(v),
        Value::I64(v) => wasmi::Val::I64(v),
        Value::F32(v) => wasmi::Val::F32(wasmi::F32::from_bits(v.to_bits())),
        Value::F64(v) => wasmi::Val::F64(wasmi::F64::from_bits(v.to_bits())),
    }
}

pub(crate) fn from_val(value: &wasmi::Val) -> Result<Value, Fault> {
    match value {
        wasmi::Val::I32(v) => Ok(Value::I32(*v)),
        wasmi::Val::I64(v) => Ok(Value::I64(*v)),
        wasmi::Val::F32(v) => Ok(Value::F32(f32::from_bits(v.to_bits()))),
        wasmi::Val::F64(v) => Ok(Value::F64(f64::from_bits(v.to_bits()))),
        _ => Err(Fault::contract("the function returns a value that cannot cross the boundary")),
    }
}
