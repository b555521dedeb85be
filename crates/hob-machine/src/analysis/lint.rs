//! What a graph of configurations says about a machine: states and transitions that are for nothing, ends that are none,
//! steps that do not end.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::explore::Exploration;
use super::finding::Finding;
use super::guards::is_guarded;
use super::oracle::Mark;
use super::symbolic::Guards;
use crate::chart::shape::ROOT;
use crate::chart::{Kind, NodeId, Semantics, TransitionId};
use crate::problem::Severity;

/// Of how many configurations of one kind a finding is made each.
const FINDINGS_MAX: usize = 100;

/// How many places a finding refers to.
const RELATED_MAX: usize = 8;

pub(super) fn find(graph: &Exploration<'_>, guards: &Guards<'_>, found: &mut Vec<Finding>) {
    let entered = Seen::of(graph);
    unreachable(graph, &entered, found);
    dead_transitions(graph, &entered, guards, found);
    livelocks(graph, found);
    dead_ends(graph, found);
    without_end(graph, found);
}

/// Whether a state can be active and a transition be taken.
struct Seen {
    states: BTreeSet<NodeId>,
    taken: BTreeSet<TransitionId>,
    /// Of a graph that is not whole: what its shape allows.
    possible: Option<Vec<bool>>,
}

impl Seen {
    fn of(graph: &Exploration<'_>) -> Self {
        let (mut states, mut taken) = (BTreeSet::new(), BTreeSet::new());
        let marks = graph.moves.iter().flat_map(|step| &step.marks);
        for mark in marks.chain(graph.circles.iter().flat_map(|circle| &circle.marks)) {
            match mark {
                Mark::Entered(state) => drop(states.insert(*state)),
                Mark::Taken(id) => drop(taken.insert(*id)),
                Mark::Left(_) => {}
            }
        }
        let possible = graph.gave_up.map(|_| super::possible::states(graph.chart));
        Self { states, taken, possible }
    }

    fn never_active(&self, state: NodeId) -> bool {
        match &self.possible {
            Some(possible) => possible.get(state.0 as usize) == Some(&false),
            None => !self.states.contains(&state),
        }
    }
}

fn unreachable(graph: &Exploration<'_>, seen: &Seen, found: &mut Vec<Finding>) {
    let chart = graph.chart;
    for (id, node) in chart.nodes() {
        // Inside a state that is never active, all the rest is said with it.
        let around = chart.state_around(id);
        if node.is_pseudo()
            || !seen.never_active(id)
            || around.is_some_and(|around| seen.never_active(around))
        {
            continue;
        }
        let message = format!("state {} is never active, whatever happens", node.label);
        found.push(Finding::new(Severity::Warning, "unreachable_state", &node.at, message));
    }
}

fn dead_transitions(graph: &Exploration<'_>, seen: &Seen, guards: &Guards<'_>, found: &mut Vec<Finding>) {
    let chart = graph.chart;
    let mut rivals: Option<HashMap<TransitionId, BTreeSet<TransitionId>>> = None;
    for (state, node) in chart.nodes() {
        for id in &node.transitions {
            if seen.taken.contains(id) {
                continue;
            }
            let at = &chart.transition(*id).at;
            let dead = |why: String| Finding::new(Severity::Warning, "dead_transition", at, why);
            if let Some((why, by)) = shadow(graph, guards, state, *id) {
                found.push(dead(format!("this transition is never taken: {why}")).related(by));
            } else if seen.never_active(state) {
                found.push(dead(format!("this transition is never taken: {} is never active", node.label)));
            } else if seen.possible.is_none() {
                let rivals = rivals.get_or_insert_with(|| rivals_of(graph));
                let by = rivals.get(id).into_iter().flatten().take(RELATED_MAX);
                let by: Vec<String> = by.map(|id| chart.transition(*id).at.clone()).collect();
                let why = match by.is_empty() {
                    true => {
                        "this transition is never taken: wherever it could be, something forbids the event"
                    }
                    false => "this transition is never taken: wherever it could be, another one is",
                };
                found.push(dead(why.to_owned()).related(by));
            }
        }
    }
}

/// What in the state itself always comes before a transition.
fn shadow(
    graph: &Exploration<'_>,
    guards: &Guards<'_>,
    state: NodeId,
    id: TransitionId,
) -> Option<(String, Vec<String>)> {
    let (chart, node) = (graph.chart, graph.chart.node(state));
    if guards.can_pass(id).is_never() {
        return Some(("its guards never agree".into(), Vec::new()));
    }
    let eventless = node.eventless.contains(&id);
    let event = chart.transition(id).event;
    let forbids =
        node.handlers.forbids_all || event.is_some_and(|event| node.handlers.forbids.contains(&event));
    if forbids && !eventless {
        let forbidding = chart.source().all_states().find(|source| source.name == node.name).into_iter();
        let by = forbidding
            .flat_map(|source| &source.transitions)
            .filter(|other| other.forbidden && (other.wildcard || other.on == chart.transition(id).on));
        return Some(("its state forbids the event".into(), by.map(|by| by.at.clone()).collect()));
    }
    let order: &[TransitionId] = match (eventless, chart.semantics()) {
        (true, _) => &node.eventless,
        // The first in the document that is for the event: of any of them only the same and the wildcard surely are.
        (false, Semantics::Scxml) => &node.transitions,
        (false, _) => node.handlers.of(event),
    };
    let before = order.iter().take_while(|other| **other != id);
    let covers = |other: &&TransitionId| {
        let (other_event, other_eventless) =
            (chart.transition(**other).event, node.eventless.contains(other));
        other_eventless == eventless
            && (other_event == event || other_event.is_none())
            && guards.can_refuse(**other).is_never()
    };
    let first = before.into_iter().find(covers)?;
    let other = chart.transition(*first);
    let why = match (is_guarded(other), other.event == event) {
        (true, _) => "one that comes before it always agrees",
        (false, true) => "one that comes before it has no guard",
        (false, false) => "one for any event comes before it and has no guard",
    };
    Some((why.into(), vec![other.at.clone()]))
}

