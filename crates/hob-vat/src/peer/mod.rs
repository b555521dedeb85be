//! A peer: vats on a few threads, sessions out, and a store behind.
//!
//! ```text
//!            ┌────────── Peer ───────────────────────────────────────────┐
//!  program ──▶ inbox ─▶ Vat (one turn at a time) ─▶ commit ─▶ store ─▶ release ─▶ inbox of another vat
//!            │                                                           └─▶ session ─▶ another machine
//!            └───────────────────────────────────────────────────────────┘
//! ```
//!
//! A vat is run by one thread at a time and by any of them: those that have something to do wait in one line, and each goes to its end
//! again after a slice. A vat that sends faster than the receiver takes waits until that one has caught up, unless they wait
//! for each other.
//!
//! With a store, what a vat sends and answers leaves it when the record of the turns that did so is durable. Records of many vats
//! are made durable together.

mod cell;
mod commit;
mod pool;
mod recover;
mod replies;
mod vat;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

pub use vat::Vat;

use crate::kinds::Kinds;
use crate::limits::Limits;
use crate::message::Message;
use crate::problem::Problem;
use crate::reference::{Ref, VatId};
use crate::session::{FarSide, Session};
use crate::store::TurnStore;
use crate::value::Value;
use cell::{Cell, Inbound};
use commit::Committer;
use pool::Pool;
use replies::Replies;

/// Vats, threads that run them, sessions and a store.
///
/// ```
/// use std::time::Duration;
/// use hob_vat::{Peer, library::CELL};
///
/// let peer = Peer::builder().threads(2).build()?;
/// let (a, b) = (peer.vat("a")?, peer.vat("b")?);
/// let cell = a.run(|turn| turn.spawn(&CELL, 1.into()))?;
/// // From b it is far: it can be sent to and not called.
/// let refused = b.run(|turn| turn.call(cell, &[])).unwrap_err();
/// assert_eq!(refused.rule_name(), Some("not-near"));
/// assert_eq!(b.ask(cell, [], Duration::from_secs(5))?, 1.into());
/// # Ok::<(), hob_vat::Problem>(())
/// ```
pub struct Peer {
    shared: Arc<Shared>,
    pool: Pool,
}

/// What a peer is made with.
pub struct PeerBuilder {
    threads: usize,
    config: Config,
    store: Option<Arc<dyn TurnStore>>,
}

/// What holds for all vats of a peer.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) limits: Limits,
    pub(crate) kinds: Kinds,
    /// Turns of a vat until others get theirs.
    pub(crate) slice_turns: u32,
    /// Records of a vat that may wait to become durable.
    pub(crate) uncommitted: u32,
    /// Records until a snapshot replaces them; None: never.
    pub(crate) snapshot_every: Option<u64>,
}

/// What threads, vats and handles of one peer share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) cells: RwLock<HashMap<VatId, Arc<Cell>>>,
    sessions: RwLock<Vec<Option<Arc<dyn Session>>>>,
    pub(crate) replies: Replies,
    pub(crate) ready: pool::Ready,
    pub(crate) committer: Option<Committer>,
    directory: Mutex<recover::Directory>,
    /// Who waits for whom to catch up.
    pub(crate) parked: Mutex<HashMap<VatId, VatId>>,
}

