//! What led to what, from vat to vat.
//!
//! Between vats it is in the records: a message that went out has the number with which it came in. Within one record several messages
//! may have come in and gone out together; which led to which is found out by running it again, and where that cannot be done, or
//! nobody has the code, each that came in counts as a cause of each that went out, and the link says that it is not certain.

use std::collections::{HashSet, VecDeque};

use super::History;
use crate::actormap::Trace;
use crate::kinds::Kinds;
use crate::log::records;
use crate::problem::Problem;
use crate::record::{Input, Sent, TurnRecord};
use crate::reference::VatId;

/// A record of a vat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Which vat.
    pub vat: VatId,
    /// Which of its records.
    pub record: u64,
}

/// A message from one record to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it was sent; None when it came from the program, a session or a vat that was not recorded, or the record is gone.
    pub from: Option<Place>,
    /// Where it was taken in; None when it did not arrive, or went to one of those.
    pub to: Option<Place>,
    /// The message: to which vat, and its number among those from the one to the other.
    pub sent: Sent,
    /// Whether it is known that it belongs to what was asked for.
    pub certain: bool,
}

/// What of a record led to one of the messages that went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The message that came in at this place of the list.
    Input(usize),
    /// A message that had come in before, and waited.
    Earlier,
    /// Nobody knows: the program had a hand in it, or nobody has the code.
    Unknown,
}

/// A record, and what led to what in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// The record.
    pub record: TurnRecord,
    /// What led to each message that went out.
    pub outbox: Vec<Origin>,
    /// What led to each message that waits for a later record.
    pub queue: Vec<Origin>,
}

/// Which part of a record is followed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    All,
    Input(VatId, u64),
    Output(VatId, u64),
    Earlier,
}

