//! From an archive to a tree.

use std::io::Read;

use hob_os::OsError;

use super::header::{Header, device_of, kind, padding};
use super::records::{Records, decimal};
use super::{OPAQUE, PAGE, PATH_BYTES_MAX, SnapshotError, WHITEOUT, length};
use crate::fs::mem::{MemFs, UNIT_BYTES};
use crate::fs::overlay::OPAQUE_ATTRIBUTE;
use crate::fs::{Attributes, Change, Kind, New, NodeRef, Time};
use crate::limits::NAME_BYTES_MAX;

/// What the records of one entry may have beyond what the quota has: names and numbers.
const RECORD_BYTES: u64 = 64 << 10;

/// Reads an archive into an empty file system. When it fails, what was read so far is there: throw it away.
///
/// # Errors
///
/// Those of `from`; a rule of the format that is broken; the quota of `into`.
pub fn read(from: &mut dyn Read, into: &MemFs) -> Result<(), SnapshotError> {
    let room = into.space().bytes;
    let mut reader = Reader {
        from,
        offset: 0,
        entry: 0,
        room,
        root: into.root(),
        whiteout: None,
        directories: Vec::new(),
    };
    let mut empty = true;
    let listed = reader.root.list(0, &mut |_| {
        empty = false;
        false
    });
    reader.tree(listed)?;
    if !empty {
        return reader.malformed("the file system that it is read into is empty");
    }
    while reader.next()? {}
    // What is made in a directory changes its time.
    while let Some((node, modified)) = reader.directories.pop() {
        reader.tree(stamp(&node, modified))?;
    }
    Ok(())
}

struct Reader<'a> {
    from: &'a mut dyn Read,
    offset: u64,
    /// Where the present entry begins.
    entry: u64,
    /// Bytes the file system can hold.
    room: u64,
    root: NodeRef,
    /// The one object that all whiteouts are names of.
    whiteout: Option<NodeRef>,
    directories: Vec<(NodeRef, u64)>,
}

/// Where an entry goes.
struct Place {
    above: NodeRef,
    name: Vec<u8>,
}

