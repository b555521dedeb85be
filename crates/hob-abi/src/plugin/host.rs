//! The host module `samuel`, version 1: what a plugin may call.
//!
//! | function | type | answer |
//! |---|---|---|
//! | `log` | `(level, message: ptr len)` | nothing; ten lines a second are kept, the rest is counted |
//! | `fs_read` | `(path: ptr len) -> i64` | `length << 32 | pointer` from `samuel_alloc`, or 0 |
//! | `fs_write` | `(path, body: ptr len) -> i32` | 0 done, 1 failed, 2 denied |
//! | `config_get` | `(key: ptr len) -> i64` | as `fs_read` |
//! | `callback` | `(name, payload: ptr len) -> i32` | 0 taken, 1 not taken |
//!
//! `net_outbound` and `hob.http` are there when a host is granted; the module `net` describes them.
//! `fs_read` is there when a directory is granted, `fs_write` when one is granted for writing, `log` when logging is
//! granted. Paths are absolute guest paths. The low half of an `i64` is the pointer, so that guests that knew only a
//! pointer go on working; an empty file has a pointer and length 0.

use hob_cap::{Access, Policy};
use hob_engine::{Ctx, Fault, HostTable, Reach, Value};
use hob_os::{Errno, OsError};

use super::desk::{Callback, Desk, LogLine};
use super::text;
use crate::wasi_p1::HasWorld;

/// The module name of every function here.
pub const MODULE: &str = "samuel";

pub(super) const DONE: i32 = 0;
pub(super) const FAILED: i32 = 1;
pub(super) const DENIED: i32 = 2;

/// Characters of a level and of a message that are kept.
const LEVEL_CHARS_MAX: u32 = 16;
const MESSAGE_CHARS_MAX: u32 = 4096;

/// Data of an instance that has a desk beside its world.
pub trait HasDesk: HasWorld {
    /// The desk of this guest.
    fn desk(&mut self) -> &mut Desk;
}

/// Adds those of them that `policy` provides.
pub(super) fn add_to<T: HasDesk>(table: &mut HostTable<T>, policy: &Policy) {
    if policy.log {
        table.func(MODULE, "log", Reach::Granted("the log".into()), log::<T>);
    }
    let dirs = |least: Access| {
        let dirs = policy.fs.iter().filter(|grant| grant.access >= least);
        let dirs: Vec<String> = dirs.map(|grant| format!("{} ({})", grant.guest, grant.access)).collect();
        (!dirs.is_empty()).then(|| Reach::Granted(dirs.join(", ")))
    };
    if let Some(reach) = dirs(Access::Read) {
        table.func(MODULE, "fs_read", reach, fs_read::<T>);
    }
    if let Some(reach) = dirs(Access::ReadWrite) {
        table.func(MODULE, "fs_write", reach, fs_write::<T>);
    }
    table.func(MODULE, "config_get", Reach::Granted("its own configuration".into()), config_get::<T>);
    table.func(MODULE, "callback", Reach::Granted("the embedder's callbacks".into()), callback::<T>);
}

fn log<T: HasDesk>(
    ctx: &mut Ctx<'_, T>,
    level_at: u32,
    level_len: u32,
    at: u32,
    len: u32,
) -> Result<(), Fault> {
    let Ok((mut memory, data)) = ctx.split() else { return Ok(()) };
    let level = text::shown(&mut memory, level_at, level_len, LEVEL_CHARS_MAX).unwrap_or_default();
    let message = text::shown(&mut memory, at, len, MESSAGE_CHARS_MAX);
    let message = message.unwrap_or_else(|wrong| format!("({wrong})"));
    let now = data.world().uptime();
    data.desk().log(now, LogLine { level, message });
    Ok(())
}

fn fs_read<T: HasDesk>(ctx: &mut Ctx<'_, T>, at: u32, len: u32) -> Result<i64, Fault> {
    let (mut memory, data) = ctx.split()?;
    let Some(path) = text::name(&mut memory, at, len) else { return Ok(0) };
    let max = data.world().ledger().allowed(hob_cap::Limit::HostBuffer);
    match data.world().read_file(&path, max) {
        Ok(bytes) => hand_over(ctx, &bytes),
        Err(error) => code(&error).map(|_| 0),
    }
}

fn fs_write<T: HasDesk>(
    ctx: &mut Ctx<'_, T>,
    at: u32,
    len: u32,
    body_at: u32,
    body_len: u32,
) -> Result<i32, Fault> {
    let (mut memory, data) = ctx.split()?;
    let Some(path) = text::name(&mut memory, at, len) else { return Ok(FAILED) };
    let Ok(body) = memory.bytes(body_at, body_len) else { return Ok(FAILED) };
    match data.world().write_file(&path, body) {
        Ok(()) => Ok(DONE),
        Err(error) => code(&error),
    }
}

fn config_get<T: HasDesk>(ctx: &mut Ctx<'_, T>, at: u32, len: u32) -> Result<i64, Fault> {
    let (mut memory, data) = ctx.split()?;
    let key = text::name(&mut memory, at, len).and_then(|key| String::from_utf8(key).ok());
    let value = key.and_then(|key| data.desk().config(&key).map(|value| value.as_bytes().to_vec()));
    value.map_or(Ok(0), |value| hand_over(ctx, &value))
}

fn callback<T: HasDesk>(
    ctx: &mut Ctx<'_, T>,
    at: u32,
    len: u32,
    payload_at: u32,
    payload_len: u32,
) -> Result<i32, Fault> {
    let (mut memory, data) = ctx.split()?;
    let Ok(name) = text::shown(&mut memory, at, len, 128) else { return Ok(FAILED) };
    let Ok(payload) = memory.bytes(payload_at, payload_len) else { return Ok(FAILED) };
    let allowed = data.world().ledger().allowed(hob_cap::Limit::HostBuffer);
    if u64::from(payload_len) > allowed {
        return Ok(FAILED);
    }
    let callback = Callback { name, payload: payload.to_vec() };
    Ok(if data.desk().call_back(callback).is_ok() { DONE } else { FAILED })
}

/// Puts bytes where the guest's `samuel_alloc` says, and answers length and pointer; 0 when there is no room.
pub(super) fn hand_over<T: HasDesk>(ctx: &mut Ctx<'_, T>, bytes: &[u8]) -> Result<i64, Fault> {
    let Ok(length) = i32::try_from(bytes.len()) else { return Ok(0) };
    if !ctx.exports_func("samuel_alloc") {
        return Ok(0);
    }
    let answer = ctx.call_values("samuel_alloc", &[Value::I32(length)])?;
    let [Value::I32(at)] = answer.as_slice() else { return Ok(0) };
    let at = at.cast_unsigned();
    if at == 0 || ctx.memory()?.write(at, bytes).is_err() {
        return Ok(0);
    }
    Ok(i64::from(length) << 32 | i64::from(at))
}

/// The answer to what the world refused; a guest that was stopped ends.
fn code(error: &OsError) -> Result<i32, Fault> {
    match error {
        OsError::Stopped(reason) => Err((*reason).into()),
        OsError::Errno(Errno::Perm | Errno::NotCapable | Errno::Xdev) => Ok(DENIED),
        OsError::Errno(_) | OsError::Limit(_) => Ok(FAILED),
    }
}
