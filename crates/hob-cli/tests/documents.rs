//! Every command that a document shows is run, and says what the document says it says.
//!
//! In a block of ` ```console `, a line `$ hob …` is run in a copy of the few files the documents use. The lines behind it
//! are what it prints; `…` stands for any lines; `=> N` is its exit code, 0 when there is none. Lines that begin with
//! `$ cargo` are known and left out: the first is this test's own caller.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Commands that are shown and not run here.
const KNOWN: [&str; 2] = ["cargo run --release -- demo", "cargo xtask test"];

/// What installs the commands of others, which `cargo xtask commands` does for this test.
const INSTALLS: [&str; 1] = ["npm i @agentos-software/coreutils"];

/// Scripts that documents show.
const SCRIPTS: [(&str, &str); 7] = [
    (
        "lend.hob",
        "# lend.hob\ncounter = spawn counter 1\ncounter add\n[lent end] = caretaker counter\nlent add\nrevoke end\nlent add\n",
    ),
    ("open.hob", "account = spawn counter 100\npublish \"account\" account\naccount get\n"),
    ("spend.hob", "account = find \"account\"\naccount add -30\n"),
    (
        "count.hob",
        "module = load \"guests/actor-counter-wat/guest.wat\"\nit = spawn module 5\npublish \"it\" it\nit inc\n",
    ),
    ("step.hob", "it = find \"it\"\nit step 10\nit inc\n"),
    ("look.hob", "# look.hob\ndocs text \"order\"\nclock monotonic\ndocs text \"../bank.vats\"\n"),
    (
        "order.hob",
        "# order.hob\ndocs append \"order\" \", one table\"\nmine = docs read-only\nmine text \"order\"\nmine write \"order\" \"nothing\"\n",
    ),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder with what the documents use, and the binary as `hob` on the path.
fn scene() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("bin")).unwrap();
    fs::create_dir(dir.path().join("src")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_hob"), dir.path().join("bin/hob")).unwrap();
    for guest in fs::read_dir(root().join("guests")).unwrap() {
        let source = guest.unwrap().path();
        let text = source.join("guest.wat");
        if text.exists() {
            let target = dir.path().join("guests").join(source.file_name().unwrap());
            fs::create_dir_all(&target).unwrap();
            fs::copy(text, target.join("guest.wat")).unwrap();
        }
    }
    let commands = root().join("target/commands/v1/node_modules");
    std::os::unix::fs::symlink(commands, dir.path().join("node_modules")).unwrap();
    let built = root().join("target/guests");
    for package in
        ["tool-calculator-rust", "tool-redact-zig", "tool-guard-c", "plugin-lint-go", "plugin-fetch-rust"]
    {
        copy_tree(&built.join(package), &dir.path().join("target/guests").join(package));
    }
    let tally = "actor-tally-rust.wasm";
    fs::copy(built.join(tally), dir.path().join("target/guests").join(tally)).unwrap();
    // As a page of `docs` names them, and as the README does, which is read in the folder of the project.
    for place in ["machines", "docs/machines"] {
        copy_tree(&root().join("docs/machines"), &dir.path().join(place));
    }
    for (name, text) in SCRIPTS {
        fs::write(dir.path().join(name), text).unwrap();
    }
    fs::create_dir(dir.path().join("notes")).unwrap();
    fs::write(dir.path().join("notes/order"), "two chairs").unwrap();
    fs::write(dir.path().join("request.json"), r#"{"expression": "2 * (3 + 4)"}"#).unwrap();
    dir
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap_or_else(|_| panic!("{}; run `cargo xtask guests`", from.display()))
    {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_tree(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

fn run(dir: &Path, command: &str) -> (String, i32) {
    let path = format!("{}:{}", dir.join("bin").display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {command}")])
        .current_dir(dir)
        .env("PATH", path)
        .env("HOB_CACHE_DIR", dir.join("cache"))
        .env("HOB_KEY_DIR", dir.join("key"))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code().unwrap_or(-1))
}

/// Whether lines fit a pattern in which `…` stands for any lines.
fn fits(pattern: &[&str], lines: &[&str]) -> bool {
    match (pattern.first(), lines.first()) {
        (None, None) => true,
        (Some(&"…"), _) => fits(&pattern[1..], lines) || (!lines.is_empty() && fits(pattern, &lines[1..])),
        (Some(want), Some(have)) => want.trim_end() == have.trim_end() && fits(&pattern[1..], &lines[1..]),
        _ => false,
    }
}

/// Runs every command of a document; returns how many.
fn check(document: &Path) -> usize {
    let text = fs::read_to_string(document).unwrap();
    let dir = scene();
    let mut count = 0;
    for block in text.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for step in block.split("$ ").skip(1) {
            let (command, expected) = step.split_once('\n').unwrap();
            if KNOWN.contains(&command) || INSTALLS.contains(&command) {
                continue;
            }
            assert!(
                command.starts_with("hob "),
                "{}: `{command}` is not run by this test",
                document.display()
            );
            let mut expected: Vec<&str> = expected.lines().filter(|line| !line.is_empty()).collect();
            let code = expected
                .iter()
                .find_map(|line| line.strip_prefix("=> "))
                .map_or(0, |code| code.parse().unwrap());
            expected.retain(|line| !line.starts_with("=> "));
            let (said, ended) = run(dir.path(), command);
            let lines: Vec<&str> = said.lines().filter(|line| !line.is_empty()).collect();
            let shown = document.display();
            assert!(
                fits(&expected, &lines),
                "{shown}: `{command}` said\n{said}\nand not\n{}",
                expected.join("\n")
            );
            assert_eq!(ended, code, "{shown}: `{command}`\n{said}");
            count += 1;
        }
    }
    count
}

#[test]
fn every_command_shown_in_a_document_does_what_it_shows() {
    let mut documents = vec![root().join("README.md")];
    for folder in ["docs", "docs/abi"] {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        documents.extend(
            entries
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|end| end == "md")),
        );
    }
    let count: usize = documents.iter().map(|document| check(document)).sum();
    assert!(count >= 10, "only {count} commands were found");
}

#[test]
fn the_readme_shows_the_two_commands() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    for command in KNOWN {
        assert!(text.contains(&format!("$ {command}\n")), "{command}");
    }
}
