//! The format of a corpus file: shell scripts and what they must say.
//!
//! ```text
//! # A comment, before the first case or among the headers of one.
//! ===== name of the case
//! exit: 3
//! stderr: a part of what is said there
//! only: v1
//! native: no
//! why: which difference of the commands makes that necessary
//! ----- script
//! cat; exit 3
//! ----- stdin
//! one line
//! ----- stdout
//! one line
//! ```
//!
//! All headers may be left out (`exit` is then 0), and so may `stdin` and `stdout` (then nothing). `only` names the one
//! generation of commands that can run the case; `native: no` says that the shell and tools of the machine answer otherwise;
//! both need `why`. Blank lines behind a section do not belong to it, unless another line of it follows. A section whose
//! title ends with `, no newline` ends without one.
//!
//! Both the tests and `cargo xtask corpus` read it.

use std::fs;
use std::path::Path;

/// One script and what it must say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Case {
    /// File and name.
    pub name: String,
    pub script: String,
    pub stdin: String,
    pub stdout: String,
    pub stderr: Option<String>,
    pub exit: i32,
    /// The one generation that can run it.
    pub only: Option<String>,
    /// Whether the shell and tools of the machine answer the same.
    pub native: bool,
    pub why: Option<String>,
}

impl Case {
    /// How an answer differs from what is expected; nothing if it does not.
    pub(crate) fn difference(&self, exit: Option<i32>, stdout: &[u8], stderr: &[u8]) -> Option<String> {
        let said = String::from_utf8_lossy(stderr);
        let mut wrong = String::new();
        if exit != Some(self.exit) {
            let ended = exit.map_or("a signal".into(), |code| code.to_string());
            wrong += &format!("exit: {ended}, not {}\n", self.exit);
        }
        if stdout != self.stdout.as_bytes() {
            wrong += &format!("stdout (- expected, + said):\n{}", diff(&self.stdout, stdout));
        }
        if let Some(part) = &self.stderr
            && !said.contains(part.as_str())
        {
            wrong += &format!("stderr does not hold `{part}`\n");
        }
        if wrong.is_empty() {
            return None;
        }
        let shown: String = said.chars().take(2000).collect();
        Some(format!("== {}\n{}{wrong}stderr: {shown}\n", self.name, indented(&self.script)))
    }
}

/// Every case of every file of a folder, in the order of their names.
pub(crate) fn read_all(dir: &Path) -> Result<Vec<Case>, String> {
    let entries = fs::read_dir(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let mut files: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "txt"));
    files.sort();
    let mut cases: Vec<Case> = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let subject = file.file_stem().unwrap_or_default().to_string_lossy();
        for case in read(&text).map_err(|why| format!("{}: {why}", file.display()))? {
            let name = format!("{subject}: {}", case.name);
            if cases.iter().any(|other| other.name == name) {
                return Err(format!("two cases are named `{name}`"));
            }
            cases.push(Case { name, ..case });
        }
    }
    Ok(cases)
}

/// The cases of one file.
pub(crate) fn read(text: &str) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    let mut pieces = format!("\n{text}");
    // Every case begins with its title, so what stands before the first is comment.
    let first = pieces.find("\n===== ").ok_or("no case")?;
    pieces.drain(..first);
    for piece in pieces.split("\n===== ").skip(1) {
        let name = piece.lines().next().unwrap_or_default().trim().to_owned();
        cases.push(read_case(piece).map_err(|why| format!("`{name}`: {why}"))?);
    }
    Ok(cases)
}

