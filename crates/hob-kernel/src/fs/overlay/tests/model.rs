//! A tree as a map of paths, naive enough to be right, and the same random operations on it and on real trees.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::*;
use crate::fs::{Change, File, NodeId, RenameHow};

/// An object of the model.
#[derive(Clone, Debug, PartialEq)]
struct Thing {
    kind: Kind,
    mode: u16,
    content: Vec<u8>,
    attributes: BTreeMap<Vec<u8>, Vec<u8>>,
}

#[derive(Clone, Debug)]
struct Model {
    things: Vec<Thing>,
    names: BTreeMap<String, usize>,
}

#[derive(Clone, Debug)]
enum Op {
    Make(String, u8),
    Unlink(String, bool),
    Link(String, String),
    Rename(String, String, RenameHow),
    Write(String, usize, Vec<u8>),
    Resize(String, usize),
    Mode(String, u16),
    Attribute(String, u8, Option<u8>),
    /// Keeps it open from here on.
    Hold(String),
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..=3).prop_map(|names| names.join("/"))
}

fn op() -> impl Strategy<Value = Op> {
    let how = prop::sample::select(vec![
        RenameHow::Replace,
        RenameHow::Replace,
        RenameHow::Keep,
        RenameHow::Exchange,
    ]);
    let bytes = (1u8..255, 0usize..6000).prop_map(|(byte, len)| vec![byte; len]);
    prop_oneof![
        5 => (path(), 0u8..6).prop_map(|(path, kind)| Op::Make(path, kind)),
        3 => (path(), any::<bool>()).prop_map(|(path, directory)| Op::Unlink(path, directory)),
        2 => (path(), path()).prop_map(|(path, to)| Op::Link(path, to)),
        5 => (path(), path(), how).prop_map(|(path, to, how)| Op::Rename(path, to, how)),
        2 => (path(), 0usize..9000, bytes).prop_map(|(path, at, bytes)| Op::Write(path, at, bytes)),
        1 => (path(), 0usize..9000).prop_map(|(path, size)| Op::Resize(path, size)),
        1 => (path(), 0u16..0o777).prop_map(|(path, mode)| Op::Mode(path, mode)),
        1 => (path(), 0u8..3, any::<Option<u8>>()).prop_map(|(path, name, value)| Op::Attribute(path, name, value)),
        1 => path().prop_map(Op::Hold),
    ]
}

fn new(kind: u8) -> (New<'static>, Kind) {
    match kind {
        0 | 1 => (New::Directory, Kind::Directory),
        2 => (New::Link(b"target"), Kind::Link),
        3 => (New::Fifo, Kind::Fifo),
        _ => (New::File, Kind::File),
    }
}

type Done = std::result::Result<(), Errno>;

impl Model {
    fn new() -> Self {
        let root =
            Thing { kind: Kind::Directory, mode: 0o755, content: Vec::new(), attributes: BTreeMap::new() };
        Self { things: vec![root], names: BTreeMap::new() }
    }

    fn above(&self, path: &str) -> std::result::Result<(), Errno> {
        for (end, _) in path.match_indices('/') {
            let thing = self.names.get(&path[..end]).ok_or(Errno::Noent)?;
            if self.things[*thing].kind != Kind::Directory {
                return Err(Errno::NotDir);
            }
        }
        Ok(())
    }

    fn at(&self, path: &str) -> std::result::Result<usize, Errno> {
        self.above(path)?;
        self.names.get(path).copied().ok_or(Errno::Noent)
    }

    fn is_directory(&self, thing: usize) -> bool {
        self.things[thing].kind == Kind::Directory
    }

    fn is_empty(&self, path: &str) -> bool {
        let below = format!("{path}/");
        !self.names.keys().any(|name| name.starts_with(&below))
    }

    fn take(&mut self, path: &str) -> BTreeMap<String, usize> {
        let below = format!("{path}/");
        let gone: Vec<_> =
            self.names.keys().filter(|name| *name == path || name.starts_with(&below)).cloned().collect();
        gone.into_iter()
            .map(|name| (name[path.len()..].to_owned(), self.names.remove(&name).unwrap()))
            .collect()
    }

