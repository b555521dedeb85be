//! Machines and inputs made of a number: the same of the same number.

use std::sync::{Arc, Mutex};

use hob_machine::driver::{Input, Machines, Reads, System, SystemLimits};
use hob_machine::{Chart, Document, Event, Machine, Registry};
use serde_json::{Value, json};

/// Numbers that look random.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    pub(crate) fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    fn of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }
}

struct Builder<'r> {
    random: &'r mut Random,
    /// Every state that a transition may lead to.
    names: Vec<String>,
}

impl Builder<'_> {
    fn name(&mut self) -> String {
        let name = format!("s{}", self.names.len());
        self.names.push(name.clone());
        name
    }

    fn states(&mut self, depth: u64) -> (Vec<Value>, String) {
        let count = 2 + self.random.below(2);
        let states: Vec<Value> = (0..count).map(|_| self.state(depth)).collect();
        let first = self.random.below(count) as usize;
        let name = states[first]["name"].as_str().unwrap().to_owned();
        (states, name)
    }

    fn state(&mut self, depth: u64) -> Value {
        let name = self.name();
        let mut state = json!({"name": name});
        match self.random.below(if depth >= 3 { 3 } else { 8 }) {
            0 if depth > 1 => state["isFinal"] = json!(true),
            3..=5 => {
                let (mut children, first) = self.states(depth + 1);
                if self.random.one_in(2) {
                    let history = self.name();
                    let kind = 1 + self.random.below(2);
                    children.push(json!({"name": history, "historyType": kind, "historyDefault": first}));
                }
                state["children"] = json!(children);
                state["initialChild"] = json!(first);
            }
            6 | 7 => {
                let regions: Vec<Value> = (0..2)
                    .map(|number| {
                        let (states, first) = self.states(depth + 1);
                        json!({"name": format!("r{number}"), "states": states, "initialChild": first})
                    })
                    .collect();
                state["regions"] = json!(regions);
            }
            _ => {}
        }
        state
    }

    fn decorate(&mut self, state: &mut Value) {
        for key in ["children", "regions", "states"] {
            if let Some(inside) = state.get_mut(key).and_then(Value::as_array_mut) {
                inside.iter_mut().for_each(|state| self.decorate(state));
            }
        }
        if state.get("name").is_none() || state.get("states").is_some() || state.get("historyType").is_some()
        {
            return;
        }
        let from = state["name"].clone();
        for key in ["onEntry", "onExit"] {
            if self.random.one_in(3) {
                state[key] = json!([self.action()]);
            }
        }
        for key in ["onEntryAssign", "onExitAssign"] {
            if self.random.one_in(4) {
                state[key] = json!([self.assign()]);
            }
        }
        if self.random.one_in(3) {
            state["invoke"] = json!([self.invocation()]);
        }
        if state.get("isFinal").is_some() {
            return;
        }
        let mut transitions = Vec::new();
        for _ in 0..1 + self.random.below(3) {
            let to = self.random.of(&self.names).clone();
            let mut transition = json!({"from": from, "to": to, "on": format!("e{}", self.random.below(5))});
            match self.random.below(6) {
                0 => {
                    transition["after"] = json!(self.random.below(40));
                    transition["on"] = json!(format!("t{}", self.random.below(3)));
                }
                1 => transition["guards"] = json!([{"name": "odd"}]),
                2 => transition["reenter"] = json!(true),
                3 if self.random.one_in(3) => transition["raise"] = json!(["e0"]),
                _ => {}
            }
            if self.random.one_in(2) {
                transition["effects"] = json!([self.action()]);
            }
            if self.random.one_in(2) {
                transition["assigns"] = json!([self.assign()]);
            }
            transitions.push(transition);
        }
        state["transitions"] = json!(transitions);
    }

    fn action(&mut self) -> Value {
        let event = format!("e{}", self.random.below(5));
        let child = *self.random.of(&["kid", "kin"]);
        match self.random.below(12) {
            0 => json!({"name": "crucible.sendTo", "params": {"target": child, "event": event}}),
            1 => json!({"name": "crucible.sendTo", "params": {"systemId": "everyone", "event": event}}),
            2 => json!({"name": "crucible.sendParent", "params": {"event": event}}),
            3 => json!({"name": "crucible.respond", "params": {"event": event}}),
            4 => json!({"name": "crucible.forwardTo", "params": {"target": child}}),
            5 => json!({"name": "crucible.stopActor", "params": {"id": child}}),
            6 => json!({"name": "crucible.spawn",
                        "params": {"src": self.random.of(&["b", "c", "none"]), "id": child, "onError": "e1"}}),
            7 => json!({"name": "crucible.spawn",
                        "params": {"src": "c", "id": child, "systemId": "everyone", "onDone": "e2"}}),
            _ => json!({"name": "emit", "params": {"what": event}}),
        }
    }

    fn assign(&mut self) -> Value {
        json!({"name": self.random.of(&["log", "log", "log", "dice", "moody"])})
    }

    fn invocation(&mut self) -> Value {
        let (done, failed) = (self.random.below(5), self.random.below(5));
        let mut invocation = json!({"onDone": format!("e{done}"), "onError": "", "src": {"name": "work"}});
        if self.random.one_in(2) {
            invocation["onError"] = json!(format!("e{failed}"));
        }
        if self.random.one_in(2) {
            invocation["kind"] = json!(1);
            invocation["src"] = json!({"name": self.random.of(&["b", "c"])});
        }
        invocation
    }
}

