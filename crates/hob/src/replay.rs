//! Running a recorded run again, without the world.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hob_abi::{command, json, plugin};
use hob_engine::{Choice, Engine, EngineConfig, Fault, HostTable, Instance, Listener, Value};
use hob_os::Sink;
use hob_record::{How, Key, Outcome, Stream};

use crate::error::{Error, ErrorKind};
use crate::seat::bounds;
use crate::values::{parse_value, show_values};

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
    pub fn open(record: &[u8], key: Option<&Key>) -> Result<Self, Error> {
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
            .stop(bounds.stop.clone())
            .build()
            .map_err(|error| Error::new(ErrorKind::Grant(error.to_string())))?;
        let unwritten = Arc::new(Mutex::new(None));
        let output = {
            let unwritten = Arc::clone(&unwritten);
            move |stream, bytes: &[u8]| {
                write_all(&mut world, stream, bytes).map_err(|why| {
                    *unwritten.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.clone());
                    Fault::host(why)
                })
            }
        };
        let player = self.replay.player(bounds.stop.clone(), output);
        let made = linked.instantiate_with((), bounds, Some(Listener::Player(player)));
        let done = made.and_then(|mut instance| run(&mut instance, &header.how));
        if let Some(why) = unwritten.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(Error::new(ErrorKind::Record(why)));
        }
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

fn write_all(world: &mut hob_os::World, stream: Stream, bytes: &[u8]) -> Result<(), String> {
    let fd = match stream {
        Stream::Stdout => 1,
        Stream::Stderr => 2,
    };
    let mut rest = bytes;
    while !rest.is_empty() {
        match world.write(fd, rest) {
            Ok(0) => return Err("the output of the replay is not taken".into()),
            Ok(done) => rest = rest.get(done..).unwrap_or_default(),
            Err(error) => return Err(format!("the output of the replay cannot be written: {error}")),
        }
    }
    Ok(())
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
