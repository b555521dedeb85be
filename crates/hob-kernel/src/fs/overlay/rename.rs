//! Moving names about. Whoever calls holds the lock of names alone.
//!
//! What is moved is in the upper layer first, a directory with everything in it. Then the move is one exchange there, after
//! which only steps are left that need no room and so cannot fail half-way.

use std::sync::Arc;

use hob_os::{Errno, Result};

use super::body::Body;
use super::marks::{is_whiteout, make_opaque};
use super::{Union, memory, some};
use crate::fs::{Kind, NodeRef, RenameHow};

impl Union {
    pub(super) fn rename(
        self: &Arc<Self>,
        (from, name): (&Arc<Body>, &[u8]),
        (to, to_name): (&Arc<Body>, &[u8]),
        how: RenameHow,
    ) -> Result<()> {
        let moved = self.find(from, name)?.ok_or(Errno::Noent)?;
        let other = self.find(to, to_name)?;
        match (how, &other) {
            (RenameHow::Keep, Some(_)) => return Err(Errno::Exist.into()),
            (RenameHow::Exchange, None) => return Err(Errno::Noent.into()),
            _ => {}
        }
        if Arc::ptr_eq(&moved, to) {
            return Err(Errno::Inval.into());
        }
        if other.as_ref().is_some_and(|other| Arc::ptr_eq(&moved, other)) {
            return Ok(());
        }
        let is_directory = moved.kind == Kind::Directory;
        if let Some(other) = &other
            && how == RenameHow::Replace
        {
            match (is_directory, other.kind == Kind::Directory) {
                (true, false) => return Err(Errno::NotDir.into()),
                (false, true) => return Err(Errno::IsDir.into()),
                (true, true) if !self.is_empty(other)? => return Err(Errno::NotEmpty.into()),
                _ => {}
            }
        }
        self.bring_up((from, name), &moved, self.shows_below(to, to_name)?)?;
        let (from_upper, to_upper) = (self.copy_up(from, u64::MAX)?, self.copy_up(to, u64::MAX)?);
        if how == RenameHow::Exchange {
            if let Some(other) = &other {
                self.bring_up((to, to_name), other, self.shows_below(from, name)?)?;
            }
            return from_upper.rename(name, &to_upper, to_name, how);
        }
        let hide = self.shows_below(from, name)?;
        let had = some(to_upper.lookup(to_name))?;
        self.swap((&from_upper, name), (&to_upper, to_name), had.clone(), hide)?;
        match other {
            Some(other) => self.lost(&other, had.is_none()),
            None => Ok(()),
        }
    }

    /// Moves a name of the upper layer in place of `had`, and leaves a whiteout if the old name shows something below.
    fn swap(
        &self,
        (from, name): (&NodeRef, &[u8]),
        (to, to_name): (&NodeRef, &[u8]),
        had: Option<NodeRef>,
        hide: bool,
    ) -> Result<()> {
        let Some(had) = had else {
            if !hide {
                return from.rename(name, to, to_name, RenameHow::Keep);
            }
            memory(to)?.put(to_name, &self.whiteout)?;
            return from.rename(name, to, to_name, RenameHow::Exchange).or_else(|error| {
                to.unlink(to_name, false)?;
                Err(error)
            });
        };
        from.rename(name, to, to_name, RenameHow::Exchange)?;
        if hide && is_whiteout(&had)? {
            return Ok(());
        }
        self.take_away(from, name, Some(&had), hide)
    }

    /// Gets what has a name ready to be moved, to where lower layers show something or not.
    fn bring_up(
        self: &Arc<Self>,
        (at, name): (&Arc<Body>, &[u8]),
        body: &Arc<Body>,
        over: bool,
    ) -> Result<()> {
        if body.kind == Kind::Directory {
            self.copy_tree(body)?;
        }
        let upper = self.name_up(at, name, body)?;
        if body.kind == Kind::Directory && over {
            make_opaque(&upper)?;
        }
        Ok(())
    }
}
