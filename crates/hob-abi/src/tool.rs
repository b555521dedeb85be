//! Contract **tool 1.0**: a program for an agent. JSON on standard input, JSON on standard output. Compatible with Scoot
//! tool packages.
//!
//! A tool is a command ([`crate::command`]) with a convention for its streams. Four kinds differ in what they are handed
//! and what their answer means:
//!
//! | kind | handed | answers | an answer that is wrong |
//! |---|---|---|---|
//! | tool | any JSON | any JSON, or text where no schema says otherwise | is an error |
//! | compressor | what is to be left out of a conversation | `{"marker": "…"}` | is an error; the caller falls back |
//! | policy | an action about to happen | `{"decision": "allow"}` or `{"decision": "deny", "reason": "…"}` | denies |
//! | audit | what happened | nothing | is noted, and changes nothing |
//!
//! A request is one line: compact JSON and a newline. What a tool says depends on its arguments and its input alone,
//! unless its package was granted more.

use std::time::Duration;

use hob_engine::ModuleInfo;
use serde::Deserialize;
use serde_json::Value;

use crate::command;
use crate::contract::Mismatch;

/// The name and version of this contract.
pub const NAME: &str = "tool/1.0";

/// Bytes a tool may write to standard output and to standard error together, when nobody says otherwise.
pub const OUTPUT_BYTES_MAX: u64 = (1 << 20) + (256 << 10);

/// How long a tool may run, when nobody says otherwise.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Characters of a reason that are kept.
const REASON_CHARS_MAX: usize = 500;

/// Places in an answer where a JSON object is looked for.
const OBJECTS_TRIED_MAX: usize = 64;

/// What a tool is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It answers a request.
    Tool,
    /// It makes a conversation shorter.
    Compressor,
    /// It allows or denies an action.
    Policy,
    /// It is told what happened.
    Audit,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Tool, Self::Compressor, Self::Policy, Self::Audit];

    /// Its name, as manifests and requests write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Compressor => "compressor",
            Self::Policy => "policy",
            Self::Audit => "audit",
        }
    }
}

/// Checks that a module has the exports of this contract, with their types.
///
/// # Errors
///
/// Every export that is missing or has another type.
pub fn check(info: &ModuleInfo) -> Result<(), Vec<Mismatch>> {
    command::check(info)
}

/// A request as the tool reads it.
#[must_use]
pub fn line(request: &Value) -> Vec<u8> {
    let mut line = request.to_string().into_bytes();
    line.push(b'\n');
    line
}

/// Why an answer is not what its kind must answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadAnswer(String);

/// What a policy tool decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The action may go on.
    Allow,
    /// The action must not happen.
    Deny {
        /// Why. Text of the guest, escaped and bounded.
        reason: String,
    },
}

/// Checks the envelope of a request to a hook: `version` 1, and the `kind` the package has. Audit requests name what
/// happened instead of a kind.
///
/// # Errors
///
/// Which member is wrong, and what it must be.
pub fn check_request(kind: Kind, request: &Value) -> Result<(), BadAnswer> {
    let object = request.as_object().ok_or_else(|| BadAnswer("a request is a JSON object".into()))?;
    if kind == Kind::Tool {
        return Ok(());
    }
    if object.get("version").and_then(Value::as_u64) != Some(1) {
        return Err(BadAnswer("the request's `version` must be 1".into()));
    }
    let expected: &[&str] = match kind {
        Kind::Audit => &["observation", "policy_deny"],
        other => &[other.name()],
    };
    let named = object.get("kind").and_then(Value::as_str);
    if named.is_some_and(|named| expected.contains(&named)) {
        return Ok(());
    }
    Err(BadAnswer(format!("the request's `kind` must be `{}`", expected.join("` or `"))))
}

/// Reads a compressor's answer: the non-blank `marker` of the first JSON object in what it wrote. Text around the
/// object, such as a Markdown fence, is passed over.
///
/// # Errors
///
/// When there is no such object, or no such marker.
pub fn marker(stdout: &[u8]) -> Result<String, BadAnswer> {
    let object = first_object(stdout).ok_or_else(|| BadAnswer("the answer holds no JSON object".into()))?;
    match object.get("marker").and_then(Value::as_str) {
        Some(marker) if !marker.trim().is_empty() => Ok(marker.to_owned()),
        _ => Err(BadAnswer("the answer has no `marker` with text".into())),
    }
}

