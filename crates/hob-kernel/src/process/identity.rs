//! Who a process is: users and groups, by the rules of Linux.

use hob_os::{Errno, Result};

use crate::fs::{Kind, Stat};
use crate::limits::GROUPS_MAX;

/// The user a session runs as, unless it says otherwise.
pub const USER: u32 = 1000;

/// Real, effective and saved user and group, and supplementary groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Real, effective, saved user.
    pub user: [u32; 3],
    /// Real, effective, saved group.
    pub group: [u32; 3],
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

/// Leave it as it is.
pub const KEEP: u32 = u32::MAX;

impl Identity {
    /// One user and one group, for all purposes.
    #[must_use]
    pub fn of(user: u32, group: u32) -> Self {
        Self { user: [user; 3], group: [group; 3], groups: vec![group] }
    }

    /// The effective user.
    #[must_use]
    pub fn euid(&self) -> u32 {
        self.user[1]
    }

    /// The effective group.
    #[must_use]
    pub fn egid(&self) -> u32 {
        self.group[1]
    }

    /// Whether it may do everything the session may.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.euid() == 0
    }

    /// Whether it belongs to a group.
    #[must_use]
    pub fn in_group(&self, group: u32) -> bool {
        self.egid() == group || self.groups.contains(&group)
    }

    /// Refuses unless the mode allows `want`: 4 read, 2 write, 1 execute or search. Errors: [`Errno::Acces`].
    pub fn need(&self, stat: &Stat, want: u16) -> Result<()> {
        if self.may(stat, want) { Ok(()) } else { Err(Errno::Acces.into()) }
    }

    /// Whether the mode allows `want`: 4 read, 2 write, 1 execute or search.
    #[must_use]
    pub fn may(&self, stat: &Stat, want: u16) -> bool {
        if self.is_root() {
            return want & 1 == 0 || stat.kind == Kind::Directory || stat.mode & 0o111 != 0;
        }
        let bits = if self.euid() == stat.uid {
            stat.mode >> 6
        } else if self.in_group(stat.gid) {
            stat.mode >> 3
        } else {
            stat.mode
        };
        bits & want == want
    }

    /// The same with real user and group in place of the effective ones, as `access` asks.
    #[must_use]
    pub fn real(&self) -> Self {
        let mut real = self.clone();
        real.user[1] = real.user[0];
        real.group[1] = real.group[0];
        real
    }

    /// `setuid`: root sets all three, others change the effective one to the real or saved one.
    pub fn set_user(&mut self, id: u32) -> Result<()> {
        let root = self.is_root();
        set(&mut self.user, id, root)
    }

    /// `setgid`.
    pub fn set_group(&mut self, id: u32) -> Result<()> {
        let root = self.is_root();
        set(&mut self.group, id, root)
    }

    /// `seteuid`.
    pub fn set_effective_user(&mut self, id: u32) -> Result<()> {
        let root = self.is_root();
        set_three(&mut self.user, [KEEP, id, KEEP], root)
    }

    /// `setegid`.
    pub fn set_effective_group(&mut self, id: u32) -> Result<()> {
        let root = self.is_root();
        set_three(&mut self.group, [KEEP, id, KEEP], root)
    }

    /// `setresuid`: [`KEEP`] leaves one.
    pub fn set_users(&mut self, ids: [u32; 3]) -> Result<()> {
        let root = self.is_root();
        set_three(&mut self.user, ids, root)
    }

    /// `setresgid`: [`KEEP`] leaves one.
    pub fn set_group_ids(&mut self, ids: [u32; 3]) -> Result<()> {
        let root = self.is_root();
        set_three(&mut self.group, ids, root)
    }

    /// `setreuid`: the saved one follows when the real one is set or the effective one becomes another.
    pub fn set_real_effective_user(&mut self, real: u32, effective: u32) -> Result<()> {
        let root = self.is_root();
        set_two(&mut self.user, real, effective, root)
    }

    /// `setregid`.
    pub fn set_real_effective_group(&mut self, real: u32, effective: u32) -> Result<()> {
        let root = self.is_root();
        set_two(&mut self.group, real, effective, root)
    }

    /// `setgroups`. Errors: [`Errno::Perm`] unless root; [`Errno::Inval`] for more than [`GROUPS_MAX`].
    pub fn set_groups(&mut self, groups: Vec<u32>) -> Result<()> {
        if groups.len() > GROUPS_MAX {
            return Err(Errno::Inval.into());
        }
        if !self.is_root() {
            return Err(Errno::Perm.into());
        }
        self.groups = groups;
        Ok(())
    }
}

