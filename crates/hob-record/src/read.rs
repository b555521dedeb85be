//! Reading a record back, and playing it to a guest.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hob_cap::StopToken;
use hob_engine::{Fault, Player, Step, Value};

use crate::event::{Event, digest};
use crate::header::{Header, VERSION};
use crate::seal::{Key, Seal, from_hex};
use crate::wire::Reader;
use crate::{Outcome, Stream};

/// Why a file is no record that can be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It does not begin like one.
    #[error("this is no record of hob")]
    NotARecord,
    /// It was made in another version of the format.
    #[error("the record has version {0} of the format; this hob reads version {VERSION}")]
    Version(u16),
    /// It breaks the format.
    #[error("the record is damaged: {0}")]
    Damaged(&'static str),
    /// It is sealed, and no key was given.
    #[error(
        "the record is sealed, because the guest was handed secrets; it opens with the key of the user who made it"
    )]
    Sealed,
    /// It is sealed with another key, or was changed.
    #[error("the record is sealed with another key, or was changed")]
    WrongKey,
}

/// The first call of a replay that is not the one that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The number of the call, from 1 on.
    pub call: u64,
    /// What was recorded there.
    pub recorded: String,
    /// What happened instead.
    pub happened: String,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the replay differs from the record at call {}: recorded {}, now {}",
            self.call, self.recorded, self.happened
        )
    }
}

/// What takes the output of a replay. An error ends the guest.
type Output = Box<dyn FnMut(Stream, &[u8]) -> Result<(), Fault> + Send>;

/// The most bytes of the guest's memory that are kept during one call, for output that is told by where it lay. A record may
/// be made to look at much, often; none that hob makes tells larger output so.
const LOOKS_BYTES_MAX: usize = 64 << 20;

/// A record being played. Clones play the same one.
#[derive(Clone)]
pub struct Replay {
    header: Arc<Header>,
    module: Arc<Vec<u8>>,
    state: Arc<Mutex<State>>,
}

struct State {
    events: Vec<u8>,
    at: usize,
    names: Vec<(String, String)>,
    calls: u64,
    /// The call under way, for messages.
    current: String,
    looks: Vec<Vec<u8>>,
    looks_bytes: usize,
    stop: StopToken,
    expected: Option<[u8; 16]>,
    output: Output,
    divergence: Option<Divergence>,
}

