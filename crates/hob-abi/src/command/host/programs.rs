//! From a module to something the kernel runs.
//!
//! A module is loaded once, and linked once against the functions of its generation; what never changes is known by its
//! number after that, so that starting a command again reads nothing. The generation decides what a program finds: which
//! directories it is handed, and what becomes of a script that somebody passes to a shell.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use hob_cap::StopReason;
use hob_engine::{BackendKind, Bounds, Engine, Fault, FaultKind, Instance, Linked, Module};
use hob_kernel::fs::Kind;
use hob_kernel::process::{Command, Ending, Finished, Process, Program, Refused, Runner, Signal};
use hob_os::Errno;

use super::functions::Functions;
use super::guest::Guest;
use crate::command::{ENTRY, Generation, check};

/// Programs kept linked, at most. Those beyond it are made again; their code is in the cache of the engine.
const KEPT_MAX: usize = 512;

/// Runs the programs of any number of kernels, which share nothing else by it than code.
pub struct Programs {
    engine: Engine,
    functions: Functions,
    kept: Mutex<HashMap<u64, Arc<Wasm>>>,
    /// Programs that were not compiled when they were loaded, by name.
    interpreted: Mutex<Vec<(Vec<u8>, Module)>>,
}

/// The programs of one kernel, and who is told what goes wrong there.
struct Reporting {
    programs: Arc<Programs>,
    report: Report,
}

/// Who is told when a program could not be started or was ended by a fault: the command, and why.
pub type Report = Arc<dyn Fn(&[u8], &str) + Send + Sync>;

/// A module as a program.
struct Wasm {
    linked: Linked<Guest>,
    generation: Generation,
}

impl Programs {
    /// Programs that `engine` runs.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { engine, functions: Functions::new(), kept: Mutex::default(), interpreted: Mutex::default() }
    }

    /// The programs for one kernel; `report` is told what goes wrong in it.
    #[must_use]
    pub fn reporting(self: &Arc<Self>, report: Report) -> Arc<dyn Runner> {
        Arc::new(Reporting { programs: Arc::clone(self), report })
    }

    /// The names of programs that ran, or run, without compiled code.
    #[must_use]
    pub fn interpreted(&self) -> Vec<Vec<u8>> {
        let mut all = self.interpreted.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(_, module)| module.backend() == BackendKind::Wasmi);
        all.iter().map(|(name, _)| name.clone()).collect()
    }

    /// `keep` says whether it is a program of the session's sources, and not one that somebody wrote inside.
    fn make(&self, name: &[u8], bytes: &[u8], keep: bool) -> Result<Wasm, Refused> {
        let refused = |why: String| Refused { errno: Errno::Noexec, why };
        let loaded = if keep { self.engine.load(bytes) } else { self.engine.load_passing(bytes) };
        let module = loaded.map_err(|error| refused(error.to_string()))?;
        let info = module.info();
        if let Err(wrong) = check(info) {
            let list: Vec<String> = wrong.iter().map(ToString::to_string).collect();
            return Err(refused(format!("it is no command: {}", list.join("; "))));
        }
        let generation = Generation::detect(info).map_err(|error| refused(error.to_string()))?;
        let table = self.functions.of(generation, info);
        let linked = self.engine.link(&module, table).map_err(|error| refused(error.to_string()))?;
        if module.backend() == BackendKind::Wasmi {
            let mut interpreted = self.interpreted.lock().unwrap_or_else(PoisonError::into_inner);
            if interpreted.len() < KEPT_MAX {
                interpreted.push((name.to_vec(), module));
            }
        }
        Ok(Wasm { linked, generation })
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<Wasm>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Programs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Programs").finish_non_exhaustive()
    }
}

impl Runner for Reporting {
    fn known(&self, immutable: u64) -> Option<Arc<dyn Program>> {
        self.programs.kept().get(&immutable).map(|program| Arc::clone(program) as Arc<dyn Program>)
    }

    fn load(&self, name: &[u8], bytes: &[u8], immutable: Option<u64>) -> Result<Arc<dyn Program>, Refused> {
        let program = Arc::new(self.programs.make(name, bytes, immutable.is_some())?);
        if let Some(number) = immutable {
            let mut kept = self.programs.kept();
            if kept.len() >= KEPT_MAX {
                kept.clear();
            }
            kept.insert(number, Arc::clone(&program));
        }
        Ok(program)
    }

