//! One account for everything a guest takes: what is charged here adds up, whoever charges it.
//!
//! A memory grown in the engine, a buffer held by the host and a table element all draw on [`Limit::Memory`]; a guest
//! cannot split its appetite to slip past a limit on each part. Charging neither locks nor allocates.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::{Limit, Limits, Unit, format_bytes};

/// A limit was exceeded: which one, what is allowed, what is in use, what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitExceeded {
    /// Which limit.
    pub limit: Limit,
    /// What is allowed, in the limit's unit.
    pub allowed: u64,
    /// What was in use.
    pub used: u64,
    /// What was asked for on top.
    pub asked: u64,
}

impl LimitExceeded {
    /// The value of the limit that would have sufficed, if the limit may be set that high.
    #[must_use]
    pub fn sufficient(&self) -> Option<u64> {
        self.used.checked_add(self.asked).filter(|value| *value <= self.limit.max_value())
    }
}

impl std::error::Error for LimitExceeded {}

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = |value| self.limit.amount(value);
        write!(f, "{} limit exceeded: {} allowed", self.limit, amount(self.allowed))?;
        if self.used > 0 {
            write!(f, ", {} in use", amount(self.used))?;
        }
        write!(f, ", {} asked", amount(self.asked))?;
        match (self.limit.flag(), self.sufficient()) {
            (_, None) => write!(f, "; the most it can be set to is {}", amount(self.limit.max_value())),
            (Some(_), Some(_)) if self.limit == Limit::Fuel => f.write_str("; --fuel allows more"),
            (Some(flag), Some(value)) => {
                let value =
                    if self.limit.unit() == Unit::Bytes { format_bytes(value) } else { value.to_string() };
                write!(f, "; {flag} {value} would have sufficed")
            }
            (None, Some(value)) => write!(f, "; {} would have sufficed", amount(value)),
        }
    }
}

/// The account of one guest. Shared by reference among everyone who serves it.
#[derive(Debug)]
pub struct Ledger {
    rows: [Row; ACCOUNTS.len()],
}

#[derive(Debug)]
struct Row {
    allowed: u64,
    used: AtomicU64,
    peak: AtomicU64,
}

/// The limits that are accounts: things taken and given back, or used up.
const ACCOUNTS: [Limit; 8] = [
    Limit::Memory,
    Limit::TableElements,
    Limit::HostBuffer,
    Limit::Output,
    Limit::LogLines,
    Limit::Handles,
    Limit::OpenFiles,
    Limit::Processes,
];

