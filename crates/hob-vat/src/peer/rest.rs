//! Which vats have nothing to send again and nothing to do: who starts a peer need not read them.
//!
//! A mark says how many records a vat had when it came to rest. It holds as long as the vat has just as many, so that nobody has to
//! take it back, and one that is lost costs time at the next start and nothing else.

use std::collections::BTreeMap;

use hob_syrup::{Limits, Mode, Reader, encode};

use crate::codec::not_syrup;
use crate::log::{REST, Raw, small, store_problem};
use crate::problem::Problem;
use crate::reference::VatId;
use crate::store::{Claim, TurnStore};

/// Records of marks until a snapshot replaces them.
const SNAPSHOT_EVERY: u64 = 1000;

#[derive(Default)]
pub(crate) struct Rest {
    fence: u64,
    next: u64,
    since_snapshot: u64,
    marks: BTreeMap<VatId, u64>,
    pending: BTreeMap<VatId, u64>,
    /// Marks could not be written, so none are.
    off: bool,
}

impl Rest {
    pub(crate) fn read(store: &dyn TurnStore, claim: Claim) -> Result<Self, Problem> {
        let mut rest = Self { fence: claim.fence, next: claim.next, ..Self::default() };
        let mut from = 0;
        if let Some((at, bytes)) = store.snapshot(REST).map_err(|error| store_problem(&error))? {
            rest.add(&bytes)?;
            from = at;
        }
        for record in Raw::new(store, REST, from, u64::MAX) {
            rest.add(&record?.1)?;
            rest.since_snapshot += 1;
        }
        Ok(rest)
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        let limits = Limits { bytes: usize::MAX, values: usize::MAX, ..Limits::default() };
        let mut r = Reader::new(bytes, Mode::Canonical, limits);
        r.expect_record("rest").map_err(not_syrup)?;
        while r.more().map_err(not_syrup)? {
            let vat = VatId::new(small(&mut r)?);
            self.marks.insert(vat, r.u64().map_err(not_syrup)?);
        }
        r.end().map_err(not_syrup)?;
        r.finish().map_err(not_syrup)
    }

    /// How many records a vat had when it came to rest.
    pub(crate) fn records(&self, vat: VatId) -> u64 {
        self.marks.get(&vat).copied().unwrap_or_default()
    }

    pub(crate) fn mark(&mut self, vat: VatId, records: u64) {
        if self.marks.insert(vat, records) != Some(records) {
            self.pending.insert(vat, records);
        }
    }

    /// A record of what was marked since the last one, and where it goes: fence and place.
    pub(crate) fn take(&mut self) -> Option<(u64, u64, Vec<u8>)> {
        let pending = std::mem::take(&mut self.pending);
        if self.off || pending.is_empty() {
            return None;
        }
        record(&pending).map(|record| (self.fence, self.next, record))
    }

    /// The record was written, or not.
    pub(crate) fn written(&mut self, kept: bool, store: &dyn TurnStore) {
        if !kept {
            self.off = true;
            return;
        }
        self.next += 1;
        self.since_snapshot += 1;
        if self.since_snapshot >= SNAPSHOT_EVERY
            && let Some(all) = record(&self.marks)
        {
            self.since_snapshot = 0;
            let _ = store.replace(REST, self.fence, self.next, &all);
        }
    }
}

fn record(marks: &BTreeMap<VatId, u64>) -> Option<Vec<u8>> {
    encode(|w| {
        w.record("rest", |w| {
            for (vat, records) in marks {
                w.int(vat.number());
                w.int(*records);
            }
        });
    })
    .ok()
}
