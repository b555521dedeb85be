//! How much a file system holds, and how much it may.
//!
//! Room is taken before anything is stored, in one atomic step, so that writers at once never pass the quota together; and
//! given back to the byte. Stops: a guest that fills the host's memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hob_cap::{Ledger, Limit, LimitExceeded};
use hob_os::Result;

use crate::fs::Space;

/// Room for bytes and objects.
#[derive(Debug)]
pub(super) struct Quota {
    bytes: Account,
    inodes: Account,
    ledger: Option<Arc<Ledger>>,
}

#[derive(Debug)]
struct Account {
    limit: Limit,
    max: u64,
    used: AtomicU64,
}

impl Account {
    fn take(&self, amount: u64) -> Result<()> {
        let more = |used: u64| used.checked_add(amount).filter(|total| *total <= self.max);
        match self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, more) {
            Ok(_) => Ok(()),
            Err(used) => {
                Err(LimitExceeded { limit: self.limit, allowed: self.max, used, asked: amount }.into())
            }
        }
    }

    fn give(&self, amount: u64) {
        let less = |used: u64| Some(used.saturating_sub(amount));
        let _always_succeeds = self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    }
}

impl Quota {
    pub(super) fn new(bytes_max: u64, inodes_max: u64, ledger: Option<Arc<Ledger>>) -> Self {
        let account = |limit, max| Account { limit, max, used: AtomicU64::new(0) };
        Self { bytes: account(Limit::Disk, bytes_max), inodes: account(Limit::DiskFiles, inodes_max), ledger }
    }

    /// Takes room for bytes, or nothing. Errors: the limit of the disk, or the ledger's.
    pub(super) fn take(&self, bytes: u64) -> Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        self.bytes.take(bytes)?;
        if let Some(ledger) = &self.ledger {
            ledger.charge(Limit::HostBuffer, bytes).inspect_err(|_| self.bytes.give(bytes))?;
        }
        Ok(())
    }

    /// Takes room for one object and these bytes, or nothing.
    pub(super) fn take_node(&self, bytes: u64) -> Result<()> {
        self.inodes.take(1)?;
        self.take(bytes).inspect_err(|_| self.inodes.give(1))
    }

    /// Gives room for bytes back.
    pub(super) fn give(&self, bytes: u64) {
        if bytes == 0 {
            return;
        }
        if let Some(ledger) = &self.ledger {
            ledger.release(Limit::HostBuffer, bytes);
        }
        self.bytes.give(bytes);
    }

    /// Gives room for one object and these bytes back.
    pub(super) fn give_node(&self, bytes: u64) {
        self.give(bytes);
        self.inodes.give(1);
    }

    pub(super) fn space(&self) -> Space {
        Space {
            bytes: self.bytes.max,
            bytes_used: self.bytes.used.load(Ordering::Acquire),
            inodes: self.inodes.max,
            inodes_used: self.inodes.used.load(Ordering::Acquire),
        }
    }
}

#[cfg(test)]
mod tests {
    use hob_cap::Limits;
    use hob_os::Errno;

    use super::*;

    fn is_full(taken: Result<()>, limit: Limit) {
        let error = taken.unwrap_err();
        assert_eq!(error.errno(), Errno::Nospc);
        assert!(error.to_string().starts_with(&format!("{limit} limit exceeded")), "{error}");
    }

    #[test]
    fn the_quota_holds_and_not_one_more() {
        let quota = Quota::new(100, 2, None);
        assert!(quota.take(100).is_ok());
        is_full(quota.take(1), Limit::Disk);
        quota.give(1);
        assert!(quota.take(1).is_ok());
        quota.give(100);
        assert!(quota.take_node(10).is_ok());
        assert!(quota.take_node(90).is_ok());
        is_full(quota.take_node(0), Limit::DiskFiles);
        quota.give_node(90);
        is_full(quota.take_node(91), Limit::Disk);
        let space = Space { bytes: 100, bytes_used: 10, inodes: 2, inodes_used: 1 };
        assert_eq!(quota.space(), space);
    }

    #[test]
    fn the_ledger_is_charged_besides() {
        let ledger = Arc::new(Ledger::new(&Limits { host_buffer_bytes: 50, ..Limits::default() }));
        let quota = Quota::new(100, 10, Some(ledger.clone()));
        assert!(quota.take_node(50).is_ok());
        let over = quota.take_node(1).unwrap_err();
        assert_eq!(over.errno(), Errno::Nomem);
        assert_eq!((quota.space().bytes_used, quota.space().inodes_used), (50, 1));
        assert_eq!((ledger.used(Limit::HostBuffer), ledger.used(Limit::Memory)), (50, 50));
        quota.give_node(50);
        assert_eq!((ledger.used(Limit::HostBuffer), ledger.used(Limit::Memory)), (0, 0));
    }
}
