//! The actor that reads lines from a console and does what they say.
//!
//! Its state is a struct: `names` (what lines gave names to), `console`, `powers`, `stops` (whether a line that fails is the last),
//! `waits` (the number of what it waits for: what comes of anything it gave up is shown, and no line is asked for after it).

use hob_vat::{Answer, Kind, Me, On, Problem, Ref, Struct, Turn, Value};

use crate::read;
use crate::said::{Said, shown};
use crate::syntax::{Line, Pattern, Term};
use crate::words::{Context, make, talk, words};

/// The kind of speakers. `['start]` begins; the others it sends itself.
#[derive(Debug)]
pub(crate) struct Speaker;

pub(crate) static SPEAKER: Speaker = Speaker;

/// Hands the speaker what a promise came to. The state is `[speaker method bind number]`.
#[derive(Debug)]
pub(crate) struct Back;

pub(crate) static BACK: Back = Back;

/// Makes actors of the library where it is. `['spawn 'what state]`.
#[derive(Debug)]
pub(crate) struct Spawner;

pub(crate) static SPAWNER: Spawner = Spawner;

impl Kind for Spawner {
    fn name(&self) -> &str {
        "hob.spawner"
    }

    fn call(&self, turn: &mut Turn, _: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        match args {
            [spawn, what, rest @ ..] if spawn.as_name() == Some("spawn") && rest.len() < 2 => {
                let name = what.as_name().ok_or_else(|| Problem::bad_args("spawn", "'WHAT [STATE]"))?;
                make(turn, name, rest.first().cloned().unwrap_or_default()).map(Answer::from)
            }
            _ => Err(Problem::no_method(args, &["spawn 'WHAT [STATE]"])),
        }
    }
}

impl Kind for Back {
    fn name(&self) -> &str {
        "hob.speaker.back"
    }

    fn call(&self, turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        let (Some([Value::Ref(speaker), method, bind, number]), [value]) = (me.state().as_list(), args)
        else {
            return Err(Problem::bad_args("what is told", "one value"));
        };
        turn.call(*speaker, &[method.clone(), value.clone(), bind.clone(), number.clone()]).map(Answer::from)
    }
}

impl Kind for Speaker {
    fn name(&self) -> &str {
        "hob.speaker"
    }

    fn call(&self, turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        let fields = me.state().as_struct().ok_or_else(damaged)?;
        let part = |name: &str| fields.get(name).and_then(Value::as_ref).ok_or_else(damaged);
        let names = fields.get("names").and_then(Value::as_struct).cloned().ok_or_else(damaged)?;
        let (console, powers) = (part("console")?, part("powers")?);
        let stops = fields.get("stops").and_then(Value::as_bool).unwrap_or_default();
        let waits = fields.get("waits").and_then(Value::as_i64).unwrap_or_default();
        let late = args.get(3).is_some_and(|number| number.as_i64() != Some(waits));
        let mut speech = Speech { turn, me: me.itself(), names, console, powers, stops, waits, late };
        match (args.first().and_then(Value::as_name), args) {
            (Some("start"), [_]) => speech.next()?,
            (Some("line"), [_, Value::Str(line), ..]) => speech.line(line)?,
            (Some("line"), [_, ..]) => speech.end(0)?,
            (Some("settled"), [_, value, bind, _]) => speech.settled(value, bind)?,
            (Some("failed"), [_, reason, ..]) => speech.failed(&Problem::refused(reason.clone()))?,
            (Some("gone"), [_, ..]) => speech.names = std::iter::empty().collect(),
            (Some("give-up"), [_, reason]) => speech.give_up(&Problem::refused(reason.clone()))?,
            _ => return Err(Problem::no_method(args, &["start"])),
        }
        let (names, waits) = (Value::Struct(speech.names), speech.waits.into());
        Ok(me.becomes(Value::Struct(fields.with("names", names).with("waits", waits))))
    }
}

fn damaged() -> Problem {
    Problem::rule("damaged", "the state of a speaker is not what it was".into())
}

/// One thing that is said to the speaker.
struct Speech<'a> {
    turn: &'a mut Turn,
    me: Ref,
    names: Struct,
    console: Ref,
    powers: Ref,
    stops: bool,
    /// The number of what it waits for.
    waits: i64,
    /// What is said comes of something that was given up.
    late: bool,
}

