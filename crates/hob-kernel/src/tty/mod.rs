//! Terminals: pairs of ends with an editor of lines in between.
//!
//! ```text
//!   Master (the host's window, a program like `script`)        Slave (a shell and its jobs)
//!     try_write ──▶ discipline: edits, signals, flow ──▶ input ──▶ try_read
//!     try_read  ◀── output ◀── post-processing, echo  ◀────────── try_write
//! ```
//!
//! | file | subject |
//! |---|---|
//! | [`termios`] | the settings, as Linux numbers them and as the commands' contract does |
//! | `meaning` | what a typed byte stands for under these settings |
//! | `input`, `output`, `echo` | the bytes on their way, bounded |
//! | `discipline`, `erase` | what happens to a typed byte |
//! | `job` | who is in the foreground, and what happens to who is not |
//! | `state`, [`terminal`], [`ends`], [`control`] | the pair, shared; what a program reads, writes and asks |
//! | [`registry`] | numbers, names and how many |
//!
//! What it promises:
//!
//! * It behaves as a Linux terminal does, byte for byte, where it is not said otherwise.
//! * Nothing waits, and nothing is lost but what is said to be: a writer is told how much there was room for.
//! * Neither end can make it hold more than [`BUFFER_BYTES`] in each direction, whatever it sends and whatever the
//!   settings are. Stops: a guest that fills the host's memory through a terminal nobody reads.
//! * A program in the background neither takes what was typed for another, nor changes the settings under it.
//! * Whoever held a terminal that was hung up cannot touch it again. Stops: a left-over of the last session that
//!   reads what is typed in the next.
//!
//! It does not know processes: [`Groups`] delivers its signals, never under its lock.

pub mod control;
pub mod ends;
pub mod registry;
pub mod terminal;
pub mod termios;

mod discipline;
mod echo;
mod erase;
mod input;
mod job;
mod meaning;
mod output;
mod state;

use std::fmt::Debug;

pub use control::{Control, Flow, Queue, Size, When};
pub use ends::{Master, Slave};
pub use registry::Terminals;
pub use terminal::Terminal;
pub use termios::{Characters, Termios};

use crate::process::Signal;

/// Bytes a terminal holds in each direction.
pub const BUFFER_BYTES: usize = 64 << 10;

/// The processes behind a terminal.
///
/// It is called without any lock of a terminal held; in turn, no end may be used or dropped while a lock is held that
/// an implementation takes. An implementation that keeps terminals must not keep itself alive through them.
pub trait Groups: Send + Sync + Debug {
    /// Sends a signal to everyone in a group; one that is gone is no error.
    fn signal_group(&self, group: u32, signal: Signal);

    /// Sends a signal to the leader of a session, if it is still there.
    fn signal_leader(&self, session: u32, signal: Signal);

    /// The session a group belongs to, if there is such a group.
    fn session_of(&self, group: u32) -> Option<u32>;
}

#[cfg(test)]
mod tests;
