//! Starting commands in a session, and what is left of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use hob_cap::{Ledger, Limit, Permit, StopToken};
use hob_kernel::fd::Description;
use hob_kernel::fs::base::HOME;
use hob_kernel::process::{Lookup, Signal, Start, Started, Status};
use hob_kernel::{Console, Feed, Heard, Outlet};
use hob_os::{Sink, Source, Waiter};

use super::error::failed;
use super::session::Session;
use crate::error::Error;

/// Where commands are looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Bytes handed out at once.
const CHUNK_BYTES: usize = 64 << 10;

/// A command being set up.
///
/// ```no_run
/// # let session = hob::Host::builder().build()?.shell().bin("node_modules")?.build()?.session()?;
/// let job = session.start("wc").args(["-l"]).feed().stdout(hob::Sink::Host).spawn()?;
/// job.write(b"one\ntwo\n")?;
/// job.close_input();
/// assert_eq!(job.wait()?.code, 0);
/// # Ok::<(), hob::Error>(())
/// ```
#[must_use]
pub struct Launch<'a> {
    session: &'a Session,
    command: String,
    args: Vec<Vec<u8>>,
    env: Vec<(Vec<u8>, Vec<u8>)>,
    cwd: String,
    stdin: Input,
    stdout: Sink,
    stderr: Sink,
    stream: bool,
    size: Option<(u16, u16)>,
    interactive: bool,
    permit: Permit,
    stop: Option<StopToken>,
}

enum Input {
    Source(Source),
    Feed,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code; 128 and the number of the signal that ended it, if one did.
    pub code: u8,
    /// The signal that ended it.
    pub signal: Option<Signal>,
    /// Why, when it was not its own doing: a trap, a limit, the deadline.
    pub why: Option<String>,
}

/// A command that was started from outside. Dropping it lets the command run on.
pub struct Job {
    started: Started,
    feed: Mutex<Option<Arc<Feed>>>,
    outlet: Option<Mutex<Outlet>>,
    /// Whether its end was told, when nothing else is.
    told: AtomicBool,
    ledger: Arc<Ledger>,
    console: Option<Arc<Console>>,
}

/// What [`Job::next`] tells of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobEvent {
    /// It wrote this to standard output.
    Stdout(Vec<u8>),
    /// It wrote this to standard error.
    Stderr(Vec<u8>),
    /// It ended, after all that was told before. What it started in the background may write on.
    Exited(Exit),
}

impl<'a> Launch<'a> {
    pub(super) fn new(session: &'a Session, command: &str) -> Self {
        Self {
            session,
            command: command.into(),
            args: Vec::new(),
            env: Vec::new(),
            cwd: HOME.into(),
            stdin: Input::Source(Source::Empty),
            stdout: Sink::Discard,
            stderr: Sink::Discard,
            stream: false,
            size: None,
            interactive: false,
            permit: Permit::full(),
            stop: None,
        }
    }

