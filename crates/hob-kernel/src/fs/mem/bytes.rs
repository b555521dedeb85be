//! The bytes of a regular file: pages by number, of which only those written are there.
//!
//! A page is stored up to the last unit of 512 bytes that was written, so a small file is small; what is not stored reads
//! as zeros. Bytes behind the end of the file are kept zero, so that growing it needs no work. Room is taken from the
//! [`Quota`] before it is used. Stops: sparse files that cost memory, and writes that pass the quota.

use std::collections::BTreeMap;

use hob_os::{Errno, Result};

use super::quota::Quota;
use crate::fs::Extent;

/// Room is taken in multiples of this.
pub(super) const UNIT: u64 = 512;
/// Bytes of a page.
const PAGE: u64 = 4096;
/// The longest file.
pub(super) const SIZE_MAX: u64 = i64::MAX.unsigned_abs();

/// The bytes of one file.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    size: u64,
    pages: BTreeMap<u64, Page>,
    /// Bytes taken from the quota.
    stored: u64,
    /// Counts changes to which runs of bytes are stored.
    layout: u64,
}

#[derive(Debug)]
enum Page {
    /// A multiple of [`UNIT`], at most [`PAGE`]; the rest is zeros.
    Data(Vec<u8>),
    /// A whole page of room without bytes.
    Reserved,
}

impl Page {
    fn room(&self) -> u64 {
        match self {
            Self::Data(data) => super::length(data),
            Self::Reserved => PAGE,
        }
    }
}

/// Where a look through the stored runs of bytes has got to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    layout: u64,
    index: u32,
    page: u64,
}

impl Bytes {
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Bytes taken from the quota.
    pub(super) fn stored(&self) -> u64 {
        self.stored
    }

    /// Forgets everything, and says how many bytes of the quota that gives back.
    pub(super) fn clear(&mut self) -> u64 {
        std::mem::take(self).stored
    }

    pub(super) fn read(&self, buf: &mut [u8], offset: u64) -> usize {
        let len = self.size.saturating_sub(offset).min(super::length(buf));
        let buf = part_mut(buf, 0, len);
        let Some(end) = offset.checked_add(len).filter(|end| *end > offset) else { return 0 };
        let mut at = 0;
        for (index, page) in self.pages.range(offset / PAGE..=(end - 1) / PAGE) {
            let Page::Data(data) = page else { continue };
            // Both relative to `offset`; the page may begin before it.
            let skip = offset.saturating_sub(index * PAGE);
            let start = (index * PAGE).saturating_sub(offset);
            let data = part(data, skip, PAGE.min(end - index * PAGE));
            part_mut(buf, at, start).fill(0);
            part_mut(buf, start, start + super::length(data)).copy_from_slice(data);
            at = start + super::length(data);
        }
        part_mut(buf, at, len).fill(0);
        buf.len()
    }

