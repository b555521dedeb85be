//! `cargo xtask abi`: from the one manifest of the command contract to everything that repeats it.
//!
//! | made | for |
//! |---|---|
//! | `crates/hob-abi/src/command/table.rs` | the linker, the checks, the tests |
//! | `sdk/c/include/hob/command.h` | programs in C |
//! | the tables in `docs/abi/command.md` | readers |
//! | `crates/hob-abi/tests/fixtures/command/*.wat` | a test of each function |
//!
//! With `--check` nothing is written, and the first file that is not as it would be is an error: so a change to the contract
//! is a change to the manifest, and shows in one place.

mod document;
mod fixtures;
mod header;
mod manifest;
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use manifest::Manifest;

const MANIFEST: &str = "crates/hob-abi/command.toml";
const TABLE: &str = "crates/hob-abi/src/command/table.rs";
const HEADER: &str = "sdk/c/include/hob/command.h";
const DOCUMENT: &str = "docs/abi/command.md";

/// What a made file says of itself.
const GENERATED: &str = "Made by `cargo xtask abi` from crates/hob-abi/command.toml; change that.";

/// Writes what is made from the manifest, or checks that it is there as it would be written.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    match args {
        [] => write(&crate::root()),
        [flag] if flag == "--check" => check(&crate::root()),
        _ => Err("usage: cargo xtask abi [--check]".into()),
    }
}

/// Fails with the first file that differs.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let made = make(root)?;
    for (file, text) in &made {
        if fs::read_to_string(root.join(file)).ok().as_ref() != Some(text) {
            return Err(format!("{file} is not as {MANIFEST} says; run `cargo xtask abi`"));
        }
    }
    if let Some(file) = stray(root, &made)?.first() {
        return Err(format!("{file} is of no function in {MANIFEST}; run `cargo xtask abi`"));
    }
    println!("{} files are as {MANIFEST} says", made.len());
    Ok(())
}

fn write(root: &Path) -> Result<(), String> {
    let made = make(root)?;
    let mut written = 0;
    for file in stray(root, &made)? {
        fs::remove_file(root.join(&file)).map_err(|error| format!("{file}: {error}"))?;
        written += 1;
    }
    for (file, text) in &made {
        let path = root.join(file);
        if fs::read_to_string(&path).ok().as_ref() == Some(text) {
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        fs::write(&path, text).map_err(|error| format!("{file}: {error}"))?;
        written += 1;
    }
    println!("{written} of {} files changed", made.len());
    Ok(())
}

/// Every made file and its text.
fn make(root: &Path) -> Result<Vec<(String, String)>, String> {
    let read = |file: &str| fs::read_to_string(root.join(file)).map_err(|error| format!("{file}: {error}"));
    let manifest = Manifest::parse(&read(MANIFEST)?).map_err(|why| format!("{MANIFEST}: {why}"))?;
    let document =
        document::render(&manifest, &read(DOCUMENT)?).map_err(|why| format!("{DOCUMENT}: {why}"))?;
    let mut made = vec![
        (TABLE.to_owned(), table::render(&manifest)),
        (HEADER.to_owned(), header::render(&manifest)),
        (DOCUMENT.to_owned(), document),
    ];
    made.extend(fixtures::render(&manifest));
    Ok(made)
}

/// Fixtures of functions that are gone.
fn stray(root: &Path, made: &[(String, String)]) -> Result<Vec<String>, String> {
    let made: BTreeSet<&str> = made.iter().map(|(file, _)| file.as_str()).collect();
    let Ok(entries) = fs::read_dir(root.join(fixtures::FOLDER)) else {
        return Ok(Vec::new());
    };
    let mut stray = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| error.to_string())?;
        let file = format!("{}/{}", fixtures::FOLDER, entry.file_name().to_string_lossy());
        if !made.contains(file.as_str()) {
            stray.push(file);
        }
    }
    stray.sort();
    Ok(stray)
}

#[cfg(test)]
mod tests;