fn document(random: &mut Random, name: &str) -> Value {
    let mut builder = Builder { random, names: Vec::new() };
    let (mut states, first) = builder.states(1);
    states.iter_mut().for_each(|state| builder.decorate(state));
    json!({"name": name, "version": "1", "states": states, "initial": first, "hasInitial": true})
}

fn registry(reads: &Reads) -> Registry {
    let reads = reads.clone();
    let log = |context: &mut Value, entry: Value| {
        if !context["log"].is_array() {
            *context = json!({"log": []});
        }
        let log = context["log"].as_array_mut().unwrap();
        log.push(entry);
        if log.len() > 12 {
            log.remove(0);
        }
    };
    let count = |context: &Value| context["log"].as_array().map_or(0, Vec::len);
    Registry::new()
        .guard("odd", move |call| Ok(count(call.context) % 2 == 1))
        .action("emit", |call| Ok(Some(json!({"what": call.params["what"], "data": call.data}))))
        .assign("log", move |call, context| {
            log(context, json!([call.event, call.data]));
            Ok(())
        })
        .assign("dice", move |_, context| {
            log(context, reads.read("dice")?);
            Ok(())
        })
        .assign("moody", move |call, context| {
            log(context, json!("before the failure"));
            if count(call.context) % 3 == 2 { Err("not now".into()) } else { Ok(()) }
        })
}

/// Machines of three kinds, the first of which is called `a`. What cannot be loaded is tried again with the next number.
pub(crate) fn machines(seed: u64, reads: &Reads) -> Machines {
    let mut machines = Machines::new();
    let mut random = Random::new(seed);
    for name in ["a", "b", "c"] {
        let machine = loop {
            let document = Document::parse(&document(&mut random, name).to_string()).unwrap();
            if let Ok(chart) = Chart::load(&document) {
                break Machine::bind(chart, &registry(reads)).unwrap();
            }
        };
        machines = machines.with(name, &machine);
    }
    machines
}

pub(crate) fn one_machine(seed: u64) -> Arc<Machine> {
    let reads = Reads::new(|_| Ok(json!(6)));
    let mut random = Random::new(seed);
    loop {
        let document = Document::parse(&document(&mut random, "a").to_string()).unwrap();
        if let Ok(chart) = Chart::load(&document) {
            return Machine::bind(chart, &registry(&reads)).unwrap();
        }
    }
}

/// Small limits, so that they are met.
pub(crate) fn limits() -> SystemLimits {
    let mut limits = SystemLimits {
        machines: 6,
        depth: 3,
        mailbox: 5,
        timers: 4,
        services: 3,
        outputs: 40,
        steps: 25,
        ..SystemLimits::default()
    };
    limits.step.microsteps = 20;
    limits
}

/// A source that gives other numbers whenever it is asked.
pub(crate) fn dice() -> Reads {
    let count = Mutex::new(0_u64);
    Reads::new(move |_| {
        let mut count = count.lock().unwrap();
        *count += 1;
        if count.is_multiple_of(11) { Err("the dice fell off the table".into()) } else { Ok(json!(*count)) }
    })
}

/// The next input for a system as it is, and when it comes. The clock goes back now and then.
pub(crate) fn input(random: &mut Random, system: &System, now: &mut i64) -> Input {
    *now += random.below(25) as i64;
    if random.one_in(12) {
        *now -= 60;
    }
    let event = |random: &mut Random| Event {
        name: format!("e{}", random.below(5)).as_str().into(),
        data: random.one_in(2).then(|| json!({"n": random.below(100)})),
    };
    let services: Vec<_> = system.services().map(|(_, service)| service.run.clone()).collect();
    let outputs: Vec<_> = system.outputs().map(|output| output.id.clone()).collect();
    match random.below(10) {
        0 | 1 if !services.is_empty() => {
            let run = random.of(&services).clone();
            let result = if random.one_in(3) { Err(json!("broken")) } else { Ok(json!({"worked": true})) };
            Input::Service { run, result }
        }
        2 => Input::Time,
        3 => {
            let count = random.below(outputs.len() as u64 + 1) as usize;
            Input::Acknowledge { ids: outputs[..count].to_vec() }
        }
        4 => {
            let names: Vec<String> = system.instances().map(|(name, _)| name.to_owned()).collect();
            Input::Event { to: Some(random.of(&names).clone()), event: event(random) }
        }
        5 => Input::Service { run: "nobody/0/0".into(), result: Ok(Value::Null) },
        _ => Input::Event { to: None, event: event(random) },
    }
}
