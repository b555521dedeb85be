//! `hob machine` from outside: what it prints, and what it exits with.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

const ORDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/machines/order.json");
const APPROVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guests/json-approve-wat/guest.wat");
const PAID: &str = r#"{"total":50,"status":"paid"}"#;

/// Exit code, standard output, standard error.
fn hob(args: &[&str]) -> (i32, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_hob"))
        .arg("machine")
        .args(args)
        .env("HOB_CACHE_DIR", dir.path().join("cache"))
        .env("HOB_KEY_DIR", dir.path().join("key"))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn file(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn one_object_for_each_step() {
    let guard = format!("approved={APPROVE}");
    let (code, out, _) = hob(&[
        "run",
        ORDER,
        "--guard",
        &guard,
        "--context",
        PAID,
        "--events",
        "packed,submit,packed",
        "--json",
    ]);
    assert_eq!(code, 1, "{out}");
    let steps = lines(&out);
    let seen: Vec<Value> =
        steps.iter().map(|step| json!([step["event"], step["configuration"], step["error"]])).collect();
    assert_eq!(
        seen,
        [
            json!([null, ["open"], null]),
            json!(["packed", ["open"], "in \"open\" nothing is for the event \"packed\""]),
            json!(["submit", ["packing"], null]),
            json!(["packed", ["shipped"], null]),
        ]
    );
    assert_eq!(steps[0]["timers"][0]["at"], 3_600_000_000_000_i64);
    assert_eq!(
        steps[2]["effects"],
        json!([
            {"kind": "crucible.cancelScheduled", "payload": {"id": "order:open:after:1"}},
            {"action": "mail", "params": {"text": "thank you"}},
        ])
    );
    assert_eq!(steps[2]["trace"]["guardsEvaluated"], json!(["approved", "total ge 40"]));
    assert!(steps[3]["done"].as_bool().unwrap());
}

#[test]
fn time_passes_when_it_is_told_to() {
    let (code, out, _) = hob(&["run", ORDER, "--guard", "approved=true", "--events", "+59m,+1m", "--json"]);
    let steps = lines(&out);
    assert_eq!((code, steps.len()), (0, 2), "{out}");
    assert_eq!(steps[1]["event"], "expire");
}

#[test]
fn what_is_not_bound_is_refused_with_its_place() {
    let (code, out, err) = hob(&["run", ORDER]);
    assert_eq!((code, out.as_str()), (126, ""));
    assert!(err.contains("/states/0/transitions/0/guardExpr/children/0/ref/name"), "{err}");
    assert!(err.contains("--guard NAME=MODULE|true|false"), "{err}");
}

#[test]
fn problems_have_places_and_their_text_is_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let bad = file(
        dir.path(),
        "bad.json",
        r#"{"name":"m","initial":"a","hasInitial":true,"states":[
        {"name":"a","children":[{"name":"b","transitions":[{"to":"c\u001b[31m","on":"e"}]}],"initialChild":"b"}]}"#,
    );
    let (code, out, _) = hob(&["check", &bad, "--json"]);
    assert_eq!(code, 1);
    assert_eq!(lines(&out)[0]["at"], "/states/0/children/0/transitions/0/to");
    let (code, out, _) = hob(&["check", ORDER, &bad]);
    assert_eq!(code, 1);
    assert!(
        out.contains("order.json: valid") && out.contains("bad.json: refused") && !out.contains('\u{1b}'),
        "{out}"
    );
    let (code, _, err) = hob(&["check", "/nowhere.json"]);
    assert_eq!(code, 127, "{err}");
}

