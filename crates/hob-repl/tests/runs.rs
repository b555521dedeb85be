//! Conversations in a store: what is left of one when it is over, and when its process ends in the middle.
#![expect(clippy::unwrap_used, reason = "helpers of tests; the exemption reaches only test functions")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use hob_repl::{Console, End, Powers, kinds, speak};
use hob_vat::{KindRef, Kinds, MemoryStore, Peer, Problem, library::CELL};

const SOON: Duration = Duration::from_secs(20);

/// Reads lines; at one that says `crash` the process ends, as far as a test can end one.
struct Script<'a>(std::str::Lines<'a>, Vec<String>);

impl Console for Script<'_> {
    fn read_line(&mut self, _: &[&str]) -> Option<String> {
        let line = self.0.next()?.trim();
        assert_ne!(line, "crash");
        Some(line.to_owned())
    }

    fn write(&mut self, text: &str) {
        self.1.push(text.to_owned());
    }

    fn complain(&mut self, text: &str) {
        self.1.push(format!("! {text}"));
    }
}

struct Cells;

impl Powers for Cells {
    fn load(&mut self, _: &str) -> Result<KindRef, Problem> {
        Ok(KindRef::from(&CELL))
    }
}

/// One run of a process: what was said, and how many actors and promises each vat has then.
fn run(store: &Arc<MemoryStore>, script: &str, stops: bool) -> (Vec<String>, Vec<usize>) {
    let all = kinds().fold(Kinds::library(), Kinds::with).with(hob_vat::maker(KindRef::from(&CELL)));
    let peer = Peer::builder().threads(1).store(Arc::clone(store) as _).kinds(all).build().unwrap();
    let vat = peer.vat("main").unwrap();
    let mut console = Script(script.trim().lines(), Vec::new());
    let talk = || speak(&peer, &vat, &mut console, &mut Cells, stops);
    let crashes = script.contains("crash");
    let done = catch_unwind(AssertUnwindSafe(talk));
    assert_eq!(done.is_err(), crashes);
    if let Ok(end) = done {
        assert_eq!(end.unwrap(), End::Done);
    }
    assert!(peer.settle(SOON), "it comes to rest");
    let names = peer.names().into_iter();
    (console.1, names.map(|name| peer.vat(&name).unwrap().population()).collect())
}

/// The last of what the runs say and leave, all but the first of which are the same.
fn runs(scripts: &[&str], stops: bool) -> (Vec<String>, Vec<usize>) {
    let store = Arc::new(MemoryStore::new());
    let once = || scripts.iter().fold(None, |_, script| Some(run(&store, script, stops))).unwrap();
    let mut all: Vec<_> = (0..10).map(|_| once()).collect();
    let last = all.pop().unwrap();
    for other in all.drain(1..) {
        assert_eq!(other, last);
    }
    last
}

#[test]
fn what_only_a_conversation_knew_is_gone_when_it_is_over() {
    let check = |script: &str, said: &[&str], left: &[usize]| {
        let (found, population) = runs(&[script], false);
        assert_eq!(
            (found.iter().map(String::as_str).collect::<Vec<_>>(), population.as_slice()),
            (said.to_vec(), left)
        );
    };
    // One is the roots of the vat.
    check("", &[], &[1]);
    check("c = spawn counter 1\nc add\n[p r] = promise\nq = on p c", &["2"], &[1]);
    check(
        "[p r] = promise\nawait p",
        &["! waits-for-ever: nobody is left who could keep this promise"],
        &[1],
    );
    check(
        "m = load \"x\"\nc = spawn m 7\ncall c\nnonsense\nquit",
        &["7", "! unknown-name: nonsense is neither a word nor a name here; `help` lists the words"],
        &[1],
    );
    // What makes actors in another vat is one for all runs.
    check("b = vat \"b\"\ninspect b", &["<object 1 of vat 2>, far"], &[2, 1]);
}

#[test]
fn what_a_process_that_ended_in_the_middle_left_is_gone_after_the_next_run() {
    for stops in [true, false] {
        let crash = "c = spawn counter 1\n[p r] = promise\nb = vat \"b\"\nm = load \"x\"\ncrash";
        let (said, left) = runs(&[crash, "c = spawn cell 1\ncall c"], stops);
        assert_eq!((said.len(), left), (1, vec![2, 1]), "stops: {stops}");
    }
    // A promise that nobody keeps is given up, which ends a script; a person goes on.
    let (said, left) = runs(&["[p r] = promise\nawait p\ncrash", "list 1"], false);
    assert_eq!((said, left), (vec!["[1]".to_owned()], vec![1]));
}

/// A speaker of an earlier process asks no console again and again.
#[test]
fn who_asked_for_a_line_when_the_process_ended_asks_no_more() {
    let store = Arc::new(MemoryStore::new());
    run(&store, "c = spawn counter 1\ncrash", false);
    let all = || kinds().fold(Kinds::library(), Kinds::with);
    let peer = Peer::builder().threads(0).store(Arc::clone(&store) as _).kinds(all()).build().unwrap();
    let vat = peer.vat("main").unwrap();
    vat.run(|_| Ok(())).unwrap();
    let mut steps = 0;
    while peer.step(0) {
        steps += 1;
        assert!(steps < 100, "it goes on and on");
    }
    vat.collect().unwrap();
    assert_eq!(vat.population(), 1);
}