    fn put(&mut self, path: &str, taken: BTreeMap<String, usize>) {
        self.names.extend(taken.into_iter().map(|(name, thing)| (format!("{path}{name}"), thing)));
    }

    fn file(&mut self, path: &str) -> std::result::Result<&mut Vec<u8>, Errno> {
        let thing = self.at(path)?;
        match self.things[thing].kind {
            Kind::File => Ok(&mut self.things[thing].content),
            Kind::Directory => Err(Errno::IsDir),
            _ => Err(Errno::Nxio),
        }
    }

    fn apply(&mut self, op: &Op) -> Done {
        match op {
            Op::Make(path, kind) => {
                self.above(path)?;
                if self.names.contains_key(path) {
                    return Err(Errno::Exist);
                }
                let (new, kind) = new(*kind);
                let content = if let New::Link(target) = new { target.to_vec() } else { Vec::new() };
                self.names.insert(path.clone(), self.things.len());
                self.things.push(Thing { kind, mode: OWNER.mode, content, attributes: BTreeMap::new() });
            }
            Op::Unlink(path, directory) => {
                let thing = self.at(path)?;
                match (directory, self.is_directory(thing)) {
                    (true, false) => return Err(Errno::NotDir),
                    (false, true) => return Err(Errno::IsDir),
                    (true, true) if !self.is_empty(path) => return Err(Errno::NotEmpty),
                    _ => drop(self.names.remove(path)),
                }
            }
            Op::Link(path, to) => {
                let thing = self.at(path)?;
                self.above(to)?;
                if self.is_directory(thing) {
                    return Err(Errno::Perm);
                }
                if self.names.contains_key(to) {
                    return Err(Errno::Exist);
                }
                self.names.insert(to.clone(), thing);
            }
            Op::Rename(path, to, how) => return self.rename(path, to, *how),
            Op::Write(path, at, bytes) => {
                let content = self.file(path)?;
                if !bytes.is_empty() {
                    content.resize(content.len().max(at + bytes.len()), 0);
                    content[*at..at + bytes.len()].copy_from_slice(bytes);
                }
            }
            Op::Resize(path, size) => self.file(path)?.resize(*size, 0),
            Op::Mode(path, mode) => {
                let thing = self.at(path)?;
                self.things[thing].mode = *mode;
            }
            Op::Attribute(path, name, value) => {
                let thing = self.at(path)?;
                let attributes = &mut self.things[thing].attributes;
                match value {
                    Some(value) => drop(attributes.insert(attribute(*name), vec![*value])),
                    None => drop(attributes.remove(&attribute(*name)).ok_or(Errno::NoData)?),
                }
            }
            Op::Hold(path) => drop(self.at(path)?),
        }
        Ok(())
    }

    fn rename(&mut self, path: &str, to: &str, how: RenameHow) -> Done {
        self.above(path)?;
        self.above(to)?;
        let moved = *self.names.get(path).ok_or(Errno::Noent)?;
        let other = self.names.get(to).copied();
        match (how, other) {
            (RenameHow::Keep, Some(_)) => return Err(Errno::Exist),
            (RenameHow::Exchange, None) => return Err(Errno::Noent),
            _ if to.starts_with(&format!("{path}/")) => return Err(Errno::Inval),
            (RenameHow::Exchange, _) if path.starts_with(&format!("{to}/")) => return Err(Errno::Inval),
            _ if path.starts_with(&format!("{to}/")) => return Err(Errno::NotEmpty),
            _ => {}
        }
        if Some(moved) == other {
            return Ok(());
        }
        if let Some(other) = other
            && how == RenameHow::Replace
        {
            match (self.is_directory(moved), self.is_directory(other)) {
                (true, false) => return Err(Errno::NotDir),
                (false, true) => return Err(Errno::IsDir),
                (true, true) if !self.is_empty(to) => return Err(Errno::NotEmpty),
                _ => {}
            }
        }
        let (moved, other) = (self.take(path), self.take(to));
        self.put(to, moved);
        if how == RenameHow::Exchange {
            self.put(path, other);
        }
        Ok(())
    }
}

fn attribute(name: u8) -> Vec<u8> {
    format!("user.{name}").into_bytes()
}

