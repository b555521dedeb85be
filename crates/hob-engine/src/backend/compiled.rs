//! Wasmtime: native code by Cranelift, instances from a pool or on demand, interrupted by epochs.

use std::fs::File;
use std::hash::{Hash, Hasher};
use std::time::Instant;

use hob_cap::{Limit, LimitExceeded, StopToken};
use sha2::{Digest, Sha256};

use super::{LiveGuest, contain, misfit, missing, no_fuel};
use crate::boundary::Boundary;
use crate::bounds::{Bounds, Deadlines};
use crate::config::{Allocation, EngineConfig, IDLE_MAX};
use crate::ctx::no_memory;
use crate::engine::Engine;
use crate::error::{LinkError, LoadError};
use crate::fault::{Fault, Trap};
use crate::host::HostTable;
use crate::instance::{Params, Results};
use crate::limiter::Account;
use crate::memory::Memory;
use crate::module::{FuncType, ModuleInner, Tracks, cut_bulk};
use crate::touched::Touched;
use crate::value::{ValType, Value};

/// Bytes of native stack a guest may use. A thread that calls a guest needs this much and its own.
const STACK_BYTES: usize = 1 << 20;

/// Memories and tables of one module in the pool.
const POOL_MEMORIES_PER_MODULE: u32 = 4;
const POOL_TABLES_PER_MODULE: u32 = 4;

/// Maps of resettable instances that a pool has room for. A larger pool would not find addresses for one each.
const MAPS_MAX: u32 = 1024;

pub(crate) struct Backend {
    engine: wasmtime::Engine,
}

impl Backend {
    pub(crate) fn new(config: &EngineConfig) -> Result<Self, String> {
        let engine = wasmtime::Engine::new(&settings(config)).map_err(|error| format!("{error:#}"))?;
        Ok(Self { engine })
    }

    pub(crate) fn engine(&self) -> &wasmtime::Engine {
        &self.engine
    }

    /// `wasm` must have been validated.
    pub(crate) fn compile(&self, wasm: &[u8]) -> Result<Code, LoadError> {
        let module = wasmtime::Module::from_binary(&self.engine, &cut_bulk(wasm)?);
        module.map(|module| Code { module }).map_err(|error| LoadError::Engine(format!("{error:#}")))
    }

    /// A name for everything that native code depends on: engine version, flags, processor.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        let mut hasher = ShaHasher(Sha256::new_with_prefix(b"hob compiled code 1\0"));
        self.engine.precompile_compatibility_hash().hash(&mut hasher);
        hasher.0.finalize().into()
    }

    /// Loads native code from a file.
    ///
    /// # Safety
    ///
    /// The file must hold what [`Code::serialize`] made in an engine of the same fingerprint, and must not change while
    /// the code is alive.
    #[expect(
        unsafe_code,
        reason = "deserialising native code is executing it; the cache authenticates it first"
    )]
    pub(crate) unsafe fn load(&self, file: File) -> Option<Code> {
        // SAFETY: passed on to our caller.
        let module = unsafe { wasmtime::Module::deserialize_open_file(&self.engine, file) };
        module.ok().map(|module| Code { module })
    }
}

