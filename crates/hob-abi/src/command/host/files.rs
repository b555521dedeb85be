//! Files beyond what preview 1 says of them: modes, owners, room, holes.

use hob_engine::{Ctx, Fault, HostTable};
use hob_kernel::fs::{New, RenameHow, Stat};
use hob_kernel::process::meta::Subject;
use hob_kernel::process::{Base, How};
use hob_os::Errno;

use super::guest::{Guest, HERE, fault};
use super::spawn::open_how;
use super::values::bytes;
use super::{calls, reach};
use crate::command::Generation;
use crate::wasi_p1::errno::{Refusal, Result};
use crate::wasi_p1::types::{put_u32, put_u64};

pub(super) fn add_to(table: &mut HostTable<Guest>, generation: Generation) {
    open_next(table);
    owners(table);
    names(table);
    room(table);
    scalars(table);
    if matches!(generation, Generation::P | Generation::S) {
        first_modes(table);
    } else {
        modes(table);
    }
}

/// What is said about a descriptor or a path where no error can be.
fn about(
    ctx: &mut Ctx<'_, Guest>,
    look: impl FnOnce(&mut hob_engine::Memory<'_>, &Guest) -> Result<Stat>,
) -> std::result::Result<Option<Stat>, Fault> {
    let (mut memory, guest) = ctx.split()?;
    guest.process.check().map_err(fault)?;
    match look(&mut memory, guest) {
        Ok(stat) => Ok(Some(stat)),
        Err(Refusal::Errno(_)) => Ok(None),
        Err(Refusal::Fault(fault)) => Err(fault),
    }
}

/// Does something with a path. The standard library of v1 hands over a path relative to the working directory as one
/// relative to the root, and commands name 3 where nothing is open: where nothing is found at the root, the working
/// directory is asked. The first generations know no directories here, and take the working directory for the root: it
/// is asked as well, whatever the path looks like.
pub(super) fn lenient<T>(
    guest: &Guest,
    fd: u32,
    path: &[u8],
    act: impl Fn(Base, &[u8]) -> hob_os::Result<T>,
) -> hob_os::Result<T> {
    let mut base = guest.base(fd);
    let is_open = || guest.process.description(3).is_ok_and(|one| one.directory().is_ok());
    if fd == 3 && guest.hides_preopens() && !is_open() {
        base = Base::Root;
    }
    let slashes = path.iter().take_while(|byte| **byte == b'/').count();
    let second = match base {
        Base::Root if slashes == 0 => (Base::Here, path),
        Base::Here if guest.hides_preopens() => return act(base, path),
        Base::Here if slashes == 0 => (Base::Root, path),
        Base::Here => (Base::Here, path.get(slashes..).unwrap_or_default()),
        _ => return act(base, path),
    };
    match act(base, path) {
        Err(error) if error.errno() == Errno::Noent && !second.1.is_empty() => act(second.0, second.1),
        done => done,
    }
}

fn stat_at(guest: &Guest, fd: u32, path: &[u8], follow: bool) -> Result<Stat> {
    Ok(lenient(guest, fd, path, |base, path| guest.process.stat(Subject::Path(base, path, follow)))?)
}

/// The whole mode, type and all, in the numbers of Linux.
fn whole_mode(stat: &Stat) -> u32 {
    use hob_kernel::fs::Kind;
    let kind = match stat.kind {
        Kind::Fifo => 0o01,
        Kind::Character => 0o02,
        Kind::Directory => 0o04,
        Kind::Block => 0o06,
        Kind::File => 0o10,
        Kind::Link => 0o12,
        Kind::Socket => 0o14,
    };
    kind << 12 | u32::from(stat.mode)
}

fn open_next(table: &mut HostTable<Guest>) {
    calls! { table, "host_fs";
        fn set_open_mode(_mem, guest, mode: u32) {
            guest.open_mode = u16::try_from(mode & 0o7777).ok();
            Ok(())
        }
        fn set_open_direct(_mem, guest, on: u32) {
            guest.open_direct = on != 0;
            Ok(())
        }
        fn open_tmpfile(mem, guest, fd: u32, path: u32, len: u32, flags: u32, mode: u32, out: u32) {
            mem.check(out, 4)?;
            let how = How { unnamed: true, ..open_how(flags, mode)? };
            let path = bytes(mem, path, len)?;
            put_u32(mem, out, guest.process.open(guest.base(fd), &path, how, 0)?)
        }
        fn fd_link(mem, guest, fd: u32, dir: u32, path: u32, len: u32) {
            let path = bytes(mem, path, len)?;
            Ok(guest.process.link_open(fd, guest.base(dir), &path)?)
        }
    }
}

fn modes(table: &mut HostTable<Guest>) {
    calls! { table, "host_fs";
        fn chmod(mem, guest, fd: u32, path: u32, len: u32, mode: u32) {
            let path = bytes(mem, path, len)?;
            let mode = u16::try_from(mode & 0o7777).map_err(|_| Errno::Inval)?;
            let change = |base, path: &[u8]| guest.process.change_mode(Subject::Path(base, path, true), mode);
            Ok(lenient(guest, fd, &path, change)?)
        }
    }
    table.func(
        "host_fs",
        "path_mode",
        reach("host_fs", "path_mode"),
        |ctx: &mut Ctx<'_, Guest>, fd: u32, path: u32, len: u32, follow: u32| {
            let stat = about(ctx, |mem, guest| stat_at(guest, fd, mem.bytes(path, len)?, follow != 0))?;
            Ok::<u32, Fault>(stat.as_ref().map_or(0, whole_mode))
        },
    );
}

