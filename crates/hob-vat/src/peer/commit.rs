//! Making records durable, many at a time, and letting out what they say was sent.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::JoinHandle;

use super::Shared;
use super::cell::Cell;
use super::rest::Rest;
use crate::log::{REST, store_problem};
use crate::problem::Problem;
use crate::record::Sent;
use crate::reference::VatId;
use crate::store::{Append, StoreError, TurnStore};

/// How many bytes of records become durable together.
const BYTES_AT_ONCE: usize = 32 << 20;

/// A record that is to become durable, and what happens then.
pub(crate) struct Commit {
    pub(crate) cell: Arc<Cell>,
    pub(crate) stream: Arc<str>,
    pub(crate) fence: u64,
    pub(crate) at: u64,
    pub(crate) record: Vec<u8>,
    pub(crate) outbox: Vec<Sent>,
    /// Which messages have arrived with it.
    pub(crate) seen: Vec<(VatId, u64)>,
    pub(crate) ticket: Option<Ticket>,
    /// What stands for all records up to this one.
    pub(crate) snapshot: Option<Vec<u8>>,
}

/// Somebody who waits until something is durable.
pub(crate) struct Ticket(pub(crate) SyncSender<Result<(), Problem>>);

impl Ticket {
    pub(crate) fn tell(&self, result: Result<(), Problem>) {
        // Who has stopped waiting has stopped listening.
        let _ = self.0.try_send(result);
    }
}

enum Job {
    Commit(Commit),
    /// Tells when all before it is durable, unless the vat has halted.
    After(Arc<Cell>, Ticket),
}

/// What is to become durable, in the order in which it came.
#[derive(Default)]
struct Jobs {
    line: Mutex<Line>,
    work: Condvar,
}

#[derive(Default)]
struct Line {
    jobs: VecDeque<Job>,
    stopped: bool,
}

impl Jobs {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is something; says whether there is.
    fn wait(&self) -> bool {
        let mut line = self.line();
        while line.jobs.is_empty() && !line.stopped {
            line = self.work.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
        !line.jobs.is_empty()
    }

    fn take(&self, at_most: usize) -> Vec<Job> {
        let mut line = self.line();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < at_most && bytes < BYTES_AT_ONCE {
            let Some(job) = line.jobs.pop_front() else { break };
            if let Job::Commit(commit) = &job {
                bytes += commit.record.len();
            }
            batch.push(job);
        }
        batch
    }
}

/// What makes records durable: a thread of its own, or whoever takes the steps of a peer without threads.
pub(crate) struct Committer {
    store: Arc<dyn TurnStore>,
    at_once: usize,
    jobs: Arc<Jobs>,
    thread: Mutex<Option<JoinHandle<()>>>,
    committing: Mutex<()>,
    /// The number of the last message from one vat to another whose arrival is durable.
    arrived: Mutex<HashMap<(VatId, VatId), u64>>,
    rest: Mutex<Rest>,
}

impl Committer {
    pub(crate) fn new(
        store: Arc<dyn TurnStore>,
        at_once: usize,
        arrived: HashMap<(VatId, VatId), u64>,
        rest: Rest,
    ) -> Self {
        let (jobs, thread, committing) = (Arc::default(), Mutex::default(), Mutex::default());
        Self {
            store,
            at_once,
            jobs,
            thread,
            committing,
            arrived: Mutex::new(arrived),
            rest: Mutex::new(rest),
        }
    }

    /// Starts its thread.
    pub(crate) fn start(&self, shared: &Arc<Shared>) -> Result<(), Problem> {
        let (jobs, weak) = (Arc::clone(&self.jobs), Arc::downgrade(shared));
        let work = move || {
            while jobs.wait() {
                let Some(shared) = weak.upgrade() else { return };
                shared.commit_some();
            }
        };
        let thread = std::thread::Builder::new().name("hob-commit".into()).spawn(work);
        let thread = thread.map_err(|error| Problem::rule("threads", error.to_string()))?;
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    pub(crate) fn store(&self) -> &dyn TurnStore {
        &*self.store
    }

    #[expect(clippy::result_large_err, reason = "what is refused is given back, once in the life of a peer")]
    fn submit(&self, job: Job) -> Result<(), Job> {
        let mut line = self.jobs.line();
        if line.stopped {
            return Err(job);
        }
        line.jobs.push_back(job);
        drop(line);
        self.jobs.work.notify_one();
        Ok(())
    }

    pub(crate) fn has_work(&self) -> bool {
        !self.jobs.line().jobs.is_empty()
    }

    /// A vat has nothing to send again as long as it has so many records.
    pub(crate) fn rests(&self, vat: VatId, records: u64) {
        self.rest().mark(vat, records);
    }

    /// What a vat that was read from the store has received.
    pub(crate) fn know(&self, vat: VatId, cursors: &BTreeMap<VatId, u64>) {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.extend(cursors.iter().map(|(from, seq)| ((*from, vat), *seq)));
    }

    fn rest(&self) -> MutexGuard<'_, Rest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes no more, and ends when all that was submitted is durable.
    pub(crate) fn stop(&self) {
        self.jobs.line().stopped = true;
        self.jobs.work.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Dropping the last handle of a peer may happen on the thread itself.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) {
            let _ = thread.join();
        }
    }

