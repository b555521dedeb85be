//! Machines nobody thought of: what is said of them, held against running them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};

use hob_machine::analysis::{Bounds, Exploration, Goals, Property, Witness, report};
use hob_machine::diff::{Restore, Step, diff};
use hob_machine::{Chart, Document, Event, Instance, Machine, Name, Registry, Semantics};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::recorded;

const EVENTS: [&str; 3] = ["x", "y", "z"];

/// What a state is made of: how many children and regions it and those inside have, and numbers to draw the rest from.
#[derive(Clone, Debug)]
enum Shape {
    Leaf,
    Children(Vec<Shape>),
    Regions(Vec<Vec<Shape>>),
}

fn shape() -> impl Strategy<Value = Vec<Shape>> {
    let state = Just(Shape::Leaf).prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(Shape::Children),
            prop::collection::vec(prop::collection::vec(inner, 1..3), 1..3).prop_map(Shape::Regions),
        ]
    });
    prop::collection::vec(state, 1..4)
}

/// Turns shapes and numbers into a document. Guards are named `g<n>`, each at one place.
struct Builder {
    numbers: VecDeque<u32>,
    states: usize,
    made: usize,
    guards: usize,
}

impl Builder {
    fn next(&mut self, below: usize) -> usize {
        let number = self.numbers.pop_front().unwrap_or(0);
        self.numbers.push_back(number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        (number >> 8) as usize % below
    }

    fn state(&mut self, shape: &Shape) -> Value {
        let name = self.made;
        self.made += 1;
        let mut state = json!({"name": format!("s{name}")});
        match shape {
            Shape::Leaf if self.next(6) == 0 => {
                state["isFinal"] = json!(true);
                return state;
            }
            Shape::Leaf => {}
            Shape::Children(children) => {
                let mut children: Vec<Value> = children.iter().map(|child| self.state(child)).collect();
                state["initialChild"] = children[0]["name"].clone();
                if self.next(3) == 0 {
                    children.push(json!({"name": format!("h{name}"), "historyType": 1 + self.next(2)}));
                }
                state["children"] = json!(children);
            }
            Shape::Regions(regions) => {
                let regions = regions.iter().enumerate().map(|(index, states)| {
                    let states: Vec<Value> = states.iter().map(|state| self.state(state)).collect();
                    json!({"name": format!("r{index}"), "initialChild": states[0]["name"], "states": states})
                });
                state["regions"] = regions.collect();
            }
        }
        let many = self.next(4);
        state["transitions"] = (0..many).map(|_| self.transition()).collect();
        state
    }

    fn transition(&mut self) -> Value {
        let target = self.next(self.states);
        let mut transition = json!({"to": format!("s{target}"), "on": EVENTS[self.next(3)]});
        if self.next(2) == 0 {
            transition["guards"] = json!([{"name": format!("g{}", self.guards)}]);
            self.guards += 1;
        }
        match self.next(12) {
            0 => transition["reenter"] = json!(true),
            1 => transition["raise"] = json!([EVENTS[self.next(3)]]),
            2 => return json!({"on": transition["on"], "forbidden": true}),
            3 => {
                transition["wildcard"] = json!(true);
                transition["on"] = json!("");
            }
            4 => {
                transition["eventLess"] = json!(true);
                transition["on"] = json!("");
            }
            _ => {}
        }
        transition
    }
}

fn count(shapes: &[Shape]) -> usize {
    let inside = |shape: &Shape| match shape {
        Shape::Leaf => 0,
        Shape::Children(children) => count(children),
        Shape::Regions(regions) => regions.iter().map(|states| count(states)).sum(),
    };
    shapes.iter().map(|shape| 1 + inside(shape)).sum()
}

fn document() -> impl Strategy<Value = Document> {
    (shape(), prop::collection::vec(any::<u32>(), 64)).prop_map(|(shapes, numbers)| {
        let mut builder = Builder { numbers: numbers.into(), states: count(&shapes), made: 0, guards: 0 };
        let states: Vec<Value> = shapes.iter().map(|shape| builder.state(shape)).collect();
        let machine = json!({"name": "m", "hasInitial": true, "initial": "s0", "states": states});
        Document::parse(&machine.to_string()).unwrap()
    })
}

fn charts(document: &Document) -> impl Iterator<Item = Chart> {
    let modes = [Semantics::Hob, Semantics::Crucible, Semantics::Scxml];
    modes.into_iter().filter_map(|mode| Chart::load_as(document, mode).ok())
}

/// Answers for guards: those of a trace, in order, or drawn.
enum Answers {
    Told(VecDeque<(String, bool)>),
    Drawn(u64),
}

/// Answers of this step, by guard and event.
type Known = HashMap<(String, String), bool>;

/// A machine whose guards answer as it is told; asked again for the same event of a step they say the same.
struct Puppet {
    machine: Arc<Machine>,
    answers: Arc<Mutex<(Answers, Known)>>,
}

impl Puppet {
    fn of(document: &Document, mode: Semantics) -> Self {
        let chart = Chart::load_as(document, mode).unwrap();
        let answers = Arc::new(Mutex::new((Answers::Drawn(0), HashMap::new())));
        let mut registry = Registry::new();
        for n in 0..200 {
            let answers = Arc::clone(&answers);
            registry = registry.guard(format!("g{n}"), move |call| {
                let mut answers = answers.lock().unwrap();
                let (answers, known) = &mut *answers;
                let key = (call.name.to_owned(), format!("{:?} {:?}", call.event, call.data));
                if let Some(answer) = known.get(&key) {
                    return Ok(*answer);
                }
                let answer = match answers {
                    Answers::Told(told) => {
                        let (guard, answer) = told.pop_front().ok_or("nothing more was told")?;
                        if guard != call.name {
                            return Err(format!("{} is asked and not {guard}", call.name).into());
                        }
                        answer
                    }
                    Answers::Drawn(seed) => draw(seed).is_multiple_of(2),
                };
                known.insert(key, answer);
                Ok(answer)
            });
        }
        Self { machine: Machine::bind(chart, &registry).unwrap(), answers }
    }

