//! Where lines come from: a script, or a person at a terminal.

use std::io::Read;
use std::path::Path;

use hob_repl::{Console, words};
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{Context, Editor, Helper, Highlighter, Hinter, Validator};

use crate::report::{Failure, HOST, print};

/// Bytes of a script.
const SCRIPT_BYTES_MAX: u64 = 16 << 20;

/// The lines of a script; `-` is standard input.
pub(super) fn script(file: &Path) -> Result<Vec<String>, Failure> {
    let failed =
        |error: std::io::Error| Failure::new(127, format!("failed to read {}: {error}", file.display()));
    let mut text = String::new();
    let limit = SCRIPT_BYTES_MAX + 1;
    if file == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_string(&mut text).map_err(failed)?;
    } else {
        std::fs::File::open(file).map_err(failed)?.take(limit).read_to_string(&mut text).map_err(failed)?;
    }
    if u64::try_from(text.len()).unwrap_or(u64::MAX) >= limit {
        return Err(Failure::new(HOST, format!("a script has at most {SCRIPT_BYTES_MAX} bytes")));
    }
    Ok(text.lines().map(str::to_owned).collect())
}

/// Lines that are known already. What comes of them is printed; why one failed goes to standard error.
pub(super) struct Lines {
    lines: std::vec::IntoIter<String>,
    number: usize,
}

impl Lines {
    pub(super) fn new(lines: Vec<String>) -> Self {
        Self { lines: lines.into_iter(), number: 0 }
    }
}

impl Console for Lines {
    fn read_line(&mut self, _: &[&str]) -> Option<String> {
        self.number += 1;
        self.lines.next()
    }

    fn write(&mut self, text: &str) {
        // Nobody reads any more: what the lines do is done all the same.
        let _ = print(&format!("{}\n", shown(text)));
    }

    fn complain(&mut self, text: &str) {
        eprintln!("hob: line {}: {}", self.number, shown(text));
    }
}

/// Text of guests must not reach a terminal as it came.
fn shown(text: &str) -> String {
    text.lines().map(|line| hob::escape_guest_text(line, usize::MAX)).collect::<Vec<_>>().join("\n")
}

/// A person.
pub(super) struct Terminal {
    editor: Editor<Names, DefaultHistory>,
    history: Option<std::path::PathBuf>,
}

impl Terminal {
    pub(super) fn open(history: Option<&Path>) -> Result<Self, Failure> {
        let failed =
            |error: ReadlineError| Failure::new(HOST, format!("failed to use the terminal: {error}"));
        let mut editor = Editor::new().map_err(failed)?;
        editor.set_helper(Some(Names::default()));
        if let Some(file) = history.filter(|file| file.exists()) {
            editor.load_history(file).map_err(failed)?;
        }
        Ok(Self { editor, history: history.map(Path::to_owned) })
    }
}

impl Console for Terminal {
    fn read_line(&mut self, names: &[&str]) -> Option<String> {
        if let Some(helper) = self.editor.helper_mut() {
            helper.0 = names.iter().map(|name| (*name).to_owned()).collect();
        }
        loop {
            match self.editor.readline("> ") {
                Ok(line) => {
                    // A line that cannot be remembered can be done all the same.
                    let _ = self.editor.add_history_entry(&line);
                    return Some(line);
                }
                Err(ReadlineError::Interrupted) => {}
                Err(_) => return None,
            }
        }
    }

    fn write(&mut self, text: &str) {
        let _ = print(&format!("{}\n", shown(text)));
    }

    fn complain(&mut self, text: &str) {
        eprintln!("{}", shown(text));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(file) = &self.history
            && let Err(error) = self.editor.save_history(file)
        {
            eprintln!("hob: failed to keep the history in {}: {error}", file.display());
        }
    }
}

/// Completes words of the language and names that were given.
#[derive(Default, Helper, Hinter, Highlighter, Validator)]
struct Names(Vec<String>);

impl Completer for Names {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = line.get(..at).unwrap_or_default();
        let start =
            typed.rfind(|c: char| c.is_whitespace() || "()[]{}".contains(c)).map_or(0, |before| before + 1);
        let begun = typed.get(start..).unwrap_or_default();
        let words = words().iter().map(|word| word.name);
        let all = words.chain(self.0.iter().map(String::as_str)).filter(|name| name.starts_with(begun));
        let pair = |name: &str| Pair { display: name.to_owned(), replacement: name.to_owned() };
        Ok((start, all.map(pair).collect()))
    }
}
