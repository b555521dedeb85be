//! A console as an actor: lines in, text out.
//!
//! What is written is text for people, so it is shown and never obeyed: control characters but newline and tab are escaped. Each of those
//! who share a console can be given one with a *prefix*, and then every line of theirs begins with it, also when another one has
//! left a line unfinished. Stops: an actor that moves the cursor, hides text, or speaks in the name of another.
//!
//! Reading and writing are two lanes. A line is asked for after all that was written before has been written, and what is written
//! while it is waited for does not wait. Text goes out in pieces, and who was cut off writes none of them any more.

use std::sync::{Arc, Mutex, PoisonError};

use hob_cap::{StopReason, StopToken, is_hidden};
use hob_os::{Interest, OsError, Sink, Source, Subscription, World};
use hob_vat::{Problem, Value};

use crate::answer::{failed_stream, stopped};
use crate::desk::{Desk, wrong};
use crate::directory::Root;
use crate::lanes::{Class, LaneId};
use crate::limits::exceeded;
use crate::object::{Ask, Done, Reply, Thing};

/// Characters of all prefixes of a console.
const PREFIX_CHARS_MAX: usize = 64;

/// Bytes that are read, or written, at once. So much may be on its way when who writes it is cut off.
const CHUNK: usize = 4096;

pub(crate) struct Console {
    reading: Option<Arc<Reading>>,
    writing: Option<Arc<Writing>>,
    prefix: String,
    root: Root,
}

struct Reading {
    lines: Mutex<Lines>,
    stop: StopToken,
    lane: LaneId,
    longest: usize,
}

struct Lines {
    world: World,
    /// What was read and is in no line that was answered.
    rest: Vec<u8>,
    /// The line that goes on is too long, and nobody gets it.
    skips: bool,
}

struct Writing {
    text: Mutex<Text>,
    stop: StopToken,
    lane: LaneId,
}

struct Text {
    world: World,
    /// Of output and complaints: who left a line unfinished, by their prefix.
    open: [Option<String>; 2],
}

const METHODS: &[&str] = &[
    "read-line",
    "write TEXT",
    "complain TEXT",
    "read-only",
    "write-only",
    "prefixed TEXT",
    "methods",
    "end",
];

impl Console {
    pub(crate) fn new(desk: &Desk, source: Source, output: Sink, complaints: Sink) -> Result<Self, Problem> {
        let made = |error: OsError| failed_stream("the console", &error);
        let (stop, lane) = (StopToken::never(), desk.lane());
        let world = desk.world(&stop).stdin(source).build().map_err(made)?;
        let lines = Mutex::new(Lines { world, rest: Vec::new(), skips: false });
        let reading = Arc::new(Reading { lines, stop, lane, longest: desk.limits.line_bytes });
        let (stop, lane) = (StopToken::never(), desk.lane());
        let world = desk.world(&stop).stdout(output).stderr(complaints).build().map_err(made)?;
        let text = Mutex::new(Text { world, open: [None, None] });
        let writing = Arc::new(Writing { text, stop, lane });
        Ok(Self { reading: Some(reading), writing: Some(writing), prefix: String::new(), root: Root::Given })
    }

    fn narrowed(&self, reads: bool, writes: bool, prefix: &str) -> Reply {
        Reply::Narrowed(Arc::new(Self {
            reading: self.reading.clone().filter(|_| reads),
            writing: self.writing.clone().filter(|_| writes),
            prefix: format!("{}{prefix}", self.prefix),
            root: Root::Narrowed,
        }))
    }

    fn write(&self, ask: &Ask, stream: usize, text: &str) -> Done {
        let Some(writing) = &self.writing else {
            return Err(Problem::rule("not-permitted", "this console may only be read".into()));
        };
        let mut to = writing.text.lock().unwrap_or_else(PoisonError::into_inner);
        match to.write(stream, &self.prefix, text, &|| ask.is_wanted()) {
            Ok(true) => Ok(().into()),
            Ok(false) => Err(stopped(StopReason::Killed)),
            Err(error) => Err(failed_stream("the console", &error)),
        }
    }
}

