//! Bytes: reading and writing whatever a descriptor stands for, and the offsets of files.
//!
//! Reading or writing a descriptor that lacks the right is [`Errno::Badf`], as POSIX says; every other
//! missing right is [`Errno::NotCapable`]. A write to a file asks the grant as well as the right.

use rustix::fs::SeekFrom;

use crate::descriptor::{Descriptor, Object};
use crate::{
    Advice, Errno, FdFlags, FileType, RecvFlags, Result, Rights, TRANSFER_BYTES_MAX, Whence, World, sock,
};

impl World {
    /// Reads at the offset of `fd` into the start of `buf`, and returns how many bytes; 0 is the end.
    /// Waits for a stream that has nothing yet, unless the descriptor is `nonblock`.
    pub fn read(&mut self, fd: u32, buf: &mut [u8]) -> Result<usize> {
        self.waiter.check()?;
        let descriptor = self.table.get_mut(fd)?;
        descriptor.carries(Rights::FD_READ)?;
        let buf = start_mut(buf);
        let nonblock = descriptor.flags.nonblock;
        match &mut descriptor.object {
            Object::File(file) => Ok(rustix::io::retry_on_intr(|| rustix::io::read(&file.fd, &mut *buf))?),
            _ if buf.is_empty() => Ok(0),
            Object::Input(input) => input.read(buf, nonblock, &self.waiter),
            Object::Socket(socket) => {
                sock::receive(socket, buf, RecvFlags::default(), nonblock, &self.waiter)
            }
            _ => Err(Errno::Badf.into()),
        }
    }

    /// Writes from the start of `buf` at the offset of `fd`, and returns how many bytes. Waits for a
    /// stream that is full, unless the descriptor is `nonblock`.
    pub fn write(&mut self, fd: u32, buf: &[u8]) -> Result<usize> {
        self.waiter.check()?;
        let descriptor = self.table.get_mut(fd)?;
        descriptor.carries(Rights::FD_WRITE)?;
        let buf = start(buf);
        let nonblock = descriptor.flags.nonblock;
        match &mut descriptor.object {
            Object::File(file) => {
                file.writable()?;
                Ok(rustix::io::retry_on_intr(|| rustix::io::write(&file.fd, buf))?)
            }
            Object::Output(output) => output.write(buf, nonblock, &self.waiter),
            Object::Socket(socket) => sock::send(socket, buf, nonblock, &self.waiter),
            _ => Err(Errno::Badf.into()),
        }
    }

    /// Reads at `offset` bytes without moving the offset of `fd`. Errors: [`Errno::Spipe`] where there
    /// are no offsets.
    pub fn pread(&mut self, fd: u32, buf: &mut [u8], offset: u64) -> Result<usize> {
        self.waiter.check()?;
        let descriptor = self.table.get(fd)?;
        descriptor.carries(Rights::FD_READ)?;
        let file = descriptor.file()?;
        descriptor.need(Rights::FD_SEEK)?;
        let buf = start_mut(buf);
        Ok(rustix::io::retry_on_intr(|| rustix::io::pread(&file.fd, &mut *buf, offset))?)
    }

    /// Writes at `offset` bytes without moving the offset of `fd`; to the end when it is `append`.
    pub fn pwrite(&mut self, fd: u32, buf: &[u8], offset: u64) -> Result<usize> {
        self.waiter.check()?;
        let descriptor = self.table.get(fd)?;
        descriptor.carries(Rights::FD_WRITE)?;
        let file = descriptor.file()?;
        descriptor.need(Rights::FD_SEEK)?;
        file.writable()?;
        Ok(rustix::io::retry_on_intr(|| rustix::io::pwrite(&file.fd, start(buf), offset))?)
    }