pub(crate) fn settings(config: &EngineConfig) -> wasmtime::Config {
    let mut settings = wasmtime::Config::new();
    settings
        .strategy(wasmtime::Strategy::Cranelift)
        .epoch_interruption(true)
        .consume_fuel(config.metered)
        .max_wasm_stack(STACK_BYTES)
        .cranelift_nan_canonicalization(config.deterministic)
        .generate_address_map(false)
        .wasm_tail_call(true)
        .wasm_multi_memory(true)
        .wasm_extended_const(true)
        .wasm_simd(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_wide_arithmetic(false)
        .wasm_custom_page_sizes(false)
        .memory_init_cow(true);
    if let Allocation::Pooled { slots } = config.allocation {
        let mut pool = wasmtime::PoolingAllocationConfig::new();
        let memory = usize::try_from(config.memory_bytes_max).unwrap_or(usize::MAX);
        let table = usize::try_from(config.table_elements_max).unwrap_or(usize::MAX);
        // Instances that wait to be used again do not take the place of others; each of them has a map besides.
        let slots = slots.saturating_add(IDLE_MAX);
        pool.total_core_instances(slots)
            .total_memories(slots.saturating_add(slots.min(MAPS_MAX)))
            .total_tables(slots.saturating_mul(2))
            .max_memories_per_module(POOL_MEMORIES_PER_MODULE)
            .max_tables_per_module(POOL_TABLES_PER_MODULE)
            .max_memory_size(memory)
            .table_elements(table);
        settings.allocation_strategy(wasmtime::InstanceAllocationStrategy::Pooling(pool));
    }
    settings
}

struct ShaHasher(Sha256);

impl Hasher for ShaHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// A module as native code.
pub(crate) struct Code {
    module: wasmtime::Module,
}

impl Code {
    pub(crate) fn serialize(&self) -> Result<Vec<u8>, LoadError> {
        self.module.serialize().map_err(|error| LoadError::Engine(format!("{error:#}")))
    }
}

/// What a store holds.
pub(crate) struct State<T> {
    pub(crate) data: T,
    pub(crate) memory: Option<wasmtime::Memory>,
    pub(crate) boundary: Boundary,
    pub(crate) nested: u8,
    pub(crate) host_calls: u64,
    /// What the host writes to a memory that is to be put back; `None` where nobody will ask.
    pub(crate) touched: Option<Touched>,
    stop: StopToken,
    account: Account,
    fuel: Option<u64>,
}

/// A module with its imports met.
pub(crate) struct Pre<T: 'static> {
    pre: wasmtime::InstancePre<State<T>>,
    map_behind: Option<u64>,
}

impl<T: 'static> Pre<T> {
    pub(crate) fn new(
        backend: &Backend,
        code: &Code,
        module: &ModuleInner,
        table: &HostTable<T>,
    ) -> Result<Self, LinkError> {
        let mut linker = wasmtime::Linker::new(&backend.engine);
        linker.allow_shadowing(true); // A module may import one function twice.
        for import in &module.info.imports {
            table.resolve(import)?.link_compiled(&mut linker, &import.module, &import.name)?;
        }
        let pre =
            linker.instantiate_pre(&code.module).map_err(|error| LinkError::Engine(format!("{error:#}")))?;
        Ok(Self { pre, map_behind: module.map_behind() })
    }

    pub(crate) fn instantiate(
        &self,
        engine: &Engine,
        data: T,
        bounds: Bounds,
        boundary: Boundary,
    ) -> Result<Guest<T>, Fault> {
        let state = State {
            data,
            memory: None,
            boundary,
            nested: 0,
            host_calls: 0,
            touched: self.map_behind.map(|_| Touched::default()),
            stop: bounds.stop,
            account: Account::new(bounds.ledger, self.map_behind),
            fuel: bounds.fuel,
        };
        let mut store = wasmtime::Store::new(self.pre.module().engine(), state);
        store.limiter(|state| &mut state.account);
        store.epoch_deadline_callback(|ctx| match ctx.data().stop.pass_at(Instant::now()) {
            None => Ok(wasmtime::UpdateDeadline::Continue(1)),
            Some(reason) => Err(wasmtime::Error::new(Fault::from(reason))),
        });
        fill_up(&mut store, engine, bounds.fuel)?;
        let mut guest = Guest { store, instance: None, engine: engine.clone(), noted: None };
        let instance = guest.run(|store| self.pre.instantiate(store))?;
        let memory = instance.get_memory(&mut guest.store, "memory");
        guest.store.data_mut().memory = memory;
        guest.instance = Some(instance);
        Ok(guest)
    }
}

/// A live instance.
pub(crate) struct Guest<T: 'static> {
    store: wasmtime::Store<State<T>>,
    instance: Option<wasmtime::Instance>,
    engine: Engine,
    noted: Option<Noted>,
}

/// Where an instance of a resettable module keeps what it notes.
struct Noted {
    memory: Option<(wasmtime::Memory, wasmtime::Memory)>,
    flag: Option<wasmtime::Global>,
    globals: Vec<wasmtime::Global>,
}

fn fill_up<T>(store: &mut wasmtime::Store<T>, engine: &Engine, fuel: Option<u64>) -> Result<(), Fault> {
    let fuel = fuel.or(engine.config().metered.then_some(u64::MAX));
    fuel.map_or(Ok(()), |fuel| store.set_fuel(fuel)).map_err(|error| Fault::host(error.to_string()))
}

/// The memory that is exported as `memory`, outside a call.
fn view<T>(store: &mut wasmtime::Store<State<T>>) -> Option<Memory<'_>> {
    let memory = store.data().memory?;
    let (bytes, state) = memory.data_and_store_mut(store);
    Some(Memory::traced(bytes, None, state.touched.as_mut()))
}