impl Speech<'_> {
    /// Asks for a line, unless one is asked for already.
    fn next(&mut self) -> Result<(), Problem> {
        if self.late {
            return Ok(());
        }
        let known = Value::list(self.names.iter().map(|(name, _)| Value::Str(name.clone())));
        let line = self.turn.send(self.console, [Value::symbol("read-line"), known])?;
        // A console that can no longer be asked is gone, perhaps with an earlier run: there is nobody to tell, and no next line.
        self.back(line, "line", "gone", Value::Undefined)
    }

    /// When a promise is settled, the speaker is told.
    fn back(&mut self, promise: Ref, method: &str, broken: &str, bind: Value) -> Result<(), Problem> {
        self.waits += 1;
        let (me, number) = (self.me, self.waits);
        let state =
            |method: &str| Value::list([me.into(), Value::symbol(method), bind.clone(), number.into()]);
        let kept = self.turn.spawn(&BACK, state(method))?;
        let broken = self.turn.spawn(&BACK, state(broken))?;
        self.turn.on_only(promise, On::fulfilled(kept).or_broken(broken))
    }

    fn write(&mut self, text: &str) -> Result<(), Problem> {
        self.turn.send_only(self.console, [Value::symbol("write"), text.into()])
    }

    fn end(&mut self, status: i64) -> Result<(), Problem> {
        self.turn.send_only(self.console, [Value::symbol("end"), status.into()])
    }

    fn line(&mut self, text: &str) -> Result<(), Problem> {
        let line = match read::line(text) {
            Ok(Some(line)) => line,
            Ok(None) => return self.next(),
            Err(problem) => return self.failed(&problem),
        };
        let (names, powers) = (self.names.clone(), self.powers);
        match self
            .turn
            .attempt(|turn| evaluate(&mut Context { turn, powers, names: &names }, &names, &line.terms))
        {
            Ok(said) => self.said(said, &line),
            Err(problem) => self.failed(&problem),
        }
    }

    fn said(&mut self, said: Said, line: &Line) -> Result<(), Problem> {
        match said {
            Said::Quit => self.end(0),
            Said::Text(text) => {
                self.write(&text)?;
                self.next()
            }
            Said::Wait(promise) => self.back(promise, "settled", "failed", bind_value(&line.pattern)),
            Said::Value(value) => self.settled(&value, &bind_value(&line.pattern)),
        }
    }

    /// The value gets its names, or is shown.
    fn settled(&mut self, value: &Value, bind: &Value) -> Result<(), Problem> {
        match (bind, value) {
            (Value::Str(name), value) => self.names = self.names.with(name, value.clone()),
            (Value::List(names), Value::List(values)) if names.len() == values.len() => {
                for (name, value) in names.iter().zip(values.iter()) {
                    if let Value::Str(name) = name {
                        self.names = self.names.with(name, value.clone());
                    }
                }
            }
            (Value::List(names), _) => {
                let message = format!("{} names for {value}", names.len());
                return self.failed(&Problem::rule("names", message));
            }
            _ => {
                if let Some(text) = shown(value) {
                    self.write(&text)?;
                }
            }
        }
        self.next()
    }

    fn failed(&mut self, problem: &Problem) -> Result<(), Problem> {
        self.turn.send_only(self.console, [Value::symbol("complain"), problem.to_string().into()])?;
        if self.stops { self.end(1) } else { self.next() }
    }

    /// What it waits for will not be.
    fn give_up(&mut self, problem: &Problem) -> Result<(), Problem> {
        self.waits += 1;
        self.failed(problem)
    }
}

/// What has to be remembered of a pattern while a promise is waited for.
fn bind_value(pattern: &Pattern) -> Value {
    match pattern {
        Pattern::None => Value::Undefined,
        Pattern::One(name) => name.as_str().into(),
        Pattern::Each(names) => Value::list(names.iter().map(|name| name.as_str().into())),
    }
}

/// Does what terms say: the first is a word, or who is talked to.
fn evaluate(context: &mut Context<'_>, names: &Struct, terms: &[Term]) -> Result<Said, Problem> {
    let Some((first, rest)) = terms.split_first() else { return Ok(Said::Value(Value::Undefined)) };
    if let Term::Word(name) = first
        && names.get(name).is_none()
    {
        let Some(word) = words().iter().find(|word| word.name == name) else {
            return Err(unknown(name));
        };
        // What is spawned may be named by a bare word.
        let library = |term: &Term| match term {
            Term::Word(kind) if word.name == "spawn" && names.get(kind).is_none() => {
                Some(Value::symbol(kind))
            }
            _ => None,
        };
        let mut args = Vec::with_capacity(rest.len());
        for (at, term) in rest.iter().enumerate() {
            let named = if at == 0 { library(term) } else { None };
            args.push(match named {
                Some(name) => name,
                None => value(context, names, term)?,
            });
        }
        return (word.run)(context, &args);
    }
    let first = value(context, names, first)?;
    if rest.is_empty() {
        return Ok(Said::Value(first));
    }
    let Value::Ref(to) = first else {
        return Err(Problem::rule("not-callable", format!("{first} cannot be talked to")));
    };
    let mut args = Vec::with_capacity(rest.len());
    for (at, term) in rest.iter().enumerate() {
        args.push(match term {
            // A method may be named by a bare word.
            Term::Word(name) if at == 0 && names.get(name).is_none() => Value::symbol(name),
            term => value(context, names, term)?,
        });
    }
    talk(context.turn, to, &args)
}

fn value(context: &mut Context<'_>, names: &Struct, term: &Term) -> Result<Value, Problem> {
    Ok(match term {
        Term::Value(value) => value.clone(),
        Term::Word(name) => names.get(name).cloned().ok_or_else(|| unknown(name))?,
        Term::List(items) => {
            Value::list(items.iter().map(|item| value(context, names, item)).collect::<Result<Vec<_>, _>>()?)
        }
        Term::Struct(fields) => {
            let mut all = Vec::with_capacity(fields.len());
            for (name, term) in fields {
                all.push((name.as_str(), value(context, names, term)?));
            }
            Value::fields(all)
        }
        Term::Inner(terms) => match evaluate(context, names, terms)? {
            Said::Value(value) => value,
            // What is far answers later: the promise is passed on.
            Said::Wait(promise) => promise.into(),
            Said::Text(text) => text.into(),
            Said::Quit => Value::Undefined,
        },
    })
}

fn unknown(name: &str) -> Problem {
    Problem::rule("unknown-name", format!("{name} is neither a word nor a name here; `help` lists the words"))
}
