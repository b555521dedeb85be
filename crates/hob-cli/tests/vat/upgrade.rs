//! Actors that move to a newer version of their module.

use serde_json::json;

use super::{Desk, guest};

/// Counters of version 0 with these counts, named `a`, `b` and so on, and `maker`, which makes more of them.
fn counters(desk: &Desk, counts: &[u64]) {
    let mut lines = format!("maker = load \"{}\"\npublish \"maker\" maker\n", guest("actor-counter-wat"));
    for (name, count) in ('a'..).zip(counts) {
        lines += &format!("{name} = spawn maker {count}\npublish \"{name}\" {name}\n");
    }
    desk.script("store", &lines);
}

/// A move of all counters to the tally.
fn to_tally() -> String {
    format!("{}={}", guest("actor-counter-wat"), guest("actor-tally-rust"))
}

fn bytes(desk: &Desk) -> Vec<serde_json::Value> {
    desk.json(&["log", "--store", "store"])
}

#[test]
fn all_actors_of_a_module_move_to_a_newer_one_and_references_stay_good() {
    let desk = Desk::new();
    counters(&desk, &[5, 7]);
    let before = bytes(&desk);
    let checked = desk.check(&["upgrade", "--store", "store", "--check", &to_tally()], 0, &[]);
    let lines: Vec<&str> = checked.lines().collect();
    let [moved, counts] = lines.as_slice() else { panic!("{checked}") };
    assert!(moved.starts_with("wasm:") && moved.contains(" 0 -> wasm:") && moved.ends_with(" 1"), "{moved}");
    assert!(counts.starts_with("  2 of 2 actors would move, and 1 that make"), "{counts}");
    assert_eq!(bytes(&desk), before, "nothing is written");

    desk.check(&["upgrade", "--store", "store", &to_tally()], 0, &["2 of 2 actors moved, and 1 that make"]);
    // The old module is not needed any more.
    let tally = guest("actor-tally-rust");
    let say = |lines: &str| {
        desk.write("say.hob", lines);
        desk.check(&["run", "--store", "store", "--module", &tally, "say.hob"], 0, &[])
    };
    assert_eq!(say("a = find \"a\"\na inc\na step 10\na inc"), "6\n16\n");
    assert_eq!(say("b = find \"b\"\nb get"), "7\n");
    // What makes actors makes them of the new one.
    assert_eq!(say("maker = find \"maker\"\nc = spawn maker [1 2]\nc inc"), "3\n");
    desk.check(&["replay", "--store", "store", "--module", &tally], 126, &["unknown-kind", "--module FILE"]);
    let both = ["replay", "--store", "store", "--module", &tally, "--module", &guest("actor-counter-wat")];
    desk.check(&both, 0, &["came to the same again"]);
    // A second time there is nothing to move.
    let again = desk.check(&["upgrade", "--store", "store", &to_tally()], 126, &["no actor is of"]);
    assert_eq!(again, "");
}

#[test]
fn one_actor_that_cannot_move_keeps_all_where_they_are() {
    let desk = Desk::new();
    counters(&desk, &[5, 1001, 1000]);
    let before = bytes(&desk);
    let tally = to_tally();
    for flags in [&["--check"][..], &[]] {
        let args = [&["upgrade", "--store", "store", &tally], flags].concat();
        let says = ["2 of 3 actors would move", " cannot: too-much: a count is 1000 at most now"];
        desk.check(&args, 1, &says);
        let json = desk.json(&args);
        let states: Vec<_> =
            json.iter().map(|it| (&it["state"], it["failed"].is_string(), &it["done"])).collect();
        let none = &json!(null);
        let (undefined, no) = (&json!({"undefined": true}), &json!(false));
        let expected = [
            (undefined, false, no),
            (&json!([5, 1]), false, no),
            (none, true, no),
            (&json!([1000, 1]), false, no),
        ];
        assert_eq!(states, expected, "{json:?}");
        assert_eq!(bytes(&desk), before);
    }
}

#[test]
fn a_module_that_is_gone_is_named_by_its_kind() {
    let desk = Desk::new();
    counters(&desk, &[5]);
    let kinds = desk.json(&["at", "--store", "store"]);
    let kind =
        kinds.iter().filter_map(|it| it["kind"].as_str()).find(|kind| kind.starts_with("wasm:")).unwrap();
    let tally = guest("actor-tally-rust");
    let to = |old: &str| format!("{old}={tally}");
    let check = |old: &str, code: i32, says: &[&str]| {
        desk.check(&["upgrade", "--store", "store", "--check", &to(old)], code, says);
    };
    let digest = kind.strip_prefix("wasm:").unwrap();
    check(kind, 0, &["1 of 1 actors would move"]);
    check(digest, 0, &["1 of 1 actors would move"]);
    check(&digest[..4], 0, &["1 of 1 actors would move"]);
    let there = format!("Actors of modules in vat \"main\":\n  {kind} 0: 1");
    check(&digest[..3], 126, &["no actor is of", &there]);
    check("hob.counter", 126, &["no actor is of hob.counter", &there]);
    desk.check(&["upgrade", "--store", "store", &to(&digest[..8])], 0, &["1 of 1 actors moved"]);
    desk.write("say.hob", "a = find \"a\"\na inc");
    assert_eq!(desk.check(&["run", "--store", "store", "--module", &tally, "say.hob"], 0, &[]), "6\n");
}

#[test]
fn what_is_no_upgrade_is_refused() {
    let desk = Desk::new();
    counters(&desk, &[5]);
    let counter = guest("actor-counter-wat");
    let check = |moves: &[&str], code: i32, says: &[&str]| {
        desk.check(&[&["upgrade", "--store", "store"], moves].concat(), code, says);
    };
    let same = format!("{counter}={counter}");
    check(&[&same], 126, &["not-newer: the states there have version 0", "version = 1, upgrade ="]);
    // The same code with a higher version, and without `upgrade`.
    let text = std::fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guests/actor-counter-wat/guest.wat"),
    )
    .unwrap();
    desk.write("one.wat", &text.replace("1.0 become 0", "1.0 become 1"));
    check(
        &[&format!("{counter}=one.wat")],
        1,
        &["0 of 1 actors would move", "no-upgrade: ", "exports no `upgrade`"],
    );
    let tally = to_tally();
    check(&[&tally, &tally], 2, &["is to become two things"]);
    check(&[&format!("{counter}=none.wasm")], 126, &["not-loaded"]);
    check(&["nothing"], 2, &["write OLD=NEW"]);
    check(&["=x"], 2, &["write OLD=NEW"]);
    check(&[], 2, &["OLD=NEW"]);
    let other = ["upgrade", "--store", "store", "--vat", "other", &tally];
    desk.check(&other, 126, &["has no vat \"other\""]);
}
