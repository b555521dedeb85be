//! What hob adds to the format under `meta`: several targets at once, and what is done on the way to an initial state.
//!
//! Stops: targets that no configuration has together, and history states that lead back to themselves.

use super::build::Builder;
use super::shape::ROOT;
use super::{ActionId, Kind, NodeId, Semantics};
use crate::document::model;
use crate::name::Name;
use crate::position::{self, Position};
use crate::problem::{Problem, below};

/// How many states a transition may lead to at once: each is compared with each.
const TARGETS_MAX: usize = 1024;

impl Builder<'_> {
    pub(super) fn more_initial(
        &mut self,
        id: NodeId,
        meta: &serde_json::Map<String, serde_json::Value>,
        at: &str,
    ) {
        if let Some(actions) = meta.get("hob.onInitial") {
            let at = below(&below(at, "meta"), "hob.onInitial");
            self.node(id).on_initial = self.inline_actions(actions, &at);
        }
        let Some(targets) = meta.get("hob.initial") else { return };
        let at = below(&below(at, "meta"), "hob.initial");
        let Some(targets) = self.targets(targets, &at) else { return };
        let end = self.node(id).end;
        if targets.iter().any(|target| *target <= id || target.0 >= end) {
            let message = format!("one of them is not inside {}", self.node(id).label);
            self.problems.push(Problem::error("initial_outside", at, message));
            return;
        }
        self.node(id).initial = targets;
    }

    /// Actions that stand under `meta`.
    pub(super) fn inline_actions(&mut self, value: &serde_json::Value, at: &str) -> Vec<ActionId> {
        let read = |(index, item): (usize, &serde_json::Value)| {
            let name = item.get("name")?.as_str()?.to_owned();
            let params =
                item.get("params").and_then(|params| params.as_object()).cloned().unwrap_or_default();
            let position = item.get(position::KEY).and_then(|text| Position::parse(text.as_str()?));
            Some(model::Ref { at: below(at, index), name, params, position })
        };
        let refs: Option<Vec<_>> =
            value.as_array().and_then(|items| items.iter().enumerate().map(read).collect());
        let Some(refs) = refs else {
            let message = "this is a list of actions, each with a name and perhaps params";
            self.problems.push(Problem::error("wrong_type", at, message));
            return Vec::new();
        };
        refs.iter().map(|reference| self.action(reference)).collect()
    }

    /// Where a history state leads without anything to remember: to no history state that leads back to it.
    pub(super) fn check_default(&mut self, history: NodeId, target: NodeId, at: &str) {
        let scxml = self.semantics == Semantics::Scxml;
        let around = self.node(history).parent;
        let beside = self.node(target).parent == around;
        if matches!(self.node(target).kind, Kind::History(_)) && (beside || !scxml) {
            let message = format!("{} is a history state itself", self.node(target).label);
            self.problems.push(Problem::error("history_default", at, message));
        }
    }

    /// A list of states that can all be active at once.
    pub(super) fn targets(&mut self, value: &serde_json::Value, at: &str) -> Option<Vec<NodeId>> {
        let names = value.as_array().and_then(|names| names.iter().map(Name::from_value).collect());
        let Some(names): Option<Vec<Name>> = names else {
            self.problems.push(Problem::error("wrong_type", at, "this is a list of names of states"));
            return None;
        };
        let targets: Option<Vec<NodeId>> = names.iter().map(|name| self.target(name, at)).collect();
        let targets = targets.filter(|targets| !targets.is_empty())?;
        if targets.len() > TARGETS_MAX {
            let message = format!("here are {} targets; {TARGETS_MAX} are allowed", targets.len());
            self.problems.push(Problem::error("too_large", at, message));
            return None;
        }
        for (index, a) in targets.iter().enumerate() {
            for b in targets.iter().skip(index + 1) {
                if !self.together(*a, *b) {
                    let (a, b) = (self.node(*a).label.clone(), self.node(*b).label.clone());
                    let message = format!("{a} and {b} are never active at the same time");
                    self.problems.push(Problem::error("targets", at, message));
                    return None;
                }
            }
        }
        Some(targets)
    }

    /// Whether two states can be active at the same time, neither being inside the other.
    pub(super) fn together(&mut self, a: NodeId, b: NodeId) -> bool {
        let mut around = a;
        loop {
            let node = self.node(around);
            let within = around <= b && b.0 < node.end;
            if within || around == ROOT {
                return node.kind == Kind::Parallel && around != a && around != b;
            }
            around = node.parent;
        }
    }

    /// Whether a region is none: by the rules of SCXML one with history states alone holds what its parallel state remembers.
    pub(super) fn is_history(&self, region: &model::Region) -> bool {
        self.semantics == Semantics::Scxml
            && !region.states.is_empty()
            && region.states.iter().all(|state| state.history.is_some())
    }
}
