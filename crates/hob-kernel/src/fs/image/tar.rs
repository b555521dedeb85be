//! Tar archives: the tree that unpacking one would make.
//!
//! Read are the formats that `tar` programs write: the old one, `ustar`, GNU's with long names, and POSIX's with extended
//! headers. Not read are sparse files and archives in several volumes.
//!
//! Whether bytes follow a header decides where the next header is, and readers that differ in it see different trees. So
//! only files have bytes here; the size is that of the extended header, if there is one; and what follows the end of the
//! archive is zeros.

mod header;
mod pax;

use std::sync::Arc;

use super::{ImageError, shown};
use crate::fs::dev::{device_number, major, minor};
use crate::fs::fixed::{Body, Builder, Fault, FixedTree, Meta};
use crate::fs::stored::Stored;
use crate::limits::MANIFEST_BYTES_MAX;
use header::{BLOCK_BYTES, Header, Type};
use pax::Pax;

/// Zeros that may follow the end: tapes are written in blocks.
const PADDING_BYTES_MAX: u64 = 1 << 20;

const NANOSECONDS: u64 = 1_000_000_000;

/// What was said about the next object before its own header.
#[derive(Debug, Default)]
struct Before {
    pax: Option<Pax>,
    long_name: Option<Vec<u8>>,
    long_target: Option<Vec<u8>>,
}

/// Reads an archive.
pub(super) fn read(bytes: &Stored) -> Result<Arc<FixedTree>, ImageError> {
    let mut builder = Builder::new(true);
    let (mut at, mut global, mut before) = (0, Pax::default(), Before::default());
    loop {
        let block = block(bytes, at)?;
        if block.iter().all(|byte| *byte == 0) {
            break;
        }
        let header = Header::read(&block, at)?;
        let wrong = |what| ImageError::Format { at, what };
        let content_at = at + BLOCK_BYTES;
        at = match header.kind {
            Type::Global => {
                let (text, next) = short(bytes, content_at, header.size)?;
                global.add(&text, content_at)?;
                if !global.is_general() {
                    return Err(wrong("a header for all objects gives a path or a size"));
                }
                next
            }
            Type::Extended => {
                let (text, next) = short(bytes, content_at, header.size)?;
                let mut pax = global.clone();
                pax.add(&text, content_at)?;
                once(&mut before.pax, pax).ok_or(wrong("an object has two extended headers"))?;
                next
            }
            Type::LongName | Type::LongTarget => {
                let (text, next) = short(bytes, content_at, header.size)?;
                let text = text.strip_suffix(b"\0").unwrap_or(&text).to_vec();
                let slot = match header.kind {
                    Type::LongName => &mut before.long_name,
                    _ => &mut before.long_target,
                };
                once(slot, text).ok_or(wrong("an object has two long names"))?;
                next
            }
            _ => {
                let Before { pax, long_name, long_target } = std::mem::take(&mut before);
                if pax.is_some() && (long_name.is_some() || long_target.is_some()) {
                    return Err(wrong("an object has a long name and an extended header"));
                }
                let pax = pax.unwrap_or_else(|| global.clone());
                let path = pax.path.clone().or(long_name).unwrap_or_else(|| header.path.clone());
                let target = pax.target.clone().or(long_target).unwrap_or_else(|| header.target.clone());
                let size = pax.size.unwrap_or(header.size);
                if size > 0 && header.kind != Type::File {
                    return Err(wrong("only files have bytes, and this is something else"));
                }
                let (content, next) = content(bytes, content_at, size)?;
                let object = Object { header: &header, pax: &pax, path: &path, target, content };
                object.add(&mut builder)?;
                next
            }
        };
    }
    let Before { pax: None, long_name: None, long_target: None } = before else {
        return Err(ImageError::Format { at, what: "the archive ends where an object was announced" });
    };
    padding(bytes, at)?;
    Ok(builder.finish())
}

/// One object with everything that is said about it.
struct Object<'a> {
    header: &'a Header,
    pax: &'a Pax,
    path: &'a [u8],
    target: Vec<u8>,
    content: Stored,
}

impl Object<'_> {
    fn add(self, builder: &mut Builder) -> Result<(), ImageError> {
        let Self { header, pax, path, target, content } = self;
        let wrong = |rule: String| ImageError::Entry { path: shown(path), rule };
        let fault = |fault: Fault| wrong(fault.to_string());
        let meta = Meta {
            mode: header.mode,
            uid: pax.uid.unwrap_or(header.uid),
            gid: pax.gid.unwrap_or(header.gid),
            time: pax.time.unwrap_or(header.seconds.saturating_mul(NANOSECONDS)),
        };
        let device = || {
            let (high, low) = header.device;
            let number = device_number(high, low);
            let whole = (major(number), minor(number)) == (high, low);
            whole.then_some(number).ok_or_else(|| wrong("there is no device with this number".into()))
        };
        let body = match header.kind {
            // How directories were written before they had a type.
            Type::File if path.ends_with(b"/") && content.len() == 0 => Body::Directory(Vec::new()),
            Type::File if path.ends_with(b"/") => return Err(wrong("a directory has no bytes".into())),
            Type::File => Body::File(content),
            Type::Directory => Body::Directory(Vec::new()),
            Type::Link => Body::Link(target.into()),
            Type::Fifo => Body::Fifo,
            Type::Character => Body::Character(device()?),
            Type::Block => Body::Block(device()?),
            Type::HardLink => return builder.link(path, &target).map_err(fault),
            Type::Global | Type::Extended | Type::LongName | Type::LongTarget => return Ok(()),
        };
        builder.add(path, body, meta).map_err(fault)
    }
}

fn block(bytes: &Stored, at: u64) -> Result<[u8; header::BLOCK], ImageError> {
    let mut block = [0; header::BLOCK];
    bytes.part(at, BLOCK_BYTES).ok_or(ImageError::Truncated)?.fill(&mut block, 0)?;
    Ok(block)
}

/// The bytes behind a header, and where the next one is.
fn content(bytes: &Stored, at: u64, size: u64) -> Result<(Stored, u64), ImageError> {
    let padded = size.checked_next_multiple_of(BLOCK_BYTES).ok_or(ImageError::Truncated)?;
    let content = bytes.part(at, padded).and_then(|all| all.part(0, size));
    Ok((content.ok_or(ImageError::Truncated)?, at + padded))
}

/// The bytes behind a header that is about another object, and where the next one is.
fn short(bytes: &Stored, at: u64, size: u64) -> Result<(Vec<u8>, u64), ImageError> {
    if size > MANIFEST_BYTES_MAX {
        return Err(ImageError::TooMany { what: "bytes of one extended header", max: MANIFEST_BYTES_MAX });
    }
    let (content, next) = content(bytes, at, size)?;
    Ok((content.exactly(0, size)?, next))
}

/// Holds everything from the first block of zeros on to be the end.
fn padding(bytes: &Stored, at: u64) -> Result<(), ImageError> {
    let size = bytes.len().saturating_sub(at);
    if size < 2 * BLOCK_BYTES {
        return Err(ImageError::Truncated);
    }
    if size > PADDING_BYTES_MAX {
        return Err(ImageError::TooMany {
            what: "bytes after the end of the archive",
            max: PADDING_BYTES_MAX,
        });
    }
    if bytes.exactly(at, size)?.iter().any(|byte| *byte != 0) {
        return Err(ImageError::Format { at, what: "something follows the end of the archive" });
    }
    Ok(())
}

/// Keeps a value where there is none yet.
fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    let first = slot.is_none();
    slot.get_or_insert(value);
    first.then_some(())
}
