//! Building a tree from paths, in whatever order an archive has them.
//!
//! Stops: a path that leads out of the tree or through a link, so that what is checked is not what is shown; two objects
//! with one name, of which two readers would see different ones; an archive that is small and a tree that is not.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Body, Child, FixedTree, Item, Meta};
use crate::limits::{IMAGE_NAME_BYTES_MAX, IMAGE_OBJECTS_MAX, NAME_BYTES_MAX, PATH_BYTES_MAX};

/// What a directory has that no one described.
const IMPLIED: Meta = Meta { mode: 0o755, uid: 0, gid: 0, time: 0 };

/// Why an object cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the path is empty, longer than {PATH_BYTES_MAX} bytes or has a NUL in it")]
    Path,
    #[error("the path has a name of more than {NAME_BYTES_MAX} bytes")]
    Name,
    #[error("the path has `..` in it")]
    Up,
    #[error("it is there already")]
    Twice,
    #[error("it lies below something that is no directory")]
    Below,
    #[error("it is a link to something that is not there before it, or to a directory")]
    Link,
    #[error("the target of a link is empty, longer than {PATH_BYTES_MAX} bytes or has a NUL in it")]
    Target,
    #[error("with it there are more than {IMAGE_OBJECTS_MAX} objects")]
    Objects,
    #[error("with it there are more than {IMAGE_NAME_BYTES_MAX} bytes of names")]
    NameBytes,
}

/// A tree that is being built.
#[derive(Debug)]
pub(crate) struct Builder {
    items: Vec<Item>,
    /// The entries of each directory.
    names: BTreeMap<usize, BTreeMap<Box<[u8]>, usize>>,
    /// Which directories were described.
    described: Vec<bool>,
    name_bytes: u64,
    /// Whether a directory may be described again.
    again: bool,
}

impl Builder {
    /// A tree of only a root. `again` says whether a directory may be described more than once.
    pub(crate) fn new(again: bool) -> Self {
        let root = Item { body: Body::Directory(Vec::new()), meta: IMPLIED, links: 2 };
        Self {
            items: vec![root],
            names: BTreeMap::from([(0, BTreeMap::new())]),
            described: vec![false],
            name_bytes: 0,
            again,
        }
    }

    /// Adds an object. Directories above it that nobody described come with it.
    pub(crate) fn add(&mut self, path: &[u8], body: Body, meta: Meta) -> Result<(), Fault> {
        if let Body::Link(text) = &body {
            target(text)?;
            self.count(text)?;
        }
        let directory = matches!(body, Body::Directory(_));
        let Some((above, name)) = self.parent(path)? else {
            return if directory { self.describe(0, meta) } else { Err(Fault::Twice) };
        };
        match self.child(above, name) {
            Some(item) if directory && self.names.contains_key(&item) => self.describe(item, meta),
            Some(_) => Err(Fault::Twice),
            None => {
                let item = self.insert(above, name, body, meta)?;
                self.mark(item);
                Ok(())
            }
        }
    }

    /// Gives what is at `to` one more name.
    pub(crate) fn link(&mut self, path: &[u8], to: &[u8]) -> Result<(), Fault> {
        let mut names = names(to)?.into_iter();
        let item = names.try_fold(0, |item, name| self.child(item, name)).ok_or(Fault::Link)?;
        if self.names.contains_key(&item) {
            return Err(Fault::Link);
        }
        let (above, name) = self.parent(path)?.ok_or(Fault::Twice)?;
        if self.child(above, name).is_some() {
            return Err(Fault::Twice);
        }
        self.enter(above, name, item)?;
        if let Some(item) = self.items.get_mut(item) {
            item.links += 1;
        }
        Ok(())
    }

    /// The tree.
    pub(crate) fn finish(mut self) -> Arc<FixedTree> {
        for (directory, names) in std::mem::take(&mut self.names) {
            let children = names.into_iter().map(|(name, item)| Child { name, item }).collect();
            if let Some(item) = self.items.get_mut(directory) {
                item.body = Body::Directory(children);
            }
        }
        self.items.shrink_to_fit();
        let bytes = self.items.iter().fold(0u64, |sum, item| sum.saturating_add(item.body.size()));
        Arc::new(FixedTree { items: self.items, bytes })
    }

