//! Sockets that the embedder handed in. A guest cannot make one.

use hob_engine::{Ctx, HostTable};
use hob_os::Errno;

use super::files::{gather, scatter};
use super::types::{fdflags, put_u16, put_u32, recv_flags};
use super::{HasSystem, Reaches, System, with, with_world};

pub(super) fn add_to<T: HasSystem>(table: &mut HostTable<T>, module: &'static str, reach: &Reaches) {
    let reach = &reach.sockets;
    table.func(
        module,
        "sock_accept",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, fd: u32, flags: u32, out: u32| {
            with(ctx, |mem, world| {
                mem.check(out, 4)?;
                put_u32(mem, out, world.accept(fd, fdflags(flags, T::System::FLAGS)?)?)
            })
        },
    );
    table.func(
        module,
        "sock_recv",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, fd: u32, buffers: u32, count: u32, flags: u32, out: u32, out_flags: u32| {
            with(ctx, |mem, world| {
                mem.check(out_flags, 2)?;
                let flags = recv_flags(flags)?;
                scatter(mem, buffers, count, out, |buf| Ok(world.recv(fd, buf, flags)?))?;
                put_u16(mem, out_flags, 0)
            })
        },
    );
    table.func(
        module,
        "sock_send",
        reach.clone(),
        |ctx: &mut Ctx<'_, T>, fd: u32, buffers: u32, count: u32, flags: u32, out: u32| {
            with(ctx, |mem, world| {
                if flags != 0 {
                    return Err(Errno::Inval.into());
                }
                gather(mem, buffers, count, out, |buf| Ok(world.send(fd, buf)?))
            })
        },
    );
    table.func(module, "sock_shutdown", reach.clone(), |ctx: &mut Ctx<'_, T>, fd: u32, how: u32| {
        with_world(ctx, |world| {
            if how == 0 || how & !3 != 0 {
                return Err(Errno::Inval.into());
            }
            Ok(world.shutdown(fd, how & 1 != 0, how & 2 != 0)?)
        })
    });
}
