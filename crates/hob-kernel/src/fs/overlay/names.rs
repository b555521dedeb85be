//! Making, linking and removing names. Whoever calls holds the lock of names alone.

use std::sync::Arc;

use hob_os::{Errno, Result};

use super::body::Body;
use super::marks::{WHITEOUT, is_whiteout, make_opaque};
use super::{Union, memory, some};
use crate::fs::{Attributes, Kind, New, NodeRef};

impl Union {
    pub(super) fn make(
        self: &Arc<Self>,
        at: &Arc<Body>,
        name: &[u8],
        new: New<'_>,
        attributes: Attributes,
    ) -> Result<Arc<Body>> {
        if self.find(at, name)?.is_some() {
            return Err(Errno::Exist.into());
        }
        if new == WHITEOUT {
            // A guest would hide a name from itself.
            return Err(Errno::Perm.into());
        }
        let above = self.copy_up(at, u64::MAX)?;
        let node = memory(&self.upper)?.make_loose(new, attributes)?;
        if node.kind() == Kind::Directory && some(above.lookup(name))?.is_some() {
            // A whiteout goes, and what it hides stays hidden.
            make_opaque(&node)?;
        }
        memory(&above)?.put(name, &node)?;
        self.body(Some(node), Vec::new())
    }

    pub(super) fn make_unnamed(
        self: &Arc<Self>,
        at: &Arc<Body>,
        attributes: Attributes,
    ) -> Result<Arc<Body>> {
        at.layers()?;
        self.body(Some(self.upper.make_unnamed(attributes)?), Vec::new())
    }

    pub(super) fn link(self: &Arc<Self>, at: &Arc<Body>, name: &[u8], body: &Arc<Body>) -> Result<()> {
        if body.kind == Kind::Directory {
            return Err(Errno::Perm.into());
        }
        if self.find(at, name)?.is_some() {
            return Err(Errno::Exist.into());
        }
        if body.links()? == 0
            && !body
                .upper()
                .as_ref()
                .map_or(Ok(false), |upper| memory(upper).map(|node| node.is_linkable()))?
        {
            return Err(Errno::Noent.into());
        }
        let upper = self.copy_up(body, u64::MAX)?;
        let above = self.copy_up(at, u64::MAX)?;
        memory(&above)?.put(name, &upper)
    }

    pub(super) fn unlink(self: &Arc<Self>, at: &Arc<Body>, name: &[u8], directory: bool) -> Result<()> {
        let body = self.find(at, name)?.ok_or(Errno::Noent)?;
        match (directory, body.kind == Kind::Directory) {
            (true, false) => return Err(Errno::NotDir.into()),
            (false, true) => return Err(Errno::IsDir.into()),
            (true, true) if !self.is_empty(&body)? => return Err(Errno::NotEmpty.into()),
            _ => {}
        }
        let hide = self.shows_below(at, name)?;
        let above = self.copy_up(at, u64::MAX)?;
        let had = some(above.lookup(name))?;
        self.take_away(&above, name, had.as_ref(), hide)?;
        self.lost(&body, had.is_none())
    }

    /// Takes away what has a name in the upper layer, and hides what lower layers have. Needs no room if something had the
    /// name in the upper layer. A directory is empty but for whiteouts.
    pub(super) fn take_away(
        &self,
        above: &NodeRef,
        name: &[u8],
        had: Option<&NodeRef>,
        hide: bool,
    ) -> Result<()> {
        let directory = had.filter(|had| had.kind() == Kind::Directory);
        if let Some(directory) = directory {
            clear(directory)?;
        }
        if hide {
            return memory(above)?.put(name, &self.whiteout);
        }
        above.unlink(name, directory.is_some())
    }

    /// Notes that an object lost a name; `below`, one that only its lower layer had.
    pub(super) fn lost(&self, body: &Arc<Body>, below: bool) -> Result<()> {
        if body.kind == Kind::Directory {
            let mut state = body.state();
            state.removed = true;
            return Ok(());
        }
        if below { self.cover(body) } else { Ok(()) }
    }
}

/// Takes the whiteouts out of a directory of the upper layer that has nothing else.
fn clear(directory: &NodeRef) -> Result<()> {
    let mut names = Vec::new();
    directory.list(0, &mut |entry| {
        names.push(entry.name.to_vec());
        true
    })?;
    for name in names {
        if is_whiteout(&directory.lookup(&name)?)? {
            directory.unlink(&name, false)?;
        }
    }
    Ok(())
}