    /// Writes down which vats rest.
    pub(crate) fn write_rest(&self) {
        let mut rest = self.rest();
        if let Some((fence, at, record)) = rest.take() {
            let entry = Append { stream: REST, fence, at, record: &record };
            let kept = self.store.append(&[entry]).into_iter().all(|result| result.is_ok());
            rest.written(kept, &*self.store);
        }
    }
}

impl Shared {
    /// Makes durable what waits for it, as much as goes together. Says whether there was anything.
    pub(crate) fn commit_some(&self) -> bool {
        let Some(committer) = &self.committer else { return false };
        // What was taken out later must not be written earlier: one at a time, whoever it is.
        let _committing = match committer.committing.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(guard)) => guard.into_inner(),
            Err(TryLockError::WouldBlock) => {
                std::thread::yield_now();
                return true;
            }
        };
        let batch = committer.jobs.take(committer.at_once);
        let mut entries: Vec<Append<'_>> = batch
            .iter()
            .filter_map(|job| match job {
                Job::Commit(it) => {
                    Some(Append { stream: &it.stream, fence: it.fence, at: it.at, record: &it.record })
                }
                Job::After(..) => None,
            })
            .collect();
        let records = entries.len();
        // Who rests is written down with something else, or not at all: it only saves work.
        let mark = if records > 0 { committer.rest().take() } else { None };
        if let Some((fence, at, record)) = &mark {
            entries.push(Append { stream: REST, fence: *fence, at: *at, record });
        }
        let mut results = if entries.is_empty() { Vec::new() } else { committer.store.append(&entries) };
        if mark.is_some() {
            let kept = results.len() > records && results.pop().is_some_and(|result| result.is_ok());
            committer.rest().written(kept, &*committer.store);
        }
        let kept = results;
        let mut kept = kept.into_iter();
        let some = !batch.is_empty();
        for job in batch {
            match job {
                Job::After(cell, ticket) => ticket.tell(cell.halted().map_or(Ok(()), Err)),
                Job::Commit(commit) => {
                    let result = kept.next().unwrap_or_else(|| {
                        Err(StoreError::Failed("the store did not say whether it kept a record".into()))
                    });
                    self.finish(committer, commit, result.map_err(|error| store_problem(&error)));
                }
            }
        }
        some
    }

    fn finish(&self, committer: &Committer, commit: Commit, result: Result<(), Problem>) {
        let cell = &commit.cell;
        // What comes after something that was not kept stays in as well, even if it was kept: it would overtake.
        let result = result.and_then(|()| cell.halted().map_or(Ok(()), Err));
        match &result {
            Ok(()) => {
                let mut arrived = committer.arrived.lock().unwrap_or_else(PoisonError::into_inner);
                for (from, seq) in &commit.seen {
                    let last = arrived.entry((*from, cell.id)).or_default();
                    *last = (*last).max(*seq);
                }
                drop(arrived);
                self.release(cell, commit.outbox.into_iter());
                if let Some(snapshot) = &commit.snapshot {
                    // A snapshot that cannot be kept costs room and time, and no turn: the records are there.
                    let at = commit.at.saturating_add(1);
                    let _ = committer.store.replace(&commit.stream, commit.fence, at, snapshot);
                }
            }
            Err(problem) => cell.halt(problem.clone(), self),
        }
        if let Some(ticket) = &commit.ticket {
            ticket.tell(result);
        }
        cell.uncommitted.fetch_sub(1, Ordering::SeqCst);
        if cell.waits_for_commit.swap(false, Ordering::SeqCst) {
            self.ready.schedule_again(cell);
        }
        self.drowse();
        self.ready.done();
    }

    pub(crate) fn submit(&self, commit: Commit) {
        let Some(committer) = &self.committer else { return };
        let cell = Arc::clone(&commit.cell);
        cell.uncommitted.fetch_add(1, Ordering::SeqCst);
        self.ready.begin();
        if let Err(Job::Commit(refused)) = committer.submit(Job::Commit(commit)) {
            let problem = ended();
            cell.halt(problem.clone(), self);
            if let Some(ticket) = &refused.ticket {
                ticket.tell(Err(problem));
            }
            cell.uncommitted.fetch_sub(1, Ordering::SeqCst);
            self.ready.done();
        }
    }

    /// Tells when all that the vat did before is durable.
    pub(crate) fn after_commits(&self, cell: &Arc<Cell>, ticket: Ticket) {
        match &self.committer {
            Some(committer) if cell.uncommitted.load(Ordering::SeqCst) > 0 => {
                if let Err(Job::After(_, ticket)) = committer.submit(Job::After(Arc::clone(cell), ticket)) {
                    ticket.tell(Err(ended()));
                }
            }
            _ => ticket.tell(cell.halted().map_or(Ok(()), Err)),
        }
    }

    /// Forgets messages that have arrived for good.
    pub(crate) fn prune(&self, from: VatId, sent: &mut VecDeque<Sent>) {
        let Some(committer) = self.committer.as_ref().filter(|_| !sent.is_empty()) else { return };
        let arrived = committer.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        sent.retain(|sent| arrived.get(&(from, sent.to)).is_none_or(|last| sent.seq > *last));
    }
}

pub(crate) fn ended() -> Problem {
    Problem::rule("store", "the peer has ended".into())
}
