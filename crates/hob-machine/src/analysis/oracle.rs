//! The kernel, with answers to choose.
//!
//! To look at everything that a machine can do, its chart is compiled once more with every guard of the host and every
//! comparison replaced by a question to a tape, every change of the context by a new number in its place, and with marks that
//! say what was left, taken and entered. It is stepped by the kernel that steps all machines, so that there is no second
//! opinion on what a step is. Asked twice for the same event in the same context, a question has the same answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use super::atom::{Atom, AtomId, Atoms};
use crate::binding::{Call, Failure, Machine, Registry};
use crate::chart::{Chart, NodeId, TransitionId};
use crate::document::model::{self, GuardNode, Ref};
use crate::effect::Effect;
use crate::guard::Expr;
use crate::instance::{Active, Context, Instance};
use crate::name::Name;
use crate::problem::Refused;
use crate::step::{Event, Failed, Limits, Step};

/// What replaces the functions of the host.
const ASK: &str = "ask";
const CHANGE: &str = "change";
const LEFT: &str = "left";
const TAKEN: &str = "taken";
const ENTERED: &str = "entered";
const OUTSIDE: &str = "hob.outside";
const NUMBER: &str = "n";

/// What happened in a step, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mark {
    Left(NodeId),
    Taken(TransitionId),
    Entered(NodeId),
}

/// One answer that a step got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) atom: AtomId,
    pub(crate) answer: bool,
    /// In which of the contexts of the step.
    pub(crate) context: u64,
}

/// What a step does with one choice of answers.
#[derive(Debug)]
pub(crate) struct Run {
    /// What was asked, each question once.
    pub(crate) asked: Vec<Asked>,
    pub(crate) marks: Vec<Mark>,
    /// Where it came to rest; why it did not.
    pub(crate) done: Result<Active, Failed>,
}

/// What is asked, in which of the contexts of the step, and, of the host, for which event and with which data.
type Question = (AtomId, u64, Option<(Name, Option<String>)>);

/// Answers that were given and answers to give.
#[derive(Default)]
struct Tape {
    script: Vec<bool>,
    asked: Vec<Asked>,
    known: HashMap<Question, bool>,
    marks: Vec<Mark>,
}

impl Tape {
    /// What the script says, and no when it has come to its end.
    fn ask(&mut self, atom: AtomId, of_host: bool, call: &Call<'_>) -> bool {
        let context = call.context.as_u64().unwrap_or(0);
        let event = call.event.filter(|_| of_host);
        let event = event.map(|event| (event.clone(), call.data.map(Value::to_string)));
        let key = (atom, context, event);
        if let Some(answer) = self.known.get(&key) {
            return *answer;
        }
        let answer = self.script.get(self.asked.len()).copied().unwrap_or(false);
        self.asked.push(Asked { atom, answer, context });
        self.known.insert(key, answer);
        answer
    }
}

/// A chart whose steps can be tried out with any answers.
pub(crate) struct Oracle {
    machine: Arc<Machine>,
    tape: Arc<Mutex<Tape>>,
}

impl Oracle {
    /// Errors: none for a chart that was loaded.
    pub(crate) fn new(chart: &Chart, atoms: &mut Atoms) -> Result<Self, Refused> {
        let mut rewriting = Rewriting { chart, atoms };
        let mut model = chart.source().clone();
        for state in &mut model.states {
            rewriting.state(state);
        }
        let of_host = |id: AtomId| matches!(atoms.get(id), Some(Atom::Named));
        let hosts: Vec<bool> = (0..atoms.len()).map(of_host).collect();
        let tape = Arc::new(Mutex::new(Tape::default()));
        let registry = registry(&tape, hosts);
        let chart = Chart::of_model(model, chart.semantics())?;
        Ok(Self { machine: Machine::bind(chart, &registry)?, tape })
    }

    /// The first step. What is not in the script is answered with no.
    pub(crate) fn start(&self, script: Vec<bool>, limits: &Limits) -> Run {
        self.reset(script);
        let started = Instance::start_with(&self.machine, Value::from(0), None, limits, false);
        self.run(started.map(|(instance, _)| instance.active))
    }

    /// A step from a configuration.
    pub(crate) fn step(&self, from: &Active, event: &Name, script: Vec<bool>, limits: &Limits) -> Run {
        self.reset(script);
        let machine = Arc::clone(&self.machine);
        let mut instance = Instance { machine, active: from.clone(), context: Context::new(Value::from(0)) };
        // Data, so that an event from outside is told from one that the machine raised.
        let event = Event { name: event.clone(), data: Some(Value::from(OUTSIDE)) };
        let fired: Result<Step, Failed> = instance.fire_with(&event, limits, false);
        self.run(fired.map(|_| instance.active))
    }

    fn reset(&self, script: Vec<bool>) {
        let mut tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        *tape = Tape { script, ..Tape::default() };
    }

    fn run(&self, done: Result<Active, Failed>) -> Run {
        let mut tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        Run { asked: std::mem::take(&mut tape.asked), marks: std::mem::take(&mut tape.marks), done }
    }
}

