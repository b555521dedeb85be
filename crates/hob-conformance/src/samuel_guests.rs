//! The suite `samuel-guests`: a JSON list of `{name, note, upstream, wat | wasm_base64}`.
//!
//! `upstream` says what Samuel's host made of a guest: its install (which asks for the protocol), its check (which asks
//! for the health), and a call of `lint`, once on its production path (`run`) and once on the path that its documentation
//! describes (`budgets`). hob agrees when it does what either did. Where upstream was killed or ran out of memory, the
//! guest must end tidily within its limits. Where hob differs on purpose the difference has an id, and the row of that id
//! in `docs/exceptions.md` says why; such a case is counted by itself.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hob::os::FixedResolver;
use hob::{Access, Answer, Choice, Error, ErrorKind, FaultKind, Host, HostBuilder, Limits, Value};
use serde::Deserialize;

use crate::tally::{Tally, Verdict};

/// The limits a manifest gets that names none, but for the deadline: nothing here needs the whole of it.
const MEMORY: u64 = 64 << 20;
const DEADLINE: Duration = Duration::from_millis(700);

/// How much later than its deadline the end of a guest may be noticed on a busy machine.
const SLACK: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct Case {
    name: String,
    upstream: String,
    wat: Option<String>,
    wasm_base64: Option<String>,
}

pub(crate) fn run(path: &Path, engine: Choice, tally: &mut Tally) -> Result<(), String> {
    let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let cases: Vec<Case> =
        serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    for case in &cases {
        let name = format!("{} ({engine:?})", case.name);
        let verdict = check(case, engine).unwrap_or_else(Verdict::Failed);
        tally.verdict(&name, verdict);
    }
    Ok(())
}

/// What a guest did.
struct Seen {
    /// Why it could not be used at all.
    refused: Option<Error>,
    /// Its answer to the question for its health.
    health: Option<i32>,
    /// What `lint` came to, if there is one.
    lint: Option<Result<Vec<Value>, Error>>,
    took: Duration,
}

fn check(case: &Case, engine: Choice) -> Result<Verdict, String> {
    let said = Upstream::read(&case.upstream);
    let seen = watch(&module(case)?, engine)?;
    if seen.took > DEADLINE * 4 + SLACK {
        return Err(format!("took {:?}", seen.took));
    }
    Ok(compare(&said, &seen))
}

/// What upstream did, read from its one line.
struct Upstream<'a> {
    installed: bool,
    killed: bool,
    healthy: Option<bool>,
    run: Option<Result<i64, &'a str>>,
    budgets: Option<Result<i64, &'a str>>,
}

impl<'a> Upstream<'a> {
    fn read(text: &'a str) -> Self {
        let part = |head: &str| text.split('|').map(str::trim).find_map(|part| part.strip_prefix(head));
        let call = |head: &str| {
            let rest = part(head)?;
            let (values, rest) = rest.strip_prefix("=[")?.split_once(']')?;
            let error = rest.trim().strip_prefix("err=").unwrap_or("");
            Some(match values.parse() {
                Ok(value) => Ok(value),
                Err(_) if error.starts_with("ok") => Ok(0),
                Err(_) => Err(error),
            })
        };
        Self {
            installed: text.contains("install=ok"),
            killed: text.contains("KILLED") || text.contains("out of memory"),
            healthy: part("check ok=").map(|rest| rest.starts_with("true")),
            run: call("run(lint)"),
            budgets: call("budgets(lint)"),
        }
    }
}

fn compare(said: &Upstream<'_>, seen: &Seen) -> Verdict {
    if let Some(error) = &seen.refused {
        return match exception_of(error) {
            _ if !said.installed || said.killed => Verdict::Passed,
            Some(id) => Verdict::Exception(id),
            None => Verdict::Failed(format!("was refused: {error}")),
        };
    }
    if !said.installed && !said.killed {
        return Verdict::Exception("start-that-exits");
    }
    let tidy = |result: &Result<Vec<Value>, Error>| match result {
        Ok(values) => {
            values.iter().all(|value| !matches!(value, Value::I32(pages) if *pages > 1024 && said.killed))
        }
        Err(error) => error.fault().is_some(),
    };
    if said.killed {
        return match &seen.lint {
            Some(result) if !tidy(result) => {
                Verdict::Failed(format!("did not end within its limits: {result:?}"))
            }
            _ => Verdict::Passed,
        };
    }
    if said.healthy.is_some_and(|healthy| healthy != (seen.health.unwrap_or(0) == 0)) {
        return Verdict::Failed(format!("its health is {:?}", seen.health));
    }
    let none = |call: &Option<Result<i64, &str>>| matches!(call, None | Some(Err(_)));
    match &seen.lint {
        None if none(&said.run) && none(&said.budgets) => Verdict::Passed,
        None => Verdict::Failed("has no function `lint`".into()),
        Some(Err(error)) if matches!(said.run, Some(Err(_))) => {
            if error.fault().is_some() {
                Verdict::Passed
            } else {
                Verdict::Failed(error.to_string())
            }
        }
        Some(Err(error)) => Verdict::Failed(format!("ended with {error}")),
        Some(Ok(values)) => {
            let now = match values.as_slice() {
                [Value::I32(value)] => i64::from(*value),
                [Value::I64(value)] => *value,
                [] => 0,
                other => return Verdict::Failed(format!("answered {other:?}")),
            };
            let same = |call: &Option<Result<i64, &str>>| matches!(call, Some(Ok(value)) if *value == now);
            if same(&said.run) || same(&said.budgets) {
                return Verdict::Passed;
            }
            match (said.run, now) {
                // The documented JSON form, which upstream never built.
                (Some(Err(error)), _) if error.contains("expected 2 params") => {
                    Verdict::Exception("json-form")
                }
                // Denied here, let through there: by a link, by a mount that was to be read-only.
                (_, 63 | 76) => Verdict::Exception("files-stay-where-granted"),
                (Some(Ok(pointer)), 0) if pointer > 0 => Verdict::Exception("files-stay-where-granted"),
                (Some(Ok(0)), 2) => Verdict::Exception("files-stay-where-granted"),
                (Some(Ok(0)), 1) => Verdict::Exception("requests-are-made"),
                (Some(Ok(2)), 1) => Verdict::Exception("host-case"),
                _ => {
                    Verdict::Failed(format!("answered {now}; upstream {:?} and {:?}", said.run, said.budgets))
                }
            }
        }
    }
}

