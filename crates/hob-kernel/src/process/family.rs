//! The tree of processes: who is whose child, groups, sessions, and what is left of those that ended.
//!
//! Process 1 is the kernel itself: it adopts orphans and waits for them at once. Everything about kinship happens under
//! one lock, and signals are sent after it is let go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hob_os::{Errno, Result};

use crate::Kernel;
use crate::process::proc::{Proc, Sent};
use crate::process::{Action, Change, Identity, Signal, Status, action};
use crate::wait::lock;

/// The process that is no program.
pub const INIT: u32 = 1;

/// The largest number of a process; numbers are used again after it.
const PID_MAX: u32 = 32_767;

/// All processes.
#[derive(Debug)]
pub struct Family {
    members: BTreeMap<u32, Member>,
    next: u32,
}

#[derive(Debug)]
struct Member {
    proc: Arc<Proc>,
    parent: u32,
    ended: Option<Status>,
    /// A change that no parent has heard of.
    change: Option<Change>,
}

impl Default for Family {
    fn default() -> Self {
        Self { members: BTreeMap::new(), next: INIT + 1 }
    }
}

/// Which children to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Any.
    Any,
    /// This one.
    Child(u32),
    /// Those of a group.
    Group(u32),
}

impl Family {
    /// A number for a new process.
    pub(crate) fn number(&mut self) -> Result<u32> {
        for _ in INIT..PID_MAX {
            let pid = self.next;
            self.next = if pid >= PID_MAX { INIT + 1 } else { pid + 1 };
            let in_use = |member: &Member| member.proc.group() == pid || member.proc.session() == pid;
            if !self.members.contains_key(&pid) && !self.members.values().any(in_use) {
                return Ok(pid);
            }
        }
        Err(Errno::Again.into())
    }

    pub(crate) fn add(&mut self, proc: Arc<Proc>, parent: u32) {
        self.members.insert(proc.pid, Member { proc, parent, ended: None, change: None });
    }

    /// Everyone alive.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Proc>> {
        self.members.values().filter(|member| member.ended.is_none()).map(|member| &member.proc)
    }

    /// A process, alive or not yet waited for.
    #[must_use]
    pub fn get(&self, pid: u32) -> Option<&Arc<Proc>> {
        self.members.get(&pid).map(|member| &member.proc)
    }

    /// The parent of a process.
    #[must_use]
    pub fn parent(&self, pid: u32) -> Option<u32> {
        self.members.get(&pid).map(|member| member.parent)
    }

    /// Every number, with the parent's.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.members.keys().copied()
    }

    /// Whether nobody outside a group but inside its session is parent of one of its members: nobody could continue it.
    #[must_use]
    pub fn orphaned(&self, group: u32) -> bool {
        !self.members.values().any(|member| {
            member.ended.is_none()
                && member.proc.group() == group
                && self.members.get(&member.parent).is_some_and(|parent| {
                    parent.proc.group() != group && parent.proc.session() == member.proc.session()
                })
        })
    }

    fn group(&self, group: u32) -> Vec<Arc<Proc>> {
        self.all().filter(|proc| proc.group() == group).cloned().collect()
    }
}

impl Kernel {
    /// Sends a signal to every process of a group. Returns whether there was one.
    pub fn signal_group(&self, group: u32, signal: Signal) -> bool {
        let group = lock(&self.family).group(group);
        group.iter().for_each(|proc| self.signal(proc, signal));
        !group.is_empty()
    }

    /// Sends a signal to a process, and tells its parent what that changed.
    pub fn signal(&self, proc: &Proc, signal: Signal) {
        // Nobody could continue an orphaned group, so what is typed does not stop it.
        if matches!(signal, Signal::TSTP | Signal::TTIN | Signal::TTOU)
            && lock(&proc.state).signals.action(signal) == Action::Default
            && lock(&self.family).orphaned(proc.group())
        {
            return;
        }
        self.told(proc, proc.send(signal));
    }

    /// Tells the parent of a process what a signal changed.
    pub(crate) fn told(&self, proc: &Proc, sent: Sent) {
        match sent {
            Sent::Quietly => {}
            Sent::Stopped(signal) => self.changed(proc.pid, Change::Stopped(signal)),
            Sent::Continued => self.changed(proc.pid, Change::Continued),
        }
    }

    /// Sends a signal as `kill` does. `None` only asks whether one could. Errors: [`Errno::Srch`]; [`Errno::Perm`].
    pub(crate) fn kill(&self, me: &Proc, who: &Identity, target: i32, signal: Option<Signal>) -> Result<()> {
        let targets: Vec<Arc<Proc>> = {
            let family = lock(&self.family);
            match target {
                0 => family.group(me.group()),
                -1 => family.all().filter(|proc| proc.pid != me.pid).cloned().collect(),
                ..=-2 => family.group(target.unsigned_abs()),
                pid => family.get(pid.unsigned_abs()).cloned().into_iter().collect(),
            }
        };
        if targets.is_empty() {
            return Err(Errno::Srch.into());
        }
        let mut allowed = false;
        for proc in &targets {
            let theirs = if proc.pid == me.pid { who.clone() } else { lock(&proc.state).who.clone() };
            let same =
                [who.user[0], who.user[1]].iter().any(|id| [theirs.user[0], theirs.user[2]].contains(id));
            let goes_on = signal == Some(Signal::CONT) && proc.session() == me.session();
            if !(who.is_root() || same || goes_on) {
                continue;
            }
            allowed = true;
            if let Some(signal) = signal {
                self.signal(proc, signal);
            }
        }
        if allowed { Ok(()) } else { Err(Errno::Perm.into()) }
    }

