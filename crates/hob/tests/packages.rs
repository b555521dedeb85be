//! The packages of `guests/`, checked and used through the library, and packages that are held to what they say.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod util;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hob::package::{Format, Kind, check, open};
use hob::{Access, Answer, Choice, Decision, ErrorKind, Host, Package, Tool, ToolKind};
use serde_json::json;
use util::BOTH;

fn package(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/guests").join(name);
    assert!(dir.is_dir(), "package {name} is not built; run `cargo xtask guests`");
    dir
}

fn host(choice: Choice, package: &Package) -> hob::HostBuilder {
    Host::builder().engine(choice).package(package)
}

fn tool(choice: Choice, name: &str) -> Tool {
    let package = open(package(name)).unwrap();
    host(choice, &package).build().unwrap().load_package(package).unwrap().tool().unwrap()
}

#[test]
fn every_package_of_the_guests_is_valid_and_says_what_it_is() {
    let check = |name: &str, format: Format, kind: Kind, reaches: &[&str]| {
        let checked = check(&package(name));
        assert!(checked.report.valid, "{name}: {:?}", checked.report.problems);
        let found = checked.package.unwrap();
        assert_eq!((found.format, found.kind), (format, kind), "{name}");
        assert_eq!(checked.report.reaches, reaches, "{name}");
        assert!(checked.report.digest.unwrap().starts_with("sha256:"));
    };
    let streams = ["stdin", "stdout", "stderr"];
    check("tool-calculator-rust", Format::Scoot, Kind::Tool(ToolKind::Tool), &streams);
    check("tool-redact-zig", Format::Scoot, Kind::Tool(ToolKind::Compressor), &streams);
    check("tool-guard-c", Format::Scoot, Kind::Tool(ToolKind::Policy), &streams);
    check("plugin-lint-go", Format::Samuel, Kind::Plugin, &["/workspace (ro)"]);
    check("plugin-fetch-rust", Format::Hob, Kind::Plugin, &[]);
}

#[test]
fn a_tool_is_held_to_its_schemas() {
    for choice in BOTH {
        let calculator = tool(choice, "tool-calculator-rust");
        let ask = |expression: &str| calculator.invoke(&json!({"expression": expression}));
        assert_eq!(ask("2 * (3 + 4)").unwrap().value(), Some(&json!({"result": 14})));
        assert_eq!(ask("1 / 0").unwrap().value(), Some(&json!({"error": "there is no such number"})));
        let refused = |request: serde_json::Value| match calculator.invoke(&request).unwrap_err().kind() {
            ErrorKind::Schema { input: true, violation } => violation.pointer.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(json!({"expression": "x"})), "/expression");
        assert_eq!(refused(json!({"expression": 1})), "/expression");
        assert_eq!(refused(json!({})), "/");
        assert_eq!(refused(json!({"expression": "1", "more": 1})), "/");
    }
}

#[test]
fn hooks_shorten_decide_and_fail_closed() {
    for choice in BOTH {
        let redact = tool(choice, "tool-redact-zig");
        let request = json!({
            "version": 1, "kind": "compressor", "keep_recent": 4, "elided_count": 2, "elided_bytes": 99,
            "messages": [{"role": "user", "content": "the password is hunter2"}]
        });
        let marker = redact.compress(&request).unwrap();
        assert_eq!(marker, "left out 2 messages, 99 bytes; 1 places look like secrets");
        assert!(redact.compress(&json!({"version": 1, "kind": "policy"})).is_err());

        let guard = tool(choice, "tool-guard-c");
        let ask = |input: &str| {
            guard.decide(&json!({"version": 1, "kind": "policy", "action": "shell", "input": input}))
        };
        assert_eq!(ask("ls"), Decision::Allow);
        assert!(matches!(ask("rm -rf /"), Decision::Deny { reason } if reason.contains("rm -rf")));
        // What is not a request of this kind is not asked, and denied.
        assert!(matches!(guard.decide(&json!({"version": 2})), Decision::Deny { .. }));
        assert!(matches!(guard.decide(&json!([])), Decision::Deny { .. }));
    }
}

