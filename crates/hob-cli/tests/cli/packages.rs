//! Packages on the command line: checked, granted what they ask for and no more, run, called and asked.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Hob;

fn package(name: &str) -> String {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/guests").join(name);
    assert!(dir.is_dir(), "{} is not built; run `cargo xtask guests`", dir.display());
    dir.display().to_string()
}

/// A package of hob's own format with this manifest and module.
fn made(dir: &Path, manifest: &str, wat: &str) -> String {
    fs::write(dir.join("hob.toml"), manifest).unwrap();
    fs::write(dir.join("m.wat"), wat).unwrap();
    dir.display().to_string()
}

const COMMAND: &str =
    "[package]\nname = \"demo\"\nversion = \"1.0.0\"\nkind = \"command\"\nmodule = \"m.wat\"\n";
const START: &str = r#"(module (func (export "_start")))"#;

#[test]
fn check_says_everything_and_its_exit_code_the_verdict() {
    let hob = Hob::new();
    let calculator = package("tool-calculator-rust");
    assert!(hob.check(&["check", &calculator], 0, "").ends_with("\nvalid\n"));
    let json: Value = serde_json::from_str(&hob.check(&["check", "--json", &calculator], 0, "")).unwrap();
    assert_eq!(
        (&json["valid"], &json["kind"], &json["problems"]),
        (&true.into(), &"tool".into(), &Value::Array(vec![]))
    );

    let dir = tempfile::tempdir().unwrap();
    let wrong = format!("{COMMAND}extra = 1\n[policy]\nenv = [\"HOME\"]\n");
    let imports = r#"(module (import "samuel" "fs_read" (func (param i32 i32) (result i64))) (func (export "_start"))
        (memory (export "memory") 1))"#;
    let path = made(dir.path(), &wrong, imports);
    let text = hob.check(&["check", &path], 1, "");
    for said in ["3 problems", "hob.toml:6: ", "[unknown-key]", "[policy-within-request]", "`samuel.fs_read`"]
    {
        assert!(text.contains(said), "{said} is not in {text}");
    }
    let json: Value = serde_json::from_str(&hob.check(&["check", "--json", &path], 1, "")).unwrap();
    assert_eq!(json["valid"], false);
    let rules: Vec<&str> =
        json["problems"].as_array().unwrap().iter().map(|p| p["rule"].as_str().unwrap()).collect();
    assert_eq!(rules.len(), 3, "{rules:?}");
    // What is not valid is not run.
    hob.check(&["run", &path], 126, "is not a valid package");
    hob.check(&["check"], 2, "Usage");
    hob.check(&["check", "--nonsense", &path], 2, "Usage");
    assert!(hob.check(&["check", "no-such-package"], 1, "").contains("1 problem\n"));
}

#[test]
fn a_tool_is_held_to_its_schemas_and_hooks_answer() {
    let hob = Hob::new();
    let calculator = package("tool-calculator-rust");
    let ask = |input: &str| hob.run(&["run", &calculator], input.as_bytes());
    assert_eq!(ask(r#"{"expression": "2 * (3 + 4)"}"#).stdout, b"{\"result\":14}\n");
    let refused = ask(r#"{"expression": 3}"#);
    assert_eq!(refused.status.code(), Some(126));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("at /expression"));

    let guard = package("tool-guard-c");
    let action =
        |input: &str| format!(r#"{{"version":1,"kind":"policy","action":"shell","input":"{input}"}}"#);
    hob.check(&["hook", &guard, &action("ls")], 0, "");
    assert!(hob.check(&["hook", &guard, &action("rm -rf /")], 1, "").contains("\"deny\""));
    hob.check(&["hook", &calculator, "{}"], 126, "");
    // A compressor that fails says nothing, so that nobody takes it for what stands in for the messages.
    assert_eq!(hob.check(&["hook", &package("tool-redact-zig"), "{}"], 125, "version"), "");
}

#[test]
fn flags_grant_within_what_a_package_asks_for() {
    let hob = Hob::new();
    let lint = package("plugin-lint-go");
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.go"), "package a // TODO\n").unwrap();
    let request = r#"{"path":"/workspace"}"#;
    let call = |flags: &[&str], code, stderr: &str| {
        let args: Vec<&str> =
            ["call"].iter().chain(flags).chain(&[lint.as_str(), "lint", request]).copied().collect();
        hob.check(&args, code, stderr)
    };
    let grant = |guest: &str| format!("{}::{guest}", dir.path().display());
    assert!(call(&["--dir", &grant("/workspace:ro")], 0, "").contains("a.go"));
    // Elsewhere, or more, is refused.
    call(&["--dir", &grant("/elsewhere:ro")], 126, "does not ask for");
    call(&["--dir", &grant("/workspace:rw")], 126, "does not ask for");
    call(&["--env", "HOME"], 126, "does not ask for");
    call(&["--net", "https://example.com"], 126, "does not ask for");
}

/// A hook that answers `answer` whatever it is asked.
fn hook(answer: &str) -> String {
    format!(
        r#"(module (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
        (memory (export "memory") 1) (data (i32.const 0) "\08\00\00\00\{:02x}\00\00\00{}")
        (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 512)))))"#,
        answer.len(),
        answer.replace('"', "\\\"")
    )
}