    /// Notes a change of a process that has not ended, for its parent.
    fn changed(&self, pid: u32, change: Change) {
        let parent = {
            let mut family = lock(&self.family);
            let Some(member) = family.members.get_mut(&pid) else { return };
            member.change = Some(change);
            let parent = member.parent;
            family.get(parent).cloned()
        };
        let Some(parent) = parent else { return };
        let quiet = matches!(
            lock(&parent.state).signals.action(Signal::CHLD),
            Action::Handler { flags, .. } if flags & action::NOCLDSTOP != 0
        );
        if !quiet {
            parent.send(Signal::CHLD);
        }
        parent.children.wake();
    }

    /// Takes a process that ended out of the tree, or leaves its status for its parent.
    pub(crate) fn ended(&self, proc: &Arc<Proc>, status: Status) {
        let (parent, orphans) = {
            let mut family = lock(&self.family);
            let parent = family.parent(proc.pid).unwrap_or(INIT);
            let parent = family.get(parent).cloned();
            let groups_before = groups_of_children(&family, proc.pid);
            // Orphans belong to the kernel; those that had ended already are waited for at once.
            family.members.retain(|_, member| !(member.parent == proc.pid && member.ended.is_some()));
            family
                .members
                .values_mut()
                .filter(|member| member.parent == proc.pid)
                .for_each(|member| member.parent = INIT);
            let leaves_nothing =
                parent.as_ref().is_none_or(|parent| match lock(&parent.state).signals.action(Signal::CHLD) {
                    Action::Ignore => true,
                    Action::Handler { flags, .. } => flags & action::NOCLDWAIT != 0,
                    Action::Default => false,
                });
            if leaves_nothing {
                family.members.remove(&proc.pid);
            } else if let Some(member) = family.members.get_mut(&proc.pid) {
                member.ended = Some(status);
                member.change = None;
            }
            let orphans: Vec<Arc<Proc>> = groups_before
                .into_iter()
                .chain([proc.group()])
                .filter(|group| family.orphaned(*group))
                .map(|group| family.group(group))
                .filter(|group| group.iter().any(|proc| lock(&proc.state).stopped.is_some()))
                .flatten()
                .collect();
            (parent, orphans)
        };
        for orphan in orphans {
            self.signal(&orphan, Signal::HUP);
            self.signal(&orphan, Signal::CONT);
        }
        if let Some(parent) = parent {
            parent.send(Signal::CHLD);
            parent.children.wake();
        }
    }

    /// What a child has to tell. `Ok(None)` when none of them has anything to tell yet. Errors: [`Errno::Child`].
    pub(crate) fn child_change(
        &self,
        parent: u32,
        which: Which,
        stops: bool,
        continues: bool,
    ) -> Result<Option<(u32, Change)>> {
        let mut family = lock(&self.family);
        let fits = |member: &Member| {
            member.parent == parent
                && match which {
                    Which::Any => true,
                    Which::Child(pid) => member.proc.pid == pid,
                    Which::Group(group) => member.proc.group() == group,
                }
        };
        let mut any = false;
        let mut found = None;
        for (pid, member) in family.members.iter_mut().filter(|(_, member)| fits(member)) {
            any = true;
            if let Some(status) = member.ended {
                found = Some((*pid, Change::Ended(status)));
                break;
            }
            let told = match member.change {
                Some(Change::Stopped(_)) => stops,
                Some(Change::Continued) => continues,
                _ => false,
            };
            if told {
                found = member.change.take().map(|change| (*pid, change));
                break;
            }
        }
        if let Some((pid, Change::Ended(_))) = found {
            family.members.remove(&pid);
        }
        if any { Ok(found) } else { Err(Errno::Child.into()) }
    }

    /// The group of a process. Errors: [`Errno::Srch`].
    pub(crate) fn group_of(&self, pid: u32) -> Result<u32> {
        lock(&self.family).get(pid).map(|proc| proc.group()).ok_or(Errno::Srch.into())
    }

    /// The session of a process. Errors: [`Errno::Srch`].
    pub(crate) fn session_of(&self, pid: u32) -> Result<u32> {
        lock(&self.family).get(pid).map(|proc| proc.session()).ok_or(Errno::Srch.into())
    }

    /// Puts a process into a group of its session, or into a new one of its own number. Errors as `setpgid`.
    pub(crate) fn set_group(&self, me: &Proc, pid: u32, group: u32) -> Result<()> {
        let family = lock(&self.family);
        let proc = family.get(pid).ok_or(Errno::Srch)?;
        if pid != me.pid {
            if family.parent(pid) != Some(me.pid) {
                return Err(Errno::Srch.into());
            }
            if proc.session() != me.session() {
                return Err(Errno::Perm.into());
            }
            if lock(&proc.state).did_exec {
                return Err(Errno::Acces.into());
            }
        }
        if proc.session() == pid {
            return Err(Errno::Perm.into());
        }
        let exists = family.all().any(|other| other.group() == group && other.session() == proc.session());
        if group != pid && !exists {
            return Err(Errno::Perm.into());
        }
        proc.group.store(group, Ordering::Release);
        Ok(())
    }

    /// Makes a process the leader of a new session and group. Errors: [`Errno::Perm`] when it leads a group.
    pub(crate) fn set_session(&self, proc: &Proc) -> Result<u32> {
        let family = lock(&self.family);
        if family.all().any(|other| other.group() == proc.pid) {
            return Err(Errno::Perm.into());
        }
        proc.session.store(proc.pid, Ordering::Release);
        proc.group.store(proc.pid, Ordering::Release);
        Ok(proc.pid)
    }
}

fn groups_of_children(family: &Family, pid: u32) -> Vec<u32> {
    let mut groups: Vec<u32> = family
        .members
        .values()
        .filter(|member| member.parent == pid && member.ended.is_none())
        .map(|member| member.proc.group())
        .collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}
