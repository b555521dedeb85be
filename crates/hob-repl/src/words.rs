//! The words of the language: what each takes, and what it does.
//!
//! The list is data: help, completion and the language itself are read from it.

use hob_vat::{On, Problem, Ref, Struct, Turn, Value, library};

use crate::said::{Said, standing};

/// A word, for help and completion.
#[derive(Clone, Copy)]
pub struct Word {
    /// What is written.
    pub name: &'static str,
    /// What comes after it.
    pub takes: &'static str,
    /// What it does, in one line.
    pub does: &'static str,
    pub(crate) run: fn(&mut Context<'_>, &[Value]) -> Result<Said, Problem>,
}

impl std::fmt::Debug for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What a word has to work with.
pub(crate) struct Context<'a> {
    pub(crate) turn: &'a mut Turn,
    pub(crate) powers: Ref,
    pub(crate) names: &'a Struct,
}

/// All words.
#[must_use]
pub fn words() -> &'static [Word] {
    WORDS
}

static WORDS: &[Word] = &[
    Word {
        name: "spawn",
        takes: "WHAT [STATE]",
        does: "makes an actor of the library, or of a module that was loaded",
        run: spawn,
    },
    Word { name: "call", takes: "ACTOR ARG…", does: "calls what is near", run: call },
    Word { name: "send", takes: "ACTOR ARG…", does: "sends, and answers a promise", run: send },
    Word { name: "tell", takes: "ACTOR ARG…", does: "sends, and wants no answer", run: tell },
    Word { name: "await", takes: "PROMISE", does: "waits until a promise is kept or broken", run: wait },
    Word { name: "promise", takes: "", does: "makes [promise resolver]", run: promise },
    Word { name: "fulfill", takes: "RESOLVER VALUE", does: "keeps a promise", run: fulfill },
    Word { name: "break", takes: "RESOLVER REASON", does: "breaks a promise", run: break_with },
    Word { name: "on", takes: "PROMISE ACTOR", does: "sends an actor what comes of a promise", run: on },
    Word {
        name: "facet",
        takes: "ACTOR 'METHOD…",
        does: "makes one that lets only these methods through",
        run: facet,
    },
    Word {
        name: "caretaker",
        takes: "ACTOR",
        does: "makes [lent end]: one that stands for it, and the right to end that",
        run: caretaker,
    },
    Word { name: "revoke", takes: "END", does: "ends what a caretaker lent, or a membrane", run: revoke },
    Word {
        name: "membrane",
        takes: "ACTOR",
        does: "makes [inside end]: all that crosses is wrapped, and ends together",
        run: membrane,
    },
    Word { name: "seal", takes: "VALUE", does: "makes [box opener]", run: seal },
    Word { name: "all", takes: "PROMISE…", does: "a promise for the list of all", run: all },
    Word { name: "race", takes: "PROMISE…", does: "a promise for the first", run: race },
    Word { name: "list", takes: "VALUE…", does: "a list", run: list },
    Word { name: "inspect", takes: "REFERENCE", does: "says where it is, and how far it got", run: inspect },
    Word {
        name: "load",
        takes: "FILE",
        does: "loads a module: what it answers makes actors of it",
        run: load,
    },
    Word { name: "vat", takes: "NAME", does: "opens a vat: what it answers makes actors there", run: vat },
    Word {
        name: "publish",
        takes: "NAME ACTOR",
        does: "gives it a name by which it is found after a restart",
        run: publish,
    },
    Word { name: "find", takes: "NAME", does: "what was published", run: find },
    Word { name: "names", takes: "", does: "what has a name, and what it is", run: names },
    Word { name: "help", takes: "", does: "this", run: help },
    Word { name: "quit", takes: "", does: "the end", run: quit },
];

fn spawn(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    let state = || args.get(1).cloned().unwrap_or_default();
    match args {
        [Value::Ref(maker), ..] if args.len() <= 2 => {
            talk(context.turn, *maker, &[Value::symbol("spawn"), state()])
        }
        [Value::Symbol(name), ..] if args.len() <= 2 => make(context.turn, name, state()).map(Said::Value),
        _ => Err(Problem::bad_args("spawn", "WHAT [STATE]")),
    }
}

/// Makes an actor of the library.
pub(crate) fn make(turn: &mut Turn, name: &str, state: Value) -> Result<Value, Problem> {
    let int = |state: &Value| state.as_i64().unwrap_or_default();
    Ok(match name {
        "cell" => turn.spawn(&library::CELL, state)?.into(),
        "counter" => library::counter(turn, int(&state))?.into(),
        "clock" => pair(library::clock(turn, int(&state))?),
        "swappable" => pair(library::swappable(turn, state.as_ref())?),
        "sealers" => {
            let (sealer, unsealer, check) = library::sealers(turn)?;
            Value::list([sealer.into(), unsealer.into(), check.into()])
        }
        _ => {
            let known = "cell, counter, clock, swappable, sealers, or what `load` answered";
            return Err(Problem::rule("unknown-kind", format!("{name} is not one of {known}")));
        }
    })
}

fn pair((one, other): (Ref, Ref)) -> Value {
    Value::list([one.into(), other.into()])
}

fn target<'v>(args: &'v [Value], word: &str) -> Result<(Ref, &'v [Value]), Problem> {
    match args {
        [Value::Ref(to), rest @ ..] => Ok((*to, rest)),
        _ => Err(Problem::bad_args(word, "a reference first")),
    }
}

fn call(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    let (to, args) = target(args, "call")?;
    context.turn.call(to, args).map(Said::Value)
}

fn send(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    let (to, args) = target(args, "send")?;
    context.turn.send(to, args).map(|promise| Said::Value(promise.into()))
}