impl Replay {
    /// Reads a record. Everything is checked for form; nothing is played yet.
    ///
    /// # Errors
    ///
    /// Why the bytes are no record that can be played.
    pub fn open(file: &[u8], key: Option<&Key>) -> Result<Self, ReadError> {
        let mut reader = Reader(file);
        if reader.take(6) != Ok(b"hobrec") {
            return Err(ReadError::NotARecord);
        }
        let cut = |_| ReadError::Damaged("it ends in the header");
        let version = u16::from_le_bytes(reader.array().map_err(cut)?);
        if version != VERSION {
            return Err(ReadError::Version(version));
        }
        let mut part = || -> Result<&[u8], ReadError> {
            let length = u32::from_le_bytes(reader.array().map_err(cut)?);
            reader.take(to_usize(length)).map_err(cut)
        };
        let (text, module) = (part()?, part()?);
        let mut header: Header =
            serde_json::from_slice(text).map_err(|_| ReadError::Damaged("the header is not readable"))?;
        let mut seal = match (&header.salt, key) {
            (None, _) => None,
            (Some(_), None) => return Err(ReadError::Sealed),
            (Some(salt), Some(key)) => {
                let salt = from_hex(salt).ok_or(ReadError::Damaged("the salt is not readable"))?;
                Some(Seal::new(key, &salt, text))
            }
        };
        let mut events = Vec::new();
        let cut = |_| ReadError::Damaged("it ends in the middle of a chunk");
        let mut chunk = |reader: &mut Reader<'_>| -> Result<Vec<u8>, ReadError> {
            let length = u32::from_le_bytes(reader.array().map_err(cut)?);
            let chunk = reader.take(to_usize(length)).map_err(cut)?;
            match &mut seal {
                None => Ok(chunk.to_vec()),
                Some(seal) => seal.open(chunk).map_err(|_| ReadError::WrongKey),
            }
        };
        if header.salt.is_some() {
            let given = chunk(&mut reader)?;
            header.how = serde_json::from_slice(&given)
                .map_err(|_| ReadError::Damaged("what the guest was given is not readable"))?;
        }
        while !reader.is_empty() {
            events.extend(chunk(&mut reader)?);
        }
        check_form(&events)?;
        let state = State {
            events,
            at: 0,
            names: Vec::new(),
            calls: 0,
            current: String::new(),
            looks: Vec::new(),
            looks_bytes: 0,
            stop: StopToken::never(),
            expected: None,
            output: Box::new(|_, _| Ok(())),
            divergence: None,
        };
        Ok(Self {
            header: Arc::new(header),
            module: Arc::new(module.to_vec()),
            state: Arc::new(Mutex::new(state)),
        })
    }

    /// What was run, and how.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The module that was run.
    #[must_use]
    pub fn module(&self) -> &[u8] {
        &self.module
    }

    /// What plays the record to a guest, with its output going to `output`. From the beginning, until `stop`.
    #[must_use]
    pub fn player(
        &self,
        stop: StopToken,
        output: impl FnMut(Stream, &[u8]) -> Result<(), Fault> + Send + 'static,
    ) -> Box<dyn Player> {
        let mut state = self.state();
        state.stop = stop;
        state.forget_looks();
        state.at = 0;
        state.names.clear();
        state.calls = 0;
        state.divergence = None;
        state.output = Box::new(output);
        drop(state);
        Box::new(self.clone())
    }

    /// Compares how the replay ended with how the run did.
    ///
    /// # Errors
    ///
    /// The first difference: a call that was another, calls that are missing, or another end.
    pub fn finish(&self, outcome: &Outcome) -> Result<(), Divergence> {
        let mut state = self.state();
        if let Some(divergence) = &state.divergence {
            return Err(divergence.clone());
        }
        let call = state.calls;
        let differs = |recorded: String, happened: String| Err(Divergence { call, recorded, happened });
        let now = describe(outcome);
        match state.next() {
            // How a guest trapped is said in the words of its engine.
            Some(Event::End { outcome: Outcome::Fault(_), .. }) if matches!(outcome, Outcome::Fault(_)) => {
                Ok(())
            }
            Some(Event::End { outcome: recorded, .. }) if recorded == *outcome => Ok(()),
            Some(Event::End { outcome: recorded, .. }) => differs(describe(&recorded), now),
            _ => differs("another call".into(), format!("{now} without it")),
        }
    }

    /// The first call that was another than recorded, if there was one.
    #[must_use]
    pub fn divergence(&self) -> Option<Divergence> {
        self.state().divergence.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Code(code) => format!("the end with code {code}"),
        Outcome::Answer(bytes) => {
            format!("the answer {}", hob_cap::escape_guest_bytes(bytes, 200))
        }
        Outcome::Fault(text) => format!("the end with a fault: {}", hob_cap::escape_guest_text(text, 200)),
    }
}

/// Reads every event once: a record ends with its end and holds nothing behind it.
fn check_form(events: &[u8]) -> Result<(), ReadError> {
    let mut reader = Reader(events);
    let (mut calls, mut names) = (0u64, 0u32);
    while !reader.is_empty() {
        match Event::take(&mut reader).map_err(|_| ReadError::Damaged("an event is not readable"))? {
            Event::Name { .. } => names += 1,
            Event::Call { function, .. } if function >= names => {
                return Err(ReadError::Damaged("a call names no function"));
            }
            Event::Call { .. } => calls += 1,
            Event::End { calls: claimed, .. } => {
                return match (claimed == calls, reader.is_empty()) {
                    (true, true) => Ok(()),
                    (false, _) => Err(ReadError::Damaged("calls are missing")),
                    (_, false) => Err(ReadError::Damaged("something stands behind the end")),
                };
            }
            _ => {}
        }
    }
    Err(ReadError::Damaged("it has no end: the run was cut off"))
}