impl<T: 'static> Guest<T> {
    fn find_noted(&mut self, tracks: &Tracks) -> Option<Noted> {
        let (instance, store) = (self.instance?, &mut self.store);
        let memory = if tracks.memory {
            let memory = instance.get_memory(&mut *store, &tracks.memory_export())?;
            Some((memory, instance.get_memory(&mut *store, &tracks.map_export())?))
        } else {
            None
        };
        let flag =
            if tracks.flag { Some(instance.get_global(&mut *store, &tracks.flag_export())?) } else { None };
        let global = |at| instance.get_global(&mut *store, &tracks.global_export(at));
        let globals = (0..tracks.globals).map(global).collect::<Option<_>>()?;
        Some(Noted { memory, flag, globals })
    }

    /// Every entry into guest code comes through here: the stop token is looked at, the epoch moves, panics are caught.
    fn run<R>(
        &mut self,
        enter: impl FnOnce(&mut wasmtime::Store<State<T>>) -> Result<R, wasmtime::Error>,
    ) -> Result<R, Fault> {
        self.look()?;
        self.run_on(|store| enter(store).map_err(|error| fault(error, store.data())))
    }

    /// As [`Guest::run`], where the deadline was looked at just now: it is looked at again with the next tick.
    #[inline]
    fn run_on<R>(
        &mut self,
        enter: impl FnOnce(&mut wasmtime::Store<State<T>>) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        if let Some(reason) = self.store.data().stop.reason() {
            return Err(reason.into());
        }
        let Some(_running) = self.engine.enter() else {
            return Err(Fault::host("the thread that enforces deadlines could not be started"));
        };
        self.store.set_epoch_deadline(1);
        let store = &mut self.store;
        contain(move || enter(store))
    }
}

impl<T: 'static> LiveGuest<T> for Guest<T> {
    type Func<P: Params, R: Results> = wasmtime::TypedFunc<P, R>;

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
        view(&mut self.store)
    }

    fn renew(&mut self, bounds: Bounds) -> Result<(), Fault> {
        let state = self.store.data_mut();
        state.account.move_to(bounds.ledger)?;
        state.stop = bounds.stop;
        state.fuel = bounds.fuel;
        fill_up(&mut self.store, &self.engine, bounds.fuel)
    }

    fn restart(&mut self, until: Deadlines, fuel: Option<u64>) -> Result<(), Fault> {
        let state = self.store.data_mut();
        if !state.stop.restart(until.soft, until.hard) {
            state.stop = StopToken::new(until.soft, until.hard);
        }
        state.account.forget_refused();
        state.fuel = fuel;
        fill_up(&mut self.store, &self.engine, fuel)
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
        flag.is_some_and(|flag| bits(&flag.get(&mut self.store)) != Some(0))
    }

    fn clear_noted_flag(&mut self) {
        if let Some(flag) = self.noted.as_ref().and_then(|noted| noted.flag) {
            // It is an i32 that can be set.
            drop(flag.set(&mut self.store, wasmtime::Val::I32(0)));
        }
    }

    fn noted_globals(&mut self, out: &mut Vec<u128>) {
        let Some(noted) = &self.noted else { return };
        let store = &mut self.store;
        out.extend(noted.globals.iter().map(|global| bits(&global.get(&mut *store)).unwrap_or(0)));
    }

    fn set_noted_globals(&mut self, values: &[u128]) -> bool {
        let Some(noted) = &self.noted else { return false };
        let store = &mut self.store;
        noted.globals.len() == values.len()
            && noted.globals.iter().zip(values).all(|(global, wanted)| {
                let present = global.get(&mut *store);
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
        grown.map(drop).map_err(|error| fault(error, self.store.data()))
    }

    fn settle(&mut self) {
        let state = self.store.data_mut();
        state.nested = 0;
        state.account.forget_refused();
    }

    fn has_func(&mut self, name: &str) -> bool {
        self.instance.is_some_and(|instance| instance.get_func(&mut self.store, name).is_some())
    }

    fn func<P: Params, R: Results>(&mut self, name: &str) -> Option<Self::Func<P, R>> {
        self.instance?.get_typed_func(&mut self.store, name).ok()
    }

    fn look(&self) -> Result<(), Fault> {
        match self.store.data().stop.check_at(Instant::now()) {
            Some(reason) => Err(reason.into()),
            None => Ok(()),
        }
    }

    fn call<P: Params, R: Results>(&mut self, func: &Self::Func<P, R>, params: P) -> Result<R, Fault> {
        self.run(|store| func.call(store, params))
    }

    fn call_both<P: Params, M: Results, Q: Params, R: Results>(
        &mut self,
        first: (&Self::Func<P, M>, P),
        between: impl FnOnce(Option<Memory<'_>>, M) -> Result<Q, Fault>,
        second: &Self::Func<Q, R>,
    ) -> Result<R, Fault> {
        let (first, params) = first;
        self.run_on(|store| {
            let answer = first.call(&mut *store, params).map_err(|error| fault(error, store.data()))?;
            let params = between(view(store), answer)?;
            second.call(&mut *store, params).map_err(|error| fault(error, store.data()))
        })
    }

    fn call_values(&mut self, name: &str, args: &[Value]) -> Result<Vec<Value>, Fault> {
        let func = self.instance.and_then(|instance| instance.get_func(&mut self.store, name));
        let Some(func) = func else { return Err(Fault::contract("no exported function of that name")) };
        let args: Vec<wasmtime::Val> = args.iter().map(to_val).collect();
        let mut results = vec![wasmtime::Val::I32(0); func.ty(&self.store).results().len()];
        self.run(|store| func.call(store, &args, &mut results))?;
        results.iter().map(from_val).collect()
    }

    fn fuel_used(&self) -> u64 {
        let granted = self.store.data().fuel.unwrap_or(u64::MAX);
        self.store.get_fuel().map_or(0, |left| granted.saturating_sub(left))
    }

    fn into_data(self) -> T {
        self.store.into_data().data
    }
}

pub(crate) fn find_memory<T: 'static>(
    caller: &mut wasmtime::Caller<'_, State<T>>,
) -> Result<wasmtime::Memory, Fault> {
    let memory = caller.get_export("memory").and_then(wasmtime::Extern::into_memory).ok_or_else(no_memory)?;
    caller.data_mut().memory = Some(memory);
    Ok(memory)
}

pub(crate) fn fuel_left<T: 'static>(caller: &wasmtime::Caller<'_, State<T>>) -> Option<u64> {
    caller.data().fuel.and(caller.get_fuel().ok())
}

