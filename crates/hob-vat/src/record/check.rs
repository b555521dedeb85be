//! Whether records and snapshots can be what a vat wrote. A file may be damaged, or written by somebody else: what no vat could have
//! come to is an error here, and neither an endless loop, nor memory without end, nor a reference that means two things later.

use super::{Change, Snapshot, State, Stored, TurnRecord};
use crate::problem::Problem;
use crate::reference::{Facet, Ref, VatId};
use crate::space::{FIRST_LOOK, to_usize};

/// No vat has counted so far.
const COUNT_MAX: u64 = FIRST_LOOK;

fn bad(what: String) -> Problem {
    Problem::rule("not-a-record", what)
}

fn counts(numbers: &[u64]) -> Result<(), Problem> {
    match numbers.iter().find(|number| **number >= COUNT_MAX) {
        Some(number) => Err(bad(format!("nothing happened {number} times"))),
        None => Ok(()),
    }
}

/// Places in ascending order, each there and born before now.
fn places(changes: &[Change], places: u32, births: u64) -> Result<(), Problem> {
    let mut next = 0;
    for Change { index, birth, .. } in changes {
        if *index < next || *index >= places {
            return Err(bad(format!("place {index} of {places}, where {next} or more comes next")));
        }
        if *birth >= births {
            return Err(bad(format!("birth {birth} at place {index}, of {births}")));
        }
        next = index.saturating_add(1);
    }
    Ok(())
}

fn free(list: &[u32], places: u32) -> Result<(), Problem> {
    match list.iter().find(|index| **index >= places) {
        Some(index) => Err(bad(format!("place {index} is free, and there are {places}"))),
        None => Ok(()),
    }
}

impl TurnRecord {
    /// Whether it can be of a vat at all.
    pub(super) fn check(&self) -> Result<(), Problem> {
        counts(&[self.turns, self.start, self.births, self.stamps_start, self.stamps])?;
        let seqs = self.inputs.iter().map(|input| input.seq);
        let seqs: Vec<u64> = seqs.chain(self.outbox.iter().map(|sent| sent.seq)).collect();
        counts(&seqs)?;
        places(&self.changes, self.free.places, self.births)?;
        free(&self.free.tail, self.free.places)?;
        free(&self.collected, self.free.places)
    }

    /// Whether it can be the next record of a vat with so many places, so many of them free.
    pub(crate) fn follows(&self, had: usize, free_before: usize) -> Result<(), Problem> {
        // A place that is new is taken or free, and says so: nobody gets more room than they wrote bytes for.
        let has = to_usize(self.free.places);
        let said = self.changes.len().saturating_add(self.free.tail.len());
        if has < had || has - had > said {
            return Err(bad(format!("{has} places after {had}, of which {said} are accounted for")));
        }
        let kept = usize::try_from(self.free.kept).unwrap_or(usize::MAX);
        if kept > free_before {
            return Err(bad(format!("{kept} free places are kept of {free_before}")));
        }
        Ok(())
    }
}

impl Snapshot {
    /// Whether it can be of a vat.
    pub(super) fn check(&self) -> Result<(), Problem> {
        counts(&[self.turns, self.births, self.stamps])?;
        let seqs = self.cursors.iter().chain(&self.sent).map(|(_, seq)| *seq);
        let seqs: Vec<u64> = seqs.chain(self.unacknowledged.iter().map(|sent| sent.seq)).collect();
        counts(&seqs)?;
        places(&self.contents, self.places, self.births)?;
        free(&self.free, self.places)?;
        let said = self.contents.len().saturating_add(self.free.len());
        if to_usize(self.places) != said {
            return Err(bad(format!("{} places, of which {said} are accounted for", self.places)));
        }
        Ok(())
    }
}

impl State {
    /// Whether a vat can be what records led to: each place is taken or free, and free once; and a promise that stands for something
    /// near stands for an actor.
    pub(crate) fn check(&self, vat: VatId) -> Result<(), Problem> {
        let mut open: Vec<bool> = self.places.iter().map(Option::is_none).collect();
        for index in &self.free {
            match open.get_mut(to_usize(*index)) {
                Some(open) if *open => *open = false,
                _ => return Err(bad(format!("place {index} is free twice, or taken"))),
            }
        }
        if let Some(index) = open.iter().position(|open| *open) {
            return Err(bad(format!("place {index} is neither taken nor free")));
        }
        for change in self.places.iter().flatten() {
            if let Stored::Link(to) = change.content
                && !self.ends(vat, to)
            {
                return Err(bad(format!(
                    "place {} stands for {to}, which stands for something itself",
                    change.index
                )));
            }
        }
        Ok(())
    }

    /// Whether following a reference ends with it.
    fn ends(&self, vat: VatId, to: Ref) -> bool {
        let there = self.places.get(to_usize(to.index())).and_then(Option::as_ref);
        match to.facet() {
            Facet::Promise => to.vat() != vat,
            Facet::Object if to.vat() == vat => {
                there.is_none_or(|it| it.birth != to.birth() || matches!(it.content, Stored::Object { .. }))
            }
            Facet::Object | Facet::Resolver | Facet::Follower => true,
        }
    }
}
