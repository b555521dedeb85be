//! The binary as a person or a script uses it: exit codes, streams, messages.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly"
)]

mod gifts;
mod packages;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn guest(name: &str) -> String {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/guests");
    let found = ["wasm", "wat"]
        .map(|ending| dir.join(format!("{name}.{ending}")))
        .into_iter()
        .find(|path| path.exists());
    found
        .unwrap_or_else(|| panic!("guest {name} is not built; run `cargo xtask guests`"))
        .display()
        .to_string()
}

struct Hob {
    cache: tempfile::TempDir,
}

impl Hob {
    fn new() -> Self {
        Self { cache: tempfile::tempdir().unwrap() }
    }

    fn run(&self, args: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hob"))
            .args(args)
            .env("HOB_CACHE_DIR", self.cache.path().join("hob"))
            .env("HOB_KEY_DIR", self.cache.path().join("key"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdin.take().unwrap().write_all(input));
        child.wait_with_output().unwrap()
    }

    fn check(&self, args: &[&str], code: i32, stderr: &str) -> String {
        let output = self.run(args, b"");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(stderr), "{args:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

#[test]
fn exit_codes_say_what_happened() {
    let hob = Hob::new();
    let burn = guest("command-burn-rust");
    hob.check(&["run", &guest("command-hello-rust"), "--exit", "42"], 42, "");
    hob.check(&["run"], 2, "Usage");
    hob.check(&["run", "--clock=fast", "m.wasm"], 2, "real, coarse, virtual or none");
    hob.check(&["run", "--memory=lots", "m.wasm"], 2, "such as 64MiB");
    hob.check(&["run", "--timeout=100ms", &burn, "loop"], 124, "deadline exceeded");
    hob.check(&["run", "--memory=16MiB", &burn, "alloc", "100"], 125, "--memory");
    hob.check(&["run", "--fuel=1000", &burn, "loop"], 125, "--fuel allows more");
    hob.check(&["run", "--memory=8GiB", &burn], 126, "its maximum is 4GiB");
    hob.check(&["run", "--net", "tcp://example.com:5432", &burn], 126, "cannot be granted");
    hob.check(&["run", "--net", "https://a@b", &burn], 2, "no user");
    hob.check(&["run", "--dir", "no/such::/x", &burn], 126, "--dir no/such::/x");
    hob.check(&["run", "Cargo.toml"], 126, "neither a WebAssembly module");
    hob.check(&["run", "no-such.wasm"], 127, "no such file");
    hob.check(&["nonsense"], 2, "Usage");
}

#[test]
fn a_guest_reads_and_writes_the_streams_of_the_process() {
    let hob = Hob::new();
    let output =
        hob.run(&["run", "--env", "NAME=x", &guest("command-hello-c"), "--", "-v", "--exit", "0"], b"12345");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "args: -v --exit 0\nNAME=x\nstdin: 5 bytes\n");
}

#[test]
fn a_refusal_names_the_flag_that_would_allow_it() {
    let hob = Hob::new();
    let dir = tempfile::tempdir().unwrap();
    let files = guest("command-files-rust");
    let grant = format!("{}::/g", dir.path().display());
    hob.check(
        &["run", "--dir", &grant, &files, "write", "/g/x", "y"],
        1,
        &format!("--dir {grant}:rw would allow writing"),
    );
    hob.check(&["run", "--dir", &format!("{grant}:rw"), &files, "write", "/g/x", "y"], 0, "");
    hob.check(&["run", &files, "read", "/g/x"], 1, "--dir HOST::GUEST");
    hob.check(&["run", "--random=none", &guest("command-world-rust")], 125, "--random grants");
}

#[test]
fn call_prints_numbers() {
    let hob = Hob::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.wat");
    std::fs::write(
        &path,
        r#"(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
        (func (export "two") (result i64 f64) (i64.const -1) (f64.const 1.5))
        (func (export "nan") (result f32) (f32.const nan)))"#,
    )
    .unwrap();
    let path = path.display().to_string();
    assert_eq!(hob.check(&["call", &path, "add", "2", "-5"], 0, ""), "-3\n");
    assert_eq!(hob.check(&["call", "--json", &path, "two"], 0, ""), "[-1,1.5]\n");
    assert_eq!(hob.check(&["call", "--json", &path, "nan"], 0, ""), "[\"NaN\"]\n");
    hob.check(&["call", &path, "add", "2"], 2, "1 arguments were given");
    hob.check(&["call", &path, "add", "2", "x"], 2, "not a value of type i32");
    hob.check(&["call", &path, "sub"], 126, "it exports add, two, nan");
}

#[test]
fn eval_takes_a_request_from_the_command_line_or_from_standard_input() {
    let hob = Hob::new();
    let guard = guest("json-approve-rust");
    let request = r#"{"context":{"status":"paid","amount":50}}"#;
    assert_eq!(hob.check(&["eval", &guard, request], 0, ""), r#"{"ok":true}"#);
    let output = hob.run(&["eval", "--verdict", &guard, "-"], request.as_bytes());
    assert_eq!(output.stdout, b"true\n");
    hob.check(&["eval", &guest("command-hello-rust"), "{}"], 126, "does not fit the contract json/1.0");
    hob.check(&["eval", &guard, &"x".repeat(20_000)], 125, "guest trapped");
}

#[test]
fn inspect_shows_what_a_module_could_reach() {
    let hob = Hob::new();
    let files = guest("command-files-rust");
    let text = hob.check(&["inspect", &files], 0, "");
    assert!(text.contains("can reach\n  stdin, stdout, stderr\n"), "{text}");
    assert!(text.contains("path_open: refuses; --dir HOST::GUEST would change that"), "{text}");
    let json = hob.check(&["inspect", "--json", "--dir", ".::/g:rw", &files], 0, "");
    let seen: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(seen["linkable"], true);
    assert_eq!(seen["contracts"][0], "command/1.0");
    assert!(seen["reaches"].as_array().unwrap().iter().any(|reach| reach == "/g (rw)"), "{json}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.wat");
    std::fs::write(&path, "(module (import \"e\\1b[31m\" \"f\" (func)) (func (export \"a\\0ab\")))").unwrap();
    let text = hob.check(&["inspect", &path.display().to_string()], 126, "");
    assert!(!text.contains('\u{1b}') && text.contains("no grant provides"), "{text}");
}

#[test]
fn the_cache_is_filled_behind_and_looked_after() {
    let hob = Hob::new();
    let hello = guest("command-hello-zig");
    let stats = || {
        let text = hob.check(&["cache", "stats", "--json"], 0, "");
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["entries"].as_u64().unwrap()
    };
    assert_eq!(stats(), 0);
    hob.check(&["run", &hello], 0, "");
    let filled = (0..600).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        stats() == 1
    });
    assert!(filled, "nothing was compiled behind");
    let warmed = hob.check(&["cache", "prewarm", &hello, &guest("command-hello-wat")], 0, "");
    assert_eq!(warmed, "1 compiled, 1 were ready, 0 failed\n");
    assert_eq!(stats(), 2);
    hob.check(&["cache", "prewarm", "no-such.wasm"], 126, "no such file");
    hob.check(&["cache", "clear"], 0, "");
    assert_eq!(stats(), 0);
    assert!(hob.check(&["run", "--no-cache", &guest("command-hello-wat")], 7, "").contains("hello"));
    assert_eq!(stats(), 0);
}

