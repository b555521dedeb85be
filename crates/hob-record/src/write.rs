//! Writing a record while a guest runs.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hob_cap::{Limit, LimitExceeded};
use hob_engine::{Fault, Recorder, Value};

use crate::event::{Digest, Event, digest, failure, shown};
use crate::header::{Header, VERSION};
use crate::seal::{Key, KeyError, Seal, salt, to_hex};
use crate::{Outcome, Stream};

/// Events are written out when this many bytes of them are there.
const CHUNK_BYTES: usize = 64 << 10;

/// A record being written. Clones write the same one.
#[derive(Clone)]
pub struct Recording(Arc<Mutex<State>>);

struct State {
    out: Box<dyn Write + Send>,
    seal: Option<Seal>,
    pending: Vec<u8>,
    written: u64,
    max: u64,
    names: HashMap<(String, String), u32>,
    calls: u64,
    /// What the host looked at in the call under way, the digest still to be written: output is told apart by it.
    looks: Vec<Vec<u8>>,
    problem: Option<Fault>,
}

impl Recording {
    /// Begins a record of at most `max` bytes. With a key the events are sealed.
    ///
    /// # Errors
    ///
    /// When the beginning cannot be written, or there is no randomness to seal with.
    pub fn begin(
        mut out: Box<dyn Write + Send>,
        mut header: Header,
        module: &[u8],
        key: Option<&Key>,
        max: u64,
    ) -> std::io::Result<Self> {
        let other = |error: KeyError| std::io::Error::other(error.to_string());
        let salt = key.map(|_| salt()).transpose().map_err(other)?;
        header.salt = salt.as_ref().map(|salt| to_hex(salt));
        let given = serde_json::to_vec(&header.how).map_err(std::io::Error::other)?;
        if salt.is_some() {
            header.how = header.how.bare();
        }
        let text = serde_json::to_vec(&header).map_err(std::io::Error::other)?;
        let mut start = b"hobrec".to_vec();
        start.extend_from_slice(&VERSION.to_le_bytes());
        for part in [text.as_slice(), module] {
            let length = u32::try_from(part.len()).map_err(std::io::Error::other)?;
            start.extend_from_slice(&length.to_le_bytes());
            start.extend_from_slice(part);
        }
        let mut seal = key.zip(salt).map(|(key, salt)| Seal::new(key, &salt, &text));
        if let Some(seal) = &mut seal {
            // The first chunk holds what the guest was given.
            let chunk = seal.seal(&given).map_err(|_| std::io::Error::other("it could not be sealed"))?;
            start
                .extend_from_slice(&u32::try_from(chunk.len()).map_err(std::io::Error::other)?.to_le_bytes());
            start.extend_from_slice(&chunk);
        }
        out.write_all(&start)?;
        Ok(Self(Arc::new(Mutex::new(State {
            out,
            seal,
            pending: Vec::new(),
            written: u64::try_from(start.len()).unwrap_or(u64::MAX),
            max,
            names: HashMap::new(),
            calls: 0,
            looks: Vec::new(),
            problem: None,
        }))))
    }

    /// What is told of everything that crosses the boundary.
    #[must_use]
    pub fn recorder(&self) -> Box<dyn Recorder> {
        Box::new(self.clone())
    }

    /// Takes down what went to a standard stream. Called while the host function that writes it runs.
    pub fn output(&self, stream: Stream, bytes: &[u8]) {
        self.state().output(stream, bytes);
    }

