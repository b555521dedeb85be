//! What bounds one instance: the ledger its memories and tables are charged to, the token that stops it, its fuel.

use std::sync::Arc;
use std::time::Instant;

use hob_cap::{Ledger, StopToken};

/// The bounds of one instance. All three are shared with whoever else serves the same guest, so that memory taken by a
/// host buffer and memory taken by the guest add up in one place.
#[derive(Clone)]
pub struct Bounds {
    /// Where memories and tables are charged.
    pub ledger: Arc<Ledger>,
    /// What stops the guest: its deadline passes, or someone calls `stop`.
    pub stop: StopToken,
    /// Units of fuel for the whole life of the instance; `None` does not meter. One unit is about one instruction; the
    /// two engines count slightly differently. Needs [`EngineConfig::metered`](crate::EngineConfig::metered).
    pub fuel: Option<u64>,
}

/// When a guest is over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deadlines {
    /// From when on waits end early.
    pub soft: Option<Instant>,
    /// When it is stopped.
    pub hard: Option<Instant>,
}