#[test]
fn a_hook_that_fails_is_no_yes() {
    let hob = Hob::new();
    let dir = tempfile::tempdir().unwrap();
    let request = r#"{"version":1,"kind":"policy","action":"x"}"#;
    let policy = COMMAND.replace("command", "policy");
    let ask = |answer: &str, flags: &[&str], code: i32| {
        let path = made(dir.path(), &policy, &hook(answer));
        let args: Vec<&str> =
            ["hook"].iter().chain(flags).chain(&[path.as_str(), request]).copied().collect();
        let text = hob.check(&args, code, "");
        serde_json::from_str::<Value>(&text).unwrap()["decision"].as_str().unwrap().to_owned()
    };
    assert_eq!(ask(r#"{"decision":"allow"}"#, &[], 0), "allow");
    for answer in [r#"["allow",null]"#, r#"{"decision":"deny"}"#, r#"{"decision":"allow"} x"#, ""] {
        assert_eq!(ask(answer, &[], 1), "deny", "{answer}");
    }
    let record = dir.path().join("run.hobrec").display().to_string();
    assert_eq!(ask(r#"{"decision":"allow"}"#, &["--record", &record], 0), "allow");
    hob.check(&["replay", &record], 0, "");
    assert_eq!(ask(r#"{"decision":"allow"}"#, &["--record", "/nonexistent/x"], 126), "deny");
    assert_eq!(ask(r#"{"decision":"allow"}"#, &["--record", "/dev/full"], 1), "deny");
    // What cannot be put on record was not decided, and a tool decides nothing.
    let path = made(
        dir.path(),
        &format!("{policy}[request]\nenv = [\"A\"]\n"),
        &hook(r#"{"decision":"allow"}"#).replace(
            "(func (export \"_start\")",
            "(func (export \"_start\") (drop (call $sizes (i32.const 600) (i32.const 608)))",
        ),
    );
    let text = hob.check(&["hook", "--env", "A=b", "--audit", "/dev/full", &path, request], 126, "audit log");
    assert!(!text.contains("\"allow\"") && text.contains("\"deny\""), "{text}");
    assert!(
        hob.check(&["hook", &package("tool-calculator-rust"), request], 126, "no hook").contains("\"deny\"")
    );
}

#[test]
fn only_what_a_package_declares_is_called() {
    let hob = Hob::new();
    hob.check(&["call", &package("tool-calculator-rust"), "_start"], 126, "`hob run` runs it");
    hob.check(&["call", &package("tool-guard-c"), "_start"], 126, "`hob hook` drives it");
    hob.check(&["call", &package("plugin-lint-go"), "_start"], 126, "it declares lint");
    hob.check(&["call", &package("plugin-lint-go"), "health"], 126, "it declares lint");
}

#[test]
fn the_manifest_that_is_named_is_the_one_that_counts() {
    let hob = Hob::new();
    let dir = tempfile::tempdir().unwrap();
    for name in ["manifest.toml", "policy.toml", "component.wasm"] {
        fs::copy(Path::new(&package("tool-guard-c")).join(name), dir.path().join(name)).unwrap();
    }
    fs::create_dir(dir.path().join("schema")).unwrap();
    for file in fs::read_dir(Path::new(&package("tool-guard-c")).join("schema")).unwrap() {
        let path = file.unwrap().path();
        fs::copy(&path, dir.path().join("schema").join(path.file_name().unwrap())).unwrap();
    }
    let both = made(dir.path(), &COMMAND.replace("command", "policy"), &hook(r#"{"decision":"allow"}"#));
    let text = hob.check(&["check", &both], 1, "");
    assert!(text.contains("[one-manifest]"), "{text}");
    let named = format!("{both}/manifest.toml");
    let request = r#"{"version":1,"kind":"policy","action":"shell","input":"rm -rf /"}"#;
    assert!(hob.check(&["check", &named], 0, "").contains("a Scoot tool package"));
    assert!(hob.check(&["hook", &named, request], 1, "").contains("\"deny\""));
    assert!(hob.check(&["check", &format!("{both}/hob.toml")], 0, "").contains("a hob package"));
}

#[test]
fn what_a_manifest_asks_for_is_granted_when_the_user_says_so() {
    let hob = Hob::new();
    let dir = tempfile::tempdir().unwrap();
    let shared = dir.path().join("shared");
    fs::create_dir(&shared).unwrap();
    let manifest =
        format!("{COMMAND}[request]\nfs = [{{ path = \"{}\", access = \"rw\" }}]\n", shared.display());
    // Leaves with the rights it has to descriptor 3: 0 that it is there, 8 that it is not.
    let wat = r#"(module (import "wasi_snapshot_preview1" "fd_prestat_get" (func $get (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "_start") (call $exit (call $get (i32.const 3) (i32.const 0)))))"#;
    let path = made(dir.path(), &manifest, wat);
    hob.check(&["run", &path], 8, "");
    hob.check(&["run", "--grants", "manifest", &path], 0, "granted beyond the policy");
    hob.check(&["run", "--grants", "none", &path], 8, "");
    hob.check(&["run", "--grants", "all", &path], 2, "policy, manifest, none");
}

#[test]
fn limits_of_a_manifest_hold_and_flags_go_before_them() {
    let hob = Hob::new();
    let dir = tempfile::tempdir().unwrap();
    let spin = r#"(module (func (export "_start") (loop (br 0))))"#;
    let path =
        made(dir.path(), &format!("{COMMAND}[limits]\ntimeout = \"100ms\"\nsoft-timeout = \"50ms\"\n"), spin);
    hob.check(&["run", &path], 124, "deadline exceeded");
    hob.check(&["run", "--fuel", "1000", &path], 125, "--fuel");
    let inspected = hob.check(&["inspect", &path], 0, "");
    assert!(inspected.contains("demo 1.0.0") && inspected.contains("hard-deadline 100ms"), "{inspected}");
    made(dir.path(), COMMAND, START);
    hob.check(&["run", &path], 0, "");
}

#[test]
fn an_export_of_a_plugin_decides() {
    let hob = Hob::new();
    let dir = tempfile::tempdir().unwrap();
    let manifest = "[package]\nname = \"guard\"\nversion = \"1.0.0\"\nkind = \"plugin\"\nmodule = \"m.wat\"\n\
                    [[export]]\nname = \"allow\"\n[[export]]\nname = \"deny\"\n";
    let export = |name: &str, at: u32, len: u32| {
        format!(
            "(func (export \"{name}\") (param i32 i32) (result i64) (i64.or (i64.shl (i64.const {at}) (i64.const 32)) (i64.const {len})))"
        )
    };
    let wat = format!(
        "(module (memory (export \"memory\") 1) (data (i32.const 0) \"{{\\\"ok\\\":true}}{{\\\"ok\\\":false}}\")
         (func (export \"samuel_protocol_version\") (result i32) i32.const 1)
         (func (export \"samuel_alloc\") (param i32) (result i32) i32.const 1024) {} {})",
        export("allow", 0, 11),
        export("deny", 11, 12)
    );
    let path = made(dir.path(), manifest, &wat);
    let eval = |name: &str, flag: &str| hob.check(&["eval", "--export", name, flag, &path, "{}"], 0, "");
    assert_eq!(eval("allow", "--verdict"), "true\n");
    assert_eq!(eval("deny", "--verdict"), "false\n");
    hob.check(&["eval", "--export", "none", &path, "{}"], 126, "none");
}
