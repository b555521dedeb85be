//! A real kernel, and a process of it in which a test calls functions: a terminal for its streams, and one descriptor of
//! every kind behind fixed numbers, whatever it is permitted afterwards.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use hob_cap::{ClockGrant, Limit, Permit, RandomGrant, StopToken};
use hob_kernel::fs::mem::{MemConfig, MemFs};
use hob_kernel::fs::overlay::Overlay;
use hob_kernel::fs::walk::Mount;
use hob_kernel::fs::{Attributes, New, NodeRef, base, dev, procfs};
use hob_kernel::process::{
    Ending, Finished, Identity, Lookup, Process, Program, Refused, Runner, Start, Status,
};
use hob_kernel::{Console, Kernel, Permits, file_clock};
use hob_os::{Sink, Source, Waiter};

use crate::setup;

/// How long one test may take; nothing here waits for anything.
const DEADLINE: Duration = Duration::from_secs(20);

/// What a process is given.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) permit: Permit,
    pub(crate) identity: Identity,
    pub(crate) terminal: bool,
    pub(crate) random: RandomGrant,
    pub(crate) clock: ClockGrant,
    pub(crate) env: Vec<Vec<u8>>,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            permit: Permit::full(),
            identity: Identity::of(1000, 1000),
            terminal: true,
            random: RandomGrant::Seeded(7),
            clock: ClockGrant::Real,
            env: vec![b"KEY=value".to_vec(), b"PATH=/bin".to_vec()],
        }
    }
}

type Job = Box<dyn FnOnce(Process) -> Finished + Send>;

/// Programs that are functions of the test, by name; every other one is a child that exits with 3.
#[derive(Default)]
struct Machine(Mutex<VecDeque<Job>>);

struct Run(Mutex<Option<Job>>);

struct Child;

impl Program for Run {
    fn run(&self, process: Process) -> Finished {
        let job = self.0.lock().unwrap().take().unwrap();
        job(process)
    }
}

impl Program for Child {
    fn run(&self, process: Process) -> Finished {
        Finished { process: Some(process), ending: Ending::Exit(3) }
    }
}

impl Runner for Machine {
    fn known(&self, _: u64) -> Option<Arc<dyn Program>> {
        None
    }

    fn load(&self, name: &[u8], _: &[u8], _: Option<u64>) -> Result<Arc<dyn Program>, Refused> {
        Ok(match name {
            b"setup" | b"bench" => Arc::new(Run(Mutex::new(self.0.lock().unwrap().pop_front()))),
            _ => Arc::new(Child),
        })
    }

    fn report(&self, _: &[u8], _: &str) {}
}

/// The program under test is narrowed; who sets it up is not.
struct Narrow(Permit);

impl Permits for Narrow {
    fn permit(&self, command: &str) -> Permit {
        if command == "bench" { self.0.clone() } else { Permit::full() }
    }
}

fn kernel(given: &Given, jobs: VecDeque<Job>) -> Arc<Kernel> {
    let clock = file_clock(ClockGrant::None);
    let config =
        MemConfig { device: 1, bytes_max: 8 << 20, inodes_max: 10_000, clock: clock.clone(), ledger: None };
    let upper = MemFs::new(config).unwrap();
    let lower = base::tree(3, clock.clone(), "box").unwrap();
    for program in [b"setup".as_slice(), b"bench", b"child"] {
        let bin = lower.lookup(b"bin").unwrap();
        let node = bin.make(program, New::File, Attributes { mode: 0o755, uid: 0, gid: 0 }).unwrap();
        node.open(true).unwrap().write_at(b"\0asm\x01\0\0\0", 0).unwrap();
    }
    let root = Overlay::new(2, upper.root(), vec![lower]).unwrap();
    let kernel = Kernel::builder(root, Arc::new(Machine(Mutex::new(jobs))))
        .clock(given.clock)
        .random(given.random)
        .hostname("box")
        .permits(Arc::new(Narrow(given.permit.clone())))
        .build()
        .unwrap();
    let mount = |path: &str, root: NodeRef| Mount {
        root,
        path: path.into(),
        source: path.into(),
        kind: "test",
        read_only: false,
    };
    for one in [
        mount("/dev", dev::tree(5, clock).unwrap()),
        mount("/dev/pts", dev::terminals(7, &kernel)),
        mount("/proc", procfs::root(6, &kernel)),
    ] {
        kernel.mount(one).unwrap();
    }
    kernel
}

/// Runs `work` in a process, after everything the tests name is there, and says what it said and how the process ended.
/// Everything the session used must have been given back then.
pub(crate) fn enter<T: Send + 'static>(
    given: &Given,
    work: impl FnOnce(Process) -> (T, Finished) + Send + 'static,
) -> (T, Status) {
    let (say, hear) = mpsc::channel();
    let first: Job = Box::new(|mut process: Process| {
        setup::fill(&process);
        let name = b"/bin/bench".to_vec();
        let env = process.env();
        process.exec(&Lookup::Exact(name), vec![b"bench".to_vec(), b"two".to_vec()], env, &[]).unwrap();
        Finished { process: Some(process), ending: Ending::Exec }
    });
    let second: Job = Box::new(move |process| {
        let done = catch_unwind(AssertUnwindSafe(|| work(process)));
        let (said, finished) = match done {
            Ok((said, finished)) => (Ok(said), finished),
            Err(panic) => (Err(panic), Finished { process: None, ending: Ending::Exit(101) }),
        };
        say.send(said).unwrap();
        finished
    });
    let kernel = kernel(given, VecDeque::from([first, second]));
    setup::plant(&kernel);
    let end = Instant::now() + DEADLINE;
    let stop = StopToken::new(None, Some(end));
    let (person, descriptors) = streams(&kernel, given, &stop);
    let started = kernel.start(Start {
        lookup: Lookup::Exact(b"/bin/setup".to_vec()),
        args: vec![b"setup".to_vec()],
        env: given.env.clone(),
        cwd: b"/home/user/work".to_vec(),
        descriptors,
        identity: given.identity.clone(),
        stop: stop.clone(),
        terminal: person.as_ref().map(Console::number),
        ..Start::default()
    });
    let started = started.unwrap();
    let waiter = Waiter::new(StopToken::never());
    let status = started.wait(&waiter, Some(end + DEADLINE)).unwrap();
    kernel.shut_down();
    assert!(kernel.wait_empty(&StopToken::never(), Some(Instant::now() + DEADLINE)), "processes are left");
    drop(person);
    let said = match hear.recv() {
        Ok(Ok(said)) => said,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => panic!("the process ended before the test began: {status:?}"),
    };
    for limit in [Limit::OpenFiles, Limit::Processes] {
        assert_eq!(kernel.ledger().used(limit), 0, "{limit:?} are left");
    }
    (said, status)
}

fn streams(
    kernel: &Arc<Kernel>,
    given: &Given,
    stop: &StopToken,
) -> (Option<Console>, Vec<Arc<hob_kernel::fd::Description>>) {
    if given.terminal {
        let (person, slave) = kernel.console(80, 24, stop).unwrap();
        person.write(b"typed\n").unwrap();
        (Some(person), vec![Arc::clone(&slave), Arc::clone(&slave), slave])
    } else {
        let input = kernel.input(Source::Empty).unwrap();
        let output = || kernel.output(Sink::Discard, false).unwrap();
        (None, vec![input, output(), output()])
    }
}
