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

mod border;
mod builder;
mod cell;
mod commit;
mod core;
mod directory;
mod entrance;
mod halted;
mod loaded;
mod pool;
mod recover;
mod release;
mod replies;
mod rest;
mod vat;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

pub use builder::PeerBuilder;
pub use entrance::{Entrance, Room, Undelivered};
pub use vat::Vat;

use crate::message::Message;
use crate::problem::Problem;
use crate::reference::VatId;
use crate::session::{FarSide, Session};
use crate::store::TurnStore;
use crate::value::Value;
use border::Border;
use builder::Config;
use cell::Cell;
use commit::Committer;
use directory::Directory;
use halted::Halted;
use loaded::Loaded;
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

/// What threads, vats and handles of one peer share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) cells: RwLock<HashMap<VatId, Arc<Cell>>>,
    sessions: RwLock<HashMap<VatId, Arc<Border>>>,
    pub(crate) replies: Replies,
    pub(crate) ready: pool::Ready,
    pub(crate) committer: Option<Committer>,
    pub(crate) loaded: Loaded,
    pub(crate) halted: Halted,
    directory: Mutex<Directory>,
    /// Who waits for whom to catch up.
    pub(crate) parked: Mutex<HashMap<VatId, VatId>>,
}

impl Peer {
    /// A peer to be.
    #[must_use]
    pub fn builder() -> PeerBuilder {
        PeerBuilder::default()
    }

    /// The vat of a name, made if there is none. With a store it is durable.
    ///
    /// # Errors
    ///
    /// `store`: what is wrong with it; `limit`: vat-name, vats.
    pub fn vat(&self, name: &str) -> Result<Vat, Problem> {
        let mut directory = self.shared.directory.lock().unwrap_or_else(PoisonError::into_inner);
        let id = match directory.find(name) {
            Some(id) => id,
            None => {
                let cell = directory.make(name, self.shared.store(), &self.shared.config)?;
                let id = cell.id;
                self.shared.cells.write().unwrap_or_else(PoisonError::into_inner).insert(id, cell);
                id
            }
        };
        self.shared.cell(id).map(|cell| Vat::new(&self.shared, cell)).ok_or_else(|| gone(id))
    }

    /// A vat that ends with the process, store or not.
    ///
    /// # Errors
    ///
    /// `store`: what is wrong with it.
    pub fn volatile_vat(&self) -> Result<Vat, Problem> {
        let mut directory = self.shared.directory.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = directory.make_volatile(self.shared.store(), &self.shared.config)?;
        self.shared.cells.write().unwrap_or_else(PoisonError::into_inner).insert(cell.id, Arc::clone(&cell));
        Ok(Vat::new(&self.shared, cell))
    }

    /// The names of the vats that have one.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.shared.directory.lock().unwrap_or_else(PoisonError::into_inner).names()
    }

    /// Opens a session: messages to references of its far side are handed to it. Its number is not given out again, even after
    /// a restart.
    ///
    /// # Errors
    ///
    /// `store`: what is wrong with it.
    pub fn connect(&self, session: Arc<dyn Session>) -> Result<FarSide, Problem> {
        let mut directory = self.shared.directory.lock().unwrap_or_else(PoisonError::into_inner);
        let id = directory.session(self.shared.store())?;
        let border = Border::new(id, session);
        self.shared.sessions.write().unwrap_or_else(PoisonError::into_inner).insert(id, border);
        Ok(FarSide::new(id))
    }

    /// Hands in a message that came over a session. Whatever it refers to is the session's own, or was in a message that the
    /// session was handed, or was introduced to it.
    ///
    /// A message that is refused changes nothing, and whoever waits for what comes of it is told why: its resolver or listener, or the
    /// promise of a vat that it would have settled, which is broken instead.
    ///
    /// # Errors
    ///
    /// It was refused, and there is nobody to tell: `not-given`: the reference is none that the session may name; `limit`:
    /// message-bytes, value-depth, mailbox; `stale-reference`: no such vat, or the session has ended; why the vat has halted. An answer
    /// that found no room can be handed in again later; one that is given up should end the session, so that nobody waits for it.
    pub fn deliver(&self, far: FarSide, message: Message) -> Result<(), Problem> {
        let taken = self.shared.hand_in_over(far, message);
        taken.map_err(|refused| refused.problem(&self.shared.config.limits))
    }

    /// Gives a session the references in a value, which the program has: from now on it may name them. They are not held for it.
    ///
    /// # Errors
    ///
    /// `stale-reference`: the session has ended.
    pub fn introduce(&self, far: FarSide, what: &Value) -> Result<(), Problem> {
        let border = self.shared.border(far.id()).ok_or_else(|| gone(far.id()))?;
        border.give(&self.shared, |visit| what.visit_bare(visit));
        Ok(())
    }

    /// Ends a session: promises that wait for it are broken with `reason`, and so are those that stood for what was behind it.
    pub fn sever(&self, far: FarSide, reason: &Value) {
        self.shared.sever(far.id(), reason);
    }

    /// What lets the threads of a session hand in messages and end it, as long as the peer is there.
    #[must_use]
    pub fn entrance(&self, far: FarSide) -> Entrance {
        Entrance::new(&self.shared, far)
    }

    /// Waits until no vat has anything to do, and what they did is durable. Returns whether that came about in time.
    #[must_use]
    pub fn settle(&self, within: std::time::Duration) -> bool {
        if self.shared.config.threads > 0 {
            return self.shared.ready.wait_idle(within);
        }
        let begun = Instant::now();
        while begun.elapsed() <= within {
            if !self.step(0) {
                return true;
            }
        }
        false
    }

    /// Does one of the things that wait to be done: lets one of the vats that have something to do run for a while, in the order in
    /// which they wait, or makes durable what was done, which comes last. Which of n it is says `choice`, modulo n. False when there is
    /// nothing. A peer without threads goes on in no other way, so that what happens in which order is its program's to say.
    pub fn step(&self, choice: usize) -> bool {
        self.shared.step(choice)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.shared.ready.stop();
        self.pool.join();
        let Some(committer) = &self.shared.committer else { return };
        committer.stop();
        while self.shared.commit_some() {}
        let cells: Vec<_> =
            self.shared.cells.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for cell in cells {
            if let Some(mut core) = cell.try_core()
                && cell.is_empty()
                && cell.halted().is_none()
                && let Some(records) = core.rests_at(&cell, &self.shared)
            {
                committer.rests(cell.id, records);
            }
        }
        committer.write_rest();
    }
}

impl Shared {
    fn store(&self) -> Option<&dyn TurnStore> {
        self.committer.as_ref().map(Committer::store)
    }

    pub(crate) fn cell(&self, id: VatId) -> Option<Arc<Cell>> {
        self.cells.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }
}

fn gone(vat: VatId) -> Problem {
    let what = if vat.is_session() { ", and what was behind it: it ended, or the process did" } else { "" };
    Problem::rule("stale-reference", format!("{vat} is gone{what}"))
}
