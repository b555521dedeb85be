//! Functions on open descriptors.

use hob_engine::{Ctx, HostTable, Memory};
use hob_os::{DirEntry, Errno, Rights, TRANSFER_BYTES_MAX};

use super::errno::Result;
use super::types::{advice, dirent, fdflags, fdstat, filestat, put_u32, put_u64, size, times, whence};
use super::{HasSystem, Reaches, System, with, with_world};

/// The most buffers one call may name, as POSIX systems have it.
const BUFFERS_MAX: u32 = 1024;

pub(super) fn add_to<T: HasSystem>(table: &mut HostTable<T>, module: &'static str, reach: &Reaches) {
    add_streams(table, module, reach);
    add_bytes(table, module, reach);
    add_state(table, module, reach);
    let reach = &reach.descriptors;
    table.func(
        module,
        "fd_readdir",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, fd: u32, at: u32, len: u32, cookie: u64, used: u32| {
            with(ctx, |mem, world| readdir(mem, world, fd, (at, len), cookie, used))
        },
    );
    table.func(module, "fd_prestat_get", reach.clone(), |ctx: &mut Ctx<'_, T>, fd: u32, out: u32| {
        with(ctx, |mem, world| {
            let name = size(world.prestat(fd)?.len())?;
            // The tag of a directory is 0; the union begins at 4.
            mem.write(out, &u64::from(name).rotate_left(32).to_le_bytes())?;
            Ok(())
        })
    });
    table.func(
        module,
        "fd_prestat_dir_name",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, fd: u32, at: u32, len: u32| {
            with(ctx, |mem, world| {
                let name = world.prestat(fd)?;
                if size(name.len())? > len {
                    return Err(Errno::NameTooLong.into());
                }
                Ok(mem.write(at, &name)?)
            })
        },
    );
}

/// The functions on streams whose types are the same in every snapshot of preview 1.
pub(super) fn add_streams<T: HasSystem>(table: &mut HostTable<T>, module: &'static str, reach: &Reaches) {
    let reach = &reach.descriptors;
    table.func(
        module,
        "fd_read",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, fd: u32, buffers: u32, count: u32, out: u32| {
            with(ctx, |mem, world| scatter(mem, buffers, count, out, |buf| Ok(world.read(fd, buf)?)))
        },
    );
    table.func(
        module,
        "fd_write",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, fd: u32, buffers: u32, count: u32, out: u32| {
            with(ctx, |mem, world| gather(mem, buffers, count, out, |buf| Ok(world.write(fd, buf)?)))
        },
    );
}

/// Reading, writing, seeking.
fn add_bytes<T: HasSystem>(table: &mut HostTable<T>, module: &'static str, reach: &Reaches) {
    let reach = &reach.descriptors;
    table.func(
        module,
        "fd_pread",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, fd: u32, buffers: u32, count: u32, offset: u64, out: u32| {
            with(ctx, |mem, world| scatter(mem, buffers, count, out, |buf| Ok(world.pread(fd, buf, offset)?)))
        },
    );
    table.func(
        module,
        "fd_pwrite",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, fd: u32, buffers: u32, count: u32, offset: u64, out: u32| {
            with(ctx, |mem, world| gather(mem, buffers, count, out, |buf| Ok(world.pwrite(fd, buf, offset)?)))
        },
    );
    table.func(
        module,
        "fd_seek",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, fd: u32, offset: i64, from: u32, out: u32| {
            with(ctx, |mem, world| {
                mem.check(out, 8)?;
                put_u64(mem, out, world.seek(fd, offset, whence(from)?)?)
            })
        },
    );
    table.func(module, "fd_tell", reach.clone(), |ctx: &mut Ctx<'_, T>, fd: u32, out: u32| {
        with(ctx, |mem, world| put_u64(mem, out, world.tell(fd)?))
    });
}

