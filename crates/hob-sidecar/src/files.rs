//! What a client does with the files of its machine.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hob::{FileKind, FileStat, Session};

use crate::protocol::{
    Encoding, Entry, EntryKind, FileCall, FileOperation, FileResult, FileStat as WireStat,
};
use crate::refusal::Refusal;

/// What clients put where a command will be. Here commands are in `/bin` themselves.
const STUB: &[u8] = b"#!/bin/sh\n# kernel command stub";

/// Directories that are there and are not of the tree of files.
pub(crate) const FIXED: [&str; 3] = ["/bin", "/dev", "/proc"];

/// Does what is asked with a file. An answer with more than `max` bytes is refused.
pub(crate) fn call(session: &Session, call: &FileCall, max: u64) -> Result<FileResult, Refusal> {
    use FileOperation as Op;
    let path = call.path.as_str();
    let mut result = FileResult {
        operation: call.operation,
        path: call.path.clone(),
        content: None,
        encoding: None,
        entries: None,
        stat: None,
        exists: None,
        target: None,
    };
    let missing = |field: &str| Refusal::invalid_argument(format!("{:?} needs `{field}`", call.operation));
    let to = || call.destination_path.as_deref().ok_or_else(|| missing("destinationPath"));
    let failed = |error: hob::Error| Refusal::of_file(&error);
    match call.operation {
        Op::ReadFile => {
            let (content, encoding) = encode(session.read_file_up_to(path, max).map_err(failed)?);
            (result.content, result.encoding) = (Some(content), Some(encoding));
        }
        Op::WriteFile => {
            let content = call.content.as_deref().ok_or_else(|| missing("content"))?;
            session.write_file(path, &decode(content, call.encoding)?).map_err(failed)?;
        }
        Op::CreateDir | Op::Mkdir if call.recursive => session.make_dirs(path).map_err(failed)?,
        Op::CreateDir | Op::Mkdir => session.make_dir(path).map_err(failed)?,
        Op::Exists => result.exists = Some(session.stat(path).is_ok()),
        Op::Stat => result.stat = Some(wire_stat(&session.stat(path).map_err(failed)?)),
        Op::Lstat => result.stat = Some(wire_stat(&session.stat_link(path).map_err(failed)?)),
        Op::ReadDir => {
            let entries = session.list(path).map_err(failed)?.into_iter();
            result.entries = Some(entries.map(|entry| lossy(entry.name)).collect());
        }
        Op::RemoveFile => session.remove_file(path).map_err(failed)?,
        Op::RemoveDir => session.remove_dir(path).map_err(failed)?,
        Op::Rename => session.rename(path, to()?).map_err(failed)?,
        Op::Realpath => result.target = Some(lossy(session.real_path(path).map_err(failed)?)),
        Op::Symlink => {
            let target = call.target.as_deref().ok_or_else(|| missing("target"))?;
            session.make_link(target, path).map_err(failed)?;
        }
        Op::ReadLink => result.target = Some(lossy(session.read_link(path).map_err(failed)?)),
        Op::Link => session.hard_link(path, to()?).map_err(failed)?,
        Op::Chmod => {
            session.set_mode(path, bits(call.mode.ok_or_else(|| missing("mode"))?)).map_err(failed)?
        }
        Op::Chown => session.set_owner(path, call.uid, call.gid, true).map_err(failed)?,
        Op::Utimes => {
            let nanos = |ms: Option<u64>| ms.map(|ms| ms.saturating_mul(1_000_000));
            session.set_times(path, nanos(call.atime_ms), nanos(call.mtime_ms)).map_err(failed)?;
        }
        Op::Truncate => session.truncate(path, call.len.ok_or_else(|| missing("len"))?).map_err(failed)?,
    }
    Ok(result)
}

/// Whether it changes anything.
pub(crate) fn changes(operation: FileOperation) -> bool {
    use FileOperation as Op;
    !matches!(
        operation,
        Op::ReadFile | Op::Exists | Op::Stat | Op::Lstat | Op::ReadDir | Op::Realpath | Op::ReadLink
    )
}

/// Makes what an entry says, with the directories it is in.
pub(crate) fn make(session: &Session, entry: &Entry) -> Result<(), Refusal> {
    let path = entry.path.as_str();
    if !path.starts_with('/') {
        let path = hob::escape_guest_text(path, 200);
        return Err(Refusal::invalid_argument(format!("the path of an entry is absolute, and not {path}")));
    }
    let failed = |error: hob::Error| Refusal::of_file(&error);
    let is_there = || session.stat_link(path).is_ok();
    let mut follow = true;
    match entry.kind {
        // What is in them is not of the tree, and not to be changed.
        EntryKind::Directory if path == "/" || FIXED.contains(&path) => return Ok(()),
        EntryKind::Directory => session.make_dirs(path).map_err(failed)?,
        EntryKind::File => {
            let content = decode(entry.content.as_deref().unwrap_or_default(), entry.encoding)?;
            if content.starts_with(STUB) {
                return Ok(());
            }
            session.make_dirs(parent(path)).map_err(failed)?;
            session.write_file(path, &content).map_err(failed)?;
        }
        EntryKind::Symlink => {
            let missing = || Refusal::invalid_argument(format!("the link {path} has no target"));
            let target = entry.target.as_deref().ok_or_else(missing)?;
            session.make_dirs(parent(path)).map_err(failed)?;
            if is_there() && session.stat_link(path).is_ok_and(|stat| stat.kind != FileKind::Directory) {
                session.remove_file(path).map_err(failed)?;
            }
            session.make_link(target, path).map_err(failed)?;
            follow = false;
        }
    }
    if entry.uid.is_some() || entry.gid.is_some() {
        session.set_owner(path, entry.uid, entry.gid, follow).map_err(failed)?;
    }
    let usual = (entry.kind == EntryKind::File && entry.executable).then_some(0o755);
    match entry.mode.or(usual) {
        Some(mode) if follow => session.set_mode(path, bits(mode)).map_err(failed),
        _ => Ok(()),
    }
}

