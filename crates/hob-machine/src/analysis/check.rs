//! Answering properties on a graph of configurations.
//!
//! An answer is given when the graph, as far as it goes, decides; otherwise the answer is the limit that it came to. Traces are
//! shortest ones, counted in events.

use std::collections::VecDeque;

use serde::Serialize;

use super::explore::{Exploration, GaveUp};
use super::moments::Resolved;
use super::property::{Form, Property};
use super::witness::Witness;
use crate::name::Name;

/// How many beginnings of circles are compared for the shortest.
const CIRCLES_TRIED: usize = 256;

/// Whether a property holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "answer")]
pub enum Answered {
    /// It does.
    Holds,
    /// It does not.
    Fails,
    /// What was looked at does not decide it.
    GaveUp(GaveUp),
}

/// An answer to a property.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The property, as text.
    pub property: String,
    /// The answer.
    #[serde(flatten)]
    pub answered: Answered,
    /// What shows it: that something can be reached, or that something does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
    /// How many configurations were looked at.
    pub configurations: usize,
}

/// A property of a state that the machine has not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the machine has no state {:?}", .0.to_string())]
pub struct NoSuchState(pub Name);

impl Exploration<'_> {
    /// Answers a property. Errors: a state that the machine has not.
    pub fn check(&self, property: &Property) -> Result<Verdict, NoSuchState> {
        let condition = Resolved::of(&property.condition, self.chart).map_err(NoSuchState)?;
        let without = property.without.as_ref();
        let without =
            without.map(|without| Resolved::of(without, self.chart)).transpose().map_err(NoSuchState)?;
        let (shown, can) = match property.form {
            Form::Reach => (self.first(&condition).map(|config| self.witness_to(config)), true),
            Form::Pass => (self.passing(&condition).map(|moves| self.witness(&moves)), true),
            Form::Avoid => (self.avoiding(&condition, without.as_ref()), true),
            Form::Never => (self.first(&condition).map(|config| self.witness_to(config)), false),
            Form::Always => {
                (self.first(&Resolved::not(condition)).map(|config| self.witness_to(config)), false)
            }
            Form::Eventually => (self.without_way(&condition).map(|config| self.witness_to(config)), false),
            Form::Inevitable => (self.escape(&condition), false),
        };
        let answered = match (&shown, self.gave_up) {
            (Some(_), _) if can => Answered::Holds,
            (Some(_), _) => Answered::Fails,
            (None, Some(gave_up)) => Answered::GaveUp(gave_up),
            (None, None) if can => Answered::Fails,
            (None, None) => Answered::Holds,
        };
        let configurations = self.configurations();
        Ok(Verdict { property: property.to_string(), answered, witness: shown, configurations })
    }

    /// The configuration that is reached first in which a condition holds.
    fn first(&self, condition: &Resolved) -> Option<usize> {
        (0..self.configs.len()).find(|config| self.holds(condition, *config))
    }

    /// A shortest way during whose last step a condition holds.
    fn passing(&self, condition: &Resolved) -> Option<Vec<usize>> {
        let depth =
            |from: Option<usize>| from.and_then(|from| self.configs.get(from)).map(|config| config.depth);
        let holding = self.moves.iter().enumerate().filter(|(_, step)| self.holds_within(condition, step));
        let (number, step) = holding.min_by_key(|(_, step)| depth(step.from))?;
        let mut way = step.from.map_or_else(Vec::new, |from| self.way_to(from));
        way.push(number);
        Some(way)
    }

    /// A shortest trace to a condition on which another does not hold at any moment.
    fn avoiding(&self, condition: &Resolved, without: Option<&Resolved>) -> Option<Witness> {
        let open = |number: &usize| {
            let held = |step| without.is_some_and(|without| self.holds_within(without, step));
            self.moves.get(*number).is_some_and(|step| !held(step))
        };
        let came = self.search(open, |_| true);
        let found = came.order.iter().find(|config| self.holds(condition, **config))?;
        Some(self.witness(&came.way(self, *found)))
    }

    /// A configuration from which nothing leads to a condition any more.
    fn without_way(&self, condition: &Resolved) -> Option<usize> {
        self.can_come(|number| self.holds(condition, number)).iter().position(|can| !can)
    }

    /// From which configurations something leads to one that is wanted, or to where nobody looked.
    pub(super) fn can_come(&self, wanted: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); self.configs.len()];
        for step in &self.moves {
            if let (Some(from), Some(into)) = (step.from, before.get_mut(step.to)) {
                into.push(from);
            }
        }
        let open =
            |number: &usize| self.configs.get(*number).is_some_and(|config| !config.whole) || wanted(*number);
        let mut next: Vec<usize> = (0..self.configs.len()).filter(open).collect();
        let mut can: Vec<bool> = vec![false; self.configs.len()];
        while let Some(config) = next.pop() {
            if let Some(seen) = can.get_mut(config).filter(|seen| !**seen) {
                *seen = true;
                next.extend(before.get(config).into_iter().flatten());
            }
        }
        can
    }

    /// A way on which a condition never holds and which ends, or goes on for ever.
    fn escape(&self, condition: &Resolved) -> Option<Witness> {
        if self.configs.is_empty() {
            // It never comes to rest at all.
            return self
                .circles
                .iter()
                .find(|circle| circle.certain)
                .map(|circle| self.witness_of_circle(circle));
        }
        let avoids = |config: usize| !self.holds(condition, config);
        let came = self.search(|_| true, avoids);
        let inside = |number: &usize| {
            let step = self.moves.get(*number)?;
            came.first.get(step.to)?.map(|_| step.to)
        };
        let ends = |config: &&usize| {
            self.configs.get(**config).is_some_and(|config| config.whole && config.out.is_empty())
        };
        let dead = came.order.iter().find(ends).map(|config| came.way(self, *config));
        let mut best: Option<(Vec<usize>, Option<usize>)> = dead.map(|way| (way, None));
        for config in self.on_circles(&came, &inside).into_iter().take(CIRCLES_TRIED) {
            let way = came.way(self, config);
            if best.as_ref().is_some_and(|(best, _)| way.len() >= best.len()) {
                continue;
            }
            let Some(circle) = self.circle(config, &inside) else { continue };
            let again = way.len();
            let whole: Vec<usize> = way.into_iter().chain(circle).collect();
            if best.as_ref().is_none_or(|(best, _)| whole.len() < best.len()) {
                best = Some((whole, Some(again)));
            }
        }
        let (way, again) = best?;
        let mut witness = self.witness(&way);
        witness.again_from = again;
        Some(witness)
    }

    /// Configurations from which a way inside leads on for ever, the first reached first.
    fn on_circles(&self, came: &Search, inside: &impl Fn(&usize) -> Option<usize>) -> Vec<usize> {
        let mut left: Vec<usize> = vec![0; self.configs.len()];
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); self.configs.len()];
        for config in &came.order {
            for to in self.configs.get(*config).into_iter().flat_map(|config| &config.out).filter_map(inside)
            {
                if let (Some(count), Some(into)) = (left.get_mut(*config), before.get_mut(to)) {
                    *count += 1;
                    into.push(*config);
                }
            }
        }
        let mut ended: Vec<usize> =
            came.order.iter().copied().filter(|config| left.get(*config) == Some(&0)).collect();
        while let Some(config) = ended.pop() {
            for from in before.get(config).into_iter().flatten() {
                if let Some(count) = left.get_mut(*from) {
                    *count -= 1;
                    if *count == 0 {
                        ended.push(*from);
                    }
                }
            }
        }
        came.order
            .iter()
            .copied()
            .filter(|config| left.get(*config).is_some_and(|count| *count > 0))
            .collect()
    }

    /// A shortest circle from a configuration back to it.
    fn circle(&self, begin: usize, inside: &impl Fn(&usize) -> Option<usize>) -> Option<Vec<usize>> {
        let mut first: Vec<Option<usize>> = vec![None; self.configs.len()];
        let mut queue = VecDeque::from([begin]);
        while let Some(config) = queue.pop_front() {
            for number in &self.configs.get(config)?.out {
                let Some(to) = inside(number) else { continue };
                let Some(place) = first.get_mut(to).filter(|place| place.is_none()) else { continue };
                *place = Some(*number);
                if to == begin {
                    let mut circle = Vec::new();
                    let mut at = begin;
                    loop {
                        let number = first.get(at).copied().flatten()?;
                        circle.push(number);
                        at = self.moves.get(number)?.from?;
                        if at == begin {
                            circle.reverse();
                            return Some(circle);
                        }
                    }
                }
                queue.push_back(to);
            }
        }
        None
    }

    /// Breadth first from where the machine begins, along some moves, over some configurations.
    fn search(&self, along: impl Fn(&usize) -> bool, over: impl Fn(usize) -> bool) -> Search {
        let mut search = Search { first: vec![None; self.configs.len()], order: Vec::new() };
        let begins = (0..self.moves.len())
            .take_while(|number| self.moves.get(*number).is_some_and(|step| step.from.is_none()));
        let mut next: VecDeque<usize> = begins.collect();
        while let Some(number) = next.pop_front() {
            let Some(step) = self.moves.get(number) else { continue };
            let Some(place) = search.first.get_mut(step.to).filter(|place| place.is_none()) else { continue };
            if !over(step.to) || !along(&number) {
                continue;
            }
            *place = Some(number);
            search.order.push(step.to);
            next.extend(self.configs.get(step.to).into_iter().flat_map(|config| &config.out));
        }
        search
    }
}

/// Where a search came, and by which moves.
struct Search {
    first: Vec<Option<usize>>,
    order: Vec<usize>,
}

impl Search {
    fn way(&self, exploration: &Exploration<'_>, to: usize) -> Vec<usize> {
        let mut way = Vec::new();
        let mut next = Some(to);
        while let Some(number) = next.and_then(|config| self.first.get(config).copied().flatten()) {
            way.push(number);
            next = exploration.moves.get(number).and_then(|step| step.from);
        }
        way.reverse();
        way
    }
}
