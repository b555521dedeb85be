//! The events that a machine can tell apart.

use std::collections::BTreeSet;

use crate::chart::{Chart, Semantics};
use crate::name::Name;

/// What a machine by the W3C's rules raises for itself when something is done.
const DONE: &str = "done.state.";

/// One event for each way in which the machine treats events, and one that no transition names when it would notice.
pub(super) fn of(chart: &Chart) -> Vec<Name> {
    let mut events: Vec<Name> = match chart.semantics() {
        Semantics::Scxml => descriptors(chart),
        Semantics::Hob | Semantics::Crucible => chart.events().to_vec(),
    };
    let anything = chart.nodes().any(|(_, node)| {
        !node.handlers.any.is_empty()
            || node.handlers.forbids_all
            || node.transitions.iter().any(|id| chart.transition(*id).on.as_str() == Some("*"))
    });
    if anything {
        let mut other = "anything".to_owned();
        while events.contains(&Name::from(other.as_str())) {
            other.push('_');
        }
        events.push(other.into());
    }
    events
}

/// An event per descriptor: of those that begin with it all but those that another names are treated alike. Where an event is
/// forbidden, which is by its whole name, those that only begin with it are another kind.
fn descriptors(chart: &Chart) -> Vec<Name> {
    let forbids = chart.nodes().any(|(_, node)| !node.handlers.forbids.is_empty());
    let mut seen = BTreeSet::new();
    let mut events = Vec::new();
    for name in chart.events() {
        let Some(list) = name.as_str() else {
            events.push(name.clone());
            continue;
        };
        for descriptor in list.split_ascii_whitespace() {
            let stem =
                descriptor.strip_suffix(".*").or_else(|| descriptor.strip_suffix('.')).unwrap_or(descriptor);
            if stem == "*" || stem.starts_with(DONE) {
                continue;
            }
            let below = forbids.then(|| format!("{stem}.anything"));
            for event in std::iter::once(stem.to_owned()).chain(below) {
                if seen.insert(event.clone()) {
                    events.push(event.into());
                }
            }
        }
    }
    events
}