/// Modes as the first generations have them: by path alone.
fn first_modes(table: &mut HostTable<Guest>) {
    calls! { table, "host_fs";
        fn chmod(mem, guest, path: u32, len: u32, mode: u32) {
            let path = bytes(mem, path, len)?;
            let asked = u16::try_from(mode & 0o7777).map_err(|_| Errno::Inval)?;
            Ok(lenient(guest, HERE, &path, |base, path| {
                let subject = Subject::Path(base, path, true);
                // A library of that time knows no more than whether a file may be written, and says so of a regular
                // file whatever it is: what may be executed or searched stays so.
                let kept = if mode >> 12 == 0o10 { guest.process.stat(subject)?.mode & 0o111 } else { 0 };
                guest.process.change_mode(subject, asked | kept)
            })?)
        }
    }
    table.func(
        "host_fs",
        "path_mode",
        reach("host_fs", "path_mode"),
        |ctx: &mut Ctx<'_, Guest>, path: u32, len: u32, follow: u32| {
            let stat = about(ctx, |mem, guest| stat_at(guest, HERE, mem.bytes(path, len)?, follow != 0))?;
            Ok::<u32, Fault>(stat.as_ref().map_or(0, whole_mode))
        },
    );
}

fn owners(table: &mut HostTable<Guest>) {
    calls! { table, "host_fs";
        fn fchmod(_mem, guest, fd: u32, mode: u32) {
            let mode = u16::try_from(mode & 0o7777).map_err(|_| Errno::Inval)?;
            Ok(guest.process.change_mode(Subject::Fd(fd), mode)?)
        }
        fn chown(mem, guest, fd: u32, path: u32, len: u32, uid: u32, gid: u32, follow: u32) {
            let path = bytes(mem, path, len)?;
            let change = |base, path: &[u8]| guest.process.change_owner(Subject::Path(base, path, follow != 0), uid, gid);
            Ok(lenient(guest, fd, &path, change)?)
        }
        fn path_chown(mem, guest, fd: u32, path: u32, len: u32, uid: u32, gid: u32, follow: u32) {
            let path = bytes(mem, path, len)?;
            let change = |base, path: &[u8]| guest.process.change_owner(Subject::Path(base, path, follow != 0), uid, gid);
            Ok(lenient(guest, fd, &path, change)?)
        }
        fn fchown(_mem, guest, fd: u32, uid: u32, gid: u32) {
            Ok(guest.process.change_owner(Subject::Fd(fd), uid, gid)?)
        }
        fn fd_chown(_mem, guest, fd: u32, uid: u32, gid: u32) {
            Ok(guest.process.change_owner(Subject::Fd(fd), uid, gid)?)
        }
        fn fd_owner(mem, guest, fd: u32, uid: u32, gid: u32) {
            mem.check(gid, 4)?;
            let stat = guest.process.stat(Subject::Fd(fd))?;
            put_u32(mem, uid, stat.uid)?;
            put_u32(mem, gid, stat.gid)
        }
        fn path_owner(mem, guest, fd: u32, path: u32, len: u32, follow: u32, uid: u32, gid: u32) {
            mem.check(gid, 4)?;
            let stat = stat_at(guest, fd, mem.bytes(path, len)?, follow != 0)?;
            put_u32(mem, uid, stat.uid)?;
            put_u32(mem, gid, stat.gid)
        }
        fn path_access(mem, guest, fd: u32, path: u32, len: u32, mode: u32, effective: u32) {
            let path = bytes(mem, path, len)?;
            let want = u16::try_from(mode).map_err(|_| Errno::Inval)?;
            Ok(guest.process.access(guest.base(fd), &path, want, effective != 0)?)
        }
    }
}

