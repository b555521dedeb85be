//! Whether an instance that the old version stored can go on with the new one.
//!
//! A stored instance is the names of its active leaves, what histories remember, the context, and what it started. It can go on
//! when every leaf is there, in the same regions of the same parallel states, when its context is one that the new version
//! allows, and when timers and services that may run still belong to something. Anything else needs a migration.

use std::collections::BTreeSet;

use serde::Serialize;

use super::context::{is_wider, missing};
use crate::chart::{Chart, Kind, NodeId};
use crate::document::model::SchemaField;
use crate::name::Name;
use crate::problem::below;

/// Something that keeps some instances from going on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    /// What kind, as one word that does not change.
    pub code: &'static str,
    /// Where in the old document, or in the new one when it is about what is new.
    pub at: String,
    /// What it is.
    pub message: String,
}

/// Which instances of the old version the new one can go on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "which", content = "obstacles")]
pub enum Restore {
    /// All.
    All,
    /// Those that none of these concerns.
    Some(Vec<Obstacle>),
    /// None.
    None(Vec<Obstacle>),
}

pub(super) fn restore(old: &Chart, new: &Chart) -> Restore {
    let mut all = Vec::new();
    if old.name() != new.name() {
        let message = format!("the machine is called {:?} instead of {:?}", new.name(), old.name());
        all.push(Obstacle { code: "machine_renamed", at: "/name".into(), message });
    }
    contexts(old, new, &mut all);
    let mut some = Vec::new();
    for (id, node) in old.nodes() {
        if matches!(node.kind, Kind::Atomic | Kind::Final) {
            some.extend(leaf(old, new, id));
        }
        started(old, new, id, &mut some);
    }
    match (all.is_empty(), some.is_empty()) {
        (true, true) => Restore::All,
        (true, false) => Restore::Some(some),
        (false, _) => Restore::None(all.into_iter().chain(some).collect()),
    }
}

fn leaf(old: &Chart, new: &Chart, id: NodeId) -> Option<Obstacle> {
    let node = old.node(id);
    let obstacle = |code, message| Some(Obstacle { code, at: node.at.clone(), message });
    let Some(found) = new.state(&node.name) else {
        return obstacle("state_removed", format!("an instance in {} has nowhere to be", node.label));
    };
    if !matches!(new.node(found).kind, Kind::Atomic | Kind::Final) {
        return obstacle(
            "kind_changed",
            format!("{} has states inside now, and none of them was active", node.label),
        );
    }
    if regions(old, id) != regions(new, found) {
        let message =
            format!("{} stands in other regions, and what is active beside it is not known", node.label);
        return obstacle("state_moved", message);
    }
    None
}

/// The regions around a state, each with all that its parallel state has.
fn regions(chart: &Chart, state: NodeId) -> Vec<(Name, Name, BTreeSet<Name>)> {
    let regions = chart.spine(state).filter(|id| chart.node(*id).kind == Kind::Region);
    let named = regions.map(|id| {
        let (region, parallel) = (chart.node(id), chart.node(chart.parent(id)));
        let all = parallel.children.iter().map(|region| chart.node(*region).name.clone());
        (parallel.name.clone(), region.name.clone(), all.collect())
    });
    named.collect()
}

/// Timers and services are known by their ids.
fn started(old: &Chart, new: &Chart, id: NodeId, some: &mut Vec<Obstacle>) {
    let node = old.node(id);
    let Some(found) = new.state(&node.name).map(|id| new.node(id)).filter(|_| node.kind != Kind::Region)
    else {
        return;
    };
    for timer in &node.timers {
        if !found.timers.iter().any(|other| (&other.id, &other.event) == (&timer.id, &timer.event)) {
            let message =
                format!("timer {} of {} may be running and belongs to nothing now", timer.id, node.label);
            some.push(Obstacle { code: "timer_lost", at: node.at.clone(), message });
        }
    }
    let pairs = [(&node.services, &found.services), (&node.actors, &found.actors)];
    for (invoked, others) in pairs {
        for invoked in invoked {
            if !others.iter().any(|other| other.id == invoked.id) {
                let message =
                    format!("{} of {} may be running and belongs to nothing now", invoked.id, node.label);
                some.push(Obstacle { code: "service_lost", at: node.at.clone(), message });
            }
        }
    }
}

fn contexts(old: &Chart, new: &Chart, all: &mut Vec<Obstacle>) {
    let Some(after) = &new.source().context else { return };
    let before = old.source().context.as_ref().map_or(&[][..], |schema| &schema.fields);
    if old.source().context.is_none() && !after.fields.is_empty() {
        let message = "the context was not described, and may not be as the schema says".to_owned();
        all.push(Obstacle { code: "schema_added", at: "/context".into(), message });
        return;
    }
    fields(before, &after.fields, "/context/fields", all);
}

/// Nests no deeper than a document may.
fn fields(before: &[SchemaField], after: &[SchemaField], at: &str, all: &mut Vec<Obstacle>) {
    for (index, is) in after.iter().enumerate() {
        let at = below(at, index);
        match before.iter().find(|was| was.name == is.name) {
            None if is.nullable => {}
            None => {
                let message = format!("the context has no {} and must", is.name);
                all.push(Obstacle { code: "field_added", at, message });
            }
            Some(was) => field(was, is, at, all),
        }
    }
}

fn field(was: &SchemaField, is: &SchemaField, at: String, all: &mut Vec<Obstacle>) {
    let narrower = !is_wider(was.kind, is.kind)
        || (was.nullable && !is.nullable)
        || !missing(&was.choices, &is.choices).is_empty()
        || (was.kind == is.kind && was.elem.is_none() && is.elem.is_some());
    if narrower {
        let message = format!("the context may hold in {} what is no longer allowed", is.name);
        all.push(Obstacle { code: "field_narrowed", at, message });
        return;
    }
    if was.kind == is.kind {
        fields(&was.fields, &is.fields, &below(&at, "fields"), all);
        if let (Some(was), Some(is)) = (&was.elem, &is.elem) {
            field(was, is, below(&at, "elem"), all);
        }
    }
}