fn tell(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    let (to, args) = target(args, "tell")?;
    context.turn.send_only(to, args).map(|()| Said::Value(Value::Undefined))
}

/// Calls what is near; sends to what is far, and waits.
pub(crate) fn talk(turn: &mut Turn, to: Ref, args: &[Value]) -> Result<Said, Problem> {
    if turn.is_near(to) && !to.is_promise() {
        turn.call(to, args).map(Said::Value)
    } else {
        turn.send(to, args).map(Said::Wait)
    }
}

fn wait(_: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    match args {
        [Value::Ref(promise)] => Ok(Said::Wait(*promise)),
        [value] => Ok(Said::Value(value.clone())),
        _ => Err(Problem::bad_args("await", "PROMISE")),
    }
}

fn promise(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    if !args.is_empty() {
        return Err(Problem::bad_args("promise", "nothing"));
    }
    context.turn.promise().map(|both| Said::Value(pair(both)))
}

fn fulfill(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    let [Value::Ref(resolver), value] = args else {
        return Err(Problem::bad_args("fulfill", "RESOLVER VALUE"));
    };
    context.turn.call(*resolver, &[Value::symbol("fulfill"), value.clone()]).map(Said::Value)
}

fn break_with(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    let [Value::Ref(resolver), reason] = args else {
        return Err(Problem::bad_args("break", "RESOLVER REASON"));
    };
    context.turn.call(*resolver, &[Value::symbol("break"), reason.clone()]).map(Said::Value)
}

fn on(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    let [Value::Ref(vow), Value::Ref(handler)] = args else {
        return Err(Problem::bad_args("on", "PROMISE ACTOR"));
    };
    context.turn.on(*vow, On::fulfilled(*handler)).map(|promise| Said::Value(promise.into()))
}

fn facet(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    let (to, methods) = target(args, "facet")?;
    let methods: Option<Vec<&str>> = methods.iter().map(Value::as_name).collect();
    let methods = methods.ok_or_else(|| Problem::bad_args("facet", "ACTOR 'METHOD…"))?;
    library::facet(context.turn, to, &methods).map(|made| Said::Value(made.into()))
}

fn caretaker(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    let (to, _) = target(args, "caretaker")?;
    library::caretaker(context.turn, to).map(|both| Said::Value(pair(both)))
}

fn revoke(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    let [Value::Ref(end)] = args else { return Err(Problem::bad_args("revoke", "END")) };
    talk(context.turn, *end, &[])
}

fn membrane(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    let (to, _) = target(args, "membrane")?;
    library::membrane(context.turn, to).map(|both| Said::Value(pair(both)))
}

fn seal(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    let [value] = args else { return Err(Problem::bad_args("seal", "VALUE")) };
    let (sealer, unsealer, _) = library::sealers(context.turn)?;
    let sealed = context.turn.call(sealer, std::slice::from_ref(value))?;
    Ok(Said::Value(Value::list([sealed, unsealer.into()])))
}

fn all(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    library::all_of(context.turn, args).map(|promise| Said::Value(promise.into()))
}

fn race(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    library::race(context.turn, args).map(|promise| Said::Value(promise.into()))
}

#[expect(clippy::unnecessary_wraps, reason = "it is one of the words")]
fn list(_: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    Ok(Said::Value(Value::list(args.iter().cloned())))
}

fn inspect(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    match args {
        [Value::Ref(reference)] => standing(context.turn, *reference).map(Said::Text),
        [value] => Ok(Said::Text(value.to_string())),
        _ => Err(Problem::bad_args("inspect", "REFERENCE")),
    }
}

/// Asks the powers for something.
fn power(context: &mut Context<'_>, name: &str, args: &[Value], takes: usize) -> Result<Said, Problem> {
    if args.len() != takes {
        let word = WORDS.iter().find(|word| word.name == name).map_or("", |word| word.takes);
        return Err(Problem::bad_args(name, word));
    }
    let args: Vec<Value> = std::iter::once(Value::symbol(name)).chain(args.iter().cloned()).collect();
    context.turn.send(context.powers, args).map(Said::Wait)
}

fn load(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    power(context, "load", args, 1)
}

fn vat(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    power(context, "vat", args, 1)
}

fn publish(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    power(context, "publish", args, 2)
}

fn find(context: &mut Context<'_>, args: &[Value]) -> Result<Said, Problem> {
    power(context, "find", args, 1)
}

fn names(context: &mut Context<'_>, _: &[Value]) -> Result<Said, Problem> {
    let lines = context.names.iter().map(|(name, value)| match value {
        Value::Ref(reference) => Ok(format!("{name}: {}", standing(context.turn, *reference)?)),
        value => Ok(format!("{name}: {value}")),
    });
    Ok(Said::Text(lines.collect::<Result<Vec<_>, Problem>>()?.join("\n")))
}

#[expect(clippy::unnecessary_wraps, reason = "it is one of the words")]
fn help(_: &mut Context<'_>, _: &[Value]) -> Result<Said, Problem> {
    let lines =
        WORDS.iter().map(|word| format!("{:32}{}", format!("{} {}", word.name, word.takes), word.does));
    let rest = [
        "NAME ARG…                       calls what is near; sends to what is far, and waits".to_owned(),
        "NAME = …, [A B] = …             gives what comes of it a name".to_owned(),
    ];
    Ok(Said::Text(lines.chain(rest).collect::<Vec<_>>().join("\n")))
}

#[expect(clippy::unnecessary_wraps, reason = "it is one of the words")]
fn quit(_: &mut Context<'_>, _: &[Value]) -> Result<Said, Problem> {
    Ok(Said::Quit)
}
