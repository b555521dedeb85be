//! Wakes compiled guests every few milliseconds so that they look at their stop token.
//!
//! A guest in a loop looks at an epoch counter and nothing else; something must move that counter. The ticker is one
//! thread for an engine, started with the first call. It sleeps while no guest runs, so that an idle host costs nothing,
//! and moves the epoch every [`TICK`] while one does. A deadline is thus noticed within one tick and the scheduler's
//! delay.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::Thread;
use std::time::Duration;

/// How often the epoch moves while a guest runs.
pub(crate) const TICK: Duration = Duration::from_millis(2);

/// How many ticks in a row nobody ran before the thread sleeps until it is woken. Waking costs a system call, so a
/// host that calls often should not pay it each time.
const IDLE_TICKS_BEFORE_SLEEP: u32 = 50;

/// Moves the epoch of one engine while guests run in it.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: OnceLock<Option<Thread>>,
}

struct Shared {
    running: AtomicUsize,
    sleeping: AtomicUsize,
}

/// While this is alive, the epoch moves.
pub(crate) struct Running<'a> {
    shared: &'a Shared,
}

impl Ticker {
    pub(crate) fn new() -> Self {
        let shared = Arc::new(Shared { running: AtomicUsize::new(0), sleeping: AtomicUsize::new(0) });
        Self { shared, thread: OnceLock::new() }
    }

    /// Says that a guest is about to run, until the answer is dropped. `None` when the ticker's thread could not be
    /// started: then nothing could stop the guest, so it must not run.
    #[inline]
    pub(crate) fn enter(&self, engine: &wasmtime::Engine) -> Option<Running<'_>> {
        let thread =
            self.thread.get_or_init(|| start(Arc::downgrade(&self.shared), engine.weak())).as_ref()?;
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.sleeping.load(Ordering::SeqCst) != 0 {
            thread.unpark();
        }
        Some(Running { shared: &self.shared })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        if let Some(Some(thread)) = self.thread.get() {
            // The thread holds only weak references: woken, it finds its engine gone and ends.
            self.shared = Arc::new(Shared { running: AtomicUsize::new(0), sleeping: AtomicUsize::new(0) });
            thread.unpark();
        }
    }
}

impl Drop for Running<'_> {
    #[inline]
    fn drop(&mut self) {
        self.shared.running.fetch_sub(1, Ordering::SeqCst);
    }
}

fn start(shared: Weak<Shared>, engine: wasmtime::EngineWeak) -> Option<Thread> {
    let builder = std::thread::Builder::new().name("hob-ticker".into());
    let handle = builder.spawn(move || run(&shared, &engine)).ok()?;
    Some(handle.thread().clone())
}

fn run(shared: &Weak<Shared>, engine: &wasmtime::EngineWeak) {
    let mut idle_ticks = 0;
    loop {
        let Some(state) = shared.upgrade() else { return };
        if state.running.load(Ordering::SeqCst) > 0 {
            idle_ticks = 0;
        } else {
            idle_ticks += 1;
        }
        if idle_ticks > IDLE_TICKS_BEFORE_SLEEP {
            state.sleeping.store(1, Ordering::SeqCst);
            // Someone may have entered between the two loads; they either saw `sleeping` and unparked us, or we see them.
            let alone = state.running.load(Ordering::SeqCst) == 0;
            let weak = Arc::downgrade(&state);
            drop(state);
            if alone {
                std::thread::park();
            }
            if let Some(state) = weak.upgrade() {
                state.sleeping.store(0, Ordering::SeqCst);
            }
            idle_ticks = 0;
            continue;
        }
        drop(state);
        std::thread::sleep(TICK);
        let Some(engine) = engine.upgrade() else { return };
        engine.increment_epoch();
    }
}
