//! Whatever a session says, it names nothing that it was not given: over all that it could guess.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod far;
mod peers;

use std::collections::BTreeSet;
use std::sync::Arc;

use far::{Taken, open};
use hob_vat::record::TurnRecord;
use hob_vat::{
    Answer, Body, FarSide, Kind, Kinds, Me, MemoryStore, Message, Peer, Problem, Ref, Turn, TurnStore, Value,
    Vat, probe,
};
use peers::{OLD, SOON, kinds, list, quiet};
use proptest::prelude::*;

/// Sends on what it is told to the one it keeps.
struct Sends;

static SENDS: Sends = Sends;

impl Kind for Sends {
    fn name(&self) -> &str {
        "test.sends"
    }

    fn call(&self, turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        let to = me.state().as_ref().unwrap();
        turn.send_only(to, args).map(Answer::from)
    }
}

/// What a session says, by numbers into what there is to name.
#[derive(Clone, Debug)]
enum Said {
    Args(u8, Vec<u8>, Option<u8>),
    Fulfill(u8, u8),
    Break(u8, u8),
    Listen(u8, u8, bool),
    /// The vat tells the session of something.
    Given(u8),
    /// The vat asks the session something.
    Asked,
}

fn said() -> impl Strategy<Value = Said> {
    let any = any::<u8>;
    prop_oneof![
        4 => (any(), prop::collection::vec(any(), 0..4), prop::option::of(any()))
            .prop_map(|(to, args, resolver)| Said::Args(to, args, resolver)),
        3 => (any(), any()).prop_map(|(to, value)| Said::Fulfill(to, value)),
        1 => (any(), any()).prop_map(|(to, value)| Said::Break(to, value)),
        2 => (any(), any(), proptest::bool::ANY).prop_map(|(to, who, partial)| Said::Listen(to, who, partial)),
        2 => any().prop_map(Said::Given),
        1 => Just(Said::Asked),
    ]
}

/// All bare references of a message.
fn named(message: &Message) -> Vec<Ref> {
    let mut refs = vec![message.to];
    refs.extend(message.resolver);
    match &message.body {
        Body::Args(args) => args.iter().for_each(|arg| arg.visit_refs(&mut |found| refs.push(found))),
        Body::Fulfill(value) | Body::Break(value) => value.visit_refs(&mut |found| refs.push(found)),
        Body::Listen { listener, .. } => refs.push(*listener),
    }
    refs
}

struct World {
    store: Arc<MemoryStore>,
    peer: Peer,
    vats: [Vat; 2],
    far: FarSide,
    taken: Arc<Taken>,
    sends: Ref,
    /// Whatever may be named, by right or not.
    all: Vec<Ref>,
    /// What the session was handed.
    given: BTreeSet<Ref>,
}