#[test]
fn a_step_goes_from_snapshot_to_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let (code, out, _) = hob(&["step", ORDER, "--guard", "approved=true", "--context", PAID]);
    let begun = &lines(&out)[0];
    assert_eq!((code, &begun["configuration"]), (0, &json!(["open"])));
    let mut snapshot = file(dir.path(), "0.json", &begun["snapshot"].to_string());
    for (event, expected) in [("submit", "packing"), (r#"{"event":"packed","data":1}"#, "shipped")] {
        let (code, out, err) =
            hob(&["step", ORDER, "--guard", "approved=true", "--snapshot", &snapshot, "--event", event]);
        assert_eq!((code, &lines(&out)[0]["configuration"]), (0, &json!([expected])), "{err}");
        snapshot = file(dir.path(), "next.json", &lines(&out)[0]["snapshot"].to_string());
    }
    // A snapshot of another machine is none of this one.
    let other = file(
        dir.path(),
        "other.json",
        &std::fs::read_to_string(ORDER).unwrap().replace("\"order\"", "\"other\""),
    );
    let (code, _, err) =
        hob(&["step", &other, "--guard", "approved=true", "--snapshot", &snapshot, "--event", "submit"]);
    assert_eq!(code, 126, "{err}");
}

#[test]
fn a_journal_leads_where_the_run_led() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal").to_str().unwrap().to_owned();
    let run = [
        "run",
        ORDER,
        "--guard",
        "approved=true",
        "--context",
        PAID,
        "--events",
        "submit,+1s,packed",
        "--journal",
        &journal,
    ];
    assert_eq!(hob(&run).0, 0);
    let replay = |more: &[&str]| {
        let args: Vec<&str> = ["replay", ORDER, "--guard", "approved=true", "--journal", &journal]
            .iter()
            .chain(more)
            .copied()
            .collect();
        let (code, out, err) = hob(&args);
        assert_eq!(code, 0, "{err}");
        lines(&out)[0]["machines"][0]["configuration"].clone()
    };
    assert_eq!(replay(&[]), json!(["shipped"]));
    assert_eq!(replay(&["--at", "2"]), json!(["packing"]));
    let text = std::fs::read_to_string(&journal).unwrap();
    std::fs::write(&journal, text.lines().skip(1).collect::<Vec<_>>().join("\n")).unwrap();
    assert_eq!(hob(&["replay", ORDER, "--guard", "approved=true", "--journal", &journal]).0, 126);
}

#[test]
fn formats_come_in_and_go_out() {
    let dir = tempfile::tempdir().unwrap();
    for (format, name) in [("scxml", "order.scxml"), ("xstate", "order.xstate.json")] {
        let (code, out, err) = hob(&["convert", ORDER, "--to", format]);
        assert_eq!(code, 0, "{err}");
        // What does not map is said.
        assert!(err.contains("left_out"), "{err}");
        let converted = file(dir.path(), name, &out);
        let (code, out, err) = hob(&["check", &converted]);
        assert_eq!(code, 0, "{out}{err}");
        let (code, out, _) = hob(&["convert", &converted, "--to", "crucible"]);
        assert_eq!(code, 0);
        assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["name"], "order");
    }
    let (_, out, _) = hob(&["render", ORDER, "--active", "open"]);
    assert!(out.starts_with("<svg") && out.contains("packing"), "{out}");
    assert_eq!(hob(&["render", ORDER, "--active", "nowhere"]).0, 126);
}

