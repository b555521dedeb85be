//! Instances of a behavior that are asked again.
//!
//! Making an instance costs more than most decisions. So once a behavior has been asked twice, its module is loaded in the
//! form that can be put back ([`hob_engine::Engine::load_resettable`]), on a thread of its own; from then on an instance
//! that has answered goes back to where it was before its first question, and waits for the next. What it answers is what
//! a fresh one would: putting back is exact or it is not done, and the world of a call (clock, randomness, ledger,
//! deadline) is made anew.
//!
//! Not everything waits. An instance whose beginning called the host is not used twice, for that beginning is part of what
//! the world did. One that grew, or ended in a way that may have left something half-done, is dropped; a guest of which
//! that is always so is no longer tried. Where a directory is granted, instances would keep it open, and where fuel is
//! counted, code that notes what it writes uses more of it: there each call has an instance of its own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use crossbeam_utils::atomic::AtomicCell;
use hob_abi::json::{self, Entry, Sizes};
use hob_cap::StopReason;
use hob_engine::{BackendKind, Bounds, Engine, Fault, HostTable, Instance, Linked, Module};

use crate::error::Error;
use crate::host::Host;
use crate::seat::{self, Seat, Streams, deadlines};

/// Instances of one module that wait.
const IDLE_MAX: usize = 16;

/// Bytes of memory of one that waits, at most; a copy of it is kept besides.
const MEMORY_BYTES_MAX: usize = 16 << 20;

/// After how many questions the other form is loaded: who asks once need not pay for it.
const ASKED_BEFORE: u32 = 2;

/// After how many instances in a row that could not be put back nobody tries any more.
const WASTED_MAX: u32 = 8;

/// The instances of one module that wait.
pub(crate) struct Reuse {
    /// The bytes of the module, until they are loaded.
    source: Mutex<Option<Arc<[u8]>>>,
    asked: AtomicU32,
    pool: Kind,
}

enum Kind {
    /// Imports nothing: there is no world to build.
    Pure(Pool<()>),
    Worldly(Pool<Seat>),
}

/// What is asked.
pub(crate) struct Question<'a, F> {
    pub(crate) request: &'a [u8],
    pub(crate) sizes: Sizes,
    /// What is made of the response.
    pub(crate) read: F,
}

impl Reuse {
    /// For a module that answers questions, on a host where its instances may be used again.
    pub(crate) fn of(host: &Host, module: &Module, source: &[u8]) -> Option<Self> {
        let may = host.inner.limits.fuel.is_none() && host.inner.opened.dirs().is_empty();
        let pool = if module.info().imports.is_empty() {
            Kind::Pure(Pool::default())
        } else {
            Kind::Worldly(Pool::default())
        };
        (may && json::check(module.info()).is_ok()).then(|| Self {
            source: Mutex::new(Some(source.into())),
            asked: AtomicU32::new(0),
            pool,
        })
    }

    /// Whether there is anything to ask; begins to get ready when that seems worth it.
    pub(crate) fn is_ready(self: &Arc<Self>, host: &Host) -> bool {
        let ready = match &self.pool {
            Kind::Pure(pool) => pool.is_ready(),
            Kind::Worldly(pool) => pool.is_ready(),
        };
        ready.unwrap_or_else(|| {
            if self.asked.fetch_add(1, Ordering::Relaxed) == ASKED_BEFORE {
                let (reuse, engine, table) =
                    (Arc::clone(self), host.inner.engine.clone(), Arc::clone(&host.inner.table));
                let work = move || reuse.prepare(&engine, &table);
                // Without a thread everything stays as it is.
                drop(std::thread::Builder::new().name("hob-reuse".into()).spawn(work));
            }
            false
        })
    }

    /// Loads the form of the module that can be put back. Afterwards it is known whether there is one.
    pub(crate) fn prepare(&self, engine: &Engine, table: &Arc<HostTable<Seat>>) {
        // Whoever comes second waits for the first.
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(source) = source.take() else { return };
        // A module that cannot be loaded twice, because of a limit for example, stays as it is.
        let module = engine.load_resettable(&source).ok().filter(Module::is_resettable);
        match &self.pool {
            Kind::Pure(pool) => {
                pool.set(module.and_then(|module| engine.link(&module, &Arc::new(HostTable::new())).ok()));
            }
            Kind::Worldly(pool) => pool.set(module.and_then(|module| engine.link(&module, table).ok())),
        }
    }

