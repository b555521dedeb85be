//! Coming to rest: transitions without event first, then what was raised, one after the other, until nothing is left.

use std::borrow::Cow;

use super::raised::Raised;
use super::{Stepper, Stepping};
use crate::chart::shape::ROOT;
use crate::chart::{Chart, Kind, NodeId, TransitionId};
use crate::error::StepError;

/// What a transition without event is called in a trace.
pub(super) const ALWAYS: &str = "always";

impl<'a> Stepper<'a> {
    pub(super) fn settle(&mut self) -> Stepping {
        let mut microsteps = 0;
        loop {
            if let Some((transition, leaf)) = self.eventless() {
                self.count(&mut microsteps)?;
                self.note(|_| ALWAYS.into());
                self.without_event(|stepper| {
                    stepper.take(transition, leaf)?;
                    stepper.finish_completed()
                })?;
            } else if let Some(raised) = self.next_raised() {
                self.count(&mut microsteps)?;
                self.note(|_| raised.event.to_string());
                match self.internal(raised, Self::select) {
                    Err(error) if error.is_unhandled() => {}
                    done => done?,
                }
            } else {
                return Ok(());
            }
        }
    }

    pub(super) fn next_raised(&mut self) -> Option<Raised> {
        self.raised.pop()
    }

    pub(super) fn count(&self, microsteps: &mut u32) -> Stepping {
        *microsteps += 1;
        if *microsteps > self.limits.microsteps {
            return Err(StepError::Overflow { limit: self.limits.microsteps, state: self.place() });
        }
        Ok(())
    }

    /// Handles an event that the machine raised for itself. What was matched stays with the event from outside.
    pub(super) fn internal(
        &mut self,
        raised: Raised,
        handle: impl FnOnce(&mut Self) -> Stepping,
    ) -> Stepping {
        let matched = self.trace.as_ref().map(|trace| trace.matched_at.clone());
        let Raised { event, data, origin } = raised;
        let number = self.chart.events.get(&event).copied();
        let origin = std::mem::replace(&mut self.origin, origin);
        let now = self.now.replace((event, number));
        let data = std::mem::replace(&mut self.data, data.map(Cow::Owned));
        let done = handle(self);
        (self.now, self.data, self.origin) = (now, data, origin);
        if let (Some(trace), Some(matched)) = (&mut self.trace, matched) {
            trace.matched_at = matched;
        }
        done
    }

    /// Does something on behalf of no event.
    pub(super) fn without_event<T>(&mut self, work: impl FnOnce(&mut Self) -> Stepping<T>) -> Stepping<T> {
        let (now, data) = (self.now.take(), self.data.take());
        let origin = std::mem::take(&mut self.origin);
        let matched = self.trace.as_ref().map(|trace| trace.matched_at.clone());
        let done = work(self);
        (self.now, self.data, self.origin) = (now, data, origin);
        if let (Some(trace), Some(matched)) = (&mut self.trace, matched) {
            trace.matched_at = matched;
        }
        done
    }

    /// The first transition without event whose guards agree, and the active leaf it is for: leaf by leaf, from each outwards.
    pub(super) fn eventless(&mut self) -> Option<(TransitionId, NodeId)> {
        self.chart.node(ROOT).eventless_inside.then(|| self.eventless_inside(ROOT)).flatten()
    }

    fn eventless_inside(&mut self, end: NodeId) -> Option<(TransitionId, NodeId)> {
        let chart: &'a Chart = self.chart;
        let leaf = self.active.first_leaf(chart, end)?;
        let mut state = leaf;
        while state != end {
            for transition in &chart.node(state).eventless {
                if self.ask_silently(*transition) {
                    return Some((*transition, leaf));
                }
            }
            state = chart.parent(state);
        }
        // The other regions of what this leaf is in, from the inside out.
        let mut state = leaf;
        while state != end {
            if chart.node(state).kind == Kind::Parallel {
                let first = chart.node(state).children.first();
                for region in
                    chart.node(state).offered.eventless.iter().filter(|region| Some(*region) != first)
                {
                    if let Some(found) = self.eventless_inside(*region) {
                        return Some(found);
                    }
                }
            }
            state = chart.parent(state);
        }
        None
    }
}
