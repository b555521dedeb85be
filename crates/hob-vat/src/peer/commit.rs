//! Making records durable, many at a time, and letting out what they say was sent.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;

use super::cell::{Cell, Inbound};
use super::{Shared, store_problem};
use crate::problem::Problem;
use crate::record::Sent;
use crate::reference::VatId;
use crate::store::{Append, TurnStore};

/// How many records, and how many bytes of them, become durable together.
const RECORDS_AT_ONCE: usize = 8192;
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
    /// Tells when all before it is durable.
    After(Ticket),
}

/// The thread that makes records durable.
pub(crate) struct Committer {
    store: Arc<dyn TurnStore>,
    jobs: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    arrived: Mutex<HashMap<(VatId, VatId), u64>>,
}

impl Committer {
    pub(crate) fn new(store: Arc<dyn TurnStore>, shared: Weak<Shared>) -> Self {
        let (send, receive) = channel();
        let own = Arc::clone(&store);
        let thread = std::thread::Builder::new()
            .name("hob-commit".into())
            .spawn(move || run(&*own, &receive, &shared));
        // Without the thread nothing is received, so sending fails and the vat halts: that is told then.
        Self {
            store,
            jobs: Mutex::new(Some(send)),
            thread: Mutex::new(thread.ok()),
            arrived: Mutex::default(),
        }
    }

    pub(crate) fn store(&self) -> &dyn TurnStore {
        &*self.store
    }

    #[expect(clippy::result_large_err, reason = "what is refused is given back, once in the life of a peer")]
    fn submit(&self, job: Job) -> Result<(), Job> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        match &*jobs {
            Some(send) => send.send(job).map_err(|refused| refused.0),
            None => Err(job),
        }
    }

    /// Ends when all that was submitted is durable.
    pub(crate) fn stop(&self) {
        *self.jobs.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Dropping the last handle of a peer may happen on the thread itself.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) {
            let _ = thread.join();
        }
    }
}

fn run(store: &dyn TurnStore, jobs: &Receiver<Job>, shared: &Weak<Shared>) {
    while let Ok(first) = jobs.recv() {
        let mut batch = vec![first];
        let mut bytes = 0;
        while batch.len() < RECORDS_AT_ONCE && bytes < BYTES_AT_ONCE {
            let Ok(job) = jobs.try_recv() else { break };
            if let Job::Commit(commit) = &job {
                bytes += commit.record.len();
            }
            batch.push(job);
        }
        let entries: Vec<Append<'_>> = batch
            .iter()
            .filter_map(|job| match job {
                Job::Commit(it) => {
                    Some(Append { stream: &it.stream, fence: it.fence, at: it.at, record: &it.record })
                }
                Job::After(_) => None,
            })
            .collect();
        let mut results = store.append(&entries).into_iter();
        let Some(shared) = shared.upgrade() else { return };
        for job in batch {
            match job {
                Job::After(ticket) => ticket.tell(Ok(())),
                Job::Commit(commit) => {
                    let result = results.next().unwrap_or_else(|| {
                        Err(crate::store::StoreError::Failed(
                            "the store did not say whether it kept a record".into(),
                        ))
                    });
                    finish(store, &shared, commit, result.map_err(|error| store_problem(&error)));
                }
            }
        }
    }
}

fn finish(store: &dyn TurnStore, shared: &Shared, commit: Commit, result: Result<(), Problem>) {
    let cell = &commit.cell;
    match &result {
        Ok(()) => {
            if let Some(committer) = &shared.committer {
                let mut arrived = committer.arrived.lock().unwrap_or_else(PoisonError::into_inner);
                for (from, seq) in &commit.seen {
                    let last = arrived.entry((*from, cell.id)).or_default();
                    *last = (*last).max(*seq);
                }
            }
            shared.release(cell, commit.outbox.into_iter());
            if let Some(snapshot) = &commit.snapshot {
                // A snapshot that cannot be kept costs room and time, and no turn: the records are there.
                let _ = store.replace(&commit.stream, commit.fence, commit.at.saturating_add(1), snapshot);
            }
        }
        Err(problem) => cell.halt(problem.clone(), shared),
    }
    if let Some(ticket) = &commit.ticket {
        ticket.tell(result);
    }
    cell.uncommitted.fetch_sub(1, Ordering::SeqCst);
    if cell.waits_for_commit.swap(false, Ordering::SeqCst) {
        shared.ready.schedule_again(cell);
    }
    shared.ready.done();
}

impl Shared {
    pub(crate) fn submit(&self, commit: Commit) {
        let Some(committer) = &self.committer else { return };
        let cell = Arc::clone(&commit.cell);
        cell.uncommitted.fetch_add(1, Ordering::SeqCst);
        self.ready.begin();
        if let Err(Job::Commit(refused)) = committer.submit(Job::Commit(commit)) {
            // The vat's own lock is held by who submits.
            if let Some(ticket) = &refused.ticket {
                ticket.tell(Err(Problem::rule("store", "the peer has ended".into())));
            }
            cell.uncommitted.fetch_sub(1, Ordering::SeqCst);
            self.ready.done();
        }
    }

    /// Tells when all that the vat did before is durable.
    pub(crate) fn after_commits(&self, cell: &Cell, ticket: Ticket) {
        match &self.committer {
            Some(committer) if cell.uncommitted.load(Ordering::SeqCst) > 0 => {
                if let Err(Job::After(ticket)) = committer.submit(Job::After(ticket)) {
                    ticket.tell(Err(Problem::rule("store", "the peer has ended".into())));
                }
            }
            _ => ticket.tell(Ok(())),
        }
    }

    /// Forgets messages that have arrived for good.
    pub(crate) fn prune(&self, from: VatId, sent: &mut VecDeque<Sent>) {
        let Some(committer) = &self.committer else { return };
        let arrived = committer.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        sent.retain(|sent| arrived.get(&(from, sent.to)).is_none_or(|last| sent.seq > *last));
    }

    /// Lets messages out, in their order.
    pub(crate) fn release(&self, from: &Cell, sent: impl Iterator<Item = Sent>) {
        let mut group: Vec<Inbound> = Vec::new();
        let mut to = None;
        for sent in sent {
            if to != Some(sent.to) {
                self.release_to(from, to, std::mem::take(&mut group));
                to = Some(sent.to);
            }
            group.push(Inbound::Message { from: from.id, seq: sent.seq, message: sent.message });
        }
        self.release_to(from, to, group);
    }

    fn release_to(&self, from: &Cell, to: Option<VatId>, group: Vec<Inbound>) {
        let Some(to) = to else { return };
        self.deliver(to, group);
        if to != from.id && self.cell(to).is_some_and(|cell| cell.waiting() > self.mailbox()) {
            from.ahead_of.store(to.number(), Ordering::SeqCst);
        }
    }

    pub(crate) fn mailbox(&self) -> usize {
        usize::try_from(self.config.limits.mailbox).unwrap_or(usize::MAX)
    }
}
