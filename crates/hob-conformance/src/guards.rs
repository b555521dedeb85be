//! The suite `guards`: guests of the json contract.
//!
//! What a guest must do is known by its file name, as the reference for guards lists it; an optional `NAME.json` beside a
//! guest (`{"expect":"true"|"false"|"error"|"refused"|"answer", "request": …}`) says it for any other. A guest nobody said
//! anything about must at least end within its deadline, with an answer or an error, and the host must stay whole: a good
//! guest is asked after each.

use std::path::Path;
use std::time::{Duration, Instant};

use hob::{Choice, ClockGrant, Error, ErrorKind, FaultKind, Host, Limits, Policy, RandomGrant};
use serde::Deserialize;

use crate::tally::Tally;
use crate::wasi::modules;

/// How long a guest may take, and how much later than that it may be noticed on a busy machine.
const DEADLINE: Duration = Duration::from_millis(500);
const SLACK: Duration = Duration::from_secs(2);

/// What a guest is expected to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Expect {
    /// The verdict yes.
    True,
    /// The verdict no.
    False,
    /// Loads, and then fails: a fault, or a response that is no verdict. Never a no.
    Error,
    /// Is refused before anything runs.
    Refused,
    /// Answers; what, is its own affair.
    Answer,
}

#[derive(Debug, Deserialize)]
struct Spec {
    expect: Expect,
    #[serde(default)]
    request: Option<serde_json::Value>,
}

/// Guests that the reference describes.
const KNOWN: &[(&str, Expect)] = &[
    ("alloc_loop", Expect::Error),
    ("alloc_noparam", Expect::Refused),
    ("alloc_oob", Expect::Error),
    ("ambient", Expect::Answer),
    ("counter", Expect::True),
    ("echo", Expect::Answer),
    ("edge_end", Expect::True),
    ("edge_end_plus1", Expect::Error),
    ("eval_i32", Expect::Refused),
    ("eval_noresult", Expect::Refused),
    ("eval_trap", Expect::Error),
    ("imports_env", Expect::Refused),
    ("init_loop", Expect::Error),
    ("init_trap", Expect::Error),
    ("loop", Expect::Error),
    ("memory_not_exported", Expect::Refused),
    ("missing_eval", Expect::Refused),
    ("no_memory", Expect::Refused),
    ("resp_array", Expect::Error),
    ("resp_badutf8", Expect::True),
    ("resp_null", Expect::False),
    ("resp_ok_dup", Expect::False),
    ("resp_ok_extra", Expect::True),
    ("resp_ok_false", Expect::False),
    ("resp_ok_missing", Expect::False),
    ("resp_ok_null", Expect::False),
    ("resp_ok_trailing", Expect::Error),
    ("resp_ok_upper", Expect::True),
    ("resp_ok_ws", Expect::True),
    ("start_export_not_run", Expect::True),
    ("wrap_len", Expect::Error),
];

/// A guest that always says yes.
const GOOD: &[u8] = br#"(module (memory (export "memory") 1) (data (i32.const 16) "{\"ok\":true}")
    (func (export "alloc") (param i32) (result i32) (i32.const 64))
    (func (export "eval") (param i32 i32) (result i64) (i64.const 0x100000000b)))"#;

pub(crate) fn run(path: &Path, engine: Choice, tally: &mut Tally) -> Result<(), String> {
    let host = host(engine).map_err(|error| error.to_string())?;
    for guest in modules(path)? {
        let name = format!("{} ({engine:?})", guest.display());
        tally.case(&name, one(&host, &guest));
    }
    Ok(())
}

/// A guard sees a virtual clock and seeded randomness, so that it decides the same again.
fn host(engine: Choice) -> Result<Host, Error> {
    let policy = Policy { clock: ClockGrant::Virtual, random: RandomGrant::Seeded(0), ..Policy::none() };
    let limits = Limits { hard_deadline: Some(DEADLINE), ..Limits::default() };
    Host::builder().engine(engine).policy(policy).limits(limits).build()
}

fn one(host: &Host, guest: &Path) -> Result<(), String> {
    let spec = spec(guest)?;
    let request = spec.as_ref().and_then(|spec| spec.request.clone());
    let request =
        request.unwrap_or_else(|| serde_json::json!({ "context": { "status": "paid", "amount": 50 } }));
    let request = request.to_string().into_bytes();
    let (first, took) = ask(host, guest, &request);
    let (second, _) = ask(host, guest, &request);
    if let Answer::HostPanicked(why) = &first {
        return Err(format!("the host panicked: {why}"));
    }
    if first != second {
        return Err(format!("decided {first:?} and then {second:?}: it does not replay"));
    }
    if took > DEADLINE + SLACK {
        return Err(format!("took {took:?}; its deadline is {DEADLINE:?}"));
    }
    let good = host.load_bytes("good", GOOD).and_then(|good| good.behavior()?.decide(b"{}"));
    if !matches!(good, Ok(true)) {
        return Err(format!("the host is not whole afterwards: {good:?}"));
    }
    let stem = guest.file_stem().unwrap_or_default().to_string_lossy();
    let known = KNOWN.iter().find(|(name, _)| *name == stem).map(|(_, expect)| *expect);
    let Some(expect) = spec.map(|spec| spec.expect).or(known) else { return Ok(()) };
    let fits = match (&first, expect) {
        (Answer::Verdict(yes), Expect::True) => *yes,
        (Answer::Verdict(yes), Expect::False) => !*yes,
        (Answer::Verdict(_) | Answer::NoVerdict(_), Expect::Answer) => true,
        (Answer::NoVerdict(_) | Answer::Fault(_), Expect::Error) => true,
        (Answer::Refused(_), Expect::Refused) => true,
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("{first:?}, expected {expect:?}")) }
}

/// What a guest did, with the reason as text.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Verdict(bool),
    NoVerdict(String),
    Fault(String),
    Refused(String),
    HostPanicked(String),
}

fn ask(host: &Host, guest: &Path, request: &[u8]) -> (Answer, Duration) {
    let behavior = match host.load(guest).and_then(|loaded| loaded.behavior()) {
        Ok(behavior) => behavior,
        Err(error) => return (Answer::Refused(error.to_string()), Duration::ZERO),
    };
    let began = Instant::now();
    let decided = behavior.decide(request);
    let took = began.elapsed();
    let answer = match decided {
        Ok(yes) => Answer::Verdict(yes),
        Err(error) => match error.kind() {
            ErrorKind::Verdict(why) => Answer::NoVerdict(why.to_string()),
            ErrorKind::Fault(fault) if matches!(fault.kind(), FaultKind::HostPanic(_)) => {
                Answer::HostPanicked(fault.to_string())
            }
            // Backtraces name functions, which only one of the engines knows.
            _ => Answer::Fault(error.to_string()),
        },
    };
    (answer, took)
}

fn spec(guest: &Path) -> Result<Option<Spec>, String> {
    let path = guest.with_extension("json");
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map(Some).map_err(|error| format!("{}: {error}", path.display()))
}