impl State {
    fn next(&mut self) -> Option<Event<'_>> {
        let mut reader = Reader(self.events.get(self.at..)?);
        let event = Event::take(&mut reader).ok()?;
        self.at = self.events.len().saturating_sub(reader.0.len());
        Some(event)
    }

    fn forget_looks(&mut self) {
        self.looks.clear();
        self.looks_bytes = 0;
    }

    /// Says the first `len` bytes of the last `looks` looks.
    fn say(&mut self, stream: Stream, looks: u32, len: u32) -> Result<(), Fault> {
        let (mut left, looks) = (to_usize(len), to_usize(looks));
        let from = self.looks.len().checked_sub(looks);
        let (looks, output) = (&self.looks, &mut self.output);
        for look in from.and_then(|from| looks.get(from..)).unwrap_or_default() {
            let bytes = look.get(..left).unwrap_or(look);
            if bytes.is_empty() {
                continue;
            }
            output(stream, bytes)?;
            left -= bytes.len();
            if left == 0 {
                break;
            }
        }
        if left > 0 { Err(self.differs("more output".into(), "less".into())) } else { Ok(()) }
    }

    fn differs(&mut self, recorded: String, happened: String) -> Fault {
        let call = self.calls;
        let divergence = self.divergence.get_or_insert(Divergence { call, recorded, happened });
        Fault::host(divergence.to_string())
    }
}

fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn show_call(module: &str, name: &str, args: &[Value]) -> String {
    let args: Vec<String> = args.iter().map(ToString::to_string).collect();
    let text = |text| hob_cap::escape_guest_text(text, 80);
    format!("`{}.{}({})`", text(module), text(name), args.join(", "))
}

impl Player for Replay {
    fn call(&mut self, module: &str, name: &str, args: &[Value]) -> Result<(), Fault> {
        let mut state = self.state();
        state.calls += 1;
        let now = show_call(module, name, args);
        loop {
            let recorded = match state.next() {
                Some(Event::Name { module, name }) => {
                    let names = (module.to_owned(), name.to_owned());
                    state.names.push(names);
                    continue;
                }
                Some(Event::Call { function, args: recorded }) => {
                    let index = usize::try_from(function).unwrap_or(usize::MAX);
                    let names = state.names.get(index).cloned().unwrap_or_default();
                    let same = names.0 == module && names.1 == name && same_values(&recorded, args);
                    if same {
                        state.current = now;
                        state.forget_looks();
                        return Ok(());
                    }
                    show_call(&names.0, &names.1, &recorded)
                }
                Some(Event::End { outcome, .. }) => describe(&outcome),
                _ => "something within a call".into(),
            };
            return Err(state.differs(recorded, now));
        }
    }

    fn step(&mut self) -> Result<Step, Fault> {
        let mut state = self.state();
        loop {
            // A record says how long a call takes, and may be made to take long.
            if let Some(reason) = state.stop.check_at(Instant::now()) {
                return Err(reason.into());
            }
            let step = match state.next() {
                Some(Event::Look { at, len, digest }) => {
                    state.expected = Some(digest);
                    Step::Look { at, len }
                }
                Some(Event::Write { at, bytes }) => Step::Write { at, bytes: bytes.to_vec() },
                Some(Event::Enter { export, args }) => Step::Enter { export: export.to_owned(), args },
                Some(Event::Out { stream, looks, len }) => {
                    state.say(stream, looks, len)?;
                    continue;
                }
                Some(Event::OutBytes { stream, bytes }) => {
                    let bytes = bytes.to_vec();
                    (state.output)(stream, &bytes)?;
                    continue;
                }
                Some(Event::Return(value)) => Step::Return(value),
                Some(Event::Fail(failure)) => Step::Fail(failure.fault()),
                _ => return Err(Fault::host("the record ends in the middle of a call")),
            };
            return Ok(step);
        }
    }

    fn saw(&mut self, bytes: Option<&[u8]>) -> Result<(), Fault> {
        let mut state = self.state();
        let bytes = bytes.unwrap_or_default();
        if state.expected.take() != Some(digest(bytes)) {
            let current = state.current.clone();
            return Err(state.differs(current.clone(), format!("{current} with other bytes in memory")));
        }
        if bytes.len() > LOOKS_BYTES_MAX.saturating_sub(state.looks_bytes) {
            state.forget_looks();
        }
        if bytes.len() <= LOOKS_BYTES_MAX {
            state.looks_bytes += bytes.len();
            state.looks.push(bytes.to_vec());
        }
        Ok(())
    }

