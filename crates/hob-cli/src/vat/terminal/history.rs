//! The lines that were typed, in a file that nobody else can read.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustyline::Editor;
use rustyline::history::DefaultHistory;

use super::names::Names;
use crate::report::{Failure, HOST};

/// Where history is kept.
pub(in crate::vat) enum Keep<'a> {
    /// In this file.
    In(&'a Path),
    /// Where the user's programs keep such things; nowhere if nobody knows where that is.
    AtHome,
    /// Nowhere.
    Nowhere,
}

/// A file with lines. Each is written when it was typed: who is ended loses none, and of two sessions both are in it.
pub(super) struct File(PathBuf);

impl File {
    /// Begins with what is there.
    pub(super) fn open(
        keep: &Keep<'_>,
        editor: &mut Editor<Names, DefaultHistory>,
    ) -> Result<Option<Self>, Failure> {
        let file = match keep {
            Keep::In(file) => (*file).to_owned(),
            Keep::AtHome => match at_home(|name| std::env::var_os(name).map(PathBuf::from)) {
                Some(file) => file,
                None => return Ok(None),
            },
            Keep::Nowhere => return Ok(None),
        };
        let failed = |error: String| {
            Failure::new(HOST, format!("failed to read the history in {}: {error}", file.display()))
        };
        if file.exists() {
            editor.load_history(&file).map_err(|error| failed(error.to_string()))?;
        } else if let Some(folder) = file.parent().filter(|_| matches!(keep, Keep::AtHome)) {
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
            if made.is_err() {
                // A home that cannot be written to is no reason not to talk.
                return Ok(None);
            }
        }
        Ok(Some(Self(file)))
    }

    /// Writes down what came since.
    pub(super) fn append(&self, editor: &mut Editor<Names, DefaultHistory>) -> Result<(), String> {
        let done = editor.append_history(&self.0);
        done.map_err(|error| format!("failed to keep the history in {}: {error}", self.0.display()))
    }
}

/// `$XDG_STATE_HOME/hob/repl-history`, or the same under `~/.local/state`. What is no absolute path does not count.
fn at_home(find: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let find = |name: &str| find(name).filter(|path| path.is_absolute());
    let base = find("XDG_STATE_HOME").or_else(|| find("HOME").map(|home| home.join(".local/state")));
    base.map(|base| base.join("hob/repl-history"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_is_where_the_users_programs_keep_their_state() {
        let check = |set: &[(&str, &str)], expected: Option<&str>| {
            let find =
                |name: &str| set.iter().find(|(it, _)| *it == name).map(|(_, path)| PathBuf::from(path));
            assert_eq!(at_home(find), expected.map(PathBuf::from), "{set:?}");
        };
        check(&[], None);
        check(&[("HOME", "/h")], Some("/h/.local/state/hob/repl-history"));
        check(&[("HOME", "/h"), ("XDG_STATE_HOME", "/s")], Some("/s/hob/repl-history"));
        check(&[("HOME", "/h"), ("XDG_STATE_HOME", "")], Some("/h/.local/state/hob/repl-history"));
        check(&[("HOME", "h")], None);
    }
}
