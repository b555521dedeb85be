//! Messages of one sender to one target arrive in the order they were sent, whatever happens to the target meanwhile.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    clippy::cloned_ref_to_slice_refs,
    reason = "a test may fail loudly, and tables of cases are written as they are read"
)]

mod common;

use std::collections::HashMap;

use common::*;
use hob_vat::{Actormap, Body, List, Message, Ref, Value, probe};
use proptest::prelude::*;

/// What happens next.
#[derive(Clone, Debug)]
enum Event {
    /// A sender sends its next message to a target.
    Send(u8, u8),
    /// A promise is resolved to a promise, an object near or far, or a promise that is far.
    Resolve(u8, u8),
    /// Resolved by a call within a turn that sends before and after.
    ResolveWithin(u8, u8, u8),
    /// Some messages are handled.
    Steps(u8),
    /// The far side tells what it was asked about: that its promise is this.
    FarTells(u8),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        6 => any::<(u8, u8)>().prop_map(|(a, b)| Event::Send(a, b)),
        3 => any::<(u8, u8)>().prop_map(|(a, b)| Event::Resolve(a, b)),
        1 => any::<(u8, u8, u8)>().prop_map(|(a, b, c)| Event::ResolveWithin(a, b, c)),
        2 => (0..6_u8).prop_map(Event::Steps),
        1 => any::<u8>().prop_map(Event::FarTells),
    ];
    prop::collection::vec(event, 0..60)
}

/// All messages that were delivered, near or far, by the name of what they were sent to and by sender.
struct Run {
    map: Actormap,
    promises: Vec<(Ref, Ref)>,
    /// What a promise can be resolved to, and what can be sent to.
    targets: Vec<Ref>,
    logs: Vec<Ref>,
    asked: Vec<Ref>,
    arrived: HashMap<(u8, u8), Vec<i64>>,
    next: i64,
    sent: HashMap<(u8, u8), Vec<i64>>,
}

const SENDERS: u8 = 3;

impl Run {
    fn new() -> Self {
        let mut map = Actormap::new();
        let promises: Vec<_> = (0..6).map(|_| promise(&mut map)).collect();
        let logs = vec![log(&mut map), log(&mut map)];
        let session = probe::session(0);
        let mut targets: Vec<Ref> = promises.iter().map(|it| it.0).collect();
        targets.extend(&logs);
        targets.extend([session.object(1, 1), session.promise(2, 1), session.promise(3, 1)]);
        targets.extend([probe::other_vat(5).object(1, 1), probe::other_vat(5).promise(2, 1)]);
        // The answer to a question, to which messages go at once.
        targets.push(send(&mut map, session.object(9, 1), []));
        probe::take_outbox(&mut map);
        Self {
            map,
            promises,
            targets,
            logs,
            asked: Vec::new(),
            arrived: HashMap::new(),
            next: 0,
            sent: HashMap::new(),
        }
    }

    fn message(&mut self, sender: u8, target: u8) -> (Ref, List) {
        let sender = sender % SENDERS;
        let target = target % u8::try_from(self.targets.len()).unwrap();
        self.next += 1;
        self.sent.entry((sender, target)).or_default().push(self.next);
        let args = [Value::from(u32::from(sender)), u32::from(target).into(), self.next.into()];
        (self.targets[usize::from(target)], List::from(args))
    }

    fn event(&mut self, event: &Event) {
        match *event {
            Event::Send(sender, target) => {
                let (to, args) = self.message(sender, target);
                self.map.poke(|turn| turn.send_only(to, args)).unwrap();
            }
            Event::Resolve(which, to) => {
                let (_, resolver) = self.promises[usize::from(which) % self.promises.len()];
                let to = self.targets[usize::from(to) % self.targets.len()];
                self.map.poke(|turn| turn.fulfill(resolver, to)).unwrap();
            }
            Event::ResolveWithin(which, to, sender) => {
                let at = usize::from(which) % self.promises.len();
                let (_, resolver) = self.promises[at];
                let value = self.targets[usize::from(to) % self.targets.len()];
                let (to, before) = self.message(sender, u8::try_from(at).unwrap());
                let (_, after) = self.message(sender, u8::try_from(at).unwrap());
                self.map
                    .poke(|turn| {
                        turn.send_only(to, before)?;
                        // It may have been resolved before.
                        let _ = turn.call(resolver, &["fulfill".into(), value.into()]);
                        turn.send_only(to, after)
                    })
                    .unwrap();
            }
            Event::Steps(count) => {
                for _ in 0..count {
                    probe::step(&mut self.map);
                }
                self.look();
            }
            Event::FarTells(to) => {
                if let Some(listener) = self.asked.pop() {
                    let to = self.targets[usize::from(to) % self.targets.len()];
                    let message = Message { to: listener, body: Body::Fulfill(to.into()), resolver: None };
                    self.map.enqueue(message).unwrap();
                }
            }
        }
    }

    fn arrive(&mut self, args: &[Value]) {
        let [sender, target, number] = args else { return };
        let small = |value: &Value| u8::try_from(value.as_i64().unwrap()).unwrap();
        let number = number.as_i64().unwrap();
        self.arrived.entry((small(sender), small(target))).or_default().push(number);
    }

    fn look(&mut self) {
        for (_, message) in probe::take_outbox(&mut self.map) {
            match message.body {
                Body::Args(args) => self.arrive(&args),
                Body::Listen { listener, .. } => self.asked.push(listener),
                _ => {}
            }
        }
    }

