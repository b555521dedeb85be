//! Calling one function of the contract: its fixture, linked against the functions of its generation, on one engine.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use hob_abi::command::{Eras, Function, Functions, Generation, Guest, VARIANTS, VERSION};
use hob_cap::{Ledger, Limits};
use hob_engine::{Bounds, Choice, Engine, EngineConfig, Fault, Linked, Value};
use hob_kernel::process::Process;

/// Bytes of a fixture's memory.
pub(crate) const MEMORY: u32 = 32 << 16;

/// Both engines.
pub(crate) const CHOICES: [Choice; 2] = [Choice::Wasmi, Choice::Wasmtime];

/// A process, and what calls functions as it.
pub(crate) struct Bench {
    guest: Option<Guest>,
    choice: Choice,
    generation: Generation,
}

/// What became of a call.
pub(crate) struct Done {
    pub(crate) result: Result<Option<i64>, Fault>,
    pub(crate) memory: Vec<u8>,
}

/// The generation whose fixture a function has.
pub(crate) fn generation(function: &Function) -> Generation {
    if !VARIANTS.contains(function) {
        Generation::Native(VERSION)
    } else if function.eras.and(Eras::P).is_empty() {
        Generation::S
    } else {
        Generation::P
    }
}

impl Bench {
    pub(crate) fn new(process: Process, choice: Choice, generation: Generation) -> Self {
        Self { guest: Some(Guest::new(process, generation)), choice, generation }
    }

    pub(crate) fn process(&self) -> &Process {
        self.guest.as_ref().unwrap().process()
    }

    pub(crate) fn into_process(self) -> Process {
        self.guest.unwrap().into_process()
    }

    /// Calls a function with memory that is zero but for `written`.
    pub(crate) fn call(&mut self, function: &Function, values: &[Value], written: &[u8]) -> Done {
        let linked = linked(self.choice, self.generation, function);
        let guest = self.guest.take().unwrap();
        let ledger = Arc::new(Ledger::new(&Limits::default()));
        let stop = guest.process().proc().stop.clone();
        let mut instance = linked.instantiate(guest, Bounds { ledger, stop, fuel: None }).unwrap();
        instance.memory().unwrap()[..written.len()].copy_from_slice(written);
        let result = instance.call_values("call", values);
        let memory = instance.memory().unwrap().to_vec();
        self.guest = Some(instance.into_data());
        let number = |value: &Value| match value {
            Value::I32(number) => i64::from(*number),
            Value::I64(number) => *number,
            other => panic!("{other:?}"),
        };
        Done { result: result.map(|values| values.first().map(number)), memory }
    }
}

type Kept = Mutex<HashMap<String, Arc<Linked<Guest>>>>;

fn linked(choice: Choice, generation: Generation, function: &Function) -> Arc<Linked<Guest>> {
    static KEPT: OnceLock<Kept> = OnceLock::new();
    static ENGINES: OnceLock<[Engine; 2]> = OnceLock::new();
    static TABLES: OnceLock<Functions> = OnceLock::new();
    let file = fixture(function);
    let key = format!("{choice:?} {generation:?} {file:?}");
    let mut kept = KEPT.get_or_init(Kept::default).lock().unwrap_or_else(PoisonError::into_inner);
    let made = kept.entry(key).or_insert_with(|| {
        let engine = |choice| Engine::new(EngineConfig { choice, ..EngineConfig::default() });
        let [wasmi, wasmtime] = ENGINES.get_or_init(|| CHOICES.map(engine));
        let engine = if choice == Choice::Wasmi { wasmi } else { wasmtime };
        let module = engine.load(&std::fs::read(&file).unwrap()).unwrap();
        let table = TABLES.get_or_init(Functions::new).of(generation, module.info());
        Arc::new(engine.link(&module, table).unwrap())
    });
    Arc::clone(made)
}

fn fixture(function: &Function) -> PathBuf {
    let end = match generation(function) {
        Generation::P => ".p.wat",
        Generation::S => ".s.wat",
        _ => ".wat",
    };
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/command");
    dir.join(format!("{}.{}{end}", function.module, function.name))
}
