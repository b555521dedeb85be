//! Which state of the old version is which of the new one.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::chart::{Chart, NodeId};
use crate::document::model::State;
use crate::name::Name;

/// The names of states in the new version, by those in the old.
pub(super) type Names = HashMap<Name, Name>;

/// By name; of those that are left, a state that is gone is one that is new when both stand in the same state and do the same.
pub(super) fn states(old: &Chart, new: &Chart) -> Names {
    let mut names: Names = old
        .source()
        .all_states()
        .map(|state| &state.name)
        .filter(|name| new.state(name).is_some())
        .map(|name| (name.clone(), name.clone()))
        .collect();
    let taken: HashSet<Name> = names.values().cloned().collect();
    let mut fresh: BTreeMap<String, Vec<&State>> = BTreeMap::new();
    for state in new.source().all_states().filter(|state| !taken.contains(&state.name)) {
        let around = around(new, &state.name);
        fresh.entry(shape(state, around.as_ref(), &|name| name.clone())).or_default().push(state);
    }
    fresh.values_mut().for_each(|states| states.reverse());
    // Parents come before their children, so that where a child stands is known under its new name.
    for state in old.source().all_states() {
        if names.contains_key(&state.name) {
            continue;
        }
        let renamed = |name: &Name| names.get(name).unwrap_or(name).clone();
        let around = around(old, &state.name).map(|name| renamed(&name));
        let found = fresh.get_mut(&shape(state, around.as_ref(), &renamed)).and_then(Vec::pop);
        if let Some(found) = found {
            names.insert(state.name.clone(), found.name.clone());
        }
    }
    names
}

fn around(chart: &Chart, name: &Name) -> Option<Name> {
    let id: NodeId = chart.state(name)?;
    chart.state_around(id).map(|around| chart.node(around).name.clone())
}

/// What a state is and does, its own name left out.
fn shape(state: &State, around: Option<&Name>, renamed: &impl Fn(&Name) -> Name) -> String {
    let names = |refs: &[crate::document::model::Ref]| -> Vec<String> {
        refs.iter().map(|reference| reference.name.clone()).collect()
    };
    let transitions: Vec<_> = state
        .transitions
        .iter()
        .map(|transition| {
            let to = (transition.to != state.name).then(|| renamed(&transition.to));
            (to, &transition.on, names(&transition.guards), names(&transition.effects), transition.after)
        })
        .collect();
    let inside: Vec<Name> = state.inside().map(|inside| renamed(&inside.name)).collect();
    let does = (names(&state.on_entry), names(&state.on_exit), state.is_final, state.history);
    format!("{around:?} {does:?} {transitions:?} {inside:?} {}", state.regions.len())
}
