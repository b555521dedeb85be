//! One step: an event goes in, and either everything it leads to happens, or nothing.
//!
//! A step runs to completion: the transition that is for the event, then transitions without event and events that the
//! machine raised for itself, until nothing is left. All of it works on the instance in place, with a list of what to put
//! back; an error puts everything back and drops every effect. Nothing here looks at a clock or does anything.
//!
//! `select` finds transitions, `take` takes one, `enter` works out what is entered, `done` what is complete, `settle` comes to
//! rest. `compat` has what the reference kernel does differently, `scxml` what the W3C's recommendation does.

mod ask;
mod compat;
mod copy;
mod done;
mod enter;
mod raised;
mod run;
mod scxml;
mod scxml_enter;
mod select;
mod sessions;
mod settle;
mod take;
mod told;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use smallvec::SmallVec;

use crate::binding::{ContentFailure, Machine, Work};
use crate::chart::shape::ROOT;
use crate::chart::{Chart, EventId, NodeId, Semantics};
use crate::effect::Effect;
use crate::error::StepError;
use crate::instance::{Active, Context, Instance, Leaves};
use crate::name::Name;
use crate::origin::Origin;
use crate::trace::{Outcome, Trace};
use crate::weight::{CONTEXT_DEPTH_MAX, VALUE_DEPTH_MAX, nests_within};

/// How a step is taken.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many microsteps a step may have.
    pub microsteps: u32,
    /// How many effects it may ask for, and how many events that it raised may wait.
    pub effects: usize,
    /// How much may go with what executable content sends and raises, all together: a unit for each value and each name, and
    /// one for every 64 bytes of text.
    pub data: usize,
    /// How many steps all scripts of a data model may take, together.
    pub work: u32,
    /// When it must be over; functions of the host are told.
    pub deadline: Option<Instant>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { microsteps: 10_000, effects: 100_000, data: 1 << 20, work: 10_000_000, deadline: None }
    }
}

/// An event for a machine.
#[derive(Clone, Debug)]
pub struct Event {
    /// What it is called.
    pub name: Name,
    /// What comes with it: for the transition that it leads to, not for those that follow in the same step.
    pub data: Option<Value>,
}

impl<N: Into<Name>> From<N> for Event {
    fn from(name: N) -> Self {
        Self { name: name.into(), data: None }
    }
}

/// What a step did.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// What it asks of the world, in order.
    pub effects: Vec<Effect>,
    /// What it did, when that was asked for.
    pub trace: Option<Box<Trace>>,
}

/// A step that did not happen.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Why.
    pub error: StepError,
    /// How far it came, when that was asked for. None of it counts.
    pub trace: Option<Box<Trace>>,
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Failed {}

impl From<Failed> for StepError {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

/// What a step works with.
pub(crate) struct Stepper<'a> {
    machine: &'a Machine,
    chart: &'a Chart,
    active: &'a mut Active,
    context: Context,
    /// What guards see while an event is offered to several regions: the context from before.
    offered: Option<Context>,
    before: Context,
    undo: SmallVec<[Undo; 8]>,
    effects: Vec<Effect>,
    trace: Option<Box<Trace>>,
    raised: raised::Queue,
    /// What is left for the data of what executable content sends and raises.
    data_left: usize,
    work: Work,
    /// What the transitions that are taken now are for; the machine begins without.
    now: Option<(Name, Option<EventId>)>,
    data: Option<Cow<'a, Value>>,
    /// Where the event that is handled comes from.
    origin: Origin,
    limits: &'a Limits,
    /// What executable content said of its failure, until that is told.
    failure: Option<Box<ContentFailure>>,
    /// Parallel states in which something became final since this was looked at last.
    completed: SmallVec<[NodeId; 2]>,
    /// By the rules of SCXML: states whose services start once the step has come to rest, when they are still active then.
    to_start: SmallVec<[NodeId; 2]>,
}

/// What to put back.
enum Undo {
    Child(u32, NodeId),
    History(NodeId, Option<Leaves>),
}

