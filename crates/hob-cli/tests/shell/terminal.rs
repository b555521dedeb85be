//! A person at a terminal: a pseudo-terminal of this machine, driven by a script.

use std::process::Command;

#[test]
fn a_person_works_in_the_shell() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shell/terminal.py");
    let scratch = tempfile::tempdir().unwrap();
    let output = Command::new("python3")
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_hob"))
        .arg(super::commands("v1"))
        .env("HOB_CACHE_DIR", scratch.path())
        .output()
        .unwrap();
    let (code, stdout, stderr) = super::said(&output);
    assert_eq!(code, 0, "{stdout}\n{stderr}");
    assert!(stdout.ends_with("all as it should be\n"), "{stdout}\n{stderr}");
}