    fn left(&mut self, result: Result<&[Value], &Fault>) -> Result<(), Fault> {
        let mut state = self.state();
        let recorded = loop {
            match state.next() {
                Some(Event::Left(recorded)) => break recorded,
                // Calls of the guest's own in between were played as they came.
                Some(Event::Name { module, name }) => {
                    let names = (module.to_owned(), name.to_owned());
                    state.names.push(names);
                }
                _ => return Err(Fault::host("the record ends in the middle of a call")),
            }
        };
        let same = match (&recorded, result) {
            (Some(recorded), Ok(now)) => same_values(recorded, now),
            (None, Err(_)) => true,
            _ => false,
        };
        if same {
            return Ok(());
        }
        let current = state.current.clone();
        Err(state.differs(current.clone(), format!("{current} with another answer of the guest")))
    }
}

/// Whether values are the same bits: a NaN is itself.
fn same_values(a: &[Value], b: &[Value]) -> bool {
    let bits = |values: &[Value]| {
        let mut out = Vec::new();
        crate::event::put_values(&mut out, values);
        out
    };
    bits(a) == bits(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A replay of these events, with what it says.
    fn playing(events: &[Event<'_>], stop: StopToken) -> (Box<dyn Player>, Replay, Arc<Mutex<Vec<u8>>>) {
        let mut bytes = Vec::new();
        events.iter().for_each(|event| event.put(&mut bytes));
        let header = Header {
            hob: String::new(),
            name: String::new(),
            module: String::new(),
            how: crate::header::How::Run { entry: String::new() },
            memory_bytes: 0,
            table_elements: 0,
            salt: None,
        };
        let state = State {
            events: bytes,
            at: 0,
            names: Vec::new(),
            calls: 0,
            current: String::new(),
            looks: Vec::new(),
            looks_bytes: 0,
            stop: StopToken::never(),
            expected: None,
            output: Box::new(|_, _| Ok(())),
            divergence: None,
        };
        let state = Arc::new(Mutex::new(state));
        let replay = Replay { header: Arc::new(header), module: Arc::default(), state };
        let said = Arc::<Mutex<Vec<u8>>>::default();
        let sink = Arc::clone(&said);
        let player = replay.player(stop, move |_, bytes| {
            sink.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(())
        });
        (player, replay, said)
    }

    #[test]
    fn a_record_that_looks_at_much_holds_little() {
        let large = vec![0; LOOKS_BYTES_MAX / 2 + 1];
        let look = Event::Look { at: 0, len: 1, digest: digest(&large) };
        let events: Vec<Event<'_>> = std::iter::repeat_n(look, 5).collect();
        let (mut player, replay, _) = playing(&events, StopToken::never());
        for _ in 0..5 {
            assert!(player.step().is_ok() && player.saw(Some(&large)).is_ok());
            let state = replay.state();
            let held: usize = state.looks.iter().map(Vec::len).sum();
            assert!(held == state.looks_bytes && held <= LOOKS_BYTES_MAX);
        }
    }

    #[test]
    fn output_that_was_never_looked_at_differs() {
        let check = |looks: u32, len: u32, want: Option<&[u8]>| {
            let look = |bytes| Event::Look { at: 0, len: 3, digest: digest(bytes) };
            let out = Event::Out { stream: Stream::Stdout, looks, len };
            let events = [look(b"abc"), look(b"def"), out, Event::Return(None)];
            let (mut player, replay, said) = playing(&events, StopToken::never());
            for bytes in [b"abc", b"def"] {
                assert!(player.step().is_ok() && player.saw(Some(bytes)).is_ok());
            }
            assert_eq!(player.step().is_ok(), want.is_some(), "{looks} {len}");
            assert_eq!(replay.divergence().is_none(), want.is_some(), "{looks} {len}");
            let said = said.lock().map(|said| said.clone()).unwrap_or_default();
            assert!(want.is_none_or(|want| want == said), "{looks} {len}");
        };
        check(2, 6, Some(b"abcdef"));
        check(2, 4, Some(b"abcd"));
        check(1, 2, Some(b"de"));
        check(0, 0, Some(b""));
        check(2, 7, None);
        check(3, 1, None);
        check(u32::MAX, 1, None);
    }

    #[test]
    fn a_call_that_is_made_to_take_long_is_stopped() {
        let out = Event::OutBytes { stream: Stream::Stdout, bytes: b"x" };
        let events: Vec<Event<'_>> = std::iter::repeat_n(out, 1000).collect();
        let stop = StopToken::new(None, Some(Instant::now()));
        let (mut player, _, said) = playing(&events, stop);
        assert!(player.step().is_err_and(|fault| fault.is_deadline()));
        assert!(said.lock().is_ok_and(|said| said.is_empty()));
    }
}