    /// The directory that the last name of a path is in, and that name; `None` for the root.
    fn parent<'a>(&mut self, path: &'a [u8]) -> Result<Option<(usize, &'a [u8])>, Fault> {
        let mut names = names(path)?;
        let Some(last) = names.pop() else { return Ok(None) };
        let mut at = 0;
        for name in names {
            at = match self.child(at, name) {
                Some(item) if self.names.contains_key(&item) => item,
                Some(_) => return Err(Fault::Below),
                None => self.insert(at, name, Body::Directory(Vec::new()), IMPLIED)?,
            };
        }
        Ok(Some((at, last)))
    }

    fn child(&self, directory: usize, name: &[u8]) -> Option<usize> {
        self.names.get(&directory)?.get(name).copied()
    }

    fn insert(&mut self, above: usize, name: &[u8], body: Body, meta: Meta) -> Result<usize, Fault> {
        if self.items.len() >= IMAGE_OBJECTS_MAX {
            return Err(Fault::Objects);
        }
        let item = self.items.len();
        self.enter(above, name, item)?;
        let mut links = 1;
        if matches!(body, Body::Directory(_)) {
            links = 2;
            self.names.insert(item, BTreeMap::new());
            if let Some(above) = self.items.get_mut(above) {
                above.links += 1;
            }
        }
        self.items.push(Item { body, meta, links });
        self.described.push(false);
        Ok(item)
    }

    fn enter(&mut self, above: usize, name: &[u8], item: usize) -> Result<(), Fault> {
        self.count(name)?;
        self.names.get_mut(&above).ok_or(Fault::Below)?.insert(name.into(), item);
        Ok(())
    }

    fn count(&mut self, text: &[u8]) -> Result<(), Fault> {
        let bytes = u64::try_from(text.len()).map_err(|_| Fault::NameBytes)?;
        self.name_bytes = self.name_bytes.saturating_add(bytes);
        if self.name_bytes > IMAGE_NAME_BYTES_MAX { Err(Fault::NameBytes) } else { Ok(()) }
    }

    fn describe(&mut self, directory: usize, meta: Meta) -> Result<(), Fault> {
        if !self.again && self.described.get(directory) == Some(&true) {
            return Err(Fault::Twice);
        }
        if let Some(item) = self.items.get_mut(directory) {
            item.meta = meta;
        }
        self.mark(directory);
        Ok(())
    }

    fn mark(&mut self, item: usize) {
        if let Some(described) = self.described.get_mut(item) {
            *described = true;
        }
    }
}

/// The names of a path, without empty ones and `.`.
fn names(path: &[u8]) -> Result<Vec<&[u8]>, Fault> {
    if path.is_empty() || path.len() >= PATH_BYTES_MAX || path.contains(&0) {
        return Err(Fault::Path);
    }
    let all = path.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b"."));
    all.map(|name| match name {
        b".." => Err(Fault::Up),
        name if name.len() > NAME_BYTES_MAX => Err(Fault::Name),
        name => Ok(name),
    })
    .collect()
}

