//! From a document's machine to a chart: one walk numbers the states, a second resolves what they name.
//!
//! The whole tree is looked at, and every problem reported. What would let an instance get into a configuration that no
//! state chart has is an error here, so that stepping never has to ask.

use std::collections::{HashMap, HashSet};

use super::shape::ROOT;
use super::{
    ActionId, AssignId, Chart, EventId, GuardId, Handlers, Invoked, Kind, Node, NodeId, Offered, Semantics,
    Table, Timer, Transition, TransitionId, Use, guards,
};
use crate::document::model;
use crate::name::Name;
use crate::problem::{Problem, below};

/// How many states, and how many transitions, a machine may have.
const PARTS_MAX: usize = 1_000_000;

pub(super) fn build(machine: model::Machine, problems: &mut Vec<Problem>) -> Option<Chart> {
    let at = "/meta/hob.semantics";
    let semantics = match machine.meta.get("hob.semantics") {
        None => Semantics::default(),
        Some(value) => value.as_str().and_then(Semantics::named).unwrap_or_else(|| {
            let message = format!("{value} is none of hob, crucible-1.0 and scxml");
            problems.push(Problem::error("wrong_value", at, message));
            Semantics::default()
        }),
    };
    build_as(machine, semantics, problems)
}

pub(super) fn build_as(
    machine: model::Machine,
    semantics: Semantics,
    problems: &mut Vec<Problem>,
) -> Option<Chart> {
    let mut builder = Builder {
        machine: &machine,
        semantics,
        problems,
        by_name: HashMap::new(),
        nodes: Vec::new(),
        states: Vec::new(),
        transitions: Vec::new(),
        events: Table::default(),
        event_names: Vec::new(),
        slots: 0,
        guards: Vec::new(),
        actions: Vec::new(),
        assigns: Vec::new(),
        services: Vec::new(),
        machines: Vec::new(),
        hooks: Vec::new(),
    };
    let begin = builder.begin_hook();
    builder.number();
    builder.initial(ROOT, machine.initial.as_ref(), "/initial", "initial");
    builder.more_initial(ROOT, &machine.meta, "");
    for (id, state) in std::mem::take(&mut builder.states) {
        builder.state(id, state);
    }
    builder.regions();
    builder.index();
    let Builder {
        by_name,
        nodes,
        transitions,
        events,
        event_names,
        slots,
        guards,
        actions,
        assigns,
        services,
        machines,
        hooks,
        ..
    } = builder;
    let heeds = |invoked: &Invoked| {
        invoked.session.as_ref().is_some_and(|session| session.forward || !session.finalize.is_empty())
    };
    let heeds = nodes.iter().any(|node| node.actors.iter().any(heeds));
    if nodes.len() > PARTS_MAX || transitions.len() > PARTS_MAX {
        let message = format!("a machine has at most {PARTS_MAX} states and as many transitions");
        problems.push(Problem::error("too_large", "/states", message));
        return None;
    }
    Some(Chart {
        name: machine.name.as_str().into(),
        id: machine.id.clone(),
        version: machine.version.clone(),
        semantics,
        nodes,
        transitions,
        by_name,
        events,
        event_names,
        slots,
        guards,
        actions,
        assigns,
        services,
        machines,
        hooks,
        begin,
        heeds,
        source: machine,
    })
}

pub(super) struct Builder<'a> {
    pub(super) machine: &'a model::Machine,
    pub(super) semantics: Semantics,
    pub(super) problems: &'a mut Vec<Problem>,
    pub(super) by_name: HashMap<Name, NodeId>,
    nodes: Vec<Node>,
    states: Vec<(NodeId, &'a model::State)>,
    transitions: Vec<Transition>,
    events: Table<Name, EventId>,
    event_names: Vec<Name>,
    slots: usize,
    guards: Vec<Use>,
    actions: Vec<Use>,
    assigns: Vec<Use>,
    pub(super) services: Vec<Use>,
    pub(super) machines: Vec<Use>,
    pub(super) hooks: Vec<Use>,
}

impl<'a> Builder<'a> {
    fn number(&mut self) {
        let root = self.add(ROOT, 0, Kind::Root, Name::empty(), "");
        for state in &self.machine.states {
            self.add_state(state, root, 1);
        }
        self.close(root);
        if self.machine.states.is_empty() {
            self.problems.push(Problem::error("no_states", "/states", "a machine has one state at least"));
        }
    }

