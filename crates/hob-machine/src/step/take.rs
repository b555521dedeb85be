//! Taking a transition: leave, act, enter.
//!
//! Source of the order: the reference kernel, measured. Per state that is left its actions, then its changes of the context;
//! then everything that was started for those states is stopped: timers, services, actors. Then the transition's own. Per
//! state that is entered its actions and changes; then everything that is started for those states.

use std::sync::Arc;

use super::enter::Nodes;
use super::raised::Raised;
use super::run::Place;
use super::{Stepper, Stepping};
use crate::chart::{Kind, NodeId, TransitionId};
use crate::effect::Effect;
use crate::instance::Leaves;
use crate::origin::EventKind;

impl<'a> Stepper<'a> {
    /// Takes a transition on behalf of the active state `from`: its source, or a leaf inside that.
    pub(super) fn take(&mut self, id: TransitionId, from: NodeId) -> Stepping {
        let chart = self.chart;
        let transition = chart.transition(id);
        let Some(target) = transition.targets.first().copied().filter(|_| !self.stays(id, from)) else {
            return self.act(id, Place::Transition(from, from));
        };
        let aim = self.aim(target);
        let domain = self.domain(from, aim.to, transition.reenter);
        let place = Place::Transition(from, aim.to);
        let exits = self.exits(domain);
        self.leave(&exits, from, place)?;
        self.clear(domain);
        self.act(id, place)?;
        self.enter_all(domain, &aim.targets)
    }

    /// Whether a transition leaves nothing: it says so, or leads where the machine is anyway.
    pub(super) fn stays(&self, id: TransitionId, from: NodeId) -> bool {
        let transition = self.chart.transition(id);
        let leads_around = |target: &NodeId| self.chart.is_within(from, *target);
        transition.internal || (!transition.reenter && transition.targets.first().is_some_and(leads_around))
    }

    /// What a transition lists itself.
    pub(super) fn act(&mut self, id: TransitionId, place: Place) -> Stepping {
        let transition = self.chart.transition(id);
        self.actions(&transition.effects, place)?;
        self.assigns(&transition.assigns, place)?;
        for event in &transition.raise {
            self.note(|_| format!("raise.{event}"));
            self.raised.push(Raised::new(event.clone(), None, EventKind::Internal));
        }
        Ok(())
    }

    pub(super) fn leave(&mut self, exits: &Nodes, from: NodeId, place: Place) -> Stepping {
        let chart = self.chart;
        for id in exits {
            if chart.node(*id).kind == Kind::Compound {
                let mut leaves = Leaves::new();
                self.active.leaves(chart, *id, &mut |leaf| leaves.push(leaf));
                self.remember(*id, leaves);
            }
        }
        for id in exits {
            let node = chart.node(*id);
            if let Some(trace) = &mut self.trace {
                trace.exited_states.push(Arc::clone(&node.label));
            }
            self.actions(&node.on_exit, place)?;
            self.assigns(&node.on_exit_assign, place)?;
        }
        self.stop(exits, from)
    }

    /// What was started for states that are left: those that `from` is in first.
    pub(super) fn stop(&mut self, exits: &Nodes, from: NodeId) -> Stepping {
        let chart = self.chart;
        let started = |id: &&NodeId| {
            let node = chart.node(**id);
            !(node.timers.is_empty() && node.services.is_empty() && node.actors.is_empty())
        };
        if !exits.iter().any(|id| started(&id)) {
            return Ok(());
        }
        let (mut order, others): (Nodes, Nodes) =
            exits.iter().filter(started).copied().partition(|id| chart.is_within(from, *id));
        order.extend(others);
        for id in &order {
            self.stop_timers(*id)?;
        }
        for id in &order {
            for service in &chart.node(*id).services {
                self.effect(Effect::StopService { id: Arc::clone(&service.id) })?;
                self.note(|_| format!("service.stop.{}", service.id));
            }
        }
        for id in &order {
            for actor in &chart.node(*id).actors {
                self.effect(Effect::StopActor { id: Arc::clone(&actor.id) })?;
                self.note(|_| format!("actor.stop.{}", actor.id));
            }
        }
        Ok(())
    }

    /// Makes `targets` active inside `domain` and does what entering means.
    pub(super) fn enter_all(&mut self, domain: NodeId, targets: &[NodeId]) -> Stepping {
        let entered = self.fill(domain, targets);
        self.arrive(&entered)?;
        self.completes(&entered)
    }

    /// What entering these states means, and what is started for them.
    pub(super) fn arrive(&mut self, entered: &Nodes) -> Stepping {
        let chart = self.chart;
        for id in entered {
            let node = chart.node(*id);
            if let Some(trace) = &mut self.trace {
                trace.entered_states.push(Arc::clone(&node.label));
            }
            self.actions(&node.on_entry, Place::State(*id))?;
            self.assigns(&node.on_entry_assign, Place::State(*id))?;
        }
        entered.iter().try_for_each(|id| self.start_timers(*id))?;
        entered.iter().try_for_each(|id| self.start_services(*id))?;
        entered.iter().try_for_each(|id| self.start_actors(*id))
    }

    pub(super) fn start_timers(&mut self, id: NodeId) -> Stepping {
        let node = self.chart.node(id);
        for timer in &node.timers {
            self.effect(timer.schedule(node))?;
            self.note(|_| format!("schedule.{}", timer.id));
        }
        Ok(())
    }

    pub(super) fn stop_timers(&mut self, id: NodeId) -> Stepping {
        for timer in &self.chart.node(id).timers {
            self.effect(Effect::CancelScheduled { id: Arc::clone(&timer.id) })?;
            self.note(|_| format!("cancel.{}", timer.id));
        }
        Ok(())
    }

    /// Everything that runs as long as a state is active.
    pub(super) fn start_invoked(&mut self, id: NodeId) -> Stepping {
        self.start_services(id)?;
        self.start_actors(id)
    }

    fn start_services(&mut self, id: NodeId) -> Stepping {
        let node = self.chart.node(id);
        for service in &node.services {
            self.effect(Effect::StartService(service.start(node)))?;
            self.note(|_| format!("service.start.{}", service.id));
        }
        Ok(())
    }

    fn start_actors(&mut self, id: NodeId) -> Stepping {
        let node = self.chart.node(id);
        for actor in &node.actors {
            if let Some(session) = &actor.session
                && self.start_session(session)?
            {
                self.note(|_| format!("actor.spawn.{}", actor.id));
                continue;
            }
            self.effect(Effect::SpawnActor(actor.start(node)))?;
            self.note(|_| format!("actor.spawn.{}", actor.id));
        }
        Ok(())
    }
}
