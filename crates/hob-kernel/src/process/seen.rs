//! What is seen of the processes of a session from outside.

use crate::Kernel;
use crate::process::Status;
use crate::wait::lock;

/// A process, as it was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seen {
    /// Its number.
    pub pid: u32,
    /// Its parent's number; 1 is the kernel.
    pub parent: u32,
    /// Its group.
    pub group: u32,
    /// Its session.
    pub session: u32,
    /// Its arguments, its own name first.
    pub args: Vec<Vec<u8>>,
    /// Its working directory.
    pub cwd: Vec<u8>,
    /// Whether a signal stopped it.
    pub is_stopped: bool,
    /// How it ended, if it has and nobody waited for it yet.
    pub ended: Option<Status>,
}

impl Kernel {
    /// Every process, by number.
    #[must_use]
    pub fn processes(&self) -> Vec<Seen> {
        let members: Vec<_> = {
            let family = lock(&self.family);
            let member = |pid| Some((family.get(pid)?.clone(), family.parent(pid)?));
            family.numbers().filter_map(member).collect()
        };
        let seen = members.into_iter().map(|(proc, parent)| {
            let state = lock(&proc.state);
            Seen {
                pid: proc.pid,
                parent,
                group: proc.group(),
                session: proc.session(),
                args: state.args.clone(),
                cwd: state.cwd.path(),
                is_stopped: state.stopped.is_some(),
                ended: state.status,
            }
        });
        seen.collect()
    }
}