/// Every entry of the tree but what is mounted, directories before what is in them. More than `max` bytes are refused.
pub(crate) fn entries(session: &Session, mounted: &[&str], max: u64) -> Result<Vec<Entry>, Refusal> {
    let failed = |error: hob::Error| Refusal::of_file(&error);
    let mut all = Vec::new();
    let mut room = max;
    let mut ways = VecDeque::from(["/".to_owned()]);
    while let Some(path) = ways.pop_front() {
        let stat = session.stat_link(&path).map_err(failed)?;
        let mut entry = Entry {
            path: path.clone(),
            kind: EntryKind::Directory,
            mode: Some(u32::from(stat.mode)),
            uid: Some(stat.uid),
            gid: Some(stat.gid),
            content: None,
            encoding: None,
            target: None,
            executable: false,
        };
        match stat.kind {
            FileKind::Directory => {
                for below in session.list(&path).map_err(failed)? {
                    let Ok(name) = String::from_utf8(below.name) else { continue };
                    let below = format!("{}/{name}", if path == "/" { "" } else { &path });
                    if !mounted.contains(&below.as_str()) {
                        ways.push_back(below);
                    }
                }
            }
            FileKind::File => {
                let (content, encoding) = encode(session.read_file_up_to(&path, room).map_err(failed)?);
                (entry.kind, entry.content, entry.encoding) =
                    (EntryKind::File, Some(content), Some(encoding));
                entry.executable = stat.mode & 0o111 != 0;
            }
            FileKind::Link => {
                entry.kind = EntryKind::Symlink;
                entry.target = Some(lossy(session.read_link(&path).map_err(failed)?));
            }
            _ => continue,
        }
        let len = path.len() + entry.content.as_ref().map_or(0, String::len) + 32;
        room = u64::try_from(len)
            .ok()
            .and_then(|len| room.checked_sub(len))
            .ok_or_else(|| Refusal::frame_too_large(format!("the files have more than {max} bytes")))?;
        all.push(entry);
    }
    Ok(all)
}

fn parent(path: &str) -> &str {
    match path.trim_end_matches('/').rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((parent, _)) => parent,
    }
}

/// Permission bits of a mode that may say what it is of.
fn bits(mode: u32) -> u16 {
    u16::try_from(mode & 0o7777).unwrap_or_default()
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn encode(bytes: Vec<u8>) -> (String, Encoding) {
    match String::from_utf8(bytes) {
        Ok(text) => (text, Encoding::Utf8),
        Err(error) => (BASE64.encode(error.as_bytes()), Encoding::Base64),
    }
}

fn decode(text: &str, encoding: Option<Encoding>) -> Result<Vec<u8>, Refusal> {
    match encoding {
        Some(Encoding::Base64) => BASE64
            .decode(text)
            .map_err(|error| Refusal::invalid_argument(format!("content is not base64: {error}"))),
        Some(Encoding::Utf8) | None => Ok(text.as_bytes().to_vec()),
    }
}

fn wire_stat(stat: &FileStat) -> WireStat {
    let ms = |nanos: u64| nanos / 1_000_000;
    let kind = match stat.kind {
        FileKind::File => 0o100_000,
        FileKind::Directory => 0o040_000,
        FileKind::Link => 0o120_000,
        FileKind::Fifo => 0o010_000,
        FileKind::Character => 0o020_000,
        FileKind::Block => 0o060_000,
        FileKind::Socket => 0o140_000,
    };
    WireStat {
        mode: kind | u32::from(stat.mode),
        size: stat.size,
        blocks: stat.blocks,
        dev: stat.id.device,
        rdev: stat.device,
        is_directory: stat.kind == FileKind::Directory,
        is_symbolic_link: stat.kind == FileKind::Link,
        atime_ms: ms(stat.accessed),
        mtime_ms: ms(stat.modified),
        ctime_ms: ms(stat.changed),
        birthtime_ms: ms(stat.changed.min(stat.modified)),
        ino: stat.id.inode,
        nlink: stat.links,
        uid: stat.uid,
        gid: stat.gid,
    }
}