#[test]
fn an_audit_log_holds_one_line_for_each_use_of_authority() {
    let hob = Hob::new();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a"), "x").unwrap();
    let log = dir.path().join("audit.jsonl");
    let (log_arg, grant) = (log.display().to_string(), format!("{}::/g", dir.path().display()));
    let files = guest("command-files-rust");
    hob.check(&["run", "--audit", &log_arg, "--dir", &grant, &files, "read", "/g/a"], 0, "");
    hob.check(&["run", "--audit", &log_arg, "--dir", &grant, &files, "remove", "/g/a"], 1, "");
    let text = std::fs::read_to_string(&log).unwrap();
    let events: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let find = |what: &str, outcome: &str| {
        events.iter().any(|event| event["what"] == what && event["outcome"] == outcome)
    };
    assert!(find("open", "allowed"), "{text}");
    assert!(find("unlink", "denied"), "{text}");
    let verified = hob.check(&["audit", "verify", &log_arg], 0, "");
    assert!(verified.contains("each chained to the one before"), "{verified}");
    // A log that cannot be written fails the call, and with it the run.
    let full = ["run", "--audit", "/dev/full", "--dir", &grant, &files, "read", "/g/a"];
    assert_eq!(hob.check(&full, 126, "audit log cannot be written"), "Uncategorized (29)\n");
}

