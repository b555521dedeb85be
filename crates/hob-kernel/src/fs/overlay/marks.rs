//! What an overlay writes into its upper layer for itself, and hides from guests.

use hob_os::{Errno, Result};

use crate::fs::{Attributes, Kind, New, NodeRef};

/// What a name that is hidden has in the upper layer.
pub(super) const WHITEOUT: New<'static> = New::Character(0);
pub(super) const WHITEOUT_ATTRIBUTES: Attributes = Attributes { mode: 0, uid: 0, gid: 0 };

/// The attributes of an overlay begin so.
const HIDDEN: &[u8] = b"trusted.overlay.";
/// Of a directory: nothing of lower layers shows in it.
pub(in crate::fs) const OPAQUE: &[u8] = b"trusted.overlay.opaque";
/// Of a copy: the overlay's life, and the number it had before, both as eight bytes.
pub(in crate::fs) const ORIGIN: &[u8] = b"trusted.overlay.origin";

/// Whether an attribute is the overlay's own.
pub(super) fn is_hidden(attribute: &[u8]) -> bool {
    attribute.starts_with(HIDDEN)
}

/// Whether it stands for a name that is hidden.
pub(in crate::fs) fn is_whiteout(node: &NodeRef) -> Result<bool> {
    Ok(node.kind() == Kind::Character && node.stat()?.device == 0)
}

/// Whether it hides everything below it.
pub(in crate::fs) fn is_opaque(node: &NodeRef) -> Result<bool> {
    Ok(attribute(node, OPAQUE)?.is_some_and(|value| value == b"y"))
}

pub(super) fn make_opaque(node: &NodeRef) -> Result<()> {
    node.set_attribute(OPAQUE, b"y", false, false)
}

/// The number a copy had in this life of the overlay.
pub(super) fn origin(node: &NodeRef, life: u64) -> Result<Option<u64>> {
    let Some(value) = attribute(node, ORIGIN)? else { return Ok(None) };
    let Some((of, number)) = value.split_first_chunk::<8>() else { return Ok(None) };
    let number = <[u8; 8]>::try_from(number).ok().map(u64::from_le_bytes);
    Ok(number.filter(|_| u64::from_le_bytes(*of) == life))
}

pub(super) fn set_origin(node: &NodeRef, life: u64, number: u64) -> Result<()> {
    node.set_attribute(ORIGIN, &[life.to_le_bytes(), number.to_le_bytes()].concat(), false, false)
}

/// The value of an attribute, if there is one and the layer has any.
pub(super) fn attribute(node: &NodeRef, name: &[u8]) -> Result<Option<Vec<u8>>> {
    match node.attribute(name) {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.errno(), Errno::NoData | Errno::NotSup) => Ok(None),
        Err(error) => Err(error),
    }
}
