//! Uses all of the SDK: one method for each thing that an actor can do.
#![no_std]
extern crate alloc;

use alloc::string::String;
use alloc::vec;

use hob_actor::{Cap, Next, Outcome, Turn, Value, actor, bare, granted, no_method, problem};

granted!("test": twice);

/// Names that are out of order when they are written, and the same in all languages.
fn unsorted() -> Value {
    let names = ["b", "aa", "bbbbbbbbbb", "", "a"].into_iter().zip(0_i64..);
    Value::Struct(names.map(|(name, at)| (String::from(name), at.into())).collect())
}

fn cap(it: &Value) -> Result<Cap, Value> {
    it.as_cap().ok_or_else(|| problem("bad-arguments", "there must be somebody"))
}

fn turn(turn: Turn) -> Outcome {
    let (name, args) = turn.method();
    let answer = match (name, args) {
        ("echo", args) => args.to_vec().into(),
        ("keep", args) => return Ok(Next::Become(args.to_vec().into(), turn.state.clone())),
        ("encode", [it]) => Value::Bytes(hob_actor::encode(it)),
        ("decode", [Value::Bytes(bytes)]) => hob_actor::decode(bytes)?,
        ("unsorted", []) => Value::Bytes(hob_actor::encode(&unsorted())),
        ("fail", [reason]) => return Err(reason.clone()),
        ("same", [a, b]) => (a == b).into(),
        ("me", []) => turn.me.into(),
        ("send", [to, rest @ ..]) => hob_actor::send(cap(to)?, rest)?.into(),
        ("send-only", [to, rest @ ..]) => hob_actor::send_only(cap(to)?, rest)?.into(),
        ("call", [to, rest @ ..]) => hob_actor::call(cap(to)?, rest)?,
        ("spawn", [state]) => hob_actor::spawn(state)?.into(),
        ("promise", []) => {
            let (promise, resolver) = hob_actor::promise()?;
            vec![promise.into(), resolver.into()].into()
        }
        ("resolve", [resolver, value]) => hob_actor::resolve(cap(resolver)?, value.clone())?.into(),
        ("break", [resolver, reason]) => hob_actor::break_with(cap(resolver)?, reason.clone())?.into(),
        ("on", [vow, fulfilled, broken, finally]) => {
            hob_actor::on(cap(vow)?, fulfilled.as_cap(), broken.as_cap(), finally.as_cap())?.into()
        }
        ("granted", [it]) => twice(it)?,
        ("drop", [it]) => {
            hob_actor::drop_cap(cap(it)?)?;
            hob_actor::drop_cap(cap(it)?).err().unwrap_or(Value::Null)
        }
        ("fuel", []) => {
            let before = hob_actor::fuel();
            (hob_actor::fuel() < before).into()
        }
        (other, _) => return Err(no_method(other)),
    };
    Ok(Next::Answer(answer))
}

actor!(turn);
bare!();