    /// Adds arguments behind the command's name.
    pub fn args<A: Into<Vec<u8>>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.env.push((key.into(), value.into()));
        self
    }

    /// The directory it is started in.
    pub fn cwd(mut self, path: &str) -> Self {
        self.cwd = path.into();
        self
    }

    /// Where it reads from.
    pub fn stdin(mut self, source: Source) -> Self {
        self.stdin = Input::Source(source);
        self
    }

    /// Lets it read what [`Job::write`] writes.
    pub fn feed(mut self) -> Self {
        self.stdin = Input::Feed;
        self
    }

    /// Where it writes to.
    pub fn stdout(mut self, sink: Sink) -> Self {
        self.stdout = sink;
        self
    }

    /// Where it writes errors to.
    pub fn stderr(mut self, sink: Sink) -> Self {
        self.stderr = sink;
        self
    }

    /// Hands out what it writes by [`Job::next`]. Whoever does not ask keeps it waiting once 64 KiB are written.
    ///
    /// ```no_run
    /// use hob::JobEvent;
    /// # let session = hob::Host::builder().build()?.shell().bin("node_modules")?.build()?.session()?;
    /// let job = session.start("sh").args(["-c", "echo out; echo err >&2; exit 3"]).stream().spawn()?;
    /// let mut code = None;
    /// while let Some(event) = job.next()? {
    ///     match event {
    ///         JobEvent::Stdout(bytes) => assert_eq!(bytes, b"out\n"),
    ///         JobEvent::Stderr(bytes) => assert_eq!(bytes, b"err\n"),
    ///         JobEvent::Exited(exit) => code = Some(exit.code),
    ///     }
    /// }
    /// assert_eq!(code, Some(3));
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn stream(mut self) -> Self {
        self.stream = true;
        self
    }

    /// Gives it a terminal of this size for all three, which [`Job::console`] plays the person of.
    pub fn terminal(mut self, columns: u16, rows: u16) -> Self {
        self.size = Some((columns, rows));
        self
    }

    /// Says that it is a shell a person types to: what is typed to end or stop a program means what it runs, and not the
    /// shell itself.
    pub fn interactive(mut self) -> Self {
        self.interactive = true;
        self
    }

    /// What it may do at most, and everything it starts.
    pub fn permit(mut self, permit: Permit) -> Self {
        self.permit = permit;
        self
    }

    /// Ends it when this token stops; the deadline is then the token's. One token may end many commands; a signal that
    /// ends or stops one of them leaves the others and the token alone.
    pub fn stop(mut self, stop: StopToken) -> Self {
        self.stop = Some(stop);
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// When there is no such command or it is none, or a limit leaves no room for it.
    pub fn spawn(self) -> Result<Job, Error> {
        let what = format!("start {}", hob_cap::escape_guest_text(&self.command, 80));
        self.start().map_err(|error| failed(&what, error))
    }

    fn start(self) -> hob_os::Result<Job> {
        let kernel = &self.session.kernel;
        let host = &self.session.shell.inner.host.inner;
        let stop = self.stop.unwrap_or_else(|| {
            let at = host.limits.hard_deadline.and_then(|time| Instant::now().checked_add(time));
            StopToken::new(None, at)
        });
        let (mut feed, mut outlet, mut console, mut terminal) = (None, None, None, None);
        let descriptors: Vec<Arc<Description>> = if let Some((columns, rows)) = self.size {
            let (person, slave) = kernel.console(columns, rows, &StopToken::never())?;
            terminal = Some(person.number());
            console = Some(Arc::new(person));
            vec![Arc::clone(&slave), Arc::clone(&slave), slave]
        } else {
            let stdin = match self.stdin {
                Input::Source(source) => kernel.input(source)?,
                Input::Feed => {
                    let (end, description) = kernel.feed(StopToken::never())?;
                    feed = Some(Arc::new(end));
                    description
                }
            };
            let [stdout, stderr] = if self.stream {
                let (end, descriptions) = kernel.outlet(StopToken::never())?;
                outlet = Some(Mutex::new(end));
                descriptions
            } else {
                [kernel.output(self.stdout, false)?, kernel.output(self.stderr, true)?]
            };
            vec![stdin, stdout, stderr]
        };
        let mut env = vec![
            (b"PATH".to_vec(), PATH.into()),
            (b"HOME".to_vec(), HOME.into()),
            (b"USER".to_vec(), b"user".to_vec()),
            (b"LOGNAME".to_vec(), b"user".to_vec()),
            (b"SHELL".to_vec(), b"/bin/sh".to_vec()),
            (b"TMPDIR".to_vec(), b"/tmp".to_vec()),
        ];
        if self.size.is_some() {
            env.push((b"TERM".to_vec(), b"xterm-256color".to_vec()));
        }
        for (key, value) in host.opened.env().iter().cloned().chain(self.env) {
            env.retain(|(other, _)| *other != key);
            env.push((key, value));
        }
        let name = self.command.clone().into_bytes();
        let started = kernel.start(Start {
            lookup: Lookup::Search { name: name.clone(), path: Some(PATH.into()) },
            args: [name].into_iter().chain(self.args).collect(),
            env: env.into_iter().map(|(key, value)| [key.as_slice(), b"=", &value].concat()).collect(),
            cwd: self.cwd.into_bytes(),
            descriptors,
            permit: self.permit,
            stop,
            terminal,
            shell: self.interactive,
            ..Start::default()
        })?;
        Ok(Job {
            started,
            feed: Mutex::new(feed),
            outlet,
            told: AtomicBool::new(false),
            ledger: Arc::clone(kernel.ledger()),
            console,
        })
    }
}

