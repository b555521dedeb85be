//! Locks on files: whole files by description (`flock`), and ranges by process (`fcntl`).
//!
//! Both are advisory. A range lock that would close a circle of waiting processes is refused. Locks of a description go
//! with it, locks of a process with it or with any descriptor of the file that it closes, as POSIX has it.

use std::collections::HashMap;
use std::sync::Mutex;

use hob_os::{Errno, Result};

use crate::fs::NodeId;
use crate::wait::{WaitQueue, lock};

/// Locks on one range at most: a bound on what one process makes the kernel keep.
const RANGES_MAX: usize = 4096;

/// A range lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Whether nobody else may hold any lock there.
    pub exclusive: bool,
    /// The first byte.
    pub start: u64,
    /// One past the last byte; `u64::MAX` is to the end, wherever that is.
    pub end: u64,
}

#[derive(Debug, Default)]
struct OnFile {
    /// Who holds the whole file: descriptions, and whether alone.
    whole: Vec<(u64, bool)>,
    /// Ranges and the processes that hold them.
    ranges: Vec<(u32, Range)>,
}

/// All locks of a session.
#[derive(Debug, Default)]
pub struct Locks {
    files: Mutex<HashMap<NodeId, OnFile>>,
    /// Which process waits for which others.
    waiting: Mutex<HashMap<u32, Vec<u32>>>,
    /// Woken whenever a lock is given back.
    pub queue: WaitQueue,
}

impl Locks {
    /// Takes the whole file for a description, or changes how. Errors: [`Errno::Again`] while others hold it.
    pub fn try_whole(&self, file: NodeId, description: u64, exclusive: bool) -> Result<()> {
        let mut files = lock(&self.files);
        let holders = &mut files.entry(file).or_default().whole;
        let others = holders.iter().any(|(id, alone)| *id != description && (exclusive || *alone));
        if others {
            return Err(Errno::Again.into());
        }
        let had = holders.iter().position(|(id, _)| *id == description);
        match had.and_then(|at| holders.get_mut(at)) {
            Some(holder) => holder.1 = exclusive,
            None => holders.push((description, exclusive)),
        }
        drop(files);
        self.queue.wake();
        Ok(())
    }

    /// Gives back what a description holds.
    pub fn release_whole(&self, file: NodeId, description: u64) {
        let mut files = lock(&self.files);
        if let Some(on) = files.get_mut(&file) {
            on.whole.retain(|(id, _)| *id != description);
        }
        tidy(&mut files, file);
        drop(files);
        self.queue.wake();
    }

    /// The first lock of another process that is in the way.
    #[must_use]
    pub fn conflict(&self, file: NodeId, pid: u32, want: Range) -> Option<(u32, Range)> {
        let files = lock(&self.files);
        let on = files.get(&file)?;
        on.ranges.iter().find(|(holder, held)| *holder != pid && conflicts(held, &want)).copied()
    }

    /// Takes a range for a process. Errors: [`Errno::Again`] while others hold it; [`Errno::Deadlk`] if `waits` and they
    /// wait for this process; [`Errno::Nolck`].
    pub fn try_range(&self, file: NodeId, pid: u32, want: Range, waits: bool) -> Result<()> {
        let mut files = lock(&self.files);
        let on = files.entry(file).or_default();
        let in_the_way: Vec<u32> = on
            .ranges
            .iter()
            .filter(|(holder, held)| *holder != pid && conflicts(held, &want))
            .map(|(holder, _)| *holder)
            .collect();
        if in_the_way.is_empty() {
            lock(&self.waiting).remove(&pid);
            if on.ranges.len() >= RANGES_MAX {
                return Err(Errno::Nolck.into());
            }
            cut(&mut on.ranges, pid, want.start, want.end);
            on.ranges.push((pid, want));
            drop(files);
            self.queue.wake();
            return Ok(());
        }
        if waits {
            let mut waiting = lock(&self.waiting);
            waiting.insert(pid, in_the_way);
            if circle(&waiting, pid) {
                waiting.remove(&pid);
                return Err(Errno::Deadlk.into());
            }
        }
        Err(Errno::Again.into())
    }

    /// The process waits no longer.
    pub fn stop_waiting(&self, pid: u32) {
        lock(&self.waiting).remove(&pid);
    }

    /// Gives a range back.
    pub fn release_range(&self, file: NodeId, pid: u32, start: u64, end: u64) {
        let mut files = lock(&self.files);
        if let Some(on) = files.get_mut(&file) {
            cut(&mut on.ranges, pid, start, end);
        }
        tidy(&mut files, file);
        drop(files);
        self.queue.wake();
    }

