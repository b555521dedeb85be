//! Sockets.

use hob_engine::HostTable;

use super::calls;
use super::guest::Guest;
use crate::command::Generation;
use crate::wasi_p1::types::put_u32;

pub(super) fn add_to(table: &mut HostTable<Guest>, _: Generation) {
    calls! { table, "host_net";
        fn net_send(mem, guest, fd: u32, at: u32, len: u32, _flags: u32, out: u32) {
            mem.check(out, 4)?;
            guest.process.description(fd)?.socket()?;
            let done = guest.process.write(fd, mem.bytes(at, len)?)?;
            put_u32(mem, out, u32::try_from(done).unwrap_or(0))
        }
        fn net_recv(mem, guest, fd: u32, at: u32, len: u32, _flags: u32, out: u32) {
            mem.check(out, 4)?;
            guest.process.description(fd)?.socket()?;
            let done = guest.process.read(fd, mem.bytes_mut(at, len)?)?;
            put_u32(mem, out, u32::try_from(done).unwrap_or(0))
        }
    }
}
