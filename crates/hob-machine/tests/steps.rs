//! What hob's own rules do where others go wrong: parallel states stay whole, errors are errors, nothing leaks.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use common::{machine, run};
use hob_machine::Semantics;

#[track_caller]
fn check(text: &str, events: &str, expected: &[&str]) {
    assert_eq!(run(&machine(text, Semantics::Hob), events)[1..], *expected);
}

const TWO: &str = "
P: leave>q
  |R1
    a1: e>a2 out>q
    a2: fin>af
    af!
  |R2
    b1: e>b2 out>q k>b2 across>a2
    b2: fin2>bf
    bf!
q: in>b2 back>P
";

#[test]
fn regions_move_each_for_itself() {
    check(
        TWO,
        "e fin fin2 leave",
        &[
            "e: out:a1 e>a2 in:a2 out:b1 e>b2 in:b2 = a2 b2",
            "fin: out:a2 fin>af in:af = af b2",
            "fin2: out:b2 fin2>bf in:bf done:P = af bf",
            "leave: out:af out:bf out:P leave>q in:q = q",
        ],
    );
}

#[test]
fn who_leaves_a_region_takes_the_others_along() {
    // Both regions want to leave; the first does, and the second has nothing left to leave.
    check(
        TWO,
        "out in",
        &["out: out:a1 out:b1 out:P out>q in:q = q", "in: out:q in>b2 in:P in:a1 in:b2 = a1 b2"],
    );
    // From one region into another: the parallel state is left and entered again, with the target active.
    check(TWO, "across", &["across: out:a1 out:b1 out:P across>a2 in:P in:a2 in:b1 = a2 b1"]);
}

#[test]
fn a_region_that_moved_stays() {
    let text = "
P
  |R1
    a1: e>a2
    a2
  |R2
    b1: e>q
q
";
    check(text, "e e", &["e: out:a1 e>a2 in:a2 = a2 b1", "e: out:a2 out:b1 out:P e>q in:q = q"]);
}

#[test]
fn a_parallel_state_into_one_of_its_regions() {
    let text = "
P: jump>a2
  |R1
    a1
    a2
  |R2
    b1: n>b2
    b2
";
    check(text, "n jump", &["n: out:b1 n>b2 in:b2 = a1 b2", "jump: out:a1 jump>a2 in:a2 = a2 b2"]);
}

#[test]
fn nested_parallel_states() {
    let text = "
P: top>q
  |R1
    Q: x>z
      |S1
        s1: e>s2
        s2!
      |S2
        t1: f>t2
        t2!
    z
  |R2
    b1: e>b2
    b2!
q
";
    check(
        text,
        "e f x top",
        &[
            "e: out:s1 e>s2 in:s2 out:b1 e>b2 in:b2 = s2 t1 b2",
            // The inner state is complete, and with it the outer one: each of its regions has come to a final state.
            "f: out:t1 f>t2 in:t2 done:Q done:P = s2 t2 b2",
            "x: out:s2 out:t2 out:Q x>z in:z = z b2",
            "top: out:z out:b2 out:P top>q in:q = q",
        ],
    );
}

#[test]
fn forbidden_and_reenter_count_inside_regions() {
    let text = "
P: e>q
  |R1
    a1: e>- r>a1!
  |R2
    b1
q
";
    check(text, "e r", &["e:  = a1 b1", "r: out:a1 r>a1 in:a1 = a1 b1"]);
}

#[test]
fn a_transition_without_event_from_a_parallel_state_leaves_all_of_it() {
    let text = "
P: ~>q?a
  |R1
    a1: e>a2
    a2
  |R2
    b1
q
";
    // The guard says no.
    check(text, "e", &["e: out:a1 e>a2 in:a2 = a2 b1"]);
    let text = text.replace("?a", "?yes");
    assert_eq!(
        run(&machine(&text, Semantics::Hob), "")[0],
        "in:P in:a1 in:b1 out:a1 out:b1 out:P ~>q in:q = q"
    );
}

#[test]
fn completion_by_descent_and_without_event() {
    check(
        "
a: e>p
p
  f!
",
        "e",
        &["e: out:a e>p in:p in:f done:p = f"],
    );
    check(
        "
P
  |R1
    a1: e>a2
    a2: ~>af
    af!
  |R2
    bf!
",
        "e",
        &["e: out:a1 e>a2 in:a2 out:a2 ~>af in:af done:P = af bf"],
    );
}

#[test]
fn reentering_enters_what_is_active_afterwards_and_nothing_else() {
    check(
        "
p: e>p!
  a: n>b
  b
",
        "n e",
        &["n: out:a n>b in:b = b", "e: out:b out:p e>p in:p in:a = a"],
    );
}

#[test]
fn what_is_raised_comes_after_transitions_without_event() {
    check(
        "
a: e>b+r
b: ~>x r>y
x: r>z
y
z
",
        "e",
        &["e: out:a e>b in:b out:b ~>x in:x out:x r>z in:z = z"],
    );
    // Refused by a guard, or by a final state: for nobody.
    check(
        "
a: e>b+r+s
b: r>a?no s>f+t
f!
",
        "e",
        &["e: out:a e>b in:b out:b s>f in:f = f"],
    );
}

#[test]
fn history() {
    let text = "
p: leave>out
  H@@
  S@
  a: n>P2
  P2
    |R1
      x: m>y
      y
    |R2
      u: k>v
      v
out: deep>H shallow>S plain>p
";
    check(
        text,
        "n m k leave deep leave shallow",
        &[
            "n: out:a n>P2 in:P2 in:x in:u = x u",
            "m: out:x m>y in:y = y u",
            "k: out:u k>v in:v = y v",
            "leave: out:y out:v out:P2 out:p leave>out in:out = out",
            "deep: out:out deep>H in:p in:P2 in:y in:v = y v",
            "leave: out:y out:v out:P2 out:p leave>out in:out = out",
            "shallow: out:out shallow>S in:p in:P2 in:x in:u = x u",
        ],
    );
}

#[test]
fn an_error_is_no_decision() {
    check(
        "
a: e>b?boom e>c
b
c
",
        "e",
        &["e: guard \"boom\" has no answer: boom = a"],
    );
    check(
        "
P: e>q
  |R1
    a1: e>a2?boom
    a2
  |R2
    b1: e>b2
    b2
q
",
        "e",
        &["e: guard \"boom\" has no answer: boom = a1 b1"],
    );
}

#[test]
fn a_circle_ends_and_leaves_nothing() {
    check(
        "
a: e>b
b: ~>c
c: ~>b
",
        "e",
        &[
            "e: the step did not come to rest within 10000 microsteps (at \"b\"): raised events or transitions without \
           event go round in a circle = a",
        ],
    );
}

#[test]
fn a_wildcard_without_target_leaves_nothing() {
    let text = "
a: go>b
b
";
    let mut document: serde_json::Value = serde_json::from_str(&common::document(text).to_string()).unwrap();
    document["states"][0]["transitions"].as_array_mut().unwrap().push(serde_json::json!(
        {"from": "a", "to": "", "on": "", "wildcard": true, "effects": [{"name": "emit", "params": {"m": "any"}}]}
    ));
    let document = hob_machine::Document::parse(&document.to_string()).unwrap();
    let chart = hob_machine::Chart::load(&document).unwrap();
    let machine = hob_machine::Machine::bind(chart, &common::registry()).unwrap();
    assert_eq!(run(&machine, "zzz go")[1..], ["zzz: any = a", "go: out:a go>b in:b = b"]);
}
