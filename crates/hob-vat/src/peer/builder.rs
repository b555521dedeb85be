//! What a peer is made with.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::cell::Inbound;
use super::commit::Committer;
use super::halted::Halted;
use super::loaded::Loaded;
use super::pool::{Pool, Ready};
use super::replies::Replies;
use super::{Peer, Shared, recover};
use crate::kinds::Kinds;
use crate::limits::Limits;
use crate::problem::Problem;
use crate::store::TurnStore;

/// What a peer is made with.
pub struct PeerBuilder {
    config: Config,
    store: Option<Arc<dyn TurnStore>>,
}

/// What holds for all vats of a peer.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) threads: usize,
    pub(crate) limits: Limits,
    pub(crate) kinds: Kinds,
    /// Turns of a vat until others get theirs.
    pub(crate) slice_turns: u32,
    /// Records of a vat that may wait to become durable.
    pub(crate) uncommitted: u32,
    /// Records that become durable together.
    pub(crate) commit_at_once: usize,
    /// Records until a snapshot replaces them; None: never.
    pub(crate) snapshot_every: Option<u64>,
    /// Durable vats in memory; None: any number.
    pub(crate) loaded_vats: Option<usize>,
}

impl Default for PeerBuilder {
    fn default() -> Self {
        let config = Config {
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            limits: Limits::default(),
            kinds: Kinds::library(),
            slice_turns: 4096,
            uncommitted: 1024,
            commit_at_once: 8192,
            snapshot_every: Some(10_000),
            loaded_vats: None,
        };
        Self { config, store: None }
    }
}

impl PeerBuilder {
    /// How many threads run vats. Default: one for each processor. With 0 nothing happens but what [`Peer::step`] does, and what
    /// the program waits for.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.config.threads = threads;
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

    /// How many records become durable together, at most: with 1 each waits for the disk by itself.
    #[must_use]
    pub fn commit_at_once(mut self, records: usize) -> Self {
        self.config.commit_at_once = records.max(1);
        self
    }

    /// After how many records of a vat a snapshot replaces them. None keeps every record, for looking back.
    #[must_use]
    pub fn snapshot_every(mut self, records: Option<u64>) -> Self {
        self.config.snapshot_every = records.map(|records| records.max(1));
        self
    }

    /// How many durable vats are in memory, as far as they have nothing to do. What is beyond is read back from the store when a
    /// message comes or the program wants something of it. Default: any number.
    #[must_use]
    pub fn loaded_vats(mut self, vats: usize) -> Self {
        self.config.loaded_vats = Some(vats);
        self
    }

    /// Starts the threads. With a store, takes over what is in it, and sends again what was sent and may not have arrived. A vat is
    /// read when it is needed: what is wrong with it shows then.
    ///
    /// # Errors
    ///
    /// `store`: what is wrong with it; threads that cannot be had.
    pub fn build(self) -> Result<Peer, Problem> {
        let Self { mut config, store } = self;
        if store.is_some() {
            config.limits = config.limits.of_durable();
        }
        let recovered = recover::open(store.as_deref(), &config)?;
        let (threads, at_once) = (config.threads, config.commit_at_once);
        let (arrived, rest) = (recovered.arrived, recovered.rest);
        let shared = Arc::new(Shared {
            loaded: Loaded::new(config.loaded_vats),
            halted: Halted::default(),
            config,
            cells: RwLock::default(),
            sessions: RwLock::default(),
            replies: Replies::new(recovered.epoch),
            ready: Ready::default(),
            committer: store.map(|store| Committer::new(store, at_once, arrived, rest)),
            directory: Mutex::new(recovered.directory),
            parked: Mutex::default(),
        });
        let cells = recovered.cells;
        shared
            .cells
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(cells.iter().map(|cell| (cell.id, Arc::clone(cell))));
        for (from, sent) in recovered.again {
            shared.deliver(sent.to, vec![Inbound::Message { from, seq: sent.seq, message: sent.message }]);
        }
        cells.iter().filter(|cell| cell.has_work()).for_each(|cell| shared.ready.schedule(cell));
        if let Some(committer) = shared.committer.as_ref().filter(|_| threads > 0) {
            committer.start(&shared)?;
        }
        let pool = Pool::start(&shared, threads)?;
        Ok(Peer { shared, pool })
    }
}
