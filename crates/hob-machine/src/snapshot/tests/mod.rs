//! Tests of snapshots.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::{Chart, Document, Instance, Machine, Registry, VALUE_DEPTH_MAX};

fn machine() -> Arc<Machine> {
    let document = json!({"name": "hist", "id": "urn:hist", "version": "2", "initial": "p", "hasInitial": true, "states": [
        {"name": "p", "initialChild": "a", "transitions": [
            {"from": "p", "to": "q", "on": "out"}, {"from": "p", "to": "q", "on": "late", "after": 9}],
         "children": [
            {"name": "a", "initialChild": "a1", "children": [{"name": "a1"}, {"name": "a2"}],
             "transitions": [{"from": "a", "to": "b", "on": "next"}]},
            {"name": "b"}, {"name": "h", "historyType": 2, "historyDefault": "a"}]},
        {"name": "q", "transitions": [{"from": "q", "to": "h", "on": "back"}, {"from": "q", "to": "r", "on": "both"}]},
        {"name": "r", "regions": [
            {"name": "x", "initialChild": "x1", "states": [{"name": "x1"}, {"name": "x2"}]},
            {"name": "y", "initialChild": "y1", "states": [{"name": "y1"}, {"name": "y2", "isFinal": true}]}]}]});
    let chart = Chart::load(&Document::parse(&document.to_string()).unwrap()).unwrap();
    Machine::bind(chart, &Registry::new()).unwrap()
}

fn left() -> Instance {
    let (mut instance, _) = Instance::start(&machine(), json!({"n": 1})).unwrap();
    instance.fire(&"next".into()).unwrap();
    instance.fire(&"out".into()).unwrap();
    instance
}

#[test]
fn a_snapshot_says_what_the_reference_says() {
    assert_eq!(
        left().snapshot().to_value(),
        json!({"machine": "hist", "machineId": "urn:hist", "machineVersion": "2", "current": "q", "configuration": ["q"],
            "context": {"n": 1}, "historyShallow": {"p": "b", "a": "a1"}, "historyDeep": {"p": ["b"], "a": ["a1"]},
            "status": 0, "pending": {}, "snapshotVersion": 1000})
    );
    let (instance, _) = Instance::start(&machine(), Value::Null).unwrap();
    assert_eq!(instance.snapshot().to_value()["pending"], json!({"timers": ["hist:p:after:1"]}));
}

#[test]
fn a_restored_instance_remembers() {
    let mut instance = Instance::restore(&machine(), &left().snapshot()).unwrap();
    instance.fire(&"back".into()).unwrap();
    assert_eq!(instance.configuration(), ["b".into()]);
}

#[test]
fn what_is_not_known_is_kept() {
    let mut value = left().snapshot().to_value();
    value["x-ours"] = json!({"deep": [1]});
    value["traces"] = json!([{"machine": "hist"}]);
    value["journal"] = json!([{"step": 3, "kind": "theirs", "also": true}]);
    assert_eq!(Snapshot::from_value(value.clone()).unwrap().to_value(), value);
}