fn names(table: &mut HostTable<Guest>) {
    calls! { table, "host_fs";
        fn path_mknod(mem, guest, fd: u32, path: u32, len: u32, mode: u32, device: u64) {
            let path = bytes(mem, path, len)?;
            let new = match mode >> 12 {
                0o01 => New::Fifo,
                0o02 => New::Character(device),
                0o06 => New::Block(device),
                0o10 | 0 => New::File,
                _ => return Err(Errno::Inval.into()),
            };
            let mode = u16::try_from(mode & 0o7777).map_err(|_| Errno::Inval)?;
            Ok(guest.process.make(guest.base(fd), &path, new, mode)?)
        }
        fn path_renameat2(mem, guest, old_fd: u32, old: u32, old_len: u32, new_fd: u32, new: u32, new_len: u32, flags: u32) {
            let how = match flags {
                0 => RenameHow::Replace,
                1 => RenameHow::Keep,
                2 => RenameHow::Exchange,
                _ => return Err(Errno::Inval.into()),
            };
            let (old, new) = (bytes(mem, old, old_len)?, bytes(mem, new, new_len)?);
            Ok(guest.process.rename(guest.base(old_fd), &old, guest.base(new_fd), &new, how)?)
        }
        fn remount(mem, guest, path: u32, len: u32, options: u32, options_len: u32) {
            let (path, _) = (bytes(mem, path, len)?, bytes(mem, options, options_len)?);
            guest.process.stat(Subject::Path(Base::Here, &path, true))?;
            // What is mounted and how is the session's business alone.
            Err(Errno::Perm.into())
        }
    }
}