fn registry(tape: &Arc<Mutex<Tape>>, hosts: Vec<bool>) -> Registry {
    let number = |call: &Call<'_>| {
        let number = call.params.get(NUMBER).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        number.ok_or_else(|| Failure::from("no number"))
    };
    let asking = Arc::clone(tape);
    let registry = Registry::new().guard(ASK, move |call| {
        let atom = number(call)? as usize;
        let of_host = hosts.get(atom).copied().unwrap_or(false);
        Ok(asking.lock().unwrap_or_else(PoisonError::into_inner).ask(atom, of_host, call))
    });
    let registry = registry.assign(CHANGE, |_, context| {
        *context = Value::from(context.as_u64().unwrap_or(0) + 1);
        Ok(())
    });
    type Marking = fn(u32) -> Mark;
    let marks: [(&str, Marking); 3] = [
        (LEFT, |n| Mark::Left(NodeId(n))),
        (TAKEN, |n| Mark::Taken(TransitionId(n))),
        (ENTERED, |n| Mark::Entered(NodeId(n))),
    ];
    marks.into_iter().fold(registry, |registry, (name, mark)| {
        let tape = Arc::clone(tape);
        registry.action(name, move |call| {
            let mark = mark(number(call)?);
            tape.lock().unwrap_or_else(PoisonError::into_inner).marks.push(mark);
            Ok(None)
        })
    })
}

/// A model, on its way to one that asks the tape.
struct Rewriting<'a> {
    chart: &'a Chart,
    atoms: &'a mut Atoms,
}

impl Rewriting<'_> {
    /// Nests no deeper than the document.
    fn state(&mut self, state: &mut model::State) {
        if let Some(id) = self.chart.state(&state.name) {
            mark(&mut state.on_entry, ENTERED, id.0);
            mark(&mut state.on_exit, LEFT, id.0);
            let ids = &self.chart.node(id).transitions;
            let taken = state.transitions.iter_mut().filter(|transition| !transition.forbidden);
            for (transition, id) in taken.zip(ids) {
                self.transition(transition, *id);
            }
        }
        state.on_done.retain(is_raise);
        change(&mut state.on_entry_assign);
        change(&mut state.on_exit_assign);
        state.invoke.clear();
        let inside = state.regions.iter_mut().flat_map(|region| &mut region.states);
        for child in state.children.iter_mut().chain(inside) {
            self.state(child);
        }
    }

    fn transition(&mut self, transition: &mut model::Transition, id: TransitionId) {
        let compiled = self.chart.transition(id);
        mark(&mut transition.effects, TAKEN, id.0);
        change(&mut transition.assigns);
        transition.after = None;
        for (reference, guard) in transition.guards.iter_mut().zip(&compiled.guards) {
            let atom = self.atoms.named(self.chart, *guard);
            *reference = numbered(ASK, atom, &reference.at);
        }
        if let (Some(node), Some(expr)) = (&mut transition.guard_expr, &compiled.guard) {
            self.guard(node, expr);
        }
    }

    fn guard(&mut self, node: &mut GuardNode, expr: &Expr) {
        let atom = match expr {
            Expr::StateIn { .. } => return,
            Expr::And(parts) | Expr::Or(parts) => {
                for (node, part) in node.children.iter_mut().zip(parts) {
                    self.guard(node, part);
                }
                return;
            }
            Expr::Not(inner) => {
                node.children.iter_mut().for_each(|node| self.guard(node, inner));
                return;
            }
            Expr::Named(guard) => self.atoms.named(self.chart, *guard),
            Expr::Compare { .. } | Expr::OneOf { .. } => match self.atoms.formula(self.chart, expr) {
                super::atom::Formula::Atom(atom) => atom,
                _ => return,
            },
        };
        let reference = Some(numbered(ASK, atom, &node.at));
        *node = GuardNode {
            at: node.at.clone(),
            op: "leaf".into(),
            reference,
            state: None,
            path: String::new(),
            literal: None,
            set: Vec::new(),
            children: Vec::new(),
        };
    }
}

/// Actions that matter to what happens next.
fn is_raise(action: &Ref) -> bool {
    let action = crate::chart::Use {
        name: action.name.as_str().into(),
        params: action.params.clone(),
        at: String::new(),
        position: None,
    };
    matches!(crate::builtin::effect(&action), Some(Effect::Raise { .. }))
}

fn mark(actions: &mut Vec<Ref>, name: &str, number: u32) {
    actions.retain(is_raise);
    actions.insert(0, numbered(name, number as usize, ""));
}

fn change(assigns: &mut Vec<Ref>) {
    if !assigns.is_empty() {
        *assigns = vec![numbered(CHANGE, 0, "")];
    }
}

fn numbered(name: &str, number: usize, at: &str) -> Ref {
    let params = Map::from_iter([(NUMBER.to_owned(), Value::from(number))]);
    Ref { at: at.into(), name: name.into(), params, position: None }
}
