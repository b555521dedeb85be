//! A process that a client started: one thread carries what it writes to the client, and another one, once there is
//! something to carry, what the client writes to it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use hob::{Exit, Job, JobEvent};

use crate::out::Out;
use crate::protocol::{
    Channel, Event, OneProcess, Ownership, ProcessExited, ProcessOutput, Response, Written,
};
use crate::refusal::Refusal;
use crate::text::Text;

/// Bytes in one event: with their replacement, in the worst case three times as many, they fit into any frame.
const CHUNK_BYTES: usize = 16 << 10;

/// Bytes for a process that are taken before it reads.
const STDIN_BYTES: usize = 1 << 20;

/// Bytes for a process that may wait: writes beyond [`STDIN_BYTES`] are answered once it read them.
const STDIN_BYTES_MAX: usize = 16 << 20;

/// A process of a client.
pub(crate) struct Running {
    pub(crate) process_id: String,
    pub(crate) command: String,
    pub(crate) job: Arc<Job>,
    stdin: Mutex<Stdin>,
    waiting: Arc<AtomicUsize>,
}

enum Stdin {
    /// Nothing was written yet.
    Quiet,
    /// A thread carries it.
    Carried(Sender<Carry>),
    Closed,
}

enum Carry {
    /// Bytes, and who is to be answered when they are read.
    Bytes(String, Option<(i64, Ownership)>),
    Close,
}

impl Running {
    pub(crate) fn new(process_id: String, command: String, job: Job) -> Self {
        let (job, stdin) = (Arc::new(job), Mutex::new(Stdin::Quiet));
        Self { process_id, command, job, stdin, waiting: Arc::default() }
    }

    /// Carries what it writes until it has ended and nobody writes any more. Begins once the start is `answered`;
    /// `ended` is called before its end is told.
    pub(crate) fn listen(
        self: &Arc<Self>,
        out: &Arc<Out>,
        owner: &Ownership,
        answered: Receiver<()>,
        ended: impl FnOnce(&Exit) + Send + 'static,
    ) -> std::io::Result<()> {
        let (me, out, owner) = (Arc::clone(self), Arc::clone(out), owner.clone());
        let thread = thread::Builder::new().name("hob-output".into());
        let listen = move || {
            let _answered = answered.recv();
            Listener { me, out, owner, texts: Default::default() }.run(ended);
        };
        thread.spawn(listen).map(drop)
    }

    /// Takes bytes for its standard input. `None`: the answer comes when they are read.
    pub(crate) fn write(
        &self,
        out: &Arc<Out>,
        chunk: String,
        asker: (i64, &Ownership),
    ) -> Result<Option<Response>, Refusal> {
        let len = chunk.len();
        let waiting = self.waiting.load(Ordering::Acquire).saturating_add(len);
        if waiting > STDIN_BYTES_MAX {
            let why =
                format!("{waiting} bytes for {} would wait; there may be {STDIN_BYTES_MAX}", self.process_id);
            return Err(Refusal::limit_exceeded(why));
        }
        let mut stdin = self.stdin.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = match &*stdin {
            Stdin::Carried(sender) => sender.clone(),
            Stdin::Closed => return Err(Refusal::invalid_state("standard input is closed")),
            Stdin::Quiet => {
                let (sender, receiver) = channel();
                let (job, waiting, out) = (Arc::clone(&self.job), Arc::clone(&self.waiting), Arc::clone(out));
                let process_id = self.process_id.clone();
                let thread = thread::Builder::new().name("hob-input".into());
                thread
                    .spawn(move || carry(&job, &receiver, &waiting, &out, &process_id))
                    .map_err(|error| Refusal::limit_exceeded(format!("no thread to write with: {error}")))?;
                *stdin = Stdin::Carried(sender.clone());
                sender
            }
        };
        let later = (waiting > STDIN_BYTES).then(|| (asker.0, asker.1.clone()));
        let answer = later.is_none().then(|| written(&self.process_id, len));
        self.waiting.fetch_add(len, Ordering::AcqRel);
        sender
            .send(Carry::Bytes(chunk, later))
            .map_err(|_| Refusal::invalid_state("the process does not read any more"))?;
        Ok(answer)
    }

