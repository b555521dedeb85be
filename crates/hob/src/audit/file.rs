//! The files of an audit log: lines appended under a lock, room taken ahead, a head that says where the log ends.

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use hob_cap::AuditError;
use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock};

use super::chain::{AuditProblem, AuditSummary, Checker, FIRST, Head, Key, line};

/// Room taken ahead on the disk, in bytes. More than this is never held back.
const ROOM_BYTES: u64 = 256 << 10;

/// The longest line of a log that is read.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// A log that is appended to.
pub(super) struct LogFile {
    file: File,
    head: Option<PathBuf>,
    key: Key,
    /// Bytes that may be held back because there is room for them.
    room: Cell<u64>,
}

impl LogFile {
    pub(super) fn open(path: &Path, key: Key) -> Result<Self, AuditError> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        let file = match file {
            // A pipe is not opened for both.
            Err(_) => OpenOptions::new().append(true).open(path),
            file => file,
        };
        let file = file.map_err(|error| failed(path, &error))?;
        let regular = file.metadata().map_err(|error| failed(path, &error))?.is_file();
        let log = Self { file, head: regular.then(|| head_path(path)), key, room: Cell::new(0) };
        if regular {
            let _lock = Lock::take(&log.file)?;
            // A file that is something else is found before anything is done that belongs into it.
            log.end()?;
            log.take_room()?;
        }
        Ok(log)
    }

    /// Whether `bytes` may be held back.
    pub(super) fn has_room(&self, bytes: u64) -> bool {
        bytes <= self.room.get()
    }

    /// Appends a line for each body, and says so in the head.
    pub(super) fn append(&self, bodies: &[String]) -> Result<(), AuditError> {
        if bodies.is_empty() {
            return Ok(());
        }
        let _lock = self.head.is_some().then(|| Lock::take(&self.file)).transpose()?;
        let (mut number, mut last) = self.end()?;
        let mut text = String::new();
        for body in bodies {
            number += 1;
            let (line, code) = line(&self.key, number, body, &last);
            text += &line;
            text.push('\n');
            last = code;
        }
        let written = (&self.file).write_all(text.as_bytes());
        written.map_err(|error| AuditError(error.to_string()))?;
        if let Some(path) = &self.head {
            let head = serde_json::to_vec(&Head::new(&self.key, number, last));
            let head = head.map_err(|error| AuditError(error.to_string()))?;
            write_whole(path, &head).map_err(|error| failed(path, &error))?;
            self.take_room()?;
        }
        Ok(())
    }

    /// Frees room that was taken and is not needed.
    pub(super) fn give_room_back(&self) {
        if self.head.is_some()
            && let Ok(_lock) = Lock::take(&self.file)
            && let Ok(meta) = self.file.metadata()
        {
            // What was taken beyond the end goes when the end is set where it is.
            drop(self.file.set_len(meta.len()));
        }
        self.room.set(0);
    }

    /// Takes room beyond the end of the log. A file system that cannot promise room gets each event at once.
    fn take_room(&self) -> Result<(), AuditError> {
        let length = self.file.metadata().map_err(|error| AuditError(error.to_string()))?.len();
        let room = match fallocate(&self.file, FallocateFlags::KEEP_SIZE, length, ROOM_BYTES) {
            Ok(()) => ROOM_BYTES,
            Err(rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT | rustix::io::Errno::FBIG) => {
                return Err(AuditError("there is no room left for it".into()));
            }
            Err(_) => 0,
        };
        self.room.set(room);
        Ok(())
    }

    /// The number and code of the last line. Read from the file each time: others append to it as well.
    fn end(&self) -> Result<(u64, String), AuditError> {
        let damaged = || {
            AuditError(
                "its last line is not one of an audit log of this user; name another file, or move it away"
                    .into(),
            )
        };
        let wrong = |error: std::io::Error| AuditError(error.to_string());
        if self.head.is_none() {
            return Ok((0, FIRST.into()));
        }
        let length = self.file.metadata().map_err(wrong)?.len();
        if length == 0 {
            return Ok((0, FIRST.into()));
        }
        // Most lines are short.
        let (text, whole) = self.tail(length, 8 << 10).map_err(wrong)?;
        let text = match text.strip_suffix(b"\n") {
            Some(line) if whole || line.contains(&b'\n') => text,
            _ => self.tail(length, LINE_BYTES_MAX).map_err(wrong)?.0,
        };
        let text = text.strip_suffix(b"\n").ok_or_else(damaged)?;
        let begin = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let text = text.get(begin..).and_then(|text| std::str::from_utf8(text).ok()).ok_or_else(damaged)?;
        let value: serde_json::Value = serde_json::from_str(text).map_err(|_| damaged())?;
        let number = value.get("seq").and_then(serde_json::Value::as_u64).ok_or_else(damaged)?;
        let code = value.get("mac").and_then(serde_json::Value::as_str).ok_or_else(damaged)?;
        Ok((number, code.to_owned()))
    }
}

