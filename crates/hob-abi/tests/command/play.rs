//! Playing rows, and what every call must hold to.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hob_abi::command::{Answer, Function, errno_name};
use hob_cap::{Files, Permit, RandomGrant, Tier};
use hob_engine::Choice;
use hob_kernel::process::{Ending, Finished, Identity, Status};

use crate::bench::{Bench, Done, generation};
use crate::lay::{lay, written};
use crate::row::{Call, End, Row};
use crate::world::{Given, enter};

/// What the tags of a row stand for.
pub(crate) fn given(tags: &[String]) -> Given {
    let mut given = Given::default();
    for tag in tags {
        match tag.as_str() {
            "root" => given.identity = Identity::of(0, 0),
            "no-terminal" => given.terminal = false,
            "no-random" => given.random = RandomGrant::None,
            "no-env" => given.env = Vec::new(),
            "blind" => given.permit.read = Files::none(),
            tier => given.permit = Permit::tier(known(tier)),
        }
    }
    given
}

fn known(tier: &str) -> Tier {
    Tier::ALL.into_iter().find(|one| one.name() == tier).unwrap_or_else(|| panic!("no tag {tier}"))
}

/// Plays a row in a process of its own; `work` takes the place of the call.
pub(crate) fn play(
    row: &Row,
    choice: Choice,
    work: impl FnOnce(&mut Bench, &Call) -> bool + Send + 'static,
) -> Status {
    let of = generation(row.call.function);
    let copy = row.clone();
    let given = given(&row.tags);
    let ((), status) = enter(&given, move |process| {
        let mut bench = Bench::new(process, choice, of);
        copy.before.iter().for_each(|call| check(&mut bench, call));
        let replaced = work(&mut bench, &copy.call);
        if !replaced {
            copy.after.iter().for_each(|call| check(&mut bench, call));
        }
        let name = copy.call.function.name;
        let execs = ["proc_exec", "proc_fexec"].contains(&name) && copy.call.end == End::Exit && !replaced;
        let ending = if execs { Ending::Exec } else { Ending::Exit(0) };
        ((), Finished { process: Some(bench.into_process()), ending })
    });
    status
}

/// Calls, and compares what became of it with what the row says.
pub(crate) fn check(bench: &mut Bench, call: &Call) {
    let laid = lay(call);
    let done = bench.call(call.function, &laid.values, &laid.memory);
    let name = format!("{}.{}", call.function.module, call.function.name);
    match (&done.result, call.end) {
        (Ok(answer), End::Answer(want)) => {
            assert_eq!(*answer, Some(want), "{name}: {}", said(call.function, *answer));
        }
        (Ok(_), End::Any) => {}
        (Err(fault), End::Exit) => assert!(fault.exit_code().is_some(), "{name}: {fault}"),
        (other, want) => panic!("{name}: {other:?} instead of {want:?}"),
    }
    listed(call.function, &done);
    for (index, want) in &call.wrote {
        let found = written(&laid, *index, &done.memory, want.len());
        let param = call.function.params[*index].name;
        assert_eq!(found, *want, "{name} wrote {param} {:?}", String::from_utf8_lossy(&found));
    }
}

/// An error that a function answers with is one the manifest lists.
pub(crate) fn listed(function: &Function, done: &Done) {
    let Ok(Some(answer)) = done.result else { return };
    if function.result == Answer::Errno && answer != 0 {
        let errno = u16::try_from(answer).unwrap();
        let name = errno_name(errno);
        assert!(function.may_answer(errno), "{}.{} answers {name:?}", function.module, function.name);
    }
}

/// Does something with each of many, and says all that went wrong.
pub(crate) fn each<T>(all: impl IntoIterator<Item = T>, name: impl Fn(&T) -> String, work: impl Fn(&T)) {
    let mut wrong = Vec::new();
    for one in all {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(&one))) {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            wrong.push(format!("{}\n    {}", name(&one), text.unwrap_or_default()));
        }
    }
    assert!(wrong.is_empty(), "{} went wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// An answer in words.
pub(crate) fn said(function: &Function, answer: Option<i64>) -> String {
    let errno = answer.and_then(|answer| u16::try_from(answer).ok()).and_then(errno_name);
    match (function.result, errno) {
        (Answer::Errno, Some(name)) => name.into(),
        _ => format!("{answer:?}"),
    }
}