impl History<'_> {
    /// What led to what in a record. Without kinds nobody knows.
    ///
    /// # Errors
    ///
    /// As [`History::at`]; `unknown-kind`; what an upgrade says.
    pub fn trace(&self, place: Place, kinds: Option<&Kinds>) -> Result<Traced, Problem> {
        let record = self.record(place.vat, place.record)?;
        let unknown = |many: usize| vec![Origin::Unknown; many];
        let Some(kinds) = kinds.filter(|_| !record.outside) else {
            let waiting = record.queue.front.len() + record.queue.back.len();
            return Ok(Traced { outbox: unknown(record.outbox.len()), queue: unknown(waiting), record });
        };
        let mut map = self.at(place.vat, place.record)?.actormap(kinds)?;
        map.trace = Some(Trace::default());
        map.rerun(&record);
        let Trace { queue, outbox, .. } = map.trace.take().unwrap_or_default();
        let origin = |tag: &u32| match usize::try_from(*tag) {
            Ok(at) if *tag != u32::MAX => Origin::Input(at),
            _ => Origin::Earlier,
        };
        let mut outbox: Vec<_> = outbox.iter().map(origin).collect();
        // What does not come to the same is not explained by what it comes to now.
        if outbox.len() != record.outbox.len() {
            outbox = unknown(record.outbox.len());
        }
        Ok(Traced { outbox, queue: queue.iter().map(origin).collect(), record })
    }

    /// As much of it as can be known.
    fn known(&self, place: Place, kinds: Option<&Kinds>) -> Option<Traced> {
        self.trace(place, kinds).or_else(|_| self.trace(place, None)).ok()
    }

    /// What a record led to: messages that went out, what they led to where they arrived, and so on, nearest first; at most so many.
    /// With `input`, what led from that one message, by its sender and number.
    ///
    /// # Errors
    ///
    /// As [`History::trace`].
    pub fn effects(
        &self,
        of: Place,
        input: Option<(VatId, u64)>,
        kinds: Option<&Kinds>,
        at_most: usize,
    ) -> Result<Vec<Link>, Problem> {
        let part = input.map_or(Part::All, |(from, seq)| Part::Input(from, seq));
        self.follow(of, part, at_most, |place, part, certain, found| {
            let Some(traced) = self.known(place, kinds) else { return Ok(()) };
            for (sent, origin) in traced.record.outbox.iter().zip(&traced.outbox) {
                let Some(sure) = part.covers(*origin, &traced.record.inputs) else { continue };
                let to = if sent.seq == 0 { None } else { self.received(place.vat, sent)? };
                let next = to.map(|to| (to, Part::Input(place.vat, sent.seq)));
                let certain = certain && sure;
                found.push((Some(Link { from: Some(place), to, sent: sent.clone(), certain }), next));
            }
            if traced.queue.iter().any(|origin| part.covers(*origin, &traced.record.inputs).is_some()) {
                let later = Place { record: place.record.saturating_add(1), ..place };
                found.push((None, Some((later, Part::Earlier))));
            }
            Ok(())
        })
    }

    /// What led to a record: messages that came in, what had led to them where they were sent, and so on, nearest first; at most so
    /// many. With `output`, what led to that one message, by its receiver and number.
    ///
    /// # Errors
    ///
    /// As [`History::trace`].
    pub fn causes(
        &self,
        of: Place,
        output: Option<(VatId, u64)>,
        kinds: Option<&Kinds>,
        at_most: usize,
    ) -> Result<Vec<Link>, Problem> {
        let part = output.map_or(Part::All, |(to, seq)| Part::Output(to, seq));
        self.follow(of, part, at_most, |place, part, certain, found| {
            let Some(traced) = self.known(place, kinds) else { return Ok(()) };
            let (outbox, inputs) = (&traced.record.outbox, &traced.record.inputs);
            let origin = match part {
                Part::Output(to, seq) => {
                    let at = outbox.iter().position(|sent| sent.to == to && sent.seq == seq);
                    at.and_then(|at| traced.outbox.get(at)).copied().unwrap_or(Origin::Unknown)
                }
                _ => Origin::Unknown,
            };
            let whole = matches!(part, Part::All);
            for (at, input) in inputs.iter().enumerate() {
                let certain = certain && (whole || origin == Origin::Input(at));
                if matches!(origin, Origin::Input(it) if it != at) || origin == Origin::Earlier {
                    continue;
                }
                let from = if input.seq == 0 { None } else { self.sent(place.vat, input)? };
                let next = from.map(|from| (from, Part::Output(place.vat, input.seq)));
                let sent = Sent { to: place.vat, seq: input.seq, message: input.message.clone() };
                found.push((Some(Link { from, to: Some(place), sent, certain }), next));
            }
            if origin == Origin::Earlier && place.record > 0 {
                found.push((None, Some((Place { record: place.record - 1, ..place }, Part::Earlier))));
            }
            Ok(())
        })
    }

    /// Goes from place to place, each part of one once.
    fn follow(
        &self,
        of: Place,
        part: Part,
        at_most: usize,
        mut step: impl FnMut(Place, Part, bool, &mut Vec<Found>) -> Result<(), Problem>,
    ) -> Result<Vec<Link>, Problem> {
        // What was asked for has to be there; of what it leads to some may be forgotten.
        self.record(of.vat, of.record)?;
        let (mut links, mut seen) = (Vec::new(), HashSet::from([(of, part)]));
        let mut todo = VecDeque::from([(of, part, true)]);
        while let Some((place, part, certain)) = todo.pop_front() {
            let mut found = Vec::new();
            step(place, part, certain, &mut found)?;
            for (link, next) in found {
                let certain = link.as_ref().is_some_and(|link| link.certain);
                if let Some(link) = link {
                    if links.len() >= at_most {
                        return Ok(links);
                    }
                    links.push(link);
                }
                if let Some((place, part)) = next.filter(|next| seen.insert(*next)) {
                    todo.push_back((place, part, certain));
                }
            }
        }
        Ok(links)
    }

    /// The record that took a message in.
    fn received(&self, from: VatId, sent: &Sent) -> Result<Option<Place>, Problem> {
        self.search(sent.to, sent.seq, |record| {
            let seqs = record.inputs.iter().filter(|input| input.from == from).map(|input| input.seq);
            bounds(seqs)
        })
    }

    /// The record that sent a message.
    fn sent(&self, to: VatId, input: &Input) -> Result<Option<Place>, Problem> {
        self.search(input.from, input.seq, |record| {
            bounds(record.outbox.iter().filter(|sent| sent.to == to).map(|sent| sent.seq))
        })
    }

    /// The record of a vat that has a number, which are in ascending order from record to record, where a record has any.
    fn search(
        &self,
        vat: VatId,
        seq: u64,
        numbers: impl Fn(&TurnRecord) -> Option<(u64, u64)>,
    ) -> Result<Option<Place>, Problem> {
        let extent = self.extent(vat)?;
        let (mut low, mut high) = (extent.first, extent.next);
        while low < high {
            let middle = low + (high - low) / 2;
            let mut found = None;
            for record in records(self.store, vat, middle, high) {
                let (number, record) = record?;
                if let Some(bounds) = numbers(&record) {
                    found = Some((number, bounds));
                    break;
                }
            }
            match found {
                Some((record, (first, last))) if (first..=last).contains(&seq) => {
                    return Ok(Some(Place { vat, record }));
                }
                Some((record, (_, last))) if seq > last => low = record.saturating_add(1),
                _ => high = middle,
            }
        }
        Ok(None)
    }
}

/// A link, if there is one, and where to go on.
type Found = (Option<Link>, Option<(Place, Part)>);

/// The least and the greatest number.
fn bounds(seqs: impl Iterator<Item = u64>) -> Option<(u64, u64)> {
    seqs.filter(|seq| *seq != 0).fold(None, |found, seq| match found {
        None => Some((seq, seq)),
        Some((least, greatest)) => Some((least.min(seq), greatest.max(seq))),
    })
}

impl Part {
    /// Whether something with this origin belongs to it, and whether that is certain.
    fn covers(self, origin: Origin, inputs: &[Input]) -> Option<bool> {
        match (self, origin) {
            (Self::All, _) => Some(true),
            (_, Origin::Unknown) => Some(false),
            (Self::Input(from, seq), Origin::Input(at)) => {
                inputs.get(at).filter(|input| input.from == from && input.seq == seq).map(|_| true)
            }
            (Self::Earlier, Origin::Earlier) => Some(false),
            _ => None,
        }
    }
}
