//! Extended attributes.

use hob_engine::{HostTable, Memory};
use hob_kernel::process::meta::Subject;
use hob_os::Errno;

use super::calls;
use super::guest::Guest;
use super::values::bytes;
use crate::wasi_p1::errno::Result;
use crate::wasi_p1::types::put_u32;

/// It must not be there.
const CREATE: u32 = 1;
/// It must be there.
const REPLACE: u32 = 2;

pub(super) fn add_to(table: &mut HostTable<Guest>) {
    calls! { table, "host_fs";
        fn path_getxattr(mem, guest, fd: u32, path: u32, len: u32, name: u32, name_len: u32, at: u32, room: u32, follow: u32, out: u32) {
            let (path, name) = (bytes(mem, path, len)?, bytes(mem, name, name_len)?);
            let subject = Subject::Path(guest.base(fd), &path, follow != 0);
            let value = guest.process.attribute(subject, &name)?;
            answer(mem, (at, room), out, &value)
        }
        fn fd_getxattr(mem, guest, fd: u32, name: u32, name_len: u32, at: u32, room: u32, out: u32) {
            let name = bytes(mem, name, name_len)?;
            let value = guest.process.attribute(Subject::Fd(fd), &name)?;
            answer(mem, (at, room), out, &value)
        }
        fn path_setxattr(mem, guest, fd: u32, path: u32, len: u32, name: u32, name_len: u32, at: u32, value_len: u32, flags: u32, follow: u32) {
            let (path, name) = (bytes(mem, path, len)?, bytes(mem, name, name_len)?);
            let (create, replace) = how(flags)?;
            let subject = Subject::Path(guest.base(fd), &path, follow != 0);
            Ok(guest.process.set_attribute(subject, &name, mem.bytes(at, value_len)?, create, replace)?)
        }
        fn fd_setxattr(mem, guest, fd: u32, name: u32, name_len: u32, at: u32, value_len: u32, flags: u32) {
            let name = bytes(mem, name, name_len)?;
            let (create, replace) = how(flags)?;
            let value = mem.bytes(at, value_len)?;
            Ok(guest.process.set_attribute(Subject::Fd(fd), &name, value, create, replace)?)
        }
        fn path_listxattr(mem, guest, fd: u32, path: u32, len: u32, at: u32, room: u32, follow: u32, out: u32) {
            let path = bytes(mem, path, len)?;
            let names = guest.process.attribute_names(Subject::Path(guest.base(fd), &path, follow != 0))?;
            answer(mem, (at, room), out, &listed(&names))
        }
        fn fd_listxattr(mem, guest, fd: u32, at: u32, room: u32, out: u32) {
            let names = guest.process.attribute_names(Subject::Fd(fd))?;
            answer(mem, (at, room), out, &listed(&names))
        }
        fn path_removexattr(mem, guest, fd: u32, path: u32, len: u32, name: u32, name_len: u32, follow: u32) {
            let (path, name) = (bytes(mem, path, len)?, bytes(mem, name, name_len)?);
            Ok(guest.process.remove_attribute(Subject::Path(guest.base(fd), &path, follow != 0), &name)?)
        }
        fn fd_removexattr(mem, guest, fd: u32, name: u32, name_len: u32) {
            let name = bytes(mem, name, name_len)?;
            Ok(guest.process.remove_attribute(Subject::Fd(fd), &name)?)
        }
    }
}

fn how(flags: u32) -> Result<(bool, bool)> {
    if flags & !(CREATE | REPLACE) != 0 || flags == CREATE | REPLACE {
        return Err(Errno::Inval.into());
    }
    Ok((flags == CREATE, flags == REPLACE))
}

/// Names, a zero byte after each.
fn listed(names: &[Vec<u8>]) -> Vec<u8> {
    names.iter().flat_map(|name| name.iter().chain(&[0])).copied().collect()
}

/// Writes how long a value is, and the value, unless only its length was asked for with no room.
fn answer(mem: &mut Memory<'_>, (at, room): (u32, u32), out: u32, value: &[u8]) -> Result<()> {
    mem.check(out, 4)?;
    mem.check(at, room)?;
    let len = u32::try_from(value.len()).map_err(|_| Errno::Overflow)?;
    put_u32(mem, out, len)?;
    match room {
        0 => Ok(()),
        room if room < len => Err(Errno::Range.into()),
        _ => Ok(mem.write(at, value)?),
    }
}
