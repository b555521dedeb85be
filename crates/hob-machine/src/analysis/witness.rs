//! A way through a machine that shows something: events, the answers that were assumed, and where it leads.

use serde::Serialize;

use super::explore::{Circle, Exploration};
use super::oracle::{Asked, Mark, Run};
use crate::chart::NodeId;
use crate::chart::shape::ROOT;
use crate::name::Name;
use crate::step::Limits;

/// An answer that a guard gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The guard, as traces show it.
    pub guard: String,
    /// What it says.
    pub answer: bool,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// The event; `None` when the machine begins.
    pub event: Option<Name>,
    /// What guards answer, each question once, in the order in which they are asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// The transitions that are taken, by their places in the document.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transitions: Vec<String>,
    /// The active leaves afterwards. When the step does not come to rest they are those from before.
    pub configuration: Vec<Name>,
}

/// A trace that shows something. Its first step is the one with which the machine begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Witness {
    /// Step by step.
    pub steps: Vec<Taken>,
    /// The step that follows on the last one again, when this goes on for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again_from: Option<usize>,
    /// Whether the last step does not come to rest.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub restless: bool,
}

impl Witness {
    /// The events, without the answers.
    #[must_use]
    pub fn events(&self) -> Vec<Name> {
        self.steps.iter().filter_map(|step| step.event.clone()).collect()
    }
}

/// Events with the answers that must be assumed, and where each leads.
impl std::fmt::Display for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            let event = step.event.as_ref().map_or_else(|| "begin".to_owned(), Name::to_string);
            write!(f, "{}{event}", if index == 0 { "" } else { "\n" })?;
            for (place, Answer { guard, answer }) in step.answers.iter().enumerate() {
                let no = if *answer { "" } else { "not " };
                write!(f, "{}{no}{guard}", if place == 0 { " [" } else { ", " })?;
            }
            write!(f, "{} ->", if step.answers.is_empty() { "" } else { "]" })?;
            step.configuration.iter().try_for_each(|leaf| write!(f, " {leaf}"))?;
        }
        if let Some(step) = self.again_from {
            write!(f, "\nand from step {step} again")?;
        }
        if self.restless {
            write!(f, "\nand the last step does not come to rest")?;
        }
        Ok(())
    }
}

impl Exploration<'_> {
    /// The moves of a shortest way to a configuration.
    pub(super) fn way_to(&self, config: usize) -> Vec<usize> {
        let mut way = Vec::new();
        let mut next = Some(config);
        while let Some(config) = next.and_then(|number| self.configs.get(number)) {
            way.push(config.first);
            next = self.moves.get(config.first).and_then(|step| step.from);
        }
        way.reverse();
        way
    }

    /// Moves as a trace.
    pub(super) fn witness(&self, moves: &[usize]) -> Witness {
        let steps = moves.iter().filter_map(|number| {
            let step = self.moves.get(*number)?;
            let leaves = &self.configs.get(step.to)?.leaves;
            Some(self.taken(step.event, &step.asked, &step.marks, leaves))
        });
        Witness { steps: steps.collect(), again_from: None, restless: false }
    }

    /// A shortest trace to a configuration.
    pub(super) fn witness_to(&self, config: usize) -> Witness {
        self.witness(&self.way_to(config))
    }

    pub(super) fn witness_of_circle(&self, circle: &Circle) -> Witness {
        let mut witness = circle.from.map_or_else(|| self.witness(&[]), |from| self.witness_to(from));
        let leaves = circle.from.and_then(|from| self.configs.get(from)).map(|config| &*config.leaves);
        let last = self.taken(circle.event, &circle.asked, &circle.marks, leaves.unwrap_or_default());
        witness.steps.push(last);
        witness.restless = true;
        witness
    }

    fn taken(&self, event: Option<usize>, asked: &[Asked], marks: &[Mark], leaves: &[NodeId]) -> Taken {
        let answer =
            |asked: &Asked| Answer { guard: self.atoms.label(asked.atom).into(), answer: asked.answer };
        let transitions = marks.iter().filter_map(|mark| match mark {
            Mark::Taken(id) => Some(self.chart.transition(*id).at.clone()),
            Mark::Left(_) | Mark::Entered(_) => None,
        });
        Taken {
            event: event.and_then(|event| self.events.get(event)).cloned(),
            answers: asked.iter().map(answer).collect(),
            transitions: transitions.collect(),
            configuration: leaves.iter().map(|leaf| self.chart.node(*leaf).name.clone()).collect(),
        }
    }

    /// Takes the steps of a trace on the kernel, with the answers that it assumes. Errors: where it goes another way.
    pub fn replay(&self, witness: &Witness) -> Result<(), String> {
        let mut active = None;
        for (index, step) in witness.steps.iter().enumerate() {
            let script: Vec<bool> = step.answers.iter().map(|answer| answer.answer).collect();
            let run = match (&active, &step.event) {
                (None, None) => self.oracle.start(script, &Limits::default()),
                (Some(active), Some(event)) => self.oracle.step(active, event, script, &Limits::default()),
                _ => return Err(format!("step {index}: a machine begins without event, and only once")),
            };
            let Run { asked, done, .. } = run;
            let asked: Vec<&str> = asked.iter().map(|asked| self.atoms.label(asked.atom)).collect();
            let told: Vec<&str> = step.answers.iter().map(|answer| &*answer.guard).collect();
            if asked != told {
                return Err(format!("step {index}: guards {asked:?} were asked and not {told:?}"));
            }
            let restless = witness.restless && index + 1 == witness.steps.len();
            match done {
                Err(_) if restless => return Ok(()),
                Err(failed) => return Err(format!("step {index}: {failed}")),
                Ok(_) if restless => return Err(format!("step {index} comes to rest")),
                Ok(now) => {
                    let mut leaves = Vec::new();
                    now.leaves(self.chart, ROOT, &mut |leaf| leaves.push(self.chart.node(leaf).name.clone()));
                    if leaves != step.configuration {
                        return Err(format!("step {index} leads to {leaves:?}"));
                    }
                    active = Some(now);
                }
            }
        }
        Ok(())
    }
}