impl Ledger {
    /// An empty account under these limits.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let allowed = [
            limits.memory_bytes,
            limits.table_elements,
            limits.host_buffer_bytes,
            limits.output_bytes,
            limits.log_lines,
            limits.handles,
            limits.open_files,
            limits.processes,
        ];
        Self {
            rows: allowed.map(|allowed| Row { allowed, used: AtomicU64::new(0), peak: AtomicU64::new(0) }),
        }
    }

    /// Takes `amount` of `limit`, or nothing. Bytes of [`Limit::HostBuffer`] are taken from [`Limit::Memory`] too.
    ///
    /// # Errors
    ///
    /// When less than `amount` is left. A limit that is no account (a deadline, fuel) has nothing to take.
    pub fn charge(&self, limit: Limit, amount: u64) -> Result<(), LimitExceeded> {
        let used = self.take(limit, amount)?;
        if limit == Limit::HostBuffer {
            let used = self.take(Limit::Memory, amount).inspect_err(|_| self.give(limit, amount))?;
            self.mark(Limit::Memory, used);
        }
        self.mark(limit, used);
        Ok(())
    }

    /// Gives `amount` back. Giving back more than was taken leaves nothing in use.
    pub fn release(&self, limit: Limit, amount: u64) {
        self.give(limit, amount);
        if limit == Limit::HostBuffer {
            self.give(Limit::Memory, amount);
        }
    }

    /// What is in use.
    #[must_use]
    pub fn used(&self, limit: Limit) -> u64 {
        self.row(limit).map_or(0, |row| row.used.load(Ordering::Acquire))
    }

    /// The most that was in use at once.
    #[must_use]
    pub fn peak(&self, limit: Limit) -> u64 {
        self.row(limit).map_or(0, |row| row.peak.load(Ordering::Acquire))
    }

    /// What is allowed; 0 for a limit that is no account.
    #[must_use]
    pub fn allowed(&self, limit: Limit) -> u64 {
        self.row(limit).map_or(0, |row| row.allowed)
    }

    /// Takes, and says what is in use then.
    fn take(&self, limit: Limit, amount: u64) -> Result<u64, LimitExceeded> {
        let Some(row) = self.row(limit) else {
            return Err(LimitExceeded { limit, allowed: 0, used: 0, asked: amount });
        };
        let more = |used: u64| used.checked_add(amount).filter(|total| *total <= row.allowed);
        match row.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, more) {
            Ok(before) => Ok(before.saturating_add(amount)),
            Err(used) => Err(LimitExceeded { limit, allowed: row.allowed, used, asked: amount }),
        }
    }

    fn mark(&self, limit: Limit, used: u64) {
        if let Some(row) = self.row(limit) {
            row.peak.fetch_max(used, Ordering::AcqRel);
        }
    }

    fn give(&self, limit: Limit, amount: u64) {
        if let Some(row) = self.row(limit) {
            let less = |used: u64| Some(used.saturating_sub(amount));
            let _always_succeeds = row.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
        }
    }

    fn row(&self, limit: Limit) -> Option<&Row> {
        let index = match limit {
            Limit::Memory => 0,
            Limit::TableElements => 1,
            Limit::HostBuffer => 2,
            Limit::Output => 3,
            Limit::LogLines => 4,
            Limit::Handles => 5,
            Limit::OpenFiles => 6,
            Limit::Processes => 7,
            _ => return None,
        };
        self.rows.get(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_holds_its_limit_and_not_one_more() {
        let ledger = Ledger::new(&Limits::default());
        for limit in ACCOUNTS {
            let ledger = if limit == Limit::HostBuffer { &Ledger::new(&Limits::default()) } else { &ledger };
            let allowed = ledger.allowed(limit);
            assert_eq!(ledger.charge(limit, allowed), Ok(()), "{limit}");
            let over = ledger.charge(limit, 1).unwrap_err();
            assert_eq!(over, LimitExceeded { limit, allowed, used: allowed, asked: 1 });
            ledger.release(limit, 1);
            assert_eq!(ledger.charge(limit, 1), Ok(()), "{limit}");
            assert_eq!(ledger.peak(limit), allowed);
            ledger.release(limit, allowed);
            assert_eq!(ledger.used(limit), 0);
        }
    }

    #[test]
    fn host_buffers_and_memories_add_up() {
        let limits = Limits { memory_bytes: 100, ..Limits::default() };
        let ledger = Ledger::new(&limits);
        assert!(ledger.charge(Limit::Memory, 60).is_ok());
        assert!(ledger.charge(Limit::HostBuffer, 40).is_ok());
        assert_eq!(ledger.charge(Limit::HostBuffer, 1).unwrap_err().limit, Limit::Memory);
        assert_eq!(ledger.used(Limit::HostBuffer), 40);
        ledger.release(Limit::HostBuffer, 40);
        assert_eq!(ledger.used(Limit::Memory), 60);
    }

    #[test]
    fn many_threads_never_take_more_than_there_is() {
        let limits = Limits { memory_bytes: 1000, ..Limits::default() };
        let ledger = Ledger::new(&limits);
        let taken: u64 = std::thread::scope(|scope| {
            let work = || (0..1000).filter(|_| ledger.charge(Limit::Memory, 3).is_ok()).count() as u64 * 3;
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(work)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!((taken, ledger.used(Limit::Memory)), (999, 999));
    }

    #[test]
    fn the_error_says_what_would_have_sufficed() {
        let mib = 1 << 20;
        let text =
            |allowed, used, asked| LimitExceeded { limit: Limit::Memory, allowed, used, asked }.to_string();
        assert_eq!(
            text(256 * mib, 200 * mib, 100 * mib),
            "memory limit exceeded: 256MiB allowed, 200MiB in use, 100MiB asked; --memory 300MiB would have sufficed"
        );
        assert!(text(256 * mib, 0, 8 << 30).ends_with("the most it can be set to is 4GiB"));
    }
}