impl PeerBuilder {
    /// How many threads run vats: at least one. Default: one for each processor.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// The limits of each vat.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = limits;
        self
    }

    /// Keeps named vats in a store.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn TurnStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// The code of what the store holds. Default: the library.
    #[must_use]
    pub fn kinds(mut self, kinds: Kinds) -> Self {
        self.config.kinds = kinds;
        self
    }

    /// How many turns of a vat run until other vats get theirs.
    #[must_use]
    pub fn slice_turns(mut self, turns: u32) -> Self {
        self.config.slice_turns = turns.max(1);
        self
    }

    /// After how many records of a vat a snapshot replaces them. None keeps every record, for looking back.
    #[must_use]
    pub fn snapshot_every(mut self, records: Option<u64>) -> Self {
        self.config.snapshot_every = records.map(|records| records.max(1));
        self
    }

    /// Starts the threads. With a store, brings back what is in it, and sends again what was sent and did not arrive.
    ///
    /// # Errors
    ///
    /// `store`: what is wrong with it; `unknown-kind`: code that is not registered; threads that cannot be had.
    pub fn build(self) -> Result<Peer, Problem> {
        let (directory, recovered) = recover::open(self.store.as_ref(), &self.config)?;
        let shared = Arc::new_cyclic(|weak| Shared {
            committer: self.store.map(|store| Committer::new(store, weak.clone())),
            config: self.config,
            cells: RwLock::default(),
            sessions: RwLock::default(),
            replies: Replies::new(directory.epoch()),
            ready: pool::Ready::default(),
            directory: Mutex::new(directory),
            parked: Mutex::default(),
        });
        let mut again = Vec::new();
        for (cell, sent) in recovered {
            again.extend(sent.into_iter().map(|sent| (cell.id, sent)));
            shared.cells.write().unwrap_or_else(PoisonError::into_inner).insert(cell.id, cell);
        }
        for (from, sent) in again {
            shared.deliver(sent.to, vec![Inbound::Message { from, seq: sent.seq, message: sent.message }]);
        }
        let cells: Vec<_> =
            shared.cells.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        cells.iter().filter(|cell| cell.has_work()).for_each(|cell| shared.ready.schedule(cell));
        let pool = Pool::start(&shared, self.threads)?;
        Ok(Peer { shared, pool })
    }
}

impl Peer {
    /// A peer to be.
    #[must_use]
    pub fn builder() -> PeerBuilder {
        let config = Config {
            limits: Limits::default(),
            kinds: Kinds::library(),
            slice_turns: 4096,
            uncommitted: 1024,
            snapshot_every: Some(10_000),
        };
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        PeerBuilder { threads, config, store: None }
    }

    /// The vat of a name, made if there is none. With a store it is durable.
    ///
    /// # Errors
    ///
    /// `store`: what is wrong with it.
    pub fn vat(&self, name: &str) -> Result<Vat, Problem> {
        let mut directory = self.shared.directory.lock().unwrap_or_else(PoisonError::into_inner);
        let id = match directory.find(name) {
            Some(id) => id,
            None => {
                let durable = self.shared.committer.as_ref();
                let cell = directory.make(name, durable.map(Committer::store), &self.shared.config)?;
                let id = cell.id;
                self.shared.cells.write().unwrap_or_else(PoisonError::into_inner).insert(id, cell);
                id
            }
        };
        self.shared.cell(id).map(|cell| Vat::new(&self.shared, cell)).ok_or_else(|| gone(id))
    }

    /// A vat that ends with the process, store or not.
    #[must_use]
    pub fn volatile_vat(&self) -> Vat {
        let mut directory = self.shared.directory.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = directory.make_volatile(&self.shared.config);
        self.shared.cells.write().unwrap_or_else(PoisonError::into_inner).insert(cell.id, Arc::clone(&cell));
        Vat::new(&self.shared, cell)
    }

