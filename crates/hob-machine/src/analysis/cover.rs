//! Few and short sequences of events that go everywhere once.
//!
//! From where a sequence has come to, the nearest step that does something new is next; when there is none, another sequence
//! begins. In the end, a sequence whose goals the others have too is dropped. Fewest of all they need not be.

use std::collections::{BTreeSet, HashMap, VecDeque};

use serde::Serialize;

use super::explore::{Exploration, GaveUp, Move};
use super::oracle::Mark;
use super::witness::Witness;
use crate::chart::{NodeId, TransitionId};

/// How many moves are looked at in all.
const LOOKS_MAX: usize = 50_000_000;

/// What is to be covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Goals {
    /// Every state is entered.
    States,
    /// Every transition is taken.
    Transitions,
    /// Every two transitions that can follow on each other do.
    Pairs,
}

/// Sequences that cover what can be covered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cover {
    /// Of what.
    pub goals: Goals,
    /// Each from the beginning of the machine.
    pub sequences: Vec<Witness>,
    /// How many goals they reach.
    pub covered: usize,
    /// States or transitions that no sequence reaches, by their places in the document.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uncovered: Vec<String>,
    /// The limit that was come to, when there may be more to cover.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gave_up: Option<GaveUp>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Goal {
    State(NodeId),
    Transition(TransitionId),
    Pair(TransitionId, TransitionId),
}

impl Exploration<'_> {
    /// Sequences of events that reach every goal that can be reached.
    #[must_use]
    pub fn cover(&self, goals: Goals) -> Cover {
        let mut covering = Covering { graph: self, goals, open: self.all_goals(goals), looks: 0 };
        let all = covering.open.len();
        let mut sequences: Vec<Vec<usize>> = Vec::new();
        while let Some(mut sequence) = covering.nearest(None) {
            loop {
                covering.reached(&sequence);
                match sequence.last().and_then(|last| covering.nearest(Some(*last))) {
                    Some(more) => sequence.extend(more),
                    None => break,
                }
            }
            sequences.push(sequence);
        }
        let (left, looks) = (covering.open.len(), covering.looks);
        self.thin(&mut sequences, goals);
        let gave_up = GaveUp { limit: "looks", at: LOOKS_MAX };
        Cover {
            goals,
            sequences: sequences.iter().map(|sequence| self.witness(sequence)).collect(),
            covered: all - left,
            uncovered: self.uncovered(goals, &sequences),
            gave_up: self.gave_up.or((looks >= LOOKS_MAX).then_some(gave_up)),
        }
    }

    fn all_goals(&self, goals: Goals) -> BTreeSet<Goal> {
        let mut all = BTreeSet::new();
        for step in &self.moves {
            reach(step, None, goals, &mut |goal| {
                all.insert(goal);
            });
            if goals == Goals::Pairs {
                let next = self.configs.get(step.to).into_iter().flat_map(|config| &config.out);
                for next in next.filter_map(|next| self.moves.get(*next)) {
                    all.extend(last(step).zip(first(next)).map(|(a, b)| Goal::Pair(a, b)));
                }
            }
        }
        all
    }

    fn uncovered(&self, goals: Goals, sequences: &[Vec<usize>]) -> Vec<String> {
        let mut reached = BTreeSet::new();
        for sequence in sequences {
            reached.extend(self.goals_of(sequence, goals));
        }
        let states = self.chart.nodes().filter(|(_, node)| !node.is_pseudo());
        match goals {
            Goals::States => {
                let missing = states.filter(|(id, _)| !reached.contains(&Goal::State(*id)));
                missing.map(|(_, node)| node.at.clone()).collect()
            }
            Goals::Transitions => {
                let ids = self.chart.nodes().flat_map(|(_, node)| &node.transitions);
                let missing = ids.filter(|id| !reached.contains(&Goal::Transition(**id)));
                missing.map(|id| self.chart.transition(*id).at.clone()).collect()
            }
            Goals::Pairs => Vec::new(),
        }
    }

    fn goals_of(&self, sequence: &[usize], goals: Goals) -> BTreeSet<Goal> {
        let mut reached = BTreeSet::new();
        let mut before = None;
        for step in sequence.iter().filter_map(|number| self.moves.get(*number)) {
            reach(step, before, goals, &mut |goal| {
                reached.insert(goal);
            });
            before = last(step);
        }
        reached
    }

    /// Drops sequences, short ones first, as long as nothing is lost.
    fn thin(&self, sequences: &mut Vec<Vec<usize>>, goals: Goals) {
        let mut counts: HashMap<Goal, usize> = HashMap::new();
        let of: Vec<BTreeSet<Goal>> =
            sequences.iter().map(|sequence| self.goals_of(sequence, goals)).collect();
        of.iter().flatten().for_each(|goal| *counts.entry(*goal).or_default() += 1);
        let mut keep = vec![true; sequences.len()];
        let mut order: Vec<usize> = (0..sequences.len()).collect();
        order.sort_by_key(|index| sequences.get(*index).map(Vec::len));
        for index in order {
            let (Some(goals), Some(keep)) = (of.get(index), keep.get_mut(index)) else { continue };
            if goals.iter().all(|goal| counts.get(goal).is_some_and(|count| *count > 1)) {
                *keep = false;
                goals.iter().for_each(|goal| *counts.entry(*goal).or_default() -= 1);
            }
        }
        let mut keep = keep.into_iter();
        sequences.retain(|_| keep.next().unwrap_or(true));
    }
}

