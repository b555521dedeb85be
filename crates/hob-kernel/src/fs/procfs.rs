//! Processes as files: `/proc`.
//!
//! Text is made when it is opened, so that one reader sees one moment. What a process may not know of another is what
//! another user's process may not know: its environment, its directories, its descriptors.

use std::any::Any;
use std::fmt::Write as _;
use std::sync::{Arc, Weak};

use hob_os::{Errno, Result};

use crate::Kernel;
use crate::fd::{Description, Object};
use crate::fs::walk::Place;
use crate::fs::{Entry, File, Kind, Node, NodeId, NodeRef, Stat};
use crate::process::{Proc, Process};
use crate::wait::lock;

/// Where following a link leads.
pub(crate) enum Jump {
    /// To this text.
    Text(Vec<u8>),
    /// To this place, whatever its path is called now.
    Place(Arc<Place>),
    /// Nowhere: it stands for something open that has no place.
    Stays,
}

/// The root of `/proc`.
#[must_use]
pub fn root(device: u64, kernel: &Arc<Kernel>) -> NodeRef {
    Arc::new(Entity { device, kernel: Arc::downgrade(kernel), what: What::Root })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Root,
    Me,
    Mounts,
    Text(usize),
    Process(u32),
    Of(u32, usize),
    Link(u32, usize),
    Descriptors(u32),
    Descriptor(u32, u32),
}

/// Files of the root, besides processes.
const TEXTS: [&str; 8] =
    ["cpuinfo", "filesystems", "loadavg", "meminfo", "stat", "uptime", "version", "vmstat"];

/// Files of a process.
const OF: [&str; 6] = ["cmdline", "comm", "environ", "mounts", "stat", "status"];

/// Links of a process.
const LINKS: [&str; 3] = ["cwd", "exe", "root"];

struct Entity {
    device: u64,
    kernel: Weak<Kernel>,
    what: What,
}

impl std::fmt::Debug for Entity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entity").field("what", &self.what).finish_non_exhaustive()
    }
}

/// Where a link leads for the process `me`.
pub(crate) fn jump(node: &NodeRef, me: u32) -> Result<Jump> {
    let Some(entity) = node.as_any().downcast_ref::<Entity>() else {
        return Ok(Jump::Text(node.read_link()?));
    };
    match entity.what {
        What::Link(pid, index) => Ok(Jump::Place(entity.linked(pid, index, me)?)),
        What::Descriptor(pid, fd) => {
            let description = entity.description(pid, fd, me)?;
            match &description.object {
                Object::Directory(place) => Ok(Jump::Place(Arc::clone(place))),
                _ => Ok(Jump::Stays),
            }
        }
        _ => Ok(Jump::Text(text(node, me)?.ok_or(Errno::Inval)?)),
    }
}

/// What a link of `/proc` shows to the process `me`; `None` for any other node.
pub(crate) fn text(node: &NodeRef, me: u32) -> Result<Option<Vec<u8>>> {
    let Some(entity) = node.as_any().downcast_ref::<Entity>() else { return Ok(None) };
    Ok(Some(match entity.what {
        What::Me => me.to_string().into_bytes(),
        What::Mounts => b"self/mounts".to_vec(),
        What::Link(pid, index) => entity.linked(pid, index, me)?.path(),
        What::Descriptor(pid, fd) => named(&*entity.description(pid, fd, me)?),
        _ => return Err(Errno::Inval.into()),
    }))
}

/// What a node of `/proc` stands for that something else has open.
pub(crate) fn descriptor(node: &NodeRef, process: &Process) -> Result<Option<Arc<Description>>> {
    match node.as_any().downcast_ref::<Entity>() {
        Some(entity) => match entity.what {
            What::Descriptor(pid, fd) => Ok(Some(entity.description(pid, fd, process.pid())?)),
            _ => Ok(None),
        },
        None => Ok(None),
    }
}

fn named(description: &Description) -> Vec<u8> {
    match (&description.place, &description.object) {
        (Some(place), _) => place.path(),
        (None, Object::Socket(_)) => format!("socket:[{}]", description.id).into_bytes(),
        (None, Object::Terminal(slave)) => format!("/dev/pts/{}", slave.terminal().number()).into_bytes(),
        (None, Object::Master(_)) => b"/dev/ptmx".to_vec(),
        (None, _) => format!("pipe:[{}]", description.id).into_bytes(),
    }
}

