//! Counting what passed and what did not.

use std::collections::BTreeMap;
use std::process::ExitCode;

/// The table of exceptions, as it stands in the book.
const EXCEPTIONS: &str = include_str!("../../../docs/exceptions.md");

/// What a case came to.
pub(crate) enum Verdict {
    /// As expected.
    Passed,
    /// Otherwise, on purpose: the row of this id in `docs/exceptions.md` says why.
    Exception(&'static str),
    /// Otherwise.
    Failed(String),
}

/// The count of a run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    passed: usize,
    failed: usize,
    exceptions: BTreeMap<&'static str, usize>,
}

impl Tally {
    /// Takes down one case; a failure is printed at once.
    pub(crate) fn case(&mut self, name: &str, result: Result<(), String>) {
        match result {
            Ok(()) => self.passed += 1,
            Err(why) => {
                self.failed += 1;
                println!("FAIL {name}: {why}");
            }
        }
    }

    /// Takes down one case that may differ on purpose. An id without a row is a failure.
    pub(crate) fn verdict(&mut self, name: &str, verdict: Verdict) {
        match verdict {
            Verdict::Passed => self.case(name, Ok(())),
            Verdict::Failed(why) => self.case(name, Err(why)),
            Verdict::Exception(id) if EXCEPTIONS.contains(&format!("| `{id}` |")) => {
                *self.exceptions.entry(id).or_default() += 1;
            }
            Verdict::Exception(id) => {
                self.case(name, Err(format!("differs as `{id}`, which is no row of docs/exceptions.md")));
            }
        }
    }

    /// Prints the count. Nothing run is a failure too.
    pub(crate) fn finish(self) -> ExitCode {
        let counts: Vec<String> = self.exceptions.iter().map(|(id, count)| format!("{count} {id}")).collect();
        if !counts.is_empty() {
            println!("different on purpose, see docs/exceptions.md: {}", counts.join(", "));
        }
        println!("{} passed, {} failed", self.passed, self.failed);
        if self.failed == 0 && self.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
