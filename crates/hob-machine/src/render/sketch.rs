//! What there is to draw, before anybody asks where: shapes, arrows between them, and the words on both.
//!
//! All pictures are made from this, so that they say the same. What stays where it is (an internal transition, one back to where
//! the machine is anyway) is a line in the box and no arrow: nothing is left or entered.

use std::collections::HashMap;

use super::label::{self, Label};
use crate::chart::{Chart, Kind, NodeId, Semantics, TransitionId};
use crate::document::model::{InvocationKind, State, Transition};
use crate::name::Name;

/// A state, a region or the whole machine.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) at: String,
    pub(super) kind: Kind,
    pub(super) parent: usize,
    pub(super) children: Vec<usize>,
    /// What it does, line by line.
    pub(super) lines: Vec<String>,
    /// The transitions that are among the lines, by their places.
    pub(super) inside: Vec<String>,
    pub(super) active: bool,
}

/// Where an arrow begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum From {
    /// At a shape.
    Shape(usize),
    /// At the dot that says where a shape begins.
    Start(usize),
}

/// An arrow.
#[derive(Debug)]
pub(super) struct Arrow {
    pub(super) from: From,
    pub(super) to: usize,
    /// One for each transition that leads this way.
    pub(super) labels: Vec<Label>,
    /// It says where a history state leads at first, and is no transition.
    pub(super) default: bool,
}

/// A machine as shapes and arrows. The shape with the number 0 is the machine itself.
#[derive(Debug)]
pub(super) struct Sketch {
    pub(super) shapes: Vec<Shape>,
    pub(super) arrows: Vec<Arrow>,
}

impl Sketch {
    pub(super) fn new(chart: &Chart, active: &[Name]) -> Self {
        let mut sketch = Self { shapes: Vec::new(), arrows: Vec::new() };
        let root = NodeId(0);
        let mut states = chart.source().all_states();
        sketch.add(chart, root, chart.name().to_owned(), None);
        for (id, node) in chart.nodes() {
            // Regions are no states of the document; everything else is, in the same order.
            let state = if node.kind == Kind::Region { None } else { states.next() };
            sketch.add(chart, id, node.name.to_string(), state);
        }
        sketch.adopt();
        for name in active {
            let mut shape = chart.state(name);
            while let Some(id) = shape.filter(|id| *id != root) {
                if let Some(shape) = sketch.shapes.get_mut(index(id)) {
                    shape.active = true;
                }
                shape = Some(chart.parent(id));
            }
        }
        sketch.connect(chart);
        sketch
    }

    fn add(&mut self, chart: &Chart, id: NodeId, name: String, state: Option<&State>) {
        let node = chart.node(id);
        self.shapes.push(Shape {
            name,
            at: node.at.clone(),
            kind: node.kind,
            parent: index(node.parent),
            children: node.children.iter().map(|child| index(*child)).collect(),
            lines: state.map(lines).unwrap_or_default(),
            inside: Vec::new(),
            active: false,
        });
    }

    /// The history of a parallel state stands among its regions, and is none of them.
    fn adopt(&mut self) {
        for number in 1..self.shapes.len() {
            let parent = self.shapes.get(number).map_or(0, |shape| shape.parent);
            let Some(parent) = self.shapes.get_mut(parent) else { continue };
            if let Err(place) = parent.children.binary_search(&number) {
                parent.children.insert(place, number);
            }
        }
    }

    fn connect(&mut self, chart: &Chart) {
        let starts = std::iter::once(NodeId(0)).chain(chart.nodes().map(|(id, _)| id));
        for id in starts {
            let node = chart.node(id);
            for target in &node.initial {
                self.arrow(From::Start(index(id)), index(*target), Vec::new(), false);
            }
            // The first is among all, when there are several.
            let one = node.default.as_slice();
            let defaults = if node.more_defaults.is_empty() { one } else { &node.more_defaults };
            for default in defaults {
                self.arrow(From::Shape(index(id)), index(*default), Vec::new(), true);
            }
        }
        let mut states = chart.source().all_states();
        let mut drawn = HashMap::new();
        for (id, node) in chart.nodes().filter(|(_, node)| node.kind != Kind::Region) {
            let Some(state) = states.next() else { return };
            let mut compiled = node.transitions.iter();
            for transition in &state.transitions {
                let compiled = if transition.forbidden { None } else { compiled.next().copied() };
                self.transition(chart, id, transition, compiled, &mut drawn);
            }
        }
    }

    fn transition(
        &mut self,
        chart: &Chart,
        source: NodeId,
        transition: &Transition,
        compiled: Option<TransitionId>,
        drawn: &mut HashMap<(usize, usize), usize>,
    ) {
        let label = label::of(transition);
        let targets = match compiled {
            Some(id) if !stays(chart, source, id) => chart.transition(id).targets.as_slice(),
            _ => {
                if let Some(shape) = self.shapes.get_mut(index(source)) {
                    let forbidden = if transition.forbidden { " is forbidden" } else { "" };
                    shape.lines.push(format!("{}{forbidden}", label.line()));
                    shape.inside.push(transition.at.clone());
                }
                return;
            }
        };
        let from = index(source);
        for (number, target) in targets.iter().enumerate() {
            // The words stand once, at the first of several targets.
            let labels = if number == 0 { vec![label.clone()] } else { Vec::new() };
            let key = (from, index(*target));
            match drawn.get(&key).and_then(|arrow| self.arrows.get_mut(*arrow)) {
                Some(arrow) => arrow.labels.extend(labels),
                None => {
                    drawn.insert(key, self.arrows.len());
                    self.arrow(From::Shape(from), key.1, labels, false);
                }
            }
        }
    }

    fn arrow(&mut self, from: From, to: usize, labels: Vec<Label>, default: bool) {
        self.arrows.push(Arrow { from, to, labels, default });
    }

    /// How many transitions there are.
    pub(super) fn transitions(&self) -> usize {
        let arrows: usize = self.arrows.iter().map(|arrow| arrow.labels.len()).sum();
        arrows + self.shapes.iter().map(|shape| shape.inside.len()).sum::<usize>()
    }

    /// Whether `shape` is `around` or inside it.
    pub(super) fn is_within(&self, shape: usize, around: usize) -> bool {
        let mut shape = shape;
        // Whatever is around has a smaller number.
        while shape > around {
            shape = self.shapes.get(shape).map_or(0, |shape| shape.parent);
        }
        shape == around
    }
}

/// Whether a transition leaves nothing, as the steps of the machine have it.
fn stays(chart: &Chart, source: NodeId, id: TransitionId) -> bool {
    let transition = chart.transition(id);
    let Some(target) = transition.targets.first() else { return true };
    if chart.semantics() == Semantics::Scxml {
        return false;
    }
    transition.internal || (!transition.reenter && chart.is_within(source, *target))
}

fn lines(state: &State) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |word: &str, text: String| {
        if !text.is_empty() {
            lines.push(format!("{word} / {text}"));
        }
    };
    line("entry", label::list(&state.on_entry, &state.on_entry_assign, &[]));
    line("exit", label::list(&state.on_exit, &state.on_exit_assign, &[]));
    line("done", label::list(&state.on_done, &[], &[]));
    for invocation in &state.invoke {
        let kind = if invocation.kind == InvocationKind::Machine { "machine " } else { "" };
        line("do", format!("{kind}{}", invocation.src.name));
    }
    lines
}

fn index(id: NodeId) -> usize {
    id.0 as usize
}
