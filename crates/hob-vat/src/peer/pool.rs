//! The threads that run vats, and the line in which vats wait for one.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Shared;
use super::cell::Cell;
use crate::problem::Problem;
use crate::reference::VatId;

/// Bytes of stack of a thread that runs vats. Near calls of guests nest on it.
const STACK_BYTES: usize = 64 << 20;

/// Vats that have something to do.
#[derive(Default)]
pub(crate) struct Ready {
    line: Mutex<Line>,
    work: Condvar,
    idle: Condvar,
}

#[derive(Default)]
struct Line {
    cells: VecDeque<Arc<Cell>>,
    /// Vats that run, and records that are not durable.
    busy: usize,
    stopped: bool,
}

impl Ready {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A vat has something to do.
    pub(crate) fn schedule(&self, cell: &Arc<Cell>) {
        if !cell.scheduled.swap(true, Ordering::SeqCst) {
            self.schedule_again(cell);
        }
    }

    /// A vat that counts as scheduled gets in line.
    pub(crate) fn schedule_again(&self, cell: &Arc<Cell>) {
        self.line().cells.push_back(Arc::clone(cell));
        self.work.notify_one();
    }

    /// Something began that has to end before all is quiet.
    pub(crate) fn begin(&self) {
        self.line().busy += 1;
    }

    /// It ended.
    pub(crate) fn done(&self) {
        let mut line = self.line();
        line.busy = line.busy.saturating_sub(1);
        if line.busy == 0 && line.cells.is_empty() {
            self.idle.notify_all();
        }
    }

    fn next(&self) -> Option<Arc<Cell>> {
        let mut line = self.line();
        loop {
            if line.stopped {
                return None;
            }
            if let Some(cell) = line.cells.pop_front() {
                line.busy += 1;
                return Some(cell);
            }
            line = self.work.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// How many vats wait in line.
    pub(crate) fn len(&self) -> usize {
        self.line().cells.len()
    }

    /// Takes a vat out of the line.
    pub(crate) fn take(&self, at: usize) -> Option<Arc<Cell>> {
        let mut line = self.line();
        let cell = line.cells.remove(at)?;
        line.busy += 1;
        Some(cell)
    }

    /// Waits until nothing is left to do.
    pub(crate) fn wait_idle(&self, within: Duration) -> bool {
        let end = Instant::now() + within;
        let mut line = self.line();
        while line.busy > 0 || !line.cells.is_empty() {
            let Some(left) = end.checked_duration_since(Instant::now()) else { return false };
            line = self.idle.wait_timeout(line, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    pub(crate) fn stop(&self) {
        self.line().stopped = true;
        self.work.notify_all();
    }
}

/// The threads.
pub(crate) struct Pool {
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    pub(crate) fn start(shared: &Arc<Shared>, threads: usize) -> Result<Self, Problem> {
        let start = |number: usize| {
            let shared = Arc::clone(shared);
            let thread =
                std::thread::Builder::new().name(format!("hob-vat-{number}")).stack_size(STACK_BYTES);
            thread.spawn(move || work(&shared))
        };
        let threads: Result<Vec<_>, _> = (0..threads).map(start).collect();
        match threads {
            Ok(threads) => Ok(Self { threads }),
            Err(error) => {
                shared.ready.stop();
                Err(Problem::rule("threads", error.to_string()))
            }
        }
    }

    pub(crate) fn join(&mut self) {
        let me = std::thread::current().id();
        for thread in self.threads.drain(..).filter(|thread| thread.thread().id() != me) {
            let _ = thread.join();
        }
    }
}

fn work(shared: &Arc<Shared>) {
    while let Some(cell) = shared.ready.next() {
        shared.run(&cell);
    }
}

impl Shared {
    fn run(&self, cell: &Arc<Cell>) {
        let more = cell.run(self);
        self.put_back(cell, more);
        self.drowse();
        self.ready.done();
    }

    /// Does one of the things that wait to be done. False when there is none.
    pub(crate) fn step(&self, choice: usize) -> bool {
        let vats = self.ready.len();
        let commits = usize::from(self.committer.as_ref().is_some_and(super::Committer::has_work));
        match choice.checked_rem(vats + commits) {
            None => false,
            Some(at) if at < vats => {
                if let Some(cell) = self.ready.take(at) {
                    self.run(&cell);
                }
                true
            }
            Some(_) => {
                self.commit_some();
                true
            }
        }
    }

    /// Waits for an answer. Without threads it is this one that works for it. Says nothing when there will be none.
    pub(crate) fn wait<T>(
        &self,
        answer: &Receiver<T>,
        within: Option<Duration>,
        mut work: impl FnMut() -> bool,
    ) -> Option<T> {
        if self.config.threads > 0 {
            return match within {
                Some(within) => answer.recv_timeout(within).ok(),
                None => answer.recv().ok(),
            };
        }
        let begun = Instant::now();
        loop {
            match answer.try_recv() {
                Ok(answer) => return Some(answer),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {}
            }
            if within.is_some_and(|within| begun.elapsed() > within) || !work() {
                return answer.try_recv().ok();
            }
        }
    }

    /// A vat's slice is over: to the end of the line, or to wait for something.
    fn put_back(&self, cell: &Arc<Cell>, more: bool) {
        let target = cell.ahead_of.swap(0, Ordering::SeqCst);
        if target != 0 && self.park(cell, VatId::new(target)) {
            return;
        }
        if more && cell.uncommitted.load(Ordering::SeqCst) >= self.config.uncommitted {
            cell.waits_for_commit.store(true, Ordering::SeqCst);
            // The last record may have become durable in between.
            let waits = cell.uncommitted.load(Ordering::SeqCst) > 0;
            if waits || !cell.waits_for_commit.swap(false, Ordering::SeqCst) {
                return;
            }
        }
        if more {
            self.ready.schedule_again(cell);
            return;
        }
        cell.scheduled.store(false, Ordering::SeqCst);
        if cell.has_work() {
            self.ready.schedule(cell);
        }
    }

    /// Makes a vat wait until another has caught up, unless that one, or whom it waits for, waits for this.
    fn park(&self, cell: &Arc<Cell>, target: VatId) -> bool {
        let Some(other) = self.cell(target) else { return false };
        let mut parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut at = target;
        while let Some(next) = parked.get(&at) {
            if *next == cell.id {
                return false;
            }
            at = *next;
        }
        if target == cell.id || !other.wait_for(cell, self) {
            return false;
        }
        parked.insert(cell.id, target);
        true
    }

    /// They wait no more.
    pub(crate) fn unpark(&self, cells: &[Arc<Cell>]) {
        for cell in cells {
            self.parked.lock().unwrap_or_else(PoisonError::into_inner).remove(&cell.id);
            self.ready.schedule_again(cell);
        }
    }
}
