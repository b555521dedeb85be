//! A module that executes intents with functions that the host grants: what balances, what is refused, and what a table of granted
//! functions is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod util;

#[path = "../examples/intents.rs"]
mod intents;

use hob::vat::{Actormap, Kind, Limits, Problem, Ref, Value, library::CELL};
use hob::{Choice, Functions, Host, Loaded};
use intents::{execute, morphisms, offered, owned};
use util::BOTH;

fn load(choice: Choice, name: &str) -> Loaded {
    Host::builder().engine(choice).actors().build().unwrap().load(util::guest(name)).unwrap()
}

fn executor(choice: Choice) -> (Actormap, Ref) {
    let kind = load(choice, "actor-intent-rust").actor_with(&[morphisms()]).unwrap();
    let mut map = Actormap::new();
    let it = map.poke(|turn| turn.spawn(kind, ().into())).unwrap();
    (map, it)
}

fn ask(map: &mut Actormap, it: Ref, nullified: &[Value], committed: &[Value]) -> Result<Value, Problem> {
    map.poke(|turn| turn.call(it, &execute(nullified, committed)))
}

fn refusal(nullified: &[Value], committed: &[Value]) -> String {
    let [one, other] = BOTH.map(|choice| {
        let (mut map, it) = executor(choice);
        ask(&mut map, it, nullified, committed).unwrap_err().to_string()
    });
    assert_eq!(one, other);
    one
}

#[test]
fn the_example_runs() {
    intents::main().unwrap();
}

#[test]
fn what_balances_is_a_transaction_of_nullifiers_and_commitments() {
    let split = [owned(4, "usd", "bob", 2), owned(6, "usd", "alice", 3)];
    let [one, other] = BOTH.map(|choice| {
        let (mut map, it) = executor(choice);
        ask(&mut map, it, &[owned(10, "usd", "alice", 1)], &split).unwrap()
    });
    assert_eq!(one, other);
    let fields = one.as_struct().unwrap();
    let count = |name: &str| fields.get(name).unwrap().as_list().unwrap().len();
    assert_eq!((fields.len(), count("nullifiers"), count("commitments")), (2, 1, 2));
    let bytes = |it: &Value| it.as_bytes().unwrap().len();
    assert!(fields.values().flat_map(|it| it.as_list().unwrap()).all(|it| bytes(it) == 32));
}

#[test]
fn an_imbalance_is_told_for_each_kind() {
    let usd = |quantity, nonce| owned(quantity, "usd", "a", nonce);
    let eur = |quantity, nonce| owned(quantity, "eur", "a", nonce);
    assert_eq!(refusal(&[usd(1, 1)], &[]), "unbalanced: `usd`: 1 nullified, 0 committed");
    assert_eq!(
        refusal(&[usd(1, 1), eur(2, 2)], &[usd(2, 3), eur(1, 4)]),
        "unbalanced: `usd`: 1 nullified, 2 committed; `eur`: 2 nullified, 1 committed"
    );
    assert_eq!(
        refusal(&[usd(1, 1)], &[eur(1, 2)]),
        "unbalanced: `usd`: 1 nullified, 0 committed; `eur`: 0 nullified, 1 committed"
    );
    // Sums do not wrap.
    let all = Value::from(u64::MAX);
    let most = |nonce: i64| match usd(0, nonce).as_struct() {
        Some(fields) => Value::Struct(fields.with("quantity", all.clone())),
        None => panic!(),
    };
    assert_eq!(
        refusal(&[most(1), usd(1, 2)], &[]),
        "unbalanced: `usd`: 18446744073709551616 nullified, 0 committed"
    );
}

#[test]
fn a_resource_is_nullified_once() {
    let one = owned(5, "usd", "a", 1);
    let two = [owned(5, "usd", "b", 2), owned(5, "usd", "b", 3)];
    assert_eq!(refusal(&[one.clone(), one.clone()], &two), "already-nullified: 5 `usd`");
    assert_eq!(
        refusal(&[one.clone(), two[0].clone()], &[two[1].clone(), two[1].clone()]),
        "already-committed: 5 `usd`"
    );
    for choice in BOTH {
        let (mut map, it) = executor(choice);
        // A refusal spends nothing.
        ask(&mut map, it, std::slice::from_ref(&one), &[]).unwrap_err();
        ask(&mut map, it, std::slice::from_ref(&one), &[two[0].clone()]).unwrap();
        let again = ask(&mut map, it, std::slice::from_ref(&one), &[two[1].clone()]).unwrap_err();
        assert_eq!(again.to_string(), "already-nullified: 5 `usd`");
        ask(&mut map, it, &[two[0].clone()], &[two[1].clone()]).unwrap();
    }
}

#[test]
fn a_logic_that_does_not_agree_stops_the_transaction() {
    let nullified = [offered(10, "usd", "alice", 1, (8, "eur")), owned(8, "eur", "bob", 2)];
    let kept = [owned(10, "usd", "bob", 3), owned(8, "eur", "bob", 4)];
    assert_eq!(refusal(&nullified, &kept), "logic: the logic of 10 `usd` does not agree");
}

