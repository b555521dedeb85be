//! A session with a program in it, and what is left when it ended.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use hob::abi::command::Programs;
use hob::engine::{Engine, EngineConfig};
use hob::{Choice, ClockGrant, Limits, RandomGrant};
use hob_cap::{Ledger, Limit, StopToken};
use hob_kernel::fs::mem::{MemConfig, MemFs};
use hob_kernel::fs::overlay::Overlay;
use hob_kernel::fs::walk::Mount;
use hob_kernel::fs::{Attributes, New, NodeRef, base, dev, procfs};
use hob_kernel::process::{Lookup, Start};
use hob_kernel::{Kernel, file_clock};
use hob_os::{OsError, Waiter};

/// How long a program may run, and how late that may be noticed on a busy machine.
const DEADLINE: Duration = Duration::from_millis(50);
const SLACK: Duration = Duration::from_secs(10);

/// A program that ends: `(module (func (export "_start")))`.
const CHILD: &[u8] =
    b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x0a\x01\x06_start\0\0\x0a\x04\x01\x02\0\x0b";

/// Runs the program to its end. What it says is an error: what was left, or how long it took.
pub(super) fn run(interpreted: bool, guest: &[u8]) -> Result<(), String> {
    static PROGRAMS: OnceLock<[Arc<Programs>; 2]> = OnceLock::new();
    let programs = PROGRAMS.get_or_init(|| {
        [Choice::Wasmi, Choice::Wasmtime].map(|choice| {
            Arc::new(Programs::new(Engine::new(EngineConfig { choice, ..EngineConfig::default() })))
        })
    });
    let [wasmi, wasmtime] = programs;
    let programs = if interpreted { wasmi } else { wasmtime };
    let wrong = |error: OsError| format!("the session cannot be made: {error}");
    let module =
        hob::engine::wasm_from_text(guest).map_err(|error| format!("the module is none: {error}"))?;
    let kernel = kernel(programs, &module).map_err(wrong)?;
    let began = Instant::now();
    let stop = StopToken::new(None, began.checked_add(DEADLINE));
    let (console, slave) = kernel.console(80, 24, &StopToken::never()).map_err(wrong)?;
    let started = kernel.start(Start {
        lookup: Lookup::Exact(b"/bin/guest".to_vec()),
        args: vec![b"guest".to_vec(), vec![0xff, b'b']],
        env: vec![b"PATH=/bin".to_vec()],
        cwd: b"/home/user".to_vec(),
        descriptors: vec![Arc::clone(&slave), Arc::clone(&slave), slave],
        stop,
        terminal: Some(console.number()),
        ..Start::default()
    });
    let started = started.map_err(|error| format!("it was refused: {error}"))?;
    let waiter = Waiter::new(StopToken::never());
    let end = began.checked_add(DEADLINE + SLACK);
    started.wait(&waiter, end).map_err(|error| format!("it did not end: {error}"))?;
    kernel.shut_down();
    if !kernel.wait_empty(&StopToken::never(), end) {
        return Err("a child did not end".into());
    }
    drop(console);
    let terminals = kernel.terminals().numbers();
    if !terminals.is_empty() {
        return Err(format!("terminals {terminals:?} are left"));
    }
    for limit in [Limit::OpenFiles, Limit::Processes] {
        let left = kernel.ledger().used(limit);
        if left != 0 {
            return Err(format!("{left} of {limit:?} are left"));
        }
    }
    Ok(())
}

fn kernel(programs: &Arc<Programs>, guest: &[u8]) -> Result<Arc<Kernel>, OsError> {
    let clock = file_clock(ClockGrant::Virtual);
    let limits = Limits { memory_bytes: 16 << 20, open_files: 128, processes: 6, ..Limits::default() };
    let config =
        MemConfig { device: 1, bytes_max: 1 << 20, inodes_max: 200, clock: clock.clone(), ledger: None };
    let upper = MemFs::new(config)?;
    let lower = base::tree(2, clock.clone(), "box")?;
    let file = |dir: &NodeRef, name: &[u8], bytes: &[u8], mode| {
        let node = dir.make(name, New::File, Attributes { mode, uid: 1000, gid: 1000 })?;
        node.open(true)?.write_at(bytes, 0)
    };
    let bin = lower.lookup(b"bin")?;
    file(&bin, b"guest", guest, 0o755)?;
    file(&bin, b"child", CHILD, 0o755)?;
    let home = lower.lookup(b"home")?.lookup(b"user")?;
    file(&home, b"note", b"a note", 0o644)?;
    home.make(b"sub", New::Directory, Attributes { mode: 0o755, uid: 1000, gid: 1000 })?;
    let root = Overlay::new(3, upper.root(), vec![lower])?;
    let kernel = Kernel::builder(root, programs.reporting(Arc::new(|_: &[u8], _: &str| {})))
        .clock(ClockGrant::Real)
        .random(RandomGrant::Seeded(1))
        .ledger(Arc::new(Ledger::new(&limits)))
        .build()?;
    let mount = |path: &str, root: NodeRef| Mount {
        root,
        path: path.into(),
        source: path.into(),
        kind: "test",
        read_only: false,
    };
    kernel.mount(mount("/dev", dev::tree(5, clock)?))?;
    kernel.mount(mount("/dev/pts", dev::terminals(6, &kernel)))?;
    kernel.mount(mount("/proc", procfs::root(7, &kernel)))?;
    Ok(kernel)
}
