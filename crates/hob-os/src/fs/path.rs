//! From a guest's path to one name in one open directory.
//!
//! A path is walked one name at a time. Each step opens exactly one name in an open directory, without
//! following it; a symbolic link is read and its text walked in turn. `..` returns to a directory the
//! walk came through and never asks the kernel for a parent. So no step can leave the directory the walk
//! started from, whatever is renamed or swapped meanwhile, and there is no moment between a check and a
//! use: what was checked is the open directory itself.
//!
//! The kernel could resolve a whole path at once below a directory (`openat2`), but would not say which
//! directories it passed, and those decide which grant speaks.
//!
//! Stops: `..` and absolute paths, links that lead out (before or after a swap), link loops, paths that
//! are too long or deep to be meant, kernel file systems below a grant, and writing to a narrower grant
//! through a wider one. A refusal is decided without looking at what lies outside.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use hob_cap::Access;
use rustix::fs::{AtFlags, FileType as SysType, Stat};

use crate::fs::step::{NAME_BYTES_MAX, crossed, kind, link_text, step};
use crate::region::{Node, ObjectId, Regions};
use crate::wait::Waiter;
use crate::{Errno, Result};

/// The longest path, and the longest rest of a path while links are walked, in bytes.
pub(crate) const PATH_BYTES_MAX: usize = 4096;

/// How many symbolic links one walk reads.
const LINKS_MAX: u32 = 40;

/// How many directories of a walk stay open for `..` to return to; further back, it walks again.
const HELD_MAX: usize = 16;

/// How many steps are taken between two looks at the stop token.
const STEPS_PER_CHECK: u32 = 64;

/// What to do with a symbolic link in the last place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastLink {
    /// Walk it.
    Follow,
    /// Walk it only when a slash follows it, as `open` without following does.
    FollowBeforeSlash,
    /// It is the thing meant, as when a name is created or removed.
    Keep,
}

/// Where a path led.
#[derive(Debug)]
pub(crate) struct Place {
    /// The directory.
    pub(crate) dir: Node,
    /// The name in it; `None` when the path led to the directory itself.
    pub(crate) name: Option<Vec<u8>>,
    /// A slash followed the name, so it must be a directory.
    pub(crate) slash: bool,
}

impl Place {
    /// Refuses unless the grant of the directory allows changing it.
    pub(crate) fn writable(&self) -> Result<()> {
        match self.dir.access {
            Access::ReadWrite => Ok(()),
            Access::Read => Err(Errno::Perm.into()),
        }
    }

    /// The metadata of the object itself, not of what a link leads to. Errors: there is none; it lies
    /// on a kernel file system; a slash followed something that is no directory.
    pub(crate) fn stat(&self) -> Result<Stat> {
        let Some(name) = &self.name else { return Ok(rustix::fs::fstat(&self.dir.fd)?) };
        let stat = rustix::fs::statat(&self.dir.fd, name.as_slice(), AtFlags::SYMLINK_NOFOLLOW)?;
        if stat.st_dev != self.dir.id.device {
            crossed(self.dir.id, step(&self.dir.fd, name)?, &stat)?;
        }
        if self.slash && !is_dir(&stat) {
            return Err(Errno::NotDir.into());
        }
        Ok(stat)
    }
}

/// Whether metadata is that of a directory.
pub(crate) fn is_dir(stat: &Stat) -> bool {
    kind(stat).is_dir()
}

/// Refuses text that cannot be a path: empty ([`Errno::Noent`]), too long, with NUL, not UTF-8.
pub(crate) fn check_text(path: &[u8]) -> Result<()> {
    if path.is_empty() {
        return Err(Errno::Noent.into());
    }
    if path.len() >= PATH_BYTES_MAX {
        return Err(Errno::NameTooLong.into());
    }
    if path.contains(&0) {
        return Err(Errno::Inval.into());
    }
    std::str::from_utf8(path).map(drop).map_err(|_| Errno::Ilseq.into())
}

/// Walks a guest's path from an open directory.
pub(crate) fn resolve(
    regions: &Regions,
    waiter: &Waiter,
    base: &Node,
    path: &[u8],
    last: LastLink,
) -> Result<Place> {
    check_text(path)?;
    if path.starts_with(b"/") {
        return Err(Errno::Perm.into());
    }
    let walk = Walk { regions, waiter, base, trail: Vec::new(), held: VecDeque::new(), links: 0, steps: 0 };
    walk.to(path.to_vec(), last)
}

/// A walk under way.
struct Walk<'a> {
    regions: &'a Regions,
    waiter: &'a Waiter,
    base: &'a Node,
    /// The names of the directories from the base to here.
    trail: Vec<Vec<u8>>,
    /// The last of those directories, open.
    held: VecDeque<Node>,
    links: u32,
    steps: u32,
}

/// What one name turned out to be.
enum Step {
    Dir(Node),
    Link(Vec<u8>),
}