type Stepping<T = ()> = Result<T, StepError>;

impl Instance {
    /// Starts a machine where its document says. Errors: what an action or a change of the context says.
    pub fn start(machine: &Arc<Machine>, context: Value) -> Result<(Self, Step), Failed> {
        Self::start_with(machine, context, None, &Limits::default(), false)
    }

    /// Starts a machine, in a given state perhaps. Errors: as [`Instance::start`], and a state that there is not.
    pub fn start_with(
        machine: &Arc<Machine>,
        context: Value,
        state: Option<&Name>,
        limits: &Limits,
        trace: bool,
    ) -> Result<(Self, Step), Failed> {
        let chart = &machine.chart;
        let unknown = |error| Failed { error, trace: None };
        let begin: SmallVec<[NodeId; 2]> = match state {
            Some(name) => {
                let found = chart.state(name).ok_or_else(|| unknown(StepError::NoState(name.to_string())))?;
                SmallVec::from_slice(&[found])
            }
            None => SmallVec::from_slice(&chart.node(ROOT).initial),
        };
        if begin.is_empty() {
            return Err(unknown(StepError::NoInitial));
        }
        let mut instance = Self {
            machine: Arc::clone(machine),
            active: Active::none(chart),
            context: Context::new(context),
        };
        let step =
            instance.step(None, None, Origin::default(), limits, trace, |stepper| stepper.begin(&begin))?;
        Ok((instance, step))
    }

    /// Handles an event. Errors leave everything as it was.
    pub fn fire(&mut self, event: &Event) -> Result<Step, Failed> {
        self.fire_with(event, &Limits::default(), false)
    }

    /// Handles an event within limits, with a trace perhaps.
    pub fn fire_with(&mut self, event: &Event, limits: &Limits, trace: bool) -> Result<Step, Failed> {
        self.fire_from(event, Origin::default(), limits, trace)
    }

    /// As [`Instance::fire_with`], of an event of which it is known where it comes from.
    pub fn fire_from(
        &mut self,
        event: &Event,
        origin: Origin,
        limits: &Limits,
        trace: bool,
    ) -> Result<Step, Failed> {
        let data = event.data.as_ref();
        self.step(Some(&event.name), data, origin, limits, trace, |stepper| stepper.handle())
    }

    /// Runs the exit of everything that is active, by the rules of SCXML. What is active stays, for whoever looks.
    pub(crate) fn leave(&mut self, limits: &Limits) -> Result<Step, Failed> {
        self.step(None, None, Origin::default(), limits, false, |stepper| stepper.end())
    }

