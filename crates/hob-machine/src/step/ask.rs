//! Asking guards.

use serde_json::Value;

use super::{Stepper, Stepping};
use crate::binding::{Call, Here};
use crate::chart::{GuardId, NodeId, TransitionId};
use crate::error::StepError;
use crate::guard::{Ask, Label};

/// Whether a transition may be taken.
pub(super) enum Verdict {
    Yes,
    /// And the guard that said so.
    No(String),
}

/// One asking, and what it came to.
struct Asking<'s, 'a> {
    stepper: &'s mut Stepper<'a>,
    /// What said no last.
    no: Option<No>,
    /// Whether the names of what said no are wanted, and what is asked goes into the trace.
    told: bool,
}

enum No {
    Named(GuardId),
    Shown(String),
}

impl<'a> Stepper<'a> {
    /// Asks all guards of a transition, as far as the first that says no.
    pub(super) fn ask(&mut self, transition: TransitionId) -> Stepping<Verdict> {
        self.asking(transition, true)
    }

    /// As [`Stepper::ask`], of a transition without event: an error is a no, and nobody is told.
    pub(super) fn ask_silently(&mut self, transition: TransitionId) -> bool {
        matches!(self.asking(transition, false), Ok(Verdict::Yes))
    }

    fn asking(&mut self, transition: TransitionId, told: bool) -> Stepping<Verdict> {
        let chart = self.chart;
        let transition = chart.transition(transition);
        if transition.guards.is_empty() && transition.guard.is_none() {
            return Ok(Verdict::Yes);
        }
        let mut asking = Asking { stepper: self, no: None, told };
        for guard in &transition.guards {
            if !asking.named(*guard)? {
                return Ok(Verdict::No(name(asking.stepper, *guard)));
            }
        }
        let Some(guard) = &transition.guard else { return Ok(Verdict::Yes) };
        if guard.evaluate(&mut asking)? {
            return Ok(Verdict::Yes);
        }
        Ok(Verdict::No(match asking.no {
            Some(No::Named(guard)) => name(asking.stepper, guard),
            Some(No::Shown(label)) => label,
            None => "not".into(),
        }))
    }

    fn record_guard(&mut self, label: &str) {
        if let Some(trace) = &mut self.trace {
            trace.guards_evaluated.push(label.to_owned());
        }
    }
}

fn name(stepper: &Stepper<'_>, guard: GuardId) -> String {
    stepper.chart.guards.get(guard.0 as usize).map(|guard| guard.name.to_string()).unwrap_or_default()
}

impl Ask for Asking<'_, '_> {
    type Error = StepError;

    fn named(&mut self, guard: GuardId) -> Stepping<bool> {
        let stepper = &mut *self.stepper;
        let (chart, machine) = (stepper.chart, stepper.machine);
        let index = guard.0 as usize;
        let (Some(wanted), Some(bound)) = (chart.guards.get(index), machine.guards.get(index)) else {
            return Err(StepError::GuardError { guard: String::new(), cause: "it is not bound".into() });
        };
        if self.told {
            stepper.record_guard(&wanted.name);
        }
        let call = Call {
            name: &wanted.name,
            params: &wanted.params,
            context: stepper.offered.as_deref().unwrap_or(&stepper.context),
            event: stepper.now.as_ref().map(|(name, _)| name),
            data: stepper.data.as_deref(),
            position: wanted.position,
            origin: &stepper.origin,
            here: Here { chart, active: stepper.active },
            deadline: stepper.limits.deadline,
            work: &stepper.work,
        };
        let said = bound(&call);
        stepper.work.is_enough().map_err(|limit| StepError::Work { limit })?;
        said.map_err(|failure| StepError::GuardError {
            guard: wanted.name.to_string(),
            cause: failure.to_string(),
        })
    }

    fn is_active(&mut self, state: NodeId, label: &str) -> bool {
        if self.told {
            self.stepper.record_guard(label);
        }
        self.stepper.active.is_active(self.stepper.chart, state)
    }

    fn context(&mut self, label: &str) -> &Value {
        if self.told {
            self.stepper.record_guard(label);
        }
        self.stepper.offered.as_deref().unwrap_or(&self.stepper.context)
    }

    fn wrong(&mut self, label: &str, why: String) -> StepError {
        StepError::GuardError { guard: label.to_owned(), cause: why }
    }

    fn said_no(&mut self, label: Label<'_>) {
        self.no = match label {
            _ if !self.told => None,
            Label::Named(guard) => Some(No::Named(guard)),
            Label::Shown(label) => Some(No::Shown(label.to_owned())),
            Label::Not => None,
        };
    }
}