pub(crate) fn burn<T: 'static>(caller: &mut wasmtime::Caller<'_, State<T>>, fuel: u64) -> Result<(), Fault> {
    let (Some(allowed), Some(left)) = (caller.data().fuel, fuel_left(caller)) else { return Ok(()) };
    caller.set_fuel(left.saturating_sub(fuel)).map_err(|error| Fault::host(error.to_string()))?;
    if fuel > left { Err(no_fuel(allowed, left, fuel)) } else { Ok(()) }
}

/// Calls an export from within a host call.
pub(crate) fn reenter<T: 'static>(
    caller: &mut wasmtime::Caller<'_, State<T>>,
    export: &str,
    args: &[Value],
) -> Result<Vec<Value>, Fault> {
    let func = caller.get_export(export).and_then(wasmtime::Extern::into_func);
    let func = func.ok_or_else(|| missing(export))?;
    let args: Vec<wasmtime::Val> = args.iter().map(to_val).collect();
    let ty = func.ty(&*caller);
    let fits = ty.params().len() == args.len()
        && ty.params().zip(&args).all(|(ty, arg)| arg.matches_ty(&*caller, &ty).unwrap_or(false));
    if !fits {
        return Err(misfit(export));
    }
    let mut results = vec![wasmtime::Val::I32(0); ty.results().len()];
    func.call(&mut *caller, &args, &mut results).map_err(|error| fault(error, caller.data()))?;
    results.iter().map(from_val).collect()
}

pub(crate) fn func_type(engine: &wasmtime::Engine, ty: &FuncType) -> wasmtime::FuncType {
    let convert = |ty: &ValType| match ty {
        ValType::I64 => wasmtime::ValType::I64,
        ValType::F32 => wasmtime::ValType::F32,
        ValType::F64 => wasmtime::ValType::F64,
        // Other types are refused before a function of them is made.
        ValType::I32 | ValType::Other => wasmtime::ValType::I32,
    };
    wasmtime::FuncType::new(engine, ty.params.iter().map(convert), ty.results.iter().map(convert))
}

