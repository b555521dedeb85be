//! A chat room and its members, which are actors of this module too: a state says which it is.
//!
//! The room is `["room" [member …]]`: `['join name]` makes a member and answers it, `['say from text]` sends to every member and answers
//! a promise for how many had heard it when all had. A member is `["member" name [[from text] …]]`: `['hear from text]` and
//! `['heard]`. `["wait" resolver left count]` waits for the members' answers.
#![no_std]
extern crate alloc;

use alloc::vec;
use alloc::vec::Vec;

use hob_actor::{Next, Outcome, Turn, Value, actor, bare, no_method, on, problem, promise, resolve, send, spawn};

fn turn(turn: Turn) -> Outcome {
    let state = turn.state.as_list().unwrap_or_default();
    match (state, turn.method()) {
        ([kind, Value::List(members)], ("join", [name])) if kind.as_name() == Some("room") => {
            let member = spawn(&vec!["member".into(), name.clone(), Vec::new().into()].into())?;
            let mut members = members.clone();
            members.push(member.into());
            Ok(Next::Become(vec!["room".into(), members.into()].into(), member.into()))
        }
        ([kind, Value::List(members)], ("say", [from, text])) if kind.as_name() == Some("room") => {
            let (all, resolver) = promise()?;
            let left = i64::try_from(members.len()).unwrap_or(0);
            if left == 0 {
                resolve(resolver, 0.into())?;
            }
            let waiter = spawn(&vec!["wait".into(), resolver.into(), left.into(), 0.into()].into())?;
            for member in members.iter().filter_map(Value::as_cap) {
                let heard = send(member, &[Value::symbol("hear"), from.clone(), text.clone()])?;
                on(heard, Some(waiter), Some(waiter), None)?;
            }
            Ok(Next::Answer(all.into()))
        }
        ([kind, name, Value::List(log)], ("hear", [from, text])) if kind.as_name() == Some("member") => {
            let mut log = log.clone();
            log.push(vec![from.clone(), text.clone()].into());
            Ok(Next::Become(vec!["member".into(), name.clone(), log.into()].into(), true.into()))
        }
        ([kind, _, log], ("heard", [])) if kind.as_name() == Some("member") => Ok(Next::Answer(log.clone())),
        ([kind, resolver, left, count], _) if kind.as_name() == Some("wait") => {
            let heard = turn.args.first() == Some(&Value::Bool(true));
            let left = left.as_int().unwrap_or(0) - 1;
            let count = count.as_int().unwrap_or(0) + i64::from(heard);
            let Some(to) = resolver.as_cap() else { return Err(problem("bad-state", "no resolver")) };
            if left == 0 {
                resolve(to, count.into())?;
            }
            let state: Vec<Value> = vec!["wait".into(), to.into(), left.into(), count.into()];
            Ok(Next::Become(state.into(), ().into()))
        }
        (_, (other, _)) => Err(no_method(other)),
    }
}

actor!(turn);
bare!();