    /// Ends its standard input, after what was written.
    pub(crate) fn close_stdin(&self) {
        let mut stdin = self.stdin.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *stdin, Stdin::Closed) {
            Stdin::Carried(sender) if sender.send(Carry::Close).is_ok() => {}
            Stdin::Closed => {}
            _ => self.job.close_input(),
        }
    }
}

fn written(process_id: &str, len: usize) -> Response {
    let accepted_bytes = u64::try_from(len).unwrap_or(u64::MAX);
    Response::Written(Written { process_id: process_id.into(), accepted_bytes })
}

/// Carries until the input is closed or nobody reads it.
fn carry(job: &Job, from: &Receiver<Carry>, waiting: &AtomicUsize, out: &Out, process_id: &str) {
    let mut is_read = true;
    while let Ok(Carry::Bytes(chunk, asker)) = from.recv() {
        is_read = is_read && job.write(chunk.as_bytes()).is_ok();
        waiting.fetch_sub(chunk.len(), Ordering::AcqRel);
        if let Some((request_id, owner)) = asker {
            let gone = || Refusal::kernel_error("EPIPE: the process does not read any more").response();
            let answer = if is_read { written(process_id, chunk.len()) } else { gone() };
            out.answer(request_id, owner, answer);
        }
    }
    job.close_input();
}

struct Listener {
    me: Arc<Running>,
    out: Arc<Out>,
    owner: Ownership,
    texts: [Text; 2],
}

impl Listener {
    fn run(mut self, ended: impl FnOnce(&Exit)) {
        let mut ended = Some(ended);
        loop {
            let told = match self.me.job.next() {
                Ok(Some(JobEvent::Stdout(bytes))) => self.output(Channel::Stdout, &bytes),
                Ok(Some(JobEvent::Stderr(bytes))) => self.output(Channel::Stderr, &bytes),
                Ok(Some(JobEvent::Exited(exit))) => {
                    ended.take().is_none_or(|ended| self.exited(&exit, ended))
                }
                Ok(None) => return,
                // It wrote more than it may: it is ended, and so is what it does after.
                Err(_) => false,
            };
            if !told {
                self.me.job.kill();
                if let (Some(ended), Ok(exit)) = (ended.take(), self.me.job.wait()) {
                    self.exited(&exit, ended);
                }
                return;
            }
        }
    }

    fn output(&mut self, channel: Channel, bytes: &[u8]) -> bool {
        let [stdout, stderr] = &mut self.texts;
        let text = if channel == Channel::Stdout { stdout } else { stderr };
        let chunks: Vec<String> = bytes.chunks(CHUNK_BYTES).map(|piece| text.push(piece)).collect();
        chunks.into_iter().all(|chunk| self.tell(channel, chunk))
    }

    fn tell(&self, channel: Channel, chunk: String) -> bool {
        let event =
            || ProcessOutput { process_id: self.me.process_id.clone(), channel, chunk: chunk.clone() };
        chunk.is_empty() || self.out.tell(self.owner.clone(), Event::Output(event()))
    }

    fn exited(&mut self, exit: &Exit, ended: impl FnOnce(&Exit)) -> bool {
        let [stdout, stderr] = self.texts.each_mut().map(Text::end);
        self.tell(Channel::Stdout, stdout);
        self.tell(Channel::Stderr, stderr);
        self.me.close_stdin();
        ended(exit);
        let event = ProcessExited { process_id: self.me.process_id.clone(), exit_code: i32::from(exit.code) };
        self.out.tell(self.owner.clone(), Event::Exited(event))
    }
}

/// The answer to an input that was closed.
pub(crate) fn closed(process_id: String) -> Response {
    Response::StdinClosed(OneProcess { process_id })
}
