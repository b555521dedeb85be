//! Rules for one file: module docs, forbidden calls, size, and words that do not belong.

use super::Finding;

/// Lines after which a file has more than one subject.
const LINES_MAX: usize = 600;

/// Files that may be longer, and why.
const LONG: &[(&str, &str)] = &[("crates/hob-abi/src/command/table.rs", "a table that is made, not written")];

/// What library code does not do; the reason is what to do instead.
const FORBIDDEN: &[(&str, &str)] = &[
    (".unwrap()", "return an error"),
    (".expect(", "return an error"),
    ("panic!(", "return an error"),
    ("unreachable!(", "make it impossible by type, or return an error"),
    ("todo!(", "write it, or leave it out"),
    ("unimplemented!(", "write it, or leave it out"),
    ("dbg!(", "remove it"),
];

/// What no file holds, in pieces so that this one does not either.
const FOREIGN: &[(&[&str], &str)] = &[
    (&["#[", "ignore"], "a test that does not run is no test"),
    (&["/", "work/"], "a path of some machine"),
    (&["/", "root/"], "a path of some machine"),
];

pub(super) fn check(file: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for (pieces, why) in FOREIGN {
            if line.contains(&pieces.concat()) {
                findings.push(Finding::new(file, number, format!("`{}`: {why}", pieces.concat())));
            }
        }
    }
    if !file.ends_with(".rs") {
        return findings;
    }
    // A file may begin with a licence or an attribute, but says what it is for before any code.
    if !text.lines().any(|line| line.starts_with("//!")) {
        findings.push(Finding::new(file, 1, "no module docs: begin with `//!` and say what the file is for"));
    }
    let lines = text.lines().count();
    if lines > LINES_MAX && !LONG.iter().any(|(long, _)| *long == file) {
        findings.push(Finding::new(
            file,
            lines,
            format!("{lines} lines, more than {LINES_MAX}: has it one subject?"),
        ));
    }
    if is_library(file) {
        findings.extend(forbidden(file, text));
    }
    findings
}

fn is_library(file: &str) -> bool {
    file.starts_with("crates/")
        && file.contains("/src/")
        && !file.contains("/tests/")
        && !file.contains("/benches/")
}

/// Tests stand at the bottom, so everything after `#[cfg(test)]` is theirs.
fn forbidden(file: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim() == "#[cfg(test)]" {
            break;
        }
        if line.trim_start().starts_with("//") {
            continue;
        }
        for (call, instead) in FORBIDDEN {
            if line.contains(call) {
                findings.push(Finding::new(file, number, format!("`{call}` in library code: {instead}")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(file: &str, text: &str) -> Vec<usize> {
        check(file, text).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_file_says_what_it_is_for() {
        assert_eq!(rules("crates/a/src/b.rs", "fn f() {}"), [1]);
        assert!(rules("crates/a/src/b.rs", "//! For f.\n\nfn f() {}").is_empty());
    }

    #[test]
    fn calls_that_can_fail_loudly_are_for_tests() {
        let text = "//! .\nfn f() { g().unwrap(); }\n// .unwrap()\n#[cfg(test)]\nmod tests { fn t() { g().unwrap(); } }";
        assert_eq!(rules("crates/a/src/b.rs", text), [2]);
        assert!(rules("crates/a/tests/b.rs", text).is_empty());
        assert_eq!(rules("crates/a/src/b.rs", "//! .\nfn f() { todo!() }"), [2]);
    }

    #[test]
    fn a_file_has_one_subject() {
        let long = format!("//! .\n{}", "\n".repeat(LINES_MAX));
        assert_eq!(rules("crates/a/src/b.rs", &long).len(), 1);
        assert!(rules("crates/a/src/b.rs", &long[..long.len() - 1]).is_empty());
    }

    #[test]
    fn what_does_not_belong_is_found_anywhere() {
        let path = ["see /", "work/x"].concat();
        assert_eq!(rules("README.md", &path), [1]);
        let ignored = ["//! .\n#[", "ignore]\nfn t() {}"].concat();
        assert_eq!(rules("crates/a/tests/b.rs", &ignored), [2]);
    }
}
