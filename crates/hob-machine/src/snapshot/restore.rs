//! An instance from a snapshot.

use std::sync::Arc;

use super::legal::activate;
use super::{MINORS, RestoreError, SNAPSHOT_VERSION, Snapshot};
use crate::binding::Machine;
use crate::chart::shape::ROOT;
use crate::chart::{Chart, Kind, NodeId};
use crate::instance::{Active, Context, Instance, Leaves};
use crate::name::Name;
use crate::problem::below;
use crate::weight::{CONTEXT_DEPTH_MAX, VALUE_DEPTH_MAX, nests_within};

impl Instance {
    /// The instance that a snapshot was taken of. No action runs. Errors: another machine, id or version, another major
    /// version of the format, states that the machine has not, and configurations and histories that cannot be.
    pub fn restore(machine: &Arc<Machine>, snapshot: &Snapshot) -> Result<Self, RestoreError> {
        let chart = &machine.chart;
        check_identity(chart, snapshot)?;
        if !nests_within(&snapshot.context, CONTEXT_DEPTH_MAX) {
            let why = format!("a value in it nests deeper than {VALUE_DEPTH_MAX}");
            return Err(RestoreError::field("/context", why));
        }
        let mut leaves = Vec::with_capacity(snapshot.configuration.len());
        for (index, name) in snapshot.configuration.iter().enumerate() {
            leaves.push(leaf(chart, name, &below("/configuration", index))?);
        }
        if let (true, Some(current)) = (leaves.is_empty(), &snapshot.current) {
            leaves.push(leaf(chart, current, "/current")?);
        }
        let mut active = Active::none(chart);
        activate(chart, &mut active, ROOT, &leaves)
            .map_err(|why| RestoreError::Illegal { at: "/configuration".into(), why })?;
        history(chart, snapshot, &mut active)?;
        Ok(Self { machine: Arc::clone(machine), active, context: Context::new(snapshot.context.clone()) })
    }
}

fn check_identity(chart: &Chart, snapshot: &Snapshot) -> Result<(), RestoreError> {
    let (snapshot_name, machine) = (snapshot.machine.clone(), chart.name.to_string());
    if snapshot_name != machine {
        return Err(RestoreError::Machine { snapshot: snapshot_name, machine });
    }
    let differ = |snapshot: &Option<String>, machine: &Option<String>| match (snapshot, machine) {
        (Some(snapshot), Some(machine)) if snapshot != machine && !snapshot.is_empty() => {
            Some((snapshot.clone(), machine.clone()))
        }
        _ => None,
    };
    if let Some((snapshot, machine)) = differ(&snapshot.machine_id, &chart.id) {
        return Err(RestoreError::MachineId { snapshot, machine });
    }
    if let Some((snapshot, machine)) = differ(&snapshot.machine_version, &chart.version) {
        return Err(RestoreError::MachineVersion { snapshot, machine });
    }
    let major = SNAPSHOT_VERSION / MINORS;
    match snapshot.snapshot_version {
        0 => Ok(()),
        version if version / MINORS == major => Ok(()),
        version => Err(RestoreError::SnapshotVersion { snapshot: version, major }),
    }
}

fn leaf(chart: &Chart, name: &Name, at: &str) -> Result<NodeId, RestoreError> {
    let state = || name.to_string();
    let found = chart.state(name).ok_or_else(|| RestoreError::NoState { at: at.into(), state: state() })?;
    match chart.node(found).kind {
        Kind::Atomic | Kind::Final => Ok(found),
        _ => Err(RestoreError::NoLeaf { at: at.into(), state: state() }),
    }
}

/// A key of an object is a string, whatever the name is.
fn state_of_key(chart: &Chart, key: &str) -> Option<NodeId> {
    let number = || key.parse().ok().map(Name::Number);
    let boolean = || key.parse().ok().map(Name::Bool);
    chart
        .state(&Name::from(key))
        .or_else(|| number().and_then(|name| chart.state(&name)))
        .or_else(|| boolean().and_then(|name| chart.state(&name)))
}

fn history(chart: &Chart, snapshot: &Snapshot, active: &mut Active) -> Result<(), RestoreError> {
    for (key, names) in &snapshot.history_deep {
        let at = below("/historyDeep", key);
        let wrong = |why: String| RestoreError::History { at: at.clone(), why };
        let state = state_of_key(chart, key)
            .ok_or_else(|| RestoreError::NoState { at: at.clone(), state: key.clone() })?;
        if chart.node(state).kind != Kind::Compound {
            return Err(wrong(format!("{key:?} has no states inside of which one is active")));
        }
        let mut leaves = Leaves::new();
        for (index, name) in names.iter().enumerate() {
            let leaf = leaf(chart, name, &below(&at, index))?;
            if !chart.is_within(leaf, state) {
                return Err(wrong(format!("{name} is not inside {key}")));
            }
            leaves.push(leaf);
        }
        activate(chart, &mut Active::none(chart), state, &leaves).map_err(&wrong)?;
        // The first of them decides what a shallow history leads back to.
        leaves.sort_unstable();
        if let Some(shallow) = snapshot.history_shallow.get(key) {
            let child = leaves.first().and_then(|leaf| chart.child_toward(state, *leaf));
            if child != chart.state(shallow) {
                return Err(RestoreError::History {
                    at: below("/historyShallow", key),
                    why: format!(
                        "{shallow} is not the child of {key} that held the leaves of its deep history"
                    ),
                });
            }
        }
        active.remember(state, Some(leaves));
    }
    if let Some(key) = snapshot.history_shallow.keys().find(|key| !snapshot.history_deep.contains_key(*key)) {
        return Err(RestoreError::History {
            at: below("/historyShallow", key),
            why: format!("which leaves inside {key} were active is not said in historyDeep"),
        });
    }
    Ok(())
}
