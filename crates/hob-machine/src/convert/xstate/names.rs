//! What states are called, and what a target stands for.

use std::collections::HashMap;

use super::super::make::Names;
use super::tree::Tree;
use crate::problem::below;

/// One state of the machine that is read.
pub(super) struct Entry<'a> {
    pub(super) tree: &'a Tree,
    pub(super) key: &'a str,
    pub(super) at: String,
    pub(super) parent: Option<usize>,
    pub(super) children: Vec<usize>,
    pub(super) name: String,
    /// By which targets know it.
    pub(super) id: String,
}

/// All states, parents before children; the first is the root.
pub(super) struct Index<'a> {
    pub(super) entries: Vec<Entry<'a>>,
    by_id: HashMap<String, usize>,
    by_key: HashMap<(usize, &'a str), usize>,
}

impl<'a> Index<'a> {
    pub(super) fn new(root: &'a Tree) -> Self {
        let machine = root.get("id").and_then(Tree::as_str).unwrap_or("machine");
        let mut index = Self { entries: Vec::new(), by_id: HashMap::new(), by_key: HashMap::new() };
        index.add(root, machine, String::new(), None, machine.to_owned());
        index.name();
        index
    }

    /// Nesting is bounded by the parser.
    fn add(&mut self, tree: &'a Tree, key: &'a str, at: String, parent: Option<usize>, id: String) -> usize {
        let number = self.entries.len();
        self.by_id.entry(id.clone()).or_insert(number);
        let inside = below(&at, "states");
        let prefix = id.clone();
        self.entries.push(Entry { tree, key, at, parent, children: Vec::new(), name: String::new(), id });
        for (key, child) in tree.get("states").map(Tree::fields).unwrap_or_default() {
            let given = child.get("id").and_then(Tree::as_str);
            let id = given.map_or_else(|| format!("{prefix}.{key}"), str::to_owned);
            let child = self.add(child, key, below(&inside, key), Some(number), id);
            self.by_key.insert((number, key), child);
            if let Some(entry) = self.entries.get_mut(number) {
                entry.children.push(child);
            }
        }
        number
    }

    fn name(&mut self) {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for entry in self.entries.iter().skip(1) {
            *seen.entry(entry.key).or_default() += 1;
        }
        let mut names = Names::default();
        let wanted: Vec<String> = self
            .entries
            .iter()
            .map(|entry| {
                match kept_name(entry.tree).or_else(|| entry.tree.get("id").and_then(Tree::as_str)) {
                    Some(name) => name.to_owned(),
                    None if entry.parent.is_none() || seen.get(entry.key) == Some(&1) => entry.key.to_owned(),
                    None => entry.id.clone(),
                }
            })
            .collect();
        // The root comes last: it is a state only when it has to be.
        for (number, wanted) in wanted.iter().enumerate().skip(1).chain(wanted.iter().enumerate().take(1)) {
            let wanted = if wanted.is_empty() { "_" } else { wanted };
            let name = names.fresh(wanted);
            if let Some(entry) = self.entries.get_mut(number) {
                entry.name = name;
            }
        }
    }

    pub(super) fn entry(&self, number: usize) -> Option<&Entry<'a>> {
        self.entries.get(number)
    }

    pub(super) fn name_of(&self, number: usize) -> &str {
        self.entry(number).map_or("", |entry| &entry.name)
    }

    /// The state that a target stands for, seen from a state.
    pub(super) fn resolve(&self, from: usize, target: &str) -> Option<usize> {
        if let Some(id) = target.strip_prefix('#') {
            // An id may have dots in it, and a path may follow it.
            let mut end = id.len();
            loop {
                let (head, rest) = (id.get(..end)?, id.get(end..)?);
                if let Some(found) = self.by_id.get(head) {
                    return self.descend(*found, rest.trim_start_matches('.'));
                }
                end = head.rfind('.')?;
            }
        }
        if let Some(path) = target.strip_prefix('.') {
            return self.descend(from, path);
        }
        let around = self.entry(from)?.parent.unwrap_or(from);
        self.descend(around, target)
    }

    fn descend(&self, from: usize, path: &str) -> Option<usize> {
        let mut at = from;
        let mut rest = path;
        while !rest.is_empty() {
            // A key may have dots in it, too.
            let mut end = rest.len();
            at = loop {
                if let Some(child) = self.by_key.get(&(at, rest.get(..end)?)) {
                    break *child;
                }
                end = rest.get(..end)?.rfind('.')?;
            };
            rest = rest.get(end..)?.trim_start_matches('.');
        }
        Some(at)
    }

    pub(super) fn is_inside(&self, number: usize, around: usize) -> bool {
        let mut at = self.entry(number).and_then(|entry| entry.parent);
        while let Some(parent) = at {
            if parent == around {
                return true;
            }
            at = self.entry(parent).and_then(|entry| entry.parent);
        }
        false
    }
}

/// The name that an export of ours could not write as an id.
fn kept_name(tree: &Tree) -> Option<&str> {
    tree.get("meta").and_then(|meta| meta.get(super::NAME)).and_then(Tree::as_str)
}
