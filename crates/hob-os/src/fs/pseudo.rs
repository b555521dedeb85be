//! The file systems that are never part of a grant.
//!
//! Some file systems are not storage but a way to operate the kernel: `/proc/self/mem` is the host's
//! memory, `/sys` and its relatives reconfigure it. They are refused as the root of a grant and when a
//! walk inside a grant crosses onto one, for example with a grant of `/`.

use std::os::fd::AsFd;

use rustix::fs::fstatfs;

use crate::{Errno, Result};

/// The magic numbers of `statfs(2)`, with the names shown in messages.
const KERNEL: &[(u64, &str)] = &[
    (0x9fa0, "proc"),
    (0x6265_6572, "sysfs"),
    (0x6462_6720, "debugfs"),
    (0x7472_6163, "tracefs"),
    (0x7363_6673, "securityfs"),
    (0x0027_e0eb, "cgroup"),
    (0x6367_7270, "cgroup"),
    (0xcafe_4a11, "bpf"),
    (0x1cd1, "devpts"),
    (0x6265_6570, "configfs"),
    (0x6165_676c, "pstore"),
    (0xde5e_81e4, "efivarfs"),
    (0xf97c_ff8c, "selinux"),
    (0x4249_4e4d, "binfmt_misc"),
    (0x1980_0202, "mqueue"),
    (0x6e73_6673, "nsfs"),
    (0x5049_4446, "pidfs"),
];

/// The name of the kernel file system an open object lies on, if it lies on one.
pub(crate) fn kind(object: impl AsFd) -> std::io::Result<Option<&'static str>> {
    let magic = u64::try_from(fstatfs(object)?.f_type).unwrap_or(0);
    Ok(KERNEL.iter().find(|(number, _)| *number == magic).map(|(_, name)| *name))
}

/// Refuses an open object that lies on a kernel file system.
pub(crate) fn refuse(object: impl AsFd) -> Result<()> {
    match kind(object)? {
        Some(_) => Err(Errno::Perm.into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn proc_is_known_and_a_folder_is_not() {
        assert_eq!(kind(File::open("/proc").unwrap()).unwrap(), Some("proc"));
        assert_eq!(kind(tempfile::tempfile().unwrap()).unwrap(), None);
        assert_eq!(refuse(File::open("/proc/self/status").unwrap()), Err(Errno::Perm.into()));
    }
}
