//! Machine documents: Crucible's JSON, schema version 1, kept whole.
//!
//! A [`Document`] is the text as a tree; what hob understands of it is the [`Machine`] that is read from it. Nobody changes
//! a document by reading it: keys that hob does not know come out as they went in. What hob adds of its own stands under
//! `meta` with names that begin with `hob.`.
//!
//! Source of the format: reference implementation's frozen wire schema, version 1.0.

pub mod model;
mod read;

use std::fmt;

use crate::json::{Json, Malformed};
use crate::problem::{Problem, Refused};
use model::Machine;

/// How many bytes a document may have.
pub const BYTES_MAX: usize = 8 << 20;

/// The major version of the schema that is understood.
const MAJOR: u64 = 1;

/// A machine as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    json: Json,
}

impl Document {
    /// Reads a document. Errors: text that is not JSON or over its limits, and a schema of another major version.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let refused = |code, message: String| Refused(vec![Problem::error(code, "", message)]);
        if text.len() > BYTES_MAX {
            let message = format!("the document has {} bytes; {BYTES_MAX} are allowed", text.len());
            return Err(refused("too_large", message));
        }
        let json = Json::parse(text).map_err(|error| match error {
            Malformed::Syntax(_) => refused("not_json", error.to_string()),
            Malformed::Deep => refused("nesting", error.to_string()),
        })?;
        Self::from_json(json)
    }

    /// As [`Document::parse`], of a tree.
    pub fn from_json(json: Json) -> Result<Self, Refused> {
        check_version(&json).map_err(|problem| Refused(vec![problem]))?;
        Ok(Self { json })
    }

    /// The tree.
    #[must_use]
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// What it says, as far as it can be read, and what is wrong with the rest.
    #[must_use]
    pub fn read(&self) -> (Machine, Vec<Problem>) {
        let mut problems = Vec::new();
        let machine = read::machine(&self.json, &mut problems);
        (machine, problems)
    }
}

/// The document again, keys sorted, nothing between tokens.
impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.json.fmt(f)
    }
}

/// A document without a version is of the first; a higher minor version only adds.
fn check_version(json: &Json) -> Result<(), Problem> {
    let Json::Object(fields) = json else {
        return Err(Problem::error(
            "wrong_type",
            "",
            format!("a machine is an object and not {}", json.kind()),
        ));
    };
    let at = "/schemaVersion";
    let text = match fields.get("schemaVersion") {
        None | Some(Json::Null) => return Ok(()),
        Some(Json::Text(text)) if text.is_empty() => return Ok(()),
        Some(Json::Text(text)) => text,
        Some(other) => {
            let message = format!("the version is a string such as \"{MAJOR}.0\" and not {}", other.kind());
            return Err(Problem::error("wrong_type", at, message));
        }
    };
    let numbers: Option<Vec<u64>> = text.split('.').map(|part| part.parse().ok()).collect();
    match numbers.as_deref() {
        Some([MAJOR] | [MAJOR, _] | [MAJOR, _, _]) => Ok(()),
        Some([_] | [_, _] | [_, _, _]) => {
            let message = format!("unsupported schema version {text:?}; {MAJOR}.x is read here");
            Err(Problem::error("schema_version", at, message))
        }
        _ => {
            let message = format!("{text:?} is no version; one is two numbers such as \"{MAJOR}.0\"");
            Err(Problem::error("schema_version", at, message))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    fn version(text: &str) -> Result<(), String> {
        let json = format!("{{\"schemaVersion\":{text}}}");
        Document::parse(&json).map(drop).map_err(|refused| refused.to_string())
    }

    #[test]
    fn versions() {
        for text in ["\"1.0\"", "\"1\"", "\"1.7\"", "\"1.0.3\"", "null", "\"\""] {
            assert_eq!(version(text), Ok(()), "{text}");
        }
        assert_eq!(
            version("\"2.0\"").unwrap_err(),
            "error at /schemaVersion: unsupported schema version \"2.0\"; 1.x is read here (schema_version)"
        );
        assert!(version("\"one\"").is_err());
        assert!(version("1.0").is_err());
    }

    #[test]
    fn a_document_has_a_size() {
        let of = |size: usize| format!("{{\"x\":\"{}\"}}", "y".repeat(size - 8));
        assert!(Document::parse(&of(BYTES_MAX)).is_ok());
        assert!(Document::parse(&of(BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn what_has_the_wrong_type_is_named_where_it_stands() {
        let text = r#"{"name":7,"hasInitial":true,"initial":"a","states":[{"name":"a","children":[{"name":"b",
            "transitions":[{"to":{},"after":1.5}],"historyType":3}]},{"transitions":[]}]}"#;
        let (_, problems) = Document::parse(text).unwrap().read();
        let said: Vec<String> =
            problems.iter().map(|problem| format!("{} {}", problem.at, problem.code)).collect();
        assert_eq!(
            said,
            [
                "/name wrong_type",
                "/states/0/children/0/historyType wrong_value",
                "/states/0/children/0/transitions/0/to wrong_type",
                "/states/0/children/0/transitions/0/after wrong_type",
                "/states/1/name missing_name",
            ]
        );
    }
}
