//! The files of an audit log: lines appended under a lock, room taken ahead, a head that says where the log ends.

use std::cell::{Cell, RefCell};
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
    path: PathBuf,
    file: File,
    head: Option<PathBuf>,
    key: Key,
    /// Bytes that may be held back because there is room for them.
    room: Cell<u64>,
    /// The one of all that append to this log whose room it is. The others write each event at once, and take room for it
    /// beyond the holder's.
    holder: Option<File>,
    /// Where the chain of a log that cannot be read stands.
    chain: RefCell<(u64, String)>,
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
        let mut log = Self {
            path: path.into(),
            file,
            head: regular.then(|| head_path(path)),
            key,
            room: Cell::new(0),
            holder: None,
            chain: RefCell::new((0, FIRST.into())),
        };
        if let Some(head) = log.head.clone() {
            let _lock = Lock::take(&log.file)?;
            // A file that is something else, or was tampered with, is found before anything is done that belongs into it.
            let (number, last) = log.end()?;
            if number == 0 {
                log.write_head(&head, number, last)?;
            }
            log.holder = holder(path);
            log.take_room(0)?;
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
        if self.head.is_some() && self.holder.is_none() {
            // What the holder counts on is not used up.
            self.take_room(u64::try_from(text.len()).unwrap_or(u64::MAX))?;
        }
        let written = (&self.file).write_all(text.as_bytes());
        written.map_err(|error| AuditError(error.to_string()))?;
        match &self.head {
            Some(head) => {
                self.write_head(head, number, last)?;
                if self.holder.is_some() {
                    self.take_room(0)?;
                }
            }
            None => *self.chain.borrow_mut() = (number, last),
        }
        Ok(())
    }

    fn write_head(&self, path: &Path, number: u64, last: String) -> Result<(), AuditError> {
        let head = serde_json::to_vec(&Head::new(&self.key, number, last));
        let head = head.map_err(|error| AuditError(error.to_string()))?;
        write_whole(path, &head).map_err(|error| failed(path, &error))
    }

    /// Frees room that was taken and is not needed.
    pub(super) fn give_room_back(&self) {
        if self.holder.is_some()
            && let Ok(_lock) = Lock::take(&self.file)
            && let Ok(meta) = self.file.metadata()
        {
            // What was taken beyond the end goes when the end is set where it is.
            drop(self.file.set_len(meta.len()));
        }
        self.room.set(0);
    }

    /// Takes room beyond the end of the log, and for `more` bytes besides. A file system that cannot promise room gets each
    /// event at once.
    fn take_room(&self, more: u64) -> Result<(), AuditError> {
        let length = self.file.metadata().map_err(|error| AuditError(error.to_string()))?.len();
        let room = ROOM_BYTES.saturating_add(more);
        let taken = match fallocate(&self.file, FallocateFlags::KEEP_SIZE, length, room) {
            Ok(()) => ROOM_BYTES,
            Err(rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT | rustix::io::Errno::FBIG) => {
                return Err(AuditError("there is no room left for it".into()));
            }
            Err(_) => 0,
        };
        self.room.set(if self.holder.is_some() { taken } else { 0 });
        Ok(())
    }

    /// The number and code of the last line, held against the head, so that nothing is appended to a log that was cut.
    /// Read from the files each time: others append to the log as well.
    fn end(&self) -> Result<(u64, String), AuditError> {
        let damaged = || {
            AuditError(
                "its last line is not one of an audit log of this user; name another file, or move it away"
                    .into(),
            )
        };
        let wrong = |error: std::io::Error| AuditError(error.to_string());
        let Some(head_path) = &self.head else { return Ok(self.chain.borrow().clone()) };
        let tampered = |problem: AuditProblem| {
            AuditError(format!("{}: {problem}; move both away to begin another", self.path.display()))
        };
        let length = self.file.metadata().map_err(wrong)?.len();
        let head = match read_head(head_path) {
            Ok(head) => head,
            // A log that was never written to.
            Err(AuditProblem::Head { .. }) if length == 0 && !head_path.exists() => {
                return Ok((0, FIRST.into()));
            }
            Err(_) if !head_path.exists() => return Err(damaged()),
            Err(problem) => return Err(tampered(problem)),
        };
        if length == 0 {
            let end = Checker::new(&self.key).finish(&head, &head_path.display().to_string(), None);
            return end.map(|_| (0, FIRST.into())).map_err(tampered);
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
        if !head.is_end(&self.key, number, code) {
            // A run that did not end in order left lines behind its head; anything else is found here.
            check_all(&self.path, &self.file, &self.key).map_err(tampered)?;
        }
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
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let _lock = Lock::take(&file);
    check_all(path, &file, key)
}

/// The process that may hold events back: whoever locks a file beside the log.
fn holder(path: &Path) -> Option<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".room");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(name).ok()?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok().then_some(file)
}

fn unreadable(path: &Path, error: &std::io::Error) -> AuditProblem {
    AuditProblem::Read { path: path.display().to_string(), why: error.to_string() }
}

fn read_head(path: &Path) -> Result<Head, AuditProblem> {
    let wrong = |why: &str| AuditProblem::Head { path: path.display().to_string(), why: why.into() };
    match std::fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|_| wrong("is damaged")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(wrong("is missing")),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// Checks every line of a log that is locked.
fn check_all(path: &Path, mut file: &File, key: &Key) -> Result<AuditSummary, AuditProblem> {
    let head_path = head_path(path);
    let head = read_head(&head_path)?;
    file.seek(SeekFrom::Start(0)).map_err(|error| unreadable(path, &error))?;
    let mut reader = BufReader::new(file);
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
    checker.finish(&head, &head_path.display().to_string(), sealed.as_deref())
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
