//! Processes without their beginnings: descriptors, groups, signals, waiting.

use std::time::Duration;

use hob_engine::{Ctx, HostTable, Memory};
use hob_kernel::fd::Descriptor;
use hob_kernel::fd::lock::Range;
use hob_kernel::process::signals::MaskChange;
use hob_kernel::process::{Action, Change, Interest, Polled, Signal, Status, WaitFor};
use hob_os::Errno;

use super::guest::{Guest, TRAMPOLINE};
use super::values::set;
use super::{calls, reach};
use crate::command::Generation;
use crate::wasi_p1::errno::Result;
use crate::wasi_p1::types::{put_u32, put_u64};
use crate::wasi_p1::with_once;

/// What waiting is told, by bits.
const NO_HANG: u32 = 1;
const UNTRACED: u32 = 2;
const CONTINUED: u32 = 8;

/// The most descriptors one wait may name.
const POLLED_MAX: u32 = 1024;

pub(super) fn add_to(table: &mut HostTable<Guest>) {
    descriptors(table);
    groups(table);
    signals(table);
    waits(table);
    locks(table);
}

fn descriptors(table: &mut HostTable<Guest>) {
    calls! { table, "host_process";
        fn fd_dup(mem, guest, fd: u32, out: u32) {
            mem.check(out, 4)?;
            put_u32(mem, out, guest.process.duplicate(fd, 0)?)
        }
        fn fd_dup2(_mem, guest, fd: u32, to: u32) { Ok(guest.process.duplicate_to(fd, to)?) }
        fn fd_dup_min(mem, guest, fd: u32, min: u32, out: u32) {
            mem.check(out, 4)?;
            put_u32(mem, out, guest.process.duplicate(fd, min)?)
        }
        fn fd_getfd(mem, guest, fd: u32, out: u32) {
            let on = guest.process.descriptor(fd)?.close_on_exec;
            put_u32(mem, out, u32::from(on))
        }
        fn fd_setfd(_mem, guest, fd: u32, flags: u32) {
            let set = |descriptor: &mut Descriptor| descriptor.close_on_exec = flags & 1 != 0;
            Ok(guest.process.change_descriptor(fd, set)?)
        }
        fn fd_pipe(mem, guest, read: u32, write: u32) {
            mem.check(read, 4)?;
            mem.check(write, 4)?;
            let (from, to) = guest.process.pipe()?;
            put_u32(mem, read, from)?;
            put_u32(mem, write, to)
        }
        fn proc_closefrom(_mem, guest, low: u32) { Ok(guest.process.close_from(low)?) }
        fn pty_open(mem, guest, master: u32, slave: u32) {
            mem.check(master, 4)?;
            mem.check(slave, 4)?;
            let (first, second) = guest.process.open_terminal()?;
            put_u32(mem, master, first)?;
            put_u32(mem, slave, second)
        }
    }
}

fn groups(table: &mut HostTable<Guest>) {
    calls! { table, "host_process";
        fn proc_getpid(mem, guest, out: u32) { put_u32(mem, out, guest.process.pid()) }
        fn proc_getppid(mem, guest, out: u32) { put_u32(mem, out, guest.process.parent()) }
        fn proc_getpgid(mem, guest, pid: i32, out: u32) {
            let pid = u32::try_from(pid).map_err(|_| Errno::Srch)?;
            put_u32(mem, out, guest.process.group(pid)?)
        }
        fn proc_setpgid(_mem, guest, pid: i32, group: i32) {
            let number = |number: i32| u32::try_from(number).map_err(|_| Errno::Inval);
            Ok(guest.process.set_group(number(pid)?, number(group)?)?)
        }
        fn proc_umask(mem, guest, mask: u32, out: u32) {
            mem.check(out, 4)?;
            put_u32(mem, out, guest.process.umask(Some(mode(mask))).into())
        }
        fn umask(mem, guest, mask: u32, set: u32, out: u32) {
            mem.check(out, 4)?;
            put_u32(mem, out, guest.process.umask((set != 0).then_some(mode(mask))).into())
        }
        fn proc_getrlimit(mem, guest, resource: u32, soft: u32, hard: u32) {
            let limits = guest.process.resource_limit(resource)?;
            mem.check(hard, 8)?;
            put_u64(mem, soft, limits.0)?;
            put_u64(mem, hard, limits.1)
        }
        fn proc_setrlimit(_mem, guest, resource: u32, soft: u64, hard: u64) {
            Ok(guest.process.set_resource_limit(resource, soft, hard)?)
        }
    }
}