#[cold]
fn fault<T>(error: wasmtime::Error, state: &State<T>) -> Fault {
    let error = match error.downcast::<Fault>() {
        Ok(fault) => return fault,
        Err(error) => error,
    };
    if let Some(trap) = error.downcast_ref::<wasmtime::Trap>() {
        return match trap {
            wasmtime::Trap::OutOfFuel => {
                let allowed = state.fuel.unwrap_or(u64::MAX);
                LimitExceeded { limit: Limit::Fuel, allowed, used: allowed, asked: 1 }.into()
            }
            other => Fault::trap(trap_of(*other), backtrace(&error), state.account.refused().copied()),
        };
    }
    if let Some(refused) = state.account.refused() {
        return (*refused).into();
    }
    Fault::host(format!("{error:#}"))
}

fn backtrace(error: &wasmtime::Error) -> Vec<String> {
    let Some(trace) = error.downcast_ref::<wasmtime::WasmBacktrace>() else { return Vec::new() };
    let name = |frame: &wasmtime::FrameInfo| match frame.func_name() {
        Some(name) => hob_cap::escape_guest_text(name, 120),
        None => format!("function {}", frame.func_index()),
    };
    trace.frames().iter().take(16).map(name).collect()
}

fn trap_of(trap: wasmtime::Trap) -> Trap {
    match trap {
        wasmtime::Trap::UnreachableCodeReached => Trap::Unreachable,
        wasmtime::Trap::MemoryOutOfBounds | wasmtime::Trap::HeapMisaligned => Trap::MemoryOutOfBounds,
        wasmtime::Trap::TableOutOfBounds => Trap::TableOutOfBounds,
        wasmtime::Trap::IndirectCallToNull => Trap::IndirectCallToNull,
        wasmtime::Trap::BadSignature => Trap::BadSignature,
        wasmtime::Trap::IntegerOverflow => Trap::IntegerOverflow,
        wasmtime::Trap::IntegerDivisionByZero => Trap::IntegerDivisionByZero,
        wasmtime::Trap::BadConversionToInteger => Trap::BadConversionToInteger,
        wasmtime::Trap::StackOverflow => Trap::StackOverflow,
        _ => Trap::Other,
    }
}

/// The bits of a number, zero-extended.
fn bits(value: &wasmtime::Val) -> Option<u128> {
    match value {
        wasmtime::Val::I32(v) => Some(v.cast_unsigned().into()),
        wasmtime::Val::I64(v) => Some(v.cast_unsigned().into()),
        wasmtime::Val::F32(v) => Some((*v).into()),
        wasmtime::Val::F64(v) => Some((*v).into()),
        wasmtime::Val::V128(v) => Some(v.as_u128()),
        _ => None,
    }
}

/// A number of the same type as another; `None` when the bits are too many.
fn number(like: &wasmtime::Val, bits: u128) -> Option<wasmtime::Val> {
    let (short, long) = (u32::try_from(bits).ok(), u64::try_from(bits).ok());
    match like {
        wasmtime::Val::I32(_) => short.map(|v| wasmtime::Val::I32(v.cast_signed())),
        wasmtime::Val::I64(_) => long.map(|v| wasmtime::Val::I64(v.cast_signed())),
        wasmtime::Val::F32(_) => short.map(wasmtime::Val::F32),
        wasmtime::Val::F64(_) => long.map(wasmtime::Val::F64),
        wasmtime::Val::V128(_) => Some(wasmtime::Val::V128(bits.into())),
        _ => None,
    }
}

pub(crate) fn to_val(value: &Value) -> wasmtime::Val {
    match *value {
        Value::I32(v) => wasmtime::Val::I32(v),
        Value::I64(v) => wasmtime::Val::I64(v),
        Value::F32(v) => wasmtime::Val::F32(v.to_bits()),
        Value::F64(v) => wasmtime::Val::F64(v.to_bits()),
    }
}

pub(crate) fn from_val(value: &wasmtime::Val) -> Result<Value, Fault> {
    match value {
        wasmtime::Val::I32(v) => Ok(Value::I32(*v)),
        wasmtime::Val::I64(v) => Ok(Value::I64(*v)),
        wasmtime::Val::F32(v) => Ok(Value::F32(f32::from_bits(*v))),
        wasmtime::Val::F64(v) => Ok(Value::F64(f64::from_bits(*v))),
        _ => Err(Fault::contract("the function returns a value that cannot cross the boundary")),
    }
}
