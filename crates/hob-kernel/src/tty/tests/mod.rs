//! Terminals as programs and windows see them.
//!
//! The tables of [`editing`] and [`unedited`] were made with a terminal of Linux 6.18, typed at byte by byte.

mod editing;
mod hangup;
mod job;
mod model;
mod pairs;
mod unedited;

use std::sync::{Arc, Mutex};

use hob_os::{Errno, OsError};

use super::termios::{InputFlags, LocalFlags, OutputFlags};
use super::*;
use crate::fd::{Caller, Stream};
use crate::wait::lock;

/// Processes that only remember what was sent to them.
#[derive(Debug, Default)]
struct Recorder {
    sent: Mutex<Vec<(String, Signal)>>,
    /// The terminal whose lock must be open whenever a signal arrives: it is looked at.
    terminal: Mutex<Option<std::sync::Weak<Terminal>>>,
}

impl Recorder {
    fn send(&self, to: String, signal: Signal) {
        lock(&self.sent).push((to, signal));
        if let Some(terminal) = lock(&self.terminal).as_ref().and_then(std::sync::Weak::upgrade) {
            terminal.look(|_| {});
        }
    }

    /// What was sent since the last time: `INT 5` to a group, `HUP leader 1` to a leader.
    fn sent(&self) -> Vec<String> {
        lock(&self.sent).drain(..).map(|(to, signal)| format!("{} {to}", &signal.to_string()[3..])).collect()
    }
}

/// Groups 10 to 19 are of session 10, 20 to 29 of session 20, and so on.
impl Groups for Recorder {
    fn signal_group(&self, group: u32, signal: Signal) {
        self.send(group.to_string(), signal);
    }

    fn signal_leader(&self, session: u32, signal: Signal) {
        self.send(format!("leader {session}"), signal);
    }

    fn session_of(&self, group: u32) -> Option<u32> {
        (group >= 10).then_some(group / 10 * 10)
    }
}

/// A caller of this group, in the session [`Recorder`] says, that is its leader if it can be.
fn caller(group: u32) -> Caller {
    Caller {
        pid: group,
        group,
        session: group / 10 * 10,
        ignores_input_stop: false,
        ignores_output_stop: false,
        orphaned: false,
    }
}

/// Both ends, and who gets the signals.
struct Pair {
    groups: Arc<Recorder>,
    master: Arc<Master>,
    slave: Arc<Slave>,
}

impl Pair {
    fn new() -> Self {
        let groups = Arc::new(Recorder::default());
        let master = Terminal::open(0, Arc::clone(&groups) as Arc<dyn Groups>);
        *lock(&groups.terminal) = Some(Arc::downgrade(master.terminal()));
        let slave = master.terminal().open_slave().unwrap();
        Self { groups, master, slave }
    }

    /// With settings as `stty` names them.
    fn with(settings: &str) -> Self {
        let pair = Self::new();
        pair.set(settings);
        pair
    }

    fn set(&self, settings: &str) {
        let caller = caller(10);
        let mut termios = self.slave.control(&caller).attributes().unwrap();
        stty(&mut termios, settings);
        self.slave.control(&caller).set_attributes(When::Now, &termios).unwrap();
    }

    /// Types as much as there is room for.
    fn type_in(&self, mut bytes: &[u8]) -> usize {
        let mut taken = 0;
        while let Ok(count) = self.master.try_write(&caller(99), bytes)
            && count > 0
        {
            taken += count;
            bytes = &bytes[count..];
        }
        taken
    }

    /// What the master reads.
    fn shown(&self) -> Vec<u8> {
        let mut all = Vec::new();
        let mut buf = [0; 4096];
        while let Ok(count @ 1..) = self.master.try_read(&caller(99), &mut buf) {
            all.extend(&buf[..count]);
        }
        all
    }

    /// One read of the slave, of at most so many bytes.
    fn read(&self, count: usize) -> Result<Vec<u8>, Errno> {
        self.read_as(&caller(10), count)
    }

