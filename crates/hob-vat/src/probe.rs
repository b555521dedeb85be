//! What tests of this crate look at and reach for: the inside of an actormap as a value, and what a peer would bring.
//!
//! It is no part of the interface and may change at any time. It gives no right that code in the process does not have.

use std::collections::HashMap;

use crate::actormap::Actormap;
use crate::limits::Limits;
use crate::message::{Content, Message, Stage};
use crate::problem::Problem;
use crate::record::{Free, Sent, TurnRecord};
use crate::reference::{Facet, Ref, VatId};
use crate::session::FarSide;
use crate::space::{CHANGED, EXPORTED, Space, YOUNG};
use crate::value::Value;

/// An actormap of a vat with this number.
#[must_use]
pub fn actormap(vat: u32, limits: Limits) -> Actormap {
    Actormap::of_vat(VatId::new(vat), limits)
}

/// References to what is behind the session with this number, counted from 0.
#[must_use]
pub fn session(number: u32) -> FarSide {
    FarSide::new(VatId::new(VatId::FIRST_SESSION + number))
}

/// References to what is in another vat of the peer.
#[must_use]
pub fn other_vat(number: u32) -> FarSide {
    FarSide::new(VatId::new(number))
}

/// Takes what goes to other vats.
pub fn take_outbox(map: &mut Actormap) -> Vec<(VatId, Message)> {
    std::mem::take(&mut map.outbox).into_iter().map(|out| (out.to, out.message)).collect()
}

/// Handles the next message. False when there is none.
pub fn step(map: &mut Actormap) -> bool {
    let Some(message) = map.queue.pop_front() else { return false };
    map.turn(message);
    true
}

/// All that an actormap is, but for the count of births and what only saves a commit work.
#[must_use]
pub fn snapshot(map: &Actormap) -> String {
    use std::fmt::Write;
    let space = &map.turn.core.space;
    let mut text = String::new();
    for (index, slot) in space.slots.iter().enumerate() {
        let _ = writeln!(text, "{index} #{} {} {:?}", slot.birth, slot.flags & !2, slot.content);
    }
    let _ = writeln!(text, "free {:?}\nyoung {:?}", space.free, space.young);
    for message in map.queue.iter() {
        let _ = writeln!(text, "queue {message:?}");
    }
    for out in &map.outbox {
        let _ = writeln!(text, "outbox {out:?}");
    }
    let core = &map.turn.core;
    let _ = writeln!(text, "out {:?} ahead {:?}", core.out, core.ahead);
    text
}

/// All that an actormap is, to the last number that a later turn or record could show.
#[must_use]
pub fn whole(map: &Actormap) -> String {
    let core = &map.turn.core;
    let Space { free_low, births, changed, slots, .. } = &core.space;
    let flags: Vec<u8> = slots.iter().map(|slot| slot.flags).collect();
    let counts = format!("births {births} stamps {} turns {}", core.stamps, map.turns);
    format!("{}{counts} low {free_low} changed {changed:?} flags {flags:?}", snapshot(map))
}

/// Ends a churn as a commit does. What is born, and what changed, by place.
pub fn settle_young(map: &mut Actormap, held: &[Ref]) -> (Vec<u32>, Vec<u32>) {
    let held: HashMap<Ref, u32> = held.iter().map(|held| (*held, 1)).collect();
    let delta = map.settle_young(&held);
    (delta.born, delta.changed)
}

/// Collects, and says which places became free.
pub fn collect(map: &mut Actormap, roots: &[Ref]) -> Vec<u32> {
    map.collect_full(roots.iter().copied())
}

/// What is counted of an actormap and is not what is there, if anything.
#[must_use]
pub fn miscounted(map: &Actormap) -> Option<String> {
    let space = &map.turn.core.space;
    let waiting: u64 = space.slots.iter().map(|slot| slot.content.waiting_cost()).sum();
    let queued: u64 = map.queue.iter().map(Message::cost).sum();
    let flagged: Vec<u32> =
        (0..).zip(&space.slots).filter(|(_, it)| it.flags & CHANGED != 0).map(|(at, _)| at).collect();
    let mut changed = space.changed.clone();
    changed.sort_unstable();
    let counted = (space.waiting, map.queue.bytes(), changed);
    let there = (waiting, queued, flagged);
    (counted != there).then(|| format!("counted {counted:?}, there are {there:?}"))
}

/// What is to be written down of the last turn, as it was counted.
#[must_use]
pub fn counted(map: &Actormap) -> u64 {
    map.written()
}