fn mode(mask: u32) -> u16 {
    u16::try_from(mask & 0o777).unwrap_or(0)
}

fn signals(table: &mut HostTable<Guest>) {
    calls! { table, "host_process";
        fn proc_kill(_mem, guest, pid: i32, signal: u32) {
            let signal = match signal {
                0 => None,
                number => Some(Signal::new(number).ok_or(Errno::Inval)?),
            };
            Ok(guest.process.kill(pid, signal)?)
        }
        fn proc_signal_mask_v2(mem, guest, how: u32, low: u32, high: u32, out_low: u32, out_high: u32) {
            mem.check(out_low, 4)?;
            mem.check(out_high, 4)?;
            let given = set(low, high);
            let change = match how {
                0 => Some(MaskChange::Block(given)),
                1 => Some(MaskChange::Unblock(given)),
                2 => Some(MaskChange::Set(given)),
                3 if given == 0 => None,
                _ => return Err(Errno::Inval.into()),
            };
            let before = guest.process.mask(change).to_le_bytes();
            let [a, b, c, d, e, f, g, h] = before;
            put_u32(mem, out_low, u32::from_le_bytes([a, b, c, d]))?;
            put_u32(mem, out_high, u32::from_le_bytes([e, f, g, h]))
        }
        fn proc_itimer_real(mem, guest, op: u32, value: i64, interval: i64, left: u32, every: u32) {
            mem.check(left, 8)?;
            mem.check(every, 8)?;
            let micros = |time: i64| u64::try_from(time).map(Duration::from_micros).map_err(|_| Errno::Inval);
            let (after, again) = match op {
                0 => (Duration::ZERO, Duration::ZERO),
                1 => (micros(value)?, micros(interval)?),
                _ => return Err(Errno::Inval.into()),
            };
            let before = guest.process.alarm();
            if op == 1 {
                guest.process.set_alarm(after, again)?;
            }
            let number = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            put_u64(mem, left, number(before.0))?;
            put_u64(mem, every, number(before.1))
        }
        fn sleep_ms(_mem, guest, milliseconds: u32) {
            let left = guest.process.sleep(Duration::from_millis(milliseconds.into()))?;
            if left.is_zero() { Ok(()) } else { Err(Errno::Intr.into()) }
        }
    }
    table.func(
        "host_process",
        "proc_sigaction",
        reach("host_process", "proc_sigaction"),
        |ctx: &mut Ctx<'_, Guest>, signal: u32, action: u32, low: u32, high: u32, flags: u32| {
            let catches = ctx.exports_func(TRAMPOLINE);
            with_once(ctx, |_, guest| {
                let signal = Signal::new(signal).ok_or(Errno::Inval)?;
                let action = match action {
                    0 => Action::Default,
                    1 => Action::Ignore,
                    2 if catches => Action::Handler { mask: set(low, high), flags },
                    2 => return Err(Errno::NotSup.into()),
                    _ => return Err(Errno::Inval.into()),
                };
                Ok(guest.process.set_action(signal, action)?)
            })
        },
    );
}

/// Waits for a child, as a generation asks for it.
fn wait(guest: &Guest, pid: i32, options: u32, allowed: u32) -> Result<Option<(u32, Change)>> {
    if options & !allowed != 0 {
        return Err(Errno::Inval.into());
    }
    let what = WaitFor {
        at_once: options & NO_HANG != 0,
        stops: options & UNTRACED != 0,
        continues: options & CONTINUED != 0,
        ..WaitFor::ends(pid, guest.process.proc().group())
    };
    Ok(guest.process.wait_child(what)?)
}

