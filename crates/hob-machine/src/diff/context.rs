//! What a context may hold.

use super::{Class, Differ};
use crate::document::model::{FieldKind, SchemaField};
use crate::problem::below;

impl Differ<'_> {
    pub(super) fn context(&mut self) {
        let at = "/context";
        match (&self.old.source().context, &self.new.source().context) {
            (None, None) => {}
            (None, Some(_)) => {
                let message = "the context has a schema, which what was allowed may not follow";
                self.added(Class::Breaking, "schema_added", at, message.into());
            }
            (Some(_), None) => {
                let message = "the context has no schema any more";
                self.removed(Class::Additive, "schema_removed", at, message.into());
            }
            (Some(old), Some(new)) => {
                let at = below(at, "fields");
                self.fields("", (&at, &old.fields), (&at, &new.fields));
            }
        }
    }

    /// Nests no deeper than a document may.
    fn fields(
        &mut self,
        path: &str,
        (old_at, old): (&str, &[SchemaField]),
        (new_at, new): (&str, &[SchemaField]),
    ) {
        for (index, was) in old.iter().enumerate() {
            let old_at = below(old_at, index);
            let path = join(path, &was.name);
            match new.iter().enumerate().find(|(_, is)| is.name == was.name) {
                Some((index, is)) => self.field(&path, (&old_at, was), (&below(new_at, index), is)),
                None => {
                    let message = format!("the context has no {path} any more");
                    self.removed(Class::Breaking, "field_removed", &old_at, message);
                }
            }
        }
        for (index, is) in new.iter().enumerate() {
            if !old.iter().any(|was| was.name == is.name) {
                let path = join(path, &is.name);
                let (class, must) = match is.nullable {
                    true => (Class::Additive, "may"),
                    false => (Class::Breaking, "must"),
                };
                let message = format!("the context {must} have {path}, which is new");
                self.added(class, "field_added", &below(new_at, index), message);
            }
        }
    }

    fn field(&mut self, path: &str, (old_at, was): (&str, &SchemaField), (new_at, is): (&str, &SchemaField)) {
        if was.kind != is.kind {
            let class = if is_wider(was.kind, is.kind) { Class::Additive } else { Class::Breaking };
            let message = format!("{path} is of kind {} instead of {}", is.kind.as_str(), was.kind.as_str());
            self.changed(class, "field_kind_changed", old_at, new_at, message);
            return;
        }
        match (was.nullable, is.nullable) {
            (true, false) => {
                let message = format!("{path} may no longer be null");
                self.changed(Class::Breaking, "field_narrowed", old_at, new_at, message);
            }
            (false, true) => {
                let message = format!("{path} may be null");
                self.changed(Class::Additive, "field_widened", old_at, new_at, message);
            }
            _ => {}
        }
        let gone: Vec<&str> = missing(&was.choices, &is.choices);
        let more: Vec<&str> = missing(&is.choices, &was.choices);
        if !gone.is_empty() {
            let message = format!("{path} may no longer be {}", gone.join(", "));
            self.changed(Class::Breaking, "field_narrowed", old_at, new_at, message);
        }
        if !more.is_empty() {
            let message = format!("{path} may be {} as well", more.join(", "));
            self.changed(Class::Additive, "field_widened", old_at, new_at, message);
        }
        let (old_fields, new_fields) = (below(old_at, "fields"), below(new_at, "fields"));
        self.fields(path, (&old_fields, &was.fields), (&new_fields, &is.fields));
        let (old_elem, new_elem) = (below(old_at, "elem"), below(new_at, "elem"));
        match (&was.elem, &is.elem) {
            (Some(was), Some(is)) => self.field(&join(path, "*"), (&old_elem, was), (&new_elem, is)),
            (None, Some(_)) => {
                let message = format!("what {path} holds is said, and was not");
                self.added(Class::Breaking, "field_narrowed", &new_elem, message);
            }
            (Some(_), None) => {
                let message = format!("what {path} holds is no longer said");
                self.removed(Class::Additive, "field_widened", &old_elem, message);
            }
            (None, None) => {}
        }
    }
}

/// Whether every value of one kind is one of the other.
pub(super) fn is_wider(was: FieldKind, is: FieldKind) -> bool {
    use FieldKind::{Any, Duration, Enum, Float, Int, String, Time};
    was == is || is == Any || matches!((was, is), (Int, Float) | (Enum | Duration | Time, String))
}

pub(super) fn missing<'a>(of: &'a [String], among: &[String]) -> Vec<&'a str> {
    // No choices at all means that any will do.
    match (of.is_empty(), among.is_empty()) {
        (_, true) => Vec::new(),
        (true, false) => vec!["anything else"],
        (false, false) => of.iter().filter(|choice| !among.contains(choice)).map(String::as_str).collect(),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