    fn report(&self, command: &[u8], why: &str) {
        (self.report)(command, why);
    }
}

impl Program for Wasm {
    fn run(&self, process: Process) -> Finished {
        if matches!(self.generation, Generation::P | Generation::S | Generation::Wasi)
            && let Err(error) = hand_over(&process)
        {
            let why = format!("failed to hand over directories: {error}");
            return Finished { process: None, ending: Ending::Fault(Signal::SYS, why) };
        }
        let bounds = Bounds {
            ledger: Arc::clone(process.kernel().ledger()),
            stop: process.proc().stop.clone(),
            fuel: None,
        };
        let guest = Guest::new(process, self.generation);
        let mut instance = match self.linked.instantiate(guest, bounds) {
            Ok(instance) => instance,
            Err(fault) => return Finished { process: None, ending: ended(&fault) },
        };
        let ending = match instance.call::<(), ()>(ENTRY, ()) {
            Ok(()) => Ending::Exit(0),
            Err(fault) => ended(&fault),
        };
        finished(instance, ending)
    }

    fn prepare(&self, mut command: Command) -> Command {
        // These find the working directory in their environment, and others their root instead.
        let key = b"PWD=";
        command.env.retain(|one| !one.starts_with(key));
        command.env.push([key.as_slice(), &command.cwd].concat());
        if self.generation == Generation::P {
            in_its_directory(&mut command);
        }
        command
    }
}

fn finished(instance: Instance<Guest>, ending: Ending) -> Finished {
    let mut guest = instance.into_data();
    guest.restore_terminal();
    let ending = if guest.taken_over { Ending::Exec } else { ending };
    Finished { process: Some(guest.process), ending }
}

/// How a program ended, from the fault that ended it.
fn ended(fault: &Fault) -> Ending {
    match fault.kind() {
        FaultKind::Exit(code) => Ending::Exit(code.to_le_bytes()[0]),
        FaultKind::Stopped(reason) => Ending::Stopped(*reason),
        FaultKind::Limit(limit) => Ending::Fault(Signal::KILL, limit.to_string()),
        FaultKind::HostPanic(_) | FaultKind::Host(_) => Ending::Fault(Signal::ABRT, fault.to_string()),
        FaultKind::Ended => Ending::Stopped(StopReason::Killed),
        _ => Ending::Fault(Signal::ILL, fault.to_string()),
    }
}

/// Hands directories over from descriptor 3 on: the working directory, and everything at the root by its own name. A C
/// library without a working directory of its own takes a relative path to lie in the first.
fn hand_over(process: &Process) -> hob_os::Result<()> {
    process.hand_over(b".", &process.cwd())?;
    let root = Arc::clone(&process.kernel().tree().root);
    let mut names = Vec::new();
    root.node.list(0, &mut |entry| {
        if entry.kind == Kind::Directory {
            names.push(entry.name.to_vec());
        }
        true
    })?;
    for name in names {
        let node = process.kernel().tree().shown(root.node.lookup(&name)?);
        let place = root.child(&name, node);
        process.hand_over(&place.path(), &place)?;
    }
    Ok(())
}

/// A shell of the first generation begins at the root, whatever directory it is started in: a script that is passed to
/// it goes to the right one first.
fn in_its_directory(command: &mut Command) {
    let Some(index) = script(&command.args) else { return };
    if let Some(script) = command.args.get_mut(index).filter(|_| command.cwd != b"/") {
        let mut whole = b"cd '".to_vec();
        for byte in &command.cwd {
            match byte {
                b'\'' => whole.extend_from_slice(b"'\\''"),
                byte => whole.push(*byte),
            }
        }
        whole.extend_from_slice(b"'\n");
        whole.append(script);
        *script = whole;
    }
}

/// Which argument is a script that is passed to a shell.
pub(super) fn script(args: &[Vec<u8>]) -> Option<usize> {
    let name = args.first().and_then(|name| name.rsplit(|byte| *byte == b'/').next());
    if !matches!(name, Some(b"sh" | b"bash")) {
        return None;
    }
    let mut flags = args.iter().skip(1).map(Vec::as_slice).take_while(|arg| arg.starts_with(b"-"));
    let flag = flags.position(|arg| arg == b"-c")?;
    Some(flag + 2).filter(|index| *index < args.len())
}