/// What is kept open: a thing of the model, its node, and its bytes if it has any.
type Held = (usize, NodeRef, Option<Arc<dyn File>>);

/// A real tree, and what is known of it.
struct Real {
    root: NodeRef,
    /// Of a thing of the model, what it was called when it was first seen.
    ids: HashMap<usize, NodeId>,
    held: Vec<Held>,
}

impl Real {
    fn new(root: NodeRef) -> Self {
        Self { root, ids: HashMap::new(), held: Vec::new() }
    }

    fn above<'a>(&self, path: &'a str) -> Result<(NodeRef, &'a [u8])> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut at = self.root.clone();
        for name in above.split('/').filter(|name| !name.is_empty()) {
            at = at.lookup(name.as_bytes())?;
        }
        if at.kind() != Kind::Directory {
            return Err(Errno::NotDir.into());
        }
        Ok((at, name.as_bytes()))
    }

    fn at(&self, path: &str) -> Result<NodeRef> {
        let (at, name) = self.above(path)?;
        at.lookup(name)
    }

    fn apply(&mut self, op: &Op, model: &Model) -> Result<()> {
        match op {
            Op::Make(path, kind) => {
                let (at, name) = self.above(path)?;
                at.make(name, new(*kind).0, OWNER).map(drop)
            }
            Op::Unlink(path, directory) => {
                let (at, name) = self.above(path)?;
                at.unlink(name, *directory)
            }
            Op::Link(path, to) => {
                let node = self.at(path)?;
                let (at, name) = self.above(to)?;
                at.link(name, &node)
            }
            Op::Rename(path, to, how) => {
                let (from, name) = self.above(path)?;
                let (at, to_name) = self.above(to)?;
                from.rename(name, &at, to_name, *how)
            }
            Op::Write(path, at, bytes) => {
                let open = self.at(path)?.open(true)?;
                open.write_at(bytes, *at as u64).map(|done| assert_eq!(done, bytes.len()))
            }
            Op::Resize(path, size) => self.at(path)?.open(true)?.resize(*size as u64),
            Op::Mode(path, mode) => self.at(path)?.change(&Change { mode: Some(*mode), ..Change::default() }),
            Op::Attribute(path, name, value) => {
                let node = self.at(path)?;
                match value {
                    Some(value) => node.set_attribute(&attribute(*name), &[*value], false, false),
                    None => node.remove_attribute(&attribute(*name)),
                }
            }
            Op::Hold(path) => {
                let node = self.at(path)?;
                let open = node.clone().open(false).ok();
                self.held.push((model.names[path], node, open));
                Ok(())
            }
        }
    }

    /// Compares everything. `links`: also which names are of one object, and that objects stay the same.
    fn compare(&mut self, model: &Model, links: bool) {
        let mut seen = BTreeMap::new();
        let mut ways = vec![(String::new(), self.root.clone())];
        while let Some((path, at)) = ways.pop() {
            let mut listed = Vec::new();
            at.list(0, &mut |entry| {
                listed.push((entry.name.to_vec(), entry.inode, entry.kind));
                true
            })
            .unwrap();
            for (name, inode, kind) in listed {
                let node = at.lookup(&name).unwrap();
                let full = format!("{path}{}", String::from_utf8(name).unwrap());
                assert_eq!((node.id().inode, node.kind()), (inode, kind), "{full} is listed as it is");
                if kind == Kind::Directory {
                    ways.push((format!("{full}/"), node.clone()));
                }
                assert!(seen.insert(full.clone(), node).is_none(), "{full} is listed once");
            }
        }
        let paths: Vec<_> = model.names.keys().collect();
        assert_eq!(seen.keys().collect::<Vec<_>>(), paths);
        let mut owners = HashMap::new();
        for (path, node) in &seen {
            let number = model.names[path];
            let thing = &model.things[number];
            compare(node, thing, path);
            if links {
                let id = *self.ids.entry(number).or_insert(node.id());
                assert_eq!(node.id(), id, "{path} is what it was");
                assert_eq!(*owners.entry(id).or_insert(number), number, "{path} is nothing else");
                let stat = node.stat().unwrap();
                assert_eq!(stat.id, id);
                let names = model.names.values().filter(|other| **other == number).count();
                assert!(thing.kind == Kind::Directory || stat.links == names as u64, "links of {path}");
            }
        }
        for (number, node, open) in &self.held {
            let thing = &model.things[*number];
            compare(node, thing, "what is held");
            assert!(!links || self.ids.get(number).is_none_or(|id| *id == node.id()));
            if let Some(open) = open {
                assert!(content(&**open) == thing.content, "what is held open");
            }
        }
    }
}