    /// Asks an instance that waited, or a new one.
    pub(crate) fn ask<R, F: FnOnce(&[u8]) -> R>(
        &self,
        host: &Host,
        deadline: Option<Instant>,
        question: Question<'_, F>,
    ) -> Result<R, Error> {
        let limits = &host.inner.limits;
        let now = Instant::now();
        let until = deadlines(limits, now, deadline);
        if until.hard.is_some_and(|hard| hard <= now) {
            return Err(Fault::from(StopReason::HardDeadline).into());
        }
        match &self.pool {
            Kind::Pure(pool) => {
                let ready = match pool.take() {
                    // Nobody else draws on its ledger, so it can stay.
                    Some(mut ready) => {
                        ready.instance.restart(until, None)?;
                        ready
                    }
                    None => pool.make((), seat::until(limits, until))?,
                };
                pool.ask(ready, question)
            }
            Kind::Worldly(pool) => {
                let bounds = seat::until(limits, until);
                let seat = host.inner.opened.seat(Streams::default(), &bounds)?;
                let ready = match pool.take() {
                    Some(mut ready) => {
                        ready.instance.renew(bounds)?;
                        *ready.instance.data_mut() = seat;
                        ready
                    }
                    None => pool.make(seat, bounds)?,
                };
                pool.ask(ready, question)
            }
        }
    }
}

struct Pool<T: 'static> {
    /// The module in the form that can be put back, if it has one; empty while nobody knows.
    linked: OnceLock<Option<Linked<T>>>,
    /// One that waits, taken and given back without a lock: who asks alone always finds it here.
    first: AtomicCell<Option<Box<Ready<T>>>>,
    idle: Mutex<Waiting<T>>,
    /// Instances that could not be put back, in a row.
    wasted: AtomicU32,
}

/// Boxed, because one is large and is handed from here to there and back for each question.
type Waiting<T> = Vec<Box<Ready<T>>>;

/// An instance as it was before its first question.
struct Ready<T: 'static> {
    instance: Instance<T>,
    entry: Entry,
    /// Whether it can be put back.
    marked: bool,
}

impl<T: 'static> Default for Pool<T> {
    fn default() -> Self {
        let (first, idle) = (AtomicCell::new(None), Mutex::default());
        Self { linked: OnceLock::new(), first, idle, wasted: AtomicU32::new(0) }
    }
}

