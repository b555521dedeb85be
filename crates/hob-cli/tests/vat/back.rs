//! Looking back, for people and for programs.

use serde_json::json;

use super::{Desk, guest};

/// A bank with an account that was opened and spent from.
fn bank() -> Desk {
    let desk = Desk::new();
    desk.script("bank", "account = spawn counter 100\npublish \"account\" account\naccount get");
    desk.script("bank", "account = find \"account\"\naccount add -30");
    desk
}

impl Desk {
    fn records(&self, store: &str) -> u64 {
        u64::try_from(self.json(&["log", "--store", store]).len()).unwrap()
    }
}

#[test]
fn what_is_wrong_is_said_with_what_there_is() {
    let desk = bank();
    let records = desk.records("bank");
    let (next, last) = (records.to_string(), (records - 1).to_string());
    let none = ["log", "--store", "none"];
    desk.check(&none, 127, &["cannot open none: no such file"]);
    assert!(!desk.path("none").exists(), "who looks back makes nothing");
    desk.write("text", "no store at all");
    desk.check(&["log", "--store", "text"], 126, &["failed to open text: it is no store of vats"]);
    let other = ["log", "--store", "bank", "--vat", "other"];
    desk.check(&other, 126, &["bank has no vat \"other\"; it has \"main\""]);
    let has = format!("main has {next} records, which is less than 99");
    desk.check(&["at", "--store", "bank", "99"], 2, &[&has]);
    desk.check(&["diff", "--store", "bank", "0", "99"], 2, &[&has]);
    desk.check(&["log", "--store", "bank", "--from", "99"], 2, &[&has]);
    desk.check(&["replay", "--store", "bank", "--to", "99"], 2, &[&has]);
    for what in ["replay", "log"] {
        let turned = [what, "--store", "bank", "--from", "2", "--to", "1"];
        desk.check(&turned, 2, &["no record is from 2 to 1: --from is at most --to"]);
    }
    desk.check(&["log", "--store", "bank", "--effects", "1", "--from", "1"], 2, &["cannot be used with"]);
    let numbers = format!("main has no record {next}; it has 0 to {last}");
    desk.check(&["log", "--store", "bank", "--effects", &next], 2, &[&numbers]);
    desk.check(&["log", "--store", "bank", "--causes", &next], 2, &[&numbers]);
    desk.check(&["log", "--store", "bank", "--causes", &last], 0, &[]);
    desk.check(&["at", "--store", "bank", &next], 0, &["after"]);
    desk.check(
        &["diff", "--store", "bank", "2", "1"],
        2,
        &["BEFORE is 2 and AFTER is 1, which is before it"],
    );
    let wrong = ["at", "--store", "bank", "--call", "acount", "get"];
    desk.check(&wrong, 126, &["nothing was published as \"acount\"; these were: \"account\""]);
    desk.check(&["at", "--store", "bank", "0", "--call", "account", "get"], 126, &["nothing was"]);
}

#[test]
fn a_module_that_is_needed_is_asked_for() {
    let desk = Desk::new();
    let counter = guest("actor-counter-wat");
    desk.script("bank", &format!("m = load \"{counter}\"\nc = spawn m 5\npublish \"c\" c\nc inc"));
    let call = ["at", "--store", "bank", "--call", "c", "get"];
    desk.check(&call, 126, &["unknown-kind", "--module FILE names a module whose actors the store has"]);
    desk.check(&[&call[..], &["--module", &counter]].concat(), 0, &["-> 6"]);
    desk.check(&["replay", "--store", "bank", "--module", &counter], 0, &["came to the same again"]);
}

#[test]
fn for_programs_there_is_one_object_for_each_thing() {
    let desk = bank();
    let log = desk.json(&["log", "--store", "bank"]);
    let numbers: Vec<u64> = log.iter().map(|record| record["record"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..u64::try_from(log.len()).unwrap()).collect::<Vec<_>>());
    let states = |record: &serde_json::Value| record["changed"].as_array().unwrap().clone();
    let changed: Vec<_> = log.iter().flat_map(states).filter(|it| it["kind"] == "hob.counter").collect();
    let mut counts: Vec<_> = changed.iter().map(|it| &it["state"]).collect();
    counts.dedup();
    assert_eq!(counts, [&json!(100), &json!(70)], "{changed:?}");
    let what = changed[0]["what"].as_str().unwrap().to_owned();
    assert!(what.starts_with("<object "), "{what}");
    assert!(log.iter().any(|record| record["in"][0]["message"]["args"].is_array()), "{log:?}");

    let at = desk.json(&["at", "--store", "bank"]);
    let account = at.iter().find(|it| it["what"] == *what).unwrap();
    assert_eq!((&account["is"], &account["state"]), (&json!("actor"), &json!(70)));

    let asked = desk.json(&["at", "--store", "bank", "--call", "account", "get"]);
    assert_eq!(asked[0]["answer"], 70);
    assert_eq!(asked[0]["message"]["args"], json!([{"symbol": "get"}]));
    let refused = desk.json(&["at", "--store", "bank", "--call", "account", "nonsense"]);
    assert!(refused[0]["failed"].as_str().unwrap().starts_with("no-method"), "{refused:?}");

    let replay = desk.json(&["replay", "--store", "bank"]);
    assert_eq!(replay.len(), log.len());
    assert!(replay.iter().all(|it| it["outcome"] == "same" || it["outcome"] == "applied"), "{replay:?}");

    let diff = desk.json(&["diff", "--store", "bank", "0", &log.len().to_string()]);
    let born = diff.iter().find(|it| it["what"] == *what).unwrap();
    assert_eq!(
        (&born["how"], &born["before"], &born["after"]["state"]),
        (&json!("born"), &json!(null), &json!(70))
    );

    let line = log.iter().position(|record| record["in"][0]["message"]["fulfill"] == "account get").unwrap();
    let chain = |which: &str| desk.json(&["log", "--store", "bank", which, &line.to_string()]);
    let record = json!({"vat": "vat 1", "record": line});
    let causes = chain("--causes");
    assert_eq!(causes.len(), 1, "{causes:?}");
    assert_eq!((&causes[0]["from"], &causes[0]["to"]), (&json!(null), &record));
    assert_eq!(causes[0]["message"], log[line]["in"][0]["message"]);
    assert!(causes[0]["message"]["to"].is_string() && causes[0]["certain"] == true, "{causes:?}");
    let effects = chain("--effects");
    let said: Vec<_> = effects.iter().map(|it| (&it["from"], &it["message"]["args"][0]["symbol"])).collect();
    assert_eq!(said, [(&record, &json!("write")), (&record, &json!("read-line"))]);
    assert_eq!(effects[0]["message"]["args"][1], "100");
}
