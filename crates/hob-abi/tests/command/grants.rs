//! What a function needs and was not given: the error the manifest lists for it, and nothing was done.

use hob_abi::command::{Answer, FUNCTIONS, Function, Grant, VARIANTS};
use hob_engine::Choice;

use crate::bench::CHOICES;
use crate::lay::lay;
use crate::play::{each, play};
use crate::pointers::nothing_happens;
use crate::row::{End, Row, rows, usual};

const SUCCESS: i64 = 0;
const ACCES: i64 = 2;
const CHILD: i64 = 12;
const NOTSUP: i64 = 58;
const NOTTY: i64 = 59;
const PERM: i64 = 63;
const NOTCAPABLE: i64 = 76;

/// What takes a grant away, as a tag of rows, and what is answered then.
fn without(function: &Function) -> Option<(&'static str, i64)> {
    let own = |usual: i64| match (function.name, function.result) {
        (_, Answer::Errno) => usual,
        ("path_size" | "path_blocks", _) => -1,
        ("get_size", _) => 25,
        _ => 0,
    };
    Some(match function.grant {
        // What they answer is about a descriptor; another test closes it.
        Grant::None | Grant::Descriptor => return None,
        // What is mounted is nobody's to change.
        Grant::FsWrite if function.name == "remount" => ("read-only", PERM),
        Grant::FsWrite => ("read-only", own(ACCES)),
        // The root is given to everyone; what is below it is not.
        Grant::Fs if function.name.starts_with("fd_prestat") => return None,
        Grant::Fs => ("blind", own(ACCES)),
        Grant::Children if function.name.starts_with("proc_waitpid") => ("read-write", CHILD),
        Grant::Children => ("read-write", ACCES),
        // Nobody is asked for records, with a grant or without.
        Grant::Net if function.name == "net_dns_query_rr_v1" => ("read-write", NOTSUP),
        Grant::Net => ("read-write", ACCES),
        Grant::Stdio => ("no-terminal", own(NOTTY)),
        Grant::Random => ("no-random", NOTCAPABLE),
        // There is nothing to read, and no error in that.
        Grant::Env | Grant::Clock => return None,
    })
}

#[test]
fn without_its_grant_a_function_does_nothing() {
    let rows = rows();
    let mut all: Vec<(Row, Choice, i64)> = Vec::new();
    for function in FUNCTIONS.iter().chain(VARIANTS) {
        let Some((tag, want)) = without(function) else { continue };
        let mut row = usual(&rows, function);
        // What comes before would need the grant, too.
        row.before.clear();
        row.tags.push(tag.into());
        all.extend(CHOICES.map(|choice| (row.clone(), choice, want)));
    }
    assert!(all.len() > 120, "{}", all.len());
    each(
        all,
        |(row, choice, want)| format!("{choice:?} {:?} {want} {}", row.tags, row.text),
        |(row, choice, want)| {
            let want = *want;
            play(row, *choice, move |bench, call| {
                nothing_happens(bench, call, &lay(call), Some(want));
                true
            });
        },
    );
}

#[test]
fn without_variables_there_are_none() {
    for name in ["environ_get", "environ_sizes_get"] {
        let mut row = usual(&rows(), FUNCTIONS.iter().find(|function| function.name == name).unwrap());
        row.tags.push("no-env".into());
        row.call.wrote.clear();
        row.call.end = End::Answer(SUCCESS);
        for choice in CHOICES {
            play(&row, choice, |bench, call| {
                nothing_happens(bench, call, &lay(call), Some(SUCCESS));
                true
            });
        }
    }
}
