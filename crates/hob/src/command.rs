//! A program: arguments, streams, an exit code.

use hob_abi::command;
use hob_cap::StopToken;
use hob_engine::{BackendKind, Linked};
use hob_os::{SharedBuffer, Sink, Source};
use hob_record::{How, Outcome};

use crate::error::Error;
use crate::loaded::Loaded;
use crate::record::{Recorder, Session, finish, within};
use crate::seat::{Seat, Streams, bounds};

/// A module used under the command contract. Each run is a process of its own.
///
/// ```
/// let host = hob::Host::builder().stdio().build()?;
/// let hello = host.load_bytes("hello", br#"(module
///     (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
///     (memory (export "memory") 1) (data (i32.const 0) "\10\00\00\00\06\00\00\00") (data (i32.const 16) "hello\n")
///     (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#)?;
/// assert_eq!(hello.command()?.run(["world"])?.stdout, b"hello\n");
/// # Ok::<(), hob::Error>(())
/// ```
#[derive(Clone)]
pub struct Command {
    loaded: Loaded,
    linked: Linked<Seat>,
}

/// What a program that ended by itself left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its exit code.
    pub code: u8,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
}

/// One run being set up: its streams and arguments.
///
/// ```
/// # let host = hob::Host::builder().stdio().build()?;
/// # let program = host.load_bytes("m", br#"(module (func (export "_start")))"#)?.command()?;
/// let code = program.start().args(["-v"]).stdin(hob::Source::Bytes(b"input".to_vec())).wait()?;
/// assert_eq!(code, 0);
/// # Ok::<(), hob::Error>(())
/// ```
#[must_use]
pub struct Run<'a> {
    command: &'a Command,
    streams: Streams,
    stop: Option<StopToken>,
    recorder: Option<Recorder>,
}

impl Command {
    pub(crate) fn new(loaded: Loaded, linked: Linked<Seat>) -> Self {
        Self { loaded, linked }
    }

    /// Runs the program with these arguments and empty input, and keeps what it writes.
    ///
    /// ```
    /// # let host = hob::Host::builder().build()?;
    /// # let program = host.load_bytes("m", br#"(module (func (export "_start")))"#)?.command()?;
    /// assert_eq!(program.run(["a", "b"])?.code, 0);
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The fault that ended the guest, when it did not end by itself.
    pub fn run<A: Into<Vec<u8>>>(&self, args: impl IntoIterator<Item = A>) -> Result<Output, Error> {
        let (stdout, stderr) = (SharedBuffer::default(), SharedBuffer::default());
        let run =
            self.start().args(args).stdout(Sink::Buffer(stdout.clone())).stderr(Sink::Buffer(stderr.clone()));
        let code = run.wait()?;
        Ok(Output { code, stdout: stdout.take(), stderr: stderr.take() })
    }

    /// Begins to set up a run: no arguments, empty input, output thrown away.
    ///
    /// ```
    /// # let host = hob::Host::builder().build()?;
    /// # let program = host.load_bytes("m", br#"(module (func (export "_start")))"#)?.command()?;
    /// assert_eq!(program.start().wait()?, 0);
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn start(&self) -> Run<'_> {
        let streams = Streams { args: vec![self.loaded.name().as_bytes().to_vec()], ..Streams::default() };
        Run { command: self, streams, stop: None, recorder: None }
    }

    /// The back end that would run the program now.
    ///
    /// ```
    /// # let host = hob::Host::builder().engine(hob::Choice::Wasmi).build()?;
    /// # let program = host.load_bytes("m", br#"(module (func (export "_start")))"#)?.command()?;
    /// assert_eq!(program.backend(), hob::BackendKind::Wasmi);
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn backend(&self) -> BackendKind {
        self.linked.module().backend()
    }
}

impl Run<'_> {
    /// Adds arguments behind the program's name.
    pub fn args<A: Into<Vec<u8>>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.streams.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Where the program reads from. Without the grant it reads nothing.
    pub fn stdin(mut self, source: Source) -> Self {
        self.streams.stdin = source;
        self
    }

    /// Where the program writes to.
    pub fn stdout(mut self, sink: Sink) -> Self {
        self.streams.stdout = sink;
        self
    }

    /// Where the program writes errors to.
    pub fn stderr(mut self, sink: Sink) -> Self {
        self.streams.stderr = sink;
        self
    }

    /// Stops the run when this token stops; the deadline is then the token's.
    pub fn stop(mut self, stop: StopToken) -> Self {
        self.stop = Some(stop);
        self
    }

    /// Records the run. Needs a host built with [`HostBuilder::recordable`](crate::HostBuilder::recordable).
    pub fn record(mut self, recorder: Recorder) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Runs the program to its end and returns its exit code.
    ///
    /// # Errors
    ///
    /// The fault that ended the guest, when it did not end by itself.
    pub fn wait(self) -> Result<u8, Error> {
        let Self { command, mut streams, stop, recorder } = self;
        let host = &command.loaded.host;
        let entry = command.loaded.entry();
        let inner = &host.inner;
        let granted = inner.policy.stdio;
        if !granted.stdin {
            streams.stdin = Source::Empty;
        }
        if !granted.stdout {
            streams.stdout = Sink::Discard;
        }
        if !granted.stderr {
            streams.stderr = Sink::Discard;
        }
        // Others may end by the same token: what ends this one ends none of them.
        let own = stop.as_ref().map(hob_cap::StopToken::child);
        let bounds = bounds(&inner.limits, own.as_ref().map(|(stop, _)| stop));
        let begin = |recorder| Session::begin(&command.loaded, How::Run { entry: entry.into() }, recorder);
        let session = recorder.map(begin).transpose()?;
        let run = |mut instance| command::run(&mut instance, entry);
        let done = within(host, &command.linked, streams, session.as_ref(), bounds, run)?;
        // A program may exit from its start function already.
        let done = done.or_else(command::exit_code);
        finish(session, done, |code| Outcome::Code((*code).into()))
    }
}
