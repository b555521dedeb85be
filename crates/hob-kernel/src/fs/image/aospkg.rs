//! Packages of commands in one file, `.aospkg`.
//!
//! Little-endian, without padding: the magic, `u16` version, `u16` zero, `u32` length of the manifest, `u32` length of the
//! index, the manifest, the index, and an uncompressed tar to the end. Manifest and index begin with the `u16` number of
//! their schema, and BARE follows. What files there are, the index says; offsets in it count from the start of the tar.

use super::bare::Bare;
use super::{ImageError, Package, PackageCommand, shown};
use crate::fs::fixed::{Body, Builder, FixedTree, Meta};
use crate::fs::stored::Stored;
use crate::limits::{COMMANDS_MAX, IMAGE_NAME_BYTES_MAX, MANIFEST_BYTES_MAX};
use std::sync::Arc;

/// How such a file begins.
pub(super) const MAGIC: [u8; 4] = *b"\x89AOS";

/// The version of the file that is known.
const VERSION: u16 = 1;

/// The schema in which a manifest has an agent and a snapshot.
const FIRST_SCHEMA: u16 = 1;

/// The schema in which it has not.
const SECOND_SCHEMA: u16 = 2;

/// Bytes before the manifest.
const HEADER_BYTES: u64 = 16;

/// Permission bits of a mode; those above say what kind of object it is.
const PERMISSIONS: u32 = 0o7777;

const SECOND: u64 = 1_000_000_000;

/// Reads a package.
pub(super) fn read(bytes: &Stored) -> Result<(Package, Arc<FixedTree>), ImageError> {
    let (manifest_bytes, index_bytes) = header(bytes)?;
    let manifest = part(bytes, HEADER_BYTES, manifest_bytes, MANIFEST_BYTES_MAX, "manifest")?;
    let index_at = HEADER_BYTES + manifest_bytes;
    let index = part(bytes, index_at, index_bytes, IMAGE_NAME_BYTES_MAX, "index")?;
    let tar_at = index_at + index_bytes;
    let tar = bytes.part(tar_at, bytes.len().saturating_sub(tar_at)).ok_or(ImageError::Truncated)?;
    let package = package(Bare::new(&manifest, HEADER_BYTES))?;
    let tree = tree(Bare::new(&index, index_at), &tar)?;
    for PackageCommand { name, entry } in &package.commands {
        if tree.file(entry.as_bytes()).is_none() {
            let rule = "the file that the manifest gives for this command is not in the package";
            return Err(ImageError::Entry { path: shown(name.as_bytes()), rule: rule.into() });
        }
    }
    Ok((package, tree))
}

/// The lengths of the manifest and the index.
fn header(bytes: &Stored) -> Result<(u64, u64), ImageError> {
    if bytes.len() < HEADER_BYTES {
        return Err(ImageError::Truncated);
    }
    let header = bytes.exactly(0, HEADER_BYTES)?;
    let mut bare = Bare::new(&header, 0);
    if bare.u32()?.to_le_bytes() != MAGIC {
        return Err(ImageError::Format { at: 0, what: "a package begins with the bytes 89 41 4f 53" });
    }
    let version = bare.u16()?;
    if version != VERSION {
        return Err(ImageError::Version { what: "package", found: version });
    }
    if bare.u16()? != 0 {
        return bare.wrong("the two bytes before this one are kept for later, and not zero");
    }
    Ok((bare.u32()?.into(), bare.u32()?.into()))
}

fn part(bytes: &Stored, at: u64, size: u64, max: u64, what: &'static str) -> Result<Vec<u8>, ImageError> {
    if size > max {
        return Err(ImageError::TooMany { what, max });
    }
    let part = bytes.part(at, size).ok_or(ImageError::Truncated)?;
    Ok(part.exactly(0, size)?)
}

fn schema(bare: &mut Bare<'_>, what: &'static str) -> Result<u16, ImageError> {
    match bare.u16()? {
        known @ (FIRST_SCHEMA | SECOND_SCHEMA) => Ok(known),
        found => Err(ImageError::Version { what, found }),
    }
}

/// What the manifest says. What a host of agents does with it beyond commands is read over, and held to its form.
fn package(mut bare: Bare<'_>) -> Result<Package, ImageError> {
    let schema = schema(&mut bare, "manifest")?;
    let name = bare.text()?.to_owned();
    let version = bare.text()?.to_owned();
    if schema == FIRST_SCHEMA {
        bare.optional(agent)?;
    }
    bare.optional(|bare| {
        texts_by_name(bare)?;
        bare.each(two_texts)
    })?;
    let mut commands = Vec::new();
    bare.each(|bare| {
        let (name, entry) = (bare.text()?.to_owned(), bare.text()?.to_owned());
        if commands.len() >= COMMANDS_MAX {
            return Err(ImageError::TooMany { what: "commands", max: COMMANDS_MAX as u64 });
        }
        commands.push(PackageCommand { name, entry });
        Ok(())
    })?;
    bare.each(two_texts)?;
    if schema == FIRST_SCHEMA {
        bare.optional(|bare| bare.text().map(drop))?;
    }
    bare.end()?;
    Ok(Package { name, version, commands })
}

fn agent(bare: &mut Bare<'_>) -> Result<(), ImageError> {
    bare.text()?;
    bare.bool()?;
    texts_by_name(bare)?;
    bare.each(|bare| bare.text().map(drop))
}

fn texts_by_name(bare: &mut Bare<'_>) -> Result<(), ImageError> {
    bare.each(two_texts)
}

fn two_texts(bare: &mut Bare<'_>) -> Result<(), ImageError> {
    bare.text()?;
    bare.text().map(drop)
}

/// What the index says is in the tar.
fn tree(mut bare: Bare<'_>, tar: &Stored) -> Result<Arc<FixedTree>, ImageError> {
    schema(&mut bare, "index")?;
    let mut builder = Builder::new(false);
    bare.each(|bare| {
        let path = bare.text()?;
        let kind = bare.uint()?;
        let (offset, size) = (bare.u64()?, bare.u64()?);
        let (mode, uid, gid) = (bare.u32()?, bare.u32()?, bare.u32()?);
        let seconds = bare.i64()?;
        let target = bare.optional(Bare::text)?;
        let entry = |rule: &str| ImageError::Entry { path: shown(path.as_bytes()), rule: rule.to_owned() };
        if !path.starts_with('/') {
            return Err(entry("the path is not absolute"));
        }
        let (type_bits, body) = match (kind, target) {
            (0, None) => {
                let bytes = tar.part(offset, size).ok_or(entry("its bytes are not in the package"))?;
                (0o100_000, Body::File(bytes))
            }
            (1, None) => (0o40_000, Body::Directory(Vec::new())),
            (2, Some(target)) => (0o120_000, Body::Link(target.as_bytes().into())),
            (0..=2, _) => return Err(entry("a link has a target, and nothing else has")),
            _ => return Err(entry("it is none of file, directory and link")),
        };
        if !matches!(mode & !PERMISSIONS, bits if bits == 0 || bits == type_bits) {
            return Err(entry("its mode is that of something else"));
        }
        let mode = u16::try_from(mode & PERMISSIONS).map_err(|_| entry("its mode is none"))?;
        let time = u64::try_from(seconds).unwrap_or(0).saturating_mul(SECOND);
        let meta = Meta { mode, uid, gid, time };
        builder.add(path.as_bytes(), body, meta).map_err(|fault| entry(&fault.to_string()))
    })?;
    bare.end()?;
    Ok(builder.finish())
}
