//! What a schema may cost: its depth, its references, and the work of holding a value against it.
//!
//! References that apply to the same value form a graph; it must have no circle, few levels and few paths. How often each
//! part of a schema would be tried on each part of a value is counted before anything is tried. Stops: a schema of a
//! kilobyte that takes a century, and one that overflows the stack of the host.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::SchemaError;

/// Levels of nesting in a schema or in a value.
const DEPTH_MAX: usize = 64;
/// Levels of references and combinations that apply to one value.
const IN_PLACE_DEPTH_MAX: usize = 16;
/// Paths through them.
const IN_PLACE_PATHS_MAX: u64 = 10_000;
/// Steps of one validation.
const STEPS_MAX: u64 = 5_000_000;
/// Pairs of schema and value that are looked at to count the steps.
const PAIRS_MAX: usize = 1_000_000;

/// Keywords with one schema, and with several, for the same value.
const ONE: [&str; 4] = ["not", "if", "then", "else"];
const LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const MAPS: [&str; 2] = ["dependentSchemas", "dependencies"];
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];
/// Keywords whose schemas are tried on every member of an object, and on every item of an array.
const MEMBERS: [&str; 4] =
    ["additionalProperties", "unevaluatedProperties", "propertyNames", "patternProperties"];
const ITEMS: [&str; 5] = ["items", "prefixItems", "additionalItems", "contains", "unevaluatedItems"];

/// Checks what can be said without a value. Gives whether the cost depends on more than the size of the value.
pub(super) fn check(root: &Value) -> Result<bool, SchemaError> {
    if depth(root) > DEPTH_MAX {
        return Err(SchemaError(format!("it is nested deeper than {DEPTH_MAX} levels")));
    }
    let doc = Doc::new(root);
    doc.references(root, true)?;
    let mut done = HashMap::new();
    let mut combines = false;
    doc.every(root, &mut |node| {
        combines |= !doc.in_place(node).is_empty();
        doc.in_place_paths(node, 0, &mut done).map(drop)
    })?;
    Ok(combines)
}

/// Checks that holding `value` against the schema takes a bounded number of steps.
pub(super) fn affordable(root: &Value, combines: bool, value: &Value) -> Result<(), &'static str> {
    if depth(value) > DEPTH_MAX {
        return Err("the value is nested deeper than 64 levels, too deep to be checked");
    }
    if !combines {
        return Ok(());
    }
    let mut count = Count { doc: Doc::new(root), done: HashMap::new() };
    match count.steps(root, value) {
        Some(steps) if steps <= STEPS_MAX => Ok(()),
        _ => Err("checking the value would take too many steps"),
    }
}

/// Levels of nesting. What is read here was read with a bounded depth, or is about to be found too deep.
fn depth(value: &Value) -> usize {
    let mut deepest = 0;
    let mut left = vec![(value, 1)];
    while let Some((value, level)) = left.pop() {
        deepest = deepest.max(level);
        left.extend(children(value).map(|child| (child, level + 1)));
    }
    deepest
}

fn children(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(map) => Box::new(map.values()),
        _ => Box::new(std::iter::empty()),
    }
}

/// A node is known by where it lies; the document does not change meanwhile.
fn id(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

struct Doc<'a> {
    root: &'a Value,
    anchors: HashMap<&'a str, &'a Value>,
}

impl<'a> Doc<'a> {
    fn new(root: &'a Value) -> Self {
        let mut anchors = HashMap::new();
        let mut left = vec![root];
        while let Some(value) = left.pop() {
            for key in ["$anchor", "$dynamicAnchor"] {
                if let Some(name) = value.get(key).and_then(Value::as_str) {
                    anchors.insert(name, value);
                }
            }
            left.extend(children(value));
        }
        Self { root, anchors }
    }

    fn every(
        &self,
        node: &'a Value,
        f: &mut impl FnMut(&'a Value) -> Result<(), SchemaError>,
    ) -> Result<(), SchemaError> {
        f(node)?;
        children(node).try_for_each(|child| self.every(child, f))
    }

    /// Every reference leads to a place in this document.
    fn references(&self, node: &'a Value, is_root: bool) -> Result<(), SchemaError> {
        let shown = |text: &str| hob_cap::escape_guest_text(text, 128);
        if let Some(map) = node.as_object() {
            for key in REFERENCES {
                let Some(target) = map.get(key).and_then(Value::as_str) else { continue };
                if !target.starts_with('#') {
                    let why = format!("`{key}` to `{}` leads out of the document", shown(target));
                    return Err(SchemaError(why));
                }
                if self.resolve(target).is_none() {
                    return Err(SchemaError(format!("`{key}` to `{}` leads nowhere", shown(target))));
                }
            }
            if !is_root && map.get("$id").is_some_and(Value::is_string) {
                return Err(SchemaError("only the whole document may have an `$id`".into()));
            }
        }
        children(node).try_for_each(|child| self.references(child, false))
    }

    fn resolve(&self, reference: &str) -> Option<&'a Value> {
        let fragment = reference.strip_prefix('#')?;
        if fragment.is_empty() {
            return Some(self.root);
        }
        if fragment.starts_with('/') {
            return self.root.pointer(&percent_decoded(fragment)?);
        }
        self.anchors.get(fragment).copied()
    }