impl Entity {
    fn kernel(&self) -> Result<Arc<Kernel>> {
        self.kernel.upgrade().ok_or(Errno::Io.into())
    }

    fn with(&self, what: What) -> NodeRef {
        Arc::new(Self { device: self.device, kernel: Weak::clone(&self.kernel), what })
    }

    fn proc(&self, pid: u32) -> Result<Arc<Proc>> {
        lock(&self.kernel()?.family).get(pid).cloned().ok_or(Errno::Noent.into())
    }

    /// The process `pid`, if `me` may know everything about it.
    fn open_book(&self, pid: u32, me: u32) -> Result<Arc<Proc>> {
        let proc = self.proc(pid)?;
        if pid != me {
            let mine = lock(&self.proc(me)?.state).who.clone();
            let theirs = lock(&proc.state).who.clone();
            if !(mine.is_root() || mine.user == theirs.user) {
                return Err(Errno::Acces.into());
            }
        }
        Ok(proc)
    }

    fn linked(&self, pid: u32, index: usize, me: u32) -> Result<Arc<Place>> {
        let proc = self.open_book(pid, me)?;
        let state = lock(&proc.state);
        match LINKS.get(index) {
            Some(&"cwd") => Ok(Arc::clone(&state.cwd)),
            Some(&"exe") => state.exe.clone().ok_or(Errno::Noent.into()),
            _ => Ok(Arc::clone(&self.kernel()?.tree.root)),
        }
    }

    fn description(&self, pid: u32, fd: u32, me: u32) -> Result<Arc<Description>> {
        let proc = self.open_book(pid, me)?;
        let descriptors = lock(&proc.descriptors);
        descriptors.get(fd).map(|one| Arc::clone(&one.description)).map_err(|_| Errno::Noent.into())
    }

    fn inode(&self) -> u64 {
        let small = |index: usize| u64::try_from(index).unwrap_or(u64::MAX);
        match self.what {
            What::Root => 1,
            What::Me => 2,
            What::Mounts => 3,
            What::Text(index) => 4 + small(index),
            What::Process(pid) => u64::from(pid) << 32 | 1,
            What::Descriptors(pid) => u64::from(pid) << 32 | 2,
            What::Of(pid, index) => u64::from(pid) << 32 | (16 + small(index)),
            What::Link(pid, index) => u64::from(pid) << 32 | (64 + small(index)),
            What::Descriptor(pid, fd) => u64::from(pid) << 32 | (1 << 20) | u64::from(fd),
        }
    }

    /// Everything below, with the kind of each.
    fn entries(&self) -> Result<Vec<(Vec<u8>, Self)>> {
        let one = |name: &str, what| {
            (name.as_bytes().to_vec(), Self { device: self.device, kernel: Weak::clone(&self.kernel), what })
        };
        Ok(match self.what {
            What::Root => {
                let mut all = vec![one("self", What::Me), one("mounts", What::Mounts)];
                all.extend(TEXTS.iter().enumerate().map(|(index, name)| one(name, What::Text(index))));
                let numbers: Vec<u32> = lock(&self.kernel()?.family).numbers().collect();
                all.extend(numbers.into_iter().map(|pid| one(&pid.to_string(), What::Process(pid))));
                all
            }
            What::Process(pid) => {
                let mut all = vec![one("fd", What::Descriptors(pid))];
                all.extend(OF.iter().enumerate().map(|(index, name)| one(name, What::Of(pid, index))));
                all.extend(LINKS.iter().enumerate().map(|(index, name)| one(name, What::Link(pid, index))));
                all
            }
            What::Descriptors(pid) => {
                let proc = self.proc(pid)?;
                let numbers: Vec<u32> = lock(&proc.descriptors).iter().map(|(fd, _)| fd).collect();
                numbers.into_iter().map(|fd| one(&fd.to_string(), What::Descriptor(pid, fd))).collect()
            }
            _ => return Err(Errno::NotDir.into()),
        })
    }

