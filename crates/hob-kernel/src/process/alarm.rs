//! Alarms: signals that come when their time has. One thread for a kernel, started with the first alarm, asleep until
//! the next one is due.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::{Duration, Instant};

use hob_os::{Errno, Result};

use crate::Kernel;
use crate::limits::ALARM_INTERVAL_MIN;
use crate::process::Signal;
use crate::wait::lock;

/// All alarms of a kernel.
#[derive(Debug, Default)]
pub struct Alarms {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    table: Mutex<Table>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Table {
    /// When, for whom, and again after how long.
    due: BTreeMap<u32, (Instant, Duration)>,
    running: bool,
    closed: bool,
}

impl Alarms {
    /// How long it is until the alarm of a process, and how long between further ones.
    #[must_use]
    pub fn get(&self, pid: u32) -> Option<(Duration, Duration)> {
        let table = lock(&self.shared.table);
        let (at, every) = table.due.get(&pid)?;
        Some((at.saturating_duration_since(Instant::now()), *every))
    }

    /// Sets the alarm of a process; `after` of zero takes it away, and what comes again comes no more often than every
    /// [`ALARM_INTERVAL_MIN`]. Errors: no thread to keep it.
    pub(crate) fn set(&self, kernel: &Arc<Kernel>, pid: u32, after: Duration, every: Duration) -> Result<()> {
        let mut table = lock(&self.shared.table);
        if after.is_zero() {
            table.due.remove(&pid);
            return Ok(());
        }
        let at = Instant::now().checked_add(after).ok_or(Errno::Inval)?;
        let every = if every.is_zero() { every } else { every.max(ALARM_INTERVAL_MIN) };
        table.due.insert(pid, (at, every));
        if !table.running {
            let shared = Arc::clone(&self.shared);
            let kernel = Arc::downgrade(kernel);
            let thread = std::thread::Builder::new().name("hob-alarms".into());
            thread.spawn(move || run(&shared, &kernel)).map_err(|_| Errno::Again)?;
            table.running = true;
        }
        self.shared.changed.notify_all();
        Ok(())
    }

    /// Takes the alarm of a process away.
    pub(crate) fn forget(&self, pid: u32) {
        lock(&self.shared.table).due.remove(&pid);
    }
}

impl Drop for Alarms {
    fn drop(&mut self) {
        lock(&self.shared.table).closed = true;
        self.shared.changed.notify_all();
    }
}

fn run(shared: &Shared, kernel: &Weak<Kernel>) {
    let mut table = lock(&shared.table);
    while !table.closed {
        let now = Instant::now();
        let late: Vec<u32> =
            table.due.iter().filter(|(_, (at, _))| *at <= now).map(|(pid, _)| *pid).collect();
        for pid in &late {
            if let Some((_, every)) = table.due.remove(pid)
                && !every.is_zero()
                && let Some(next) = now.checked_add(every)
            {
                table.due.insert(*pid, (next, every));
            }
        }
        if !late.is_empty() {
            drop(table);
            let Some(kernel) = kernel.upgrade() else { return };
            for pid in late {
                let proc = lock(&kernel.family).get(pid).cloned();
                if let Some(proc) = proc {
                    kernel.signal(&proc, Signal::ALRM);
                }
            }
            drop(kernel);
            table = lock(&shared.table);
            continue;
        }
        let first = table.due.values().map(|(at, _)| *at).min();
        table = match first {
            None => shared.changed.wait(table).unwrap_or_else(std::sync::PoisonError::into_inner),
            Some(at) => {
                let left = at.saturating_duration_since(now);
                let waited = shared.changed.wait_timeout(table, left);
                waited.unwrap_or_else(std::sync::PoisonError::into_inner).0
            }
        };
    }
}