/// Reads a policy's answer. Only exactly one JSON object that says `allow` allows; everything else denies.
///
/// ```
/// use hob_abi::tool::{Decision, decision};
/// assert_eq!(decision(br#"{"decision":"allow"}"#), Decision::Allow);
/// assert!(matches!(decision(br#"{"decision":"allow"} or not"#), Decision::Deny { .. }));
/// ```
#[must_use]
pub fn decision(stdout: &[u8]) -> Decision {
    #[derive(Deserialize)]
    struct Answer {
        decision: String,
        reason: Option<String>,
    }
    let deny = |reason: &str| Decision::Deny { reason: hob_cap::escape_guest_text(reason, REASON_CHARS_MAX) };
    // A list would be read as the fields in their order.
    let is_object = stdout.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    match serde_json::from_slice::<Answer>(if is_object { stdout } else { b"" }) {
        Ok(answer) if answer.decision == "allow" => Decision::Allow,
        Ok(Answer { decision, reason }) if decision == "deny" => {
            deny(reason.as_deref().unwrap_or("the policy gave no reason"))
        }
        Ok(_) => deny("the policy answered with a decision that is neither allow nor deny"),
        Err(_) => deny("the policy did not answer with one JSON object that has a decision"),
    }
}

fn first_object(stdout: &[u8]) -> Option<serde_json::Map<String, Value>> {
    let starts = stdout.iter().enumerate().filter(|(_, byte)| **byte == b'{').map(|(at, _)| at);
    starts.take(OBJECTS_TRIED_MAX).find_map(|at| {
        let mut values = serde_json::Deserializer::from_slice(stdout.get(at..)?).into_iter::<Value>();
        match values.next() {
            Some(Ok(Value::Object(object))) => Some(object),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_marker_is_found_in_the_first_object() {
        let check = |stdout: &str, want: Option<&str>| {
            assert_eq!(marker(stdout.as_bytes()).ok().as_deref(), want, "{stdout}");
        };
        check(r#"{"marker":"m"}"#, Some("m"));
        check("```json\n{\"marker\":\"m\",\"more\":1}\n```\n", Some("m"));
        check(r#"{broken {"marker":"m"}"#, Some("m"));
        check(r#"{"other":1} {"marker":"m"}"#, None);
        check(r#"{"marker":"  "}"#, None);
        check(r#"{"marker":1}"#, None);
        check("[]", None);
        check("", None);
        check(&"{".repeat(1_000_000), None);
    }

    #[test]
    fn only_a_plain_allow_allows() {
        let check = |stdout: &[u8], allows| {
            assert_eq!(decision(stdout) == Decision::Allow, allows, "{}", String::from_utf8_lossy(stdout));
        };
        check(br#"{"decision":"allow"}"#, true);
        check(b" {\"decision\":\"allow\",\"x\":1}\n", true);
        check(br#"{"decision":"Allow"}"#, false);
        check(br#"{"decision":"deny"}"#, false);
        check(br#"{"decision":"deny","reason":"r"}"#, false);
        check(br#"{"decision":"deny","decision":"allow"}"#, false);
        check(br#"{"decision":"allow","decision":"allow"}"#, false);
        check(br#"{"decision":["allow"]}"#, false);
        check(br#"[{"decision":"allow"}]"#, false);
        check(br#"["allow",null]"#, false);
        check(br#" ["allow","x"]"#, false);
        check(br#"{"decision":"allow"}{"decision":"allow"}"#, false);
        check(b"allow", false);
        check(b"\xff{\"decision\":\"allow\"}", false);
        check(b"", false);
    }

    #[test]
    fn a_denial_is_shown_safely() {
        let Decision::Deny { reason } =
            decision("{\"decision\":\"deny\",\"reason\":\"a\\u001b[2J\\nb\"}".as_bytes())
        else {
            return;
        };
        assert_eq!(reason, r"a\u{1b}[2J\nb");
    }

    #[test]
    fn envelopes_name_their_version_and_kind() {
        let check =
            |kind, request: Value, fits| assert_eq!(check_request(kind, &request).is_ok(), fits, "{request}");
        check(Kind::Tool, json!({"anything": 1}), true);
        check(Kind::Policy, json!({"version": 1, "kind": "policy", "action": "x"}), true);
        check(Kind::Policy, json!({"version": 2, "kind": "policy"}), false);
        check(Kind::Policy, json!({"version": 1, "kind": "audit"}), false);
        check(Kind::Audit, json!({"version": 1, "kind": "policy_deny"}), true);
        check(Kind::Audit, json!({"version": 1, "kind": "audit"}), false);
        check(Kind::Compressor, json!([]), false);
    }
}
