//! Schemas that are enforced: checked when a package is read, and held against every input and output after.
//!
//! A schema refers to nothing outside itself: there is no resolver, so that checking a package never reaches for a file
//! or the network.

use std::sync::Arc;

use jsonschema::Validator;
use serde_json::Value;

/// A schema that was read and can be enforced. Cheap to clone.
#[derive(Clone)]
pub struct Schema {
    validator: Arc<Validator>,
    file: Arc<str>,
}

/// Why a schema cannot be enforced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SchemaError(String);

/// Where a value does not fit its schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at {pointer}: {what} (rule {rule} of {schema})")]
pub struct Violation {
    /// Where in the value, as a JSON pointer; the whole value is `/`.
    pub pointer: String,
    /// What is wrong there. Text of a guest or package in it is escaped and bounded.
    pub what: String,
    /// Which part of the schema says so, as a JSON pointer.
    pub rule: String,
    /// The file of the schema.
    pub schema: String,
}

impl Schema {
    /// Makes a schema from its JSON. `file` is what messages call it.
    ///
    /// # Errors
    ///
    /// When it is no JSON Schema, or refers to something outside itself.
    pub fn new(schema: &Value, file: &str) -> Result<Self, SchemaError> {
        if !schema.is_object() && !schema.is_boolean() {
            return Err(SchemaError("a schema is an object (or `true` or `false`)".into()));
        }
        let validator = jsonschema::options()
            .with_pattern_options(jsonschema::PatternOptions::regex().size_limit(1 << 20))
            .build(schema);
        let validator = validator.map_err(|error| {
            SchemaError(format!(
                "it is no JSON Schema: {}",
                hob_cap::escape_guest_text(&error.to_string(), 200)
            ))
        })?;
        Ok(Self { validator: Arc::new(validator), file: file.into() })
    }

    /// The file it was read from.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Holds the schema against a value.
    ///
    /// # Errors
    ///
    /// The first place where the value does not fit.
    pub fn validate(&self, value: &Value) -> Result<(), Violation> {
        self.validator.validate(value).map_err(|error| {
            let place = error.instance_path().to_string();
            Violation {
                pointer: if place.is_empty() { "/".into() } else { hob_cap::escape_guest_text(&place, 200) },
                what: hob_cap::escape_guest_text(&error.to_string(), 300),
                rule: hob_cap::escape_guest_text(&error.schema_path().to_string(), 200),
                schema: self.file.to_string(),
            }
        })
    }
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schema").field("file", &self.file).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schemas_that_cannot_be_enforced_are_refused() {
        let check =
            |schema: Value, fits| assert_eq!(Schema::new(&schema, "s.json").is_ok(), fits, "{schema}");
        check(json!({"type": "object"}), true);
        check(json!({}), true);
        check(json!(true), true);
        check(json!(42), false);
        check(json!([]), false);
        check(json!({"type": "nonsense"}), false);
        check(json!({"pattern": "("}), false);
        check(json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}), true);
        check(json!({"$ref": "other.json"}), false);
        check(json!({"$ref": "https://example.com/schema.json"}), false);
        check(json!({"$ref": "file:///etc/passwd"}), false);
    }

    #[test]
    fn a_violation_names_the_place() {
        let schema = json!({"properties": {"a": {"items": {"type": "integer"}}}, "required": ["a"]});
        let schema = Schema::new(&schema, "s.json").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(schema.validate(&json!({"a": [1, 2]})), Ok(()));
        let violation = schema.validate(&json!({"a": [1, "\u{1b}[2J"]})).err();
        assert_eq!(violation.as_ref().map(|violation| violation.pointer.as_str()), Some("/a/1"));
        assert!(violation.is_some_and(|violation| !violation.to_string().contains('\u{1b}')));
        assert_eq!(schema.validate(&json!({})).err().map(|violation| violation.pointer), Some("/".into()));
    }
}
