//! Completes words of the language and names that lines gave.

use hob_repl::words;
use rustyline::completion::{Completer, Pair};
use rustyline::{Context, Helper, Highlighter, Hinter, Validator};

/// The names that there are.
#[derive(Default, Helper, Hinter, Highlighter, Validator)]
pub(super) struct Names(Vec<String>);

impl Names {
    pub(super) fn set(&mut self, names: &[&str]) {
        self.0 = names.iter().map(|name| (*name).to_owned()).collect();
    }

    /// Where the word begins that ends at `at`, and what it may become.
    fn candidates(&self, line: &str, at: usize) -> (usize, Vec<&str>) {
        let typed = line.get(..at).unwrap_or_default();
        let ends = |c: char| c.is_whitespace() || "()[]{}".contains(c);
        let start = typed.rfind(ends).map_or(0, |before| before + 1);
        let begun = typed.get(start..).unwrap_or_default();
        let words = words().iter().map(|word| word.name);
        let mut all: Vec<&str> =
            words.chain(self.0.iter().map(String::as_str)).filter(|name| name.starts_with(begun)).collect();
        all.sort_unstable();
        all.dedup();
        (start, all)
    }
}

impl Completer for Names {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, names) = self.candidates(line, at);
        let pair = |name: &str| Pair { display: name.to_owned(), replacement: name.to_owned() };
        Ok((start, names.into_iter().map(pair).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_names_are_completed() {
        let mut names = Names::default();
        names.set(&["account", "call", "counter"]);
        let check = |line: &str, start: usize, expected: &[&str]| {
            assert_eq!(names.candidates(line, line.len()), (start, expected.to_vec()), "{line}");
        };
        check("spa", 0, &["spawn"]);
        check("ca", 0, &["call", "caretaker"]);
        check("x = spawn cou", 10, &["counter"]);
        check("[a b] = (ac", 9, &["account"]);
        check("nothing-like-it", 0, &[]);
    }
}