#[test]
fn a_linter_reads_the_folder_it_was_granted_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.go"), "package a\n// TODO: more\n").unwrap();
    for choice in BOTH {
        let package = open(package("plugin-lint-go")).unwrap();
        let grants = |package: &Package| hob::Policy { fs: Vec::new(), ..package.policy.clone() };
        let host = host(choice, &package)
            .policy(grants(&package))
            .dir(dir.path(), "/workspace", Access::Read)
            .build()
            .unwrap();
        let lint = host.load_package(package).unwrap().plugin().unwrap();
        let ask = |request: &str| match lint.call("lint", Some(request.as_bytes())).unwrap().answer.unwrap() {
            Answer::Json(bytes) => serde_json::from_slice::<serde_json::Value>(&bytes).unwrap(),
            Answer::Values(values) => panic!("{values:?}"),
        };
        let found = ask("{}");
        assert_eq!(
            (&found["files"], &found["findings"][0]["rule"]),
            (&json!(1), &json!("unfinished")),
            "{found}"
        );
        assert!(ask(r#"{"folder":"/etc"}"#)["error"].is_string());
        assert_eq!(lint.health().unwrap(), Some(0));
    }
}

#[test]
fn a_plugin_asks_a_granted_host_and_no_other() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 2048];
            drop(stream.read(&mut request));
            let page = "<html><title>A page</title></html>";
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{page}", page.len());
            drop(stream.write_all(answer.as_bytes()));
        }
    });
    let table = hob::os::FixedResolver::new().name("localhost", &["127.0.0.1".parse().unwrap()]);
    for choice in BOTH {
        let package = open(package("plugin-fetch-rust")).unwrap();
        let host = host(choice, &package)
            .net(&format!("[GET] http://localhost:{port}"))
            .resolver(Arc::new(table.clone()))
            .build()
            .unwrap();
        let plugin = host.load_package(package).unwrap().plugin().unwrap();
        let ask = |url: String| match plugin.call("title", Some(json!({"url": url}).to_string().as_bytes())) {
            Ok(called) => match called.answer {
                Ok(Answer::Json(bytes)) => Ok(serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()),
                Ok(other) => panic!("{other:?}"),
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        assert_eq!(
            ask(format!("http://localhost:{port}/")).unwrap(),
            json!({"status": 200, "title": "A page"})
        );
        let denied = ask("http://evil.example/".into()).unwrap();
        assert_eq!(denied["error"]["kind"], "denied", "{denied}");
        assert!(matches!(ask("ftp://x".into()).unwrap_err().kind(), ErrorKind::Schema { input: true, .. }));
    }
}

/// Writes a package of hob's own format.
fn write(dir: &Path, manifest: &str, wat: &str) {
    std::fs::write(dir.join("hob.toml"), manifest).unwrap();
    std::fs::write(dir.join("m.wat"), wat).unwrap();
    std::fs::write(dir.join("number.json"), r#"{"type":"number"}"#).unwrap();
}

#[test]
fn an_answer_that_does_not_fit_is_the_guests_fault() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = "[package]\nname = \"t\"\nversion = \"1.0.0\"\nkind = \"tool\"\nmodule = \"m.wat\"\noutput-schema = \"number.json\"\n";
    let says = |text: &str| {
        format!(
            r#"(module (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1) (data (i32.const 0) "\10\00\00\00\{:02x}\00\00\00") (data (i32.const 16) "{text}")
            (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#,
            text.len()
        )
    };
    let ask = |choice: Choice, text: &str| {
        write(dir.path(), manifest, &says(text));
        let package = open(dir.path()).unwrap();
        let host = host(choice, &package).build().unwrap();
        host.load_package(package).unwrap().tool().unwrap().invoke(&json!(null))
    };
    for choice in BOTH {
        assert_eq!(ask(choice, "12").unwrap().value(), Some(&json!(12)));
        let wrong = ask(choice, "[]").unwrap_err();
        assert!(matches!(wrong.kind(), ErrorKind::Schema { input: false, .. }), "{wrong}");
        assert_eq!(wrong.exit_code(), 125);
        assert!(matches!(ask(choice, "no").unwrap_err().kind(), ErrorKind::Json { input: false, .. }));
    }
}

#[test]
fn a_plugins_export_serves_as_a_guard_and_a_tool_as_a_command() {
    let guard = br#"(module (memory (export "memory") 1) (data (i32.const 16) "{\"ok\":true}")
        (func (export "samuel_protocol_version") (result i32) (i32.const 1))
        (func (export "samuel_alloc") (param i32) (result i32) (i32.const 64))
        (func (export "may") (param i32 i32) (result i64) (i64.const 0x100000000b)))"#;
    let plugin = Host::builder().build().unwrap().load_bytes("p", guard).unwrap().plugin().unwrap();
    assert!(plugin.decide("may", b"{}").unwrap());
    let package = open(package("tool-calculator-rust")).unwrap();
    let host = host(Choice::Wasmi, &package).build().unwrap();
    let output = host.load_package(package).unwrap().command().unwrap().run([""; 0]).unwrap();
    assert!(output.stdout.starts_with(b"{\"error\""), "a command with empty input");
}

#[test]
fn a_package_that_was_changed_after_it_was_checked_is_what_was_checked() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = "[package]\nname = \"t\"\nversion = \"1.0.0\"\nkind = \"command\"\nmodule = \"m.wat\"\n";
    write(dir.path(), manifest, r#"(module (func (export "_start")))"#);
    let package = open(dir.path()).unwrap();
    let digest = package.digest.clone();
    write(dir.path(), manifest, r#"(module (func (export "_start") unreachable))"#);
    let host = host(Choice::Wasmi, &package).build().unwrap();
    assert_eq!(host.load_package(package).unwrap().command().unwrap().run([""; 0]).unwrap().code, 0);
    assert_ne!(open(dir.path()).unwrap().digest, digest);
}