#[test]
fn what_is_wrong_is_named_where_it_stands() {
    let machine = machine();
    let check = |pointer: &str, value: Value, code: &str, message: &str| {
        let mut snapshot = left().snapshot().to_value();
        snapshot["historyShallow"]["r"] = Value::Null;
        snapshot["historyShallow"].as_object_mut().unwrap().remove("r");
        match pointer.rsplit_once('/') {
            Some(("", key)) => snapshot[key] = value,
            Some((around, key)) => snapshot.pointer_mut(around).unwrap()[key] = value,
            None => snapshot = value,
        }
        let restored =
            Snapshot::from_value(snapshot).and_then(|snapshot| Instance::restore(&machine, &snapshot));
        let error = restored.unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (code, message));
    };
    check("", json!(1), "wrong_type", "at : a snapshot is an object");
    check(
        "/machine",
        json!("door"),
        "machine",
        "at /machine: the snapshot is of machine \"door\"; this is \"hist\"",
    );
    check(
        "/machineId",
        json!("urn:x"),
        "machine_id",
        "at /machineId: the snapshot is of the machine with the id \"urn:x\"; this one's is \"urn:hist\"",
    );
    check(
        "/machineVersion",
        json!("1"),
        "machine_version",
        "at /machineVersion: the snapshot is of version \"1\" and the machine of \"2\"; migrate the snapshot first",
    );
    let versions = "is of another major version; 1000 to 1999 are read here";
    check(
        "/snapshotVersion",
        json!(2000),
        "snapshot_version",
        &format!("at /snapshotVersion: 2000 {versions}"),
    );
    check(
        "/snapshotVersion",
        json!(999),
        "snapshot_version",
        &format!("at /snapshotVersion: 999 {versions}"),
    );
    check("/status", json!(3), "wrong_type", "at /status: 3 is none of 0, 1 and 2");
    check("/configuration", json!("q"), "wrong_type", "at /configuration: it is a list");
    check("/configuration", json!(["z"]), "no_state", "at /configuration/0: the machine has no state \"z\"");
    check(
        "/configuration",
        json!(["p"]),
        "no_leaf",
        "at /configuration/0: \"p\" is no leaf; a configuration lists the states that have nothing inside",
    );
    let illegal = |why: &str| format!("at /configuration: no configuration: {why}");
    let check_configuration = |leaves: Value, why: &str| {
        check("/configuration", leaves, "illegal_configuration", &illegal(why));
    };
    check_configuration(json!(["q", "b"]), "q and p cannot be active together");
    check_configuration(json!(["x1"]), "nothing inside y is active");
    check_configuration(json!(["x1", "x2", "y1"]), "x1 and x2 cannot be active together");
    check_configuration(json!(["q", "q"]), "a state is listed twice");
    check("/historyDeep/z", json!([]), "no_state", "at /historyDeep/z: the machine has no state \"z\"");
    let history = "at /historyDeep/p: no history: q is not inside p";
    check("/historyDeep/p", json!(["q"]), "history", history);
    let history = "at /historyDeep/p: no history: a and b cannot be active together";
    check("/historyDeep/p", json!(["a1", "b"]), "history", history);
    let history = "at /historyDeep/r: no history: \"r\" has no states inside of which one is active";
    check("/historyDeep/r", json!(["x1", "y1"]), "history", history);
    let history =
        "at /historyShallow/p: no history: a is not the child of p that held the leaves of its deep history";
    check("/historyShallow/p", json!("a"), "history", history);
    let history =
        "at /historyShallow/r: no history: which leaves inside r were active is not said in historyDeep";
    check("/historyShallow/r", json!("x1"), "history", history);
}

#[test]
fn versions_of_the_format() {
    for version in [0, 1000, 1001, 1999] {
        let mut value = left().snapshot().to_value();
        value["snapshotVersion"] = json!(version);
        let snapshot = Snapshot::from_value(value).unwrap();
        assert!(Instance::restore(&machine(), &snapshot).is_ok(), "{version}");
    }
}

#[test]
fn nesting_ends_where_it_could_not_be_read_again() {
    let nested = |depth: usize| (1..depth).fold(json!([]), |inside, _| json!([inside]));
    let with = |depth| Snapshot { context: nested(depth), ..left().snapshot() };
    let text = with(DEPTH_MAX - 1).to_text().unwrap();
    assert_eq!(Snapshot::parse(&text).unwrap(), with(DEPTH_MAX - 1));
    assert_eq!(with(DEPTH_MAX).to_text(), Err(RestoreError::Deep { limit: DEPTH_MAX }));

    // What an instance is made of nests less: everything else stands around it.
    let restored = |depth| Instance::restore(&machine(), &with(depth)).map(drop);
    assert_eq!(restored(VALUE_DEPTH_MAX + 1), Ok(()));
    let why = format!("a value in it nests deeper than {VALUE_DEPTH_MAX}");
    assert_eq!(restored(VALUE_DEPTH_MAX + 2), Err(RestoreError::field("/context", why)));
}

#[test]
fn migrations_are_applied_in_order() {
    let note = |mut snapshot: Value, word: &str| {
        let said = snapshot["said"].as_str().unwrap_or_default().to_owned();
        snapshot["said"] = json!(said + word);
        Ok(snapshot)
    };
    let migrations = Migrations::new()
        .step("m", "2", "3", move |snapshot| note(snapshot, "b"))
        .step("m", "", "2", move |snapshot| note(snapshot, "a"))
        .step("m", "3", "2", move |snapshot| note(snapshot, "c"))
        .step("m", "7", "8", |_| Err("never".into()));
    let apply = |version: &str, to: &str| {
        let snapshot = json!({"machine": "m", "machineVersion": version});
        migrations
            .apply(snapshot, to)
            .map(|snapshot| snapshot["said"].as_str().map(String::from))
            .map_err(|e| e.to_string())
    };
    assert_eq!(apply("", "3"), Ok(Some("ab".into())));
    assert_eq!(apply("3", "3"), Ok(None));
    let no_way = |from| {
        Err(format!("no migration of machine \"m\" leads from version {from:?} on; version \"9\" is wanted"))
    };
    assert_eq!(apply("9", "9"), Ok(None));
    assert_eq!(apply("8", "9"), no_way("8"));
    assert!(apply("2", "9").is_err(), "a circle ends");
    let failed = "the migration of machine \"m\" from version \"7\" to \"8\" failed: never";
    assert_eq!(apply("7", "8"), Err(failed.into()));
}
