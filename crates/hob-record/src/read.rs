//! Reading a record back, and playing it to a guest.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// What takes the output of a replay.
type Output = Box<dyn FnMut(Stream, &[u8]) + Send>;

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
            reader.take(usize::try_from(length).unwrap_or(usize::MAX)).map_err(cut)
        };
        let (text, module) = (part()?, part()?);
        let header: Header =
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
        while !reader.is_empty() {
            let length = u32::from_le_bytes(reader.array().map_err(cut)?);
            let chunk = reader.take(usize::try_from(length).unwrap_or(usize::MAX)).map_err(cut)?;
            match &mut seal {
                None => events.extend_from_slice(chunk),
                Some(seal) => events.extend(seal.open(chunk).map_err(|_| ReadError::WrongKey)?),
            }
        }
        check_form(&events)?;
        let state = State {
            events,
            at: 0,
            names: Vec::new(),
            calls: 0,
            current: String::new(),
            looks: Vec::new(),
            expected: None,
            output: Box::new(|_, _| {}),
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

    /// What plays the record to a guest, with its output going to `output`. From the beginning.
    #[must_use]
    pub fn player(&self, output: impl FnMut(Stream, &[u8]) + Send + 'static) -> Box<dyn Player> {
        let mut state = self.state();
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

    fn differs(&mut self, recorded: String, happened: String) -> Fault {
        let call = self.calls;
        let divergence = self.divergence.get_or_insert(Divergence { call, recorded, happened });
        Fault::host(divergence.to_string())
    }
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
                        state.looks.clear();
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
            let step = match state.next() {
                Some(Event::Look { at, len, digest }) => {
                    state.expected = Some(digest);
                    Step::Look { at, len }
                }
                Some(Event::Write { at, bytes }) => Step::Write { at, bytes: bytes.to_vec() },
                Some(Event::Enter { export, args }) => Step::Enter { export: export.to_owned(), args },
                Some(Event::Out { stream, looks, len }) => {
                    let state = &mut *state;
                    let looks = usize::try_from(looks).unwrap_or(usize::MAX);
                    let from = state.looks.len().checked_sub(looks).unwrap_or(state.looks.len());
                    let joined = state.looks.get(from..).unwrap_or_default().concat();
                    let len = usize::try_from(len).unwrap_or(usize::MAX);
                    let Some(bytes) = joined.get(..len) else {
                        return Err(state.differs("more output".into(), "less".into()));
                    };
                    (state.output)(stream, bytes);
                    continue;
                }
                Some(Event::OutBytes { stream, bytes }) => {
                    let bytes = bytes.to_vec();
                    (state.output)(stream, &bytes);
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
        state.looks.push(bytes.to_vec());
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
