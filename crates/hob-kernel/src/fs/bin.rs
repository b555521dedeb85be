//! A read-only directory of commands, from folders and packages: what `--bin PATH` means.
//!
//! ```text
//!   PATH ── source ──▶ folder of modules ┐
//!                  ├─▶ npm package ──────┤
//!                  ├─▶ node_modules ─────┼──▶ Commands ── merge ──▶ tree: one directory
//!                  ├─▶ .aospkg file ─────┤
//!                  └─▶ one module ───────┘
//! ```
//!
//! What it promises:
//!
//! * What a file is, its first bytes say: a wasm module or a script. Other files are left out of folders.
//! * A file is opened once, without following a link out of the folder or package it belongs to, and read where it lies.
//!   Links are followed for package directories only, as package managers make them.
//! * The directory looks the same whenever and wherever it was installed: mode `0755`, user 0, no times.
//! * A command never silently replaces another: what later sources override is told ([`Commands::overridden`]).
//!
//! Stops: a package that shows a guest a file outside it through a link; a name that is no file name; a folder that is so
//! large that listing it is the attack.

mod npm;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::NodeRef;
use super::error::{COMMANDS, SourceError};
use super::fixed::{Body, Builder, Meta};
use super::image::shown;
use super::stored::Stored;
use crate::limits::{COMMANDS_MAX, NAME_BYTES_MAX};

/// What every command has.
const META: Meta = Meta { mode: 0o755, uid: 0, gid: 0, time: 0 };

/// Commands by name.
#[derive(Clone, Debug, Default)]
pub struct Commands {
    all: BTreeMap<String, Command>,
    overridden: Vec<Overridden>,
    left_out: Vec<LeftOut>,
}

/// One command.
#[derive(Clone, Debug)]
pub struct Command {
    bytes: Stored,
    origin: Arc<Origin>,
}

/// Where a command comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The name of its package, if it comes from one.
    pub package: Option<String>,
    /// The version of its package, if it has one.
    pub version: Option<String>,
    /// The folder or file of the host it was found in.
    pub path: PathBuf,
}

/// A command that another one of its name replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overridden {
    /// The name of both.
    pub name: String,
    /// Where the one that was replaced comes from.
    pub was: Arc<Origin>,
    /// Where the other one comes from.
    pub by: Arc<Origin>,
}

/// Something in a folder that might be meant as a command, and is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub why: &'static str,
}

impl Command {
    /// Where it comes from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// How many bytes it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.bytes.len()
    }
}

impl Commands {
    /// Opens a source of commands: a folder of wasm modules, an installed npm package of either generation, a
    /// `node_modules` with such packages, an `.aospkg` file, or one `.wasm` file.
    ///
    /// # Errors
    ///
    /// It cannot be opened, has no commands, or is not well formed.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let commands = source::open(path)?;
        if commands.all.is_empty() {
            return Err(SourceError::Nothing { path: path.to_owned(), allowed: COMMANDS });
        }
        Ok(commands)
    }

    /// All commands of several sources; later ones override earlier ones.
    #[must_use]
    pub fn merge(sources: Vec<Self>) -> Self {
        let mut merged = Self::default();
        for source in sources {
            merged.overridden.extend(source.overridden);
            merged.left_out.extend(source.left_out);
            for (name, command) in source.all {
                merged.replace(name, command);
            }
        }
        merged
    }

    /// Those that come from where `keep` says.
    #[must_use]
    pub fn from_where(&self, mut keep: impl FnMut(&Origin) -> bool) -> Self {
        let all = self.all.iter().filter(|(_, command)| keep(command.origin()));
        Self { all: all.map(|(name, command)| (name.clone(), command.clone())).collect(), ..Self::default() }
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.keys().map(String::as_str)
    }

    /// The command of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Command> {
        self.all.get(name)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// What was replaced, in the order in which it was.
    #[must_use]
    pub fn overridden(&self) -> &[Overridden] {
        &self.overridden
    }

    /// What might be meant as a command and is none.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// One directory with all of them, as a file system with this number.
    #[must_use]
    pub fn tree(self, device: u64) -> NodeRef {
        let mut builder = Builder::new(true);
        for (name, command) in self.all {
            // Names are checked and differ: nothing is refused here.
            let _ = builder.add(name.as_bytes(), Body::File(command.bytes), META);
        }
        builder.finish().root(device)
    }

    fn replace(&mut self, name: String, command: Command) {
        let by = Arc::clone(&command.origin);
        if let Some(old) = self.all.insert(name.clone(), command) {
            self.overridden.push(Overridden { name, was: old.origin, by });
        }
    }

    /// Adds a command of a source in which each name is there once.
    fn add(&mut self, name: &[u8], command: Command) -> Result<(), SourceError> {
        let path = &command.origin.path;
        let name = checked(name).map_err(|rule| SourceError::Name {
            path: path.clone(),
            name: shown(name),
            rule,
        })?;
        if self.all.contains_key(name) {
            return Err(SourceError::Twice { path: path.clone(), name: shown(name.as_bytes()) });
        }
        if self.all.len() >= COMMANDS_MAX {
            return Err(SourceError::TooMany { path: path.clone(), what: "commands", max: COMMANDS_MAX });
        }
        self.all.insert(name.to_owned(), command);
        Ok(())
    }
}

/// A name that a file can have, and that looks like what it is.
fn checked(name: &[u8]) -> Result<&str, &'static str> {
    let text = std::str::from_utf8(name).map_err(|_| "it is not UTF-8")?;
    match text {
        "" => Err("it is empty"),
        "." | ".." => Err("it is a directory's own name"),
        text if text.len() > NAME_BYTES_MAX => Err("it is longer than 255 bytes"),
        text if text.contains('/') => Err("it has a slash in it"),
        text if text.chars().any(char::is_control) => Err("it has a control character in it"),
        text => Ok(text),
    }
}