fn set(ids: &mut [u32; 3], id: u32, root: bool) -> Result<()> {
    if id == KEEP {
        return Err(Errno::Inval.into());
    }
    if root {
        *ids = [id; 3];
    } else if id == ids[0] || id == ids[2] {
        ids[1] = id;
    } else {
        return Err(Errno::Perm.into());
    }
    Ok(())
}

fn set_three(ids: &mut [u32; 3], want: [u32; 3], root: bool) -> Result<()> {
    if !root && want.iter().any(|id| *id != KEEP && !ids.contains(id)) {
        return Err(Errno::Perm.into());
    }
    for (id, want) in ids.iter_mut().zip(want) {
        if want != KEEP {
            *id = want;
        }
    }
    Ok(())
}

fn set_two(ids: &mut [u32; 3], real: u32, effective: u32, root: bool) -> Result<()> {
    let real_ok = real == KEEP || real == ids[0] || real == ids[1];
    let effective_ok = effective == KEEP || ids.contains(&effective);
    if !(root || real_ok && effective_ok) {
        return Err(Errno::Perm.into());
    }
    let before = ids[0];
    if real != KEEP {
        ids[0] = real;
    }
    if effective != KEEP {
        ids[1] = effective;
    }
    if real != KEEP || (effective != KEEP && effective != before) {
        ids[2] = ids[1];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::NodeId;

    #[test]
    fn ids_change_as_linux_has_it() {
        let mut user = Identity::of(1000, 1000);
        assert_eq!(user.set_user(0), Err(Errno::Perm.into()));
        assert_eq!(user.set_user(1000), Ok(()));
        let mut root = Identity::of(0, 0);
        assert_eq!(root.set_effective_user(1000), Ok(()));
        assert_eq!(root.user, [0, 1000, 0]);
        assert_eq!(root.set_effective_user(0), Ok(()));
        assert_eq!(root.set_real_effective_user(1000, 1001), Ok(()));
        assert_eq!(root.user, [1000, 1001, 1001]);
        assert_eq!(root.set_users([KEEP, 1000, KEEP]), Ok(()));
        assert_eq!(root.set_users([0, KEEP, KEEP]), Err(Errno::Perm.into()));
        assert_eq!(Identity::of(0, 0).set_groups(vec![1; GROUPS_MAX]), Ok(()));
        assert_eq!(Identity::of(0, 0).set_groups(vec![1; GROUPS_MAX + 1]), Err(Errno::Inval.into()));
        assert_eq!(user.set_groups(vec![]), Err(Errno::Perm.into()));
    }

    #[test]
    fn the_first_class_that_fits_decides() {
        let stat = |mode, kind| Stat {
            id: NodeId { device: 1, inode: 1 },
            kind,
            mode,
            links: 1,
            uid: 7,
            gid: 8,
            device: 0,
            size: 0,
            blocks: 0,
            accessed: 0,
            modified: 0,
            changed: 0,
        };
        let check = |uid, gid, mode, want, may| {
            assert_eq!(Identity::of(uid, gid).may(&stat(mode, Kind::File), want), may, "{uid} {mode:o}");
        };
        check(7, 8, 0o077, 4, false);
        check(9, 8, 0o707, 4, false);
        check(9, 9, 0o004, 4, true);
        check(0, 0, 0o000, 6, true);
        check(0, 0, 0o000, 1, false);
        check(0, 0, 0o100, 1, true);
        assert!(Identity::of(0, 0).may(&stat(0, Kind::Directory), 1));
    }
}
