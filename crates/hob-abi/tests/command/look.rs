//! Everything about a process that a call which failed must leave as it was.

use hob_cap::Limit;
use hob_kernel::fs::{Kind, NodeRef};
use hob_kernel::process::Process;

/// What was seen, a line for each thing.
pub(crate) struct Look {
    lines: Vec<String>,
    processes: u64,
}

impl Look {
    pub(crate) fn at(process: &Process) -> Self {
        let mut lines = Vec::new();
        for fd in 0..1024 {
            let Ok(one) = process.descriptor(fd) else { continue };
            let (what, waiting) = (one.description.id, one.description.stream().map(|one| one.ready().bytes));
            let (close, flags) = (one.close_on_exec, one.description.flags());
            lines.push(format!("descriptor {fd}: {what} {close} {flags:?} with {waiting:?}"));
        }
        for place in ["home", "tmp"] {
            let node = process.kernel().tree().root.node.lookup(place.as_bytes()).unwrap();
            list(place, &node, &mut lines);
        }
        for resource in 0..10 {
            lines.push(format!("limit {resource}: {:?}", process.resource_limit(resource).unwrap()));
        }
        let ledger = process.kernel().ledger();
        lines.push(format!("open: {}", ledger.used(Limit::OpenFiles)));
        lines.push(format!("who: {:?}", process.identity()));
        lines.push(format!("masks: {:o} {:x}", process.umask(None), process.mask(None)));
        lines.push(format!("where: {}", String::from_utf8_lossy(&process.cwd().path())));
        lines.push(format!("group: {}", process.proc().group()));
        lines.push(format!("alarm: {}", process.alarm().0.is_zero()));
        let position = process.seek(3, std::io::SeekFrom::Current(0)).ok();
        lines.push(format!("position: {position:?}"));
        let terminal =
            process.terminal(0, |control| Ok((control.size()?, control.attributes()?.basic().flags)));
        lines.push(format!("terminal: {:?}", terminal.ok()));
        Self { lines, processes: ledger.used(Limit::Processes) }
    }

    /// Says what is different later. A process that ended by itself is none.
    pub(crate) fn changes(&self, later: &Self) -> Vec<String> {
        let only = |here: &Self, there: &Self| {
            let lines = here.lines.iter().filter(|line| !there.lines.contains(line));
            lines.cloned().collect::<Vec<_>>()
        };
        let mut changes = [only(self, later), only(later, self)].concat();
        if later.processes > self.processes {
            changes.push(format!("{} processes", later.processes));
        }
        changes
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