    /// Writes what there is room for. Errors: no room for anything; [`Errno::Fbig`].
    pub(super) fn write(&mut self, buf: &[u8], offset: u64, quota: &Quota) -> Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let len = SIZE_MAX.checked_sub(offset).filter(|room| *room > 0).ok_or(Errno::Fbig)?;
        let len = len.min(super::length(buf));
        let mut done = 0;
        while done < len {
            let at = offset + done;
            let within = at % PAGE;
            let end = PAGE.min(within + (len - done));
            let data = match self.page(at / PAGE, within, end, quota) {
                Ok(data) => data,
                Err(_) if done > 0 => break,
                Err(error) => return Err(error),
            };
            let end = end.min(super::length(data));
            part_mut(data, within, end).copy_from_slice(part(buf, done, done + (end - within)));
            done += end - within;
            self.size = self.size.max(offset + done);
        }
        Ok(usize::try_from(done).unwrap_or(usize::MAX))
    }

    /// The bytes of a page, stored up to `end` or as far behind `start` as there is room.
    fn page(&mut self, index: u64, start: u64, end: u64, quota: &Quota) -> Result<&mut Vec<u8>> {
        let page = self.pages.get(&index);
        let had = page.map_or(0, Page::room);
        let mut more = end.next_multiple_of(UNIT).saturating_sub(had);
        while let Err(error) = quota.take(more) {
            more = more.saturating_sub(UNIT);
            if had + more <= start {
                return Err(error);
            }
        }
        if page.is_none_or(|page| matches!(page, Page::Reserved)) {
            self.layout += 1;
        }
        self.stored += more;
        let page = self.pages.entry(index).or_insert_with(|| Page::Data(Vec::new()));
        if let Page::Reserved = page {
            *page = Page::Data(Vec::new());
        }
        match page {
            Page::Data(data) => {
                let len = to_len(had + more);
                data.reserve_exact(len.saturating_sub(data.len()));
                data.resize(len.max(data.len()), 0);
                Ok(data)
            }
            Page::Reserved => Err(Errno::Io.into()),
        }
    }

    pub(super) fn resize(&mut self, size: u64, quota: &Quota) -> Result<()> {
        if size > SIZE_MAX {
            return Err(Errno::Fbig.into());
        }
        // Also when it stays: room reserved behind the end goes.
        if size <= self.size {
            self.cut(size, u64::MAX, quota);
        }
        self.size = size;
        Ok(())
    }

    /// Makes sure of room for whole pages, or takes none.
    pub(super) fn reserve(&mut self, offset: u64, len: u64, keep_size: bool, quota: &Quota) -> Result<()> {
        let end = range(offset, len)?;
        let pages = offset / PAGE..=(end - 1) / PAGE;
        let had: u64 = self.pages.range(pages.clone()).map(|(_, page)| page.room()).sum();
        let more = (pages.end() - pages.start() + 1).saturating_mul(PAGE).saturating_sub(had);
        quota.take(more)?;
        self.stored += more;
        self.layout += 1;
        for index in pages {
            match self.pages.entry(index).or_insert(Page::Reserved) {
                Page::Data(data) => data.resize(to_len(PAGE), 0),
                Page::Reserved => {}
            }
        }
        if !keep_size {
            self.size = self.size.max(end);
        }
        Ok(())
    }

    pub(super) fn punch(&mut self, offset: u64, len: u64, quota: &Quota) -> Result<()> {
        let end = range(offset, len)?;
        self.cut(offset, end, quota);
        Ok(())
    }

    /// Makes the bytes zero, and gives back the room of the pages and units that are zero as a whole then.
    fn cut(&mut self, start: u64, end: u64, quota: &Quota) {
        let mut given = 0;
        let mut empty = Vec::new();
        for (index, page) in self.pages.range_mut(start / PAGE..) {
            let first = index * PAGE;
            if first >= end {
                break;
            }
            let (from, to) = (start.saturating_sub(first), PAGE.min(end - first));
            match page {
                Page::Data(data) if to >= super::length(data) => {
                    let kept = from.next_multiple_of(UNIT).min(super::length(data));
                    given += super::length(data) - kept;
                    data.truncate(to_len(kept));
                    data.shrink_to_fit();
                    part_mut(data, from, kept).fill(0);
                }
                Page::Data(data) => part_mut(data, from, to).fill(0),
                Page::Reserved if from == 0 && to == PAGE => given += PAGE,
                Page::Reserved => continue,
            }
            if from == 0 && to >= page.room() {
                empty.push(*index);
            }
        }
        for index in empty {
            self.pages.remove(&index);
        }
        self.layout += 1;
        self.stored -= given;
        quota.give(given);
    }

    pub(super) fn insert(&mut self, offset: u64, len: u64, quota: &Quota) -> Result<()> {
        if len == 0 || offset >= self.size {
            return Err(Errno::Inval.into());
        }
        let size = self.size.checked_add(len).filter(|size| *size <= SIZE_MAX).ok_or(Errno::Fbig)?;
        if offset.is_multiple_of(PAGE) && len.is_multiple_of(PAGE) {
            let tail = self.pages.split_off(&(offset / PAGE));
            let moved = |(index, page)| (index + len / PAGE, page);
            self.pages.extend(tail.into_iter().map(moved));
            self.layout += 1;
        } else {
            self.rebuild(size, &[(0, offset, 0), (offset, u64::MAX, offset + len)], quota)?;
        }
        self.size = size;
        Ok(())
    }

    pub(super) fn collapse(&mut self, offset: u64, len: u64, quota: &Quota) -> Result<()> {
        let end = range(offset, len)?;
        if end >= self.size {
            return Err(Errno::Inval.into());
        }
        let size = self.size - len;
        if offset.is_multiple_of(PAGE) && len.is_multiple_of(PAGE) {
            let tail = self.pages.split_off(&(end / PAGE));
            let gone = self.pages.split_off(&(offset / PAGE));
            let given = gone.values().map(Page::room).sum();
            self.pages.extend(tail.into_iter().map(|(index, page)| (index - len / PAGE, page)));
            self.layout += 1;
            self.stored -= given;
            quota.give(given);
        } else {
            self.rebuild(size, &[(0, offset, 0), (end, u64::MAX, offset)], quota)?;
        }
        self.size = size;
        Ok(())
    }

    /// Builds the file anew from parts of itself: from a start to an end, and where that goes. Needs room for both while
    /// it lasts; room reserved and not written is not taken along.
    fn rebuild(&mut self, size: u64, parts: &[(u64, u64, u64)], quota: &Quota) -> Result<()> {
        let mut new = Self { layout: self.layout + 1, ..Self::default() };
        for (start, end, to) in parts {
            for (index, page) in self.pages.range(start / PAGE..) {
                let Page::Data(data) = page else { continue };
                let first = index * PAGE;
                if first >= (*end).min(self.size) {
                    break;
                }
                let skip = start.saturating_sub(first);
                let data = part(data, skip, PAGE.min((*end).min(self.size) - first));
                let written = new.write(data, first + skip - start + to, quota);
                if written != Ok(data.len()) {
                    quota.give(new.stored);
                    return Err(written.err().unwrap_or(Errno::Nospc.into()));
                }
            }
        }
        new.size = size;
        quota.give(self.stored);
        *self = new;
        Ok(())
    }

    /// The stored run of bytes with this number. `cursor` remembers where the last one was found.
    pub(super) fn extent(&self, number: u32, cursor: &mut Cursor) -> Option<Extent> {
        if cursor.layout != self.layout || cursor.index > number {
            *cursor = Cursor { layout: self.layout, ..Cursor::default() };
        }
        let mut found: Option<Extent> = None;
        for (index, page) in self.pages.range(cursor.page..) {
            let (start, unwritten) = (index * PAGE, matches!(page, Page::Reserved));
            // Room reserved behind the end is listed whole; bytes end where the file does.
            let end = if unwritten { start + PAGE } else { (start + PAGE).min(self.size.max(start)) };
            match &mut found {
                Some(run) if run.end == start && run.unwritten == unwritten => run.end = end,
                Some(run) => {
                    if cursor.index == number {
                        return Some(*run);
                    }
                    cursor.index += 1;
                    cursor.page = *index;
                    *run = Extent { start, end, unwritten };
                }
                None => found = Some(Extent { start, end, unwritten }),
            }
        }
        found.filter(|_| cursor.index == number)
    }
}

/// The end of a range that is not empty. Errors: [`Errno::Inval`] when it is, [`Errno::Fbig`] when it ends too far off.
fn range(offset: u64, len: u64) -> Result<u64> {
    if len == 0 {
        return Err(Errno::Inval.into());
    }
    Ok(offset.checked_add(len).filter(|end| *end <= SIZE_MAX).ok_or(Errno::Fbig)?)
}

fn to_len(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

/// The bytes from `start` to `end`, as far as there are any.
fn part(bytes: &[u8], start: u64, end: u64) -> &[u8] {
    bytes.get(to_len(start)..to_len(end).min(bytes.len())).unwrap_or_default()
}

fn part_mut(bytes: &mut [u8], start: u64, end: u64) -> &mut [u8] {
    let end = to_len(end).min(bytes.len());
    bytes.get_mut(to_len(start)..end).unwrap_or_default()
}
