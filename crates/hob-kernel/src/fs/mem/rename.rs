//! Moving names about.
//!
//! The whole of a rename happens under the lock of the tree, so that a look at what is above a directory stays true until
//! the move is done. Stops: two renames at once that put a directory below itself, where nobody could ever reach it again.

use std::sync::{Arc, MutexGuard};

use hob_os::{Errno, Result};

use super::entry_cost;
use super::node::{MemNode, State};
use crate::fs::{Kind, RenameHow};
use crate::wait::lock;

/// The two directories of a rename, locked; they may be one.
struct Pair<'a> {
    from: MutexGuard<'a, State>,
    to: Option<MutexGuard<'a, State>>,
}

impl Pair<'_> {
    fn to(&mut self) -> &mut State {
        match &mut self.to {
            Some(to) => to,
            None => &mut self.from,
        }
    }
}

impl MemNode {
    pub(super) fn rename_to(&self, name: &[u8], to: &Self, to_name: &[u8], how: RenameHow) -> Result<()> {
        let _tree = lock(&self.shared.tree);
        let same = std::ptr::eq(self, to);
        let mut pair = Pair { from: lock(&self.state), to: (!same).then(|| lock(&to.state)) };
        let moved = pair.from.entries()?.get(name).ok_or(Errno::Noent)?.clone();
        let other = pair.to().entries_mut()?.get(to_name).cloned();
        match (how, &other) {
            (RenameHow::Keep, Some(_)) => return Err(Errno::Exist.into()),
            (RenameHow::Exchange, None) => return Err(Errno::Noent.into()),
            _ => {}
        }
        if moved.kind == Kind::Directory && to.is_below(&moved) {
            return Err(Errno::Inval.into());
        }
        if let Some(other) = &other
            && other.kind == Kind::Directory
            && self.is_below(other)
        {
            return Err(if how == RenameHow::Exchange { Errno::Inval } else { Errno::NotEmpty }.into());
        }
        match other {
            Some(other) if Arc::ptr_eq(&moved, &other) => Ok(()),
            Some(other) if how == RenameHow::Exchange => {
                self.exchange(&mut pair, to, (name, moved), (to_name, other))
            }
            other => self.replace(&mut pair, to, (name, moved), (to_name, other)),
        }
    }

    fn exchange(
        &self,
        pair: &mut Pair<'_>,
        to: &Self,
        (name, moved): (&[u8], Arc<Self>),
        (to_name, other): (&[u8], Arc<Self>),
    ) -> Result<()> {
        let now = self.shared.clock.now();
        for (node, above) in [(&moved, to), (&other, self)] {
            lock(&node.state).changed_now(now);
            node.set_parent(above)?;
        }
        pair.from.entries_mut()?.set(name, other);
        pair.from.modified_now(now);
        pair.to().entries_mut()?.set(to_name, moved);
        pair.to().modified_now(now);
        Ok(())
    }

    fn replace(
        &self,
        pair: &mut Pair<'_>,
        to: &Self,
        (name, moved): (&[u8], Arc<Self>),
        (to_name, other): (&[u8], Option<Arc<Self>>),
    ) -> Result<()> {
        let now = self.shared.clock.now();
        if let Some(other) = &other {
            match (moved.kind == Kind::Directory, other.kind == Kind::Directory) {
                (true, false) => return Err(Errno::NotDir.into()),
                (false, true) => return Err(Errno::IsDir.into()),
                (true, true) => other.retire(now)?,
                (false, false) => other.lose_name(now),
            }
        }
        // Only what the new name costs more than the old one: a move needs no room of its own.
        let (had, need) = (entry_cost(name), if other.is_some() { 0 } else { entry_cost(to_name) });
        self.shared.quota.take(need.saturating_sub(had))?;
        pair.to().charged += need;
        pair.from.charged = pair.from.charged.saturating_sub(had);
        self.shared.quota.give(had.saturating_sub(need));
        pair.from.entries_mut()?.remove(name);
        pair.from.modified_now(now);
        lock(&moved.state).changed_now(now);
        moved.set_parent(to)?;
        pair.to().entries_mut()?.set(to_name, moved);
        pair.to().modified_now(now);
        Ok(())
    }

    fn set_parent(&self, above: &Self) -> Result<()> {
        if self.kind == Kind::Directory {
            *lock(&self.parent) = Arc::downgrade(&above.shared_self()?);
        }
        Ok(())
    }

    /// Whether this is `above`, or somewhere below it.
    fn is_below(&self, above: &Self) -> bool {
        if std::ptr::eq(self, above) {
            return true;
        }
        let mut at = lock(&self.parent).upgrade();
        while let Some(node) = at {
            if std::ptr::eq(&*node, above) {
                return true;
            }
            at = lock(&node.parent).upgrade();
        }
        false
    }
}
