//! The machine itself and its states: what there is, where it stands, where it begins.

use std::collections::HashMap;

use super::lists::same_meta;
use super::{Class, Differ};
use crate::chart::shape::ROOT;
use crate::chart::{Kind, NodeId};
use crate::document::model::{History, State};
use crate::name::Name;
use crate::problem::below;

impl Differ<'_> {
    pub(super) fn machine(&mut self) {
        let (old, new) = (self.old.source(), self.new.source());
        if old.name != new.name {
            let message = format!("the machine is called {:?} instead of {:?}", new.name, old.name);
            self.changed(Class::Breaking, "machine_renamed", "/name", "/name", message);
        }
        if old.id != new.id {
            let message = format!("its id is {} instead of {}", quoted(&new.id), quoted(&old.id));
            self.changed(Class::Breaking, "id_changed", "/id", "/id", message);
        }
        if old.version != new.version {
            let message =
                format!("its version is {} instead of {}", quoted(&new.version), quoted(&old.version));
            self.changed(Class::Cosmetic, "version_changed", "/version", "/version", message);
        }
        if self.old.semantics() != self.new.semantics() {
            let (old, new) = (self.old.semantics().as_str(), self.new.semantics().as_str());
            let message = format!("it steps by the rules of {new} instead of {old}");
            self.changed(Class::Breaking, "semantics_changed", "/meta", "/meta", message);
        } else if old.meta != new.meta {
            self.changed(
                Class::Cosmetic,
                "meta_changed",
                "/meta",
                "/meta",
                "what is kept with it differs".into(),
            );
        }
        self.initial(ROOT, ROOT, "/initial", "/initial", "the machine");
    }

    pub(super) fn states(&mut self) {
        let (old, new) = (self.old.source(), self.new.source());
        let after: HashMap<&Name, &State> = new.all_states().map(|state| (&state.name, state)).collect();
        for was in old.all_states() {
            match self.names.get(&was.name).and_then(|name| after.get(name)) {
                Some(is) => self.state(was, is),
                None => {
                    let message = format!("state {} is gone", was.name);
                    self.removed(Class::Breaking, "state_removed", &was.at, message);
                }
            }
        }
        let known: std::collections::HashSet<Name> = self.names.values().cloned().collect();
        for is in new.all_states().filter(|state| !known.contains(&state.name)) {
            let message = format!("state {} is new", is.name);
            self.added(Class::Additive, "state_added", &is.at, message);
        }
    }

    fn state(&mut self, was: &State, is: &State) {
        let (Some(old), Some(new)) = (self.old.state(&was.name), self.new.state(&is.name)) else { return };
        let label = is.name.to_string();
        if was.name != is.name {
            let message = format!("state {} is called {label}", was.name);
            self.changed(Class::Breaking, "state_renamed", &was.at, &is.at, message);
        }
        if self.place(old) != self.place_of_new(new) {
            let message = format!("state {label} stands in another state or region");
            self.changed(Class::Breaking, "state_moved", &was.at, &is.at, message);
        }
        let (old_kind, new_kind) = (self.old.node(old).kind, self.new.node(new).kind);
        if old_kind != new_kind {
            let message = format!("state {label} is {} instead of {}", kind(new_kind), kind(old_kind));
            self.changed(Class::Breaking, "kind_changed", &was.at, &is.at, message);
        }
        self.begins(old, new, was, is);
        self.regions(was, is);
        let lists = [
            ("onEntry", &was.on_entry, &is.on_entry),
            ("onExit", &was.on_exit, &is.on_exit),
            ("onDone", &was.on_done, &is.on_done),
        ];
        for (key, before, after) in lists {
            let (old_at, new_at) = (below(&was.at, key), below(&is.at, key));
            self.actions(&format!("{key} of {label}"), (&old_at, before), (&new_at, after));
        }
        let assigns = [
            ("onEntryAssign", &was.on_entry_assign, &is.on_entry_assign),
            ("onExitAssign", &was.on_exit_assign, &is.on_exit_assign),
        ];
        for (key, before, after) in assigns {
            let (old_at, new_at) = (below(&was.at, key), below(&is.at, key));
            self.assigns(&format!("{key} of {label}"), (&old_at, before), (&new_at, after));
        }
        self.invocations(&label, &was.invoke, &is.invoke);
        self.transitions(was, is, old, new);
        if !same_meta(&was.meta, &is.meta) || was.owned_by != is.owned_by {
            let message = format!("what is kept with state {label} differs");
            self.changed(Class::Cosmetic, "meta_changed", &was.at, &is.at, message);
        }
    }

    /// The states and regions around an old state, as the new version calls them.
    fn place(&self, state: NodeId) -> Vec<(bool, Name)> {
        let around = self.old.spine(state).skip(1).map(|id| {
            let node = self.old.node(id);
            let name = self.names.get(&node.name).filter(|_| node.kind != Kind::Region).unwrap_or(&node.name);
            (node.kind == Kind::Region, name.clone())
        });
        around.collect()
    }

    fn place_of_new(&self, state: NodeId) -> Vec<(bool, Name)> {
        let around = self.new.spine(state).skip(1).map(|id| {
            let node = self.new.node(id);
            (node.kind == Kind::Region, node.name.clone())
        });
        around.collect()
    }

    /// Where a state begins, and where a history state leads.
    fn begins(&mut self, old: NodeId, new: NodeId, was: &State, is: &State) {
        let label = is.name.to_string();
        self.initial(old, new, &below(&was.at, "initialChild"), &below(&is.at, "initialChild"), &label);
        let default = was.history_default.as_ref().map(|name| self.names.get(name).unwrap_or(name));
        if default != is.history_default.as_ref() {
            let message = format!("history state {label} leads elsewhere when there is nothing to remember");
            let (old_at, new_at) = (below(&was.at, "historyDefault"), below(&is.at, "historyDefault"));
            self.changed(Class::Breaking, "initial_changed", &old_at, &new_at, message);
        }
    }

    fn initial(&mut self, old: NodeId, new: NodeId, old_at: &str, new_at: &str, label: &str) {
        let before = self.old.node(old).initial.iter().map(|id| &self.old.node(*id).name);
        let before: Vec<&Name> = before.map(|name| self.names.get(name).unwrap_or(name)).collect();
        let after: Vec<&Name> =
            self.new.node(new).initial.iter().map(|id| &self.new.node(*id).name).collect();
        // A state that has become another kind is said to have.
        if before != after && !(before.is_empty() || after.is_empty()) {
            let shown =
                |names: &[&Name]| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let message = format!("{label} begins in {} instead of {}", shown(&after), shown(&before));
            self.changed(Class::Breaking, "initial_changed", old_at, new_at, message);
        }
    }

    fn regions(&mut self, was: &State, is: &State) {
        for (index, before) in was.regions.iter().enumerate() {
            let Some((place, after)) =
                is.regions.iter().enumerate().find(|(_, region)| region.name == before.name)
            else {
                let message = format!("state {} has no region {:?} any more", is.name, before.name);
                self.removed(Class::Breaking, "region_removed", &before.at, message);
                continue;
            };
            if place != index {
                let message = format!("region {:?} of {} comes in another order", before.name, is.name);
                self.changed(Class::Breaking, "region_moved", &before.at, &after.at, message);
            }
            let initial = before.initial_child.as_ref().map(|name| self.names.get(name).unwrap_or(name));
            if initial != after.initial_child.as_ref() {
                let message = format!("region {:?} of {} begins elsewhere", before.name, is.name);
                let (old_at, new_at) = (below(&before.at, "initialChild"), below(&after.at, "initialChild"));
                self.changed(Class::Breaking, "initial_changed", &old_at, &new_at, message);
            }
            if before.meta != after.meta {
                let message = format!("what is kept with region {:?} differs", before.name);
                self.changed(Class::Cosmetic, "meta_changed", &before.at, &after.at, message);
            }
        }
        for after in &is.regions {
            if !was.regions.iter().any(|before| before.name == after.name) {
                let message = format!("state {} has another region {:?}", is.name, after.name);
                self.added(Class::Breaking, "region_added", &after.at, message);
            }
        }
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Root => "the machine",
        Kind::Atomic => "one without states inside",
        Kind::Final => "final",
        Kind::Compound => "one with states inside",
        Kind::Parallel => "parallel",
        Kind::Region => "a region",
        Kind::History(History::Shallow) => "a shallow history",
        Kind::History(History::Deep) => "a deep history",
    }
}

fn quoted(text: &Option<String>) -> String {
    text.as_ref().map_or_else(|| "none".into(), |text| format!("{text:?}"))
}