/// What a descriptor is and how it behaves.
fn add_state<T: HasSystem>(table: &mut HostTable<T>, module: &'static str, reach: &Reaches) {
    let reach = &reach.descriptors;
    table.func(
        module,
        "fd_advise",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, fd: u32, offset: u64, len: u64, pattern: u32| {
            with_world(ctx, |world| Ok(world.advise(fd, offset, len, advice(pattern)?)?))
        },
    );
    table.func(
        module,
        "fd_allocate",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, fd: u32, offset: u64, len: u64| {
            with_world(ctx, |world| Ok(world.allocate(fd, offset, len)?))
        },
    );
    table.func(module, "fd_close", reach.clone(), |ctx: &mut Ctx<'_, T>, fd: u32| {
        with_world(ctx, |world| Ok(world.close(fd)?))
    });
    table.func(module, "fd_renumber", reach.clone(), |ctx: &mut Ctx<'_, T>, from: u32, to: u32| {
        with_world(ctx, |world| Ok(world.renumber(from, to)?))
    });
    table.func(module, "fd_sync", reach.clone(), |ctx: &mut Ctx<'_, T>, fd: u32| {
        with_world(ctx, |world| Ok(world.sync(fd)?))
    });
    table.func(module, "fd_datasync", reach.clone(), |ctx: &mut Ctx<'_, T>, fd: u32| {
        with_world(ctx, |world| Ok(world.datasync(fd)?))
    });
    table.func(module, "fd_fdstat_get", reach.clone(), |ctx: &mut Ctx<'_, T>, fd: u32, out: u32| {
        with(ctx, |mem, world| Ok(mem.write(out, &fdstat(&world.fdstat(fd)?))?))
    });
    table.func(module, "fd_fdstat_set_flags", reach.clone(), |ctx: &mut Ctx<'_, T>, fd: u32, flags: u32| {
        with_world(ctx, |world| Ok(world.set_flags(fd, fdflags(flags, T::System::FLAGS)?)?))
    });
    table.func(
        module,
        "fd_fdstat_set_rights",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, fd: u32, rights: u64, inheriting: u64| {
            let (rights, inheriting) = (Rights::from_bits(rights), Rights::from_bits(inheriting));
            with_world(ctx, |world| Ok(world.set_rights(fd, rights, inheriting)?))
        },
    );
    table.func(module, "fd_filestat_get", reach.clone(), |ctx: &mut Ctx<'_, T>, fd: u32, out: u32| {
        with(ctx, |mem, world| Ok(mem.write(out, &filestat(&world.filestat(fd)?))?))
    });
    table.func(module, "fd_filestat_set_size", reach.clone(), |ctx: &mut Ctx<'_, T>, fd: u32, bytes: u64| {
        with_world(ctx, |world| Ok(world.set_size(fd, bytes)?))
    });
    table.func(
        module,
        "fd_filestat_set_times",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, fd: u32, accessed: u64, modified: u64, flags: u32| {
            with_world(ctx, |world| {
                let (accessed, modified) = times(accessed, modified, flags)?;
                Ok(world.set_times(fd, accessed, modified)?)
            })
        },
    );
}

/// The buffers of a call, checked, together at most as long as one transfer.
fn buffers(mem: &mut Memory<'_>, at: u32, count: u32) -> Result<Vec<(u32, u32)>> {
    if count > BUFFERS_MAX {
        return Err(Errno::Inval.into());
    }
    let mut left = size(TRANSFER_BYTES_MAX)?;
    let mut list = Vec::new();
    for index in 0..count {
        let at = index.checked_mul(8).and_then(|offset| at.checked_add(offset)).ok_or(Errno::Fault)?;
        let [a, b, c, d, e, f, g, h] = mem.array::<8>(at)?;
        let (start, len) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        mem.check(start, len)?;
        let len = len.min(left);
        left -= len;
        if len > 0 {
            list.push((start, len));
        }
    }
    Ok(list)
}

/// One read into the buffers of a call: straight into guest memory when there is one, else by way of a buffer.
pub(crate) fn scatter(
    mem: &mut Memory<'_>,
    at: u32,
    count: u32,
    out: u32,
    read: impl FnOnce(&mut [u8]) -> Result<usize>,
) -> Result<()> {
    mem.check(out, 4)?;
    let list = buffers(mem, at, count)?;
    let done = match list.as_slice() {
        [] => read(&mut [])?,
        [(start, len)] => mem.fill(*start, *len, read)?,
        several => {
            let mut whole = vec![0; total(several)];
            let done = read(&mut whole)?;
            let mut rest = whole.get(..done).unwrap_or_default();
            for (start, len) in several {
                let (piece, more) =
                    rest.split_at_checked(usize::try_from(*len).unwrap_or(0)).unwrap_or((rest, &[]));
                mem.write(*start, piece)?;
                rest = more;
            }
            done
        }
    };
    put_u32(mem, out, size(done)?)
}

/// One write of the buffers of a call: they go out together, so that an appending write stays whole.
pub(crate) fn gather(
    mem: &mut Memory<'_>,
    at: u32,
    count: u32,
    out: u32,
    write: impl FnOnce(&[u8]) -> Result<usize>,
) -> Result<()> {
    mem.check(out, 4)?;
    let list = buffers(mem, at, count)?;
    let done = match list.as_slice() {
        [] => write(&[])?,
        [(start, len)] => write(mem.bytes(*start, *len)?)?,
        several => {
            let mut whole = Vec::with_capacity(total(several));
            for (start, len) in several {
                whole.extend_from_slice(mem.bytes(*start, *len)?);
            }
            write(&whole)?
        }
    };
    put_u32(mem, out, size(done)?)
}

fn total(list: &[(u32, u32)]) -> usize {
    list.iter().map(|(_, len)| usize::try_from(*len).unwrap_or(0)).sum()
}

/// Fills the buffer with entries; one that does not fit is cut, which tells the guest to ask again with more room.
fn readdir(
    mem: &mut Memory<'_>,
    world: &mut impl System,
    fd: u32,
    to: (u32, u32),
    cookie: u64,
    used: u32,
) -> Result<()> {
    mem.check(used, 4)?;
    let filled = mem.fill(to.0, to.1, |buf| {
        let mut filled = 0;
        let mut put = |bytes: &[u8]| {
            let room = buf.get_mut(filled..).unwrap_or_default();
            let fits = bytes.len().min(room.len());
            room.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            filled += fits;
            fits == bytes.len()
        };
        world.readdir(fd, cookie, &mut |entry: DirEntry<'_>| {
            let name = u32::try_from(entry.name.len()).unwrap_or(u32::MAX);
            put(&dirent(entry.next, entry.inode, entry.kind, name)) && put(entry.name)
        })?;
        Result::Ok(filled)
    })?;
    put_u32(mem, used, size(filled)?)
}
