//! The actors of the simulation.

use hob_vat::{Answer, Kind, Kinds, Me, On, Problem, Ref, Turn, Value};

fn int(value: &Value, field: &str) -> i64 {
    value.as_struct().and_then(|fields| fields.get(field)).and_then(Value::as_i64).unwrap_or_default()
}

fn with(value: &Value, field: &str, new: impl Into<Value>) -> Value {
    Value::Struct(value.as_struct().unwrap().with(field, new.into()))
}

fn target(value: &Value) -> Option<Ref> {
    value.as_struct()?.get("to")?.as_ref()
}

/// Is told `name n` with n from 1 on, by each name, upwards; anything else it keeps as `bad`. How many it was told of each it counts.
pub(crate) struct Recorder;

impl Kind for Recorder {
    fn name(&self) -> &str {
        "test.recorder"
    }

    fn call(&self, _: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        let [Value::Str(name), number] = args else { return Ok(me.state().clone().into()) };
        let last = int(me.state(), name);
        let next = match number.as_i64() {
            Some(number) if number > last => {
                let count = format!("{name} count");
                with(&with(me.state(), name, number), &count, int(me.state(), &count) + 1)
            }
            _ => {
                with(me.state(), "bad", Value::list([Value::Str(name.clone()), last.into(), number.clone()]))
            }
        };
        Ok(me.becomes(next).saying(number.clone()))
    }
}

/// `['go n]` sends the next n numbers on; whatever comes of each is counted.
pub(crate) struct Forwarder;

impl Kind for Forwarder {
    fn name(&self) -> &str {
        "test.forwarder"
    }

    fn call(&self, turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        match args {
            [] => {
                turn.stamp();
                Ok(me.state().clone().into())
            }
            [Value::Symbol(_), many] => {
                let state = me.state();
                let to = target(state).unwrap();
                let name = state.as_struct().unwrap().get("name").unwrap().clone();
                let sent = int(state, "sent");
                let many = many.as_i64().unwrap_or_default();
                for number in sent + 1..=sent + many {
                    let answer = turn.send(to, [name.clone(), number.into()])?;
                    turn.on_only(answer, On::fulfilled(me.itself()).or_broken(me.itself()))?;
                }
                // Something that nobody needs afterwards.
                turn.spawn(&RECORDER, Value::fields([]))?;
                let stamped = with(state, "stamp", i64::try_from(turn.stamp()).unwrap());
                Ok(me.becomes(with(&stamped, "sent", sent + many)))
            }
            [what] => {
                let field = match what {
                    // It was never sent: too many waited for a vat that has halted.
                    Value::Error(error) if error.rule == "limit" => "refused",
                    Value::Error(_) => "broken",
                    _ => "answered",
                };
                let stamped = with(me.state(), "stamp", i64::try_from(turn.stamp()).unwrap());
                Ok(me.becomes(with(&stamped, field, int(me.state(), field) + 1)))
            }
            _ => Err(Problem::no_method(args, &["", "go n", "value"])),
        }
    }
}

/// Passes on what it is sent until `['revoke]`.
pub(crate) struct Caretaker;

impl Kind for Caretaker {
    fn name(&self) -> &str {
        "test.caretaker"
    }

    fn call(&self, turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        let passed = int(me.state(), "passed");
        match (args, target(me.state())) {
            ([], _) => Ok(me.state().clone().into()),
            ([Value::Symbol(_)], _) => Ok(me.becomes(with(me.state(), "to", ())).saying(passed)),
            (_, None) => Err(Problem::refused(Value::error("revoked", "not any more"))),
            (_, Some(to)) => {
                let answer = turn.send(to, args.to_vec())?;
                Ok(me.becomes(with(me.state(), "passed", passed + 1)).saying(answer))
            }
        }
    }
}

/// Counts: a number in version 0, a field in version 1.
pub(crate) struct Count {
    version: u32,
    refuses: bool,
}

impl Kind for Count {
    fn name(&self) -> &str {
        "test.count"
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn call(&self, _: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        let count = if self.version == 0 { me.state().as_i64().unwrap() } else { int(me.state(), "count") };
        if args.is_empty() {
            return Ok(count.into());
        }
        let next = if self.version == 0 {
            (count + 1).into()
        } else {
            Value::fields([("count", (count + 1).into())])
        };
        Ok(me.becomes(next))
    }

    fn upgrade(&self, _: u32, state: Value) -> Result<Value, Problem> {
        if self.refuses {
            return Err(Problem::rule("too-old", "this cannot be read any more".into()));
        }
        Ok(Value::fields([("count", state)]))
    }
}

pub(crate) static RECORDER: Recorder = Recorder;
pub(crate) static FORWARDER: Forwarder = Forwarder;
pub(crate) static CARETAKER: Caretaker = Caretaker;
pub(crate) static COUNT_0: Count = Count { version: 0, refuses: false };
static COUNT_1: Count = Count { version: 1, refuses: false };
static COUNT_REFUSES: Count = Count { version: 1, refuses: true };

/// Which code a process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Old,
    New,
    /// The new code, which cannot read the old states.
    Refuses,
}

pub(crate) fn kinds(code: Code) -> Kinds {
    let count = match code {
        Code::Old => &COUNT_0,
        Code::New => &COUNT_1,
        Code::Refuses => &COUNT_REFUSES,
    };
    Kinds::library().with(&RECORDER).with(&FORWARDER).with(&CARETAKER).with(count)
}