    fn end(mut self) -> (HashMap<(u8, u8), Vec<i64>>, HashMap<(u8, u8), Vec<i64>>) {
        // All that is open is kept with a log, so that what waits arrives.
        self.map.churn();
        self.look();
        loop {
            for at in 0..self.promises.len() {
                let (resolver, log) = (self.promises[at].1, self.logs[0]);
                self.map.poke(|turn| turn.fulfill(resolver, log)).unwrap();
            }
            while let Some(listener) = self.asked.pop() {
                let body = Body::Fulfill(self.logs[0].into());
                self.map.enqueue(Message { to: listener, body, resolver: None }).unwrap();
            }
            self.map.churn();
            self.look();
            if self.asked.is_empty() {
                break;
            }
        }
        for at in 0..self.logs.len() {
            let seen = state_of(&self.map, self.logs[at]);
            for entry in seen.as_list().unwrap().to_vec() {
                self.arrive(entry.as_list().unwrap());
            }
        }
        (self.sent, self.arrived)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn messages_arrive_in_order(events in events()) {
        let mut run = Run::new();
        for event in &events {
            run.event(event);
        }
        let (sent, arrived) = run.end();
        for (pair, arrived) in &arrived {
            // Near and far are looked at separately, and a target may become one or the other, but never both.
            prop_assert!(arrived.is_sorted(), "{:?}: {:?}", pair, arrived);
            prop_assert_eq!(arrived, &sent[pair], "{:?}", pair);
        }
        // What did not arrive was for a promise that was broken, all of it.
        for (pair, sent) in &sent {
            if !arrived.contains_key(pair) {
                prop_assert!(usize::from(pair.1) < 6, "{:?} {:?}", pair, sent);
            }
        }
    }
}

#[test]
fn what_waits_goes_before_what_is_sent_later() {
    // Two promises, one for the other; messages before, between and after each step, near and far ends.
    for far in [false, true] {
        for forward in [false, true] {
            let mut map = Actormap::new();
            let log = log(&mut map);
            let end = if far { probe::session(0).object(1, 1) } else { log };
            let (p, r) = promise(&mut map);
            let (q, s) = promise(&mut map);
            let say =
                |map: &mut Actormap, text: &str| map.poke(|turn| turn.send_only(p, [text.into()])).unwrap();
            say(&mut map, "a");
            map.churn();
            say(&mut map, "b");
            let steps: [(Ref, Ref); 2] = if forward { [(r, q), (s, end)] } else { [(s, end), (r, q)] };
            for (at, (resolver, to)) in steps.into_iter().enumerate() {
                map.poke(|turn| turn.fulfill(resolver, to)).unwrap();
                say(&mut map, &format!("c{at}"));
                map.churn();
                say(&mut map, &format!("d{at}"));
            }
            map.churn();
            let order = ["a", "b", "c0", "d0", "c1", "d1"];
            if far {
                let texts: Vec<_> = probe::take_outbox(&mut map)
                    .into_iter()
                    .map(|(_, message)| match message.body {
                        Body::Args(args) => args[0].as_str().unwrap().to_owned(),
                        other => format!("{other:?}"),
                    })
                    .collect();
                assert_eq!(texts, order);
            } else {
                let expected = Value::list(order.map(|it| Value::list([it.into()])));
                assert_eq!(state_of(&map, log), expected);
            }
        }
    }
}

/// Who is told that a promise was kept, and sends to what it stands for, does not overtake what waited for it; nor for a promise
/// that follows it, however far behind.
#[test]
fn news_do_not_overtake_what_waits() {
    for links in 1..8 {
        let mut map = Actormap::new();
        let log = log(&mut map);
        let chain: Vec<_> = (0..links).map(|_| promise(&mut map)).collect();
        for at in 1..links {
            fulfill(&mut map, chain[at - 1].1, chain[at].0);
        }
        let speaks = spawn(
            &mut map,
            hob_vat::kind_fn("speaks", |turn, _, args| {
                turn.send_only(args[0].as_ref().unwrap(), ["told".into()])?;
                Ok(().into())
            }),
            (),
        );
        // The listener comes first, and listens to the end; the message waits at the start.
        map.poke(|turn| turn.on_only(chain[links - 1].0, hob_vat::On::fulfilled(speaks))).unwrap();
        map.churn();
        tell(&mut map, chain[0].0, ["waited".into()]);
        fulfill(&mut map, chain[links - 1].1, log);
        assert_eq!(seen(&map, log), "[[\"waited\"] [\"told\"]]", "{links}");
    }
}

#[test]
fn one_turn_sends_in_order_to_all() {
    let mut map = Actormap::new();
    let (log, far) = (log(&mut map), probe::session(0).object(1, 1));
    map.poke(|turn| {
        (0..100).try_for_each(|at| turn.send_only(if at % 3 == 0 { far } else { log }, [at.into()]))
    })
    .unwrap();
    map.churn();
    let near: Vec<i64> = state_of(&map, log)
        .as_list()
        .unwrap()
        .iter()
        .map(|it| it.as_list().unwrap()[0].as_i64().unwrap())
        .collect();
    assert_eq!(near, (0..100).filter(|at| at % 3 != 0).collect::<Vec<_>>());
    let far: Vec<i64> = probe::take_outbox(&mut map)
        .iter()
        .map(|(_, message)| match &message.body {
            Body::Args(args) => args[0].as_i64().unwrap(),
            _ => -1,
        })
        .collect();
    assert_eq!(far, (0..100).filter(|at| at % 3 == 0).collect::<Vec<_>>());
}
