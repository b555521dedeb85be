//! One machine and everything that happened to it: each step is kept, and any can be gone back to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hob_machine::chart::Use;
use hob_machine::{
    Chart, Document, Effect, Event, Instance, Limits, Machine, Name, Problem, Refused, Registry, Trace,
    ecmascript,
};
use serde_json::{Value, json};

use super::clock::Clock;

/// How many steps are kept; the oldest go first.
const STEPS_MAX: usize = 1_000;
/// How many timers may ring before the person is asked again.
const RINGS_MAX: usize = 500;
/// How many events are tried to see whether they lead anywhere; the others count as if they did.
pub(super) const TRIED_MAX: usize = 300;
/// How long a step may take, and trying events.
const STEP_TIME: Duration = Duration::from_secs(5);

/// A step, and how things were after it.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub(super) instance: Instance,
    pub(super) clock: Clock,
    /// The event; `None` of the beginning.
    pub(super) event: Option<Name>,
    pub(super) data: Option<Value>,
    /// Whether it came by itself.
    pub(super) by_clock: bool,
    pub(super) effects: Vec<Effect>,
    pub(super) trace: Option<Box<Trace>>,
    /// Why nothing happened.
    pub(super) error: Option<String>,
}

/// What the person says about guards that nothing is bound to.
pub(super) type Answers = Arc<Mutex<BTreeMap<String, bool>>>;

/// A machine that is played with.
pub(super) struct Play {
    pub(super) machine: Arc<Machine>,
    pub(super) answers: Answers,
    pub(super) moments: Vec<Moment>,
    /// Which of them is looked at.
    pub(super) at: usize,
    /// What it came from, when that has a data model of its own: SCXML's.
    data: Option<Document>,
}

impl Play {
    /// Starts a machine. Errors: what the machine names and must not, and what keeps it from starting.
    pub(super) fn start(chart: Chart, document: Document, context: Value) -> Result<Self, Vec<Problem>> {
        let answers = Answers::default();
        let data = ecmascript::is_used(&chart, &document).then_some(document);
        let registry = registry(&chart, &answers, data.is_some());
        let machine = Machine::bind(chart, &registry).map_err(|Refused(problems)| problems)?;
        let mut play = Self { machine, answers, moments: Vec::new(), at: 0, data };
        play.restart(context).map_err(|why| vec![Problem::error("start", "", why)])?;
        Ok(play)
    }

    /// From the beginning again. With a data model, what is given takes the place of data of that name.
    pub(super) fn restart(&mut self, context: Value) -> Result<(), String> {
        let context = match (&self.data, context) {
            (None, context) => context,
            (Some(document), Value::Object(input)) => ecmascript::begin_with(document, &input).0,
            (Some(_), _) => {
                return Err("the context of this machine is its data: a JSON object, by their names".into());
            }
        };
        self.moments = vec![begin(&self.machine, context)?];
        self.at = 0;
        self.advance(0);
        Ok(())
    }

    /// What is looked at.
    pub(super) fn now(&self) -> Option<&Moment> {
        self.moments.get(self.at)
    }

    /// Fires an event at what is looked at; what came after that is forgotten.
    pub(super) fn fire(&mut self, event: Name, data: Option<Value>) {
        if let Some(moment) = self.now().cloned() {
            self.add(step(moment, event, data, false));
            // What it sent itself, and timers that ring at once.
            self.advance(0);
        }
    }

    /// Looks at another step. Whether there is one of that number.
    pub(super) fn go(&mut self, at: usize) -> bool {
        let there = at < self.moments.len();
        if there {
            self.at = at;
        }
        there
    }

    /// Turns the clock. What is due until then happens, each at its time.
    pub(super) fn advance(&mut self, nanos: i64) {
        let Some(until) = self.now().map(|moment| moment.clock.now_nanos.saturating_add(nanos.max(0))) else {
            return;
        };
        for _ in 0..RINGS_MAX {
            let Some(mut moment) = self.now().cloned() else { return };
            let Some(timer) = moment.clock.ring(until) else { break };
            self.add(step(moment, timer.event, timer.data, true));
        }
        if let Some(moment) = self.moments.get_mut(self.at) {
            // Not past a timer that had no turn.
            let next = moment.clock.timers.first().map_or(until, |timer| timer.due_nanos.min(until));
            moment.clock.now_nanos = next.max(moment.clock.now_nanos);
        }
    }

