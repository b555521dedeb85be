//! From a file to a program: permission, the first bytes, interpreters.
//!
//! What a file is, its first bytes say and never its name: a module, or a script that names its interpreter. Everything
//! else is [`Errno::Noexec`]; running such a file by a shell is the shell's own business.

use std::fmt;
use std::sync::Arc;

use hob_cap::{Ledger, Limit};
use hob_os::{Errno, OsError, Result};

use crate::fs::walk::{Last, Place};
use crate::fs::{File, Kind};
use crate::limits::{INTERPRETER_LINE_BYTES_MAX, INTERPRETERS_MAX, PROGRAM_BYTES_MAX};
use crate::process::{Finished, Lookup, Process};

/// Makes programs of files. The kernel knows no engine.
pub trait Runner: Send + Sync {
    /// The program of a file whose bytes never change, if it was made before.
    fn known(&self, immutable: u64) -> Option<Arc<dyn Program>>;

    /// Makes a program. `name` is for messages.
    fn load(
        &self,
        name: &[u8],
        bytes: &[u8],
        immutable: Option<u64>,
    ) -> std::result::Result<Arc<dyn Program>, Refused>;

    /// A program could not be started or was ended by a fault: what happened, for whoever looks after the session.
    fn report(&self, command: &[u8], why: &str);
}

/// Something that runs.
pub trait Program: Send + Sync {
    /// Runs to its end, on the calling thread.
    fn run(&self, process: Process) -> Finished;

    /// What its generation does to a command line that another program passed; the default changes nothing.
    fn prepare(&self, command: Command) -> Command {
        command
    }
}

/// A command line and what goes with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// The arguments, its own name first.
    pub args: Vec<Vec<u8>>,
    /// The environment, `KEY=VALUE` each.
    pub env: Vec<Vec<u8>>,
    /// The directory it is started in.
    pub cwd: Vec<u8>,
}

/// Why a file is no program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What its would-be parent is told.
    pub errno: Errno,
    /// What whoever looks after the session is told.
    pub why: String,
}

/// A program that is about to run, and as what.
pub(crate) struct Image {
    pub(crate) program: Arc<dyn Program>,
    pub(crate) command: Command,
    pub(crate) exe: Arc<Place>,
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image").field("command", &self.command).finish_non_exhaustive()
    }
}

