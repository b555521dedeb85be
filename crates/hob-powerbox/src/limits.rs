//! What one powerbox may use. Each limit has a name, which errors say, and a default.

use std::time::Duration;

use hob_vat::Problem;

/// The limits of a powerbox.
///
/// ```
/// let limits = hob_powerbox::Limits { objects: 16, ..Default::default() };
/// assert_eq!(limits.pending, 4096);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `objects`: objects at once, given and narrowed.
    pub objects: u64,
    /// `pending`: messages that were taken and not yet answered.
    pub pending: usize,
    /// `bytes-in-flight`: what those messages, and answers on their way, weigh together.
    pub bytes_in_flight: u64,
    /// `late-answers`: answers, refusals too, that a vat has no room for yet. At one more all that this vat waits for is broken. It is meant to be more than
    /// `pending`, so that only what is refused gets there.
    pub late_answers: usize,
    /// `timers`: answers of clocks that wait for their time.
    pub timers: usize,
    /// `timer-time`: how far ahead a clock can be asked for.
    pub timer_time: Duration,
    /// `requests`: outbound requests at once; others wait. Where it is 0 each is refused.
    pub requests: usize,
    /// `open-files`: directories held open at once, and files while they are used.
    pub open_files: u64,
    /// `read-bytes`: bytes that one reading answers.
    pub read_bytes: u64,
    /// `list-entries`: entries that one listing answers.
    pub list_entries: usize,
    /// `line-bytes`: bytes of a line of a console.
    pub line_bytes: usize,
    /// `random-bytes`: random bytes that one message asks for.
    pub random_bytes: u64,
    /// `output`: bytes that go to consoles altogether.
    pub output_bytes: u64,
    /// `http-body`: bytes of the body of a response.
    pub http_body_bytes: u64,
    /// `http-time`: how long a request may take, redirects and all.
    pub http_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            objects: 4096,
            pending: 4096,
            bytes_in_flight: 64 << 20,
            late_answers: 8192,
            timers: 4096,
            timer_time: Duration::from_secs(366 * 24 * 60 * 60),
            requests: 8,
            open_files: 512,
            read_bytes: 512 << 10,
            list_entries: 2048,
            line_bytes: 64 << 10,
            random_bytes: 64 << 10,
            output_bytes: 1 << 30,
            http_body_bytes: 512 << 10,
            http_time: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// The same in the words of who counts.
    pub(crate) fn ledger(&self) -> hob_cap::Limits {
        hob_cap::Limits {
            handles: self.objects,
            host_buffer_bytes: self.bytes_in_flight,
            // Nothing else of a guest's memory is here, so this is no second limit.
            memory_bytes: u64::MAX,
            open_files: self.open_files,
            output_bytes: self.output_bytes,
            http_body_bytes: self.http_body_bytes,
            http_time: self.http_time,
            ..hob_cap::Limits::default()
        }
    }
}

/// A limit was reached.
pub(crate) fn exceeded(name: &str, allowed: impl std::fmt::Display) -> Problem {
    Problem::rule("limit", format!("{name} limit exceeded: {allowed} allowed"))
}