    fn add(&mut self, parent: NodeId, depth: u32, kind: Kind, name: Name, at: &str) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        let slot = matches!(kind, Kind::Root | Kind::Region | Kind::Compound).then(|| {
            self.slots += 1;
            u32::try_from(self.slots - 1).unwrap_or(u32::MAX)
        });
        self.nodes.push(Node {
            label: name.to_string().into(),
            name,
            at: at.into(),
            kind,
            parent,
            end: id.0 + 1,
            depth,
            slot,
            children: Vec::new(),
            initial: Vec::new(),
            default: None,
            more_defaults: Vec::new(),
            on_entry: Vec::new(),
            on_initial: Vec::new(),
            on_exit: Vec::new(),
            on_done: Vec::new(),
            on_entry_assign: Vec::new(),
            on_exit_assign: Vec::new(),
            transitions: Vec::new(),
            handlers: Handlers::default(),
            eventless: Vec::new(),
            timers: Vec::new(),
            services: Vec::new(),
            actors: Vec::new(),
            done_data: None,
            offered: Offered::default(),
            eventless_inside: false,
        });
        // What a parallel state remembers is none of its regions.
        let beside = matches!(kind, Kind::History(_)) && self.node(parent).kind == Kind::Parallel;
        if id != ROOT && !beside {
            self.node(parent).children.push(id);
        }
        id
    }

    /// Everything inside is numbered.
    fn close(&mut self, id: NodeId) {
        self.node(id).end = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
    }

    #[expect(clippy::indexing_slicing, reason = "the numbers are those that `add` gave")]
    pub(super) fn node(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }

    fn add_state(&mut self, state: &'a model::State, parent: NodeId, depth: u32) {
        let kind = match state.history {
            Some(history) => Kind::History(history),
            None if !state.regions.is_empty() => Kind::Parallel,
            None if !state.children.is_empty() => Kind::Compound,
            None if state.is_final => Kind::Final,
            None => Kind::Atomic,
        };
        let id = self.add(parent, depth, kind, state.name.clone(), &state.at);
        if state.name.is_empty() {
            self.problems.push(Problem::error(
                "missing_name",
                below(&state.at, "name"),
                "a state has a name",
            ));
        }
        if self.by_name.insert(state.name.clone(), id).is_some() {
            let message = format!("there is another state {}; names are unique in a machine", state.name);
            self.problems.push(Problem::error("duplicate_state", below(&state.at, "name"), message));
        }
        self.states.push((id, state));
        self.check_shape(state, parent);
        if !state.children.is_empty() && state.regions.is_empty() {
            for child in &state.children {
                self.add_state(child, id, depth + 1);
            }
        }
        if !state.regions.is_empty() && state.regions.iter().all(|region| self.is_history(region)) {
            let message = format!("state {} has no region besides history states", state.name);
            self.problems.push(Problem::error("no_states", below(&state.at, "regions"), message));
        }
        for region in &state.regions {
            if self.is_history(region) {
                for child in &region.states {
                    self.add_state(child, id, depth + 1);
                }
                continue;
            }
            let id = self.add(id, depth, Kind::Region, region.name.as_str().into(), &region.at);
            for child in &region.states {
                self.add_state(child, id, depth + 1);
            }
            if region.states.is_empty() {
                let message = format!("region {:?} has no states", region.name);
                self.problems.push(Problem::error("no_states", below(&region.at, "states"), message));
            }
            self.close(id);
        }
        self.close(id);
    }

    fn check_shape(&mut self, state: &model::State, parent: NodeId) {
        let (inside, transitions) = (state.inside().next().is_some(), !state.transitions.is_empty());
        let mut wrong =
            |code, at: &str, message: String| self.problems.push(Problem::error(code, at, message));
        if !state.children.is_empty() && !state.regions.is_empty() {
            let message =
                format!("state {} has children and regions; it can have one or the other", state.name);
            wrong("children_and_regions", &state.at, message);
        }
        if state.is_final && transitions {
            let message = format!("state {} is final and has transitions, which are never taken", state.name);
            wrong("final_transitions", &below(&state.at, "transitions"), message);
        }
        if state.is_final && inside {
            wrong(
                "final_substates",
                &state.at,
                format!("state {} is final and has states inside", state.name),
            );
        }
        let mut regions = HashSet::new();
        for region in &state.regions {
            if !regions.insert(&region.name) {
                let message = format!("state {} has another region {:?}", state.name, region.name);
                wrong("duplicate_region", &below(&region.at, "name"), message);
            }
        }
        if state.history.is_some() {
            if inside || transitions {
                let message =
                    format!("history state {} has neither states inside nor transitions", state.name);
                wrong("history_shape", &state.at, message);
            }
            let around = self.nodes.get(parent.0 as usize).map(|node| node.kind);
            if !matches!(around, Some(Kind::Compound | Kind::Parallel)) {
                let message =
                    format!("history state {} must stand among the children of a state", state.name);
                self.problems.push(Problem::error("history_place", &state.at, message));
            }
        }
    }

    /// Resolves where a state begins.
    fn initial(&mut self, id: NodeId, name: Option<&Name>, at: &str, key: &str) {
        let Some(name) = name else {
            if id != ROOT {
                let label = self.node(id).label.clone();
                let message =
                    format!("{label} has states inside, and {key} must say with which of them it begins");
                self.problems.push(Problem::error("missing_initial", at, message));
            }
            return;
        };
        let Some(target) = self.target(name, at) else { return };
        let (first, end) = (id, self.node(id).end);
        if target <= first || target.0 >= end {
            let message = format!("{name} is not inside {}", self.node(id).label);
            self.problems.push(Problem::error("initial_outside", at, message));
            return;
        }
        if self.semantics != Semantics::Scxml && matches!(self.node(target).kind, Kind::History(_)) {
            let message =
                format!("{name} is a history state; by the rules of SCXML alone a state can begin with one");
            self.problems.push(Problem::error("history_initial", at, message));
            return;
        }
        self.node(id).initial = vec![target];
    }

    pub(super) fn target(&mut self, name: &Name, at: &str) -> Option<NodeId> {
        let found = self.by_name.get(name).copied();
        if found.is_none() {
            self.problems.push(Problem::error(
                "undeclared_target",
                at,
                format!("there is no state {name:?}", name = name.to_string()),
            ));
        }
        found
    }

    fn state(&mut self, id: NodeId, state: &'a model::State) {
        if self.node(id).kind == Kind::Compound {
            self.initial(id, state.initial_child.as_ref(), &below(&state.at, "initialChild"), "initialChild");
            self.more_initial(id, &state.meta, &state.at);
        }
        let regions: Vec<_> = state.regions.iter().filter(|region| !self.is_history(region)).collect();
        for (index, region) in regions.into_iter().enumerate() {
            if let Some(child) = self.node(id).children.get(index).copied() {
                let at = below(&region.at, "initialChild");
                self.initial(child, region.initial_child.as_ref(), &at, "initialChild");
            }
        }
        if let Some(name) = &state.history_default {
            let at = below(&state.at, "historyDefault");
            let target = self.target(name, &at);
            let around = self.node(id).parent;
            let inside = target.is_some_and(|target| target > around && target.0 < self.node(around).end);
            if target.is_some() && !inside {
                let message = format!("{name} is not inside the state whose history this is");
                self.problems.push(Problem::error("history_default", &at, message));
            }
            if let Some(target) = target {
                self.check_default(id, target, &at);
            }
            self.node(id).default = target;
        }
        if state.history.is_some()
            && let Some(targets) = state.meta.get("hob.targets")
        {
            let at = below(&below(&state.at, "meta"), "hob.targets");
            let targets = self.targets(targets, &at).unwrap_or_default();
            targets.iter().for_each(|target| self.check_default(id, *target, &at));
            self.node(id).more_defaults = targets;
        }
        let actions =
            |builder: &mut Self, refs: &[model::Ref]| refs.iter().map(|r| builder.action(r)).collect();
        let assigns =
            |builder: &mut Self, refs: &[model::Ref]| refs.iter().map(|r| builder.assign(r)).collect();
        self.node(id).on_entry = actions(self, &state.on_entry);
        self.node(id).on_exit = actions(self, &state.on_exit);
        self.node(id).on_done = actions(self, &state.on_done);
        self.node(id).on_entry_assign = assigns(self, &state.on_entry_assign);
        self.node(id).on_exit_assign = assigns(self, &state.on_exit_assign);
        if self.semantics == Semantics::Scxml && self.node(id).kind == Kind::Final {
            self.done_data(id, &state.meta, &state.at);
        }
        for (index, invocation) in state.invoke.iter().enumerate() {
            self.invoke(id, index, invocation);
        }
        for (index, transition) in state.transitions.iter().enumerate() {
            self.transition(id, index, transition);
        }
        self.check_ambiguous(state);
    }

    fn transition(&mut self, source: NodeId, index: usize, transition: &model::Transition) {
        let id = TransitionId(u32::try_from(self.transitions.len()).unwrap_or(u32::MAX));
        let of_event = !transition.event_less && !transition.wildcard;
        let event = (of_event && !transition.on.is_empty()).then(|| self.event(&transition.on));
        self.check_transition(transition);
        if let Some(delay_nanos) = transition.after {
            let id = format!("{}:{}:after:{index}", self.machine.name, self.node(source).label);
            let event = transition.on.clone();
            self.node(source).timers.push(Timer { id: id.into(), delay_nanos, event });
        }
        if transition.forbidden {
            let handlers = &mut self.node(source).handlers;
            handlers.forbids_all |= transition.wildcard;
            handlers.forbids.extend(event);
            return;
        }
        let targets = match transition.meta.get("hob.targets") {
            Some(targets) => {
                let at = below(&below(&transition.at, "meta"), "hob.targets");
                self.targets(targets, &at).unwrap_or_default()
            }
            None if transition.to.is_empty() => Vec::new(),
            None => self.target(&transition.to, &below(&transition.at, "to")).into_iter().collect(),
        };
        let compiled = Transition {
            at: transition.at.clone(),
            source,
            internal: transition.internal || targets.is_empty(),
            targets,
            event,
            on: transition.on.clone(),
            guards: transition.guards.iter().map(|reference| self.guard(reference)).collect(),
            guard: transition.guard_expr.as_ref().and_then(|node| guards::compile(node, self)),
            effects: transition.effects.iter().map(|reference| self.action(reference)).collect(),
            assigns: transition.assigns.iter().map(|reference| self.assign(reference)).collect(),
            raise: transition.raise.clone(),
            reenter: transition.reenter,
            position: transition.position,
        };
        self.transitions.push(compiled);
        let node = self.node(source);
        node.transitions.push(id);
        if transition.event_less {
            node.eventless.push(id);
        } else if transition.wildcard {
            node.handlers.any.push(id);
        } else if let Some(event) = event {
            match node.handlers.by_event.iter_mut().find(|(of, _)| *of == event) {
                Some((_, transitions)) => transitions.push(id),
                None => node.handlers.by_event.push((event, vec![id])),
            }
        }
    }

    fn check_transition(&mut self, transition: &model::Transition) {
        let from = &transition.from;
        let mut wrong = |problem: Problem| self.problems.push(problem);
        if let Some(nanos) = transition.after
            && (nanos < 0 || transition.on.is_empty())
        {
            let message = "a delay is not negative, and names the event that comes after it in on";
            wrong(Problem::error("delay", below(&transition.at, "after"), message));
        }
        if transition.forbidden {
            let acts = transition.reenter
                || !transition.guards.is_empty()
                || transition.guard_expr.is_some()
                || !transition.effects.is_empty()
                || !transition.raise.is_empty();
            if acts {
                let message = format!(
                    "the forbidden transition from {from} stops an event and does nothing else: \
                     no guards, effects, raise or reenter"
                );
                wrong(Problem::error("forbidden", &transition.at, message));
            }
            return;
        }
        let has_targets = transition.meta.contains_key("hob.targets");
        if transition.to.is_empty() && !transition.wildcard && !has_targets {
            let message = format!(
                "the transition from {from} on {} leads nowhere; one that stays names {from} in to and is internal",
                transition.on
            );
            wrong(Problem::error("undeclared_target", below(&transition.at, "to"), message));
        }
        if transition.on.is_empty() && !transition.event_less && !transition.wildcard {
            let message =
                format!("the transition from {from} is for no event, and neither eventLess nor wildcard");
            wrong(Problem::warning("no_event", &transition.at, message));
        }
    }

    /// Two transitions of one state for one event, both without guard: the second is never taken.
    fn check_ambiguous(&mut self, state: &model::State) {
        let mut seen = HashSet::new();
        for transition in &state.transitions {
            let guarded = !transition.guards.is_empty() || transition.guard_expr.is_some();
            if guarded || transition.forbidden {
                continue;
            }
            if !seen.insert((transition.wildcard, transition.event_less, &transition.on)) {
                let message = match transition.wildcard {
                    true => format!("ambiguous wildcard transitions without guard from {}", state.name),
                    false => format!(
                        "ambiguous transitions without guard from {} on {}",
                        state.name, transition.on
                    ),
                };
                self.problems.push(Problem::warning("ambiguous", &transition.at, message));
            }
        }
    }

    fn event(&mut self, name: &Name) -> EventId {
        if let Some(id) = self.events.get(name) {
            return *id;
        }
        let id = EventId(u32::try_from(self.event_names.len()).unwrap_or(u32::MAX));
        self.events.insert(name.clone(), id);
        self.event_names.push(name.clone());
        id
    }

    pub(super) fn guard(&mut self, reference: &model::Ref) -> GuardId {
        GuardId(used(&mut self.guards, reference))
    }

    pub(super) fn action(&mut self, reference: &model::Ref) -> ActionId {
        ActionId(used(&mut self.actions, reference))
    }

    fn assign(&mut self, reference: &model::Ref) -> AssignId {
        AssignId(used(&mut self.assigns, reference))
    }

    /// What a deeper part needs to know of the parts inside it, once all are there.
    fn regions(&mut self) {
        for index in (0..self.nodes.len()).rev() {
            let id = NodeId(u32::try_from(index).unwrap_or(u32::MAX));
            let node = self.node(id);
            // A specific transition is tried before one for any event, and both before those of the state around.
            let Handlers { by_event, any, .. } = &mut node.handlers;
            by_event.iter_mut().for_each(|(_, transitions)| transitions.extend(any.iter()));
            node.eventless_inside |= !node.eventless.is_empty();
            let (inside, parent) = (node.eventless_inside, node.parent);
            if id != ROOT {
                self.node(parent).eventless_inside |= inside;
            }
        }
    }

    /// For each parallel state, which of its regions an event can be for.
    fn index(&mut self) {
        let parallels: Vec<NodeId> = (0u32..)
            .map(NodeId)
            .zip(&self.nodes)
            .filter(|(_, node)| node.kind == Kind::Parallel)
            .map(|(id, _)| id)
            .collect();
        for id in parallels {
            let regions = self.node(id).children.clone();
            let mut offered = Offered::default();
            let mut events: HashSet<EventId> = HashSet::new();
            let mut of_region = Vec::new();
            for region in &regions {
                let inside = region.0 as usize..self.node(*region).end as usize;
                let nodes = self.nodes.get(inside).unwrap_or_default();
                let any = nodes.iter().any(|node| !node.handlers.any.is_empty() || node.handlers.forbids_all);
                let own: HashSet<EventId> = nodes
                    .iter()
                    .flat_map(|node| {
                        node.handlers
                            .by_event
                            .iter()
                            .map(|(event, _)| *event)
                            .chain(node.handlers.forbids.iter().copied())
                    })
                    .collect();
                events.extend(&own);
                if nodes.iter().any(|node| node.eventless_inside) {
                    offered.eventless.push(*region);
                }
                of_region.push((any, own));
            }
            let for_event = |event: Option<EventId>| -> Vec<NodeId> {
                let wanted = |(any, own): &(bool, HashSet<EventId>)| {
                    *any || event.is_some_and(|event| own.contains(&event))
                };
                regions
                    .iter()
                    .zip(&of_region)
                    .filter(|(_, of)| wanted(of))
                    .map(|(region, _)| *region)
                    .collect()
            };
            offered.any = for_event(None);
            offered.by_event = events.iter().map(|event| (*event, for_event(Some(*event)))).collect();
            self.node(id).offered = offered;
        }
    }
}

pub(super) fn used(uses: &mut Vec<Use>, reference: &model::Ref) -> u32 {
    let name = reference.name.as_str().into();
    let (params, at) = (reference.params.clone(), reference.at.clone());
    uses.push(Use { name, params, at, position: reference.position });
    u32::try_from(uses.len() - 1).unwrap_or(u32::MAX)
}