impl Thing for Console {
    fn methods(&self) -> &'static [&'static str] {
        METHODS
    }

    fn lane(&self) -> (LaneId, Class) {
        let lane = match (&self.writing, &self.reading) {
            (Some(writing), _) => writing.lane,
            (None, Some(reading)) => reading.lane,
            (None, None) => LaneId(u64::MAX),
        };
        (lane, Class::Line)
    }

    fn call(&self, ask: &Ask, method: &str, args: &[Value]) -> Done {
        match (method, args) {
            ("read-line", []) => {
                let Some(reading) = self.reading.clone() else {
                    return Err(Problem::rule("not-permitted", "this console may only be written to".into()));
                };
                ask.go_on(reading.lane, Class::Line, move |ask| reading.line(ask))
            }
            ("write", [Value::Str(text)]) => self.write(ask, 0, text),
            ("complain", [Value::Str(text)]) => self.write(ask, 1, text),
            ("read-only", []) => Ok(self.narrowed(true, false, "")),
            ("write-only", []) => Ok(self.narrowed(false, true, "")),
            ("prefixed", [Value::Str(prefix)]) => {
                if self.prefix.chars().count().saturating_add(prefix.chars().count()) > PREFIX_CHARS_MAX {
                    return Err(exceeded("prefix", format_args!("{PREFIX_CHARS_MAX} characters")));
                }
                if prefix.chars().any(is_hidden) {
                    return Err(Problem::rule("bad-arguments", "a prefix is text of one line".into()));
                }
                Ok(self.narrowed(true, true, prefix))
            }
            _ => Err(wrong()),
        }
    }

    fn end(&self) {
        if self.root == Root::Given {
            self.reading.iter().for_each(|reading| reading.stop.stop(StopReason::Killed));
            self.writing.iter().for_each(|writing| writing.stop.stop(StopReason::Killed));
        }
    }
}

impl Reading {
    fn line(&self, ask: &Ask) -> Done {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        // Who was cut off takes no line away from others.
        if !ask.is_wanted() {
            return Ok(().into());
        }
        let (line, ended) = match lines.next(self.longest) {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(().into()),
            Err(problem) => return Err(problem),
        };
        if !ask.is_wanted() {
            lines.put_back(line, ended);
            return Ok(().into());
        }
        let text = String::from_utf8_lossy(&line);
        Ok(Value::from(text.strip_suffix('\r').unwrap_or(&text)).into())
    }
}

impl Lines {
    /// The next line without its end, and whether it had one; None when there are no more.
    fn next(&mut self, longest: usize) -> Result<Option<(Vec<u8>, bool)>, Problem> {
        let mut chunk = [0; CHUNK];
        loop {
            if let Some(at) = self.rest.iter().position(|byte| *byte == b'\n') {
                let after = self.rest.split_off(at.saturating_add(1));
                let mut line = std::mem::replace(&mut self.rest, after);
                line.pop();
                if std::mem::take(&mut self.skips) || line.len() > longest {
                    return Err(exceeded("line-bytes", longest));
                }
                return Ok(Some((line, true)));
            }
            if self.rest.len() > longest {
                self.skips = true;
            }
            if self.skips {
                self.rest.clear();
            }
            let read =
                self.world.read(0, &mut chunk).map_err(|error| failed_stream("the console", &error))?;
            let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else {
                let line = std::mem::take(&mut self.rest);
                if std::mem::take(&mut self.skips) {
                    return Err(exceeded("line-bytes", longest));
                }
                return Ok((!line.is_empty()).then_some((line, false)));
            };
            self.rest.extend_from_slice(bytes);
        }
    }

