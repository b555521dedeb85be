//! What was active when: at rest, and in between while a step is taken.

use super::explore::{Exploration, Move};
use super::oracle::Mark;
use super::property::Condition;
use crate::chart::{Chart, Kind, NodeId};
use crate::name::Name;

/// A condition whose states are those of a chart.
#[derive(Clone, Debug)]
pub(super) enum Resolved {
    In(NodeId),
    Not(Box<Resolved>),
    And(Vec<Resolved>),
    Or(Vec<Resolved>),
}

impl Resolved {
    /// Errors: a state that the chart has not.
    pub(super) fn of(condition: &Condition, chart: &Chart) -> Result<Self, Name> {
        let all = |parts: &[Condition]| -> Result<Vec<Self>, Name> {
            parts.iter().map(|part| Self::of(part, chart)).collect()
        };
        Ok(match condition {
            Condition::In(name) => Self::In(state(name, chart).ok_or_else(|| name.clone())?),
            Condition::Not(inner) => Self::not(Self::of(inner, chart)?),
            Condition::And(parts) => Self::And(all(parts)?),
            Condition::Or(parts) => Self::Or(all(parts)?),
            Condition::Implies(from, to) => {
                Self::Or(vec![Self::not(Self::of(from, chart)?), Self::of(to, chart)?])
            }
        })
    }

    pub(super) fn not(inner: Self) -> Self {
        Self::Not(Box::new(inner))
    }

    pub(super) fn holds(&self, is_active: &impl Fn(NodeId) -> bool) -> bool {
        match self {
            Self::In(state) => is_active(*state),
            Self::Not(inner) => !inner.holds(is_active),
            Self::And(parts) => parts.iter().all(|part| part.holds(is_active)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(is_active)),
        }
    }
}

/// A state by its name; a number and a boolean by how they are written.
fn state(name: &Name, chart: &Chart) -> Option<NodeId> {
    let written = name.as_str().and_then(|text| serde_json::from_str(text).ok());
    chart.state(name).or_else(|| chart.state(&Name::from_value(&written?)?))
}

impl Exploration<'_> {
    /// Whether a condition holds where the machine has come to rest.
    pub(super) fn holds(&self, condition: &Resolved, config: usize) -> bool {
        self.configs.get(config).is_some_and(|config| {
            condition.holds(&|state| config.leaves.iter().any(|leaf| self.chart.is_within(*leaf, state)))
        })
    }

    /// Whether it holds at any moment of a step, its end included and its beginning not.
    pub(super) fn holds_within(&self, condition: &Resolved, step: &Move) -> bool {
        let chart = self.chart;
        let mut active: Vec<NodeId> = Vec::new();
        if let Some(config) = step.from.and_then(|from| self.configs.get(from)) {
            active.extend(config.leaves.iter().flat_map(|leaf| chart.spine(*leaf)));
        }
        let mut entering = false;
        for mark in &step.marks {
            // Whatever was entered together is active together.
            if entering
                && !matches!(mark, Mark::Entered(_))
                && condition.holds(&|state| active.contains(&state))
            {
                return true;
            }
            entering = matches!(mark, Mark::Entered(_));
            match mark {
                Mark::Taken(_) => {}
                Mark::Left(state) => active.retain(|other| other != state),
                Mark::Entered(state) => {
                    let around = chart.parent(*state);
                    if chart.node(around).kind != Kind::Parallel {
                        let beside = |other: &NodeId| {
                            *other != around
                                && chart.is_within(*other, around)
                                && !chart.is_within(*state, *other)
                        };
                        active.retain(|other| !beside(other));
                    }
                    active.push(*state);
                }
            }
        }
        self.holds(condition, step.to)
    }
}
