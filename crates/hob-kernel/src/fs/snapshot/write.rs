//! From a tree to an archive.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use hob_os::OsError;

use super::header::{Header, LARGE_MAX, SMALL_MAX, device_parts, fits, kind, padding};
use super::records::Records;
use super::{OPAQUE, PAGE, PATH_BYTES_MAX, SnapshotError, WHITEOUT, length};
use crate::fs::overlay::{OPAQUE_ATTRIBUTE, ORIGIN_ATTRIBUTE, is_whiteout};
use crate::fs::{File, Kind, NodeId, NodeRef, Stat};

/// Bytes read at once: a number of pages.
const READ_BYTES: usize = 64 << 10;

/// Writes a tree. Nobody should change it meanwhile; if somebody does, the archive is still one.
///
/// # Errors
///
/// Those of `to`; those of the tree; a path longer than [`PATH_BYTES_MAX`], or with a NUL in it.
pub fn write(root: &NodeRef, to: &mut dyn Write) -> Result<(), SnapshotError> {
    let mut writer = Writer { to, offset: 0, links: HashMap::new() };
    let mut ways = vec![(Vec::new(), root.clone())];
    while let Some((path, node)) = ways.pop() {
        writer.entry(&path, &node)?;
        if node.kind() != Kind::Directory {
            continue;
        }
        let mut names = Vec::new();
        let listed = node.list(0, &mut |entry| {
            names.push(entry.name.to_vec());
            true
        });
        writer.tree(listed)?;
        // The last is taken first.
        names.sort_unstable_by(|one, other| other.cmp(one));
        for name in names {
            let below = if path.is_empty() { name.clone() } else { [&path, b"/".as_slice(), &name].concat() };
            if below.len() > PATH_BYTES_MAX || name.contains(&0) || name.contains(&b'/') {
                return Err(writer.malformed("a path has at most 4096 bytes, and no NUL or `/` in its names"));
            }
            let child = writer.tree(node.lookup(&name))?;
            ways.push((below, child));
        }
    }
    writer.put(&[0; 1024])
}