    fn read_as(&self, caller: &Caller, count: usize) -> Result<Vec<u8>, Errno> {
        let mut buf = vec![0; count];
        let count = self.slave.try_read(caller, &mut buf).map_err(|error| error.errno())?;
        buf.truncate(count);
        Ok(buf)
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        self.write_as(&caller(10), bytes)
    }

    fn write_as(&self, caller: &Caller, bytes: &[u8]) -> Result<usize, Errno> {
        self.slave.try_write(caller, bytes).map_err(|error| error.errno())
    }

    /// Has the session of group 10 take it, with this group in the foreground.
    fn controlled(self, foreground: u32) -> Self {
        self.slave.control(&caller(10)).take().unwrap();
        self.slave.control(&caller(10)).set_foreground(foreground).unwrap();
        self
    }
}

fn errno<T>(result: hob_os::Result<T>) -> Option<Errno> {
    result.err().as_ref().map(OsError::errno)
}

/// Changes settings as `stty` does: `name` or `-name`, or `name=byte`.
fn stty(termios: &mut Termios, settings: &str) {
    for word in settings.split_whitespace() {
        if let Some((name, value)) = word.split_once('=') {
            let own = &mut termios.characters;
            let slot = match name {
                "min" => &mut own.minimum,
                "time" => &mut own.time,
                "eol" => &mut own.end_of_line,
                "erase" => &mut own.erase,
                _ => panic!("{name}"),
            };
            *slot = value.parse().unwrap();
            continue;
        }
        let (name, on) = word.strip_prefix('-').map_or((word, true), |name| (name, false));
        let input = match name {
            "istrip" => InputFlags::ISTRIP,
            "inlcr" => InputFlags::INLCR,
            "igncr" => InputFlags::IGNCR,
            "icrnl" => InputFlags::ICRNL,
            "ixon" => InputFlags::IXON,
            "ixany" => InputFlags::IXANY,
            "iutf8" => InputFlags::IUTF8,
            "parmrk" => InputFlags::PARMRK,
            _ => InputFlags::default(),
        };
        let output = match name {
            "opost" => OutputFlags::OPOST,
            "onlcr" => OutputFlags::ONLCR,
            "tab3" => OutputFlags::XTABS,
            _ => OutputFlags::default(),
        };
        let local = match name {
            "isig" => LocalFlags::ISIG,
            "icanon" => LocalFlags::ICANON,
            "echo" => LocalFlags::ECHO,
            "echoe" => LocalFlags::ECHOE,
            "echok" => LocalFlags::ECHOK,
            "echonl" => LocalFlags::ECHONL,
            "noflsh" => LocalFlags::NOFLSH,
            "tostop" => LocalFlags::TOSTOP,
            "echoctl" => LocalFlags::ECHOCTL,
            "echoprt" => LocalFlags::ECHOPRT,
            "echoke" => LocalFlags::ECHOKE,
            "iexten" => LocalFlags::IEXTEN,
            _ => LocalFlags::default(),
        };
        assert!(input.bits() | output.bits() | local.bits() != 0, "{name}");
        if on {
            termios.input = termios.input.with(input);
            termios.output = termios.output.with(output);
            termios.local = termios.local.with(local);
        } else {
            termios.input = termios.input.without(input);
            termios.output = termios.output.without(output);
            termios.local = termios.local.without(local);
        }
    }
}

/// Settings, what is typed, what is shown for it, and what is read, 100 bytes at a time.
type Row = (&'static str, &'static [u8], &'static [u8], &'static [&'static [u8]]);

/// Checks a table of them.
fn check(rows: &[Row]) {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    for (settings, typed, shown, read) in rows {
        let pair = Pair::with(settings);
        assert_eq!(pair.type_in(typed), typed.len());
        assert_eq!(text(&pair.shown()), text(shown), "{settings:?} {:?} shows", text(typed));
        for line in *read {
            assert_eq!(
                pair.read(100).map(|line| text(&line)),
                Ok(text(line)),
                "{settings:?} {:?} is read",
                text(typed)
            );
        }
        assert_eq!(pair.read(100), Err(Errno::Again), "{settings:?} {:?} is read", text(typed));
    }
}