/// The `PATH` of whoever has none.
const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Process {
    /// Finds a program and makes it ready to run in `cwd`. Errors: [`Errno::Noent`], [`Errno::Acces`],
    /// [`Errno::Noexec`], [`Errno::Loop`] for interpreters of interpreters; the permit says no.
    pub(crate) fn image(&self, lookup: &Lookup, command: Command, cwd: &Arc<Place>) -> Result<Image> {
        let (place, path) = self.find_program(lookup, cwd)?;
        self.load(place, path, command, cwd, INTERPRETERS_MAX)
    }

    /// Makes a program of an open file. Errors as [`Process::image`].
    pub(crate) fn load(
        &self,
        place: Arc<Place>,
        path: Vec<u8>,
        mut command: Command,
        cwd: &Arc<Place>,
        depth: u32,
    ) -> Result<Image> {
        self.executable(&place)?;
        let name = place.name().to_vec();
        let node = &place.node;
        let immutable = node.immutable();
        let runner = &self.kernel.runner;
        if let Some(program) = immutable.and_then(|number| runner.known(number)) {
            self.may_start(&place)?;
            return Ok(Image { command: program.prepare(command), program, exe: place });
        }
        let file = Arc::clone(node).open(false)?;
        let head = read_up_to(&*file, INTERPRETER_LINE_BYTES_MAX + 1)?;
        if let Some(line) = head.strip_prefix(b"#!") {
            let Some(depth) = depth.checked_sub(1) else { return Err(Errno::Loop.into()) };
            let (interpreter, argument) = interpreter(line)?;
            let mut args = vec![interpreter.to_vec()];
            args.extend(argument.map(<[u8]>::to_vec));
            args.push(path);
            args.extend(command.args.drain(..).skip(1));
            command.args = args;
            let found = self.walk(|walker| walker.find(cwd, interpreter, Last::Follow)?.existing())?;
            return self.load(found, interpreter.to_vec(), command, cwd, depth);
        }
        self.may_start(&place)?;
        if !head.starts_with(b"\0asm") {
            return Err(Errno::Noexec.into());
        }
        let size = file.size()?;
        if size > PROGRAM_BYTES_MAX {
            return Err(Errno::Noexec.into());
        }
        let _held = Held::take(self.kernel.ledger(), size)?;
        let bytes = read_up_to(&*file, usize::try_from(size).map_err(|_| Errno::Nomem)?)?;
        match runner.load(&name, &bytes, immutable) {
            Ok(program) => Ok(Image { command: program.prepare(command), program, exe: place }),
            Err(refused) => {
                runner.report(&name, &refused.why);
                Err(refused.errno.into())
            }
        }
    }

    fn find_program(&self, lookup: &Lookup, cwd: &Arc<Place>) -> Result<(Arc<Place>, Vec<u8>)> {
        let at = |path: &[u8]| self.walk(|walker| walker.find(cwd, path, Last::Follow)?.existing());
        let (name, search) = match lookup {
            Lookup::Exact(path) => return Ok((at(path)?, path.clone())),
            Lookup::Search { name, path } => (name, path),
        };
        if name.is_empty() {
            return Err(Errno::Noent.into());
        }
        if name.contains(&b'/') {
            return Ok((at(name)?, name.clone()));
        }
        let mut denied = false;
        for dir in search.as_deref().unwrap_or(DEFAULT_PATH).split(|byte| *byte == b':') {
            let path = if dir.is_empty() { name.clone() } else { [dir, b"/", name].concat() };
            match at(&path).and_then(|place| self.executable(&place).map(|()| place)) {
                Ok(place) => return Ok((place, path)),
                Err(OsError::Errno(Errno::Acces)) => denied = true,
                Err(OsError::Errno(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(if denied { Errno::Acces } else { Errno::Noent }.into())
    }

    /// Refuses what is no file with permission to execute.
    fn executable(&self, place: &Place) -> Result<()> {
        if place.node.kind() != Kind::File {
            return Err(Errno::Acces.into());
        }
        self.identity().need(&place.node.stat()?, 1)
    }

    /// Refuses what the permit does not let this process start, and records the use otherwise.
    fn may_start(&self, place: &Place) -> Result<()> {
        let path = place.path();
        self.kernel.audit.watch("start", &path.as_slice(), |note| {
            let allowed = {
                let state = crate::wait::lock(&self.me.state);
                let name = String::from_utf8_lossy(place.name()).into_owned();
                state.permit.children.allow(&name)
            };
            if !allowed {
                return Err(Errno::Acces.into());
            }
            note.grant(Some("children"));
            note.allowed()
        })
    }
}

/// Bytes held while a program is made of them, at the expense of the session.
struct Held<'a>(&'a Ledger, u64);

impl<'a> Held<'a> {
    fn take(ledger: &'a Ledger, bytes: u64) -> Result<Self> {
        ledger.charge(Limit::HostBuffer, bytes)?;
        Ok(Self(ledger, bytes))
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.release(Limit::HostBuffer, self.1);
    }
}

/// The first bytes of a file, at most so many.
fn read_up_to(file: &dyn File, max: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; max];
    let mut done = 0;
    while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let read = file.read_at(rest, u64::try_from(done).map_err(|_| Errno::Overflow)?)?;
        if read == 0 {
            break;
        }
        done += read;
    }
    bytes.truncate(done);
    Ok(bytes)
}

/// The interpreter of a script and its one argument, which is not split.
fn interpreter(line: &[u8]) -> Result<(&[u8], Option<&[u8]>)> {
    let end = line.iter().position(|byte| *byte == b'\n').unwrap_or(line.len());
    if end + b"#!".len() > INTERPRETER_LINE_BYTES_MAX {
        return Err(Errno::Noexec.into());
    }
    let line = line.split_at(end).0.trim_ascii();
    let blank = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (path, rest) = line.split_at(blank);
    let rest = rest.trim_ascii();
    if !path.starts_with(b"/") {
        return Err(Errno::Noexec.into());
    }
    Ok((path, (!rest.is_empty()).then_some(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_names_an_interpreter_and_one_argument() {
        let check = |line: &[u8], want: Option<(&[u8], Option<&[u8]>)>| {
            assert_eq!(interpreter(line).ok(), want, "{}", String::from_utf8_lossy(line));
        };
        check(b"/bin/sh\necho", Some((b"/bin/sh", None)));
        check(b" /bin/awk -f  x \n", Some((b"/bin/awk", Some(b"-f  x"))));
        check(b"bin/sh\n", None);
        check(b"\n", None);
        let line = |bytes: usize| [b"/".as_slice(), &vec![b'x'; bytes - 3], b"\n"].concat();
        check(&line(INTERPRETER_LINE_BYTES_MAX), Some((line(INTERPRETER_LINE_BYTES_MAX).trim_ascii(), None)));
        check(&line(INTERPRETER_LINE_BYTES_MAX + 1), None);
    }
}
