//! What a path is: a folder of modules, a package, a folder of packages, or one file.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use hob_os::{Errno, Held, HeldFile, HeldFolder, HeldKind, OsError};

use super::error::ALLOWED;
use super::{Command, Commands, LeftOut, Origin, SourceError, npm};
use crate::fs::image::Image;
use crate::fs::stored::Stored;
use crate::limits::SOURCE_NAMES_MAX;

/// The ending that is no part of a command's name.
const ENDING: &[u8] = b".wasm";

/// Links that are followed from name to name inside one folder.
const LINKS_MAX: u32 = 8;

pub(super) fn open(path: &Path) -> Result<Commands, SourceError> {
    match Held::open(path) {
        Ok(Held::File(file)) => one_file(path, file),
        Ok(Held::Folder(folder)) => any_folder(path, &folder),
        Err(OsError::Errno(Errno::Perm)) => {
            Err(SourceError::Special { path: path.to_owned(), allowed: ALLOWED })
        }
        Err(source) => Err(failed(path, source)),
    }
}

pub(super) fn failed(path: &Path, source: OsError) -> SourceError {
    SourceError::Open { path: path.to_owned(), source }
}

fn one_file(path: &Path, file: HeldFile) -> Result<Commands, SourceError> {
    let bytes = Stored::held(file);
    let mut commands = Commands::default();
    if Image::is_package(&bytes).map_err(|source| SourceError::Image { path: path.to_owned(), source })? {
        npm::archive(&mut commands, path, &bytes, None)?;
    } else if runs(&bytes).map_err(|source| failed(path, source))? {
        let origin = Arc::new(Origin { path: path.to_owned(), ..Origin::default() });
        let name = path.file_name().unwrap_or_default().as_bytes();
        commands.add(named(name), Command { bytes, origin })?;
    }
    Ok(commands)
}

fn any_folder(path: &Path, folder: &HeldFolder) -> Result<Commands, SourceError> {
    let mut commands = Commands::default();
    if npm::package(&mut commands, path, folder)? {
        return Ok(commands);
    }
    let is_tree = path.file_name() == Some(OsStr::new("node_modules"));
    if !is_tree {
        plain(&mut commands, path, folder)?;
    }
    // A copy of a tree of packages, or one scope of it, has no modules of its own.
    if commands.is_empty() {
        let left_out = std::mem::take(&mut commands.left_out);
        commands = npm::tree(path, folder)?;
        commands.left_out.extend(left_out);
    }
    Ok(commands)
}

/// A folder in which each file that runs is a command.
fn plain(commands: &mut Commands, path: &Path, folder: &HeldFolder) -> Result<(), SourceError> {
    let origin = Arc::new(Origin { path: path.to_owned(), ..Origin::default() });
    for entry in names(path, folder)? {
        let file_path = path.join(OsStr::from_bytes(&entry.name));
        let file = match entry.kind {
            HeldKind::File => folder.file(&entry.name),
            HeldKind::Link => linked(folder, &entry.name),
            HeldKind::Folder | HeldKind::Other => continue,
        };
        let file = match file {
            Ok(file) => file,
            Err(error) => {
                let why = match error.errno() {
                    Errno::Xdev => "a link is followed only to a name in the same folder",
                    Errno::Mfile | Errno::Nfile => return Err(failed(&file_path, error)),
                    Errno::Noent | Errno::Loop => "the link leads to nothing",
                    Errno::Acces => "the host does not let it be read",
                    _ => "it is no regular file",
                };
                commands.left_out.push(LeftOut { path: file_path, why });
                continue;
            }
        };
        let bytes = Stored::held(file);
        if runs(&bytes).map_err(|source| failed(&file_path, source))? {
            commands.add(named(&entry.name), Command { bytes, origin: Arc::clone(&origin) })?;
        }
    }
    Ok(())
}

/// The file a link of a folder leads to, by way of names in that folder. Errors: [`Errno::Xdev`] when it leads elsewhere.
fn linked(folder: &HeldFolder, name: &[u8]) -> hob_os::Result<HeldFile> {
    let mut name = name.to_vec();
    for _ in 0..LINKS_MAX {
        let text = folder.link(&name)?;
        let target = text.strip_prefix(b"./").unwrap_or(&text);
        if target.contains(&b'/') || matches!(target, b"" | b"." | b"..") {
            return Err(Errno::Xdev.into());
        }
        match folder.file(target) {
            Err(OsError::Errno(Errno::Loop)) => name = target.to_vec(),
            other => return other,
        }
    }
    Err(Errno::Loop.into())
}

/// The names of a folder.
pub(super) fn names(path: &Path, folder: &HeldFolder) -> Result<Vec<hob_os::HeldName>, SourceError> {
    folder.names(SOURCE_NAMES_MAX).map_err(|source| match source.errno() {
        Errno::Overflow => {
            SourceError::TooMany { path: path.to_owned(), what: "names in it", max: SOURCE_NAMES_MAX }
        }
        _ => failed(path, source),
    })
}

/// Whether these are the bytes of a module or a script.
fn runs(bytes: &Stored) -> hob_os::Result<bool> {
    Ok(is_module(bytes)? || bytes.begins_with(b"#!")?)
}

/// Whether these are the bytes of a module.
pub(super) fn is_module(bytes: &Stored) -> hob_os::Result<bool> {
    bytes.begins_with(b"\0asm")
}

/// What a file's command is called.
fn named(file: &[u8]) -> &[u8] {
    file.strip_suffix(ENDING).unwrap_or(file)
}