struct Writer<'a> {
    to: &'a mut dyn Write,
    offset: u64,
    /// Where objects with several names are in the archive.
    links: HashMap<NodeId, Vec<u8>>,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.to.write_all(bytes)?;
        self.offset = self.offset.saturating_add(length(bytes));
        Ok(())
    }

    fn pad(&mut self, size: u64) -> Result<(), SnapshotError> {
        let padding = usize::try_from(padding(size)).unwrap_or(0);
        self.put([0; 512].get(..padding).unwrap_or_default())
    }

    fn tree<T>(&self, done: Result<T, OsError>) -> Result<T, SnapshotError> {
        done.map_err(|error| SnapshotError::Tree { offset: self.offset, error })
    }

    fn malformed(&self, rule: &'static str) -> SnapshotError {
        SnapshotError::Malformed { offset: self.offset, rule }
    }

    fn entry(&mut self, path: &[u8], node: &NodeRef) -> Result<(), SnapshotError> {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        if self.tree(is_whiteout(node))? {
            return self.mark(path, name);
        }
        let stat = self.tree(node.stat())?;
        let mut records = Records::default();
        if name.starts_with(WHITEOUT) {
            records.set("HOB.kind", "literal");
        }
        let mut header = Header { name: path.to_vec(), mode: stat.mode.into(), ..Header::default() };
        if stat.links > 1 && stat.kind != Kind::Directory {
            if let Some(first) = self.links.get(&stat.id) {
                header.target.clone_from(first);
                header.kind = kind::HARD;
                return self.header(header, records);
            }
            self.links.insert(stat.id, path.to_vec());
        }
        let opaque = self.attributes(node, &mut records)?;
        header.kind = match stat.kind {
            Kind::File => return self.file(header, records, &stat, node),
            Kind::Directory => {
                header.name = if path.is_empty() { b"./".to_vec() } else { [path, b"/"].concat() };
                kind::DIRECTORY
            }
            Kind::Link => {
                header.target = self.tree(node.read_link())?;
                kind::LINK
            }
            Kind::Fifo => kind::FIFO,
            Kind::Character | Kind::Block => {
                match device_parts(stat.device) {
                    Some((major, minor)) => (header.major, header.minor) = (major, minor),
                    None => records.set("HOB.device", stat.device.to_string()),
                }
                if stat.kind == Kind::Block { kind::BLOCK } else { kind::CHARACTER }
            }
            Kind::Socket => {
                records.set("HOB.kind", "socket");
                kind::FIFO
            }
        };
        let inside = header.name.clone();
        self.owned(header, records, &stat)?;
        if opaque {
            let mark = if path.is_empty() { OPAQUE.to_vec() } else { [&inside, OPAQUE].concat() };
            return self
                .header(Header { name: mark, kind: kind::FILE, ..Header::default() }, Records::default());
        }
        Ok(())
    }

    /// A name that is hidden.
    fn mark(&mut self, path: &[u8], name: &[u8]) -> Result<(), SnapshotError> {
        let mut records = Records::default();
        if name.starts_with(WHITEOUT) {
            records.set("HOB.kind", "whiteout");
        }
        let above = path.strip_suffix(name).unwrap_or_default();
        let name = [above, WHITEOUT, name].concat();
        self.header(Header { name, kind: kind::FILE, ..Header::default() }, records)
    }

    /// Puts the attributes into the records. Says whether the directory is opaque.
    fn attributes(&self, node: &NodeRef, records: &mut Records) -> Result<bool, SnapshotError> {
        let names = match node.attributes() {
            Err(error) if error.errno() == hob_os::Errno::NotSup => Vec::new(),
            names => self.tree(names)?,
        };
        let mut opaque = false;
        for name in names.into_iter().filter(|name| name != ORIGIN_ATTRIBUTE) {
            let value = self.tree(node.attribute(&name))?;
            if name == OPAQUE_ATTRIBUTE && value == b"y" && node.kind() == Kind::Directory {
                opaque = true;
            } else {
                records.set_attribute(&name, value);
            }
        }
        Ok(opaque)
    }

    /// A header with owner and time.
    fn owned(&mut self, mut header: Header, mut records: Records, stat: &Stat) -> Result<(), SnapshotError> {
        (header.uid, header.gid) = (stat.uid.into(), stat.gid.into());
        for (keyword, id) in [("uid", header.uid), ("gid", header.gid)] {
            if id > SMALL_MAX {
                records.set(keyword, id.to_string());
            }
        }
        let (seconds, nanos) = (stat.modified / 1_000_000_000, stat.modified % 1_000_000_000);
        header.modified = seconds;
        if nanos > 0 || seconds > LARGE_MAX {
            records.set("mtime", format!("{seconds}.{nanos:09}"));
        }
        self.header(header, records)
    }

    /// A header after the records for what does not fit into it.
    fn header(&mut self, header: Header, mut records: Records) -> Result<(), SnapshotError> {
        if !fits(&header.name) {
            records.set("path", &header.name);
        }
        if !fits(&header.target) {
            records.set("linkpath", &header.target);
        }
        if header.size > LARGE_MAX {
            records.set("size", header.size.to_string());
        }
        if !records.is_empty() {
            let bytes = records.bytes();
            let size = length(&bytes);
            let before = Header {
                name: b"PaxHeaders".to_vec(),
                mode: 0o644,
                size,
                kind: kind::RECORDS,
                ..Header::default()
            };
            self.put(&before.block())?;
            self.put(&bytes)?;
            self.pad(size)?;
        }
        self.put(&header.block())
    }

    fn file(
        &mut self,
        mut header: Header,
        mut records: Records,
        stat: &Stat,
        node: &NodeRef,
    ) -> Result<(), SnapshotError> {
        let open = self.tree(node.clone().open(false))?;
        let size = self.tree(open.size())?;
        let runs = self.runs(&open, size)?;
        let stored: u64 = runs.iter().map(|(start, end)| end - start).sum();
        header.kind = kind::FILE;
        header.size = stored;
        let mut map = Vec::new();
        if stored < size {
            // GNU tar takes the end of the last run for that of the file, so an empty one stands there.
            let end = runs.last().is_none_or(|(_, end)| *end < size).then_some((size, size));
            map = format!("{}\n", runs.len() + usize::from(end.is_some())).into_bytes();
            for (start, end) in runs.iter().chain(&end) {
                map.extend(format!("{start}\n{}\n", end - start).as_bytes());
            }
            map.resize(map.len() + usize::try_from(padding(length(&map))).unwrap_or(0), 0);
            header.size += length(&map);
            records.set("GNU.sparse.major", "1");
            records.set("GNU.sparse.minor", "0");
            records.set("GNU.sparse.name", &header.name);
            records.set("GNU.sparse.realsize", size.to_string());
        }
        let total = header.size;
        self.owned(header, records, stat)?;
        self.put(&map)?;
        let mut buf = vec![0; READ_BYTES];
        for (start, end) in runs {
            let mut at = start;
            while at < end {
                let want = usize::try_from(end - at).unwrap_or(READ_BYTES).min(READ_BYTES);
                let buf = buf.get_mut(..want).unwrap_or_default();
                let got = self.fill(&open, buf, at)?;
                // A file that became shorter meanwhile keeps the length that was promised.
                buf.get_mut(got..).unwrap_or_default().fill(0);
                self.put(buf)?;
                at += length(buf);
            }
        }
        self.pad(total)
    }

    /// Reads until it is full, or the file ends.
    fn fill(&self, open: &Arc<dyn File>, buf: &mut [u8], at: u64) -> Result<usize, SnapshotError> {
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.tree(open.read_at(rest, at + u64::try_from(done).unwrap_or(0)))? {
                0 => break,
                got => done += got,
            }
        }
        Ok(done)
    }

    /// The runs of pages that are not all zeros: the same for the same bytes, however they are stored.
    fn runs(&self, open: &Arc<dyn File>, size: u64) -> Result<Vec<(u64, u64)>, SnapshotError> {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        let mut buf = vec![0; READ_BYTES];
        let mut at = 0;
        for number in 0.. {
            let Some(run) = self.tree(open.extent(number))? else { break };
            if run.unwritten {
                continue;
            }
            at = at.max(run.start - run.start % PAGE);
            let end = run.end.min(size);
            while at < end {
                let got = self.fill(open, &mut buf, at)?;
                if got == 0 {
                    break;
                }
                for page in
                    buf.get(..got).unwrap_or_default().chunks(usize::try_from(PAGE).unwrap_or(READ_BYTES))
                {
                    let next = at + length(page);
                    match runs.last_mut() {
                        _ if page.iter().all(|byte| *byte == 0) => {}
                        Some((_, last)) if *last == at => *last = next,
                        _ => runs.push((at, next)),
                    }
                    at = next;
                }
                // Less than a page is the end of the file.
                at = at.next_multiple_of(PAGE);
            }
        }
        for (_, end) in &mut runs {
            *end = (*end).min(size);
        }
        Ok(runs)
    }
}
