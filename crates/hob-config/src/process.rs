//! The worker as the one who asks sees it: started, sent a request, read to its end or killed.
//!
//! What ends the waiting is the reply, the end of the worker, or the deadline; after any of them the worker is killed and
//! waited for, so that none outlives its evaluation. It is given no environment and three pipes.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::ConfigError;
use crate::limits::{ConfigLimit, Limits};
use crate::text;
use crate::wire::{Reply, Request};

/// Bytes of what a worker says on its standard error that are looked at: enough for the last words of a program in Rust.
const LAST_WORDS_MAX: u64 = 2 << 10;

/// The signal that says that the processor time is used up.
const SIGXCPU: i32 = 24;

/// Asks a fresh worker.
pub(crate) fn exchange(
    program: &Path,
    args: &[String],
    request: &Request<'_>,
    limits: &Limits,
) -> Result<Reply, ConfigError> {
    let deadline = Instant::now() + Duration::from_millis(limits.time_ms_max);
    let request = serde_json::to_vec(request).map_err(|error| ConfigError::Worker(error.to_string()))?;
    let mut worker = Worker::start(program, args)?;
    let (Some(mut stdin), Some(stdout), Some(stderr)) =
        (worker.child.stdin.take(), worker.child.stdout.take(), worker.child.stderr.take())
    else {
        return Err(ConfigError::Worker("it has no pipes".into()));
    };
    let reply_max = reply_bytes_max(limits);
    thread::scope(|scope| {
        let (reply, replied) = mpsc::sync_channel(1);
        // A worker that ends without reading everything is judged by its end, not by this.
        let writing = spawn(scope, move || drop(stdin.write_all(&request)));
        let reading = spawn(scope, move || {
            let mut bytes = Vec::new();
            let read = stdout.take(reply_max.saturating_add(1)).read_to_end(&mut bytes);
            drop(reply.send(read.map(|_| bytes)));
        });
        let last_words = spawn(scope, move || last_words(stderr));
        let started = writing.and(reading);
        let (reply, in_time) = match replied.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            Ok(Ok(bytes)) => (bytes, true),
            Ok(Err(_)) | Err(mpsc::RecvTimeoutError::Disconnected) => (Vec::new(), true),
            Err(mpsc::RecvTimeoutError::Timeout) => (Vec::new(), false),
        };
        // From here on every pipe is at its end, and so are the threads.
        let status = worker.end()?;
        started?;
        let last_words = last_words?.join().unwrap_or_default();
        if !in_time {
            return Err(limits.exceeded(ConfigLimit::Time));
        }
        if u64::try_from(reply.len()).unwrap_or(u64::MAX) > reply_max {
            return Err(limits.exceeded(ConfigLimit::Output));
        }
        if reply.is_empty() { Err(why(status, &last_words, limits)) } else { read(&reply) }
    })
}

/// A result is JSON inside of JSON: each of its characters takes two at most. One of a message takes six.
fn reply_bytes_max(limits: &Limits) -> u64 {
    let message = u64::try_from(limits.message_bytes_max).unwrap_or(u64::MAX);
    limits
        .output_bytes_max
        .saturating_mul(2)
        .saturating_add(message.saturating_mul(6))
        .saturating_add(1 << 10)
}

fn spawn<'scope, R: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    what: impl FnOnce() -> R + Send + 'scope,
) -> Result<thread::ScopedJoinHandle<'scope, R>, ConfigError> {
    thread::Builder::new()
        .spawn_scoped(scope, what)
        .map_err(|error| ConfigError::Worker(format!("no thread to talk to it: {error}")))
}

fn last_words(mut stderr: impl Read) -> String {
    let mut bytes = Vec::new();
    // What cannot be read was not said.
    let _ = stderr.by_ref().take(LAST_WORDS_MAX).read_to_end(&mut bytes);
    let _ = std::io::copy(&mut stderr, &mut std::io::sink());
    String::from_utf8_lossy(&bytes).into_owned()
}

fn read(reply: &[u8]) -> Result<Reply, ConfigError> {
    serde_json::from_slice(reply)
        .map_err(|error| ConfigError::Worker(format!("what it answered is no reply: {error}")))
}

/// Why a worker ended that said nothing. A stack that overflows and memory that is refused end a program in Rust by the same
/// signal, so its last words tell them apart.
fn why(status: ExitStatus, last_words: &str, limits: &Limits) -> ConfigError {
    let said = |words: &str| last_words.contains(words);
    if said("has overflowed its stack") {
        return limits.exceeded(ConfigLimit::Stack);
    }
    if said("memory allocation of") || said("out of memory") {
        return limits.exceeded(ConfigLimit::Memory);
    }
    if status.signal() == Some(SIGXCPU) {
        return limits.exceeded(ConfigLimit::Time);
    }
    let said = text::shown(last_words.trim(), limits.message_bytes_max);
    ConfigError::Worker(if said.is_empty() { status.to_string() } else { format!("{status}: {said}") })
}

/// A worker that runs. Ends with this.
struct Worker {
    child: Child,
}

impl Worker {
    fn start(program: &Path, args: &[String]) -> Result<Self, ConfigError> {
        if !program.is_absolute() {
            let why = format!("its path must be absolute, not `{}`", program.display());
            return Err(ConfigError::Worker(text::shown(&why, 512)));
        }
        let child = Command::new(program)
            .args(args)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let child = child.map_err(|error| {
            let why = format!("`{}` could not be started: {error}", program.display());
            ConfigError::Worker(text::shown(&why, 512))
        })?;
        Ok(Self { child })
    }

    /// Kills it and says how it ended. One that ended already keeps its own end.
    fn end(&mut self) -> Result<ExitStatus, ConfigError> {
        let ended = self.child.kill().and_then(|()| self.child.wait());
        ended.map_err(|error| ConfigError::Worker(format!("it could not be ended: {error}")))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // A second time does nothing; nobody is left to be told of a failure.
        let _ = self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_worker_says_what_was_too_much() {
        let limits = Limits::default();
        let check = |raw: i32, words: &str, want: &str| {
            assert_eq!(why(ExitStatus::from_raw(raw), words, &limits).to_string(), want, "{words}");
        };
        let limit = |allowed: u64, name: &str| format!("{name} limit exceeded: {allowed} allowed");
        check(6, "thread 'nickel' (7) has overflowed its stack\n", &limit(64 << 20, "stack_bytes_max"));
        check(6, "memory allocation of 8 bytes failed", &limit(512 << 20, "memory_bytes_max"));
        check(SIGXCPU, "", &limit(5_000, "time_ms_max"));
        check(9, "", "the worker that evaluates configurations failed: signal: 9 (SIGKILL)");
        check(
            101 << 8,
            "panicked\u{1b}[m",
            "the worker that evaluates configurations failed: exit status: 101: panicked\\u{1b}[m",
        );
    }
}