fn compare(node: &NodeRef, thing: &Thing, path: &str) {
    assert_eq!(node.kind(), thing.kind, "{path}");
    assert_eq!(node.stat().unwrap().mode, thing.mode, "mode of {path}");
    let names = node.attributes().unwrap();
    let values = names.into_iter().map(|name| {
        let value = node.attribute(&name).unwrap();
        (name, value)
    });
    assert_eq!(values.collect::<BTreeMap<_, _>>(), thing.attributes, "attributes of {path}");
    match thing.kind {
        Kind::File => {
            let open = node.clone().open(false).unwrap();
            assert!(content(&*open) == thing.content, "content of {path}");
            assert_eq!(node.stat().unwrap().size, thing.content.len() as u64);
        }
        Kind::Link => assert_eq!(node.read_link().unwrap(), thing.content),
        _ => {}
    }
}

/// Whether the walk stops a rename before the file system sees it: between a directory and what is below it.
fn is_stopped(op: &Op) -> bool {
    match op {
        Op::Rename(path, to, _) => to.starts_with(&format!("{path}/")) || path.starts_with(&format!("{to}/")),
        _ => false,
    }
}

fn run(model: &mut Model, real: &mut Real, ops: &[Op], overlay: bool) {
    for op in ops {
        if overlay && is_stopped(op) {
            continue;
        }
        let done = real.apply(op, model).map_err(|error| error.errno());
        assert_eq!(done, model.apply(op), "{op:?}");
        real.compare(model, true);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn memory_does_what_the_model_does(ops in prop::collection::vec(op(), 1..60)) {
        let fs = memory(1);
        let empty = fs.space();
        let (mut model, mut real) = (Model::new(), Real::new(fs.root()));
        run(&mut model, &mut real, &ops, false);
        drop(real);
        for name in ["a", "b", "c"] {
            remove(&fs.root(), name.as_bytes());
        }
        prop_assert_eq!(fs.space(), empty);
    }

    #[test]
    fn an_overlay_does_what_the_model_does(
        below in prop::collection::vec(op(), 1..40),
        ops in prop::collection::vec(op(), 1..60),
        above in prop::collection::vec(op(), 1..20),
    ) {
        let lower = memory(1);
        let (mut model, mut real) = (Model::new(), Real::new(lower.root()));
        run(&mut model, &mut real, &below, false);
        let (below, space) = (model.clone(), lower.space());

        let upper = memory(2);
        let root = Overlay::new(3, upper.root(), vec![lower.root()]).unwrap();
        let mut real = Real::new(root);
        real.compare(&model, true);
        run(&mut model, &mut real, &ops, true);
        drop(real);
        Real::new(lower.root()).compare(&below, true);
        prop_assert_eq!(lower.space(), space);

        // The same layers once more, under another one. Links of the lower layer are not known to it.
        let mut names: Vec<_> = below.names.values().collect();
        names.sort();
        if names.windows(2).all(|pair| pair[0] != pair[1] || below.is_directory(*pair[0])) {
            let root = Overlay::new(4, upper.root(), vec![lower.root()]).unwrap();
            Real::new(root).compare(&model, false);
            let root = Overlay::new(5, memory(6).root(), vec![upper.root(), lower.root()]).unwrap();
            let mut real = Real::new(root);
            run(&mut model, &mut real, &above, true);
        }
    }
}

fn remove(at: &NodeRef, name: &[u8]) {
    let Ok(node) = at.lookup(name) else { return };
    let directory = node.kind() == Kind::Directory;
    if directory {
        for name in ["a", "b", "c"] {
            remove(&node, name.as_bytes());
        }
    }
    at.unlink(name, directory).unwrap();
}