/// For each transition those that are taken for its event while its state is active.
fn rivals_of(graph: &Exploration<'_>) -> HashMap<TransitionId, BTreeSet<TransitionId>> {
    let chart = graph.chart;
    let mut rivals: HashMap<TransitionId, BTreeSet<TransitionId>> = HashMap::new();
    for step in &graph.moves {
        let Some(config) = step.from.and_then(|from| graph.configs.get(from)) else { continue };
        let event =
            step.event.and_then(|event| graph.events.get(event)).and_then(|name| chart.events.get(name));
        let Some(Mark::Taken(taken)) = step.marks.iter().find(|mark| matches!(mark, Mark::Taken(_))) else {
            continue;
        };
        let around: BTreeSet<NodeId> = config.leaves.iter().flat_map(|leaf| chart.spine(*leaf)).collect();
        for id in around.iter().flat_map(|state| chart.node(*state).handlers.of(event.copied())) {
            rivals.entry(*id).or_default().insert(*taken);
        }
    }
    rivals
}

fn livelocks(graph: &Exploration<'_>, found: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    for circle in &graph.circles {
        let round: BTreeSet<&str> = circle
            .marks
            .iter()
            .rev()
            .filter_map(|mark| match mark {
                Mark::Taken(id) => Some(graph.chart.transition(*id).at.as_str()),
                _ => None,
            })
            .take(RELATED_MAX)
            .collect();
        let Some(at) = round.first().copied().filter(|_| seen.insert((round.clone(), circle.certain))) else {
            continue;
        };
        let (severity, message) = match circle.certain {
            true => (
                Severity::Warning,
                "the step does not come to rest: transitions without event and raised events go round in a circle",
            ),
            false => {
                (Severity::Info, "the step comes to rest only if a guard answers otherwise at some time")
            }
        };
        let related = round.iter().copied().filter(|other| *other != at).map(str::to_owned);
        let finding = Finding::new(severity, "livelock", at, message).related(related);
        found.push(finding.witness(graph.witness_of_circle(circle)));
        if seen.len() >= FINDINGS_MAX {
            return;
        }
    }
}

fn dead_ends(graph: &Exploration<'_>, found: &mut Vec<Finding>) {
    let chart = graph.chart;
    let mut seen = BTreeSet::new();
    for (number, config) in graph.configs.iter().enumerate() {
        let done = config.leaves.iter().all(|leaf| chart.node(*leaf).kind == Kind::Final);
        if done || !config.whole || !config.out.is_empty() || !seen.insert(&config.leaves) {
            continue;
        }
        let open: Vec<NodeId> =
            config.leaves.iter().copied().filter(|leaf| chart.node(*leaf).kind != Kind::Final).collect();
        let Some(first) = open.first() else { continue };
        let names: Vec<&str> = config.leaves.iter().map(|leaf| &*chart.node(*leaf).label).collect();
        let message =
            format!("in {} nothing happens any more, and the machine is not done", names.join(", "));
        let finding = Finding::new(Severity::Warning, "dead_end", &chart.node(*first).at, message);
        let related = open.iter().skip(1).map(|leaf| chart.node(*leaf).at.clone());
        found.push(finding.related(related).witness(graph.witness_to(number)));
        if seen.len() >= FINDINGS_MAX {
            return;
        }
    }
}

/// States from which the machine cannot be done any more, of a machine that can be.
fn without_end(graph: &Exploration<'_>, found: &mut Vec<Finding>) {
    let chart = graph.chart;
    if !chart.nodes().any(|(_, node)| node.kind == Kind::Final) {
        return;
    }
    let is_done = |leaves: &[NodeId]| leaves.iter().all(|leaf| chart.node(*leaf).kind == Kind::Final);
    let can =
        graph.can_come(|number| graph.configs.get(number).is_some_and(|config| is_done(&config.leaves)));
    // A final state inside another may end only that. What never ends at all is meant to go on, or says so once.
    let ends_at_top = chart.node(ROOT).children.iter().any(|state| chart.node(*state).kind == Kind::Final);
    if !can.contains(&true) {
        if ends_at_top {
            let message = "the machine is never done: no final state at the top can be reached";
            found.push(Finding::new(Severity::Warning, "cannot_reach_final", "", message));
        }
        return;
    }
    let mut hopeless: BTreeMap<NodeId, Option<usize>> = BTreeMap::new();
    for (number, (config, can)) in graph.configs.iter().zip(&can).enumerate() {
        for state in config.leaves.iter().flat_map(|leaf| chart.spine(*leaf)) {
            let first = hopeless.entry(state).or_insert(Some(number));
            if *can {
                *first = None;
            }
        }
    }
    for (state, first) in &hopeless {
        let node = chart.node(*state);
        let around = chart.state_around(*state).and_then(|around| hopeless.get(&around)).copied().flatten();
        if let (Some(first), false, None) = (first, node.is_pseudo(), around) {
            let message = format!("from {} the machine can never be done", node.label);
            let finding = Finding::new(Severity::Warning, "cannot_reach_final", &node.at, message);
            found.push(finding.witness(graph.witness_to(*first)));
        }
    }
}