impl World {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let kinds: Kinds = kinds(&OLD).with(&SENDS);
        let peer = quiet(&store).kinds(kinds).build().unwrap();
        let vats = ["a", "b"].map(|name| peer.vat(name).unwrap());
        let ((far, taken), (other, _)) = (open(&peer), open(&peer));
        let sends = vats[0].run(|turn| turn.spawn(&SENDS, far.object(0, 0).into())).unwrap();
        let mut all = vec![
            far.object(0, 0),
            far.promise(1, 0),
            far.object(2, 7),
            other.object(0, 0),
            other.promise(1, 0),
        ];
        for vat in &vats {
            let (promise, resolver) = vat.run(Turn::promise).unwrap();
            all.extend([list(vat), promise, resolver]);
            // What is there, and what is not, by guessing.
            let guess = probe::other_vat(vat.id().number());
            for place in 0..5 {
                for birth in 0..5 {
                    let promise = guess.promise(place, birth);
                    all.extend([guess.object(place, birth), promise, probe::resolver(promise)]);
                }
            }
        }
        Self { store, peer, vats, far, taken, sends, all, given: BTreeSet::new() }
    }

    fn pick(&self, number: u8) -> Ref {
        // Every other one is something that it has.
        let has: Vec<Ref> = self.given.iter().copied().collect();
        let (of, at) = if number.is_multiple_of(2) && !has.is_empty() {
            (&has, number / 2)
        } else {
            (&self.all, number / 2)
        };
        of[usize::from(at) % of.len()]
    }

    /// Lets the vats come to rest. What the session was handed meanwhile it has.
    fn rest(&mut self) -> Vec<Message> {
        assert!(self.peer.settle(SOON));
        let messages = self.taken.take();
        let own = self.far.id();
        self.given.extend(messages.iter().flat_map(named).filter(|found| found.vat() != own));
        messages
    }

    fn written(&self) -> Vec<u64> {
        self.vats
            .iter()
            .map(|vat| self.store.extent(&format!("vat/{}", vat.id().number())).unwrap().next)
            .collect()
    }

    fn say(&mut self, said: &Said) -> Result<(), TestCaseError> {
        let message = match said {
            Said::Given(which) => {
                let what = self.pick(*which).into();
                let sends = self.sends;
                self.vats[0].run(|turn| turn.call(sends, &[what])).unwrap();
                self.rest();
                return Ok(());
            }
            Said::Asked => {
                let to = self.far.object(0, 0);
                self.vats[1].run(|turn| turn.send(to, [])).unwrap();
                self.rest();
                return Ok(());
            }
            Said::Args(to, args, resolver) => {
                let args = args.iter().map(|it| Value::list([self.pick(*it).into()])).collect::<Vec<_>>();
                let resolver = resolver.map(|it| self.pick(it));
                Message { to: self.pick(*to), body: Body::Args(args.into()), resolver }
            }
            Said::Fulfill(to, value) => {
                let body = Body::Fulfill(self.pick(*value).into());
                Message { to: self.pick(*to), body, resolver: None }
            }
            Said::Break(to, value) => {
                Message { to: self.pick(*to), body: Body::Break(self.pick(*value).into()), resolver: None }
            }
            Said::Listen(to, who, partial) => {
                let body = Body::Listen { listener: self.pick(*who), partial: *partial };
                Message { to: self.pick(*to), body, resolver: None }
            }
        };
        self.deliver(message)
    }

    fn deliver(&mut self, message: Message) -> Result<(), TestCaseError> {
        let own = self.far.id();
        let may = |found: &Ref| found.vat() == own || self.given.contains(found);
        let names = named(&message);
        let forged: Vec<Ref> = names.iter().copied().filter(|found| !may(found)).collect();
        let waits = match message.body {
            Body::Listen { listener, .. } => Some(listener),
            _ => message.resolver,
        };
        let settles = matches!(message.body, Body::Fulfill(_) | Body::Break(_)) && probe::settles(message.to);
        let written = self.written();
        let done = self.peer.deliver(self.far, message.clone());
        if forged.is_empty() {
            if let Err(problem) = done {
                // It was itself, or another session, that it wanted to send to.
                prop_assert_eq!(problem.rule_name(), Some("stale-reference"), "{:?}", message);
                prop_assert!(message.to.vat().is_session());
            } else if settles && may(&message.to) {
                self.given.remove(&message.to);
            }
            self.rest();
            return Ok(());
        }
        let says = format!("not-given: {} was never given to {own}", forged[0]);
        let answers = probe::settles(message.to)
            && waits.is_none()
            && may(&message.to)
            && !message.to.vat().is_session();
        match done {
            Err(problem) => {
                prop_assert_eq!(problem.to_string(), says);
                prop_assert!(
                    !answers && waits.is_none_or(|waits| !may(&waits)),
                    "somebody should be told of {:?}",
                    message
                );
                prop_assert!(self.rest().is_empty());
                prop_assert_eq!(self.written(), written);
            }
            // It is the session that waits.
            Ok(()) if waits.is_some_and(|waits| waits.vat() == own) => {
                prop_assert_eq!(self.taken.told(), Some((waits.unwrap(), says)));
                prop_assert!(self.rest().is_empty());
                prop_assert_eq!(self.written(), written);
            }
            // Somebody else does, whom the session was given.
            Ok(()) => {
                prop_assert!(answers || waits.is_some_and(|waits| may(&waits)));
                // What was to settle it broke it.
                if answers {
                    self.given.remove(&message.to);
                }
                self.rest();
                let came = self.since(&written);
                prop_assert!(came.iter().all(|record| !names_any(record, &forged, &self.given)));
            }
        }
        Ok(())
    }

    /// What the vats have written since they had written so much.
    fn since(&self, written: &[u64]) -> Vec<TurnRecord> {
        let of = |(vat, before): (&Vat, &u64)| {
            let before = usize::try_from(*before).unwrap();
            peers::records(&self.store, vat.id().number()).split_off(before)
        };
        self.vats.iter().zip(written).flat_map(of).collect()
    }
}

/// Whether what came in over the session names one of these.
fn names_any(record: &TurnRecord, forged: &[Ref], given: &BTreeSet<Ref>) -> bool {
    let inputs = record.inputs.iter().filter(|input| input.from.is_session());
    inputs
        .flat_map(|input| named(&input.message))
        .any(|found| forged.contains(&found) && !given.contains(&found))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Whatever a session says: of what it was never given, nothing gets in.
    #[test]
    fn nothing_is_forged_across_a_session(script in prop::collection::vec(said(), 1..30)) {
        let mut world = World::new();
        for said in &script {
            world.say(said)?;
        }
        // Over all records: what came from the session names what is its own, or what went to it before.
        let own = world.far.id();
        let mut given = BTreeSet::new();
        for record in peers::records(&world.store, 1).iter().chain(&peers::records(&world.store, 2)) {
            given.extend(record.outbox.iter().filter(|sent| sent.to == own).flat_map(|sent| named(&sent.message)));
        }
        for record in peers::records(&world.store, 1).iter().chain(&peers::records(&world.store, 2)) {
            for input in record.inputs.iter().filter(|input| input.from == own) {
                for found in named(&input.message) {
                    prop_assert!(found.vat() == own || given.contains(&found), "{found} came in");
                }
            }
        }
    }
}
