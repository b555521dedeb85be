//! What comes out of contracts and configurations, with the worker that comes with the crate.

#![cfg(feature = "worker")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

use hob_config::{ConfigError, ConfigLimit, Format, Limits, Nickel, Refusal, Source};
use insta::assert_snapshot;

const SERVER: &str = "{
  host | String,
  port | std.number.PosNat | default = 8080,
  tags | Array String | default = [],
}";

fn nickel() -> Nickel {
    // Time is for the machine: tests run many at once.
    Nickel::new(env!("CARGO_BIN_EXE_hob-config")).limits(Limits { time_ms_max: 60_000, ..Limits::default() })
}

fn json(text: &str) -> Source {
    Source::json("config.json", text)
}

fn ncl(text: &str) -> Source {
    Source::nickel("config.ncl", text)
}

fn check_with(nickel: &Nickel, contract: &str, config: &Source) -> Result<serde_json::Value, ConfigError> {
    nickel.contract(Source::nickel("contract.ncl", contract)).unwrap().check(config)
}

fn good(contract: &str, config: &Source) -> String {
    check_with(&nickel(), contract, config).unwrap().to_string()
}

fn refused(contract: &str, config: &Source, at: Refusal) -> String {
    let error = check_with(&nickel(), contract, config).unwrap_err();
    assert!(matches!(error, ConfigError::Refused { refusal, .. } if refusal == at), "{error:?}");
    // Blanks at the ends of lines would not survive an editor.
    error.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_contract_fills_in_its_defaults() {
    let want = r#"{"host":"a","port":8080,"tags":[]}"#;
    assert_eq!(good(SERVER, &json(r#"{ "host": "a" }"#)), want);
    assert_eq!(good(SERVER, &ncl(r#"{ host = "a" }"#)), want);
    assert_eq!(good(SERVER, &Source::new(Format::Toml, "config.toml", "host = 'a'")), want);
    assert_eq!(good(SERVER, &Source::new(Format::Yaml, "config.yaml", "host: a")), want);
    let all = r#"{"host":"a","port":1,"tags":["x","y"]}"#;
    assert_eq!(good(SERVER, &json(all)), all);
}

#[test]
fn a_configuration_computes() {
    let computed = r#"let name = "a" in { host = "%{name}.example", port = 80 + 8000 }"#;
    assert_eq!(good(SERVER, &ncl(computed)), r#"{"host":"a.example","port":8080,"tags":[]}"#);
}

#[test]
fn priorities_decide_what_wins() {
    for (contract, config, want) in [
        ("{ a | default = 1 }", "{ a = 2 }", r#"{"a":2}"#),
        ("{ a | force = 1 }", "{ a = 2 }", r#"{"a":1}"#),
        ("{ a | force = 1 }", "{ a | priority 7 = 2 }", r#"{"a":1}"#),
        ("{ a | priority 3 = 1 }", "{ a | priority 4 = 2 }", r#"{"a":2}"#),
        ("{ a = 1 }", "{ a = 1 }", r#"{"a":1}"#),
        ("{ a | optional }", "{}", "{}"),
        ("{ a | not_exported = 1, b | default = a }", "{}", r#"{"b":1}"#),
        ("{ a | default = 1, b | default = a + 1 }", "{ a = 5 }", r#"{"a":5,"b":6}"#),
    ] {
        assert_eq!(good(contract, &ncl(config)), want, "{contract} {config}");
    }
    assert_snapshot!(refused("{ a = 1 }", &ncl("{ a = 2 }"), Refusal::Evaluation), @r#"
    error: non mergeable terms
      ┌─ config.ncl:1:7
      │
    1 │ { a = 2 }
      │       ^ cannot merge this expression
      │
      ┌─ contract.ncl:1:7
      │
    1 │ { a = 1 }
      │       ^ with this expression
      │
      ┌─ <check>:1:87
      │
    1 │ let contract = import "contract.ncl" as 'Nickel in (import "config.ncl" as 'Nickel) | contract
      │                                                                                       -------- originally merged here
      │
      = Merge operands have the same merge priority but they can't be combined.
      = Both values are of type Number but they aren't equal.
      = Number values can only be merged if they are equal
    "#);
}

#[test]
fn a_violation_is_told_by_nickel() {
    assert_snapshot!(refused(SERVER, &json(r#"{ "port": 1 }"#), Refusal::Contract), @r#"
    error: missing definition for `host`
      ┌─ contract.ncl:2:3
      │
    2 │   host | String,
      │   ^^^^ required here
      │
      ┌─ config.json:1:1
      │
    1 │ { "port": 1 }
      │ ------------- in this record
    "#);
    assert_snapshot!(refused(SERVER, &json(r#"{ "host": "a", "port": "x" }"#), Refusal::Contract), @r#"
    error: contract broken by the value of `port`
           expected a number
      ┌─ contract.ncl:3:10
      │
    3 │   port | std.number.PosNat | default = 8080,
      │          ----------------- expected type
      │
      ┌─ config.json:1:24
      │
    1 │ { "host": "a", "port": "x" }
      │                        ^^^ applied to this expression
    "#);
    assert_snapshot!(refused(SERVER, &json(r#"{ "host": "a", "prot": 1 }"#), Refusal::Contract), @r#"
    error: contract broken by a value
           extra field `prot`
      ┌─ <check>:1:52
      │
    1 │ let contract = import "contract.ncl" as 'Nickel in (import "config.json" as 'Json) | contract
      │                                                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^   -------- expected type
      │                                                    │
      │                                                    applied to this expression
      │
      ┌─ config.json:1:1
      │
    1 │ { "host": "a", "prot": 1 }
      │ -------------------------- evaluated to this expression
      │
      = Have you misspelled a field?
      = The record contract might also be too strict. By default, record contracts exclude any field which is not listed.
        Append `, ..` at the end of the record contract, as in `{some_field | SomeContract, ..}`, to make it accept extra fields.
    "#);
    assert_snapshot!(refused(SERVER, &ncl(r#"{ host = "a", tags = ["x", 1] }"#), Refusal::Contract), @r#"
    error: contract broken by the value of `tags`
      ┌─ contract.ncl:4:16
      │
    4 │   tags | Array String | default = [],
      │                ------ expected array element type
      │
      ┌─ config.ncl:1:28
      │
    1 │ { host = "a", tags = ["x", 1] }
      │                            ^ applied to this expression
    "#);
}

#[test]
fn a_contract_may_be_a_function() {
    let short = r#"{
  name | std.contract.from_validator (fun name =>
    if std.string.length name <= 3 then 'Ok
    else 'Error { message = "a name has three letters at most", notes = ["choose a shorter one"] })
}"#;
    assert_eq!(good(short, &json(r#"{ "name": "abc" }"#)), r#"{"name":"abc"}"#);
    assert_snapshot!(refused(short, &json(r#"{ "name": "abcd" }"#), Refusal::Contract), @r#"
    error: contract broken by the value of `name`
           a name has three letters at most
      ┌─ contract.ncl:2:10
      │
    2 │     name | std.contract.from_validator (fun name =>
      │ ╭──────────'
    3 │ │     if std.string.length name <= 3 then 'Ok
    4 │ │     else 'Error { message = "a name has three letters at most", notes = ["choose a shorter one"] })
      │ ╰───────────────────────────────────────────────────────────────────────────────────────────────────' expected type
      │
      ┌─ config.json:1:11
      │
    1 │ { "name": "abcd" }
      │           ^^^^^^ applied to this expression
      │
      = choose a shorter one
    "#);
}

#[test]
fn what_is_no_nickel_or_no_json_is_refused() {
    assert_snapshot!(refused(SERVER, &json("{"), Refusal::Syntax), @r#"
    error: json parse error: expected a string or `}`
      ┌─ config.json:1:1
      │
    1 │ {
      │ ^
      │
      ┌─ <check>:1:52
      │
    1 │ let contract = import "contract.ncl" as 'Nickel in (import "config.json" as 'Json) | contract
      │                                                    ------------------------------- imported here
    "#);
    assert_snapshot!(refused(SERVER, &ncl("{ host = "), Refusal::Syntax), @r#"
    error: unexpected end of file when parsing config.ncl
      ┌─ config.ncl:1:10
      │
    1 │ { host =
      │          ^
      │
      ┌─ <check>:1:52
      │
    1 │ let contract = import "contract.ncl" as 'Nickel in (import "config.ncl" as 'Nickel) | contract
      │                                                    -------------------------------- imported here
    "#);
    assert_snapshot!(refused(SERVER, &ncl("(1 : String)"), Refusal::Type), @r#"
    error: incompatible types
      ┌─ config.ncl:1:2
      │
    1 │ (1 : String)
      │  ^ this expression
      │
      = Expected an expression of type `String`
      = Found an expression of type `Number`
      = These types are not compatible
    "#);
    refused(SERVER, &Source::new(Format::Toml, "config.toml", "host ="), Refusal::Syntax);
    refused(SERVER, &Source::new(Format::Yaml, "config.yaml", "{"), Refusal::Syntax);
    refused("Dyn", &ncl("fun x => x"), Refusal::Export);
    refused("Dyn", &ncl("{ a = 1e400 }"), Refusal::Export);
    refused("Dyn", &ncl("{ a = b, b = a }"), Refusal::Evaluation);
    refused("Dyn", &ncl("nothing"), Refusal::Type);
}

#[test]
fn what_is_no_contract_is_refused_when_it_is_read() {
    let check = |text: &str, at: Refusal| {
        let error = nickel().contract(Source::nickel("contract.ncl", text)).unwrap_err();
        assert!(matches!(error, ConfigError::Refused { refusal, .. } if refusal == at), "{text} {error:?}");
    };
    check("{ host | ", Refusal::Syntax);
    check("(1 : String)", Refusal::Type);
    check("1 + \"a\"", Refusal::Evaluation);
    check("std.fail_with \"no\"", Refusal::Contract);
    check("import \"/etc/passwd\"", Refusal::Import);
    check("let rec a = a in a", Refusal::Evaluation);
}

#[test]
fn nothing_is_imported_that_was_not_granted() {
    let file = tempfile::Builder::new().suffix(".ncl").tempfile().unwrap();
    std::fs::write(file.path(), "{ host = \"from a file\" }").unwrap();
    let there = file.path().to_str().unwrap();
    for path in ["/etc/passwd", "../etc/passwd", "/proc/self/environ", "/dev/stdin", "/nothing", there] {
        for how in ["", " as 'Text", " as 'Json"] {
            let import = format!("import \"{path}\"{how}");
            let told = refused("Dyn", &ncl(&import), Refusal::Import);
            let want = format!("import of {path} failed: could not find import (looked in [/])");
            assert!(told.contains(&want), "{told}");
            assert!(told.ends_with("nothing may be imported"), "{told}");
        }
    }
    refused("Dyn", &ncl("import package"), Refusal::Import);
    // It is not read either where nobody looks at it.
    refused("Dyn", &ncl(&format!("let unused = import \"{there}\" in 1")), Refusal::Import);
}

#[test]
fn what_was_granted_is_imported_by_its_name() {
    let lib = Source::nickel("lib/ports.ncl", "{ http = 80, tls = (import \"more.json\").tls }");
    let more = Source::json("lib/more.json", r#"{ "tls": 443 }"#);
    let granted = nickel().grant(lib).grant(more);
    let config = ncl("(import \"lib/ports.ncl\").tls + (import \"lib/more.json\").tls");
    assert_eq!(check_with(&granted, "Number", &config), Ok(886.into()));
    let error = check_with(&granted, "Number", &ncl("import \"lib/mine.ncl\"")).unwrap_err();
    assert!(error.to_string().ends_with("what may be imported: lib/ports.ncl, lib/more.json"), "{error}");
    // A contract imports as a configuration does.
    assert_eq!(
        check_with(&granted, "{ port | default = (import \"lib/ports.ncl\").http }", &json("{}")),
        Ok(serde_json::json!({ "port": 80 }))
    );
}

fn limit(limits: Limits, config: &Source) -> ConfigLimit {
    let error = check_with(&nickel().limits(limits), "Dyn", config).unwrap_err();
    let ConfigError::Limit { limit, .. } = error else { panic!("{error:?}") };
    limit
}

#[test]
fn every_evaluation_ends() {
    let limits = Limits { time_ms_max: 60_000, ..Limits::default() };
    let nested = |open: &str, close: &str| format!("{}1{}", open.repeat(200_000), close.repeat(200_000));
    for (config, want) in [
        ("let rec f = fun x => 1 + f (x + 1) in f 1".to_owned(), ConfigLimit::Memory),
        ("std.array.replicate 100000000 1".to_owned(), ConfigLimit::Memory),
        (nested("[", "]"), ConfigLimit::Stack),
        (nested("{a=", "}"), ConfigLimit::Stack),
    ] {
        assert_eq!(limit(limits, &ncl(&config)), want, "{}", &config[..20]);
    }
    assert_eq!(limit(limits, &json(&nested("[", "]"))), ConfigLimit::Stack);
    // So many concatenations that they take minutes.
    let long = ncl("std.array.fold_left (fun sum x => std.string.length \"%{std.to_string x}\" + sum) 0 \
                    (std.array.range 0 5000000)");
    let (memory_bytes_max, time_ms_max) = (16 << 30, 300);
    assert_eq!(limit(Limits { memory_bytes_max, time_ms_max, ..limits }, &long), ConfigLimit::Time);
    let no_room = nickel().limits(Limits { stack_bytes_max: 1 << 40, ..limits });
    let error = no_room.contract(Source::nickel("contract.ncl", "Dyn")).unwrap_err();
    assert_eq!(error.to_string(), "memory_bytes_max limit exceeded: 536870912 allowed");
}

#[test]
fn limits_hold_at_the_limit_and_one_past_it() {
    let limits = Limits { time_ms_max: 60_000, ..Limits::default() };
    let text = |bytes: usize| ncl(&format!("\"{}\"", "x".repeat(bytes - 2)));
    let checked = |limits: Limits, config: &Source| check_with(&nickel().limits(limits), "Dyn", config);
    let output = Limits { output_bytes_max: 1_000, ..limits };
    assert!(checked(output, &text(1_000)).is_ok());
    assert_eq!(limit(output, &text(1_001)), ConfigLimit::Output);
    // The reply that carries it has an end too.
    assert_eq!(limit(Limits { output_bytes_max: 10, ..limits }, &text(1 << 19)), ConfigLimit::Output);
    // Both names and the contract are counted.
    let rest = u64::try_from("contract.nclDynconfig.ncl".len()).unwrap();
    let source = Limits { source_bytes_max: rest + 1_000, ..limits };
    assert!(checked(source, &text(1_000)).is_ok());
    assert_eq!(limit(source, &text(1_001)), ConfigLimit::Source);
    let nested = |depth: usize| ncl(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    assert!(checked(limits, &nested(127)).is_ok());
    assert_eq!(limit(limits, &nested(128)), ConfigLimit::Depth);
}

#[test]
fn a_message_is_bounded_and_moves_no_cursor() {
    let limits = Limits { message_bytes_max: 200, time_ms_max: 60_000, ..Limits::default() };
    let long = ncl(&format!("\"\u{1b}[2J{}\" + 1", "x".repeat(100_000)));
    let error = check_with(&nickel().limits(limits), "Dyn", &long).unwrap_err();
    let ConfigError::Refused { message, .. } = error else { panic!("{error:?}") };
    assert!(message.len() <= 200 + '…'.len_utf8() && message.ends_with('…'), "{message}");
    let told = refused("Dyn", &ncl("\"\u{1b}[2J\u{202e}\" + 1"), Refusal::Evaluation);
    assert!(told.contains(r"\u{1b}[2J") && !told.contains(['\u{1b}', '\u{202e}']), "{told}");
}

#[test]
fn a_program_that_is_no_worker_is_no_worker() {
    let check = |program: &str, arg: &str, want: &str| {
        let error = Nickel::new(program).arg(arg).contract(Source::nickel("c", "Dyn")).unwrap_err();
        assert!(matches!(error, ConfigError::Worker(_)), "{error:?}");
        assert!(error.to_string().contains(want), "{error}");
    };
    check("hob-config", "", "its path must be absolute, not `hob-config`");
    check("/nothing/here", "", "`/nothing/here` could not be started");
    check("/bin/true", "", "failed: ");
    check("/bin/echo", "hello", "what it answered is no reply");
    let error = Nickel::new("/bin/cat")
        .arg("/dev/zero")
        .limits(Limits { time_ms_max: 60_000, ..Limits::default() })
        .contract(Source::nickel("c", "Dyn"))
        .unwrap_err();
    assert_eq!(error.to_string(), "output_bytes_max limit exceeded: 1048576 allowed");
}

#[test]
fn one_contract_serves_many_threads() {
    let contract = nickel().contract(Source::nickel("contract.ncl", SERVER)).unwrap();
    std::thread::scope(|scope| {
        for port in 1..5 {
            let contract = contract.clone();
            scope.spawn(move || {
                let config = json(&format!(r#"{{ "host": "a", "port": {port} }}"#));
                assert_eq!(contract.check(&config).unwrap()["port"], port);
            });
        }
    });
}
