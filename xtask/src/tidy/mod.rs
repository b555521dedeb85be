//! The house rules that no compiler checks. Each finding names the file, the line, the rule, and what to do.

mod arrows;
mod source;
mod tree;

use std::path::Path;

use crate::shell::quiet;

/// One broken rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) rule: String,
}

impl Finding {
    pub(crate) fn new(file: &str, line: usize, rule: impl Into<String>) -> Self {
        Self { file: file.into(), line, rule: rule.into() }
    }
}

/// Checks every rule on the files git knows or would add.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let listed = quiet(
        std::process::Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard"])
            .current_dir(root),
    )?;
    let files: Vec<(String, String)> = listed
        .lines()
        .filter_map(|file| Some((file.to_owned(), std::fs::read_to_string(root.join(file)).ok()?)))
        .collect();
    let mut findings = arrows::check(&files);
    for (file, text) in &files {
        findings.extend(source::check(file, text));
    }
    findings.extend(tree::check(&files));
    for finding in &findings {
        println!("{}:{}: {}", finding.file, finding.line, finding.rule);
    }
    if findings.is_empty() {
        println!("{} files are tidy", files.len());
        return Ok(());
    }
    Err(format!("{} house rules are broken", findings.len()))
}
