//! Running what a state or a transition lists: actions, then changes of the context.

use std::sync::Arc;

use super::raised::Raised;
use super::{Stepper, Stepping, copy};
use crate::binding::{Bound, Call, Content, Here};
use crate::chart::{ActionId, AssignId, NodeId, Use};
use crate::effect::Effect;
use crate::error::StepError;
use crate::origin::EventKind;

/// Whose they are, for an error.
#[derive(Clone, Copy)]
pub(super) enum Place {
    State(NodeId),
    Transition(NodeId, NodeId),
}

impl<'a> Stepper<'a> {
    fn show(&self, place: Place) -> String {
        match place {
            Place::State(state) => self.label(state).to_owned(),
            Place::Transition(from, to) => format!("{}->{}", self.label(from), self.label(to)),
        }
    }

    fn call(&self, name: &'a str, params: &'a serde_json::Map<String, serde_json::Value>) -> Call<'_> {
        let event = self.now.as_ref().map(|(name, _)| name);
        Call {
            name,
            params,
            context: &self.context,
            event,
            data: self.data.as_deref(),
            position: None,
            origin: &self.origin,
            here: Here { chart: self.chart, active: self.active },
            deadline: self.limits.deadline,
            work: &self.work,
        }
    }

    pub(super) fn actions(&mut self, actions: &[ActionId], place: Place) -> Stepping {
        let (chart, machine) = (self.chart, self.machine);
        for action in actions {
            let index = action.0 as usize;
            let (Some(wanted), Some(bound)) = (chart.actions.get(index), machine.actions.get(index)) else {
                continue;
            };
            match bound {
                Bound::Block => {}
                Bound::Builtin(effect) => self.builtin(&wanted.name, effect)?,
                Bound::Content(content) => self.content(&**content, wanted, place)?,
                Bound::Host(action) => {
                    if let Some(trace) = &mut self.trace {
                        trace.effects_emitted.push(wanted.name.to_string());
                    }
                    let value = action(&self.call(&wanted.name, &wanted.params)).map_err(|failure| {
                        StepError::ActionFailed {
                            action: wanted.name.to_string(),
                            place: self.show(place),
                            cause: failure.to_string(),
                        }
                    })?;
                    if let Some(value) = value {
                        self.effect(Effect::Action { name: Arc::clone(&wanted.name), value })?;
                    }
                }
            }
        }
        Ok(())
    }

    fn content(&mut self, content: &Content, wanted: &'a Use, place: Place) -> Stepping {
        let (effects, done) = self.asked(content, wanted, place);
        self.pay(&effects)?;
        for effect in effects {
            self.emit(effect)?;
        }
        done
    }

    /// Runs executable content. What it wants done is not done yet.
    pub(super) fn asked(
        &mut self,
        content: &Content,
        wanted: &'a Use,
        place: Place,
    ) -> (Vec<Effect>, Stepping) {
        if let Some(trace) = &mut self.trace {
            trace.effects_emitted.push(wanted.name.to_string());
        }
        let call = Call {
            name: &wanted.name,
            params: &wanted.params,
            context: &self.before,
            event: self.now.as_ref().map(|(name, _)| name),
            data: self.data.as_deref(),
            position: wanted.position,
            origin: &self.origin,
            here: Here { chart: self.chart, active: self.active },
            deadline: self.limits.deadline,
            work: &self.work,
        };
        let mut effects = Vec::new();
        let done = content(&call, copy::own(&mut self.context), &mut effects);
        let done = done.map_err(|failure| {
            let cause = failure.to_string();
            self.failure = Some(Box::new(failure));
            StepError::ActionFailed { action: wanted.name.to_string(), place: self.show(place), cause }
        });
        (effects, done)
    }

    /// Pays for the data of what executable content wants done. Errors: too much of it, or of the work that went before.
    pub(super) fn pay(&mut self, effects: &[Effect]) -> Stepping {
        self.work.is_enough().map_err(|limit| StepError::Work { limit })?;
        for effect in effects {
            let left = effect.pay(self.data_left);
            self.data_left = left.map_err(|_| StepError::Data { limit: self.limits.data })?;
        }
        Ok(())
    }

    /// What is raised stays here; everything else goes out.
    pub(super) fn emit(&mut self, effect: Effect) -> Stepping {
        match effect {
            Effect::Raise { event, data } => {
                if self.raised.len() >= self.limits.effects {
                    return Err(StepError::Effects { limit: self.limits.effects });
                }
                self.note(|_| format!("raise.{event}"));
                self.raised.push(Raised::new(event, data, EventKind::Internal));
                Ok(())
            }
            effect => self.effect(effect),
        }
    }

    fn builtin(&mut self, name: &str, effect: &Effect) -> Stepping {
        if let Some(trace) = &mut self.trace {
            trace.effects_emitted.push(format!("{name}:{}", effect.kind().unwrap_or_default()));
            let target = |target: &str, system: &str| {
                if target.is_empty() && !system.is_empty() { format!("@{system}") } else { target.to_owned() }
            };
            trace.microsteps.extend(match effect {
                Effect::StopActor { id } => Some(format!("actor.stop.{id}")),
                Effect::SendTo { target: id, system_id, .. } => {
                    Some(format!("actor.send.{}", target(id, system_id)))
                }
                Effect::SendParent { .. } => Some("actor.sendParent".into()),
                Effect::Respond { .. } => Some("actor.respond".into()),
                Effect::Forward { target: id, system_id } => {
                    Some(format!("actor.forward.{}", target(id, system_id)))
                }
                _ => None,
            });
        }
        self.emit(effect.clone())
    }

    pub(super) fn assigns(&mut self, assigns: &[AssignId], place: Place) -> Stepping {
        let (chart, machine) = (self.chart, self.machine);
        for assign in assigns {
            let index = assign.0 as usize;
            let (Some(wanted), Some(bound)) = (chart.assigns.get(index), machine.assigns.get(index)) else {
                continue;
            };
            if let Some(trace) = &mut self.trace {
                trace.assigns_applied.push(wanted.name.to_string());
            }
            let call = Call {
                name: &wanted.name,
                params: &wanted.params,
                context: &self.before,
                event: self.now.as_ref().map(|(name, _)| name),
                data: self.data.as_deref(),
                position: wanted.position,
                origin: &self.origin,
                here: Here { chart: self.chart, active: self.active },
                deadline: self.limits.deadline,
                work: &self.work,
            };
            // Whoever else still sees the context as it was keeps it as it was.
            let done = bound(&call, copy::own(&mut self.context));
            done.map_err(|failure| StepError::AssignFailed {
                assign: wanted.name.to_string(),
                place: self.show(place),
                cause: failure.to_string(),
            })?;
        }
        Ok(())
    }
}