    /// Moves the offset of a file and returns it. Beyond the end is allowed, before byte 0 is
    /// [`Errno::Inval`].
    pub fn seek(&mut self, fd: u32, offset: i64, whence: Whence) -> Result<u64> {
        self.waiter.check()?;
        let descriptor = self.table.get(fd)?;
        let file = descriptor.seekable()?;
        let asks_only = offset == 0 && whence == Whence::Current;
        descriptor.need(if asks_only { Rights::FD_TELL } else { Rights::FD_SEEK })?;
        let to = match whence {
            Whence::Start => SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::Inval)?),
            Whence::Current => SeekFrom::Current(offset),
            Whence::End => SeekFrom::End(offset),
        };
        Ok(rustix::fs::seek(&file.fd, to)?)
    }

    /// The offset of a file.
    pub fn tell(&mut self, fd: u32) -> Result<u64> {
        self.seek(fd, 0, Whence::Current)
    }

    /// Flushes data and metadata of a file or directory to the disk.
    pub fn sync(&mut self, fd: u32) -> Result<()> {
        self.flush(fd, Rights::FD_SYNC)
    }

    /// Flushes data of a file or directory to the disk.
    pub fn datasync(&mut self, fd: u32) -> Result<()> {
        self.flush(fd, Rights::FD_DATASYNC)
    }

    /// Takes note of an access pattern; this host does nothing with it.
    pub fn advise(&mut self, fd: u32, _offset: u64, _len: u64, _advice: Advice) -> Result<()> {
        self.waiter.check()?;
        let descriptor = self.table.get(fd)?;
        match descriptor.object {
            Object::File(_) | Object::Dir(_) => descriptor.need(Rights::FD_ADVISE),
            _ => Err(Errno::Badf.into()),
        }
    }

    /// Reserving space is not offered: it can fill a disk in one call. Always fails, with
    /// [`Errno::NotSup`] for a file and an empty range being [`Errno::Inval`].
    pub fn allocate(&mut self, fd: u32, _offset: u64, len: u64) -> Result<()> {
        self.waiter.check()?;
        let descriptor = self.table.get(fd)?;
        descriptor.seekable()?.writable()?;
        Err(if len == 0 { Errno::Inval } else { Errno::NotSup }.into())
    }

    /// Sets the size of a file in bytes; new bytes are 0 and take no room.
    pub fn set_size(&mut self, fd: u32, size: u64) -> Result<()> {
        self.waiter.check()?;
        let descriptor = self.table.get(fd)?;
        let file = descriptor.seekable()?;
        file.writable()?;
        descriptor.need(Rights::FD_FILESTAT_SET_SIZE)?;
        if i64::try_from(size).is_err() {
            return Err(Errno::Fbig.into());
        }
        Ok(rustix::fs::ftruncate(&file.fd, size)?)
    }

    fn flush(&mut self, fd: u32, right: Rights) -> Result<()> {
        self.waiter.check()?;
        let descriptor = self.table.get(fd)?;
        match &descriptor.object {
            Object::File(file) => {
                descriptor.need(right)?;
                match right {
                    Rights::FD_SYNC => Ok(rustix::fs::fsync(&file.fd)?),
                    _ => Ok(rustix::fs::fdatasync(&file.fd)?),
                }
            }
            Object::Dir(dir) => {
                descriptor.need(right)?;
                Ok(rustix::fs::fsync(&dir.node.fd)?)
            }
            _ => Err(Errno::Inval.into()),
        }
    }
}

impl Descriptor {
    /// What the descriptor stands for.
    pub(crate) fn kind(&self) -> FileType {
        match &self.object {
            Object::File(_) => FileType::RegularFile,
            Object::Dir(_) => FileType::Directory,
            Object::Input(input) => input.kind(),
            Object::Output(output) => output.kind(),
            Object::Listener(_) | Object::Socket(_) => FileType::SocketStream,
        }
    }

    /// Refuses with [`Errno::Badf`] unless bytes may flow in the direction of `right`; a directory
    /// is [`Errno::IsDir`].
    pub(crate) fn carries(&self, right: Rights) -> Result<()> {
        match self.object {
            Object::Dir(_) => Err(Errno::IsDir.into()),
            _ if self.rights.contains(right) => Ok(()),
            _ => Err(Errno::Badf.into()),
        }
    }

    /// The open file; a directory is [`Errno::Badf`] and a stream [`Errno::Spipe`].
    fn seekable(&self) -> Result<&crate::descriptor::File> {
        match &self.object {
            Object::Dir(_) => Err(Errno::Badf.into()),
            _ => self.file(),
        }
    }

    /// Changes `append` and `nonblock`. For a file the kernel keeps `append`; for a stream, which may
    /// be shared with other programs, only this descriptor knows.
    pub(crate) fn set_flags(&mut self, flags: FdFlags) -> Result<()> {
        let fixed = |flags: &FdFlags| (flags.dsync, flags.rsync, flags.sync);
        // All three off is what a C library sends that does not know them.
        if fixed(&flags) != fixed(&self.flags) && fixed(&flags) != (false, false, false) {
            return Err(Errno::Inval.into());
        }
        if let Object::File(file) = &self.object {
            let mut host = rustix::fs::fcntl_getfl(&file.fd)?;
            host.set(rustix::fs::OFlags::APPEND, flags.append);
            rustix::fs::fcntl_setfl(&file.fd, host)?;
        }
        self.flags.append = flags.append;
        self.flags.nonblock = flags.nonblock;
        Ok(())
    }
}

/// As much of the start of `buf` as one call transfers.
fn start(buf: &[u8]) -> &[u8] {
    buf.get(..TRANSFER_BYTES_MAX).unwrap_or(buf)
}

/// As much of the start of `buf` as one call transfers.
fn start_mut(buf: &mut [u8]) -> &mut [u8] {
    let len = buf.len().min(TRANSFER_BYTES_MAX);
    buf.split_at_mut(len).0
}
