//! Conversations, line by line.
#![expect(clippy::unwrap_used, reason = "helpers of tests; the exemption reaches only test functions")]

use std::fmt::Write;

use hob_repl::{Console, End, Powers, peer, speak};
use hob_vat::{KindRef, Problem};
use insta::assert_snapshot;

struct Script<'a> {
    lines: std::str::Lines<'a>,
    said: String,
}

impl Console for Script<'_> {
    fn read_line(&mut self, _: &[&str]) -> Option<String> {
        let line = self.lines.next()?.trim();
        writeln!(self.said, "> {line}").unwrap();
        Some(line.to_owned())
    }

    fn write(&mut self, text: &str) {
        writeln!(self.said, "{text}").unwrap();
    }

    fn complain(&mut self, text: &str) {
        writeln!(self.said, "! {text}").unwrap();
    }
}

struct NoModules;

impl Powers for NoModules {
    fn load(&mut self, file: &str) -> Result<KindRef, Problem> {
        Err(Problem::rule("not-found", format!("there is no {file}")))
    }
}

fn say(script: &str, stops: bool) -> (String, End) {
    let peer = peer().unwrap();
    let vat = peer.vat("main").unwrap();
    let mut console = Script { lines: script.trim().lines(), said: String::new() };
    let end = speak(&peer, &vat, &mut console, &mut NoModules, stops).unwrap();
    (console.said, end)
}

#[test]
fn actors_are_made_called_lent_and_revoked() {
    let script = "
        counter = spawn counter 5
        counter add 2
        [lent end] = caretaker counter
        lent add
        revoke end
        lent add
        counter get
        ro = facet counter 'get
        ro add
        ro get
    ";
    assert_snapshot!(say(script, false).0, @r"
    > counter = spawn counter 5
    > counter add 2
    7
    > [lent end] = caretaker counter
    > lent add
    8
    > revoke end
    > lent add
    ! revoked: the right to use this was taken back
    > counter get
    8
    > ro = facet counter 'get
    > ro add
    ! no-method: 'add is not a method here: get
    > ro get
    8
    ");
}

#[test]
fn promises_are_waited_for_and_other_vats_are_far() {
    let script = "
        [p r] = promise
        inspect p
        fulfill r [1 \"two\"]
        await p
        b = vat \"b\"
        far = b spawn 'counter 10
        call far 'add
        far add 5
        q = send far 'add
        await q
        await (all (send far 'get) (send far 'get))
        load \"nothing.wasm\"
        nonsense
        (
    ";
    assert_snapshot!(say(script, false).0, @r#"
    > [p r] = promise
    > inspect p
    <promise 6 of vat 1>, not kept yet
    > fulfill r [1 "two"]
    > await p
    [1 "two"]
    > b = vat "b"
    > far = b spawn 'counter 10
    > call far 'add
    ! not-near: <object 2 of vat 2> is not in this vat: send to it instead of calling it
    > far add 5
    15
    > q = send far 'add
    > await q
    16
    > await (all (send far 'get) (send far 'get))
    [16 16]
    > load "nothing.wasm"
    ! not-found: there is no nothing.wasm
    > nonsense
    ! unknown-name: nonsense is neither a word nor a name here; `help` lists the words
    > (
    ! syntax: a `)` is missing, at byte 1 of the line
    "#);
}

#[test]
fn a_line_that_fails_leaves_nothing_and_may_be_the_last() {
    let script = "
        c = spawn cell 1
        list (call c 2) (call c 3 4)
        call c
    ";
    let (said, end) = say(script, true);
    assert_eq!(end, End::Failed);
    assert_snapshot!(said, @r"
    > c = spawn cell 1
    > list (call c 2) (call c 3 4)
    ! bad-arguments: a cell takes nothing, or one value
    ");
    assert_snapshot!(say(script, false).0, @r"
    > c = spawn cell 1
    > list (call c 2) (call c 3 4)
    ! bad-arguments: a cell takes nothing, or one value
    > call c
    1
    ");
    assert_eq!(say("quit\nnever", true).1, End::Done);
}

#[test]
fn what_nobody_can_keep_is_given_up_and_shown_when_it_comes_after_all() {
    let script = "
        [p r] = promise
        v = await p
        fulfill r 7
        list v
    ";
    assert_snapshot!(say(script, false).0, @r"
    > [p r] = promise
    > v = await p
    ! waits-for-ever: nobody is left who could keep this promise
    > fulfill r 7
    > list v
    [7]
    ");
    assert_eq!(say("[p r] = promise\nawait p\nnever", true).1, End::Failed);
}

/// Answers after a while, from outside of the vats.
struct Outside(std::sync::mpsc::Sender<hob_vat::Message>);

impl hob_vat::Session for Outside {
    fn deliver(&self, messages: Vec<hob_vat::Message>) {
        // Who has stopped answering has stopped listening.
        messages.into_iter().for_each(|message| drop(self.0.send(message)));
    }
}

/// Gives a reference to what is outside, and knows what that has answered.
struct Gives {
    far: hob_vat::Ref,
    open: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Powers for Gives {
    fn load(&mut self, _: &str) -> Result<KindRef, Problem> {
        Err(Problem::rule("not-found", "nothing is here".into()))
    }

    fn given(&self) -> Vec<(String, hob_vat::Value)> {
        vec![("slow".into(), self.far.into()), ("year".into(), 2026.into())]
    }

    fn outside(&self) -> Option<u64> {
        (!self.open.load(std::sync::atomic::Ordering::SeqCst)).then_some(1)
    }
}

#[test]
fn names_are_given_from_the_start_and_what_is_outside_is_waited_for() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    let peer = peer().unwrap();
    let vat = peer.vat("main").unwrap();
    let (send, receive) = std::sync::mpsc::channel();
    let far = peer.connect(Arc::new(Outside(send))).unwrap();
    let open = Arc::new(AtomicBool::new(true));
    let mut console = Script { lines: "year\nslow ask\nslow ask\nnames".lines(), said: String::new() };
    let mut powers = Gives { far: far.object(0, 0), open: Arc::clone(&open) };
    std::thread::scope(|scope| {
        let (peer, open) = (&peer, &open);
        scope.spawn(move || {
            // Longer than it takes to find out that no vat has anything to do.
            let asked = receive.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(300));
            let body = hob_vat::Body::Fulfill("at last".into());
            let answer = hob_vat::Message { to: asked.resolver.unwrap(), body, resolver: None };
            peer.deliver(far, answer).unwrap();
            // The second one is not answered, and nobody says that it will be.
            open.store(false, Ordering::SeqCst);
        });
        speak(peer, &vat, &mut console, &mut powers, false).unwrap();
    });
    assert_snapshot!(console.said, @r#"
    > year
    2026
    > slow ask
    "at last"
    > slow ask
    ! waits-for-ever: nobody is left who could keep this promise
    > names
    slow: <object 0 of session 0>, far
    year: 2026
    "#);
}
