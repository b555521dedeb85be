//! Text from a plugin, bounded, and made fit to show.

use hob_engine::{Memory, OutOfBounds};

/// The longest path, key or name a plugin may pass, in bytes.
const NAME_BYTES_MAX: u32 = 4096;

/// Bytes at `at`, at most [`NAME_BYTES_MAX`] of them; `None` when they are more or lie outside.
pub(super) fn name(memory: &mut Memory<'_>, at: u32, len: u32) -> Option<Vec<u8>> {
    if len > NAME_BYTES_MAX {
        return None;
    }
    memory.bytes(at, len).ok().map(<[u8]>::to_vec)
}

/// At most `max` characters at `at`, escaped; longer text is cut and shown as cut.
pub(super) fn shown(memory: &mut Memory<'_>, at: u32, len: u32, max: u32) -> Result<String, OutOfBounds> {
    memory.check(at, len)?;
    // A character takes at most four bytes; one byte more shows that there is more.
    let taken = len.min(max.saturating_mul(4).saturating_add(1));
    let bytes = memory.bytes(at, taken)?;
    Ok(hob_cap::escape_guest_bytes(bytes, usize::try_from(max).unwrap_or(usize::MAX)))
}
