//! Everything that a machine can do, as a graph of its configurations.
//!
//! From the configurations that a machine can begin in, every event is tried with every choice of answers that guards may
//! give; breadth first, so that the first way to a configuration is a shortest one. Answers of comparisons that contradict
//! each other are left out. What is not known is taken to be possible: any event at any time, any answer of a named guard,
//! any context after a change. So what is not in a whole graph surely cannot happen, and what is in it may need answers that
//! the host never gives, which is why every trace lists them. One thing is taken for granted: that guards have an answer. A
//! function of the host that fails, or a comparison of a field that is not there, fails a step and changes nothing, but a
//! transition without event it stops in silence, and that is not looked at.
//!
//! Stops: machines with more configurations than fit, by limits; a graph that is not whole says which limit it came to.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::alphabet;
use super::atom::{Atom, AtomId, Atoms};
use super::oracle::{Asked, Mark, Oracle, Run};
use super::symbolic::Solver;
use crate::chart::shape::ROOT;
use crate::chart::{Chart, Kind, NodeId};
use crate::document::model::History;
use crate::error::StepError;
use crate::instance::Active;
use crate::name::Name;
use crate::problem::Refused;
use crate::step::Limits;

/// How far an exploration goes.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// How many configurations it keeps.
    pub configurations: usize,
    /// How many steps it tries in all. One that does not come to rest counts as a thousand.
    pub steps: usize,
    /// How many choices of answers it tries for one event in one configuration.
    pub choices: usize,
    /// How many microsteps a step may have that asks guards all along.
    pub microsteps: u32,
    /// The events it tries; `None` for all that the machine has transitions for, and one that it has none for.
    pub events: Option<Vec<Name>>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { configurations: 20_000, steps: 1_000_000, choices: 4096, microsteps: 100, events: None }
    }
}

/// A limit that an exploration came to: what it has not seen may be or not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GaveUp {
    /// Which of the [`Bounds`].
    pub limit: &'static str,
    /// How much was allowed.
    pub at: usize,
}

/// A configuration, and in it what histories remember.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) active: Active,
    pub(crate) leaves: Box<[NodeId]>,
    /// The move that came here first, on a shortest way.
    pub(crate) first: usize,
    /// How many moves a shortest way has.
    pub(crate) depth: usize,
    /// The moves from here.
    pub(crate) out: Vec<usize>,
    /// Whether every move from here is known.
    pub(crate) whole: bool,
}

/// A step that does something.
#[derive(Debug)]
pub(crate) struct Move {
    /// `None`: the machine begins.
    pub(crate) from: Option<usize>,
    pub(crate) to: usize,
    pub(crate) event: Option<usize>,
    pub(crate) asked: Box<[Asked]>,
    pub(crate) marks: Box<[Mark]>,
}

/// A step that does not come to rest.
#[derive(Debug)]
pub(crate) struct Circle {
    pub(crate) from: Option<usize>,
    pub(crate) event: Option<usize>,
    pub(crate) asked: Box<[Asked]>,
    pub(crate) marks: Box<[Mark]>,
    /// It goes round without asking anything again; otherwise guards might let it out.
    pub(crate) certain: bool,
}

/// The graph.
pub struct Exploration<'c> {
    pub(crate) chart: &'c Chart,
    pub(crate) atoms: Atoms,
    pub(crate) oracle: Oracle,
    pub(crate) events: Vec<Name>,
    pub(crate) configs: Vec<Config>,
    pub(crate) moves: Vec<Move>,
    pub(crate) circles: Vec<Circle>,
    pub(crate) gave_up: Option<GaveUp>,
    bounds: Bounds,
    steps: usize,
    /// Parents of history states, and whether leaves are remembered.
    histories: Vec<(NodeId, bool)>,
    known: HashMap<Key, usize>,
}

/// What two configurations that will do the same have in common.
type Key = (Box<[NodeId]>, Vec<Box<[NodeId]>>);