struct Covering<'g, 'c> {
    graph: &'g Exploration<'c>,
    goals: Goals,
    open: BTreeSet<Goal>,
    looks: usize,
}

impl Covering<'_, '_> {
    /// The moves to the nearest one that reaches something open; from the beginning when no move came before.
    fn nearest(&mut self, after: Option<usize>) -> Option<Vec<usize>> {
        if self.open.is_empty() || self.looks >= LOOKS_MAX {
            return None;
        }
        let graph = self.graph;
        let mut came: HashMap<usize, Option<usize>> = HashMap::new();
        let mut queue: VecDeque<(usize, Option<usize>)> = match after {
            None => {
                let begins = graph.moves.iter().take_while(|step| step.from.is_none());
                begins.enumerate().map(|(number, _)| (number, None)).collect()
            }
            Some(last) => self.next(last).map(|next| (next, after)).collect(),
        };
        while let Some((number, from)) = queue.pop_front() {
            self.looks += 1;
            // A pair depends on the move before; each move is looked at once after each that a search comes by.
            let news = self.is_new(number, from);
            if news {
                let mut way = vec![number];
                let mut at = from.filter(|from| Some(*from) != after);
                while let Some(number) = at {
                    way.push(number);
                    at = came.get(&number).copied().flatten().filter(|from| Some(*from) != after);
                }
                way.reverse();
                return Some(way);
            }
            if came.contains_key(&number) || self.looks >= LOOKS_MAX {
                continue;
            }
            came.insert(number, from);
            queue.extend(self.next(number).map(|next| (next, Some(number))));
        }
        None
    }

    fn next(&self, number: usize) -> impl Iterator<Item = usize> + use<'_> {
        let to = self.graph.moves.get(number).and_then(|step| self.graph.configs.get(step.to));
        to.into_iter().flat_map(|config| config.out.iter().copied())
    }

    fn is_new(&self, number: usize, from: Option<usize>) -> bool {
        let Some(step) = self.graph.moves.get(number) else { return false };
        let before = from.and_then(|from| self.graph.moves.get(from)).and_then(last);
        let mut news = false;
        reach(step, before, self.goals, &mut |goal| news |= self.open.contains(&goal));
        news
    }

    fn reached(&mut self, sequence: &[usize]) {
        for goal in self.graph.goals_of(sequence, self.goals) {
            self.open.remove(&goal);
        }
    }
}

fn first(step: &Move) -> Option<TransitionId> {
    taken(step).next()
}

fn last(step: &Move) -> Option<TransitionId> {
    taken(step).last()
}

fn taken(step: &Move) -> impl Iterator<Item = TransitionId> {
    step.marks.iter().filter_map(|mark| if let Mark::Taken(id) = mark { Some(*id) } else { None })
}

/// What a step reaches, after a transition that came before it.
fn reach(step: &Move, before: Option<TransitionId>, goals: Goals, found: &mut impl FnMut(Goal)) {
    let mut before = before;
    for mark in &step.marks {
        match (mark, goals) {
            (Mark::Entered(state), Goals::States) => found(Goal::State(*state)),
            (Mark::Taken(id), Goals::Transitions) => found(Goal::Transition(*id)),
            (Mark::Taken(id), Goals::Pairs) => {
                if let Some(before) = before {
                    found(Goal::Pair(before, *id));
                }
                before = Some(*id);
            }
            _ => {}
        }
    }
}
