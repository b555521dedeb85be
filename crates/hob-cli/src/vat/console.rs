//! Lines that nobody types: a script, standard input, or what a module is told.
//!
//! Standard input is read line by line, so that another program can say a line, see what comes of it, and say the next.

use std::io::{BufRead, Read};
use std::path::Path;

use hob_repl::Console;

use crate::report::{Failure, HOST, print};

/// Bytes of a script.
const SCRIPT_BYTES_MAX: u64 = 16 << 20;
/// Bytes of a line that is read as it comes. One that is longer is cut, and then refused as too long by who reads it.
const LINE_BYTES_MAX: usize = (1 << 16) + 1;

/// The lines of a script; `-` is standard input.
pub(super) fn script(file: &Path) -> Result<Lines, Failure> {
    if file == Path::new("-") {
        let mut from = std::io::stdin().lock();
        return Ok(Lines::new(std::iter::from_fn(move || next_line(&mut from).transpose())));
    }
    let failed =
        |error: std::io::Error| Failure::new(127, format!("failed to read {}: {error}", file.display()));
    let mut text = String::new();
    let limit = SCRIPT_BYTES_MAX + 1;
    std::fs::File::open(file).map_err(failed)?.take(limit).read_to_string(&mut text).map_err(failed)?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) >= limit {
        return Err(Failure::new(HOST, format!("a script has at most {SCRIPT_BYTES_MAX} bytes")));
    }
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    Ok(Lines::of(lines))
}

/// The next line without its end; None when there is none.
fn next_line(from: &mut impl BufRead) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    let mut any = false;
    loop {
        let read = match from.fill_buf() {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read.is_empty() {
            break;
        }
        any = true;
        let end = read.iter().position(|byte| *byte == b'\n');
        let part = read.get(..end.unwrap_or(read.len())).unwrap_or_default();
        let room = LINE_BYTES_MAX.saturating_sub(line.len()).min(part.len());
        line.extend_from_slice(part.get(..room).unwrap_or_default());
        let used = part.len() + usize::from(end.is_some());
        from.consume(used);
        if end.is_some() {
            break;
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    let line = String::from_utf8(line).map_err(|error| {
        std::io::Error::new(std::io::ErrorKind::InvalidData, format!("a line is no UTF-8: {error}"))
    })?;
    Ok(any.then_some(line))
}

/// Lines in order. What comes of them is printed; why one failed goes to standard error.
pub(super) struct Lines {
    lines: Box<dyn Iterator<Item = std::io::Result<String>>>,
    number: usize,
    /// Why there are no more, when that is not because there was an end.
    broken: Option<std::io::Error>,
}

impl Lines {
    pub(super) fn of(lines: Vec<String>) -> Self {
        Self::new(lines.into_iter().map(Ok))
    }

    fn new(lines: impl Iterator<Item = std::io::Result<String>> + 'static) -> Self {
        Self { lines: Box::new(lines), number: 0, broken: None }
    }

    /// Says whether all lines there were could be read.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self.broken {
            None => Ok(()),
            Some(error) => Err(Failure::new(127, format!("failed to read standard input: {error}"))),
        }
    }
}

impl Console for Lines {
    fn read_line(&mut self, _: &[&str]) -> Option<String> {
        self.number += 1;
        self.lines.next()?.map_err(|error| self.broken = Some(error)).ok()
    }

    fn write(&mut self, text: &str) {
        // Nobody reads any more: what the lines do is done all the same.
        let _ = print(&format!("{}\n", shown(text)));
    }

    fn complain(&mut self, text: &str) {
        eprintln!("hob: line {}: {}", self.number, shown(text));
    }
}

/// Text of guests must not reach a terminal as it came. Values are escaped where they are shown: a backslash is one of theirs.
pub(super) fn shown(text: &str) -> String {
    let whole = |line: &str| {
        let parts = line.split('\\').map(|part| hob::escape_guest_text(part, usize::MAX));
        parts.collect::<Vec<_>>().join("\\")
    };
    text.lines().map(whole).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_what_is_escaped_is_left() {
        assert_eq!(shown("a\u{1b}[31m\n\u{202e}b\rc"), "a\\u{1b}[31m\n\\u{202e}b\\rc");
        assert_eq!(shown(r#"["a\nb" "\\"]"#), r#"["a\nb" "\\"]"#);
    }

    #[test]
    fn lines_are_read_as_they_come_and_long_ones_are_cut() {
        let check = |text: &[u8], buffer: usize, expected: &[&str]| {
            let mut from = std::io::BufReader::with_capacity(buffer, std::io::Cursor::new(text.to_vec()));
            let mut lines = Vec::new();
            while let Some(line) = next_line(&mut from).unwrap() {
                lines.push(line);
            }
            assert_eq!(lines, expected, "{buffer}");
        };
        for buffer in [1, 3, 4096] {
            check(b"", buffer, &[]);
            check(b"\n", buffer, &[""]);
            check(b"one\r\n\ntwo", buffer, &["one", "", "two"]);
        }
        let most = "a".repeat(LINE_BYTES_MAX);
        check(format!("{most}\nb").as_bytes(), 4096, &[&most, "b"]);
        check(format!("{most}a\nb").as_bytes(), 4096, &[&most, "b"]);
        assert!(next_line(&mut &b"\xff\n"[..]).is_err());
    }
}