#[test]
fn what_is_no_resource_is_refused() {
    let bad = "bad-resource: a resource has a label and a quantity from 0 to 2^64 - 1";
    assert_eq!(refusal(&[Value::from(1)], &[]), bad);
    assert_eq!(refusal(&[], &[owned(-1, "usd", "a", 1)]), bad);
    assert_eq!(
        refusal(&[Value::fields([("label", "usd".into()), ("quantity", 1.into())])], &[]),
        "bad-resource: there is no `logic`"
    );
    let many = |count: i64| (0..count).map(|nonce| owned(0, "usd", "a", nonce)).collect::<Vec<_>>();
    assert_eq!(refusal(&many(65), &[]), "limit: 64 resources on each side are allowed");
    for choice in BOTH {
        let (mut map, it) = executor(choice);
        assert!(ask(&mut map, it, &many(64), &[]).is_ok());
        let problem = map.poke(|turn| turn.call(it, &[Value::symbol("steal")])).unwrap_err();
        assert_eq!(problem.to_string(), "no-method: steal");
    }
}

#[test]
fn a_morphism_that_is_not_granted_is_named_when_the_module_is_loaded() {
    for choice in BOTH {
        let module = load(choice, "actor-intent-rust");
        let told = |tables: &[Functions]| module.actor_with(tables).unwrap_err().to_string();
        let short = Functions::new("geb").grant("kind", 1, |it| Ok(it.clone()));
        let refused = told(&[short]);
        assert!(
            refused.contains("the module imports `geb.") && refused.contains("`, which no grant provides"),
            "{refused}"
        );
        assert!(told(&[]).contains("which no grant provides"));
        for reserved in ["hob_actor", "wasi_snapshot_preview1"] {
            let refused = told(&[morphisms(), Functions::new(reserved)]);
            assert!(
                refused.contains(&format!("the module name `{reserved}` has functions of its own")),
                "{refused}"
            );
        }
        // With a table the kind is another one than without, and says so.
        let plain = load(choice, "actor-counter-wat");
        let (bare, granted) = (plain.actor().unwrap(), plain.actor_with(&[morphisms()]).unwrap());
        assert_eq!(format!("{}+geb", bare.name()), granted.name());
    }
}

/// The executor with other morphisms: `kind` is what is looked at, the others are as they should be.
fn with_kind(
    choice: Choice,
    fuel: u64,
    kind: impl Fn(&Value) -> Result<Value, Problem> + Send + Sync + 'static,
) -> (Actormap, Ref) {
    let table = morphisms().grant("kind", fuel, kind);
    let kind = load(choice, "actor-intent-rust").actor_with(&[table]).unwrap();
    let mut map = Actormap::new();
    let it = map.poke(|turn| turn.spawn(kind, ().into())).unwrap();
    (map, it)
}

#[test]
fn a_granted_function_is_of_data_and_is_paid_for() {
    let one = [owned(1, "usd", "a", 1)];
    for choice in BOTH {
        // What it refuses, the guest is told, and passes on.
        let (mut map, it) = with_kind(choice, 1, |_| Err(Problem::rule("no", "not today".into())));
        assert_eq!(ask(&mut map, it, &one, &[]).unwrap_err().to_string(), "no: not today");
        // References go neither in nor out.
        let (mut map, it) = with_kind(choice, 1, |it| Ok(it.clone()));
        let cell = map.poke(|turn| turn.spawn(&CELL, ().into())).unwrap();
        let given = Value::Struct(one[0].as_struct().unwrap().with("value", cell.into()));
        let problem = ask(&mut map, it, &[given], &[]).unwrap_err();
        assert_eq!(problem.rule_name(), Some("not-a-value"), "{problem}");
        let (mut map, it) = with_kind(choice, 1, move |_| Ok(cell.into()));
        assert_eq!(ask(&mut map, it, &one, &[]).unwrap_err().rule_name(), Some("no-references"));
        // Its price is the guest's, and so is what it makes.
        let all = Limits::default().fuel_per_turn;
        let (mut map, it) = with_kind(choice, all, |it| Ok(it.clone()));
        let problem = ask(&mut map, it, &one, &[]).unwrap_err();
        assert_eq!(problem.to_string(), format!("limit: fuel-per-turn limit exceeded: {all} allowed"));
        let fuel = 3_000_000;
        for (bytes, enough) in [(100_000, true), (2_000_000, false)] {
            let large = Value::bytes(&vec![0; bytes]);
            let (mut map, it) = with_kind(choice, 1, move |_| Ok(large.clone()));
            let asked = map.poke(|turn| {
                turn.spend(turn.fuel() - fuel)?;
                turn.call(it, &execute(&[], &[owned(0, "usd", "a", 1)]))
            });
            assert_eq!(
                asked.as_ref().err().and_then(Problem::rule_name),
                (!enough).then_some("limit"),
                "{asked:?}"
            );
        }
        // A bug of the host ends the turn and nothing else.
        let (mut map, it) = with_kind(choice, 1, |_| panic!("a bug of the host"));
        assert_eq!(ask(&mut map, it, &one, &[]).unwrap_err().to_string(), "host: a bug of the host");
    }
}

#[test]
fn a_table_says_what_is_in_it() {
    assert_eq!(morphisms().module(), "geb");
    assert_eq!(morphisms().names().collect::<Vec<_>>(), ["commitment", "kind", "logic", "nullifier"]);
    assert_eq!(format!("{:?}", morphisms()), r#"geb: {"commitment", "kind", "logic", "nullifier"}"#);
}
