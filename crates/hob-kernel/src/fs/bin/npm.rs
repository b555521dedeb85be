//! Packages of commands as npm installs them, of both generations:
//!
//! | | where the commands are | what names them |
//! |---|---|---|
//! | newer | `dist/package.aospkg` | the manifest in it |
//! | older | `wasm/`, a file each, without an ending and not executable | the files; `_stubs` is none |
//!
//! A package's JavaScript is never run or read: it says nothing that the files do not. Names and versions come from
//! `package.json`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use hob_os::{Errno, HeldFile, HeldFolder, HeldKind};
use serde_json::Value;

use super::source::{failed, is_module, names};
use super::{Command, Commands, Origin, SourceError};
use crate::fs::image::Image;
use crate::fs::stored::Stored;
use crate::limits::{COMMANDS_MAX, MANIFEST_BYTES_MAX};

/// The module behind commands that cannot work, under a name of its own.
const STUBS: &[u8] = b"_stubs";

/// Adds what the package in a folder has. `false`: it is no package of commands.
pub(super) fn package(
    commands: &mut Commands,
    path: &Path,
    folder: &HeldFolder,
) -> Result<bool, SourceError> {
    let Some(json) = file(path, folder, "package.json")? else { return Ok(false) };
    let dist = child(path, folder, "dist")?;
    let archived = match &dist {
        Some(dist) => file(&path.join("dist"), dist, "package.aospkg")?,
        None => None,
    };
    if let Some(archived) = archived {
        let origin = origin(path, json)?;
        archive(commands, &path.join("dist/package.aospkg"), &Stored::held(archived), Some(origin))?;
        return Ok(true);
    }
    let (Some(_), Some(wasm)) = (dist, child(path, folder, "wasm")?) else { return Ok(false) };
    let path_of_wasm = path.join("wasm");
    let mut origin_once = None;
    for entry in names(&path_of_wasm, &wasm)? {
        let ending = entry.name.ends_with(b".wasm");
        if entry.kind != HeldKind::File || entry.name == STUBS || ending {
            continue;
        }
        let file_path = path_of_wasm.join(OsStr::from_bytes(&entry.name));
        let bytes = Stored::held(wasm.file(&entry.name).map_err(|source| failed(&file_path, source))?);
        if !is_module(&bytes).map_err(|source| failed(&file_path, source))? {
            continue;
        }
        let origin = match &origin_once {
            Some(origin) => Arc::clone(origin),
            None => Arc::clone(origin_once.insert(origin(path, json_of(path, folder)?)?)),
        };
        commands.add(&entry.name, Command { bytes, origin })?;
    }
    Ok(origin_once.is_some())
}

/// All packages of commands directly below a folder and below the scopes in it; everything else there is passed over.
pub(super) fn tree(path: &Path, folder: &HeldFolder) -> Result<Commands, SourceError> {
    let mut all = Vec::new();
    for entry in names(path, folder)? {
        let below = path.join(OsStr::from_bytes(&entry.name));
        let scope = entry.name.starts_with(b"@");
        match entry.kind {
            _ if entry.name.starts_with(b".") => {}
            HeldKind::Folder if scope => {
                let scope = folder.folder(&entry.name, false).map_err(|source| failed(&below, source))?;
                for entry in names(&below, &scope)? {
                    installed(&mut all, &below, &scope, &entry)?;
                }
            }
            _ => installed(&mut all, path, folder, &entry)?,
        }
    }
    Ok(Commands::merge(all))
}

/// Adds a package of a folder of packages, by a link too.
fn installed(
    all: &mut Vec<Commands>,
    path: &Path,
    folder: &HeldFolder,
    entry: &hob_os::HeldName,
) -> Result<(), SourceError> {
    let path = path.join(OsStr::from_bytes(&entry.name));
    let package_folder = match entry.kind {
        HeldKind::Folder => folder.folder(&entry.name, false),
        HeldKind::Link => folder.folder(&entry.name, true),
        HeldKind::File | HeldKind::Other => return Ok(()),
    };
    let package_folder = match package_folder {
        Ok(folder) => folder,
        // A link to a package that is no more, or that is a file.
        Err(error) if matches!(error.errno(), Errno::Noent | Errno::NotDir | Errno::Loop) => return Ok(()),
        Err(source) => return Err(failed(&path, source)),
    };
    let mut commands = Commands::default();
    if package(&mut commands, &path, &package_folder)? {
        all.push(commands);
    }
    if all.iter().map(Commands::len).sum::<usize>() > COMMANDS_MAX {
        return Err(SourceError::TooMany {
            path,
            what: "commands, those of packages before it included,",
            max: COMMANDS_MAX,
        });
    }
    Ok(())
}

/// Adds what a package in one file has. `origin` is that of the folder it was installed in.
pub(super) fn archive(
    commands: &mut Commands,
    path: &Path,
    bytes: &Stored,
    origin: Option<Arc<Origin>>,
) -> Result<(), SourceError> {
    let image = Image::read(bytes).map_err(|source| SourceError::Image { path: path.to_owned(), source })?;
    let Some(package) = image.package() else { return Ok(()) };
    let origin = origin.unwrap_or_else(|| {
        let (name, version) = (package.name.clone(), package.version.clone());
        Arc::new(Origin { package: Some(name), version: Some(version), path: path.to_owned() })
    });
    for command in &package.commands {
        // The reader of images made sure that it is there.
        let Some(bytes) = image.file(&command.entry) else { continue };
        let command_bytes = Command { bytes: bytes.clone(), origin: Arc::clone(&origin) };
        commands.add(command.name.as_bytes(), command_bytes)?;
    }
    Ok(())
}

/// The name and version in a `package.json`.
fn origin(path: &Path, json: HeldFile) -> Result<Arc<Origin>, SourceError> {
    let json_path = path.join("package.json");
    let wrong = |why: String| SourceError::Manifest { path: json_path.clone(), why };
    let json = Stored::held(json);
    if json.len() > MANIFEST_BYTES_MAX {
        return Err(wrong(format!("it has more than {MANIFEST_BYTES_MAX} bytes")));
    }
    let bytes = json.exactly(0, json.len()).map_err(|source| failed(&json_path, source))?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(Arc::new(Origin { package: text("name"), version: text("version"), path: path.to_owned() }))
}

fn json_of(path: &Path, folder: &HeldFolder) -> Result<HeldFile, SourceError> {
    folder.file(b"package.json").map_err(|source| failed(&path.join("package.json"), source))
}

/// A regular file of a package; `None` for anything else or nothing.
fn file(path: &Path, folder: &HeldFolder, name: &str) -> Result<Option<HeldFile>, SourceError> {
    let found = folder.file(name.as_bytes());
    passed_over(found).map_err(|source| failed(&path.join(name), source))
}

/// A directory of a package, but not through a link; `None` for anything else or nothing.
fn child(path: &Path, folder: &HeldFolder, name: &str) -> Result<Option<HeldFolder>, SourceError> {
    let found = folder.folder(name.as_bytes(), false);
    passed_over(found).map_err(|source| failed(&path.join(name), source))
}

fn passed_over<T>(found: hob_os::Result<T>) -> hob_os::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error.errno() {
            Errno::Noent | Errno::NotDir | Errno::IsDir | Errno::Loop | Errno::Perm => Ok(None),
            _ => Err(error),
        },
    }
}