#[test]
fn an_audit_log_that_was_changed_is_found_out() {
    let hob = Hob::new();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a"), "x").unwrap();
    let log = dir.path().join("audit.jsonl");
    let (log_arg, grant) = (log.display().to_string(), format!("{}::/g", dir.path().display()));
    for _ in 0..3 {
        hob.check(
            &["run", "--audit", &log_arg, "--dir", &grant, &guest("command-files-rust"), "read", "/g/a"],
            0,
            "",
        );
    }
    let whole = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    assert_eq!(lines.len(), 3);
    let check = |text: &str, why: &str| {
        std::fs::write(&log, text).unwrap();
        hob.check(&["audit", "verify", &log_arg], 1, why);
        let json = hob.check(&["audit", "verify", "--json", &log_arg], 1, "");
        assert!(json.contains("\"holds\":false"), "{json}");
    };
    check(&whole.replacen("allowed", "denied", 1), "line 1: it was changed");
    check(&format!("{}\n{}\n", lines[0], lines[2]), "line 2: it has the number 3");
    check(&format!("{}\n{}\n{}\n", lines[1], lines[0], lines[2]), "line 1");
    check(&format!("{}\n", lines[0]), "cut short: it has 1 lines, and had 3");
    std::fs::write(&log, &whole).unwrap();
    hob.check(&["audit", "verify", &log_arg], 0, "");
}

#[test]
fn a_recorded_run_is_run_again_without_grants() {
    let hob = Hob::new();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(path("a"), "before").unwrap();
    let (record, grant) = (path("run.hobrec"), format!("{}::/g", dir.path().display()));
    let files = guest("command-files-rust");
    hob.check(&["run", "--record", &record, "--dir", &grant, &files, "read", "/g/a"], 0, "");
    std::fs::remove_file(path("a")).unwrap();
    for engine in ["auto", "wasmtime", "wasmi"] {
        assert_eq!(hob.check(&["replay", "--engine", engine, &record], 0, ""), "before");
    }
    hob.check(&["run", "--record", &record, &guest("command-hello-wat")], 7, "");
    assert_eq!(hob.check(&["replay", &record], 7, ""), "hello\n");
    let full = Command::new("sh")
        .args(["-c", &format!("exec {} replay {record} > /dev/full", env!("CARGO_BIN_EXE_hob"))])
        .output()
        .unwrap();
    assert_eq!(full.status.code(), Some(126));
    assert!(String::from_utf8_lossy(&full.stderr).contains("cannot be written"));

    // A secret is in the output, and nowhere in the record; another user cannot open it.
    let secret = "s3cret-0123456789";
    let out = hob.check(
        &["run", "--record", &record, "--env", &format!("NAME={secret}"), &guest("command-hello-rust")],
        0,
        "",
    );
    assert!(out.contains(secret));
    let bytes = std::fs::read(&record).unwrap();
    assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    assert_eq!(hob.check(&["replay", &record], 0, ""), out);
    // Nor is what it was asked.
    let asked = path("asked.hobrec");
    let request = r#"{"context":{"status":"paid","amount":50},"password":"hunter2"}"#;
    let eval = ["eval", "--record", &asked, "--config", "key=value", &guest("json-approve-rust"), request];
    let answer = hob.check(&eval, 0, "");
    let sealed = String::from_utf8_lossy(&std::fs::read(&asked).unwrap()).into_owned();
    let numbers: Vec<String> = b"hunter2".iter().map(u8::to_string).collect();
    assert!(!sealed.contains("hunter2") && !sealed.contains(&numbers.join(",")));
    assert_eq!(hob.check(&["replay", &asked], 0, ""), answer);
    Hob::new().check(&["replay", &record], 126, "sealed with another key");

    std::fs::write(&record, &bytes[..bytes.len() - 9]).unwrap();
    hob.check(&["replay", &record], 126, "damaged");
    hob.check(&["replay", &guest("command-hello-wat")], 126, "no record of hob");
    hob.check(&["replay", &path("none")], 127, "no such file");
    hob.check(
        &["run", "--record", "/dev/full", &guest("command-hello-wat")],
        126,
        "record cannot be written",
    );
}