    /// Ends the record and writes the rest of it out.
    ///
    /// # Errors
    ///
    /// When it cannot be written, now or at some time before.
    pub fn finish(self, outcome: Outcome) -> Result<(), Fault> {
        let mut state = self.state();
        if let Some(problem) = &state.problem {
            return Err(problem.clone());
        }
        let calls = state.calls;
        state.put(&Event::End { calls, outcome });
        state.write_out()?;
        state.out.flush().map_err(unwritten)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorder for Recording {
    fn call(&mut self, module: &str, name: &str, args: &[Value]) -> Result<(), Fault> {
        let mut state = self.state();
        state.check()?;
        let key = (module.to_owned(), name.to_owned());
        let function = match state.names.get(&key) {
            Some(function) => *function,
            None => {
                let next = u32::try_from(state.names.len()).map_err(|_| Fault::host("too many functions"))?;
                state.put(&Event::Name { module, name });
                state.names.insert(key, next);
                next
            }
        };
        state.looks.clear();
        state.put(&Event::Call { function, args: args.to_vec() });
        state.calls += 1;
        Ok(())
    }

    fn read(&mut self, at: u32, bytes: &[u8]) {
        let mut state = self.state();
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let digest: Digest = digest(bytes);
        state.looks.push(bytes.to_vec());
        state.put(&Event::Look { at, len, digest });
    }

    fn wrote(&mut self, at: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.state().put(&Event::Write { at, bytes });
        }
    }

    fn enter(&mut self, export: &str, args: &[Value]) {
        self.state().put(&Event::Enter { export, args: args.to_vec() });
    }

    fn left(&mut self, result: Result<&[Value], &Fault>) {
        self.state().put(&Event::Left(result.ok().map(<[Value]>::to_vec)));
    }

    fn returned(&mut self, result: Result<Option<Value>, &Fault>) -> Result<(), Fault> {
        let mut state = self.state();
        match result {
            Ok(value) => state.put(&Event::Return(value)),
            Err(fault) => {
                let text = shown(fault);
                state.put(&Event::Fail(failure(fault, &text)));
            }
        }
        if state.pending.len() >= CHUNK_BYTES {
            state.write_out()?;
        }
        state.check()
    }
}

impl State {
    fn put(&mut self, event: &Event<'_>) {
        event.put(&mut self.pending);
    }

    fn output(&mut self, stream: Stream, bytes: &[u8]) {
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        // The bytes usually are what the host has just looked at; then they need not be kept twice.
        let mut joined = Vec::new();
        for (count, look) in (1..).zip(self.looks.iter().rev()) {
            joined.splice(0..0, look.iter().copied());
            if joined.starts_with(bytes) {
                return self.put(&Event::Out { stream, looks: count, len });
            }
            if joined.len() > bytes.len() {
                break;
            }
        }
        self.put(&Event::OutBytes { stream, bytes });
    }

    /// Fails when the record is full or could not be written: what cannot be recorded is not done.
    fn check(&mut self) -> Result<(), Fault> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        let pending = u64::try_from(self.pending.len()).unwrap_or(u64::MAX);
        let used = self.written.saturating_add(pending);
        if used > self.max {
            let exceeded = LimitExceeded {
                limit: Limit::Record,
                allowed: self.max,
                used: self.max,
                asked: used.saturating_sub(self.max),
            };
            return Err(self.fail(exceeded.into()));
        }
        Ok(())
    }

    fn write_out(&mut self) -> Result<(), Fault> {
        let plain = std::mem::take(&mut self.pending);
        let chunk = match &mut self.seal {
            None => plain,
            Some(seal) => match seal.seal(&plain) {
                Ok(chunk) => chunk,
                Err(_) => return Err(self.fail(Fault::host("the record could not be sealed"))),
            },
        };
        let Ok(length) = u32::try_from(chunk.len()) else {
            return Err(self.fail(Fault::host("one call moved more than a record can hold")));
        };
        let written = self.out.write_all(&length.to_le_bytes()).and_then(|()| self.out.write_all(&chunk));
        self.written = self.written.saturating_add(u64::from(length)).saturating_add(4);
        written.map_err(|error| self.fail(unwritten(error)))
    }

    fn fail(&mut self, fault: Fault) -> Fault {
        self.problem.get_or_insert(fault).clone()
    }
}

fn unwritten(error: std::io::Error) -> Fault {
    Fault::host(format!("the record cannot be written, so the run was ended: {error}"))
}