impl<'c> Exploration<'c> {
    /// Explores a chart. Errors: none for a chart that was loaded.
    pub fn of(chart: &'c Chart, bounds: &Bounds) -> Result<Self, Refused> {
        let mut atoms = Atoms::default();
        let oracle = Oracle::new(chart, &mut atoms)?;
        let histories = chart.nodes().filter_map(|(_, node)| match node.kind {
            Kind::History(history) => Some((node.parent, history == History::Deep)),
            _ => None,
        });
        let mut exploration = Self {
            chart,
            atoms,
            oracle,
            events: bounds.events.clone().unwrap_or_else(|| alphabet::of(chart)),
            configs: Vec::new(),
            moves: Vec::new(),
            circles: Vec::new(),
            gave_up: None,
            bounds: bounds.clone(),
            steps: 0,
            histories: histories.collect(),
            known: HashMap::new(),
        };
        exploration.moves_from(None, None);
        let mut next = 0;
        while next < exploration.configs.len() && exploration.expand(next) {
            next += 1;
        }
        exploration.known = HashMap::new();
        Ok(exploration)
    }

    /// The limit that it came to; `None` when it saw everything.
    #[must_use]
    pub fn gave_up(&self) -> Option<GaveUp> {
        self.gave_up
    }

    /// How many configurations it found, counting what histories remember as different.
    #[must_use]
    pub fn configurations(&self) -> usize {
        self.configs.len()
    }

    /// How many different steps between them.
    #[must_use]
    pub fn transitions(&self) -> usize {
        self.moves.len()
    }

    /// The events that were tried.
    #[must_use]
    pub fn events(&self) -> &[Name] {
        &self.events
    }

    /// Tries every event in a configuration. False when there is no use in going on.
    fn expand(&mut self, from: usize) -> bool {
        let mut whole = true;
        for event in 0..self.events.len() {
            whole &= self.moves_from(Some(from), Some(event));
            if self.steps >= self.bounds.steps {
                self.give_up("steps", self.bounds.steps);
                return false;
            }
        }
        if let Some(config) = self.configs.get_mut(from) {
            config.whole = whole;
        }
        true
    }

    fn give_up(&mut self, limit: &'static str, at: usize) {
        self.gave_up.get_or_insert(GaveUp { limit, at });
    }

    /// Tries an event with every choice of answers. Whether all were tried, and kept.
    fn moves_from(&mut self, from: Option<usize>, event: Option<usize>) -> bool {
        let mut seen = HashSet::new();
        let mut script = Vec::new();
        let mut whole = true;
        for tried in 0.. {
            if tried >= self.bounds.choices {
                self.give_up("choices", self.bounds.choices);
                return false;
            }
            if self.steps >= self.bounds.steps {
                return false;
            }
            let (run, kept) = self.one(from, event, script);
            whole &= kept;
            // The next choice: the last no becomes a yes, and what came after it is asked anew.
            script = run.asked.iter().map(|asked| asked.answer).collect();
            if !self.contradicts(&run.asked) {
                whole &= self.keep(from, event, run, kept, &mut seen);
            }
            while script.last() == Some(&true) {
                script.pop();
            }
            match script.last_mut() {
                Some(last) => *last = true,
                None => break,
            }
        }
        whole
    }

    /// One step. One that is long is taken again within the limits of the kernel, as far as it asks nothing more.
    fn one(&mut self, from: Option<usize>, event: Option<usize>, script: Vec<bool>) -> (Run, bool) {
        let run = self.step(from, event, script, self.bounds.microsteps);
        if !is_overflow(&run) {
            return (run, true);
        }
        let answers: Vec<bool> = run.asked.iter().map(|asked| asked.answer).collect();
        let again = self.step(from, event, answers, Limits::default().microsteps);
        if is_overflow(&again) {
            self.steps = self.steps.saturating_add(CIRCLE_STEPS);
        }
        if again.asked.len() == run.asked.len() {
            return (again, true);
        }
        self.give_up("microsteps", self.bounds.microsteps as usize);
        (run, false)
    }