#[test]
fn a_function_of_a_plugin_is_called_with_or_without_json() {
    let hob = Hob::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plugin.wat").display().to_string();
    let wat = r#"(module (import "samuel" "log" (func $log (param i32 i32 i32 i32)))
        (import "samuel" "callback" (func $back (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1) (data (i32.const 0) "info\1b[31m") (data (i32.const 16) "{\"n\":1}")
        (func (export "samuel_alloc") (param i32) (result i32) (i32.const 1024))
        (func (export "samuel_protocol_version") (result i32) (i32.const 1))
        (func (export "lint") (result i32) (call $log (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 9))
            (call $back (i32.const 0) (i32.const 4) (i32.const 16) (i32.const 7)) (drop) (i32.const 3))
        (func (export "echo") (param i32 i32) (result i64)
            (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1)))))"#;
    std::fs::write(&path, wat).unwrap();
    assert_eq!(hob.check(&["call", &path, "lint"], 0, r"[info] info\u{1b}[31m"), "3\n");
    assert_eq!(hob.check(&["call", &path, "echo", "{\"a\":2}"], 0, ""), "{\"a\":2}\n");
    let output = hob.run(&["call", &path, "echo", "--json", "-"], b"[1]");
    assert_eq!(output.stdout, b"[1]\n");
    let json: serde_json::Value =
        serde_json::from_str(&hob.check(&["call", "--report", &path, "lint"], 0, "")).unwrap();
    assert_eq!(json["values"], serde_json::json!([3]));
    assert_eq!(json["callbacks"][0], serde_json::json!({"name": "info", "payload": "{\"n\":1}"}));
    assert_eq!(hob.check(&["call", &path, "lint", "--json"], 0, r#"[callback info] {"n":1}"#), "[3]\n");
    hob.check(&["call", &path, "lint", "{}"], 2, "takes no arguments");
    hob.check(&["call", &path, "echo"], 2, "takes one JSON request");
    hob.check(&["call", &path, "none"], 126, "no function is exported");
}

#[test]
fn engines_agree() {
    let hob = Hob::new();
    let run = |engine: &str| {
        hob.check(&["run", "--deterministic", "--engine", engine, &guest("command-world-rust")], 0, "")
    };
    assert_eq!(run("wasmtime"), run("wasmi"));
    assert_eq!(run("auto"), run("wasmi"));
}

#[test]
fn completions_and_the_manual_are_made_from_the_flags() {
    let hob = Hob::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(hob.check(&["completions", shell], 0, "").contains("deterministic"), "{shell}");
    }
    let manual = hob.check(&["man"], 0, "");
    assert!(manual.contains(".TH") && manual.contains("max\\-output"));
}

#[test]
fn the_demo_ends_as_it_says() {
    let hob = Hob::new();
    let guests = PathBuf::from(guest("command-files-rust"));
    let dir = guests.parent().unwrap().display().to_string();
    let text = hob.check(&["demo", "--guests", &dir], 0, "");
    assert!(text.contains("Every step ended as it should."), "{text}");
    for code in [0, 1, 3, 124, 125, 126] {
        assert!(text.contains(&format!("=> exit code {code}\n")), "{code}");
    }
}