fn room(table: &mut HostTable<Guest>) {
    calls! { table, "host_fs";
        fn ftruncate(_mem, guest, fd: u32, size: i64) {
            let size = u64::try_from(size).map_err(|_| Errno::Inval)?;
            Ok(guest.process.resize(fd, size)?)
        }
        fn path_statfs(mem, guest, fd: u32, path: u32, len: u32, total: u32, used: u32, available: u32, inodes: u32, free: u32) {
            for out in [total, used, available, inodes, free] {
                mem.check(out, 8)?;
            }
            let path = bytes(mem, path, len)?;
            let space = guest.process.space(Subject::Path(guest.base(fd), &path, true))?;
            put_u64(mem, total, space.bytes)?;
            put_u64(mem, used, space.bytes_used)?;
            put_u64(mem, available, space.bytes.saturating_sub(space.bytes_used))?;
            put_u64(mem, inodes, space.inodes)?;
            put_u64(mem, free, space.inodes.saturating_sub(space.inodes_used))
        }
        fn fd_fiemap(mem, guest, fd: u32, index: u32, start: u32, end: u32, flags: u32) {
            mem.check(start, 8)?;
            mem.check(end, 8)?;
            mem.check(flags, 4)?;
            let extent = guest.process.extent(fd, index)?;
            put_u64(mem, start, extent.start)?;
            put_u64(mem, end, extent.end)?;
            put_u32(mem, flags, if extent.unwritten { 0x800 } else { 0 })
        }
        fn fd_punch_hole(_mem, guest, fd: u32, offset: i64, len: i64) {
            let (offset, len) = span(offset, len)?;
            Ok(guest.process.allocate(fd, |file| file.punch(offset, len))?)
        }
        fn fd_zero_range(_mem, guest, fd: u32, offset: i64, len: i64, keep: u32) {
            let (offset, len) = span(offset, len)?;
            Ok(guest.process.allocate(fd, |file| {
                file.punch(offset, len)?;
                file.reserve(offset, len, keep != 0)
            })?)
        }
        fn fd_insert_range(_mem, guest, fd: u32, offset: i64, len: i64) {
            let (offset, len) = span(offset, len)?;
            Ok(guest.process.allocate(fd, |file| file.insert(offset, len))?)
        }
        fn fd_collapse_range(_mem, guest, fd: u32, offset: i64, len: i64) {
            let (offset, len) = span(offset, len)?;
            Ok(guest.process.allocate(fd, |file| file.collapse(offset, len))?)
        }
    }
}

fn span(offset: i64, len: i64) -> Result<(u64, u64)> {
    let (offset, len) = (u64::try_from(offset), u64::try_from(len));
    let (offset, len) = (offset.map_err(|_| Errno::Inval)?, len.map_err(|_| Errno::Inval)?);
    if len == 0 {
        return Err(Errno::Inval.into());
    }
    Ok((offset, len))
}

/// Functions that say a number, and one that no number is where it is not to be had.
fn scalars(table: &mut HostTable<Guest>) {
    type Say = fn(&Stat) -> u64;
    let of_fd: [(&'static str, Say); 2] = [("fd_size", |stat| stat.size), ("fd_blocks", |stat| stat.blocks)];
    for (name, say) in of_fd {
        table.func("host_fs", name, reach("host_fs", name), move |ctx: &mut Ctx<'_, Guest>, fd: u32| {
            let stat = about(ctx, |_, guest| Ok(guest.process.stat(Subject::Fd(fd))?))?;
            Ok::<u64, Fault>(stat.as_ref().map_or(u64::MAX, say))
        });
    }
    table.func("host_fs", "fd_mode", reach("host_fs", "fd_mode"), |ctx: &mut Ctx<'_, Guest>, fd: u32| {
        let stat = about(ctx, |_, guest| Ok(guest.process.stat(Subject::Fd(fd))?))?;
        Ok::<u32, Fault>(stat.as_ref().map_or(0, whole_mode))
    });
    let of_path: [(&'static str, Say, u64); 3] = [
        ("path_size", |stat| stat.size, u64::MAX),
        ("path_blocks", |stat| stat.blocks, u64::MAX),
        ("path_rdev", |stat| stat.device, 0),
    ];
    for (name, say, nothing) in of_path {
        table.func(
            "host_fs",
            name,
            reach("host_fs", name),
            move |ctx: &mut Ctx<'_, Guest>, fd: u32, path: u32, len: u32, follow: u32| {
                let stat = about(ctx, |mem, guest| stat_at(guest, fd, mem.bytes(path, len)?, follow != 0))?;
                Ok::<u64, Fault>(stat.as_ref().map_or(nothing, say))
            },
        );
    }
}
