//! What a store says there is when a peer starts: which vats, and what each has to send again.
//!
//! Every stream is taken over at once, so that no other process can go on. Vats are read only if they may have something to send or
//! to do; the others are read when they are needed.

use std::collections::HashMap;
use std::sync::Arc;

use super::Config;
use super::cell::Cell;
use super::core::{Core, Durable};
use super::directory::Directory;
use super::rest::Rest;
use crate::log::{DIRECTORY, Listing, REST, load, store_problem, stream_of};
use crate::message::Message;
use crate::problem::Problem;
use crate::record::Sent;
use crate::reference::VatId;
use crate::store::TurnStore;

/// What a peer begins with.
pub(crate) struct Recovered {
    pub(crate) directory: Directory,
    pub(crate) cells: Vec<Arc<Cell>>,
    /// What was sent and may not have arrived.
    pub(crate) again: Vec<(VatId, Sent)>,
    pub(crate) arrived: HashMap<(VatId, VatId), u64>,
    pub(crate) rest: Rest,
    /// How often the store was opened: numbers that must not come again begin with it.
    pub(crate) epoch: u64,
}

/// Opens what a store has. Without one there is nothing yet.
pub(crate) fn open(store: Option<&dyn TurnStore>, config: &Config) -> Result<Recovered, Problem> {
    let Some(store) = store else {
        return Ok(Recovered {
            directory: Directory::new(Listing::default(), 0, 0),
            cells: Vec::new(),
            again: Vec::new(),
            arrived: HashMap::new(),
            rest: Rest::default(),
            epoch: 0,
        });
    };
    let directory = store.claim(DIRECTORY).map_err(|error| store_problem(&error))?;
    let listing = Listing::read(store)?;
    let streams: Vec<String> = listing.vats.iter().map(|(_, id)| stream_of(*id)).collect();
    let names: Vec<&str> = [REST].into_iter().chain(streams.iter().map(String::as_str)).collect();
    let mut claims = store.claim_all(&names).map_err(|error| store_problem(&error))?.into_iter();
    let missing = || Problem::rule("store", "the store did not take over every stream".into());
    let rest = Rest::read(store, claims.next().ok_or_else(missing)?)?;
    let (mut cells, mut again, mut arrived) = (Vec::new(), Vec::new(), HashMap::new());
    for ((name, id), stream) in listing.vats.iter().zip(streams) {
        let claim = claims.next().ok_or_else(missing)?;
        let (mut durable, mut queued) = (Durable::new(stream, claim.fence, claim.next), (0, 0));
        durable.rested = rest.records(*id).min(claim.next);
        if durable.rested < claim.next {
            let state = load(store, *id, u64::MAX, durable.rested)?;
            arrived.extend(state.cursors.iter().map(|(from, seq)| ((*from, *id), *seq)));
            again.extend(state.unacknowledged.iter().map(|sent| (*id, sent.clone())));
            durable.pending = !state.queue.is_empty();
            let costs = state.queue.iter().map(Message::cost);
            queued = (state.queue.len(), costs.fold(0, u64::saturating_add));
            if config.loaded_vats.is_none_or(|limit| cells.len() < limit) {
                durable.stash = Some(Box::new(state));
            }
        }
        let cell = Cell::new(*id, name, Core::durable(durable));
        cell.note(queued);
        cells.push(cell);
    }
    // What has arrived is known to who received it.
    again.retain(|(from, sent)| arrived.get(&(*from, sent.to)).is_none_or(|last| sent.seq > *last));
    let directory_state = Directory::new(listing, directory.fence, directory.next);
    Ok(Recovered { directory: directory_state, cells, again, arrived, rest, epoch: directory.fence })
}
