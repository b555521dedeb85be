//! The recorded machines do what was recorded, or what a row of `docs/exceptions.md` says.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::process::Command;

fn conformance(args: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_hob-conformance")).args(args).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn recorded_machines() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/crucible-machines.json");
    let (passed, said) = conformance(&["crucible-machines", data]);
    assert!(passed, "{said}");
    assert!(said.contains(" passed, 0 failed"), "{said}");
    // Each difference has its vector: a row that nothing falls under any more is to be taken out.
    for id in [
        "machine-target",
        "machine-guard",
        "machine-names",
        "machine-shape",
        "machine-reenter",
        "machine-done",
    ] {
        assert!(said.contains(id), "{id}: {said}");
    }
}

#[test]
fn a_machine_that_does_something_else_is_a_failure() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("one.json");
    let states = r#"[{"name":"a","transitions":[{"from":"a","to":"b","on":"e"}]},{"name":"b"}]"#;
    let machine = format!(r#"{{"hasInitial":true,"initial":"a","name":"m","states":{states}}}"#);
    let case = |state: &str| {
        format!(
            r#"[{{"name":"one","machine":{machine},"steps":[{{"event":"e"}}],
                "cast":{{"state":"a","configuration":["a"]}},
                "results":[{{"state":"{state}","configuration":["{state}"],"outcome":"success"}}]}}]"#
        )
    };
    std::fs::write(&file, case("b")).unwrap();
    assert!(conformance(&["crucible-machines", file.to_str().unwrap()]).0);
    std::fs::write(&file, case("c")).unwrap();
    let (passed, said) = conformance(&["crucible-machines", file.to_str().unwrap()]);
    assert!(!passed, "{said}");
    assert!(said.contains("1 passed, 2 failed"), "{said}");
}
