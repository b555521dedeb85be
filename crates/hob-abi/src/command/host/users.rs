//! Users and groups: who a process is, and what `/etc` says of others.

use hob_engine::{HostTable, Memory};
use hob_kernel::limits::GROUPS_MAX;
use hob_kernel::process::Base;
use hob_os::Errno;

use super::calls;
use super::guest::Guest;
use super::values::{bytes, numbers, record};
use crate::wasi_p1::errno::Result;
use crate::wasi_p1::types::put_u32;

/// The most bytes of a name.
const NAME_BYTES_MAX: u32 = 4096;

/// The most bytes that are read of a file of accounts.
const ACCOUNTS_BYTES_MAX: u64 = 1 << 20;

pub(super) fn add_to(table: &mut HostTable<Guest>) {
    own(table);
    accounts(table);
}

fn own(table: &mut HostTable<Guest>) {
    calls! { table, "host_user";
        fn getuid(mem, guest, out: u32) { put_u32(mem, out, guest.process.identity().user[0]) }
        fn geteuid(mem, guest, out: u32) { put_u32(mem, out, guest.process.identity().user[1]) }
        fn getgid(mem, guest, out: u32) { put_u32(mem, out, guest.process.identity().group[0]) }
        fn getegid(mem, guest, out: u32) { put_u32(mem, out, guest.process.identity().group[1]) }
        fn getresuid(mem, guest, real: u32, effective: u32, saved: u32) {
            three(mem, [real, effective, saved], guest.process.identity().user)
        }
        fn getresgid(mem, guest, real: u32, effective: u32, saved: u32) {
            three(mem, [real, effective, saved], guest.process.identity().group)
        }
        fn setuid(_mem, guest, id: u32) { Ok(guest.process.change_identity(|who| who.set_user(id))?) }
        fn setgid(_mem, guest, id: u32) { Ok(guest.process.change_identity(|who| who.set_group(id))?) }
        fn seteuid(_mem, guest, id: u32) {
            Ok(guest.process.change_identity(|who| who.set_effective_user(id))?)
        }
        fn setegid(_mem, guest, id: u32) {
            Ok(guest.process.change_identity(|who| who.set_effective_group(id))?)
        }
        fn setreuid(_mem, guest, real: u32, effective: u32) {
            Ok(guest.process.change_identity(|who| who.set_real_effective_user(real, effective))?)
        }
        fn setregid(_mem, guest, real: u32, effective: u32) {
            Ok(guest.process.change_identity(|who| who.set_real_effective_group(real, effective))?)
        }
        fn setresuid(_mem, guest, real: u32, effective: u32, saved: u32) {
            Ok(guest.process.change_identity(|who| who.set_users([real, effective, saved]))?)
        }
        fn setresgid(_mem, guest, real: u32, effective: u32, saved: u32) {
            Ok(guest.process.change_identity(|who| who.set_group_ids([real, effective, saved]))?)
        }
        fn getgroups(mem, guest, room: u32, at: u32, out: u32) {
            mem.check(out, 4)?;
            mem.check(at, room.saturating_mul(4))?;
            let groups = guest.process.identity().groups;
            let count = u32::try_from(groups.len()).map_err(|_| Errno::Overflow)?;
            if room != 0 {
                if room < count {
                    return Err(Errno::Inval.into());
                }
                let raw: Vec<u8> = groups.iter().flat_map(|group| group.to_le_bytes()).collect();
                mem.write(at, &raw)?;
            }
            put_u32(mem, out, count)
        }
        fn setgroups(mem, guest, count: u32, at: u32) {
            let max = u32::try_from(GROUPS_MAX).map_err(|_| Errno::Inval)?;
            let groups = numbers(mem, at, count, max)?;
            Ok(guest.process.change_identity(|who| who.set_groups(groups))?)
        }
        fn isatty(mem, guest, fd: u32, out: u32) {
            mem.check(out, 4)?;
            let is = guest.process.is_terminal(fd)?;
            put_u32(mem, out, u32::from(is))
        }
    }
}

fn three(mem: &mut Memory<'_>, at: [u32; 3], ids: [u32; 3]) -> Result<()> {
    at.iter().try_for_each(|at| mem.check(*at, 4))?;
    at.into_iter().zip(ids).try_for_each(|(at, id)| put_u32(mem, at, id))
}

fn accounts(table: &mut HostTable<Guest>) {
    calls! { table, "host_user";
        fn getpwuid(mem, guest, uid: u32, at: u32, room: u32, out: u32) {
            let line = account(guest, b"/etc/passwd", |fields| id(fields, 2) == Some(uid))?;
            record(mem, (at, room), out, &line)
        }
        fn getpwnam(mem, guest, name: u32, name_len: u32, at: u32, room: u32, out: u32) {
            let name = named(mem, name, name_len)?;
            let line = account(guest, b"/etc/passwd", |fields| fields.first() == Some(&name.as_slice()))?;
            record(mem, (at, room), out, &line)
        }
        fn getpwent(mem, guest, index: u32, at: u32, room: u32, out: u32) {
            let mut left = index;
            let line = account(guest, b"/etc/passwd", |_| counted(&mut left))?;
            record(mem, (at, room), out, &line)
        }
        fn getgrgid(mem, guest, gid: u32, at: u32, room: u32, out: u32) {
            let line = account(guest, b"/etc/group", |fields| id(fields, 2) == Some(gid))?;
            record(mem, (at, room), out, &line)
        }
        fn getgrnam(mem, guest, name: u32, name_len: u32, at: u32, room: u32, out: u32) {
            let name = named(mem, name, name_len)?;
            let line = account(guest, b"/etc/group", |fields| fields.first() == Some(&name.as_slice()))?;
            record(mem, (at, room), out, &line)
        }
        fn getgrent(mem, guest, index: u32, at: u32, room: u32, out: u32) {
            let mut left = index;
            let line = account(guest, b"/etc/group", |_| counted(&mut left))?;
            record(mem, (at, room), out, &line)
        }
    }
}

fn named(mem: &mut Memory<'_>, at: u32, len: u32) -> Result<Vec<u8>> {
    if len > NAME_BYTES_MAX {
        return Err(Errno::NameTooLong.into());
    }
    bytes(mem, at, len)
}

fn id(fields: &[&[u8]], index: usize) -> Option<u32> {
    std::str::from_utf8(fields.get(index)?).ok()?.parse().ok()
}

fn counted(left: &mut u32) -> bool {
    let now = *left == 0;
    *left = left.saturating_sub(1);
    now
}

/// The first line of a file of accounts that `fits`. Errors: [`Errno::Noent`].
fn account(guest: &Guest, file: &[u8], mut fits: impl FnMut(&[&[u8]]) -> bool) -> Result<Vec<u8>> {
    let text = guest.process.read_file(Base::Root, file, ACCOUNTS_BYTES_MAX)?;
    let fields = |line: &[u8]| line.split(|byte| *byte == b':').map(<[u8]>::to_vec).collect::<Vec<_>>();
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .find(|line| {
            let fields = fields(line);
            fits(&fields.iter().map(Vec::as_slice).collect::<Vec<_>>())
        })
        .map(<[u8]>::to_vec)
        .ok_or(Errno::Noent.into())
}
