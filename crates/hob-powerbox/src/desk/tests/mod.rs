//! What of the desk cannot be seen from outside: what comes first when an answer waits, and what happens at the limit of what waits.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use hob_vat::{Peer, Standing, Vat};

use super::*;
use crate::console::Console;
use crate::lanes::Class;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(30);

/// An object that keeps what it is told with `say`. To `open` it answers another one, when that is let through.
struct Told {
    lane: LaneId,
    told: Arc<Mutex<Vec<String>>>,
    gate: Mutex<Receiver<()>>,
}

impl Thing for Told {
    fn methods(&self) -> &'static [&'static str] {
        &["say TEXT", "open"]
    }

    fn lane(&self) -> (LaneId, Class) {
        (self.lane, Class::Quick)
    }

    fn call(&self, _: &Ask, method: &str, args: &[Value]) -> Done {
        match (method, args) {
            ("say", [Value::Str(text)]) => {
                self.told.lock().unwrap().push(text.to_string());
                Ok(().into())
            }
            ("open", []) => {
                self.gate.lock().unwrap().recv().unwrap();
                let told = Arc::clone(&self.told);
                Ok(Reply::Narrowed(Arc::new(Self { lane: self.lane, told, gate: Mutex::new(channel().1) })))
            }
            _ => Err(wrong()),
        }
    }

    fn end(&self) {}
}

/// A vat that nobody runs, and an object behind a desk.
struct Setting {
    peer: Peer,
    vat: Vat,
    desk: Arc<Desk>,
    object: Ref,
    told: Arc<Mutex<Vec<String>>>,
    gate: Sender<()>,
}

fn setting(limits: Limits) -> Setting {
    let mailbox = hob_vat::Limits { mailbox: 4, ..Default::default() };
    let peer = Peer::builder().threads(0).limits(mailbox).build().unwrap();
    let vat = peer.vat("main").unwrap();
    let desk = Arc::new(Desk::new(limits, None, Network::default()));
    let far = peer.connect(Arc::new(Door(Arc::clone(&desk)))).unwrap();
    desk.open(far, peer.entrance(far));
    let (told, (gate, opened)) = (Arc::default(), channel());
    let thing = Told { lane: desk.lane(), told: Arc::clone(&told), gate: Mutex::new(opened) };
    let object = desk.give(Arc::new(thing)).unwrap();
    Setting { peer, vat, desk, object, told, gate }
}

impl Setting {
    /// From now on there is no room for an answer.
    fn fill(&self) {
        let cell = self.vat.run(|turn| turn.spawn(&hob_vat::library::CELL, ().into())).unwrap();
        while self.vat.send_only(cell, []).is_ok() {}
    }

    fn until(&self, what: &str, is_so: impl Fn(&State) -> bool) {
        let begun = Instant::now();
        while !is_so(&self.desk.lock()) {
            assert!(begun.elapsed() < SOON, "{what}");
            std::thread::yield_now();
        }
    }

    /// Lets the vat run until nobody waits for an answer.
    fn until_answered(&self) {
        let begun = Instant::now();
        while self.desk.answered().is_none() || self.peer.step(0) {
            assert!(begun.elapsed() < SOON, "something is not answered");
            self.peer.step(0);
        }
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        // Whoever stands before the gate is waited for.
        let _ = self.gate.send(());
        self.desk.close();
    }
}

fn say(text: &str) -> [Value; 2] {
    [Value::symbol("say"), text.into()]
}

#[test]
fn what_was_sent_to_a_promise_is_not_overtaken_by_what_is_sent_to_what_it_came_to() {
    let it = setting(Limits::default());
    it.vat
        .run(|turn| {
            let below = turn.send(it.object, [Value::symbol("open")])?;
            turn.send_only(below, say("first"))?;
            turn.send_only(below, say("second"))
        })
        .unwrap();
    it.until("they wait behind `open`", |state| state.behind == 2);
    it.fill();
    it.gate.send(()).unwrap();
    it.until("the answer is there, and is not handed in", |state| state.late == 1);
    // Somebody else knows the object already.
    let (far, _) = it.desk.line.get().unwrap();
    let args = Body::Args(say("third").into_iter().collect());
    it.desk.take(Message { to: far.object(1, 0), body: args, resolver: None });
    it.until_answered();
    assert_eq!(it.told(), ["first", "second", "third"]);
}

