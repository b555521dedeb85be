//! Every row, on both engines.

use hob_abi::command::{FUNCTIONS, VARIANTS};
use hob_kernel::process::Status;

use crate::bench::CHOICES;
use crate::play::{check, each, play};
use crate::row::{End, rows, usual};

#[test]
fn every_function_has_a_row() {
    let rows = rows();
    for function in FUNCTIONS.iter().chain(VARIANTS) {
        let row = usual(&rows, function);
        let text = &row.text;
        assert!(row.tags.iter().all(|tag| tag == "root"), "{text}: the first row is about a grant");
    }
}

#[test]
fn rows_answer_what_they_say() {
    let rows = rows();
    let all = CHOICES.into_iter().flat_map(|choice| rows.iter().map(move |row| (choice, row)));
    each(
        all,
        |(choice, row)| format!("{choice:?} {}", row.text),
        |(choice, row)| {
            let status = play(row, *choice, |bench, call| {
                check(bench, call);
                false
            });
            let takes_over = row.call.end == End::Exit && row.call.function.name != "proc_exit";
            assert_eq!(status, Status::Exited(if takes_over { 3 } else { 0 }));
        },
    );
}
