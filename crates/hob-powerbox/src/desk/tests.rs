//! What of the desk cannot be seen from outside: what comes first when an answer waits, and what happens at the limit of what waits.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use hob_vat::{Peer, Vat};

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
