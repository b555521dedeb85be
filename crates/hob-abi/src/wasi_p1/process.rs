//! Arguments, environment, clocks, randomness, exit.

use hob_engine::{Ctx, Fault, HostTable, Memory, Reach};
use hob_os::Errno;

use super::errno::{Result, answer, number};
use super::types::{clock, put_u32, put_u64, size};
use super::{HasSystem, Reaches, System, with, with_world};

/// The most random bytes of one call.
const RANDOM_BYTES_MAX: u32 = 16 << 20;

pub(super) fn add_to<T: HasSystem>(table: &mut HostTable<T>, module: &'static str, reach: &Reaches) {
    table.func(module, "args_sizes_get", Reach::Nothing, |ctx: &mut Ctx<'_, T>, count: u32, bytes: u32| {
        with(ctx, |mem, world| put_sizes(mem, &world.args(), count, bytes))
    });
    table.func(module, "args_get", Reach::Nothing, |ctx: &mut Ctx<'_, T>, pointers: u32, bytes: u32| {
        with(ctx, |mem, world| put_strings(mem, &world.args(), pointers, bytes))
    });
    table.func(
        module,
        "environ_sizes_get",
        reach.environ.clone(),
        |ctx: &mut Ctx<'_, T>, count: u32, bytes: u32| {
            with(ctx, |mem, world| put_sizes(mem, &world.environ(), count, bytes))
        },
    );
    table.func(
        module,
        "environ_get",
        reach.environ.clone(),
        |ctx: &mut Ctx<'_, T>, pointers: u32, bytes: u32| {
            with(ctx, |mem, world| put_strings(mem, &world.environ(), pointers, bytes))
        },
    );
    table.func(module, "clock_res_get", reach.clock.clone(), |ctx: &mut Ctx<'_, T>, id: u32, out: u32| {
        with(ctx, |mem, world| put_u64(mem, out, world.clock_resolution(clock(id)?)?))
    });
    table.func(
        module,
        "clock_time_get",
        reach.clock.clone(),
        |ctx: &mut Ctx<'_, T>, id: u32, _precision: u64, out: u32| {
            with(ctx, |mem, world| {
                // A virtual clock moves when it is read.
                mem.check(out, 8)?;
                put_u64(mem, out, world.clock_now(clock(id)?)?)
            })
        },
    );
    table.func(module, "random_get", reach.random.clone(), |ctx: &mut Ctx<'_, T>, at: u32, len: u32| {
        with(ctx, |mem, world| {
            if len > RANDOM_BYTES_MAX {
                return Err(Errno::Inval.into());
            }
            Ok(world.random_fill(mem.bytes_mut(at, len)?)?)
        })
    });
    table.func(module, "sched_yield", Reach::Nothing, |ctx: &mut Ctx<'_, T>| {
        with_world(ctx, |world| Ok(world.sched_yield()?))
    });
    table.func(
        module,
        "proc_exit",
        Reach::Nothing,
        |ctx: &mut Ctx<'_, T>, code: u32| -> std::result::Result<(), Fault> { Err(ctx.data().exit(code)) },
    );
    table.func(module, "proc_raise", Reach::Nothing, |ctx: &mut Ctx<'_, T>, signal: u32| {
        match ctx.data().raise(signal) {
            None => raise(signal),
            Some(sent) => {
                T::safe_point(ctx)?;
                answer(sent.map_err(Into::into))
            }
        }
    });
}

/// Signals whose default action is to be ignored: none, child, continue, urgent data, window size.
const IGNORED: [u32; 5] = [0, 16, 17, 22, 27];

/// The highest signal number.
const SIGNAL_MAX: u32 = 30;

/// The default action of a signal that a guest sends itself: most end it, with the exit code a shell would report.
fn raise(signal: u32) -> std::result::Result<i32, Fault> {
    if signal > SIGNAL_MAX {
        return Ok(number(Errno::Inval));
    }
    if IGNORED.contains(&signal) { Ok(0) } else { Err(Fault::exit(128 + signal)) }
}

fn put_sizes(mem: &mut Memory<'_>, strings: &[Vec<u8>], count: u32, bytes: u32) -> Result<()> {
    let total: usize = strings.iter().map(|string| string.len() + 1).sum();
    let (strings, total) = (size(strings.len())?, size(total)?);
    mem.check(bytes, 4)?;
    put_u32(mem, count, strings)?;
    put_u32(mem, bytes, total)
}

/// Writes each string with a NUL behind it, and a pointer to each.
fn put_strings(mem: &mut Memory<'_>, strings: &[Vec<u8>], pointers: u32, bytes: u32) -> Result<()> {
    let total: usize = strings.iter().map(|string| string.len() + 1).sum();
    mem.check(pointers, size(strings.len().saturating_mul(4))?)?;
    mem.check(bytes, size(total)?)?;
    let (mut pointer, mut at) = (pointers, bytes);
    for string in strings {
        let end = at.checked_add(size(string.len())?).ok_or(Errno::Fault)?;
        mem.write(at, string)?;
        mem.write(end, &[0])?;
        put_u32(mem, pointer, at)?;
        at = end.checked_add(1).ok_or(Errno::Fault)?;
        pointer = pointer.checked_add(4).ok_or(Errno::Fault)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_end_a_guest_or_are_ignored() {
        assert_eq!(raise(0).ok(), Some(0));
        assert_eq!(raise(16).ok(), Some(0));
        assert_eq!(raise(15).unwrap_err().exit_code(), Some(143));
        assert_eq!(raise(30).unwrap_err().exit_code(), Some(158));
        assert_eq!(raise(31).ok(), Some(28));
    }
}