impl Reader<'_> {
    fn malformed<T>(&self, rule: &'static str) -> Result<T, SnapshotError> {
        Err(SnapshotError::Malformed { offset: self.entry, rule })
    }

    fn rule<T>(&self, done: Result<T, &'static str>) -> Result<T, SnapshotError> {
        done.or_else(|rule| self.malformed(rule))
    }

    fn tree<T>(&self, done: Result<T, OsError>) -> Result<T, SnapshotError> {
        done.map_err(|error| SnapshotError::Tree { offset: self.entry, error })
    }

    fn take(&mut self, buf: &mut [u8]) -> Result<(), SnapshotError> {
        match self.from.read_exact(buf) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                self.malformed("it goes on until two blocks of zeros")
            }
            done => {
                self.offset = self.offset.saturating_add(length(buf));
                Ok(done?)
            }
        }
    }

    fn block(&mut self) -> Result<[u8; 512], SnapshotError> {
        let mut block = [0; 512];
        self.take(&mut block)?;
        Ok(block)
    }

    fn padding(&mut self, size: u64) -> Result<(), SnapshotError> {
        let mut block = [0; 512];
        let len = usize::try_from(padding(size)).unwrap_or(0);
        let zeros = block.get_mut(..len).unwrap_or_default();
        self.take(zeros)?;
        if zeros.iter().any(|byte| *byte != 0) {
            return self.malformed("the last block of an entry is filled with zeros");
        }
        Ok(())
    }

    /// Reads an entry; `false` is the end.
    fn next(&mut self) -> Result<bool, SnapshotError> {
        self.entry = self.offset;
        let mut block = self.block()?;
        if block == [0; 512] {
            if self.block()? != [0; 512] {
                return self.malformed("it ends with two blocks of zeros");
            }
            return Ok(false);
        }
        let mut header = self.rule(Header::parse(&block))?;
        let mut records = Records::default();
        if header.kind == kind::RECORDS {
            if header.size > self.room.saturating_add(RECORD_BYTES) {
                return self.malformed("records are not larger than the file system");
            }
            // Grows with what there is to read, not with what is claimed.
            let mut bytes = Vec::new();
            (&mut *self.from).take(header.size).read_to_end(&mut bytes)?;
            self.offset = self.offset.saturating_add(length(&bytes));
            if length(&bytes) < header.size {
                return self.malformed("it goes on until two blocks of zeros");
            }
            self.padding(header.size)?;
            records = self.rule(Records::parse(&bytes))?;
            block = self.block()?;
            header = self.rule(Header::parse(&block))?;
        }
        self.override_with(&mut header, &records)?;
        self.made(header, &records)?;
        Ok(true)
    }

    /// What the records say instead.
    fn override_with(&self, header: &mut Header, records: &Records) -> Result<(), SnapshotError> {
        for (keyword, field) in
            [("size", &mut header.size), ("uid", &mut header.uid), ("gid", &mut header.gid)]
        {
            *field = self.rule(records.number(keyword))?.unwrap_or(*field);
        }
        if let Some(name) = records.get("GNU.sparse.name").or(records.get("path")) {
            header.name = name.to_vec();
        }
        if let Some(target) = records.get("linkpath") {
            header.target = target.to_vec();
        }
        // From here on in nanoseconds.
        let seconds = header.modified.checked_mul(1_000_000_000);
        let modified = self.rule(records.time("mtime"))?.or(seconds);
        header.modified = self.rule(modified.ok_or("a time lies before the year 2554"))?;
        Ok(())
    }

    fn made(&mut self, header: Header, records: &Records) -> Result<(), SnapshotError> {
        let attributes = Attributes {
            mode: self.rule(
                u16::try_from(header.mode)
                    .ok()
                    .filter(|mode| *mode <= 0o7777)
                    .ok_or("a mode has twelve bits"),
            )?,
            uid: self.rule(u32::try_from(header.uid).map_err(|_| "an owner has 32 bits"))?,
            gid: self.rule(u32::try_from(header.gid).map_err(|_| "a group has 32 bits"))?,
        };
        if header.kind != kind::FILE && header.size != 0 {
            return self.malformed("only files have bytes");
        }
        if header.kind == kind::DIRECTORY && matches!(&*header.name, b"./" | b"." | b"") {
            let root = self.root.clone();
            let Attributes { mode, uid, gid } = attributes;
            let change = Change { mode: Some(mode), uid: Some(uid), gid: Some(gid), ..Change::default() };
            self.tree(root.change(&change))?;
            return self.finish(root, &header, records);
        }
        let place = self.place(&header)?;
        let kind = records.get("HOB.kind").unwrap_or_default();
        if header.kind == kind::FILE && kind != b"literal" && self.mark(&header, &place, kind)? {
            return Ok(());
        }
        self.rule(check(&place.name))?;
        let device = match self.rule(records.number("HOB.device"))? {
            Some(device) => Some(device),
            None => device_of(header.major, header.minor),
        };
        let device = || self.rule(device.ok_or("a device has a number of Linux"));
        let new = match header.kind {
            kind::FILE => New::File,
            kind::DIRECTORY => New::Directory,
            kind::LINK => New::Link(&header.target),
            kind::CHARACTER => New::Character(device()?),
            kind::BLOCK => New::Block(device()?),
            kind::FIFO if kind == b"socket" => New::Socket,
            kind::FIFO => New::Fifo,
            kind::HARD => {
                let first = self.find(&header.target)?;
                return self.tree(place.above.link(&place.name, &first));
            }
            _ => return self.malformed("an entry is of a kind that a snapshot has"),
        };
        let node = self.tree(place.above.make(&place.name, new, attributes))?;
        if new == New::File {
            self.bytes(&node, header.size, records)?;
        }
        self.finish(node, &header, records)
    }

    fn finish(&mut self, node: NodeRef, header: &Header, records: &Records) -> Result<(), SnapshotError> {
        for (name, value) in records.attributes() {
            self.tree(node.set_attribute(&name, value, true, false))?;
        }
        if node.kind() == Kind::Directory {
            self.directories.push((node, header.modified));
            return Ok(());
        }
        self.tree(stamp(&node, header.modified))
    }

    /// Makes what an entry with a special name stands for, if it is one.
    fn mark(&mut self, header: &Header, place: &Place, kind: &[u8]) -> Result<bool, SnapshotError> {
        let Some(hidden) = place.name.strip_prefix(WHITEOUT) else { return Ok(false) };
        if header.size != 0 {
            return self.malformed("a whiteout has no bytes");
        }
        if place.name == OPAQUE && kind != b"whiteout" {
            self.tree(place.above.set_attribute(OPAQUE_ATTRIBUTE, b"y", true, false))?;
            return Ok(true);
        }
        self.rule(check(hidden))?;
        if let Some(whiteout) = &self.whiteout {
            self.tree(place.above.link(hidden, whiteout))?;
            return Ok(true);
        }
        let attributes = Attributes { mode: 0, uid: 0, gid: 0 };
        self.whiteout = Some(self.tree(place.above.make(hidden, New::Character(0), attributes))?);
        Ok(true)
    }

    /// Where a path leads, but for its last name. No link is followed.
    fn place(&self, header: &Header) -> Result<Place, SnapshotError> {
        let path = header.name.strip_prefix(b"./").unwrap_or(&header.name);
        let path = match path.strip_suffix(b"/") {
            Some(path) if header.kind == kind::DIRECTORY => path,
            _ => path,
        };
        // A whiteout has a few bytes more than what it hides.
        if path.len() > PATH_BYTES_MAX + WHITEOUT.len() {
            return self.malformed("a path has at most 4096 bytes");
        }
        let mut above = self.root.clone();
        let mut names = path.split(|byte| *byte == b'/').peekable();
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                let plain = name.strip_prefix(WHITEOUT).filter(|plain| check(plain).is_ok()).unwrap_or(name);
                self.rule(check(plain))?;
                return Ok(Place { above, name: name.to_vec() });
            }
            self.rule(check(name))?;
            above = self.below(&above, name)?;
        }
        self.malformed("a path has a name")
    }

    fn below(&self, above: &NodeRef, name: &[u8]) -> Result<NodeRef, SnapshotError> {
        self.rule(above.lookup(name).map_err(|_| "what a path or a link leads to comes before it"))
    }

    /// What a link in the archive leads to.
    fn find(&self, path: &[u8]) -> Result<NodeRef, SnapshotError> {
        let path = path.strip_prefix(b"./").unwrap_or(path);
        let mut at = self.root.clone();
        for name in path.split(|byte| *byte == b'/') {
            at = self.below(&at, name)?;
        }
        Ok(at)
    }

    fn bytes(&mut self, node: &NodeRef, stored: u64, records: &Records) -> Result<(), SnapshotError> {
        let open = self.tree(node.clone().open(true))?;
        let mut size = stored;
        let mut runs = vec![(0, stored)];
        let mut map = 0;
        if records.get("GNU.sparse.major").is_some() || records.get("GNU.sparse.minor").is_some() {
            let version = (records.get("GNU.sparse.major"), records.get("GNU.sparse.minor"));
            if version != (Some(b"1"), Some(b"0")) {
                return self.malformed("a file with holes is one of version 1.0");
            }
            let real = self.rule(records.number("GNU.sparse.realsize"))?;
            size = self.rule(real.ok_or("a file with holes says its size"))?;
            (runs, map) = self.map(stored, size)?;
        }
        self.tree(open.resize(size))?;
        let mut buf = [0; PAGE_LEN];
        for (start, len) in runs {
            let (mut at, end) = (start, start + len);
            while at < end {
                // Page by page, without the zeros that end it: room for no more than there was.
                let want = usize::try_from((PAGE - at % PAGE).min(end - at)).unwrap_or(PAGE_LEN);
                let page = buf.get_mut(..want).unwrap_or_default();
                self.take(page)?;
                let used = page.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                let used = page.get(..used).unwrap_or_default();
                if self.tree(open.write_at(used, at))? < used.len() {
                    return self.tree(Err(hob_os::Errno::Nospc.into()));
                }
                at += length(page);
            }
        }
        self.padding(stored - map)
    }

    /// The runs of bytes of a file with holes, as start and length, and the bytes that said so.
    fn map(&mut self, stored: u64, size: u64) -> Result<(Vec<(u64, u64)>, u64), SnapshotError> {
        const RULE: &str = "the runs of bytes of a file follow each other, and are all there is";
        let mut numbers = Numbers { left: stored, block: Vec::new(), read: 0 };
        let count = numbers.next(self)?;
        if count > self.room / UNIT_BYTES + 1 {
            return self.malformed("a file has no more runs of bytes than the file system has room for");
        }
        let (mut runs, mut last, mut sum) = (Vec::new(), 0u64, 0u64);
        for _ in 0..count {
            let (start, len) = (numbers.next(self)?, numbers.next(self)?);
            let end = start.checked_add(len).filter(|end| start >= last && *end <= size);
            last = self.rule(end.ok_or(RULE))?;
            sum += len;
            runs.push((start, len));
        }
        if numbers.read.checked_add(sum) != Some(stored) {
            return self.malformed(RULE);
        }
        Ok((runs, numbers.read))
    }
}

