//! Text, vectors, times and records as they lie in a guest's memory.

use std::time::{Duration, Instant};

use hob_engine::Memory;
use hob_os::Errno;

use crate::wasi_p1::errno::Result;
use crate::wasi_p1::types::put_u32;

/// The bytes of a parameter, copied.
pub(super) fn bytes(mem: &mut Memory<'_>, at: u32, len: u32) -> Result<Vec<u8>> {
    Ok(mem.bytes(at, len)?.to_vec())
}

/// A vector of strings: a zero byte ends each, and the last one may do without. `empties` says whether an empty string
/// is one, or nothing.
pub(super) fn strings(mem: &mut Memory<'_>, at: u32, len: u32, empties: bool) -> Result<Vec<Vec<u8>>> {
    let raw = mem.bytes(at, len)?;
    let raw = raw.strip_suffix(b"\0").unwrap_or(raw);
    if raw.is_empty() && len == 0 {
        return Ok(Vec::new());
    }
    Ok(raw.split(|byte| *byte == 0).filter(|one| empties || !one.is_empty()).map(<[u8]>::to_vec).collect())
}

/// An environment: what has no key is left out.
pub(super) fn environment(mem: &mut Memory<'_>, at: u32, len: u32) -> Result<Vec<Vec<u8>>> {
    let mut all = strings(mem, at, len, false)?;
    all.retain(|one| one.iter().position(|byte| *byte == b'=').is_some_and(|place| place > 0));
    Ok(all)
}

/// An array of 32-bit numbers, at most `max` of them. Errors: [`Errno::Inval`].
pub(super) fn numbers(mem: &mut Memory<'_>, at: u32, count: u32, max: u32) -> Result<Vec<u32>> {
    if count > max {
        return Err(Errno::Inval.into());
    }
    let raw = mem.bytes(at, count.checked_mul(4).ok_or(Errno::Fault)?)?;
    Ok(raw.as_chunks::<4>().0.iter().map(|four| u32::from_le_bytes(*four)).collect())
}

/// Two halves of a set of signals.
pub(super) fn set(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// Writes as much as there is room for, and how long it is. Errors: [`Errno::Range`] when it did not fit; asking with
/// no room only asks how long it is.
pub(super) fn record(mem: &mut Memory<'_>, (at, room): (u32, u32), used: u32, record: &[u8]) -> Result<()> {
    mem.check(used, 4)?;
    mem.check(at, room)?;
    let len = u32::try_from(record.len()).map_err(|_| Errno::Overflow)?;
    put_u32(mem, used, len)?;
    if len > room {
        return Err(Errno::Range.into());
    }
    Ok(mem.write(at, record)?)
}

/// A moment so many milliseconds from now; all ones or a negative number is never.
pub(super) fn moment(milliseconds: i32) -> Option<Instant> {
    let milliseconds = u64::try_from(milliseconds).ok()?;
    Instant::now().checked_add(Duration::from_millis(milliseconds))
}
