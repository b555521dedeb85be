//! A part of a file system that objects share: one granted directory, in a world of its own.
//!
//! Each granted directory has a world, so that two of them never decide for each other; what was narrowed from it is a descriptor of
//! that world. Paths are walked by `hob-os`, from the descriptor, and so never leave it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hob_cap::{Access, FsGrant, StopReason, StopToken};
use hob_os::{Errno, FdFlags, FileStat, FileType, OpenHow, OsError, Rights, World};
use hob_vat::{Problem, Value};

use crate::answer::failed;
use crate::desk::Desk;
use crate::lanes::LaneId;
use crate::limits::Limits;
use crate::object::Ask;

/// Bytes that are read or written at once.
const CHUNK: usize = 64 << 10;

/// The descriptor of the directory that was granted: the streams before it are there and lead nowhere.
const ROOT: u32 = 3;

/// A granted directory.
pub(crate) struct Volume {
    world: Mutex<World>,
    stop: StopToken,
    pub(crate) lane: LaneId,
    pub(crate) limits: Limits,
}

/// A directory that is held open, and what may be done below it.
pub(crate) struct Folder {
    pub(crate) volume: Arc<Volume>,
    fd: u32,
    access: Access,
}

impl Volume {
    pub(crate) fn open(desk: &Desk, grant: &FsGrant) -> Result<Folder, Problem> {
        let dir = hob_os::open_grant(grant).map_err(|error| Problem::rule("not-found", error.to_string()))?;
        let stop = StopToken::never();
        let built = desk.world(&stop).preopen(dir, grant).build();
        let mut world = built.map_err(|error| failed(&grant.host, &error))?;
        for stream in 0..ROOT {
            world.close(stream).map_err(|error| failed(&grant.host, &error))?;
        }
        let (world, lane, limits) = (Mutex::new(world), desk.lane(), desk.limits.clone());
        let volume = Arc::new(Self { world, stop, lane, limits });
        Ok(Folder { volume, fd: ROOT, access: grant.access })
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is under way ends early, and nothing begins.
    pub(crate) fn stop(&self) {
        self.stop.stop(StopReason::Killed);
    }

    /// Waits until what is under way has ended.
    pub(crate) fn pass(&self) {
        drop(self.world());
    }
}

/// What a folder may be used for, and what is opened through it.
fn rights(access: Access) -> Rights {
    Rights::DIRECTORY.or(Rights::FILE).under(access)
}

impl Folder {
    pub(crate) fn access(&self) -> Access {
        self.access
    }

    /// Does something in the world, unless whoever asked was cut off before it began.
    pub(crate) fn work<T>(
        &self,
        ask: &Ask,
        path: &str,
        work: impl FnOnce(&mut World, u32) -> Result<T, OsError>,
    ) -> Result<T, Problem> {
        let mut world = self.volume.world();
        if !ask.is_wanted() {
            return Err(crate::answer::stopped(StopReason::Killed));
        }
        work(&mut world, self.fd).map_err(|error| failed(path, &error))
    }

    /// A directory below this one, with no more rights than this one has.
    pub(crate) fn below(&self, ask: &Ask, path: &str, access: Access) -> Result<Self, Problem> {
        let access = self.access.min(access);
        let all = rights(access);
        let how = OpenHow {
            follow: true,
            directory: true,
            rights: all.and(Rights::DIRECTORY),
            inheriting: all,
            ..OpenHow::default()
        };
        let fd = self.work(ask, path, |world, fd| world.open_at(fd, path.as_bytes(), how))?;
        Ok(Self { volume: Arc::clone(&self.volume), fd, access })
    }

    pub(crate) fn stat(&self, ask: &Ask, path: &str, follow: bool) -> Result<FileStat, Problem> {
        self.work(ask, path, |world, fd| world.filestat_at(fd, follow, path.as_bytes()))
    }