fn read_case(piece: &str) -> Result<Case, String> {
    let mut sections = piece.split("\n----- ");
    let head = sections.next().unwrap_or_default();
    let mut case = Case { native: true, ..Case::default() };
    let mut lines = head.lines();
    case.name = lines.next().unwrap_or_default().trim().to_owned();
    for line in lines.filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let (key, value) = line.split_once(": ").ok_or_else(|| format!("no header: `{line}`"))?;
        let value = value.trim().to_owned();
        match key {
            "exit" => case.exit = value.parse().map_err(|_| format!("no exit code: `{value}`"))?,
            "stderr" => case.stderr = Some(value),
            "only" if ["p", "v1"].contains(&value.as_str()) => case.only = Some(value),
            "native" if value == "no" => case.native = false,
            "why" => case.why = Some(value),
            _ => return Err(format!("no header: `{line}`")),
        }
    }
    if (case.only.is_some() || !case.native) && case.why.is_none() {
        return Err("`only` and `native` need a `why`".into());
    }
    for section in sections {
        let (title, body) = section.split_once('\n').unwrap_or((section, ""));
        let mut body = body.trim_end_matches('\n').to_owned();
        let title = match title.trim().strip_suffix(", no newline") {
            Some(title) => title,
            None => {
                if !body.is_empty() {
                    body.push('\n');
                }
                title.trim()
            }
        };
        match title {
            "script" => case.script = body,
            "stdin" => case.stdin = body,
            "stdout" => case.stdout = body,
            _ => return Err(format!("no section: `{title}`")),
        }
    }
    if case.script.is_empty() {
        return Err("no script".into());
    }
    Ok(case)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  | {line}\n")).collect()
}

/// Lines from the first to the last that differ.
fn diff(expected: &str, said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let (expected, said): (Vec<&str>, Vec<&str>) =
        (expected.split_inclusive('\n').collect(), said.split_inclusive('\n').collect());
    let same = expected.iter().zip(&said).take_while(|(a, b)| a == b).count();
    let rest = |lines: &[&str]| lines.iter().skip(same).copied().map(str::to_owned).collect::<Vec<_>>();
    let (mut expected, mut said) = (rest(&expected), rest(&said));
    while expected.last().is_some_and(|line| said.last() == Some(line)) {
        expected.pop();
        said.pop();
    }
    let mut text = if same == 0 { String::new() } else { format!("  … {same} lines the same\n") };
    for (mark, lines) in [('-', expected), ('+', said)] {
        for line in lines.iter().take(30) {
            text += &format!("{mark} {:?}\n", line.as_str());
        }
        if lines.len() > 30 {
            text += &format!("{mark} … {} more lines\n", lines.len() - 30);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_the_format_says() {
        let text = "# what for\n\n===== one\nexit: 3\nwhy: x\nonly: p\n----- script\na\n\nb\n\n----- stdin, no newline\nq\n\n===== two\n----- script\nc\n----- stdout\nd\n";
        let cases = read(text).unwrap();
        let [one, two] = cases.as_slice() else { panic!("{cases:?}") };
        assert_eq!((one.name.as_str(), one.exit, one.only.as_deref()), ("one", 3, Some("p")));
        assert_eq!((one.script.as_str(), one.stdin.as_str(), one.stdout.as_str()), ("a\n\nb\n", "q", ""));
        assert_eq!((two.script.as_str(), two.stdout.as_str(), two.native), ("c\n", "d\n", true));
    }

    #[test]
    fn what_is_not_in_the_format_is_refused() {
        let script = "\n----- script\na\n";
        for wrong in [
            "".into(),
            "===== a\n".into(),
            format!("===== a\nexit: x{script}"),
            format!("===== a\nodd: x{script}"),
            format!("===== a\nonly: v2{script}"),
            format!("===== a\nnative: no{script}"),
            format!("===== a{script}----- odd\n"),
        ] {
            assert!(read(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_difference_is_said() {
        let case = Case { stdout: "a\nb\n".into(), stderr: Some("no".into()), ..Case::default() };
        assert_eq!(case.difference(Some(0), b"a\nb\n", b"oh no"), None);
        let said = case.difference(Some(1), b"a\nc\n", b"oh").unwrap();
        for part in ["exit: 1, not 0", "- \"b\\n\"", "+ \"c\\n\"", "does not hold `no`"] {
            assert!(said.contains(part), "{said}");
        }
        assert!(case.difference(None, b"a\nb\n", b"no").is_some());
    }
}
