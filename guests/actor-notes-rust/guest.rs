//! Notes in a directory that it was given: `['write name text]` adds to a note, `['read name]` answers one, `['lend]` answers the directory
//! for reading only, and `['heard]` what the directory said so far, in order: `[name value]`, the value being an error where it
//! failed. The state is `["notes" directory heard]`; without a directory it has none, and nothing else to reach a file with.
//!
//! What is asked of the directory is answered in a later turn, to actors `["told" notes name]` of this module.
#![no_std]
extern crate alloc;

use alloc::vec;
use alloc::vec::Vec;

use hob_actor::{
    Cap, Next, Outcome, Turn, Value, actor, bare, break_with, call, no_method, on, problem, promise, send, spawn,
};

fn turn(turn: Turn) -> Outcome {
    let state = turn.state.as_list().unwrap_or_default();
    match (state, turn.method()) {
        ([kind, directory, _], ("write", [name, text])) if kind.as_name() == Some("notes") => {
            ask(turn.me, directory, name, &[Value::symbol("append"), name.clone(), text.clone()])
        }
        ([kind, directory, _], ("read", [name])) if kind.as_name() == Some("notes") => {
            ask(turn.me, directory, name, &[Value::symbol("text"), name.clone()])
        }
        ([kind, directory, _], ("lend", [])) if kind.as_name() == Some("notes") => {
            Ok(Next::Answer(send(given(directory)?, &[Value::symbol("read-only")])?.into()))
        }
        ([kind, _, heard], ("heard", [])) if kind.as_name() == Some("notes") => Ok(Next::Answer(heard.clone())),
        ([kind, directory, heard], ("hear", [name, value])) if kind.as_name() == Some("notes") => {
            let mut heard = heard.as_list().unwrap_or_default().to_vec();
            heard.push(vec![name.clone(), value.clone()].into());
            let state: Vec<Value> = vec![kind.clone(), directory.clone(), heard.into()];
            Ok(Next::Become(state.into(), ().into()))
        }
        ([kind, notes, name], _) if kind.as_name() == Some("told") => {
            let value = turn.args.first().cloned().unwrap_or(Value::Undefined);
            let notes = notes.as_cap().ok_or_else(|| problem("bad-state", "no notes"))?;
            call(notes, &[Value::symbol("hear"), name.clone(), value.clone()])?;
            if !matches!(value, Value::Error { .. }) {
                return Ok(Next::Answer(value));
            }
            // A turn that failed would not have been: whoever asked is told by a promise.
            let (told, resolver) = promise()?;
            break_with(resolver, value)?;
            Ok(Next::Answer(told.into()))
        }
        (_, (other, _)) => Err(no_method(other)),
    }
}

fn given(directory: &Value) -> Result<Cap, Value> {
    directory.as_cap().ok_or_else(|| problem("no-directory", "nobody gave a directory"))
}

/// Asks the directory, and answers a promise for what it says.
fn ask(me: Cap, directory: &Value, name: &Value, args: &[Value]) -> Outcome {
    let asked = send(given(directory)?, args)?;
    let told = spawn(&vec!["told".into(), me.into(), name.clone()].into())?;
    Ok(Next::Answer(on(asked, Some(told), Some(told), None)?.into()))
}

actor!(turn);
bare!();