#[test]
fn scxml_has_its_data_model() {
    let turnstile = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/machines/turnstile.scxml");
    let dir = tempfile::tempdir().unwrap();
    let seen = |args: &[&str]| {
        let (_, out, err) = hob(&[&["run", turnstile, "--json"], args].concat());
        let steps = lines(&out);
        let step = steps.last().unwrap_or_else(|| panic!("{err}"));
        json!([step["configuration"], step["context"]["paid"], step["error"]])
    };
    assert_eq!(seen(&[]), json!([["locked"], 0, null]));
    let coin = r#"{"event":"coin","data":2}"#;
    let (_, step, _) = hob(&["step", turnstile, "--event", coin]);
    assert_eq!(lines(&step)[0]["context"]["paid"], 2);
    // What is given takes the place of data of that name.
    assert_eq!(seen(&["--context", r#"{"paid":2}"#]), json!([["locked"], 2, null]));
    let (_, step, _) = hob(&["step", turnstile, "--event", coin, "--context", r#"{"paid":2}"#]);
    assert_eq!(lines(&step)[0]["configuration"], json!(["open"]));
    let snapshot = file(dir.path(), "snapshot", &lines(&step)[0]["snapshot"].to_string());
    let (_, step, _) = hob(&["step", turnstile, "--event", "push", "--snapshot", &snapshot]);
    assert_eq!(lines(&step)[0]["configuration"], json!(["locked"]));
    // A flag is stronger than the document.
    assert_eq!(seen(&["--guard", "scxml.cond=true", "--events", "paid"])[0], json!(["open"]));
    let (code, _, err) = hob(&["run", turnstile, "--context", "[1]"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("a JSON object, by their names"), "{err}");
    // One that another starts begins with its data too, and hands on what its final state says.
    let child = r#"<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" initial="on">
        <datamodel><data id="own" expr="4"/><data id="given" expr="0"/></datamodel>
        <state id="on"><transition target="end"/></state>
        <final id="end"><donedata><param name="sum" expr="own + given"/></donedata></final></scxml>"#;
    let parent = r#"<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" initial="asks">
        <datamodel><data id="sum"/></datamodel>
        <state id="asks"><invoke type="scxml" src="child"><param name="given" expr="3"/></invoke>
            <transition event="done.invoke" target="knows"><assign location="sum" expr="_event.data.sum"/></transition></state>
        <state id="knows"/></scxml>"#;
    let (child, parent) = (file(dir.path(), "child.scxml", child), file(dir.path(), "parent.scxml", parent));
    let (_, out, err) = hob(&["run", &parent, "--machine", &format!("child={child}"), "--json"]);
    let last = lines(&out).pop().unwrap_or_else(|| panic!("{err}"));
    assert_eq!(json!([last["configuration"], last["context"]["sum"]]), json!([["knows"], 7]), "{out}");
    // The same machine as JSON still has it.
    let (_, json, _) = hob(&["convert", turnstile, "--to", "crucible"]);
    let converted = file(dir.path(), "turnstile.json", &json);
    let (_, step, _) = hob(&["step", &converted, "--event", coin, "--context", r#"{"paid":1}"#]);
    assert_eq!(lines(&step)[0]["configuration"], json!(["open"]), "{step}");
}

#[test]
fn answers_come_with_what_shows_them() {
    let (code, out, _) =
        hob(&["analyze", ORDER, "--property", "never(shipped)", "--cover", "states", "--json"]);
    assert_eq!(code, 1, "{out}");
    let answer = &lines(&out)[0];
    assert_eq!(answer["properties"][0]["answer"], "fails");
    assert!(answer["properties"][0]["witness"].is_object(), "{answer}");
    assert!(answer["cover"]["covered"].as_u64().unwrap() >= 4, "{answer}");
    assert_eq!(hob(&["analyze", ORDER, "--property", "reach("]).0, 2);
    let next = ORDER.replace("order.json", "order-next.json");
    let (code, out, _) = hob(&["diff", ORDER, &next, "--json", "--exit-code"]);
    assert_eq!((code, &lines(&out)[0]["step"]), (1, &json!("minor")), "{out}");
    assert_eq!(hob(&["diff", ORDER, ORDER, "--exit-code"]).0, 0);
}

#[test]
fn a_machine_that_is_kept_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("kept").to_str().unwrap().to_owned();
    let run = |events: &str| {
        let args = [
            "run",
            ORDER,
            "--guard",
            "approved=true",
            "--context",
            PAID,
            "--store",
            &store,
            "--events",
            events,
            "--json",
        ];
        let (_, out, err) = hob(&args);
        let steps = lines(&out);
        assert!(err.is_empty(), "{err}");
        steps.iter().map(|step| json!([step["event"], step["configuration"]])).collect::<Vec<_>>()
    };
    assert_eq!(run("submit"), [json!([null, ["open"]]), json!(["submit", ["packing"]])]);
    assert_eq!(run("packed"), [json!(["packed", ["shipped"]])]);
    assert_eq!(run(""), Vec::<Value>::new());
}