fn target(text: &[u8]) -> Result<(), Fault> {
    if text.is_empty() || text.len() >= PATH_BYTES_MAX || text.contains(&0) {
        return Err(Fault::Target);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::stored::Stored;
    use crate::fs::{Kind, NodeRef};
    use hob_os::Errno;

    const META: Meta = Meta { mode: 0o640, uid: 1, gid: 2, time: 3 };

    fn file(text: &str) -> Body {
        Body::File(Stored::memory(text.as_bytes()))
    }

    fn link(text: &str) -> Body {
        Body::Link(text.as_bytes().into())
    }

    fn directory() -> Body {
        Body::Directory(Vec::new())
    }

    fn names_of(node: &NodeRef, from: u64) -> Vec<(String, u64)> {
        let mut names = Vec::new();
        node.list(from, &mut |entry| {
            names.push((String::from_utf8_lossy(entry.name).into_owned(), entry.next));
            true
        })
        .unwrap();
        names
    }

    #[test]
    fn paths_that_are_none_or_lie_are_refused() {
        let mut builder = Builder::new(false);
        builder.add(b"a/b", file("x"), META).unwrap();
        builder.add(b"l", link("a"), META).unwrap();
        let mut check = |path: &[u8], body: Body, want: Fault| {
            assert_eq!(builder.add(path, body, META), Err(want), "{}", path.escape_ascii());
        };
        check(b"", file(""), Fault::Path);
        check(b"x\0", file(""), Fault::Path);
        check(&[b'a'; PATH_BYTES_MAX], file(""), Fault::Path);
        check(&[b'a'; NAME_BYTES_MAX + 1], file(""), Fault::Name);
        check(b"../x", file(""), Fault::Up);
        check(b"a/../x", file(""), Fault::Up);
        check(b"a/b", file(""), Fault::Twice);
        check(b"./a//b", directory(), Fault::Twice);
        check(b"/", file(""), Fault::Twice);
        check(b"a", link("x"), Fault::Twice);
        check(b"a/b/c", file(""), Fault::Below);
        check(b"l/c", file(""), Fault::Below);
        check(b"m", link(""), Fault::Target);
        check(b"m", link("x\0y"), Fault::Target);
        assert_eq!(builder.link(b"n", b"none"), Err(Fault::Link));
        assert_eq!(builder.link(b"n", b"a"), Err(Fault::Link));
        assert_eq!(builder.link(b"n", b"../a/b"), Err(Fault::Up));
        assert_eq!(builder.link(b"a", b"a/b"), Err(Fault::Twice));
        assert_eq!(builder.add(b"a", directory(), META), Ok(()));
        assert_eq!(builder.add(b"a", directory(), META), Err(Fault::Twice));
    }

    #[test]
    fn what_was_built_is_shown() {
        let mut builder = Builder::new(true);
        builder.add(b"./z", file("zz"), META).unwrap();
        builder.add(b"dir/sub/a", file("aaa"), META).unwrap();
        builder.add(b"dir", directory(), META).unwrap();
        builder.add(b"dir", directory(), Meta { mode: 0o700, ..META }).unwrap();
        builder.add(b"up", link("dir/../../dir/sub/../sub/./a"), META).unwrap();
        builder.add(b"loop", link("loop"), META).unwrap();
        builder.link(b"hard", b"z").unwrap();
        let tree = builder.finish();
        assert_eq!(tree.file(b"/dir/sub/a").unwrap().len(), 3);
        assert_eq!(tree.file(b"up").unwrap().len(), 3);
        for none in ["none", "dir", "loop", "z/x", "", "/"] {
            assert!(tree.file(none.as_bytes()).is_none(), "{none}");
        }
        let root = tree.root(9);
        let all = [("dir", 4), ("hard", 5), ("loop", 6), ("up", 7), ("z", 8)];
        let all: Vec<_> = all.map(|(name, next)| (name.to_owned(), next)).into();
        assert_eq!(names_of(&root, 0), all);
        assert_eq!(names_of(&root, 6), all[3..]);
        assert_eq!(names_of(&root, 8), []);
        assert_eq!(names_of(&root, u64::MAX), []);
        let (z, hard) = (root.lookup(b"z").unwrap(), root.lookup(b"hard").unwrap());
        assert_eq!((z.id(), z.immutable()), (hard.id(), hard.immutable()));
        let stat = z.stat().unwrap();
        assert_eq!((stat.links, stat.mode, stat.size, stat.modified), (2, 0o640, 2, 3));
        let dir = root.lookup(b"dir").unwrap();
        assert_eq!((dir.stat().unwrap().mode, dir.stat().unwrap().links), (0o700, 3));
        assert_eq!(root.lookup(b"loop").unwrap().read_link().unwrap(), b"loop");
        assert_eq!(root.lookup(b"no").unwrap_err(), Errno::Noent.into());
        assert_eq!(z.lookup(b"no").unwrap_err(), Errno::NotDir.into());
        assert_eq!(z.clone().open(true).unwrap_err(), Errno::Rofs.into());
        assert_eq!(z.open(false).unwrap().size(), Ok(2));
        assert_eq!(root.kind(), Kind::Directory);
        assert!(root.read_only());
    }
}