    fn step(
        &mut self,
        event: Option<&Name>,
        data: Option<&Value>,
        origin: Origin,
        limits: &Limits,
        trace: bool,
        work: impl FnOnce(&mut Stepper<'_>) -> Stepping,
    ) -> Result<Step, Failed> {
        let chart = &*self.machine.chart;
        let trace = trace.then(|| {
            let from = self
                .active
                .first_leaf(chart, ROOT)
                .map_or_else(|| "".into(), |leaf| chart.node(leaf).label.clone());
            Box::new(Trace {
                machine: Arc::clone(&chart.name),
                event: event.map_or_else(|| "cast".into(), Name::to_string),
                event_payload: event.map(Name::to_value).unwrap_or_default(),
                matched_at: Arc::clone(&from),
                from_state: from,
                ..Trace::default()
            })
        });
        let mut stepper = Stepper {
            machine: &self.machine,
            chart,
            active: &mut self.active,
            context: Context::clone(&self.context),
            offered: None,
            before: Context::clone(&self.context),
            undo: SmallVec::new(),
            effects: Vec::new(),
            trace,
            raised: raised::Queue::default(),
            data_left: limits.data,
            work: Work::of(limits.work),
            now: event.map(|name| (name.clone(), chart.events.get(name).copied())),
            data: data.map(Cow::Borrowed),
            origin,
            limits,
            failure: None,
            completed: SmallVec::new(),
            to_start: SmallVec::new(),
        };
        let done = work(&mut stepper).and_then(|()| stepper.can_be_kept(event.is_none()));
        let (effects, mut trace) = (std::mem::take(&mut stepper.effects), stepper.trace.take());
        if let Some(trace) = &mut trace {
            trace.outcome = done.as_ref().err().map_or(Outcome::Success, StepError::outcome);
        }
        match done {
            Ok(()) => {
                let Stepper { context, before, offered, .. } = stepper;
                drop((before, offered));
                if !Context::ptr_eq(&context, &self.context) {
                    copy::replaced(std::mem::replace(&mut self.context, context));
                }
                Ok(Step { effects, trace })
            }
            Err(error) => {
                stepper.put_back();
                Err(Failed { error, trace })
            }
        }
    }
}

impl<'a> Stepper<'a> {
    fn put_back(&mut self) {
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Child(slot, child) => {
                    self.active.put(slot, child);
                }
                Undo::History(node, leaves) => {
                    self.active.remember(node, leaves);
                }
            }
        }
    }

    /// Whether what the step leaves and asks for can be written and read again. A context that was there before can.
    fn can_be_kept(&self, new: bool) -> Stepping {
        if (new || !Context::ptr_eq(&self.context, &self.before))
            && !nests_within(&self.context, CONTEXT_DEPTH_MAX)
        {
            return Err(StepError::DeepContext { limit: VALUE_DEPTH_MAX });
        }
        match self.effects.iter().find(|effect| !effect.nests_within(VALUE_DEPTH_MAX)) {
            None => Ok(()),
            Some(effect) => {
                Err(StepError::DeepEffect { effect: effect.label().to_owned(), limit: VALUE_DEPTH_MAX })
            }
        }
    }

    fn begin(&mut self, states: &[NodeId]) -> Stepping {
        if self.chart.semantics == Semantics::Scxml {
            return self.begin_scxml(states);
        }
        self.enter_all(ROOT, states)?;
        self.finish_completed()?;
        self.settle()
    }

    fn handle(&mut self) -> Stepping {
        match self.chart.semantics {
            Semantics::Scxml => self.handle_scxml(),
            Semantics::Crucible => {
                self.fire_compat()?;
                self.settle_compat()
            }
            Semantics::Hob => {
                self.select()?;
                self.settle()
            }
        }
    }

    fn set_child(&mut self, slot: u32, child: NodeId) {
        let old = self.active.put(slot, child);
        self.undo.push(Undo::Child(slot, old));
    }

    fn remember(&mut self, node: NodeId, leaves: Leaves) {
        let old = self.active.remember(node, Some(leaves));
        self.undo.push(Undo::History(node, old));
    }

    fn effect(&mut self, effect: Effect) -> Stepping {
        if self.effects.len() >= self.limits.effects {
            return Err(StepError::Effects { limit: self.limits.effects });
        }
        self.effects.push(effect);
        Ok(())
    }

    /// The event that is handled.
    fn event(&self) -> String {
        self.now.as_ref().map(|(name, _)| name.to_string()).unwrap_or_default()
    }

    fn event_id(&self) -> Option<EventId> {
        self.now.as_ref().and_then(|(_, event)| *event)
    }

    fn note(&mut self, what: impl FnOnce(&Self) -> String) {
        if self.trace.is_some() {
            let what = what(self);
            if let Some(trace) = &mut self.trace {
                trace.microsteps.push(what);
            }
        }
    }

    fn matched(&mut self, node: NodeId) {
        if let Some(trace) = &mut self.trace {
            trace.matched_at = Arc::clone(&self.chart.node(node).label);
        }
    }

    fn label(&self, node: NodeId) -> &'a str {
        &self.chart.node(node).label
    }

    /// The first active leaf, by name.
    fn place(&self) -> String {
        self.active.first_leaf(self.chart, ROOT).map(|leaf| self.label(leaf).to_owned()).unwrap_or_default()
    }
}