    /// Nobody got the line: the next one who asks does.
    fn put_back(&mut self, mut line: Vec<u8>, ended: bool) {
        if ended {
            line.push(b'\n');
        }
        line.append(&mut self.rest);
        self.rest = line;
    }
}

impl Text {
    /// Writes a text in pieces, as long as it is wanted. False when it is not any more: then some of it may have gone out.
    fn write(
        &mut self,
        stream: usize,
        prefix: &str,
        text: &str,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<bool, OsError> {
        let Some(open) = self.open.get_mut(stream) else { return Ok(true) };
        let mut then = open.clone();
        let shown = lines(&mut then, prefix, text);
        let fd = if stream == 0 { 1 } else { 2 };
        let mut rest = shown.as_bytes();
        let room = Subscription { userdata: 0, what: Interest::Write(fd) };
        while !rest.is_empty() {
            // What waits for who reads it is asked for after the wait. Why there is none says the writing.
            self.world.poll(&[room], &mut Vec::new())?;
            if !is_wanted() {
                return Ok(false);
            }
            let piece = piece(rest);
            let done = self.world.write(fd, piece)?.max(1);
            // If it ends here, the line that it ends in is theirs, and nobody else goes on with it.
            *open = (piece.get(..done).unwrap_or(piece).last() != Some(&b'\n')).then(|| prefix.to_owned());
            rest = rest.get(done..).unwrap_or_default();
        }
        *open = then;
        Ok(true)
    }
}

/// As much as is written at once, and no part of a character.
fn piece(rest: &[u8]) -> &[u8] {
    let mut end = CHUNK.min(rest.len());
    while end > 1 && rest.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
        end -= 1;
    }
    rest.get(..end).unwrap_or(rest)
}

/// What is shown of a text. `open` is the prefix of who left a line unfinished, and is changed to what is true afterwards.
fn lines(open: &mut Option<String>, prefix: &str, text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    if !text.is_empty() && open.as_ref().is_some_and(|whose| whose != prefix) {
        shown.push('\n');
        *open = None;
    }
    for c in text.replace("\r\n", "\n").chars() {
        if open.is_none() {
            shown.push_str(prefix);
            *open = Some(prefix.to_owned());
        }
        match c {
            '\n' => {
                shown.push(c);
                *open = None;
            }
            c if is_hidden(c) && c != '\t' => shown.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_says_whose_it_is() {
        let mut open = None;
        let mut check =
            |prefix: &str, text: &str, want: &str| assert_eq!(lines(&mut open, prefix, text), want);
        check("", "a\nb", "a\nb");
        check("", "c\n", "c\n");
        check("bob: ", "one\ntwo", "bob: one\nbob: two");
        check("bob: ", ", and more", ", and more");
        check("eve: ", "bob: hello\n", "\neve: bob: hello\n");
        check("eve: ", "", "");
        check("eve: ", "\n", "eve: \n");
    }

    #[test]
    fn text_is_shown_and_not_obeyed() {
        let check = |text: &str, want: &str| assert_eq!(lines(&mut None, "", text), want);
        check("a\tb\r\n", "a\tb\n");
        check("\u{1b}[2J\u{7}", "\\u{1b}[2J\\u{7}");
        check("a\rb", "a\\u{d}b");
        check("a\u{202e}b", "a\\u{202e}b");
        check("grün", "grün");
    }

    #[test]
    fn a_piece_is_no_part_of_a_character() {
        let check = |text: &str, want: usize| assert_eq!(piece(text.as_bytes()).len(), want);
        check("", 0);
        check(&"x".repeat(CHUNK), CHUNK);
        check(&"x".repeat(CHUNK + 1), CHUNK);
        check(&("x".repeat(CHUNK - 1) + "ü"), CHUNK - 1);
        check(&("x".repeat(CHUNK - 3) + "😀."), CHUNK - 3);
        check(&("x".repeat(CHUNK - 4) + "😀."), CHUNK);
    }
}