impl Job {
    /// Its number in the session.
    ///
    /// ```no_run
    /// # let session = hob::Host::builder().build()?.shell().bin("node_modules")?.build()?.session()?;
    /// assert!(session.start("true").spawn()?.pid() > 1);
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.started.proc().pid
    }

    /// Writes to its standard input, and waits while it does not read.
    ///
    /// # Errors
    ///
    /// When nobody reads it, or the job was not started with [`Launch::feed`].
    pub fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        // Not under the lock: closing does not wait for who reads.
        let feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let feed = feed.ok_or(hob_os::OsError::Errno(hob_kernel::Errno::Badf));
        feed.and_then(|feed| feed.write(bytes)).map_err(|error| failed("feed a command", error))
    }

    /// Ends its standard input.
    pub fn close_input(&self) {
        drop(self.feed.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Waits for what it writes, and for its end, which is told once; `None` once it has ended and nobody can write any more.
    /// For one that was started with [`Launch::stream`]; of any other, nothing but its end is told.
    ///
    /// ```no_run
    /// # let session = hob::Host::builder().build()?.shell().bin("node_modules")?.build()?.session()?;
    /// let job = session.start("echo").args(["hello"]).stream().spawn()?;
    /// assert_eq!(job.next()?, Some(hob::JobEvent::Stdout(b"hello\n".to_vec())));
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When what the session may write in all is used up; when the host has no descriptors left to wait with.
    pub fn next(&self) -> Result<Option<JobEvent>, Error> {
        let Some(outlet) = &self.outlet else {
            let exit = self.wait()?;
            return Ok((!self.told.swap(true, Ordering::Relaxed)).then_some(JobEvent::Exited(exit)));
        };
        let mut buf = vec![0; CHUNK_BYTES];
        let mut outlet = outlet.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = outlet.hear(&self.started, &mut buf, None).and_then(|heard| {
            if let Heard::Output(len) | Heard::Error(len) = heard {
                self.ledger.charge(Limit::Output, u64::try_from(len).unwrap_or(u64::MAX))?;
                buf.truncate(len);
            }
            Ok(heard)
        });
        Ok(match heard.map_err(|error| failed("read what a command writes", error))? {
            Heard::Output(_) => Some(JobEvent::Stdout(buf)),
            Heard::Error(_) => Some(JobEvent::Stderr(buf)),
            Heard::Ended(status) => Some(JobEvent::Exited(self.exit(status))),
            Heard::Over => None,
        })
    }

    /// The other end of its terminal, if it has one.
    #[must_use]
    pub fn console(&self) -> Option<Arc<Console>> {
        self.console.clone()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.started.signal(signal);
    }

    /// Ends it, wherever it is.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn try_wait(&self) -> Option<Exit> {
        self.started.proc().status().map(|status| self.exit(status))
    }

    /// Waits until it ended. Whatever it started in the background runs on.
    ///
    /// # Errors
    ///
    /// When the host has no descriptors left to wait with.
    pub fn wait(&self) -> Result<Exit, Error> {
        let waiter = Waiter::new(StopToken::never());
        let status = self.started.wait(&waiter, None).map_err(|error| failed("wait for a command", error))?;
        Ok(self.exit(status))
    }

    /// Whether its deadline ended it.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.started.proc().stop.reason() == Some(hob_cap::StopReason::HardDeadline)
    }

    fn exit(&self, status: Status) -> Exit {
        let signal = match status {
            Status::Exited(_) => None,
            Status::Signaled { signal, .. } => Some(signal),
        };
        Exit { code: status.code(), signal, why: self.started.proc().why() }
    }
}
