//! A person at a terminal: lines that are edited, remembered and completed, and a key that ends waiting.
//!
//! Between two lines the terminal is quiet: what is typed then is not shown and signals nobody, and Control-C is read like any other
//! key. So it ends what a line waits for and not the session, and there is no moment in which it could hit the session by mistake.

mod ahead;
mod history;
mod names;

use hob::os::QuietTerminal;
use hob_repl::Console;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{CompletionType, Config, Editor};

use super::console::shown;
use crate::report::{Failure, HOST, print};
use ahead::Ahead;
pub(super) use history::Keep;
use names::Names;

/// Lines that are remembered.
const HISTORY_LINES_MAX: usize = 1000;
const PROMPT: &str = "> ";
/// Of a program that Control-C ended, as shells have it.
const INTERRUPTED: i32 = 130;

/// A person.
pub(super) struct Terminal {
    editor: Editor<Names, DefaultHistory>,
    history: Option<history::File>,
    /// None where lines are read as they are, because the terminal can do nothing else.
    quiet: Option<QuietTerminal>,
    ahead: Ahead,
    /// What is waited for was to be given up, and has not been yet.
    giving_up: bool,
}

impl Terminal {
    /// Without `quiet` what is typed between two lines is left to whom it is for, and Control-C ends the program then.
    pub(super) fn open(keep: &Keep<'_>, quiet: bool) -> Result<Self, Failure> {
        let failed =
            |error: ReadlineError| Failure::new(HOST, format!("failed to use the terminal: {error}"));
        let config = Config::builder()
            .max_history_size(HISTORY_LINES_MAX)
            .map_err(failed)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .build();
        let mut editor = Editor::with_config(config).map_err(failed)?;
        editor.set_helper(Some(Names::default()));
        let history = history::File::open(keep, &mut editor)?;
        // One that cannot move its cursor is read as it is.
        let plain = std::env::var("TERM").is_ok_and(|term| ["dumb", "cons25", "emacs"].contains(&&*term));
        let quiet = if plain || !quiet { None } else { QuietTerminal::take().ok() };
        let version = env!("CARGO_PKG_VERSION");
        print(&format!("hob {version}. `help` lists the words, Control-C ends waiting, Control-D ends.\n"))?;
        Ok(Self { editor, history, quiet, ahead: Ahead::default(), giving_up: false })
    }

    fn remember(&mut self, line: &str) {
        // A line that cannot be remembered can be done all the same.
        let _ = self.editor.add_history_entry(line);
        if let Some(file) = &self.history
            && let Err(problem) = file.append(&mut self.editor)
        {
            eprintln!("hob: {problem}");
            self.history = None;
        }
    }
}

impl Console for Terminal {
    fn read_line(&mut self, names: &[&str]) -> Option<String> {
        self.giving_up = false;
        if let Some(helper) = self.editor.helper_mut() {
            helper.set(names);
        }
        loop {
            let line = if let Some(line) = self.ahead.line() {
                // It is shown where it would have been typed.
                let _ = print(&format!("{PROMPT}{}\n", shown(&line)));
                line
            } else if self.ahead.is_over() {
                return None;
            } else {
                let begun = self.ahead.begun();
                match self.editor.readline_with_initial(PROMPT, (&begun, "")) {
                    // What was pasted may be many lines.
                    Ok(text) => {
                        self.ahead.paste(&text);
                        self.ahead.line().unwrap_or_default()
                    }
                    Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => continue,
                    Err(ReadlineError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
                        eprintln!("hob: a line is UTF-8");
                        continue;
                    }
                    Err(_) => return None,
                }
            };
            self.remember(&line);
            return Some(line);
        }
    }

    fn write(&mut self, text: &str) {
        let _ = print(&format!("{}\n", shown(text)));
    }

    fn complain(&mut self, text: &str) {
        eprintln!("{}", shown(text));
    }

    fn gives_up(&mut self) -> bool {
        let Some(quiet) = &self.quiet else { return false };
        // Who has lost the terminal waits for nothing.
        let Ok(typed) = quiet.typed() else { return !std::mem::replace(&mut self.giving_up, true) };
        if !self.ahead.typed(&typed) {
            return false;
        }
        if self.giving_up {
            // A turn cannot be taken away from who runs it. What is kept is whole at any time.
            self.quiet = None;
            eprintln!("hob: ended in the middle of a turn, which never happened");
            std::process::exit(INTERRUPTED);
        }
        self.giving_up = true;
        true
    }
}