    fn content(&self) -> Result<Vec<u8>> {
        let kernel = self.kernel()?;
        match self.what {
            What::Text(index) => Ok(general(&kernel, TEXTS.get(index).copied().unwrap_or_default())),
            What::Of(pid, index) => {
                let proc = self.proc(pid)?;
                of_process(&kernel, &proc, OF.get(index).copied().unwrap_or_default())
            }
            _ => Err(Errno::Inval.into()),
        }
    }
}

impl Node for Entity {
    fn id(&self) -> NodeId {
        NodeId { device: self.device, inode: self.inode() }
    }

    fn kind(&self) -> Kind {
        match self.what {
            What::Root | What::Process(_) | What::Descriptors(_) => Kind::Directory,
            What::Me | What::Mounts | What::Link(..) | What::Descriptor(..) => Kind::Link,
            What::Text(_) | What::Of(..) => Kind::File,
        }
    }

    fn stat(&self) -> Result<Stat> {
        let owner = match self.what {
            What::Process(pid)
            | What::Of(pid, _)
            | What::Link(pid, _)
            | What::Descriptors(pid)
            | What::Descriptor(pid, _) => {
                let proc = self.proc(pid)?;
                let who = &lock(&proc.state).who;
                (who.euid(), who.egid())
            }
            _ => (0, 0),
        };
        let mode = match (self.kind(), self.what) {
            (Kind::Link, _) => 0o777,
            (_, What::Descriptors(_)) => 0o500,
            (Kind::Directory, _) => 0o555,
            // The environment is its owner's alone.
            (_, What::Of(_, index)) if OF.get(index) == Some(&"environ") => 0o400,
            _ => 0o444,
        };
        let now = lock(&self.kernel()?.clock).peek(hob_os::ClockId::Realtime);
        Ok(Stat {
            id: self.id(),
            kind: self.kind(),
            mode,
            links: if self.kind() == Kind::Directory { 2 } else { 1 },
            uid: owner.0,
            gid: owner.1,
            device: 0,
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

    fn open(self: Arc<Self>, write: bool) -> Result<Arc<dyn File>> {
        if self.kind() == Kind::Directory {
            return Err(Errno::IsDir.into());
        }
        if write {
            return Err(Errno::Acces.into());
        }
        Ok(Arc::new(Text(self.content()?)))
    }

    fn lookup(&self, name: &[u8]) -> Result<NodeRef> {
        if self.kind() != Kind::Directory {
            return Err(Errno::NotDir.into());
        }
        let found = self.entries()?.into_iter().find(|(own, _)| own == name);
        found.map(|(_, entity)| self.with(entity.what)).ok_or(Errno::Noent.into())
    }

    fn list(&self, from: u64, sink: &mut dyn FnMut(Entry<'_>) -> bool) -> Result<()> {
        let from = from.max(3);
        for ((name, entity), next) in self.entries()?.iter().zip(4..) {
            let entry = Entry { next, inode: entity.inode(), kind: entity.kind(), name };
            if next > from && !sink(entry) {
                break;
            }
        }
        Ok(())
    }
}

/// Text made when it was opened.
#[derive(Debug)]
struct Text(Vec<u8>);

impl File for Text {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = self.0.get(start..).unwrap_or_default();
        let len = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..len), rest.get(..len)) {
            to.copy_from_slice(from);
        }
        Ok(len)
    }

    fn size(&self) -> Result<u64> {
        Ok(u64::try_from(self.0.len()).unwrap_or(u64::MAX))
    }
}

/// Ticks of the clock in a second, in which `/proc` counts.
const TICKS: u64 = 100;

fn general(kernel: &Kernel, name: &str) -> Vec<u8> {
    let monotonic = lock(&kernel.clock).peek(hob_os::ClockId::Monotonic);
    let (seconds, hundredths) = (monotonic / 1_000_000_000, monotonic / 10_000_000 % 100);
    let ledger = kernel.ledger();
    let kib = |bytes: u64| bytes / 1024;
    let (allowed, used) = (ledger.allowed(hob_cap::Limit::Memory), ledger.used(hob_cap::Limit::Memory));
    let processes = lock(&kernel.family).all().count();
    match name {
        "cpuinfo" => "processor\t: 0\nvendor_id\t: hob\nmodel name\t: WebAssembly\n\n".into(),
        "filesystems" => "nodev\tproc\nnodev\ttmpfs\nnodev\toverlay\nnodev\thost\n".into(),
        "loadavg" => format!("0.00 0.00 0.00 {processes}/{processes} {processes}\n").into_bytes(),
        "meminfo" => format!(
            "MemTotal:{:>12} kB\nMemFree:{:>13} kB\nMemAvailable:{:>8} kB\nBuffers:{:>13} kB\nCached:{:>14} kB\nSwapTotal:{:>11} kB\nSwapFree:{:>12} kB\n",
            kib(allowed), kib(allowed.saturating_sub(used)), kib(allowed.saturating_sub(used)), 0, 0, 0, 0
        )
        .into_bytes(),
        "stat" => format!("cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\nbtime 0\nprocesses {processes}\nprocs_running 1\n").into_bytes(),
        "uptime" => format!("{seconds}.{hundredths:02} 0.00\n").into_bytes(),
        "version" => format!("Linux version 6.0.0-hob ({}) wasm32\n", kernel.hostname()).into_bytes(),
        _ => Vec::new(),
    }
}

fn of_process(kernel: &Kernel, proc: &Proc, name: &str) -> Result<Vec<u8>> {
    let parent = lock(&kernel.family).parent(proc.pid).unwrap_or(0);
    let state = lock(&proc.state);
    let joined =
        |strings: &[Vec<u8>]| strings.iter().flat_map(|one| one.iter().chain(&[0])).copied().collect();
    let comm: Vec<u8> = state
        .args
        .first()
        .and_then(|name| name.rsplit(|byte| *byte == b'/').next())
        .map(|name| name.iter().take(15).copied().collect())
        .unwrap_or_default();
    let letter = match (state.status, state.stopped) {
        (Some(_), _) => 'Z',
        (None, Some(_)) => 'T',
        (None, None) => 'S',
    };
    let shown = String::from_utf8_lossy(&comm).into_owned();
    Ok(match name {
        "cmdline" => joined(&state.args),
        "environ" => joined(&state.env),
        "comm" => [comm.as_slice(), b"\n"].concat(),
        "mounts" => {
            drop(state);
            mounts(kernel)
        }
        "stat" => {
            let ticks =
                u64::try_from(proc.started.elapsed().as_millis()).unwrap_or(u64::MAX) / (1000 / TICKS);
            format!(
                "{} ({shown}) {letter} {parent} {} {} 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {ticks} 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
                proc.pid, proc.group(), proc.session()
            )
            .into_bytes()
        }
        _ => {
            let word = match letter {
                'Z' => "zombie",
                'T' => "stopped",
                _ => "sleeping",
            };
            let three = |ids: [u32; 3]| format!("{}\t{}\t{}\t{}", ids[0], ids[1], ids[2], ids[1]);
            let mut text = format!(
                "Name:\t{shown}\nUmask:\t{:04o}\nState:\t{letter} ({word})\nTgid:\t{pid}\nPid:\t{pid}\nPPid:\t{parent}\nUid:\t{}\nGid:\t{}\nGroups:\t",
                state.umask,
                three(state.who.user),
                three(state.who.group),
                pid = proc.pid
            );
            for group in &state.who.groups {
                let _infallible = write!(text, "{group} ");
            }
            let _infallible = write!(
                text,
                "\nThreads:\t1\nSigPnd:\t{:016x}\nSigBlk:\t{:016x}\n",
                state.signals.pending, state.signals.mask
            );
            text.into_bytes()
        }
    })
}

fn mounts(kernel: &Kernel) -> Vec<u8> {
    let escaped = |path: &[u8]| {
        let mut text = String::new();
        for byte in path {
            match byte {
                b' ' | b'\t' | b'\n' | b'\\' => {
                    let _infallible = write!(text, "\\{byte:03o}");
                }
                _ => text.push(char::from(*byte)),
            }
        }
        text
    };
    let mut text = String::from("overlay / overlay rw 0 0\n");
    for mount in kernel.tree.mounts() {
        let access = if mount.read_only || mount.root.read_only() { "ro" } else { "rw" };
        let source = escaped(mount.source.as_bytes());
        let _infallible = writeln!(text, "{source} {} {} {access} 0 0", escaped(&mount.path), mount.kind);
    }
    text.into_bytes()
}