fn waits(table: &mut HostTable<Guest>) {
    calls! { table, "host_process";
        fn proc_waitpid(mem, guest, pid: i32, options: u32, status: u32, out_pid: u32) {
            mem.check(status, 4)?;
            mem.check(out_pid, 4)?;
            let (child, code) = match wait(guest, pid, options, NO_HANG)? {
                Some((child, Change::Ended(status))) => (child, status.code()),
                _ => (0, 0),
            };
            put_u32(mem, status, code.into())?;
            put_u32(mem, out_pid, child)
        }
        fn proc_waitpid_v2(mem, guest, pid: i32, options: u32, code: u32, signal: u32, out_pid: u32, core: u32) {
            for out in [code, signal, out_pid, core] {
                mem.check(out, 4)?;
            }
            let (child, [exit, by, dumped]) = match wait(guest, pid, options, NO_HANG)? {
                Some((child, Change::Ended(Status::Exited(exit)))) => (child, [exit.into(), 0, 0]),
                Some((child, Change::Ended(Status::Signaled { signal, core }))) => {
                    (child, [0, signal.number().into(), u32::from(core)])
                }
                _ => (0, [0, 0, 0]),
            };
            put_u32(mem, code, exit)?;
            put_u32(mem, signal, by)?;
            put_u32(mem, out_pid, child)?;
            put_u32(mem, core, dumped)
        }
        fn proc_waitpid_v3(mem, guest, pid: i32, options: u32, status: u32, out_pid: u32) {
            mem.check(status, 4)?;
            mem.check(out_pid, 4)?;
            let (child, raw) = match wait(guest, pid, options, NO_HANG | UNTRACED | CONTINUED)? {
                Some((child, change)) => (child, change.raw()),
                None => (0, 0),
            };
            put_u32(mem, status, raw)?;
            put_u32(mem, out_pid, child)
        }
        fn proc_ppoll_v1(mem, guest, fds: u32, count: u32, sec: i64, nsec: i64, low: u32, high: u32, has_mask: u32, out: u32) {
            mem.check(out, 4)?;
            let until = match (sec, nsec) {
                (..0, ..0) => None,
                (0.., 0..1_000_000_000) => {
                    let time = Duration::new(
                        u64::try_from(sec).map_err(|_| Errno::Inval)?,
                        u32::try_from(nsec).map_err(|_| Errno::Inval)?,
                    );
                    std::time::Instant::now().checked_add(time)
                }
                _ => return Err(Errno::Inval.into()),
            };
            let before = (has_mask != 0).then(|| guest.process.mask(Some(MaskChange::Set(set(low, high)))));
            let ready = poll(mem, guest, fds, count, until);
            if let Some(before) = before {
                guest.process.mask(Some(MaskChange::Set(before)));
            }
            put_u32(mem, out, ready?)
        }
    }
}

/// Fits the waiting of the first generation: another type, another status, another error for nothing yet.
pub(super) fn add_first_wait(table: &mut HostTable<Guest>) {
    calls! { table, "host_process";
        fn proc_waitpid(mem, guest, pid: i32, options: u32, status: u32) {
            mem.check(status, 4)?;
            match wait(guest, pid, options, NO_HANG | UNTRACED | CONTINUED) {
                Ok(Some((_, change))) => put_u32(mem, status, change.raw()),
                // Busy, which its library reads as: still running.
                Ok(None) => Err(Errno::Busy.into()),
                Err(error) => Err(error),
            }
        }
    }
}

/// The bits of one wait: those of Linux, and those of WASI where they differ.
mod bits {
    pub(super) const IN: u16 = 0x1;
    pub(super) const OUT: u16 = 0x4;
    pub(super) const ERR: u16 = 0x8;
    pub(super) const HUP: u16 = 0x10;
    pub(super) const NVAL: u16 = 0x20;
    pub(super) const RDNORM: u16 = 0x40;
    pub(super) const WRNORM: u16 = 0x100;
    pub(super) const WASI_OUT: u16 = 0x2;
    pub(super) const WASI_ERR: u16 = 0x1000;
    pub(super) const WASI_HUP: u16 = 0x2000;
    pub(super) const WASI_NVAL: u16 = 0x4000;
}