const PAGE_LEN: usize = 4096;

/// Numbers of a map, each on its line, in blocks.
struct Numbers {
    left: u64,
    block: Vec<u8>,
    read: u64,
}

impl Numbers {
    fn next(&mut self, reader: &mut Reader<'_>) -> Result<u64, SnapshotError> {
        let mut digits = Vec::new();
        loop {
            if self.block.is_empty() {
                if self.left < super::BLOCK {
                    return reader.malformed("a map of a file is inside of it");
                }
                self.left -= super::BLOCK;
                self.read += super::BLOCK;
                self.block = reader.block()?.into_iter().rev().collect();
            }
            match self.block.pop() {
                Some(b'\n') => return reader.rule(decimal(&digits)),
                Some(digit) if digits.len() < 20 => digits.push(digit),
                _ => return reader.malformed("a number of a map has at most 20 digits"),
            }
        }
    }
}

fn stamp(node: &NodeRef, modified: u64) -> Result<(), OsError> {
    let at = Time::At(modified);
    node.change(&Change { accessed: at, modified: at, ..Change::default() })
}

/// Whether it is a name. Errors: the rule it breaks.
fn check(name: &[u8]) -> Result<(), &'static str> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains(&0) || matches!(name, b"." | b"..") {
        return Err("a name has between 1 and 255 bytes, no NUL, and is not `.` or `..`");
    }
    Ok(())
}
