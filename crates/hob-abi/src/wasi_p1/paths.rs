//! Functions on names below an open directory.

use hob_engine::{Ctx, HostTable};
use hob_os::{Errno, OpenHow, Rights};

use super::errno::Result;
use super::types::{fdflags, filestat, follow, put_u32, size, times};
use super::{HasSystem, Reaches, System, with};

pub(super) fn add_to<T: HasSystem>(table: &mut HostTable<T>, module: &'static str, reach: &Reaches) {
    add_open(table, module, reach);
    add_one_name(table, module, reach);
    add_two_names(table, module, reach);
}

fn add_open<T: HasSystem>(table: &mut HostTable<T>, module: &'static str, reach: &Reaches) {
    table.func(
        module,
        "path_open",
        reach.paths.clone(),
        |ctx: &mut Ctx<'_, T>,
         fd: u32,
         lookup: u32,
         path: u32,
         len: u32,
         how: u32,
         rights: u64,
         inheriting: u64,
         flags: u32,
         out: u32| {
            with(ctx, |mem, world| {
                mem.check(out, 4)?;
                let how = open_how(lookup, how, rights, inheriting, (flags, T::System::FLAGS))?;
                let opened = world.open_at(fd, mem.bytes(path, len)?, how)?;
                put_u32(mem, out, opened)
            })
        },
    );
}

fn open_how(
    lookup: u32,
    how: u32,
    rights: u64,
    inheriting: u64,
    (flags, known): (u32, u32),
) -> Result<OpenHow> {
    if how & !0xf != 0 {
        return Err(Errno::Inval.into());
    }
    Ok(OpenHow {
        follow: follow(lookup)?,
        create: how & 1 != 0,
        directory: how & 2 != 0,
        exclusive: how & 4 != 0,
        truncate: how & 8 != 0,
        rights: Rights::from_bits(rights),
        inheriting: Rights::from_bits(inheriting),
        flags: fdflags(flags, known)?,
    })
}

fn add_one_name<T: HasSystem>(table: &mut HostTable<T>, module: &'static str, reach: &Reaches) {
    let reach = &reach.paths;
    table.func(
        module,
        "path_create_directory",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, fd: u32, path: u32, len: u32| {
            with(ctx, |mem, world| Ok(world.create_directory_at(fd, mem.bytes(path, len)?)?))
        },
    );
    table.func(
        module,
        "path_remove_directory",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, fd: u32, path: u32, len: u32| {
            with(ctx, |mem, world| Ok(world.remove_directory_at(fd, mem.bytes(path, len)?)?))
        },
    );
    table.func(
        module,
        "path_unlink_file",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, fd: u32, path: u32, len: u32| {
            with(ctx, |mem, world| Ok(world.unlink_at(fd, mem.bytes(path, len)?)?))
        },
    );
    table.func(
        module,
        "path_filestat_get",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, fd: u32, lookup: u32, path: u32, len: u32, out: u32| {
            with(ctx, |mem, world| {
                let stat = world.filestat_at(fd, follow(lookup)?, mem.bytes(path, len)?)?;
                Ok(mem.write(out, &filestat(&stat))?)
            })
        },
    );
    table.func(
        module,
        "path_filestat_set_times",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>,
         fd: u32,
         lookup: u32,
         path: u32,
         len: u32,
         accessed: u64,
         modified: u64,
         flags: u32| {
            with(ctx, |mem, world| {
                let (accessed, modified) = times(accessed, modified, flags)?;
                let path = mem.bytes(path, len)?;
                Ok(world.set_times_at(fd, follow(lookup)?, path, accessed, modified)?)
            })
        },
    );
    table.func(
        module,
        "path_readlink",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, fd: u32, path: u32, len: u32, buf: u32, buf_len: u32, out: u32| {
            with(ctx, |mem, world| {
                mem.check(out, 4)?;
                let path = mem.bytes(path, len)?.to_vec();
                let done = mem.fill(buf, buf_len, |buf| Result::Ok(world.readlink_at(fd, &path, buf)?))?;
                put_u32(mem, out, size(done)?)
            })
        },
    );
}

fn add_two_names<T: HasSystem>(table: &mut HostTable<T>, module: &'static str, reach: &Reaches) {
    let reach = &reach.paths;
    table.func(
        module,
        "path_rename",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, old_fd: u32, old: u32, old_len: u32, new_fd: u32, new: u32, new_len: u32| {
            with(ctx, |mem, world| {
                let (old, new) = mem.pair((old, old_len), (new, new_len))?;
                Ok(world.rename_at(old_fd, old, new_fd, new)?)
            })
        },
    );
    table.func(
        module,
        "path_link",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>,
         old_fd: u32,
         lookup: u32,
         old: u32,
         old_len: u32,
         new_fd: u32,
         new: u32,
         new_len: u32| {
            with(ctx, |mem, world| {
                let (old, new) = mem.pair((old, old_len), (new, new_len))?;
                Ok(world.link_at(old_fd, follow(lookup)?, old, new_fd, new)?)
            })
        },
    );
    table.func(
        module,
        "path_symlink",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, target: u32, target_len: u32, fd: u32, path: u32, len: u32| {
            with(ctx, |mem, world| {
                let (target, path) = mem.pair((target, target_len), (path, len))?;
                Ok(world.symlink_at(target, fd, path)?)
            })
        },
    );
}
