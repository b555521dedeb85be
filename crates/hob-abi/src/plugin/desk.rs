//! What the host keeps for one plugin instance: its log, its configuration, what it called back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hob_cap::{Ledger, Limit, LimitExceeded};

/// Lines a plugin may log in a burst, and how many it earns back each second.
const LOG_BURST: u32 = 10;
const LOG_PER_SECOND: u32 = 10;

/// A line a plugin logged. Text of the guest, escaped and bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The level it named.
    pub level: String,
    /// What it said.
    pub message: String,
}

/// Something a plugin called back with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The name it gave. Text of the guest, escaped and bounded.
    pub name: String,
    /// The bytes it handed over.
    pub payload: Vec<u8>,
}

/// What the host keeps for one plugin instance.
#[derive(Debug)]
pub struct Desk {
    config: Arc<BTreeMap<String, String>>,
    ledger: Arc<Ledger>,
    log: Vec<LogLine>,
    dropped: u64,
    tokens: u32,
    earned_until: Duration,
    callbacks: Vec<Callback>,
    held: u64,
}

impl Desk {
    /// An empty desk; what piles up on it is charged to `ledger`.
    #[must_use]
    pub fn new(config: Arc<BTreeMap<String, String>>, ledger: Arc<Ledger>) -> Self {
        Self {
            config,
            ledger,
            log: Vec::new(),
            dropped: 0,
            tokens: LOG_BURST,
            earned_until: Duration::ZERO,
            callbacks: Vec::new(),
            held: 0,
        }
    }

    /// The lines that were logged, and how many more were dropped.
    pub fn take_log(&mut self) -> (Vec<LogLine>, u64) {
        (std::mem::take(&mut self.log), std::mem::take(&mut self.dropped))
    }

    /// What was called back, in order.
    pub fn take_callbacks(&mut self) -> Vec<Callback> {
        self.ledger.release(Limit::HostBuffer, std::mem::take(&mut self.held));
        std::mem::take(&mut self.callbacks)
    }

    pub(super) fn config(&self, key: &str) -> Option<&str> {
        self.config.get(key).map(String::as_str)
    }

    /// Takes down a line, or counts it as dropped: when more come than ten a second, or more than the limit of lines.
    /// `now` is the time since the instance began.
    pub(super) fn log(&mut self, now: Duration, line: LogLine) {
        let every = Duration::from_secs(1) / LOG_PER_SECOND;
        while self.tokens < LOG_BURST && now >= self.earned_until.saturating_add(every) {
            self.earned_until += every;
            self.tokens += 1;
        }
        if self.tokens == LOG_BURST {
            self.earned_until = now;
        }
        if self.tokens == 0 || self.ledger.charge(Limit::LogLines, 1).is_err() {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.tokens -= 1;
        self.log.push(line);
    }

    pub(super) fn call_back(&mut self, callback: Callback) -> Result<(), LimitExceeded> {
        // The name and the list cost something too.
        let cost = u64::try_from(callback.payload.len() + callback.name.len() + 64).unwrap_or(u64::MAX);
        self.ledger.charge(Limit::HostBuffer, cost)?;
        self.held = self.held.saturating_add(cost);
        self.callbacks.push(callback);
        Ok(())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.ledger.release(Limit::HostBuffer, self.held);
    }
}

#[cfg(test)]
mod tests {
    use hob_cap::Limits;

    use super::*;

    fn desk(limits: &Limits) -> Desk {
        Desk::new(Arc::default(), Arc::new(Ledger::new(limits)))
    }

    fn line() -> LogLine {
        LogLine { level: "info".into(), message: String::new() }
    }

    #[test]
    fn ten_lines_at_once_and_ten_a_second_are_kept_and_the_rest_is_counted() {
        let mut desk = desk(&Limits::default());
        let mut at = |millis: u64, lines: u32| {
            for _ in 0..lines {
                desk.log(Duration::from_millis(millis), line());
            }
            let (log, dropped) = desk.take_log();
            (log.len(), dropped)
        };
        assert_eq!(at(0, 10), (10, 0));
        assert_eq!(at(0, 1), (0, 1));
        assert_eq!(at(99, 1), (0, 1));
        assert_eq!(at(100, 2), (1, 1));
        assert_eq!(at(350, 5), (2, 3));
        assert_eq!(at(60_000, 1_000_000), (10, 999_990));
    }

    #[test]
    fn lines_and_callbacks_end_at_their_limits() {
        let limits = Limits { log_lines: 2, host_buffer_bytes: 200, ..Limits::default() };
        let mut desk = desk(&limits);
        for _ in 0..3 {
            desk.log(Duration::ZERO, line());
        }
        assert_eq!(desk.take_log().1, 1);
        let callback = |bytes| Callback { name: "n".into(), payload: vec![0; bytes] };
        assert!(desk.call_back(callback(135)).is_ok());
        assert!(desk.call_back(callback(0)).is_err());
        assert_eq!(desk.take_callbacks().len(), 1);
        assert!(desk.call_back(callback(136)).is_err());
        assert!(desk.call_back(callback(135)).is_ok());
    }
}