impl LogFile {
    /// The last bytes of the log, at most `max`, and whether they are all of it.
    fn tail(&self, length: u64, max: u64) -> std::io::Result<(Vec<u8>, bool)> {
        let from = length.saturating_sub(max);
        let mut file = &self.file;
        file.seek(SeekFrom::Start(from))?;
        let mut tail = Vec::new();
        file.take(max).read_to_end(&mut tail)?;
        Ok((tail, from == 0))
    }
}

/// Holds the log for this process until it is dropped.
struct Lock<'a>(&'a File);

impl<'a> Lock<'a> {
    fn take(file: &'a File) -> Result<Self, AuditError> {
        flock(file, FlockOperation::LockExclusive).map_err(|error| AuditError(error.to_string()))?;
        Ok(Self(file))
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // Closing the file gives it back as well.
        let _given_back = flock(self.0, FlockOperation::Unlock);
    }
}

/// Checks every line of a log, and its end against its head.
pub(super) fn verify(path: &Path, key: &Key) -> Result<AuditSummary, AuditProblem> {
    let unreadable = |path: &Path, error: &std::io::Error| AuditProblem::Read {
        path: path.display().to_string(),
        why: error.to_string(),
    };
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let _lock = Lock::take(&file);
    let head_path = head_path(path);
    let shown = head_path.display().to_string();
    let head_wrong = |why: &str| AuditProblem::Head { path: shown.clone(), why: why.into() };
    let head = match std::fs::read(&head_path) {
        Ok(text) => serde_json::from_slice::<Head>(&text).map_err(|_| head_wrong("is damaged"))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(head_wrong("is missing")),
        Err(error) => return Err(unreadable(&head_path, &error)),
    };
    let mut reader = BufReader::new(&file);
    let mut checker = Checker::new(key);
    let mut sealed = None;
    loop {
        let mut text = Vec::new();
        let read = (&mut reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut text);
        if read.map_err(|error| unreadable(path, &error))? == 0 {
            break;
        }
        let line = checker.lines + 1;
        let wrong = |why: &str| AuditProblem::Line { line, why: why.into() };
        let text = text.strip_suffix(b"\n").ok_or_else(|| wrong("it has no end"))?;
        checker.next(std::str::from_utf8(text).map_err(|_| wrong("it is no text"))?)?;
        if checker.lines == head.lines {
            sealed = Some(checker.last.clone());
        }
    }
    checker.finish(&head, &shown, sealed.as_deref())
}

fn head_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".head");
    PathBuf::from(name)
}

/// Replaces a file as a whole.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    std::fs::write(&temporary, bytes)?;
    std::fs::rename(&temporary, path)
}

fn failed(path: &Path, error: &std::io::Error) -> AuditError {
    AuditError(format!("{}: {error}", path.display()))
}