#[test]
fn who_was_cut_off_before_a_console_was_free_writes_nothing() {
    let it = setting(Limits::default());
    let shown = hob_os::SharedBuffer::default();
    let sink = hob_os::Sink::Buffer(shown.clone());
    let console = Console::new(&it.desk, hob_os::Source::Empty, sink, hob_os::Sink::Discard).unwrap();
    let cut_off = Ask { desk: Arc::clone(&it.desk), number: 1000 };
    let refused = console.call(&cut_off, "write", &["text".into()]).err().unwrap();
    assert_eq!(refused.rule_name(), Some("revoked"));
    assert_eq!(shown.take(), b"");
}

/// Asks for something that is refused at once; what is told of that.
fn ask_in_vain(it: &Setting) -> Ref {
    let (far, _) = it.desk.line.get().unwrap();
    let (promise, resolver) = it.vat.run(hob_vat::Turn::promise).unwrap();
    it.peer.introduce(*far, &resolver.into()).unwrap();
    let args = Body::Args(say("anything").into_iter().collect());
    it.desk.take(Message { to: far.object(1000, 0), body: args, resolver: Some(resolver) });
    promise
}

/// What is waited for without an end of its own.
fn ask_for_long(it: &Setting) -> Ref {
    let promise = it.vat.run(|turn| turn.send(it.object, [Value::symbol("open")])).unwrap();
    it.until("it is taken", |state| state.open == 1);
    promise
}

/// How a promise was broken.
fn reason(it: &Setting, promise: Ref) -> String {
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < SOON, "it is not settled");
        it.peer.step(0);
        match it.vat.peek(|turn| turn.standing(promise)).unwrap() {
            Standing::Unresolved => {}
            Standing::Broken(Value::Error(error)) => return format!("{}: {}", error.rule, error.message),
            other => panic!("{other:?}"),
        }
    }
}

const UNKNOWN: &str = "stale-reference: there is no such object behind this session";

#[test]
fn refusals_wait_until_there_is_room_and_when_they_are_too_many_their_vat_is_cut_off() {
    let ask = |times: usize| {
        let it = setting(Limits { late_answers: 2, ..Limits::default() });
        let waits = ask_for_long(&it);
        it.fill();
        let asked: Vec<Ref> = (0..times).map(|_| ask_in_vain(&it)).collect();
        (it, waits, asked)
    };
    let (it, waits, asked) = ask(2);
    it.until("both wait", |state| state.late == 2 && state.closed.is_none());
    for promise in asked {
        assert_eq!(reason(&it, promise), UNKNOWN);
    }
    assert_eq!(it.vat.peek(|turn| turn.standing(waits)), Ok(Standing::Unresolved));
    it.gate.send(()).unwrap();
    it.until_answered();
    // One more.
    let (it, waits, _) = ask(3);
    assert!(it.desk.lock().closed.is_none() && it.desk.lock().lines.is_empty());
    assert_eq!(reason(&it, waits), "limit: late-answers limit exceeded: 2 allowed");
    it.gate.send(()).unwrap();
    it.until_answered();
    assert_eq!(it.desk.ledger.used(Limit::HostBuffer), 0);
    // It may ask again, and others never noticed.
    assert_eq!(reason(&it, ask_in_vain(&it)), UNKNOWN);
    let other = it.peer.vat("other").unwrap();
    let told = other.run(|turn| turn.send(it.object, say("other"))).unwrap();
    let begun = Instant::now();
    while it.desk.answered().is_none() || it.peer.step(0) {
        assert!(begun.elapsed() < SOON, "the other is not answered");
    }
    assert!(matches!(other.peek(|turn| turn.standing(told)), Ok(Standing::Value(_))));
    assert_eq!(it.told(), ["other"]);
}

