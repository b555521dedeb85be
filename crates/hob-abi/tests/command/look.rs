//! Everything about a process that a call which failed must leave as it was.

use hob_cap::Limit;
use hob_kernel::fs::{Kind, NodeRef};
use hob_kernel::process::{Identity, Process};

/// What was seen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Number, what it stands for, whether it is closed in another program, what is there to read.
    descriptors: Vec<(u32, u64, bool, u64)>,
    files: Vec<String>,
    used: [u64; 2],
    who: Identity,
    umask: u16,
    mask: u64,
    cwd: Vec<u8>,
    group: u32,
    limits: Vec<(u64, u64)>,
    alarm: bool,
    position: Option<u64>,
}

impl Look {
    pub(crate) fn at(process: &Process) -> Self {
        let descriptors = (0..1024).filter_map(|fd| {
            let one = process.descriptor(fd).ok()?;
            let waiting = one.description.stream().map_or(0, |stream| stream.ready().bytes);
            Some((fd, one.description.id, one.close_on_exec, waiting))
        });
        let ledger = process.kernel().ledger();
        let mut files = Vec::new();
        for place in ["home", "tmp"] {
            let node = process.kernel().tree().root.node.lookup(place.as_bytes()).unwrap();
            list(place, &node, &mut files);
        }
        Self {
            descriptors: descriptors.collect(),
            files,
            used: [Limit::OpenFiles, Limit::Processes].map(|limit| ledger.used(limit)),
            who: process.identity(),
            umask: process.umask(None),
            mask: process.mask(None),
            cwd: process.cwd().path(),
            group: process.proc().group(),
            limits: (0..10).map(|resource| process.resource_limit(resource).unwrap()).collect(),
            alarm: process.alarm().0.is_zero(),
            position: process.seek(3, std::io::SeekFrom::Current(0)).ok(),
        }
    }
}

fn list(path: &str, node: &NodeRef, to: &mut Vec<String>) {
    let stat = node.stat().unwrap();
    let attributes: Vec<_> = node.attributes().unwrap_or_default();
    let content = match stat.kind {
        Kind::File => {
            let file = node.clone().open(false).unwrap();
            let mut bytes = vec![0; 64];
            let done = file.read_at(&mut bytes, 0).unwrap();
            String::from_utf8_lossy(&bytes[..done]).into_owned()
        }
        Kind::Link => String::from_utf8_lossy(&node.read_link().unwrap()).into_owned(),
        _ => String::new(),
    };
    let (mode, uid, gid, size, links) = (stat.mode, stat.uid, stat.gid, stat.size, stat.links);
    to.push(format!("{path} {:?} {mode:o} {uid}:{gid} {size} {links} {content:?} {attributes:?}", stat.kind));
    if stat.kind == Kind::Directory {
        let mut names = Vec::new();
        node.list(0, &mut |entry| {
            names.push(entry.name.to_vec());
            true
        })
        .unwrap();
        names.sort();
        for name in names {
            let child = node.lookup(&name).unwrap();
            list(&format!("{path}/{}", String::from_utf8_lossy(&name)), &child, to);
        }
    }
}
