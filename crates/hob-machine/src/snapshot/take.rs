//! Taking a snapshot.

use super::{Pending, SNAPSHOT_VERSION, Snapshot, Status};
use crate::effect::Effect;
use crate::instance::Instance;
use crate::name::Name;

impl Instance {
    /// What this instance is now. What its timers have left is known to who drives it, and not here.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let chart = &self.machine.chart;
        let mut snapshot = Snapshot {
            machine: chart.name.to_string(),
            machine_id: chart.id.clone().filter(|id| !id.is_empty()),
            machine_version: chart.version.clone().filter(|version| !version.is_empty()),
            snapshot_version: SNAPSHOT_VERSION,
            current: self.current().cloned(),
            configuration: self.configuration(),
            context: self.context().clone(),
            status: if self.is_done() { Status::Done } else { Status::Running },
            pending: self.pending(),
            ..Snapshot::default()
        };
        for (state, leaves) in self.active.history() {
            let key = chart.node(*state).label.to_string();
            let first = leaves.first().and_then(|leaf| chart.child_toward(*state, *leaf));
            if let Some(child) = first {
                snapshot.history_shallow.insert(key.clone(), chart.node(child).name.clone());
            }
            let names: Vec<Name> = leaves.iter().map(|leaf| chart.node(*leaf).name.clone()).collect();
            snapshot.history_deep.insert(key, names);
        }
        snapshot
    }

    /// What has to be started for the states that are active, as if they were entered now: timers with their whole delay,
    /// services, machines. For a snapshot that says nothing of what was running; those of states around leaves are among it.
    #[must_use]
    pub fn resume_effects(&self) -> Vec<Effect> {
        let chart = &self.machine.chart;
        let active: Vec<_> = chart.nodes().filter(|(id, _)| self.active.is_active(chart, *id)).collect();
        let mut effects = Vec::new();
        for (_, node) in &active {
            effects.extend(node.timers.iter().map(|timer| timer.schedule(node)));
        }
        for (_, node) in &active {
            effects.extend(node.services.iter().map(|service| Effect::StartService(service.start(node))));
        }
        for (_, node) in &active {
            effects.extend(node.actors.iter().map(|actor| Effect::SpawnActor(actor.start(node))));
        }
        effects
    }

    fn pending(&self) -> Pending {
        let mut pending = Pending::default();
        for effect in self.resume_effects() {
            match effect {
                Effect::ScheduleAfter { id, .. } => pending.timers.push(id.to_string()),
                Effect::StartService(start) => pending.services.push(start.id.to_string()),
                Effect::SpawnActor(start) => pending.actors.push(start.id.to_string()),
                _ => {}
            }
        }
        pending
    }
}