    /// Bytes of a file: all of them, or so many from an offset on.
    pub(crate) fn read(
        &self,
        ask: &Ask,
        path: &str,
        follow: bool,
        part: Option<(u64, u64)>,
    ) -> Result<Vec<u8>, Problem> {
        let max = self.volume.limits.read_bytes;
        let (offset, length) = match part {
            Some((_, length)) if length > max => return Err(too_long(max)),
            Some(part) => part,
            // One more than is allowed, to see whether there is more.
            None => (0, max.saturating_add(1)),
        };
        let how = OpenHow { follow, rights: Rights::FD_READ.or(Rights::FD_SEEK), ..OpenHow::default() };
        let bytes = self.work(ask, path, |world, fd| {
            with_file(world, fd, path, how, |world, file| read_all(world, file, offset, length))
        })?;
        if part.is_none() && u64::try_from(bytes.len()).is_ok_and(|len| len > max) {
            return Err(too_long(max));
        }
        Ok(bytes)
    }

    /// Writes all bytes to a file, made where there is none: instead of what it held, or after that.
    pub(crate) fn write(
        &self,
        ask: &Ask,
        path: &str,
        follow: bool,
        append: bool,
        bytes: &[u8],
    ) -> Result<(), Problem> {
        let flags = FdFlags { append, ..FdFlags::default() };
        let how = OpenHow {
            follow,
            create: true,
            truncate: !append,
            rights: Rights::FD_WRITE,
            flags,
            ..OpenHow::default()
        };
        self.work(ask, path, |world, fd| {
            with_file(world, fd, path, how, |world, file| {
                let mut rest = bytes;
                while let Some(chunk) = rest.get(..rest.len().min(CHUNK)).filter(|chunk| !chunk.is_empty()) {
                    let done = world.write(file, chunk)?;
                    rest = rest.get(done.max(1)..).unwrap_or_default();
                }
                Ok(())
            })
        })
    }

    pub(crate) fn truncate(&self, ask: &Ask, path: &str, size: u64) -> Result<(), Problem> {
        let rights = Rights::FD_WRITE.or(Rights::FD_FILESTAT_SET_SIZE);
        let how = OpenHow { rights, ..OpenHow::default() };
        self.work(ask, path, |world, fd| {
            with_file(world, fd, path, how, |world, file| world.set_size(file, size))
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A world that was stopped closes all when it goes.
        if self.fd != ROOT {
            let _ = self.volume.world().close(self.fd);
        }
    }
}

fn too_long(max: u64) -> Problem {
    Problem::rule(
        "limit",
        format!(
            "read-bytes limit exceeded: {max} allowed; an OFFSET and a LENGTH of at most {max} read a part"
        ),
    )
}

fn with_file<T>(
    world: &mut World,
    fd: u32,
    path: &str,
    how: OpenHow,
    work: impl FnOnce(&mut World, u32) -> Result<T, OsError>,
) -> Result<T, OsError> {
    let file = world.open_at(fd, path.as_bytes(), how)?;
    let done = match world.fdstat(file) {
        Ok(stat) if stat.kind == FileType::Directory => Err(Errno::IsDir.into()),
        Ok(_) => work(world, file),
        Err(error) => Err(error),
    };
    world.close(file)?;
    done
}

fn read_all(world: &mut World, file: u32, offset: u64, length: u64) -> Result<Vec<u8>, OsError> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; CHUNK];
    let (mut at, mut left) = (offset, length);
    loop {
        let want = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let room = chunk.get_mut(..want).unwrap_or_default();
        let done = if want == 0 { 0 } else { world.pread(file, room, at)? };
        if done == 0 {
            return Ok(bytes);
        }
        bytes.extend_from_slice(room.get(..done).unwrap_or_default());
        let done = u64::try_from(done).unwrap_or(u64::MAX);
        at = at.saturating_add(done);
        left = left.saturating_sub(done);
    }
}

/// Bytes as text.
pub(crate) fn text(path: &str, bytes: Vec<u8>) -> Result<Value, Problem> {
    String::from_utf8(bytes).map(Value::from).map_err(|_| {
        Problem::rule(
            "not-text",
            format!("`{}` is no UTF-8; `read` answers its bytes", crate::answer::shown(path)),
        )
    })
}

/// What is told of a file or directory.
pub(crate) fn told(stat: &FileStat) -> [(&'static str, Value); 3] {
    [("kind", kind(stat.kind)), ("size", stat.size.into()), ("modified", stat.modified.into())]
}

pub(crate) fn kind(kind: FileType) -> Value {
    Value::symbol(match kind {
        FileType::RegularFile => "file",
        FileType::Directory => "directory",
        FileType::SymbolicLink => "link",
        _ => "other",
    })
}
