//! Finding the transition that an event is for.
//!
//! From the active leaf outwards: the first state that has a transition whose guards agree decides; a state that forbids the
//! event ends the search. In a parallel state every region is asked, each for itself and one after the other; when none has
//! anything, the parallel state and those around it are. Regions that can have nothing for the event are not looked at.

use super::ask::Verdict;
use super::{Stepper, Stepping};
use crate::chart::shape::ROOT;
use crate::chart::{Chart, Kind, NodeId, TransitionId};
use crate::error::StepError;
use crate::instance::Context;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// It was handled, or forbidden.
    Taken,
    /// Nobody wanted it.
    Declined,
}

/// How far a search came.
#[derive(Default)]
struct Search {
    /// A guard that said no.
    refused: Option<String>,
}

impl<'a> Stepper<'a> {
    /// Offers the event to the configuration. Errors: nobody is there for it, or what it led to failed.
    pub(super) fn select(&mut self) -> Stepping {
        let chart = self.chart;
        let outermost = self.parallel_inside(ROOT);
        let mut search = Search::default();
        let offer = match outermost {
            None => {
                let Some(leaf) = self.active.first_leaf(chart, ROOT) else { return Err(self.unhandled()) };
                if chart.node(leaf).kind == Kind::Final {
                    return Err(StepError::Final { state: self.place(), event: self.event() });
                }
                self.climb(leaf, leaf, ROOT, &mut search)?
            }
            Some(parallel) => {
                self.matched(parallel);
                // Guards decide on what was before any region moved.
                self.offered = Some(Context::clone(&self.context));
                let offered = self.offer(parallel)?;
                let offer = match offered {
                    Offer::Taken => Offer::Taken,
                    Offer::Declined => self.climb(parallel, parallel, ROOT, &mut search)?,
                };
                self.offered = None;
                // With regions a refusal is no more than nobody having wanted it.
                search.refused = None;
                offer
            }
        };
        match (offer, search.refused) {
            (Offer::Taken, _) => self.finish_completed(),
            (Offer::Declined, Some(guard)) => Err(StepError::GuardFailed { guard }),
            (Offer::Declined, None) => Err(self.unhandled()),
        }
    }

    pub(super) fn unhandled(&self) -> StepError {
        StepError::NoTransition { state: self.place(), event: self.event() }
    }

    /// The outermost active state inside `node` with several regions.
    pub(super) fn parallel_inside(&self, node: NodeId) -> Option<NodeId> {
        let chart = self.chart;
        let mut node = node;
        loop {
            node = match chart.node(node).kind {
                Kind::Parallel => match chart.node(node).children.as_slice() {
                    [only] => *only,
                    _ => return Some(node),
                },
                _ => self.active.child(chart, node)?,
            };
        }
    }

    /// Offers the event to each region of a parallel state.
    fn offer(&mut self, parallel: NodeId) -> Stepping<Offer> {
        let chart: &'a Chart = self.chart;
        let event = self.event_id();
        let mut offer = Offer::Declined;
        for region in chart.node(parallel).offered.of(event) {
            if self.offer_region(*region, offer)? == Offer::Taken {
                offer = Offer::Taken;
                self.note(|_| format!("region:{}", chart.node(*region).label));
                // Whoever left the parallel state took the other regions along.
                if !self.active.is_active(chart, parallel) {
                    break;
                }
            }
        }
        Ok(offer)
    }

    fn offer_region(&mut self, region: NodeId, before: Offer) -> Stepping<Offer> {
        let chart = self.chart;
        let mut search = Search { refused: None };
        match self.parallel_inside(region) {
            Some(parallel) => {
                if self.offer(parallel)? == Offer::Taken {
                    return Ok(Offer::Taken);
                }
                self.climb_in(parallel, parallel, region, before, &mut search)
            }
            None => match self.active.first_leaf(chart, region) {
                Some(leaf) => self.climb_in(leaf, leaf, region, before, &mut search),
                None => Ok(Offer::Declined),
            },
        }
    }

    /// Asks states from `start` outwards, as far as `end`, which is not one of them.
    fn climb(&mut self, start: NodeId, from: NodeId, end: NodeId, search: &mut Search) -> Stepping<Offer> {
        self.climb_in(start, from, end, Offer::Declined, search)
    }

    fn climb_in(
        &mut self,
        start: NodeId,
        from: NodeId,
        end: NodeId,
        before: Offer,
        search: &mut Search,
    ) -> Stepping<Offer> {
        let chart: &'a Chart = self.chart;
        let event = self.event_id();
        let mut state = start;
        while state != end && state != ROOT {
            let handlers = &chart.node(state).handlers;
            if handlers.forbid(event) {
                if end == ROOT {
                    self.matched(state);
                }
                self.note(|this| format!("forbidden.{}@{}", this.event(), chart.node(state).label));
                return Ok(Offer::Taken);
            }
            for transition in handlers.of(event) {
                match self.ask(*transition)? {
                    Verdict::No(guard) => search.refused = Some(guard),
                    // What another region did is not undone by leaving it: the one that came first goes on.
                    Verdict::Yes if before == Offer::Taken && self.escapes(*transition, from, end) => {}
                    Verdict::Yes => {
                        if end == ROOT {
                            self.matched(state);
                        }
                        self.take(*transition, from)?;
                        return Ok(Offer::Taken);
                    }
                }
            }
            state = chart.parent(state);
        }
        Ok(Offer::Declined)
    }

    /// Whether a transition leads out of a region.
    fn escapes(&self, transition: TransitionId, from: NodeId, region: NodeId) -> bool {
        let transition = self.chart.transition(transition);
        let Some(target) = transition.targets.first().filter(|_| !transition.internal) else { return false };
        let to = self.aim(*target).to;
        !self.chart.is_within(self.domain(from, to, transition.reenter), region)
    }
}