impl<T: 'static> Pool<T> {
    fn set(&self, linked: Option<Linked<T>>) {
        // Set once: the source was there once.
        drop(self.linked.set(linked));
    }

    /// `None` while nobody knows.
    fn is_ready(&self) -> Option<bool> {
        let linked = self.linked.get()?;
        Some(linked.is_some() && self.wasted.load(Ordering::Relaxed) < WASTED_MAX)
    }

    fn ask<R, F: FnOnce(&[u8]) -> R>(
        &self,
        mut ready: Box<Ready<T>>,
        question: Question<'_, F>,
    ) -> Result<R, Error> {
        let Question { request, sizes, read } = question;
        let answer = ready.entry.ask(&mut ready.instance, request, sizes, read);
        self.give_back(ready);
        Ok(answer?)
    }

    fn make(&self, data: T, bounds: Bounds) -> Result<Box<Ready<T>>, Fault> {
        let linked = self.linked.get().and_then(Option::as_ref);
        Ready::new(linked.ok_or_else(|| Fault::host("there is nothing to ask"))?, data, bounds).map(Box::new)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Waiting<T>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Box<Ready<T>>> {
        let ready = self.first.take().or_else(|| self.idle().pop())?;
        if ready.instance.backend() == BackendKind::Wasmi && self.is_compiled() {
            // What was interpreted at first is compiled now.
            let old = std::mem::take(&mut *self.idle());
            drop((ready, old));
            return None;
        }
        Some(ready)
    }

    fn is_compiled(&self) -> bool {
        let linked = self.linked.get().and_then(Option::as_ref);
        linked.is_some_and(|linked| linked.module().backend() == BackendKind::Wasmtime)
    }

    fn give_back(&self, mut ready: Box<Ready<T>>) {
        if !ready.marked || !ready.instance.reset() {
            self.wasted.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if self.wasted.load(Ordering::Relaxed) != 0 {
            self.wasted.store(0, Ordering::Relaxed);
        }
        if !ready.instance.rest() {
            return;
        }
        let Some(other) = self.first.swap(Some(ready)) else { return };
        let mut idle = self.idle();
        if idle.len() + 1 < IDLE_MAX {
            idle.push(other);
        } else {
            drop(idle);
            drop(other);
        }
    }
}

impl<T: 'static> Ready<T> {
    fn new(linked: &Linked<T>, data: T, bounds: Bounds) -> Result<Self, Fault> {
        let mut instance = linked.instantiate(data, bounds)?;
        json::initialize(&mut instance)?;
        let entry = Entry::find(&mut instance)?;
        // What the host did in the beginning may be another thing next time.
        let small = instance.view().is_some_and(|memory| memory.size() <= MEMORY_BYTES_MAX);
        let marked = instance.host_calls() == 0 && small && instance.mark();
        Ok(Self { instance, entry, marked })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use crate::Choice;

    fn guest(more: &str, body: &str) -> String {
        format!(
            r#"(module {more} (memory (export "memory") 1)
                (func (export "alloc") (param i32) (result i32) (i32.const 64))
                (func (export "eval") (param i32 i32) (result i64) {body} (i64.const 4)))"#
        )
    }

    fn waiting<T>(pool: &Pool<T>) -> usize {
        let first = pool.first.take();
        let count = pool.idle().len() + usize::from(first.is_some());
        pool.first.store(first);
        count
    }

    /// How many instances wait after so many questions, and whether the next goes to one of them.
    fn after(wat: &str, questions: usize) -> (usize, Option<bool>) {
        let host = Host::builder().engine(Choice::Wasmtime).build().unwrap();
        let loaded = host.load_bytes("guest", wat.as_bytes()).unwrap();
        let behavior = loaded.behavior().unwrap();
        behavior.prepare();
        (0..questions).for_each(|_| drop(behavior.eval(b"{}")));
        match &loaded.reuse.as_ref().unwrap().pool {
            Kind::Pure(pool) => (waiting(pool), pool.is_ready()),
            Kind::Worldly(pool) => (waiting(pool), pool.is_ready()),
        }
    }

    #[test]
    fn one_instance_answers_again_and_again() {
        assert_eq!(after(&guest("", ""), 0), (0, Some(true)));
        assert_eq!(after(&guest("", ""), 20), (1, Some(true)));
        assert_eq!(after(&guest("", "unreachable"), 20), (1, Some(true)));
    }

    #[test]
    fn no_more_wait_than_may() {
        let host = Host::builder().engine(Choice::Wasmtime).build().unwrap();
        let loaded = host.load_bytes("guest", guest("", "").as_bytes()).unwrap();
        loaded.behavior().unwrap().prepare();
        let Kind::Pure(pool) = &loaded.reuse.as_ref().unwrap().pool else {
            unreachable!("it imports nothing")
        };
        let make = |count: usize| {
            let until = deadlines(&host.inner.limits, Instant::now(), None);
            let made =
                (0..count).map(|_| pool.make((), seat::until(&host.inner.limits, until)).ok().unwrap());
            made.collect::<Vec<_>>()
        };
        for (count, want) in [(1, 1), (IDLE_MAX, IDLE_MAX), (IDLE_MAX + 1, IDLE_MAX)] {
            make(count).into_iter().for_each(|ready| pool.give_back(ready));
            assert_eq!(waiting(pool), want);
            let taken: Vec<_> = std::iter::from_fn(|| pool.take()).collect();
            assert_eq!((taken.len(), waiting(pool)), (want, 0));
        }
    }

    #[test]
    fn what_cannot_be_put_back_does_not_wait_and_is_given_up_after_eight() {
        let wasted = usize::try_from(WASTED_MAX).unwrap();
        let grows = guest("", "(drop (memory.grow (i32.const 1)))");
        assert_eq!(after(&grows, wasted - 1), (0, Some(true)));
        assert_eq!(after(&grows, wasted), (0, Some(false)));
        let random =
            r#"(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))"#;
        assert_eq!(
            after(&guest(random, "(drop (call $random (i32.const 0) (i32.const 1)))"), 9),
            (1, Some(true))
        );
        let begins = format!(
            "{random} (func (export \"_initialize\") (drop (call $random (i32.const 0) (i32.const 1))))"
        );
        assert_eq!(after(&guest(&begins, ""), wasted), (0, Some(false)));
    }

    #[test]
    fn an_instance_that_is_too_large_does_not_wait() {
        let of = |pages: usize| guest("", "").replace("\"memory\") 1", &format!("\"memory\") {pages}"));
        assert_eq!(after(&of(MEMORY_BYTES_MAX >> 16), 1), (1, Some(true)));
        assert_eq!(after(&of((MEMORY_BYTES_MAX >> 16) + 1), 1), (0, Some(true)));
    }

    #[test]
    fn a_module_that_cannot_be_put_back_is_asked_as_always() {
        let two = guest("", "")
            .replace("(memory (export", "(memory $m (export")
            .replace("(func (export \"alloc\")", "(memory 1) (func (export \"alloc\")");
        assert_eq!(after(&two, 3), (0, Some(false)));
    }

    #[test]
    fn who_is_asked_often_gets_ready_beside() {
        let host = Host::builder().engine(Choice::Wasmtime).build().unwrap();
        let loaded = host.load_bytes("guest", guest("", "").as_bytes()).unwrap();
        let behavior = loaded.behavior().unwrap();
        let reuse = loaded.reuse.as_ref().unwrap();
        (0..ASKED_BEFORE).for_each(|_| assert!(behavior.eval(b"{}").is_ok()));
        assert!(reuse.source.lock().unwrap().is_some(), "nobody has begun");
        while !reuse.is_ready(&host) {
            std::thread::yield_now();
        }
        assert!(behavior.eval(b"{}").is_ok());
        // Another handle to the same module finds the same instances.
        assert!(loaded.behavior().unwrap().eval(b"{}").is_ok());
        let Kind::Pure(pool) = &reuse.pool else { unreachable!("it imports nothing") };
        assert_eq!(waiting(pool), 1);
    }
}