/// Ends a churn as a commit does. The bytes of what is written down of it, but for which places became free and which turns failed.
///
/// # Errors
///
/// A value that is too deep.
pub fn written(map: &mut Actormap, held: &[Ref]) -> Result<usize, Problem> {
    let held: HashMap<Ref, u32> = held.iter().map(|held| (*held, 1)).collect();
    let delta = map.settle_young(&held);
    let outbox = std::mem::take(&mut map.outbox);
    let outbox =
        outbox.into_iter().map(|out| Sent { to: out.to, seq: u64::MAX >> 2, message: out.message }).collect();
    let record = map.take_changes(&delta);
    TurnRecord { outbox, free: Free::default(), failures: Vec::new(), ..record }
        .encode()
        .map(|bytes| bytes.len())
}

/// The place of a reference.
#[must_use]
pub fn place(reference: Ref) -> u32 {
    reference.index()
}

/// A place that is taken.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its number.
    pub index: u32,
    /// A reference to it.
    pub reference: Ref,
    /// Whether somebody outside may refer to it.
    pub exported: bool,
    /// Whether it was made since the last commit.
    pub young: bool,
    /// Whether it is a promise of which nothing final is known.
    pub waits: bool,
    /// The promise that it was resolved to, when it was, and nothing final is known.
    pub closer: Option<Ref>,
    /// Every reference in it.
    pub refs: Vec<Ref>,
}

/// The places that are taken.
#[must_use]
pub fn places(map: &Actormap) -> Vec<Place> {
    let space = &map.turn.core.space;
    let mut places = Vec::new();
    for (index, slot) in (0..).zip(&space.slots) {
        let facet = match slot.content {
            Content::Free => continue,
            Content::Object { .. } => Facet::Object,
            _ => Facet::Promise,
        };
        let mut refs = Vec::new();
        slot.content.visit_refs(&mut |found| refs.push(found));
        let reference = Ref::new(space.vat, index, slot.birth, facet);
        let flagged = |flag| slot.flags & flag != 0;
        places.push(Place {
            index,
            reference,
            exported: flagged(EXPORTED),
            young: flagged(YOUNG),
            waits: matches!(slot.content, Content::Promise(_)),
            closer: match &slot.content {
                Content::Promise(waiting) => match waiting.stage() {
                    Stage::Closer { to, .. } => Some(*to),
                    Stage::Naive | Stage::Question(_) => None,
                },
                _ => None,
            },
            refs,
        });
    }
    places
}

/// Every reference in messages that wait, here or on their way out.
#[must_use]
pub fn refs_in_messages(map: &Actormap) -> Vec<Ref> {
    let mut refs = Vec::new();
    map.queue.iter().for_each(|message| message.visit_refs(&mut |found| refs.push(found)));
    map.outbox.iter().for_each(|out| out.message.visit_refs(&mut |found| refs.push(found)));
    refs
}

/// The state of an actor of this vat.
#[must_use]
pub fn state(map: &Actormap, actor: Ref) -> Option<Value> {
    match map.turn.core.space.get(actor) {
        Ok(Content::Object { state, .. }) => Some(state.clone()),
        _ => None,
    }
}

/// The right to resolve a promise: what the other side of a question is given.
#[must_use]
pub fn resolver(promise: Ref) -> Ref {
    promise.with_facet(Facet::Resolver)
}

/// Whether it is a right to settle a promise.
#[must_use]
pub fn settles(reference: Ref) -> bool {
    matches!(reference.facet(), Facet::Resolver | Facet::Follower)
}

/// Messages that wait, here or on their way out.
#[must_use]
pub fn waiting(map: &Actormap) -> usize {
    map.queue.len() + map.outbox.len()
}

/// How many births there were. The next one has this number.
#[must_use]
pub fn births(map: &Actormap) -> u64 {
    map.turn.core.space.births
}

/// The number of the birth of what a reference refers to.
#[must_use]
pub fn birth(reference: Ref) -> u64 {
    reference.birth()
}

/// Whether two references are to the same place of the same vat, by whatever right.
#[must_use]
pub fn same_place(a: Ref, b: Ref) -> bool {
    a.with_facet(Facet::Object) == b.with_facet(Facet::Object)
}

/// The message that is handled next.
#[must_use]
pub fn next(map: &Actormap) -> Option<Message> {
    map.queue.iter().next().cloned()
}

/// What is at each place that is taken, as text.
#[must_use]
pub fn texts(map: &Actormap) -> Vec<(Ref, String)> {
    let slots = &map.turn.core.space.slots;
    let text = |place: &Place| {
        slots.get(crate::space::to_usize(place.index)).map(|slot| format!("{:?}", slot.content))
    };
    places(map).iter().filter_map(|place| Some((place.reference, text(place)?))).collect()
}

/// Whether a collection left its mark on a place.
#[must_use]
pub fn marked(map: &Actormap, index: u32) -> bool {
    let slot = map.turn.core.space.slots.get(crate::space::to_usize(index));
    slot.is_some_and(|slot| slot.flags & crate::space::MARKED != 0)
}
