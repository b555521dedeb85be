//! Pointers that are none: each of a call in turn points past the end of memory, to its very end, or so that it wraps
//! around. The answer is `fault`, and nothing was done.

use hob_abi::command::{Answer, Extent, FUNCTIONS, Function, VARIANTS};
use hob_engine::{Choice, Value};

use crate::bench::{Bench, CHOICES, Done, MEMORY};
use crate::lay::{Laid, lay};
use crate::look::Look;
use crate::play::{each, listed, play, said};
use crate::row::{Call, Row, rows, usual};

const FAULT: i64 = 21;

/// What functions with answers of their own say instead.
fn refusal(function: &Function) -> i64 {
    match (function.result, function.name) {
        (_, "get_size") => 14,
        (_, "path_size" | "path_blocks") => -1,
        (Answer::I32 | Answer::I64, _) => 0,
        _ => FAULT,
    }
}

/// A wrong call: which parameter has which value.
struct Wrong {
    function: &'static Function,
    row: Row,
    choice: Choice,
    param: usize,
    value: u32,
}

#[test]
fn a_pointer_outside_memory_is_a_fault_and_nothing_was_done() {
    let rows = rows();
    let mut all = Vec::new();
    for function in FUNCTIONS.iter().chain(VARIANTS) {
        let row = usual(&rows, function);
        let laid = lay(&row.call);
        for (param, place) in laid.places.iter().enumerate() {
            let Some((_, len)) = *place else { continue };
            // No bytes lie anywhere.
            let Some(last) = len.checked_sub(1) else { continue };
            for value in [MEMORY, MEMORY - last, u32::MAX - last, u32::MAX] {
                if function.params[param].role.extent() == Some(Extent::Told) && value == MEMORY - last {
                    continue;
                }
                for choice in CHOICES {
                    all.push(Wrong { function, row: row.clone(), choice, param, value });
                }
            }
        }
    }
    assert!(all.len() > 1000, "{}", all.len());
    each(
        all,
        |wrong| {
            let name = wrong.function.params[wrong.param].name;
            format!("{:?} {name}={:#x} {}", wrong.choice, wrong.value, wrong.row.text)
        },
        |wrong| {
            let (param, value) = (wrong.param, wrong.value);
            play(&wrong.row, wrong.choice, move |bench, call| {
                let mut laid = lay(call);
                laid.values[param] = Value::I32(value.cast_signed());
                nothing_happens(bench, call, &laid, Some(refusal(call.function)));
                true
            });
        },
    );
}

#[test]
fn a_buffer_of_a_list_outside_memory_is_a_fault() {
    let rows = rows();
    let of = |row: &&Row| !lay(&row.call).pieces.is_empty() && row.tags.is_empty();
    let mut all: Vec<_> = rows.iter().filter(of).cloned().collect();
    all.dedup_by_key(|row| row.call.function);
    assert_eq!(all.len(), 6);
    let all = all.into_iter().flat_map(|row| CHOICES.map(|choice| (choice, row.clone())));
    each(
        all,
        |(choice, row)| format!("{choice:?} {}", row.text),
        |(choice, row)| {
            play(row, *choice, |bench, call| {
                let mut laid = lay(call);
                let (param, ..) = laid.pieces[0];
                let last = laid.pieces.len() - 1;
                let record = usize::try_from(laid.places[param].unwrap().0).unwrap() + last * 8;
                laid.memory[record..record + 4].copy_from_slice(&(MEMORY - 1).to_le_bytes());
                laid.memory[record + 4..record + 8].copy_from_slice(&2_u32.to_le_bytes());
                nothing_happens(bench, call, &laid, Some(FAULT));
                true
            });
        },
    );
}

/// Calls, and holds it to the answer and to leaving everything as it was, memory too.
pub(crate) fn nothing_happens(bench: &mut Bench, call: &Call, laid: &Laid, want: Option<i64>) -> Done {
    let before = Look::at(bench.process());
    let done = bench.call(call.function, &laid.values, &laid.memory);
    let answer = match &done.result {
        Ok(answer) => *answer,
        Err(fault) => panic!("it ended: {fault}"),
    };
    if want.is_some() {
        assert_eq!(answer, want, "answers {}", said(call.function, answer));
    }
    listed(call.function, &done);
    let changes = before.changes(&Look::at(bench.process()));
    assert!(changes.is_empty(), "something was done: {changes:?}");
    let memory = usize::try_from(MEMORY).unwrap();
    let mut whole = laid.memory.clone();
    whole.resize(memory, 0);
    let changed = whole.iter().zip(&done.memory).position(|(before, now)| before != now);
    assert_eq!(changed, None, "memory was changed");
    done
}
