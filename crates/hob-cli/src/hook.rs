//! `hob hook`: a package as a hook of an agent: it shortens, it allows or denies, it is told.

use hob::{Decision, Host, Tool, ToolKind};
use serde_json::{Value, json};

use crate::args::HookArgs;
use crate::eval::request;
use crate::grants;
use crate::report::{Done, Failure, HOST, print_json};
use crate::subject;

/// Exit code of a denial.
const DENIED: u8 = 1;

/// What a hook came to, before anybody is told.
enum Outcome {
    Decided(Decision),
    Marker(String),
    Observed,
}

pub(crate) fn run(args: &HookArgs) -> Done {
    let opened = match subject::open(&args.path, &args.guest) {
        Ok(opened) => opened,
        Err(failure) => return failed(None, failure),
    };
    let (kind, outcome) = match opened.loaded.tool() {
        Ok(tool) => (Some(tool.kind()), drive(&tool, args, &opened.host)),
        Err(error) => (None, Err(error.into())),
    };
    // A decision that could not be recorded is none.
    match opened.log.finish().and(outcome) {
        Ok(outcome) => say(outcome),
        Err(failure) => failed(kind, failure),
    }
}

/// What fails must not read as a yes, as long as it was or may have been meant to be a policy.
fn failed(kind: Option<ToolKind>, failure: Failure) -> Done {
    if !matches!(kind, Some(ToolKind::Compressor | ToolKind::Audit)) {
        deny(&format!("the hook failed: {}", failure.message()))?;
    }
    Err(failure)
}

fn drive(tool: &Tool, args: &HookArgs, host: &Host) -> Result<Outcome, Failure> {
    let recorder = grants::recorder(&args.guest, host)?;
    let bytes = request(&args.request, host.limits().request_bytes)?;
    let parsed: Result<Value, _> = serde_json::from_slice(&bytes);
    match tool.kind() {
        ToolKind::Policy => Ok(Outcome::Decided(match parsed {
            Ok(request) => tool.decide_recorded(&request, recorder),
            Err(error) => Decision::Deny { reason: format!("the request is no JSON: {error}") },
        })),
        ToolKind::Compressor => {
            Ok(Outcome::Marker(tool.compress_recorded(&parsed.map_err(no_json)?, recorder)?))
        }
        ToolKind::Audit => {
            // What happened has happened: a hook that did not take it is noted and changes nothing.
            if let Err(error) = tool.observe_recorded(&parsed.map_err(no_json)?, recorder) {
                eprintln!("hob: the audit hook did not take it: {error}");
            }
            Ok(Outcome::Observed)
        }
        ToolKind::Tool => Err(Failure::new(
            HOST,
            "the package is a tool, and no hook; `hob run` runs it (hooks are compressor, policy and audit)",
        )),
    }
}

fn say(outcome: Outcome) -> Done {
    match outcome {
        Outcome::Decided(Decision::Allow) => print_json(&json!({"decision": "allow"})).map(|()| 0),
        Outcome::Decided(Decision::Deny { reason }) => deny(&reason).map(|()| DENIED),
        Outcome::Marker(marker) => print_json(&json!({"marker": marker})).map(|()| 0),
        Outcome::Observed => Ok(0),
    }
}

fn deny(reason: &str) -> Result<(), Failure> {
    print_json(&json!({"decision": "deny", "reason": reason}))
}

fn no_json(error: serde_json::Error) -> Failure {
    Failure::new(HOST, format!("the request is no JSON: {error}"))
}