    /// The names of the vats that have one.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.shared.directory.lock().unwrap_or_else(PoisonError::into_inner).names()
    }

    /// Opens a session: messages to references of its far side are handed to it.
    pub fn connect(&self, session: Arc<dyn Session>) -> FarSide {
        let mut sessions = self.shared.sessions.write().unwrap_or_else(PoisonError::into_inner);
        let number = u32::try_from(sessions.len()).unwrap_or(u32::MAX / 2);
        sessions.push(Some(session));
        FarSide::new(VatId::new(VatId::FIRST_SESSION.saturating_add(number)))
    }

    /// Hands in a message that came over a session. What it refers to must have been given to that session, or be its own.
    ///
    /// # Errors
    ///
    /// `limit`: mailbox; `stale-reference`: no such vat.
    pub fn deliver(&self, far: FarSide, message: Message) -> Result<(), Problem> {
        self.shared.hand_in(far.id(), message)
    }

    /// Ends a session: promises that wait for it are broken with `reason`, and so are those that stood for what was behind it.
    pub fn sever(&self, far: FarSide, reason: &Value) {
        let at = usize::try_from(far.id().number() - VatId::FIRST_SESSION).unwrap_or(usize::MAX);
        if let Some(session) =
            self.shared.sessions.write().unwrap_or_else(PoisonError::into_inner).get_mut(at)
        {
            *session = None;
        }
        let cells: Vec<_> =
            self.shared.cells.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for cell in cells {
            let severed = Inbound::Severed { session: far.id(), reason: reason.clone() };
            self.shared.deliver(cell.id, vec![severed]);
        }
    }

    /// Waits until no vat has anything to do, and what they did is durable. Returns whether that came about in time.
    #[must_use]
    pub fn settle(&self, within: std::time::Duration) -> bool {
        self.shared.ready.wait_idle(within)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.shared.ready.stop();
        self.pool.join();
        if let Some(committer) = &self.shared.committer {
            committer.stop();
        }
    }
}

impl Shared {
    pub(crate) fn cell(&self, id: VatId) -> Option<Arc<Cell>> {
        self.cells.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    fn session(&self, id: VatId) -> Option<Arc<dyn Session>> {
        let at = usize::try_from(id.number().checked_sub(VatId::FIRST_SESSION)?).ok()?;
        self.sessions.read().unwrap_or_else(PoisonError::into_inner).get(at).cloned().flatten()
    }

    /// A message from outside the vats: refused when the vat has too many already.
    pub(crate) fn hand_in(&self, from: VatId, message: Message) -> Result<(), Problem> {
        let to = message.to.vat();
        let cell = self.cell(to).ok_or_else(|| gone(to))?;
        let allowed = self.config.limits.mailbox;
        if cell.waiting() >= usize::try_from(allowed).unwrap_or(usize::MAX) {
            return Err(Problem::limit("mailbox", allowed.into()));
        }
        self.deliver(to, vec![Inbound::Message { from, seq: 0, message }]);
        Ok(())
    }

    /// Puts messages in front of a vat, a session, or who waits for a reply.
    pub(crate) fn deliver(&self, to: VatId, messages: Vec<Inbound>) {
        if let Some(cell) = self.cell(to) {
            match cell.put(messages) {
                Ok(()) => self.ready.schedule(&cell),
                Err(messages) => self.refuse(to, messages),
            }
        } else if to == Replies::VAT {
            messages
                .into_iter()
                .filter_map(Inbound::into_message)
                .for_each(|message| self.replies.settle(message));
        } else if let Some(session) = self.session(to) {
            session.deliver(messages.into_iter().filter_map(Inbound::into_message).collect());
        } else {
            self.refuse(to, messages);
        }
    }

    /// Nobody is there: who waits for an answer is told so.
    fn refuse(&self, to: VatId, messages: Vec<Inbound>) {
        for message in messages.into_iter().filter_map(Inbound::into_message) {
            let waits = match message.body {
                crate::message::Body::Listen { listener, .. } => Some(listener),
                _ => message.resolver,
            };
            // A resolver of the same place would be refused as well, without end.
            if let Some(waits) = waits.filter(|waits| waits.vat() != to) {
                let body = crate::message::Body::Break(gone(to).reason());
                let message = Message { to: waits, body, resolver: None };
                self.deliver(waits.vat(), vec![Inbound::Message { from: to, seq: 0, message }]);
            }
        }
    }
}

fn gone(vat: VatId) -> Problem {
    Problem::rule("stale-reference", format!("{vat} is gone"))
}

pub(crate) fn store_problem(error: &crate::store::StoreError) -> Problem {
    Problem::rule("store", error.to_string())
}

/// A promise that was given out to the program: see [`Vat::ask`].
pub(crate) fn reply_to(number: u64) -> Ref {
    Ref::new(Replies::VAT, 0, number, crate::reference::Facet::Resolver)
}
