//! `hob hook`: a package as a hook of an agent: it shortens, it allows or denies, it is told.

use hob::{Decision, Tool, ToolKind};
use serde_json::{Value, json};

use crate::args::HookArgs;
use crate::eval::request;
use crate::report::{Done, Failure, HOST, print_json};
use crate::subject;

/// Exit code of a denial.
const DENIED: u8 = 1;

pub(crate) fn run(args: &HookArgs) -> Done {
    let opened = subject::open(&args.path, &args.guest);
    let opened = match opened {
        Ok(opened) => opened,
        // Nobody knows yet whether it was to be a policy, so what stands here must not read as a yes.
        Err(failure) => {
            deny(&format!("the hook could not be loaded: {}", failure.message()))?;
            return Err(failure);
        }
    };
    let tool = match opened.loaded.tool() {
        Ok(tool) => tool,
        Err(error) => {
            deny("the hook could not be loaded")?;
            return Err(error.into());
        }
    };
    let done = drive(&tool, args, opened.host.limits().request_bytes);
    opened.log.finish()?;
    done
}

fn drive(tool: &Tool, args: &HookArgs, limit: u64) -> Done {
    let bytes = request(&args.request, limit)?;
    let parsed: Result<Value, _> = serde_json::from_slice(&bytes);
    match tool.kind() {
        ToolKind::Policy => {
            let decision = match parsed {
                Ok(request) => tool.decide(&request),
                Err(error) => Decision::Deny { reason: format!("the request is no JSON: {error}") },
            };
            match decision {
                Decision::Allow => print_json(&json!({"decision": "allow"})).map(|()| 0),
                Decision::Deny { reason } => deny(&reason).map(|()| DENIED),
            }
        }
        ToolKind::Compressor => {
            let marker = tool.compress(&parsed.map_err(no_json)?)?;
            print_json(&json!({"marker": marker})).map(|()| 0)
        }
        ToolKind::Audit => {
            // What happened has happened: a hook that did not take it is noted and changes nothing.
            if let Err(error) = tool.observe(&parsed.map_err(no_json)?) {
                eprintln!("hob: the audit hook did not take it: {error}");
            }
            Ok(0)
        }
        ToolKind::Tool => Err(Failure::new(
            HOST,
            "the package is a tool, and no hook; `hob run` runs it (hooks are compressor, policy and audit)",
        )),
    }
}

fn deny(reason: &str) -> Result<(), Failure> {
    print_json(&json!({"decision": "deny", "reason": reason}))
}

fn no_json(error: serde_json::Error) -> Failure {
    Failure::new(HOST, format!("the request is no JSON: {error}"))
}