/// The exception under which hob refuses what upstream takes.
fn exception_of(error: &Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::Contract { mismatches, .. } => {
            let named = |export: &str| mismatches.iter().any(|mismatch| mismatch.export() == export);
            if named("samuel_protocol_version") {
                Some("protocol-export")
            } else if named("memory") {
                Some("memory-export")
            } else {
                Some("export-types")
            }
        }
        ErrorKind::Link(_) => Some("import-needs-grant"),
        ErrorKind::Load(_) => Some("compile-limits"),
        ErrorKind::Fault(fault) => matches!(fault.kind(), FaultKind::Limit(_)).then_some("memory-limits"),
        _ => None,
    }
}

fn watch(module: &[u8], engine: Choice) -> Result<Seen, String> {
    let fixture = tempfile::tempdir().map_err(|error| error.to_string())?;
    let host = host(fixture.path(), engine).map_err(|error| format!("the fixture: {error}"))?;
    let host = host.build().map_err(|error| format!("the fixture: {error}"))?;
    let start = Instant::now();
    let mut seen = Seen { refused: None, health: None, lint: None, took: Duration::ZERO };
    let plugin = host.load_bytes("t", module).and_then(|loaded| loaded.plugin());
    match plugin.and_then(|plugin| Ok((plugin.health()?, plugin))) {
        Err(error) => seen.refused = Some(error),
        Ok((health, plugin)) => {
            seen.health = health;
            let json = plugin
                .functions()
                .find(|(name, _)| *name == "lint")
                .map(|(_, form)| (form == hob::PluginForm::Json).then_some(&b"{}"[..]));
            if let Some(request) = json {
                let called = plugin.call("lint", request).map_err(|error| error.to_string())?;
                seen.lint = Some(called.answer.map(|answer| match answer {
                    Answer::Values(values) => values,
                    Answer::Json(_) => Vec::new(),
                }));
            }
        }
    }
    seen.took = start.elapsed();
    Ok(seen)
}

/// What the manifest of every guest asks for: a folder to read, one to write, a variable.
fn host(dir: &Path, engine: Choice) -> std::io::Result<HostBuilder> {
    for name in ["workspace", "workspace2", "out"] {
        std::fs::create_dir(dir.join(name))?;
    }
    std::fs::write(dir.join("workspace/a.txt"), "hello")?;
    std::fs::write(dir.join("workspace2/secret"), "secret")?;
    std::fs::write(dir.join("secret"), "secret")?;
    for name in ["workspace/link", "out/link"] {
        std::os::unix::fs::symlink("../secret", dir.join(name))?;
    }
    let limits = Limits { memory_bytes: MEMORY, hard_deadline: Some(DEADLINE), ..Limits::default() };
    Ok(Host::builder()
        .engine(engine)
        .limits(limits)
        .log()
        .dir(dir.join("workspace"), "/workspace", Access::Read)
        .dir(dir.join("out"), "/tmp/out", Access::ReadWrite)
        .env("HOME", "/home/guest")
        .net("https://api.example.com")
        .net("https://*.cdn.example.com")
        // Nothing outside is asked: the names are granted, and lead nowhere.
        .resolver(Arc::new(FixedResolver::new())))
}

fn module(case: &Case) -> Result<Vec<u8>, String> {
    match (&case.wat, &case.wasm_base64, case.name.as_str()) {
        (Some(wat), _, _) => Ok(wat.clone().into_bytes()),
        (_, Some(base64), _) => STANDARD.decode(base64).map_err(|error| error.to_string()),
        (_, _, "many_funcs") => {
            let many = "(func (result i32) i32.const 1)".repeat(20_000);
            Ok(format!("(module {HEAD} {many})").into_bytes())
        }
        (_, _, "big_brtable") => {
            let table = "0 ".repeat(60_000);
            let lint = format!(
                r#"(func (export "lint") (param i32) (result i32)
                (block (br_table {table} (local.get 0))) (i32.const 0))"#
            );
            Ok(format!("(module {HEAD} {lint})").into_bytes())
        }
        _ => Err("there is no module, and it is not known how to make one".into()),
    }
}

const HEAD: &str = r#"(func (export "samuel_protocol_version") (result i32) i32.const 1)
    (func (export "health") (result i32) i32.const 0)"#;