    fn tell(&self, answers: Answers) {
        *self.answers.lock().unwrap() = (answers, HashMap::new());
    }

    /// An instance that has taken the steps of a trace.
    fn follow(&self, witness: &Witness) {
        let mut instance: Option<Instance> = None;
        for (index, step) in witness.steps.iter().enumerate() {
            let told = step.answers.iter().map(|answer| (answer.guard.clone(), answer.answer));
            self.tell(Answers::Told(told.collect()));
            let last = index + 1 == witness.steps.len();
            let done = match (&mut instance, &step.event) {
                (None, None) => {
                    Instance::start(&self.machine, Value::Null).map(|(started, _)| instance = Some(started))
                }
                (Some(instance), Some(event)) => {
                    // As the analysis does, so that a raised event of the same name is another.
                    let event = Event { name: event.clone(), data: Some(json!("outside")) };
                    instance.fire(&event).map(drop)
                }
                other => panic!("{other:?}"),
            };
            match (done, witness.restless && last) {
                (Err(_), true) => return,
                (Ok(()), false) => {}
                other => panic!("step {index} of\n{witness}\n{other:?}"),
            }
            assert_eq!(
                instance.as_ref().unwrap().configuration(),
                step.configuration,
                "step {index} of\n{witness}"
            );
        }
    }
}

fn draw(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Wherever a run comes, the graph has been; what is said never to be active never is; every trace is one of the kernel.
    #[test]
    fn what_is_said_is_so(document in document(), seed in any::<u64>()) {
        for chart in charts(&document) {
            let mode = chart.semantics();
            let bounds = Bounds { configurations: 300, steps: 8_000, choices: 64, ..Bounds::default() };
            let graph = Exploration::of(&chart, &bounds).unwrap();
            let said = report(&graph);
            let puppet = Puppet::of(&document, mode);
            for witness in said.findings.iter().filter_map(|finding| finding.witness.as_ref()) {
                graph.replay(witness).unwrap();
                puppet.follow(witness);
            }
            for witness in &graph.cover(Goals::Transitions).sequences {
                puppet.follow(witness);
            }
            let unreachable: HashSet<&str> = said.findings.iter()
                .filter(|finding| finding.code == "unreachable_state")
                .map(|finding| finding.at.as_str())
                .collect();
            let mut seed = seed;
            let mut seen: HashSet<Vec<Name>> = HashSet::new();
            for _ in 0..8 {
                puppet.tell(Answers::Drawn(draw(&mut seed)));
                let Ok((mut instance, _)) = Instance::start(&puppet.machine, Value::Null) else { continue };
                for _ in 0..16 {
                    for name in instance.active_states() {
                        let node = chart.node(chart.state(&name).unwrap());
                        prop_assert!(!unreachable.contains(&*node.at), "{} is active", name);
                    }
                    seen.insert(instance.configuration());
                    puppet.tell(Answers::Drawn(draw(&mut seed)));
                    let event = ["x", "y", "z", "other"][usize::try_from(draw(&mut seed) % 4).unwrap()];
                    let _ = instance.fire(&event.into());
                }
            }
            // Where a run was, the graph can come to.
            for configuration in &seen {
                let leaves = configuration.iter().map(ToString::to_string).collect::<Vec<_>>().join(" & ");
                let verdict = graph.check(&Property::parse(&format!("reach({leaves})")).unwrap()).unwrap();
                match verdict.witness {
                    Some(witness) => puppet.follow(&witness),
                    None => prop_assert!(graph.gave_up().is_some(), "{} is not in the graph", leaves),
                }
            }
        }
    }

    /// Counterexamples of every form are ways of the kernel, and forms that say the same answer the same.
    #[test]
    fn forms_agree(document in document(), a in 0..4_usize, b in 0..4_usize) {
        for chart in charts(&document) {
            let names: Vec<String> =
                chart.nodes().map(|(_, node)| node.name.to_string()).filter(|name| name.starts_with('s')).collect();
            let (a, b) = (&names[a % names.len()], &names[b % names.len()]);
            let bounds = Bounds { configurations: 300, steps: 8_000, choices: 64, ..Bounds::default() };
            let graph = Exploration::of(&chart, &bounds).unwrap();
            let puppet = Puppet::of(&document, chart.semantics());
            let ask = |text: String| {
                let verdict = graph.check(&Property::parse(&text).unwrap()).unwrap();
                if let Some(witness) = &verdict.witness {
                    graph.replay(witness).unwrap();
                    puppet.follow(witness);
                }
                serde_json::to_value(verdict.answered).unwrap()["answer"].as_str().unwrap().to_owned()
            };
            let turned = |answer: String| match answer.as_str() {
                "holds" => "fails".to_owned(),
                "fails" => "holds".to_owned(),
                _ => answer,
            };
            prop_assert_eq!(ask(format!("reach({a})")), turned(ask(format!("never({a})"))));
            prop_assert_eq!(ask(format!("never({a} & {b})")), ask(format!("always(!{a} | !{b})")));
            prop_assert_eq!(ask(format!("always({a} -> {b})")), ask(format!("never({a} & !{b})")));
            // What must be can be, and what can be with a detour forbidden can be.
            if ask(format!("inevitable({a})")) == "holds" {
                prop_assert_eq!(ask(format!("reach({a})")), "holds");
            }
            if ask(format!("avoid({a}, {b})")) == "holds" {
                prop_assert_eq!(ask(format!("reach({a} & !{b})")), "holds");
            }
            if ask(format!("reach({a})")) == "holds" {
                prop_assert_eq!(ask(format!("pass({a})")), "holds");
            }
            ask(format!("eventually({a})"));
        }
    }

    /// A machine and itself are the same, and a change of one place is one.
    #[test]
    fn a_machine_is_itself(document in document()) {
        for (chart, again) in charts(&document).zip(charts(&document)) {
            let same = diff(&chart, &again);
            prop_assert_eq!(same.changes, []);
            prop_assert_eq!(same.step, Step::None);
            prop_assert_eq!(same.restore, Restore::All);
        }
    }
}

#[test]
fn recorded_machines_are_themselves() {
    for (chart, again) in recorded().iter().zip(&recorded()) {
        let same = diff(chart, again);
        assert_eq!(
            (same.step, same.changes, same.restore),
            (Step::None, vec![], Restore::All),
            "{}",
            chart.name()
        );
    }
}