impl Walk<'_> {
    fn to(mut self, mut rest: Vec<u8>, last: LastLink) -> Result<Place> {
        loop {
            let (name, after) = first(&rest);
            let (is_last, slash) = (first(after).0.is_empty(), !after.is_empty());
            match name {
                b"" => return Ok(Place { dir: self.here()?, name: None, slash: true }),
                b"." => {}
                b".." => self.up()?,
                name if name.len() > NAME_BYTES_MAX => return Err(Errno::NameTooLong.into()),
                name if is_last => {
                    let here = self.here()?;
                    if let Some(dir) = self.regions.mounted(&here, name) {
                        return Ok(Place { dir, name: None, slash });
                    }
                    let follow = match last {
                        LastLink::Follow => true,
                        LastLink::FollowBeforeSlash => slash,
                        LastLink::Keep => false,
                    };
                    match if follow { link_text(&here.fd, name)? } else { None } {
                        Some(text) => {
                            rest = self.link(text, after)?;
                            continue;
                        }
                        None => return Ok(Place { dir: here, name: Some(name.to_vec()), slash }),
                    }
                }
                name => {
                    let here = self.here()?;
                    match self.step(&here, name)? {
                        Step::Dir(node) => self.down(name.to_vec(), node),
                        Step::Link(text) => {
                            rest = self.link(text, after)?;
                            continue;
                        }
                    }
                }
            }
            rest = after.to_vec();
        }
    }

    /// The directory the walk has reached.
    fn here(&mut self) -> Result<Node> {
        if let Some(node) = self.held.back() {
            return Ok(node.clone());
        }
        let mut node = self.base.clone();
        for name in std::mem::take(&mut self.trail) {
            // A directory that has since become something else ends the walk.
            let Step::Dir(next) = self.step(&node, &name)? else { return Err(Errno::Noent.into()) };
            node = next;
            self.down(name, node.clone());
        }
        Ok(node)
    }

    fn down(&mut self, name: Vec<u8>, node: Node) {
        self.trail.push(name);
        self.held.push_back(node);
        if self.held.len() > HELD_MAX {
            self.held.pop_front();
        }
    }

    fn up(&mut self) -> Result<()> {
        self.trail.pop().ok_or(Errno::Perm)?;
        self.held.pop_back();
        Ok(())
    }

    /// What remains to be walked after the text of a link took its place.
    fn link(&mut self, text: Vec<u8>, after: &[u8]) -> Result<Vec<u8>> {
        self.links += 1;
        if self.links > LINKS_MAX {
            return Err(Errno::Loop.into());
        }
        if text.starts_with(b"/") {
            return Err(Errno::Perm.into());
        }
        if text.is_empty() {
            return Err(Errno::Noent.into());
        }
        let mut rest = text;
        rest.extend_from_slice(after);
        if rest.len() > 2 * PATH_BYTES_MAX {
            return Err(Errno::NameTooLong.into());
        }
        Ok(rest)
    }

    /// Enters one name that is not the last.
    fn step(&mut self, here: &Node, name: &[u8]) -> Result<Step> {
        self.steps += 1;
        if self.steps.is_multiple_of(STEPS_PER_CHECK) {
            self.waiter.check()?;
        }
        if let Some(node) = self.regions.mounted(here, name) {
            return Ok(Step::Dir(node));
        }
        let fd = step(&here.fd, name)?;
        let stat = rustix::fs::fstat(&fd)?;
        match kind(&stat) {
            SysType::Directory => Ok(Step::Dir(entered(self.regions, here, name, fd, &stat)?)),
            SysType::Symlink => Ok(Step::Link(link_text(&fd, b"")?.ok_or(Errno::NotDir)?)),
            _ => Err(Errno::NotDir.into()),
        }
    }
}

/// The directory `fd`, opened as `name` in `parent`, with the grant that speaks for it. Errors: it lies
/// on a kernel file system.
pub(crate) fn entered(
    regions: &Regions,
    parent: &Node,
    name: &[u8],
    fd: OwnedFd,
    stat: &Stat,
) -> Result<Node> {
    crossed(parent.id, &fd, stat)?;
    Ok(regions.enter(parent, name, fd, ObjectId::of(stat)))
}

/// The first name of a path without the slashes before it, and what follows it.
fn first(path: &[u8]) -> (&[u8], &[u8]) {
    let start = path.iter().position(|byte| *byte != b'/').unwrap_or(path.len());
    let path = path.split_at(start).1;
    path.split_at(path.iter().position(|byte| *byte == b'/').unwrap_or(path.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_cut_at_its_slashes() {
        assert_eq!(first(b"a//b/"), (b"a".as_slice(), b"//b/".as_slice()));
        assert_eq!(first(b"//b/"), (b"b".as_slice(), b"/".as_slice()));
        assert_eq!(first(b"/"), (b"".as_slice(), b"".as_slice()));
        assert_eq!(first(b""), (b"".as_slice(), b"".as_slice()));
    }

    #[test]
    fn text_that_is_no_path_is_refused_by_name() {
        assert_eq!(check_text(b""), Err(Errno::Noent.into()));
        assert_eq!(check_text(b"a\0b"), Err(Errno::Inval.into()));
        assert_eq!(check_text(b"a\xff"), Err(Errno::Ilseq.into()));
        assert_eq!(check_text(&[b'a'; PATH_BYTES_MAX]), Err(Errno::NameTooLong.into()));
        assert_eq!(check_text(&[b'a'; PATH_BYTES_MAX - 1]), Ok(()));
        assert_eq!(check_text("ne\u{301}w\n\u{1b}[31m".as_bytes()), Ok(()));
    }
}
