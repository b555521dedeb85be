//! Recording a run.

use std::io::Write;
use std::sync::Arc;

use hob_engine::{Bounds, Fault, Instance, Linked, Listener};
use hob_os::Sink;
use hob_record::{Header, How, Key, Outcome, Recording, Stream};

use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::loaded::Loaded;
use crate::seat::{Seat, Streams};

/// Where a run is recorded.
///
/// ```
/// use hob::{Recorder, Replay, Sink};
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("run.hobrec");
/// let host = hob::Host::builder().stdio().recordable().build()?;
/// let program = host.load_bytes("hello", br#"(module (func (export "_start")))"#)?.command()?;
/// program.start().record(Recorder::new(std::fs::File::create(&path).unwrap())).wait()?;
/// // Without grants, on the other engine, and the same.
/// let replay = Replay::open(&std::fs::read(&path).unwrap(), None)?;
/// assert_eq!(replay.play(hob::Choice::Wasmi, Sink::Discard, Sink::Discard)?, hob::Replayed::Code(0));
/// # Ok::<(), hob::Error>(())
/// ```
pub struct Recorder {
    out: Box<dyn Write + Send>,
    key: Option<Key>,
    max: Option<u64>,
}

impl Recorder {
    /// Records to `out`.
    ///
    /// ```
    /// let recorder = hob::Recorder::new(Vec::new());
    /// ```
    #[must_use]
    pub fn new(out: impl Write + Send + 'static) -> Self {
        Self { out: Box::new(out), key: None, max: None }
    }

    /// Seals the record with this key when the guest is handed secrets: environment variables or configuration. Without a
    /// key such a run is not recorded.
    ///
    /// ```
    /// let recorder = hob::Recorder::new(Vec::new()).key(hob::RecordKey::new([7; 32]));
    /// ```
    #[must_use]
    pub fn key(mut self, key: Key) -> Self {
        self.key = Some(key);
        self
    }

    /// The most bytes the record may take.
    ///
    /// ```
    /// let recorder = hob::Recorder::new(Vec::new()).limit(1 << 20);
    /// ```
    #[must_use]
    pub fn limit(mut self, bytes: u64) -> Self {
        self.max = Some(bytes);
        self
    }
}

/// One run being recorded.
pub(crate) struct Session {
    linked: Linked<Seat>,
    recording: Recording,
}

impl Session {
    pub(crate) fn begin(loaded: &Loaded, how: How, recorder: Recorder) -> Result<Self, Error> {
        let (inner, module) = (&loaded.host.inner, loaded.module());
        let refuse = |why: String| Error::new(ErrorKind::Record(why));
        let Some(source) = &loaded.source else {
            return Err(refuse("only a host built with `recordable` or `deterministic` records".into()));
        };
        let key = recorder.key.filter(|_| inner.opened.has_secrets());
        if key.is_none() && inner.opened.has_secrets() {
            return Err(refuse(
                "the guest is handed environment variables or configuration, so its record must be sealed: give a key"
                    .into(),
            ));
        }
        let header = Header {
            hob: env!("CARGO_PKG_VERSION").into(),
            name: loaded.name().into(),
            module: module.digest().iter().map(|byte| format!("{byte:02x}")).collect(),
            how,
            memory_bytes: inner.limits.memory_bytes,
            table_elements: inner.limits.table_elements,
            salt: None,
        };
        let max = recorder.max.or(hob_cap::Limit::Record.default_value()).unwrap_or(u64::MAX);
        let linked = inner.engine.link(module, &Arc::new(inner.table.recording()))?;
        let recording = Recording::begin(recorder.out, header, source, key.as_ref(), max);
        let recording =
            recording.map_err(|error| refuse(format!("the record cannot be written: {error}")))?;
        Ok(Self { linked, recording })
    }

    /// Lets the record see what goes to the standard streams.
    pub(crate) fn tap(&self, mut streams: Streams) -> Streams {
        let tap = |sink: Sink, stream: Stream| {
            let recording = self.recording.clone();
            Sink::Tapped(Box::new(sink), Box::new(move |bytes| recording.output(stream, bytes)))
        };
        streams.stdout = tap(streams.stdout, Stream::Stdout);
        streams.stderr = tap(streams.stderr, Stream::Stderr);
        streams
    }

    pub(crate) fn instantiate(&self, seat: Seat, bounds: Bounds) -> Result<Instance<Seat>, Fault> {
        let listener = Listener::Recorder(self.recording.recorder());
        self.linked.instantiate_with(seat, bounds, Some(listener))
    }

    /// Ends the record with how the run ended.
    pub(crate) fn finish<R>(
        self,
        result: Result<R, Fault>,
        outcome: impl FnOnce(&R) -> Outcome,
    ) -> Result<R, Fault> {
        let ended = match &result {
            Ok(value) => outcome(value),
            Err(fault) => match fault.exit_code() {
                Some(code) => Outcome::Code(code),
                None => Outcome::Fault(fault.to_string()),
            },
        };
        self.recording.finish(ended)?;
        result
    }
}

/// Ends a run, and the record of it, if there is one.
pub(crate) fn finish<R>(
    session: Option<Session>,
    done: Result<R, Fault>,
    outcome: impl FnOnce(&R) -> Outcome,
) -> Result<R, Error> {
    Ok(match session {
        Some(session) => session.finish(done, outcome)?,
        None => done?,
    })
}

/// Makes an instance, recorded or not, and does something with it.
pub(crate) fn within<R>(
    host: &Host,
    linked: &Linked<Seat>,
    streams: Streams,
    session: Option<&Session>,
    bounds: Bounds,
    work: impl FnOnce(Instance<Seat>) -> Result<R, Fault>,
) -> Result<Result<R, Fault>, Error> {
    let streams = match session {
        Some(session) => session.tap(streams),
        None => streams,
    };
    let seat = host.inner.opened.seat(streams, &bounds)?;
    let made = match session {
        Some(session) => session.instantiate(seat, bounds),
        None => linked.instantiate(seat, bounds),
    };
    Ok(made.and_then(work))
}