/// Waits for an array of descriptors, and writes what became of each. Returns how many have something to say.
pub(super) fn poll(
    mem: &mut Memory<'_>,
    guest: &Guest,
    at: u32,
    count: u32,
    until: Option<std::time::Instant>,
) -> Result<u32> {
    if count > POLLED_MAX {
        return Err(Errno::Inval.into());
    }
    let raw = mem.bytes(at, count.checked_mul(8).ok_or(Errno::Fault)?)?.to_vec();
    // Numbers of Linux unless somebody speaks those of WASI: 2 without 4 is one of theirs only where P and S are.
    let wasi = matches!(guest.generation, Generation::S | Generation::P);
    let entries: Vec<(i32, u16)> = raw
        .as_chunks::<8>()
        .0
        .iter()
        .map(|[a, b, c, d, e, f, _, _]| (i32::from_le_bytes([*a, *b, *c, *d]), u16::from_le_bytes([*e, *f])))
        .collect();
    let linux = |events: u16| !wasi || events & bits::OUT != 0;
    let interests: Vec<Interest> = entries
        .iter()
        .filter_map(|(fd, events)| {
            let write = if linux(*events) {
                events & (bits::OUT | bits::WRNORM) != 0
            } else {
                events & bits::WASI_OUT != 0
            };
            let read = events & (bits::IN | bits::RDNORM) != 0;
            Some(Interest { fd: u32::try_from(*fd).ok()?, read, write })
        })
        .collect();
    let mut polled = guest.process.poll(&interests, until)?.into_iter();
    let mut ready = 0;
    for ((fd, events), index) in entries.into_iter().zip(0u32..) {
        let one = if fd < 0 { Polled::default() } else { polled.next().unwrap_or_default() };
        let answer = answer(&one, events, linux(events));
        ready += u32::from(answer != 0);
        let to =
            index.checked_mul(8).and_then(|offset| at.checked_add(offset)).and_then(|at| at.checked_add(6));
        mem.write(to.ok_or(Errno::Fault)?, &answer.to_le_bytes())?;
    }
    Ok(ready)
}

fn answer(one: &Polled, events: u16, linux: bool) -> u16 {
    let mut answer = 0;
    let mut set = |on: bool, bits: u16| answer |= if on { bits } else { 0 };
    set(one.ready.read, events & (bits::IN | bits::RDNORM));
    if linux {
        set(one.ready.write, events & (bits::OUT | bits::WRNORM));
        set(one.ready.error, bits::ERR);
        set(one.ready.hangup, bits::HUP);
        set(one.invalid, bits::NVAL);
    } else {
        set(one.ready.write, events & bits::WASI_OUT);
        set(one.ready.error, bits::WASI_ERR);
        set(one.ready.hangup, bits::WASI_HUP);
        set(one.invalid, bits::WASI_NVAL);
    }
    answer
}

fn locks(table: &mut HostTable<Guest>) {
    calls! { table, "host_process";
        fn fd_flock(_mem, guest, fd: u32, op: u32) {
            let at_once = op & 4 != 0;
            let how = match op & !4 {
                1 => Some(false),
                2 => Some(true),
                8 => None,
                _ => return Err(Errno::Inval.into()),
            };
            Ok(guest.process.lock_file(fd, how, at_once)?)
        }
        fn fd_record_lock(mem, guest, fd: u32, cmd: u32, kind: u32, start: i64, len: i64, out_kind: u32, out_pid: u32, out_start: u32, out_len: u32) {
            let (start, end) = range(start, len)?;
            let exclusive = match kind {
                0 => Some(false),
                1 => Some(true),
                2 => None,
                _ => return Err(Errno::Inval.into()),
            };
            match (cmd, exclusive) {
                (12, Some(exclusive)) => {
                    mem.check(out_kind, 4)?;
                    mem.check(out_pid, 4)?;
                    mem.check(out_start, 8)?;
                    mem.check(out_len, 8)?;
                    let found = guest.process.range_in_the_way(fd, Range { exclusive, start, end })?;
                    let Some((pid, held)) = found else { return put_u32(mem, out_kind, 2) };
                    put_u32(mem, out_kind, u32::from(held.exclusive))?;
                    put_u32(mem, out_pid, pid)?;
                    put_u64(mem, out_start, held.start)?;
                    let len = if held.end == u64::MAX { 0 } else { held.end - held.start };
                    put_u64(mem, out_len, len)
                }
                (13 | 14, None) => Ok(guest.process.unlock_range(fd, start, end)?),
                (13 | 14, Some(exclusive)) => {
                    Ok(guest.process.lock_range(fd, Range { exclusive, start, end }, cmd == 14)?)
                }
                _ => Err(Errno::Inval.into()),
            }
        }
    }
}

/// The bytes a lock is about: a length of 0 is to the end, and a negative one lies before the start.
fn range(start: i64, len: i64) -> Result<(u64, u64)> {
    let at = |number: i64| u64::try_from(number).map_err(|_| Errno::Inval);
    Ok(match len {
        0 => (at(start)?, u64::MAX),
        1.. => (at(start)?, at(start.checked_add(len).ok_or(Errno::Overflow)?)?),
        _ => (at(start.checked_add(len).ok_or(Errno::Inval)?)?, at(start)?),
    })
}
