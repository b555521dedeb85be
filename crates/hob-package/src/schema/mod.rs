//! Schemas that are enforced: checked when a package is read, and held against every input and output after.
//!
//! A schema is as untrusted as the package it comes in. It refers to nothing outside itself: there is no resolver, so
//! that checking a package never reaches for a file or the network. Patterns do not backtrack, and [`bounds`] counts what a
//! check would cost before it is made.

mod bounds;

use std::sync::Arc;

use jsonschema::Validator;
use serde_json::Value;

/// A schema that was read and can be enforced. Cheap to clone.
#[derive(Clone)]
pub struct Schema {
    inner: Arc<Inner>,
    file: Arc<str>,
}

struct Inner {
    validator: Validator,
    source: Value,
    /// Whether the cost of a check depends on more than the size of the value.
    combines: bool,
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
        let combines = bounds::check(schema)?;
        let validator = jsonschema::options()
            .with_pattern_options(jsonschema::PatternOptions::regex().size_limit(1 << 20))
            .build(schema);
        let validator = validator.map_err(|error| {
            SchemaError(format!(
                "it is no JSON Schema: {}",
                hob_cap::escape_guest_text(&error.to_string(), 200)
            ))
        })?;
        let inner = Inner { validator, source: schema.clone(), combines };
        Ok(Self { inner: Arc::new(inner), file: file.into() })
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
    /// The first place where the value does not fit, or that the check would cost too much.
    pub fn validate(&self, value: &Value) -> Result<(), Violation> {
        let inner = &self.inner;
        bounds::affordable(&inner.source, inner.combines, value).map_err(|why| Violation {
            pointer: "/".into(),
            what: why.into(),
            rule: "cost".into(),
            schema: self.file.to_string(),
        })?;
        inner.validator.validate(value).map_err(|error| {
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

    #[test]
    fn what_doubles_at_each_step_is_not_tried() {
        let schema = |text: &str| Schema::new(&serde_json::from_str(text).unwrap_or_default(), "s.json");
        let mut defs = String::new();
        for i in 0..30 {
            let next = i + 1;
            defs += &format!(
                "\"a{i}\":{{\"allOf\":[{{\"$ref\":\"#/$defs/a{next}\"}},{{\"$ref\":\"#/$defs/a{next}\"}}]}},"
            );
        }
        assert!(schema(&format!("{{\"$defs\":{{{defs}\"a30\":{{}}}},\"$ref\":\"#/$defs/a0\"}}")).is_err());
        for circle in [r##"{"$ref":"#"}"##, r##"{"allOf":[{"$ref":"#"}]}"##] {
            assert!(schema(circle).is_err(), "{circle}");
        }
        assert!(schema(r##"{"properties":{"next":{"$ref":"#"}}}"##).is_ok());
        // Here the doubling follows the depth of the value.
        let doubling = schema(r##"{"items":{"allOf":[{"$ref":"#"},{"$ref":"#"}]}}"##);
        let check = |depth: usize, rule: Option<&str>| {
            let value: Value = serde_json::from_str(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)))
                .unwrap_or_default();
            let got = doubling.clone().ok().and_then(|schema| schema.validate(&value).err());
            assert_eq!(got.map(|violation| violation.rule).as_deref(), rule, "{depth}");
        };
        check(6, None);
        check(60, Some("cost"));
        check(65, Some("cost"));
        let plain = schema(r#"{"type":"array"}"#);
        let fits = |depth: usize| {
            let value: Value = serde_json::from_str(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)))
                .unwrap_or_default();
            plain.clone().is_ok_and(|schema| schema.validate(&value).is_ok())
        };
        assert!(fits(64) && !fits(65));
    }
}