    /// The schemas that apply to the same value as `node`.
    fn in_place(&self, node: &'a Value) -> Vec<&'a Value> {
        let Some(map) = node.as_object() else { return Vec::new() };
        let text = |key: &str| map.get(key).and_then(Value::as_str);
        let mut all: Vec<&Value> = REFERENCES.iter().filter_map(|key| self.resolve(text(key)?)).collect();
        all.extend(ONE.iter().filter_map(|key| map.get(*key)));
        all.extend(LISTS.iter().filter_map(|key| map.get(*key)?.as_array()).flatten());
        all.extend(MAPS.iter().filter_map(|key| map.get(*key)?.as_object()).flat_map(Map::values));
        all
    }

    fn in_place_paths(
        &self,
        node: &'a Value,
        level: usize,
        done: &mut HashMap<usize, (u64, usize)>,
    ) -> Result<(u64, usize), SchemaError> {
        let too_deep = || {
            SchemaError(format!(
                "references and combinations turn in a circle, or are more than {IN_PLACE_DEPTH_MAX} levels deep"
            ))
        };
        if level > IN_PLACE_DEPTH_MAX {
            return Err(too_deep());
        }
        if let Some(known) = done.get(&id(node)) {
            return if known.1 + level > IN_PLACE_DEPTH_MAX { Err(too_deep()) } else { Ok(*known) };
        }
        let (mut paths, mut height) = (1_u64, 0);
        for next in self.in_place(node) {
            let (more, below) = self.in_place_paths(next, level + 1, done)?;
            paths = paths.saturating_add(more);
            height = height.max(below + 1);
        }
        if paths > IN_PLACE_PATHS_MAX {
            return Err(SchemaError("references and combinations multiply beyond bounds".into()));
        }
        done.insert(id(node), (paths, height));
        Ok((paths, height))
    }
}

struct Count<'a> {
    doc: Doc<'a>,
    done: HashMap<(usize, usize), u64>,
}

impl<'a> Count<'a> {
    /// At least as many steps as trying `node` on `value` takes; `None` when that is too much work to say.
    fn steps(&mut self, node: &'a Value, value: &Value) -> Option<u64> {
        let Some(map) = node.as_object() else { return Some(1) };
        let key = (id(node), id(value));
        if let Some(known) = self.done.get(&key) {
            return Some(*known);
        }
        if self.done.len() > PAIRS_MAX {
            return None;
        }
        let mut steps = own_steps(map, value);
        for next in self.doc.in_place(node) {
            steps = steps.saturating_add(self.steps(next, value)?);
        }
        match value {
            Value::Object(members) => {
                if let Some(named) = map.get("properties").and_then(Value::as_object) {
                    for (name, member) in members {
                        if let Some(next) = named.get(name) {
                            steps = steps.saturating_add(self.steps(next, member)?);
                        }
                    }
                }
                for next in MEMBERS.iter().filter_map(|key| map.get(*key)) {
                    steps = steps.saturating_add(self.all(next, members.values())?);
                }
                if let Some(patterns) = map.get("patternProperties").and_then(Value::as_object) {
                    for next in patterns.values() {
                        steps = steps.saturating_add(self.all(next, members.values())?);
                    }
                }
            }
            Value::Array(items) => {
                for next in ITEMS.iter().filter_map(|key| map.get(*key)) {
                    for next in next.as_array().map_or(std::slice::from_ref(next), Vec::as_slice) {
                        steps = steps.saturating_add(self.all(next, items.iter())?);
                    }
                }
            }
            _ => {}
        }
        self.done.insert(key, steps);
        (steps <= STEPS_MAX).then_some(steps)
    }

    fn all<'v>(&mut self, node: &'a Value, values: impl Iterator<Item = &'v Value>) -> Option<u64> {
        let mut steps = 0_u64;
        for value in values {
            steps = steps.saturating_add(self.steps(node, value)?);
            if steps > STEPS_MAX {
                return None;
            }
        }
        Some(steps)
    }
}

/// What one schema does with one value, apart from the schemas in it.
fn own_steps(map: &Map<String, Value>, value: &Value) -> u64 {
    let choices = map.get("enum").and_then(Value::as_array).map_or(0, Vec::len);
    let pattern = match (map.contains_key("pattern"), value.as_str()) {
        (true, Some(text)) => text.len() / 8,
        _ => 0,
    };
    u64::try_from(choices.saturating_add(pattern)).unwrap_or(u64::MAX).saturating_add(1)
}

/// `None` when the text is not percent-encoded properly.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut left = text.as_bytes();
    while let Some((first, rest)) = left.split_first() {
        left = rest;
        if *first == b'%' {
            let (digits, rest) = left.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            left = rest;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}