    fn step(&mut self, from: Option<usize>, event: Option<usize>, script: Vec<bool>, microsteps: u32) -> Run {
        self.steps += 1;
        let limits = Limits { microsteps, ..Limits::default() };
        let config = from.and_then(|from| self.configs.get(from));
        match (config, event.and_then(|event| self.events.get(event))) {
            (Some(config), Some(event)) => self.oracle.step(&config.active, event, script, &limits),
            _ => self.oracle.start(script, &limits),
        }
    }

    /// Whether comparisons cannot all have answered so.
    fn contradicts(&self, asked: &[Asked]) -> bool {
        let compared = |asked: &&Asked| !matches!(self.atoms.get(asked.atom), Some(Atom::Named) | None);
        let mut by_context: HashMap<u64, Vec<(AtomId, bool)>> = HashMap::new();
        for asked in asked.iter().filter(compared) {
            by_context.entry(asked.context).or_default().push((asked.atom, asked.answer));
        }
        let solver = Solver { chart: self.chart, atoms: &self.atoms };
        by_context.values().any(|clause| solver.is_impossible(clause, None))
    }

    /// Keeps what a step did, when it did something. False when there is no place for it.
    fn keep(
        &mut self,
        from: Option<usize>,
        event: Option<usize>,
        run: Run,
        certain: bool,
        seen: &mut HashSet<(usize, Box<[Mark]>)>,
    ) -> bool {
        let overflow = is_overflow(&run);
        let Run { asked, marks, done } = run;
        if overflow {
            let marks = marks.into_iter().take(CIRCLE_MARKS).collect();
            self.circles.push(Circle { from, event, asked: asked.into(), marks, certain });
            return true;
        }
        let Ok(active) = done else { return true };
        if marks.is_empty() {
            return true;
        }
        let marks: Box<[Mark]> = marks.into();
        let number = self.moves.len();
        let Some(to) = self.config(active, from, number) else { return false };
        if seen.insert((to, marks.clone())) {
            self.moves.push(Move { from, to, event, asked: asked.into(), marks });
            if let Some(config) = from.and_then(|from| self.configs.get_mut(from)) {
                config.out.push(number);
            }
        }
        true
    }

    fn config(&mut self, active: Active, from: Option<usize>, by: usize) -> Option<usize> {
        let key = self.key(&active);
        if let Some(known) = self.known.get(&key) {
            return Some(*known);
        }
        if self.configs.len() >= self.bounds.configurations {
            self.give_up("configurations", self.bounds.configurations);
            return None;
        }
        let depth = from.and_then(|from| self.configs.get(from)).map_or(0, |config| config.depth + 1);
        let (number, leaves) = (self.configs.len(), key.0.clone());
        self.configs.push(Config { active, leaves, first: by, depth, out: Vec::new(), whole: false });
        self.known.insert(key, number);
        Some(number)
    }

    fn key(&self, active: &Active) -> Key {
        let mut leaves = Vec::new();
        active.leaves(self.chart, ROOT, &mut |leaf| leaves.push(leaf));
        let remembered = self.histories.iter().map(|(of, deep)| match active.remembered(*of) {
            None => Box::default(),
            Some(leaves) if *deep => leaves.as_slice().into(),
            Some(leaves) => {
                let child = leaves.first().and_then(|leaf| self.chart.child_toward(*of, *leaf));
                child.into_iter().collect()
            }
        });
        (leaves.into(), remembered.collect())
    }
}

/// As how many steps one counts that goes round as often as the kernel allows: it takes as long.
const CIRCLE_STEPS: usize = 1000;

/// How many marks of a circle are kept.
const CIRCLE_MARKS: usize = 64;

fn is_overflow(run: &Run) -> bool {
    matches!(&run.done, Err(failed) if matches!(failed.error, StepError::Overflow { .. }))
}
