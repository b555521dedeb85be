//! The fixed bounds of the manifest: at the bound a call answers anything but the error of the bound, one past it exactly
//! that, and nothing was done.

use hob_abi::command::{Cap, FUNCTIONS, Function, VARIANTS};
use hob_engine::Choice;

use crate::bench::CHOICES;
use crate::lay::lay;
use crate::play::{each, play};
use crate::pointers::nothing_happens;
use crate::row::{Call, Given, Piece, Row, rows, usual};

struct Case {
    row: Row,
    choice: Choice,
    cap: &'static Cap,
    past: bool,
}

/// A call in which what is bounded is this much.
fn grown(call: &Call, cap: &Cap, amount: u32) -> Call {
    let mut call = call.clone();
    let index = |name: &str| call.function.params.iter().position(|param| param.name == name);
    let number = Given::Number(i64::from(amount));
    let len = usize::try_from(amount).unwrap();
    let text = |first: &str| {
        let mut text = first.as_bytes().to_vec();
        text.resize(len - 1, b'x');
        text.push(0);
        Given::Bytes(text)
    };
    let words = |word: u32, each: usize| {
        let mut record = word.to_le_bytes().to_vec();
        record.resize(each, 0);
        Given::Bytes(record.repeat(len))
    };
    // A record that asks to close a descriptor, with a path that it has no use for.
    let action = |path: u32| {
        let head = [1, 900, 0, 0, 0, path].map(u32::to_le_bytes).concat();
        [head, vec![b'x'; usize::try_from(path).unwrap()]].concat()
    };
    let (pointer, count, given, size) = match cap.name {
        "xattr-name" => ("name", "name_len", Given::Bytes(vec![b'x'; len]), amount),
        "xattr-value" => ("value", "value_len", Given::Bytes(vec![b'x'; len]), amount),
        "account-name" => ("name", "name_len", Given::Bytes(vec![b'x'; len]), amount),
        "pollfds" => ("fds", "count", Given::Bytes([3, 0, 0, 0, 1, 0, 0, 0].repeat(len)), amount),
        "passed-descriptors" if index("fds_cap").is_some() => ("", "fds_cap", number, amount),
        "passed-descriptors" => ("fds", "fds_len", words(3, 4), amount),
        "argv-bytes" => ("argv", "argv_len", text("x"), amount),
        "env-bytes" => ("envp", "envp_len", text("x="), amount),
        "cloexec-descriptors" => ("cloexec_fds", "cloexec_count", Given::Bytes(Vec::new()), amount),
        "file-actions" => ("actions", "actions_len", Given::Bytes(action(0).repeat(len)), amount * 24),
        "file-action-bytes" => ("actions", "actions_len", Given::Bytes(action(amount - 24)), amount),
        "groups" => ("groups", "count", words(5, 4), amount),
        "iovecs" => ("iovs", "iovs_len", Given::Pieces(vec![Piece(Vec::new(), 0); len]), amount),
        "subscriptions" => ("subscriptions", "count", words(0, 48), amount),
        "random-bytes" => ("", "buf_len", number, amount),
        other => panic!("nothing here knows {other}"),
    };
    if let Some(pointer) = index(pointer) {
        call.given[pointer] = Some(given);
    }
    let count = index(count).unwrap();
    call.given[count] = Some(Given::Number(i64::from(size)));
    call
}

#[test]
fn one_past_a_bound_is_its_error_and_the_bound_itself_is_not() {
    let rows = rows();
    let mut all = Vec::new();
    let of = |function: &'static Function| function.limits.iter().map(move |cap| (function, cap));
    for (function, cap) in FUNCTIONS.iter().chain(VARIANTS).flat_map(of) {
        for (choice, past) in CHOICES.into_iter().flat_map(|choice| [(choice, false), (choice, true)]) {
            all.push(Case { row: usual(&rows, function), choice, cap, past });
        }
    }
    assert!(all.len() > 120, "{}", all.len());
    each(
        all,
        |case| format!("{:?} {} past {}: {}", case.choice, case.cap.name, case.past, case.row.text),
        |case| {
            let Case { cap, past, .. } = *case;
            play(&case.row, case.choice, move |bench, call| {
                let call = grown(call, cap, cap.max + u32::from(past));
                let laid = lay(&call);
                let errno = i64::from(cap.errno.unwrap());
                if past {
                    nothing_happens(bench, &call, &laid, Some(errno));
                } else {
                    let done = bench.call(call.function, &laid.values, &laid.memory);
                    match done.result {
                        Ok(answer) => assert_ne!(answer, Some(errno), "at the bound"),
                        // Another program took over.
                        Err(fault) => assert_eq!(fault.exit_code(), Some(0), "{fault}"),
                    }
                }
                true
            });
        },
    );
}
