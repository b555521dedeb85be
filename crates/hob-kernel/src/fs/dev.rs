//! Devices: their numbers, and `/dev`.

use std::any::Any;
use std::sync::{Arc, Weak};

use hob_os::{Errno, Result};

use crate::Kernel;
use crate::fs::mem::{MemConfig, MemFs};
use crate::fs::{Attributes, Entry, Kind, New, Node, NodeId, NodeRef, Stat};
use crate::time::Clock;

/// The number of a device, as Linux packs it: 12 bits of major, 20 of minor. What does not fit is cut off.
#[must_use]
pub const fn device_number(major: u32, minor: u32) -> u64 {
    ((major as u64) << 8 & 0xf_ff00) | (minor as u64 & 0xff) | ((minor as u64 & 0xf_ff00) << 12)
}

/// The major number of a device.
#[must_use]
pub fn major(device: u64) -> u32 {
    u32::try_from((device >> 8) & 0xfff).unwrap_or(0)
}

/// The minor number of a device.
#[must_use]
pub fn minor(device: u64) -> u32 {
    u32::try_from((device & 0xff) | ((device >> 12) & 0xf_ff00)).unwrap_or(0)
}

/// Nothing to read; writes vanish.
pub const NULL: u64 = device_number(1, 3);
/// Zeros without end.
pub const ZERO: u64 = device_number(1, 5);
/// Zeros to read; no room to write.
pub const FULL: u64 = device_number(1, 7);
/// Randomness, as granted.
pub const RANDOM: u64 = device_number(1, 8);
/// Randomness, as granted.
pub const URANDOM: u64 = device_number(1, 9);
/// The controlling terminal of whoever opens it.
pub const TTY: u64 = device_number(5, 0);
/// Opening it makes a new terminal.
pub const PTMX: u64 = device_number(5, 2);
/// The major number of the other ends of terminals; the minor one is the terminal's own.
pub const PTS_MAJOR: u32 = 136;

/// The device of the end of a terminal that programs use.
#[must_use]
pub const fn terminal(number: u32) -> u64 {
    device_number(PTS_MAJOR, number)
}

/// What is in `/dev`, with permission bits.
const DEVICES: [(&str, u64); 7] = [
    ("full", FULL),
    ("null", NULL),
    ("ptmx", PTMX),
    ("random", RANDOM),
    ("tty", TTY),
    ("urandom", URANDOM),
    ("zero", ZERO),
];

/// Names that lead to what a process has open.
const LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stderr", "/proc/self/fd/2"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
];

/// The tree of `/dev`. Where terminals are, an empty directory waits for [`terminals`] to be mounted.
pub fn tree(device: u64, clock: Clock) -> Result<NodeRef> {
    let fs = MemFs::new(MemConfig { device, bytes_max: 1 << 16, inodes_max: 64, clock, ledger: None })?;
    let root = fs.root();
    for (name, number) in DEVICES {
        root.make(name.as_bytes(), New::Character(number), Attributes { mode: 0o666, uid: 0, gid: 0 })?;
    }
    for (name, target) in LINKS {
        let attributes = Attributes { mode: 0o777, uid: 0, gid: 0 };
        root.make(name.as_bytes(), New::Link(target.as_bytes()), attributes)?;
    }
    root.make(b"pts", New::Directory, Attributes { mode: 0o755, uid: 0, gid: 0 })?;
    root.make(b"shm", New::Directory, Attributes { mode: 0o1777, uid: 0, gid: 0 })?;
    Ok(root)
}

/// The directory of terminals.
#[must_use]
pub fn terminals(device: u64, kernel: &Arc<Kernel>) -> NodeRef {
    Arc::new(Pts { device, kernel: Arc::downgrade(kernel), number: None })
}

/// The directory of terminals, or one of them.
struct Pts {
    device: u64,
    kernel: Weak<Kernel>,
    number: Option<u32>,
}

impl std::fmt::Debug for Pts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pts").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Node for Pts {
    fn id(&self) -> NodeId {
        NodeId { device: self.device, inode: self.number.map_or(1, |number| u64::from(number) + 3) }
    }

    fn kind(&self) -> Kind {
        if self.number.is_some() { Kind::Character } else { Kind::Directory }
    }

    fn stat(&self) -> Result<Stat> {
        let kernel = self.kernel.upgrade().ok_or(Errno::Io)?;
        let now = crate::wait::lock(&kernel.clock).peek(hob_os::ClockId::Realtime);
        Ok(Stat {
            id: self.id(),
            kind: self.kind(),
            mode: if self.number.is_some() { 0o620 } else { 0o755 },
            links: 1,
            uid: if self.number.is_some() { crate::process::identity::USER } else { 0 },
            gid: 0,
            device: self.number.map_or(0, terminal),
            size: 0,
            blocks: 0,
            accessed: now,
            modified: now,
            changed: now,
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn read_only(&self) -> bool {
        self.number.is_none()
    }

    fn lookup(&self, name: &[u8]) -> Result<NodeRef> {
        if self.number.is_some() {
            return Err(Errno::NotDir.into());
        }
        let kernel = self.kernel.upgrade().ok_or(Errno::Io)?;
        let number: u32 =
            std::str::from_utf8(name).ok().and_then(|text| text.parse().ok()).ok_or(Errno::Noent)?;
        kernel.terminals().get(number).ok_or(Errno::Noent)?;
        Ok(Arc::new(Self { device: self.device, kernel: Weak::clone(&self.kernel), number: Some(number) }))
    }

    fn list(&self, from: u64, sink: &mut dyn FnMut(Entry<'_>) -> bool) -> Result<()> {
        if self.number.is_some() {
            return Err(Errno::NotDir.into());
        }
        let kernel = self.kernel.upgrade().ok_or(Errno::Io)?;
        for number in kernel.terminals().numbers() {
            let next = u64::from(number) + 4;
            let entry = Entry {
                next,
                inode: u64::from(number) + 3,
                kind: Kind::Character,
                name: &number.to_string().into_bytes(),
            };
            if next > from && !sink(entry) {
                break;
            }
        }
        Ok(())
    }
}
