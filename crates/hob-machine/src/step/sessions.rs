//! Where the data model is asked besides executable content: before the first state, for what a final state hands on, and for
//! the sessions that a state starts.
//!
//! Source: the State Chart XML recommendation, 5.3, 5.5 and 6.4, and `mainEventLoop` of its appendix D.

use serde_json::Value;

use super::raised::Raised;
use super::run::Place;
use super::{Stepper, Stepping};
use crate::chart::session::{DONE_DATA, HookId, Session};
use crate::chart::shape::ROOT;
use crate::chart::{NodeId, Use};
use crate::effect::Effect;
use crate::origin::EventKind;

impl<'a> Stepper<'a> {
    /// Asks the data model; `None` when there is none, or it failed, which is told then.
    fn hook(&mut self, hook: HookId, tag: &str) -> Stepping<Option<Vec<Effect>>> {
        let (index, machine) = (hook.0 as usize, self.machine);
        let wanted: Option<&'a Use> = self.chart.hooks.get(index);
        let (Some(wanted), Some(Some(bound))) = (wanted, machine.hooks.get(index)) else { return Ok(None) };
        let (effects, done) = self.asked(&**bound, wanted, Place::State(ROOT));
        self.pay(&effects)?;
        Ok(if self.is_told(done, (tag, wanted.position))? { None } else { Some(effects) })
    }

    /// Errors in the data that a machine begins with are its first events.
    pub(super) fn begin_data(&mut self) -> Stepping {
        let Some(begin) = self.chart.begin else { return Ok(()) };
        for effect in self.hook(begin, "data")?.into_iter().flatten() {
            match effect {
                Effect::Raise { event, data } => {
                    self.note(|_| format!("raise.{event}"));
                    self.raised.push(Raised::new(event, data, EventKind::Platform));
                }
                effect => self.effect(effect)?,
            }
        }
        Ok(())
    }

    /// What a final state hands on.
    pub(super) fn done_data(&mut self, id: NodeId) -> Stepping<Option<Value>> {
        let Some(hook) = self.chart.node(id).done_data else { return Ok(None) };
        let mut data = None;
        for effect in self.hook(hook, "donedata")?.into_iter().flatten() {
            match effect {
                Effect::Action { name, value } if &*name == DONE_DATA => data = Some(value),
                effect => self.emit(effect)?,
            }
        }
        Ok(data)
    }

    /// Starts a session. Whether there is a data model that says which; what it cannot say is told.
    pub(super) fn start_session(&mut self, session: &Session) -> Stepping<bool> {
        if !matches!(self.machine.hooks.get(session.begin.0 as usize), Some(Some(_))) {
            return Ok(false);
        }
        for effect in self.hook(session.begin, "invoke")?.into_iter().flatten() {
            self.emit(effect)?;
        }
        Ok(true)
    }

    /// Before an event from outside is handled: what the session it comes from is finalized by, and who else gets it. Whether
    /// there was anything to do.
    pub(super) fn heed(&mut self) -> Stepping<bool> {
        let chart = self.chart;
        let mut heeded = false;
        for (id, node) in chart.nodes().filter(|(_, node)| !node.actors.is_empty()) {
            if !self.active.is_active(chart, id) {
                continue;
            }
            for actor in &node.actors {
                let Some(session) = &actor.session else { continue };
                if !session.finalize.is_empty() && self.origin.invoke_id.as_ref() == Some(&actor.id) {
                    heeded = true;
                    self.list(&session.finalize, &[], Place::State(id))?;
                }
                if session.forward {
                    heeded = true;
                    let (target, system_id) = (actor.id.clone(), "".into());
                    self.effect(Effect::Forward { target, system_id })?;
                }
            }
        }
        Ok(heeded)
    }
}
