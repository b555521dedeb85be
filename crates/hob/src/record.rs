//! Recording a run, and running it again without the world.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use hob_abi::{command, json, plugin};
use hob_engine::{
    Bounds, Choice, Engine, EngineConfig, Fault, HostTable, Instance, Linked, Listener, ValType, Value,
};
use hob_os::Sink;
use hob_record::{Header, How, Key, Outcome, Recording, Stream};

use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::loaded::Loaded;
use crate::seat::{Seat, Streams, bounds};

pub use hob_record::{Divergence, Key as RecordKey, ReadError, Stream as OutputStream};

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

/// A record of a run, to be run again.
///
/// ```
/// assert!(hob::Replay::open(b"something else", None).is_err());
/// ```
pub struct Replay {
    replay: hob_record::Replay,
    deadline: Option<Duration>,
}

/// What a replayed run came to: the same as the run did.
///
/// ```
/// assert_ne!(hob::Replayed::Code(0), hob::Replayed::Answer(b"{}".to_vec()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Replayed {
    /// A program ended with this code.
    Code(u8),
    /// A function answered with these bytes.
    Answer(Vec<u8>),
    /// The guest ended with a fault, as it did when it was recorded.
    Fault(String),
}

impl Replay {
    /// Reads a record.
    ///
    /// ```
    /// assert!(hob::Replay::open(b"\0asm", None).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// When the bytes are no record, are damaged, or are sealed and the key is missing or another one.
    pub fn open(record: &[u8], key: Option<&RecordKey>) -> Result<Self, Error> {
        let replay = hob_record::Replay::open(record, key)?;
        Ok(Self { replay, deadline: hob_cap::Limits::default().hard_deadline })
    }

    /// How long the replay may take; the default deadline of a guest when nobody says.
    ///
    /// ```no_run
    /// # let record = Vec::new();
    /// let replay = hob::Replay::open(&record, None)?.deadline(std::time::Duration::from_secs(300));
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Runs the record again on an engine, with no grant at all: what the world answered comes from the record.
    ///
    /// ```
    /// # let mut file = tempfile::tempfile().unwrap();
    /// # use std::io::{Read, Seek};
    /// # let host = hob::Host::builder().recordable().build()?;
    /// # let program = host.load_bytes("m", br#"(module (func (export "_start")))"#)?.command()?;
    /// # program.start().record(hob::Recorder::new(file.try_clone().unwrap())).wait()?;
    /// # let mut record = Vec::new();
    /// # file.rewind().unwrap();
    /// # file.read_to_end(&mut record).unwrap();
    /// let replay = hob::Replay::open(&record, None)?;
    /// let replayed = replay.play(hob::Choice::Wasmi, hob::Sink::Discard, hob::Sink::Discard)?;
    /// assert_eq!(replayed, hob::Replayed::Code(0));
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The first call that differs from the record, or what keeps the module from being run.
    pub fn play(&self, choice: Choice, stdout: Sink, stderr: Sink) -> Result<Replayed, Error> {
        let header = self.replay.header();
        let limits = hob_cap::Limits {
            memory_bytes: header.memory_bytes,
            table_elements: header.table_elements,
            hard_deadline: self.deadline,
            ..hob_cap::Limits::default()
        };
        limits.validate()?;
        let engine = Engine::new(EngineConfig {
            choice,
            deterministic: true,
            compile_behind: false,
            memory_bytes_max: limits.memory_bytes,
            table_elements_max: limits.table_elements,
            ..EngineConfig::default()
        });
        let module = engine.load(self.replay.module())?;
        let linked = engine.link(&module, &Arc::new(HostTable::playing(module.info())?))?;
        let bounds = bounds(&limits, None);
        // The output goes where a world would send it, under a ledger of its own.
        let mut world = hob_os::World::builder()
            .stdout(stdout)
            .stderr(stderr)
            .build()
            .map_err(|error| Error::new(ErrorKind::Grant(error.to_string())))?;
        let player = self.replay.player(move |stream, bytes| write_all(&mut world, stream, bytes));
        let made = linked.instantiate_with((), bounds, Some(Listener::Player(player)));
        let done = made.and_then(|mut instance| run(&mut instance, &header.how));
        // A call that differs ends the guest; say that, and not what came of it.
        if let Some(divergence) = self.replay.divergence() {
            return Err(divergence.into());
        }
        let outcome = match done {
            Ok(outcome) => outcome,
            Err(fault) => match fault.exit_code() {
                Some(code) => Outcome::Code(code),
                None => Outcome::Fault(fault.to_string()),
            },
        };
        self.replay.finish(&outcome)?;
        Ok(match outcome {
            Outcome::Code(code) => Replayed::Code(code.to_le_bytes()[0]),
            Outcome::Answer(bytes) => Replayed::Answer(bytes),
            Outcome::Fault(text) => Replayed::Fault(text),
        })
    }
}

fn write_all(world: &mut hob_os::World, stream: Stream, bytes: &[u8]) {
    let fd = match stream {
        Stream::Stdout => 1,
        Stream::Stderr => 2,
    };
    let mut rest = bytes;
    while let Ok(done @ 1..) = world.write(fd, rest) {
        rest = rest.get(done..).unwrap_or_default();
    }
}

fn run(instance: &mut Instance<()>, how: &How) -> Result<Outcome, Fault> {
    let sizes = json::Sizes { request_max: u64::MAX, response_max: u64::MAX };
    match how {
        How::Run { entry } => Ok(Outcome::Code(command::run(instance, entry)?.into())),
        How::Eval { request } => {
            json::initialize(instance)?;
            Ok(Outcome::Answer(json::eval(instance, request, sizes)?))
        }
        How::Call { export, args } => {
            json::initialize(instance)?;
            let args: Result<Vec<Value>, String> = args.iter().map(|arg| parse_value(arg)).collect();
            let values = instance.call_values(export, &args.map_err(Fault::host)?)?;
            Ok(Outcome::Answer(show_values(&values).into_bytes()))
        }
        How::Plugin { export, request } => {
            plugin::begin(instance)?;
            Ok(Outcome::Answer(match request {
                Some(request) => plugin::call_json(instance, export, request, sizes)?,
                None => show_values(&plugin::call_plain(instance, export)?).into_bytes(),
            }))
        }
    }
}

/// Values as text that gives the same bits back.
pub(crate) fn show_value(value: &Value) -> String {
    match value {
        Value::I32(value) => format!("i32:{value}"),
        Value::I64(value) => format!("i64:{value}"),
        Value::F32(value) => format!("f32:{:#x}", value.to_bits()),
        Value::F64(value) => format!("f64:{:#x}", value.to_bits()),
    }
}

pub(crate) fn show_values(values: &[Value]) -> String {
    values.iter().map(show_value).collect::<Vec<_>>().join(" ")
}

fn parse_value(text: &str) -> Result<Value, String> {
    let wrong = || format!("`{}` is no recorded value", hob_cap::escape_guest_text(text, 40));
    let (ty, value) = text.split_once(':').ok_or_else(wrong)?;
    let bits = |value: &str| value.strip_prefix("0x").and_then(|hex| u64::from_str_radix(hex, 16).ok());
    match ty {
        "i32" => Value::parse(ValType::I32, value),
        "i64" => Value::parse(ValType::I64, value),
        "f32" => {
            let bits = bits(value).and_then(|bits| u32::try_from(bits).ok()).ok_or_else(wrong)?;
            Ok(Value::F32(f32::from_bits(bits)))
        }
        "f64" => Ok(Value::F64(f64::from_bits(bits(value).ok_or_else(wrong)?))),
        _ => Err(wrong()),
    }
}
