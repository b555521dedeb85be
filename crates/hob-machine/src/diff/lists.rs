//! Lists of what a host brings: actions, changes of the context, services.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Class, Differ};
use crate::chart::{Chart, Use};
use crate::document::model::{Invocation, Ref};
use crate::position;

/// What is wanted of the host, so that two that are alike are equal: where they stood in a source does not count.
fn key(reference: &Ref) -> (&str, Value) {
    let mut params = Value::Object(reference.params.clone());
    forget_positions(&mut params);
    (&reference.name, params)
}

/// Whether what an author keeps with something is the same.
pub(super) fn same_meta(old: &Map<String, Value>, new: &Map<String, Value>) -> bool {
    let forgotten = |meta: &Map<String, Value>| {
        let mut meta = Value::Object(meta.clone());
        forget_positions(&mut meta);
        meta
    };
    old == new || forgotten(old) == forgotten(new)
}

/// Nesting is bounded by that of JSON.
fn forget_positions(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(forget_positions),
        Value::Object(fields) => {
            fields.remove(position::KEY);
            fields.values_mut().for_each(forget_positions);
        }
        _ => {}
    }
}

fn shown(refs: &[Ref]) -> String {
    if refs.is_empty() {
        return "nothing".into();
    }
    let one = |reference: &Ref| match reference.params.is_empty() {
        true => reference.name.clone(),
        false => format!("{}({})", reference.name, key(reference).1),
    };
    refs.iter().map(one).collect::<Vec<_>>().join(", ")
}

impl Differ<'_> {
    /// Effects: what came must come, in the same order; more may come.
    pub(super) fn actions(&mut self, of: &str, (old_at, old): (&str, &[Ref]), (new_at, new): (&str, &[Ref])) {
        if old.iter().map(key).eq(new.iter().map(key)) {
            return;
        }
        let mut rest = new.iter().map(key);
        let more = old.iter().map(key).all(|wanted| rest.any(|found| found == wanted));
        let (class, code) =
            if more { (Class::Additive, "actions_added") } else { (Class::Breaking, "actions_changed") };
        let message = format!("{of}: {} instead of {}", shown(new), shown(old));
        self.changed(class, code, old_at, new_at, message);
    }

    /// Changes of the context: any other list leaves another context.
    pub(super) fn assigns(&mut self, of: &str, (old_at, old): (&str, &[Ref]), (new_at, new): (&str, &[Ref])) {
        if old.iter().map(key).eq(new.iter().map(key)) {
            return;
        }
        let message = format!("{of}: {} instead of {}", shown(new), shown(old));
        self.changed(Class::Breaking, "assigns_changed", old_at, new_at, message);
    }

    /// What runs while a state is active: by its id, else by its place among those without.
    pub(super) fn invocations(&mut self, label: &str, old: &[Invocation], new: &[Invocation]) {
        let keyed = |list: &[Invocation]| -> BTreeMap<String, usize> {
            let key = |(index, each): (usize, &Invocation)| {
                (each.id.clone().unwrap_or_else(|| format!("#{index}")), index)
            };
            list.iter().enumerate().map(key).collect()
        };
        let (before, after) = (keyed(old), keyed(new));
        for (id, index) in &before {
            let Some(was) = old.get(*index) else { continue };
            let Some(is) = after.get(id).and_then(|index| new.get(*index)) else {
                let message = format!("{label} no longer runs {}", was.src.name);
                self.removed(Class::Breaking, "invocation_removed", &was.at, message);
                continue;
            };
            let same = key(&was.src) == key(&is.src)
                && (&was.input, &was.on_done, &was.on_error) == (&is.input, &is.on_done, &is.on_error)
                && (was.kind, &was.system_id) == (is.kind, &is.system_id);
            if !same {
                let message =
                    format!("what {label} runs as {} is another, or answers otherwise", is.src.name);
                self.changed(Class::Breaking, "invocation_changed", &was.at, &is.at, message);
            }
        }
        for (id, index) in &after {
            if let (None, Some(is)) = (before.get(id), new.get(*index)) {
                let message = format!("{label} runs {} as well", is.src.name);
                self.added(Class::Additive, "invocation_added", &is.at, message);
            }
        }
    }

    /// What a host must bring for the new version and need not have brought for the old one.
    pub(super) fn requirements(&mut self) {
        type List = fn(&Chart) -> &[Use];
        let kinds: [(&str, List); 5] = [
            ("guard", |chart| &chart.guards),
            ("action", |chart| &chart.actions),
            ("assign", |chart| &chart.assigns),
            ("service", |chart| &chart.services),
            ("machine", |chart| &chart.machines),
        ];
        for (kind, list) in kinds {
            let before: BTreeMap<&str, &Use> =
                list(self.old).iter().map(|wanted| (&*wanted.name, wanted)).collect();
            let mut after: BTreeMap<&str, &Use> = BTreeMap::new();
            for wanted in list(self.new) {
                after.entry(&wanted.name).or_insert(wanted);
            }
            let builtin = |name: &&&str| kind == "action" && crate::builtin::is_reserved(name);
            for (name, wanted) in
                after.iter().filter(|(name, _)| !builtin(name) && !before.contains_key(**name))
            {
                let message = format!("a host must bring the {kind} {name}");
                self.changes.push(super::Change {
                    class: Class::Additive,
                    code: "requirement_added",
                    old: None,
                    new: Some(wanted.at.clone()),
                    message,
                });
            }
            for (name, wanted) in
                before.iter().filter(|(name, _)| !builtin(name) && !after.contains_key(**name))
            {
                let message = format!("the {kind} {name} is no longer asked for");
                self.changes.push(super::Change {
                    class: Class::Cosmetic,
                    code: "requirement_removed",
                    old: Some(wanted.at.clone()),
                    new: None,
                    message,
                });
            }
        }
    }
}
