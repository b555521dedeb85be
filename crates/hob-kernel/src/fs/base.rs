//! The tree that is there before anybody wrote anything: directories, accounts, names.

use hob_os::Result;

use crate::fs::mem::{MemConfig, MemFs};
use crate::fs::{Attributes, New, NodeRef};
use crate::process::identity::USER;
use crate::time::Clock;

/// Room for what is in it.
const BYTES_MAX: u64 = 1 << 20;
const OBJECTS_MAX: u64 = 256;

/// The home of the user.
pub const HOME: &str = "/home/user";

/// Directories that are not owned by root, or not for everyone to read.
const DIRECTORIES: [(&str, u16, u32); 24] = [
    ("bin", 0o755, 0),
    ("dev", 0o755, 0),
    ("etc", 0o755, 0),
    ("home", 0o755, 0),
    ("home/user", 0o755, USER),
    ("mnt", 0o755, 0),
    ("opt", 0o755, 0),
    ("proc", 0o555, 0),
    ("root", 0o700, 0),
    ("run", 0o755, 0),
    ("sbin", 0o755, 0),
    ("srv", 0o755, 0),
    ("tmp", 0o1777, 0),
    ("usr", 0o755, 0),
    ("usr/lib", 0o755, 0),
    ("usr/local", 0o755, USER),
    ("usr/local/bin", 0o755, USER),
    ("usr/local/sbin", 0o755, USER),
    ("usr/share", 0o755, 0),
    ("usr/sbin", 0o755, 0),
    ("var", 0o755, 0),
    ("var/log", 0o755, 0),
    ("var/run", 0o755, 0),
    ("var/tmp", 0o1777, 0),
];

/// The tree, for a session that calls itself `hostname`.
pub fn tree(device: u64, clock: Clock, hostname: &str) -> Result<NodeRef> {
    let fs =
        MemFs::new(MemConfig { device, bytes_max: BYTES_MAX, inodes_max: OBJECTS_MAX, clock, ledger: None })?;
    let root = fs.root();
    for (path, mode, owner) in DIRECTORIES {
        let attributes = Attributes { mode, uid: owner, gid: owner };
        let (dir, name) = parent(&root, path)?;
        dir.make(name.as_bytes(), New::Directory, attributes)?;
    }
    let (usr, _) = parent(&root, "usr/bin")?;
    usr.make(b"bin", New::Link(b"../bin"), Attributes { mode: 0o777, uid: 0, gid: 0 })?;
    let files = [
        ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n".to_owned()),
        ("etc/group", "root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n".to_owned()),
        ("etc/hostname", format!("{hostname}\n")),
        ("etc/hosts", format!("127.0.0.1\tlocalhost {hostname}\n::1\tlocalhost {hostname}\n")),
        ("etc/shells", "/bin/sh\n/bin/bash\n".to_owned()),
        ("etc/profile", String::new()),
        ("etc/resolv.conf", String::new()),
        ("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n".to_owned()),
        ("etc/os-release", "NAME=hob\nID=hob\nPRETTY_NAME=hob\n".to_owned()),
    ];
    for (path, text) in files {
        let (dir, name) = parent(&root, path)?;
        let node = dir.make(name.as_bytes(), New::File, Attributes { mode: 0o644, uid: 0, gid: 0 })?;
        node.open(true)?.write_at(text.as_bytes(), 0)?;
    }
    Ok(root)
}

/// The directory a path lies in, and its last name.
fn parent<'a>(root: &NodeRef, path: &'a str) -> Result<(NodeRef, &'a str)> {
    let Some((dirs, name)) = path.rsplit_once('/') else { return Ok((root.clone(), path)) };
    let mut at = root.clone();
    for dir in dirs.split('/') {
        at = at.lookup(dir.as_bytes())?;
    }
    Ok((at, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Kind;

    #[test]
    fn there_is_a_home_and_a_place_for_everyone() {
        let root = tree(1, Clock::still(0), "box").unwrap();
        let home = root.lookup(b"home").unwrap().lookup(b"user").unwrap().stat().unwrap();
        assert_eq!((home.kind, home.uid, home.mode), (Kind::Directory, USER, 0o755));
        assert_eq!(root.lookup(b"tmp").unwrap().stat().unwrap().mode, 0o1777);
        assert_eq!(root.lookup(b"usr").unwrap().lookup(b"bin").unwrap().read_link().unwrap(), b"../bin");
    }
}
