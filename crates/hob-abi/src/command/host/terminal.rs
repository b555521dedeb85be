//! Terminals.

use hob_engine::{Ctx, Fault, HostTable};
use hob_kernel::tty::termios::Basic;
use hob_kernel::tty::{Size, When};
use hob_os::Errno;

use super::guest::{Guest, fault};
use super::values::moment;
use super::{calls, reach};
use crate::wasi_p1::types::{put_u16, put_u32};

/// The numbers Linux has for a bad descriptor, a bad pointer, no terminal, and everything else: the first generations hand
/// these out where a size is asked for.
const LINUX_BADF: u32 = 9;
const LINUX_FAULT: u32 = 14;
const LINUX_NOTTY: u32 = 25;
const LINUX_IO: u32 = 5;

pub(super) fn add_to(table: &mut HostTable<Guest>) {
    calls! { table, "host_tty";
        fn set_size(_mem, guest, fd: u32, columns: u32, rows: u32) {
            let number = |number: u32| u16::try_from(number).map_err(|_| Errno::Inval);
            let size = Size { columns: number(columns)?, rows: number(rows)?, ..Size::default() };
            Ok(guest.process.terminal(fd, |control| control.set_size(size))?)
        }
        fn set_raw_mode(_mem, guest, on: u32) {
            if on != 0 {
                let before = guest.process.terminal(0, |control| {
                    let before = control.attributes()?;
                    control.set_attributes(When::Now, &before.raw())?;
                    Ok(before)
                })?;
                guest.before_raw.get_or_insert(before);
                return Ok(());
            }
            match guest.before_raw.take() {
                None => Ok(()),
                Some(before) => Ok(guest.process.terminal(0, |control| control.set_attributes(When::Now, &before))?),
            }
        }
        fn get_attr(mem, guest, fd: u32, flags: u32, characters: u32) {
            mem.check(characters, 7)?;
            let basic = guest.process.terminal(fd, |control| control.attributes())?.basic();
            put_u32(mem, flags, basic.flags)?;
            Ok(mem.write(characters, &basic.characters)?)
        }
        fn set_attr(mem, guest, fd: u32, flags: u32, characters: u32) {
            let basic = Basic { flags, characters: mem.array::<7>(characters)? };
            Ok(guest.process.terminal(fd, |control| control.set_basic(When::Now, &basic))?)
        }
        fn get_pgrp(mem, guest, fd: u32, out: u32) {
            mem.check(out, 4)?;
            put_u32(mem, out, guest.process.terminal(fd, |control| control.foreground())?)
        }
        fn set_pgrp(_mem, guest, fd: u32, group: u32) {
            Ok(guest.process.terminal(fd, |control| control.set_foreground(group))?)
        }
        fn get_sid(mem, guest, fd: u32, out: u32) {
            mem.check(out, 4)?;
            put_u32(mem, out, guest.process.terminal(fd, |control| control.session())?)
        }
    }
    table.func("host_tty", "isatty", reach("host_tty", "isatty"), |ctx: &mut Ctx<'_, Guest>, fd: u32| {
        Ok::<u32, Fault>(u32::from(ctx.data().process.is_terminal(fd).unwrap_or(false)))
    });
    table.func(
        "host_tty",
        "get_size",
        reach("host_tty", "get_size"),
        |ctx: &mut Ctx<'_, Guest>, fd: u32, columns: u32, rows: u32| {
            let (mut mem, guest) = ctx.split()?;
            guest.process.check().map_err(fault)?;
            if mem.check(columns, 2).and_then(|()| mem.check(rows, 2)).is_err() {
                return Ok::<u32, Fault>(LINUX_FAULT);
            }
            let answer = match guest.process.terminal(fd, |control| control.size()) {
                Ok(size) => put_u16(&mut mem, columns, size.columns)
                    .and_then(|()| put_u16(&mut mem, rows, size.rows))
                    .map_or(LINUX_FAULT, |()| 0),
                Err(error) => match error.errno() {
                    Errno::Badf => LINUX_BADF,
                    Errno::NotTy => LINUX_NOTTY,
                    _ => LINUX_IO,
                },
            };
            Ok(answer)
        },
    );
    table.func(
        "host_tty",
        "read",
        reach("host_tty", "read"),
        |ctx: &mut Ctx<'_, Guest>, at: u32, room: u32, timeout: i32| {
            use crate::wasi_p1::HasSystem;
            Guest::safe_point(ctx)?;
            let (mut mem, guest) = ctx.split()?;
            let read = match mem.bytes_mut(at, room) {
                Ok(buf) => guest.process.read_until_time(0, buf, moment(timeout)),
                Err(_) => Ok(0),
            };
            let read = match read {
                Err(error @ (hob_os::OsError::Stopped(_) | hob_os::OsError::Limit(_))) => {
                    return Err(fault(error));
                }
                other => other.unwrap_or(0),
            };
            Guest::safe_point(ctx)?;
            Ok::<u32, Fault>(u32::try_from(read).unwrap_or(0))
        },
    );
}