    /// Gives back everything a process holds.
    pub fn release_process(&self, pid: u32) {
        self.stop_waiting(pid);
        let mut files = lock(&self.files);
        let before: usize = files.values().map(|on| on.ranges.len()).sum();
        files.values_mut().for_each(|on| on.ranges.retain(|(holder, _)| *holder != pid));
        files.retain(|_, on| !(on.whole.is_empty() && on.ranges.is_empty()));
        let after: usize = files.values().map(|on| on.ranges.len()).sum();
        drop(files);
        if before != after {
            self.queue.wake();
        }
    }
}

fn conflicts(held: &Range, want: &Range) -> bool {
    (held.exclusive || want.exclusive) && held.start < want.end && want.start < held.end
}

/// Takes `start..end` out of what a process holds.
fn cut(ranges: &mut Vec<(u32, Range)>, pid: u32, start: u64, end: u64) {
    let mut pieces = Vec::new();
    ranges.retain(|(holder, held)| {
        let hit = *holder == pid && held.start < end && start < held.end;
        if hit {
            if held.start < start {
                pieces.push((pid, Range { end: start, ..*held }));
            }
            if end < held.end {
                pieces.push((pid, Range { start: end, ..*held }));
            }
        }
        !hit
    });
    ranges.extend(pieces);
}

fn tidy(files: &mut HashMap<NodeId, OnFile>, file: NodeId) {
    if files.get(&file).is_some_and(|on| on.whole.is_empty() && on.ranges.is_empty()) {
        files.remove(&file);
    }
}

/// Whether following who waits for whom from `pid` leads back to it.
fn circle(waiting: &HashMap<u32, Vec<u32>>, pid: u32) -> bool {
    let mut seen = std::collections::HashSet::new();
    let mut open = vec![pid];
    while let Some(one) = open.pop() {
        for next in waiting.get(&one).into_iter().flatten() {
            if *next == pid {
                return true;
            }
            if seen.insert(*next) {
                open.push(*next);
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: NodeId = NodeId { device: 1, inode: 1 };

    fn range(exclusive: bool, start: u64, end: u64) -> Range {
        Range { exclusive, start, end }
    }

    #[test]
    fn whole_locks_are_shared_or_alone() {
        let locks = Locks::default();
        assert_eq!(locks.try_whole(FILE, 1, false), Ok(()));
        assert_eq!(locks.try_whole(FILE, 2, false), Ok(()));
        assert_eq!(locks.try_whole(FILE, 1, true), Err(Errno::Again.into()));
        locks.release_whole(FILE, 2);
        assert_eq!(locks.try_whole(FILE, 1, true), Ok(()));
        assert_eq!(locks.try_whole(FILE, 2, false), Err(Errno::Again.into()));
        locks.release_whole(FILE, 1);
        assert!(lock(&locks.files).is_empty());
    }

    #[test]
    fn ranges_are_cut_and_conflict_only_where_they_meet() {
        let locks = Locks::default();
        assert_eq!(locks.try_range(FILE, 1, range(true, 0, 100), false), Ok(()));
        locks.release_range(FILE, 1, 40, 60);
        assert_eq!(locks.try_range(FILE, 2, range(true, 40, 60), false), Ok(()));
        assert_eq!(locks.try_range(FILE, 2, range(false, 39, 41), false), Err(Errno::Again.into()));
        assert_eq!(locks.conflict(FILE, 1, range(false, 0, u64::MAX)), Some((2, range(true, 40, 60))));
        locks.release_process(1);
        assert_eq!(locks.try_range(FILE, 2, range(true, 0, u64::MAX), false), Ok(()));
        locks.release_process(2);
        assert!(lock(&locks.files).is_empty());
    }

    #[test]
    fn a_circle_of_waiters_is_refused() {
        let locks = Locks::default();
        let other = NodeId { device: 1, inode: 2 };
        assert_eq!(locks.try_range(FILE, 1, range(true, 0, 1), true), Ok(()));
        assert_eq!(locks.try_range(other, 2, range(true, 0, 1), true), Ok(()));
        assert_eq!(locks.try_range(other, 1, range(true, 0, 1), true), Err(Errno::Again.into()));
        assert_eq!(locks.try_range(FILE, 2, range(true, 0, 1), true), Err(Errno::Deadlk.into()));
        locks.release_process(1);
        assert_eq!(locks.try_range(FILE, 2, range(true, 0, 1), true), Ok(()));
    }
}