#[test]
fn nothing_overtakes_what_waits_for_room() {
    let it = setting(Limits::default());
    let (far, _) = it.desk.line.get().unwrap();
    let keeper = hob_vat::kind_fn("keeper", |_, me, args| {
        let before = me.state().as_list().unwrap_or_default().to_vec();
        if args.is_empty() {
            return Ok(Value::list(before).into());
        }
        Ok(me.becomes(Value::list(before.into_iter().chain(args.iter().cloned()))))
    });
    let keeper = it.vat.run(|turn| turn.spawn(keeper, Value::list([]))).unwrap();
    it.peer.introduce(*far, &keeper.into()).unwrap();
    let hand_in = |text: &str| {
        let body = Body::Args([Value::from(text)].into_iter().collect());
        it.desk.hand_in(Message { to: keeper, body, resolver: None }, None);
    };
    it.fill();
    hand_in("first");
    assert_eq!(it.desk.lock().late, 1);
    // There is room again, before the first is handed in once more.
    while it.peer.step(0) {}
    hand_in("second");
    hand_in("third");
    it.until_answered();
    let kept = it.vat.run(|turn| turn.call(keeper, &[])).unwrap();
    assert_eq!(kept, Value::list(["first", "second", "third"].map(Value::from)));
}

#[test]
fn a_refusal_that_waits_counts_as_an_answer_does() {
    let weight = u64::from(unknown().reason().weight());
    let check = |allowed: u64, used: u64, told: &str| {
        let it = setting(Limits { bytes_in_flight: allowed, ..Limits::default() });
        it.fill();
        let promise = ask_in_vain(&it);
        // It is given back for the moment in which it is offered again.
        it.until("it waits, and counts", |state| {
            state.late == 1 && it.desk.ledger.used(Limit::HostBuffer) == used
        });
        assert_eq!(reason(&it, promise), told);
        it.until_answered();
        assert_eq!(it.desk.ledger.used(Limit::HostBuffer), 0);
    };
    check(weight, weight, UNKNOWN);
    let less = format!("limit: bytes-in-flight limit exceeded: {} allowed", weight - 1);
    check(weight - 1, 0, &less);
}

#[test]
fn an_answer_that_nothing_wakes_ends_the_session_instead_of_being_lost() {
    let it = setting(Limits::default());
    let waits = ask_for_long(&it);
    it.fill();
    it.desk.timers.stop();
    ask_in_vain(&it);
    let ended = "failed: there is no thread to do it";
    assert_eq!(it.desk.lock().closed.as_ref().unwrap().to_string(), ended);
    assert_eq!(reason(&it, waits), ended);
    it.until_answered();
    assert_eq!(it.desk.ledger.used(Limit::HostBuffer), 0);
    // The answer of something that was done.
    let it = setting(Limits::default());
    let waits = ask_for_long(&it);
    it.fill();
    it.desk.timers.stop();
    it.gate.send(()).unwrap();
    it.until("it has ended", |state| state.closed.is_some());
    assert_eq!(reason(&it, waits), ended);
    it.until_answered();
    assert_eq!(it.desk.ledger.used(Limit::HostBuffer), 0);
    assert_eq!(it.desk.ledger.used(Limit::Handles), 0, "nothing is left of what it answered");
}

#[test]
fn what_is_on_its_way_out_is_not_answered() {
    let it = setting(Limits::default());
    let (far, _) = it.desk.line.get().unwrap();
    let (promise, resolver) = it.vat.run(hob_vat::Turn::promise).unwrap();
    it.peer.introduce(*far, &resolver.into()).unwrap();
    let refused =
        Message { to: far.object(1000, 0), body: Body::Args(List::empty()), resolver: Some(resolver) };
    let leaving = {
        let (mut state, mut out) = (it.desk.lock(), Out::new());
        it.desk.admit(&mut state, *far, refused, &mut out);
        state.leave(out)
    };
    assert_eq!(it.desk.answered(), None, "it is refused, and nobody was told");
    it.desk.hand_in_all(leaving);
    assert_eq!(it.desk.answered(), Some(0));
    assert_eq!(reason(&it, promise), UNKNOWN);
}