    /// Turns the clock as far as the next timer.
    pub(super) fn advance_to_next(&mut self) {
        let wait = self.now().and_then(|moment| {
            Some(moment.clock.timers.first()?.due_nanos.saturating_sub(moment.clock.now_nanos))
        });
        if let Some(wait) = wait {
            self.advance(wait);
        }
    }

    /// For each event of the machine whether it would lead anywhere.
    pub(super) fn enabled(&self) -> Vec<(Name, bool)> {
        let Some(moment) = self.now() else { return Vec::new() };
        let until = Instant::now() + STEP_TIME;
        let events = self.machine.chart().events().iter().enumerate();
        let tried = events.map(|(number, event)| {
            let try_it = number < TRIED_MAX && Instant::now() < until;
            let leads = !try_it || {
                let fired = moment.instance.clone().fire_with(&event.clone().into(), &limits(), false);
                fired.err().is_none_or(|failed| !failed.error.is_unhandled())
            };
            (event.clone(), leads)
        });
        tried.collect()
    }

    fn add(&mut self, moment: Moment) {
        self.moments.truncate(self.at + 1);
        self.moments.push(moment);
        if self.moments.len() > STEPS_MAX {
            self.moments.remove(0);
        }
        self.at = self.moments.len() - 1;
    }
}

/// Everything that the chart names: guards ask the person, actions say what they would do, changes of the context change nothing. Only
/// what is the data model's does what it says.
fn registry(chart: &Chart, answers: &Answers, has_data: bool) -> Registry {
    let names = |uses: &[Use]| -> BTreeSet<String> {
        let names = uses.iter().map(|each| each.name.to_string());
        names.filter(|name| !(has_data && ecmascript::is_own(name))).collect()
    };
    let mut registry = if has_data { ecmascript::register(Registry::new()) } else { Registry::new() };
    for name in names(chart.guards()) {
        known(answers).insert(name.clone(), true);
        let answers = Arc::clone(answers);
        registry =
            registry.guard(name, move |call| Ok(known(&answers).get(call.name).copied().unwrap_or(true)));
    }
    for name in names(chart.actions()) {
        registry =
            registry.action(name, |call| Ok(Some(json!({"action": call.name, "params": call.params}))));
    }
    for name in names(chart.assigns()) {
        registry = registry.assign(name, |_, _| Ok(()));
    }
    registry
}

/// The answers. Whoever broke off while it held them left them whole.
pub(super) fn known(answers: &Answers) -> MutexGuard<'_, BTreeMap<String, bool>> {
    answers.lock().unwrap_or_else(PoisonError::into_inner)
}

fn limits() -> Limits {
    Limits { deadline: Some(Instant::now() + STEP_TIME), ..Limits::default() }
}

fn begin(machine: &Arc<Machine>, context: Value) -> Result<Moment, String> {
    let started = Instance::start_with(machine, context, None, &limits(), true);
    let (instance, step) = started.map_err(|failed| failed.error.to_string())?;
    let mut clock = Clock::default();
    clock.heed(&step.effects);
    Ok(Moment {
        instance,
        clock,
        event: None,
        data: None,
        by_clock: false,
        effects: step.effects,
        trace: step.trace,
        error: None,
    })
}

/// What a step makes of a moment. One that fails leaves the machine as it was.
fn step(mut moment: Moment, event: Name, data: Option<Value>, by_clock: bool) -> Moment {
    let fired =
        moment.instance.fire_with(&Event { name: event.clone(), data: data.clone() }, &limits(), true);
    (moment.event, moment.data, moment.by_clock) = (Some(event), data, by_clock);
    (moment.effects, moment.trace, moment.error) = match fired {
        Ok(step) => (step.effects, step.trace, None),
        Err(failed) => (Vec::new(), failed.trace, Some(failed.error.to_string())),
    };
    moment.clock.heed(&moment.effects);
    moment
}
