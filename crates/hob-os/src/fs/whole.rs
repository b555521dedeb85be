//! Whole files by absolute guest path, for contracts that know no descriptors.
//!
//! The grant with the longest guest path that covers the path is used, and from there everything is an ordinary open:
//! the same walk, the same rights, the same records. A path is never cleaned first: `..` is walked like any name, and
//! leaving the grant is refused.

use crate::descriptor::{Descriptor, Dir, Object};
use crate::{Errno, OpenHow, Result, Rights, TRANSFER_BYTES_MAX, World};

impl World {
    /// The bytes of a file. Errors: those of [`World::open_at`]; [`Errno::NotCapable`] where no grant covers the path;
    /// [`Errno::IsDir`]; [`Errno::Fbig`] for a file of more than `max` bytes.
    pub fn read_file(&mut self, path: &[u8], max: u64) -> Result<Vec<u8>> {
        let how = OpenHow { follow: true, rights: Rights::FD_READ, ..OpenHow::default() };
        self.with_file(path, how, |world, fd| {
            let mut bytes = Vec::new();
            let mut chunk = vec![0; TRANSFER_BYTES_MAX.min(64 << 10)];
            loop {
                let done = world.read(fd, &mut chunk)?;
                if done == 0 {
                    return Ok(bytes);
                }
                bytes.extend_from_slice(chunk.get(..done).unwrap_or_default());
                if u64::try_from(bytes.len()).is_ok_and(|len| len > max) {
                    return Err(Errno::Fbig.into());
                }
            }
        })
    }

    /// Makes `bytes` all that a file holds, creating it where there is none. Errors: as [`World::read_file`].
    pub fn write_file(&mut self, path: &[u8], bytes: &[u8]) -> Result<()> {
        let rights = Rights::FD_WRITE;
        let how = OpenHow { follow: true, create: true, truncate: true, rights, ..OpenHow::default() };
        self.with_file(path, how, |world, fd| {
            let mut rest = bytes;
            while !rest.is_empty() {
                let done = world.write(fd, rest)?;
                if done == 0 {
                    return Err(Errno::Io.into());
                }
                rest = rest.get(done..).unwrap_or_default();
            }
            Ok(())
        })
    }

    fn with_file<R>(
        &mut self,
        path: &[u8],
        how: OpenHow,
        work: impl FnOnce(&mut Self, u32) -> Result<R>,
    ) -> Result<R> {
        let (root, rest) = match self.covering(path) {
            Some((region, rest)) => (self.regions.root(region).ok_or(Errno::NotCapable)?, rest.to_vec()),
            None => return self.audit.watch("open", &path, |_| Err(Errno::NotCapable.into())),
        };
        let all = Rights::DIRECTORY.or(Rights::FILE).under(root.access);
        let object = Object::Dir(Dir { node: root, preopen: None });
        let ticket = self.table.ticket()?;
        let descriptor = Descriptor {
            object,
            rights: all,
            inheriting: all.or(Rights::FD_WRITE),
            flags: Default::default(),
        };
        let dir = self.table.insert(ticket, descriptor)?;
        let opened = self.open_at(dir, if rest.is_empty() { b"." } else { &rest }, how);
        self.table.close(dir)?;
        let fd = opened?;
        let done = work(self, fd);
        self.table.close(fd)?;
        done
    }

    /// The grant that covers an absolute path, and what is left of the path below it.
    fn covering<'a>(&self, path: &'a [u8]) -> Option<(usize, &'a [u8])> {
        let below = |index: usize| {
            let guest = self.regions.guest(index)?.as_str().as_bytes();
            let rest = if guest == b"/" { path.strip_prefix(b"/")? } else { path.strip_prefix(guest)? };
            let inside = guest == b"/" || rest.is_empty() || rest.starts_with(b"/");
            let slashes = rest.iter().take_while(|byte| **byte == b'/').count();
            inside.then(|| (index, guest.len(), rest.get(slashes..).unwrap_or_default()))
        };
        let all = (0..self.regions.len()).filter_map(below);
        all.max_by_key(|(_, length, _)| *length).map(|(index, _, rest)| (index, rest))
    }
}
