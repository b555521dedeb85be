//! A small Unix in memory: what the commands of one session see of a machine.
//!
//! ```text
//!            Kernel (one a session)
//!              │ tree of processes · tree of files · terminals · loopback network · locks · accounts
//!              ▼
//!            Process (one a running program, used by its thread)
//!              │ descriptor ──▶ Description ──▶ Object: file, directory, pipe, terminal, socket, device
//!              │ path ──walk──▶ Place ──▶ Node of a file system: memory, overlay, image, granted directory
//!              ▼
//!            one method for each thing a program can ask for, over plain Rust values
//! ```
//!
//! The vocabulary is that of POSIX: process, group, session, descriptor, open file description, controlling terminal.
//! Every object answers at once and says [`Errno::Again`] when it would have to wait; waiting
//! happens in one place ([`wait`]), on queues that whoever changes something wakes. Nothing polls.
//!
//! What this crate must not know: engines, contracts and their numbers, the machine. Programs run through
//! [`Runner`](process::Runner); the host's directories, streams and network are reached through `hob-os`, which alone
//! makes system calls.
//!
//! What it promises:
//!
//! * A session sees nothing of another, and nothing of the host but what was granted.
//! * A child is granted at most what its parent is.
//! * Every wait ends with a kill, a signal or the deadline.
//! * Every quota is an account in the session's ledger or a limit in [`limits`]; what ends is given back.

pub mod fd;
pub mod fs;
pub mod limits;
pub mod net;
pub mod process;
pub mod tty;
pub mod wait;

mod kernel;
mod outside;
mod pipe;
pub mod time;

pub use hob_os::{Errno, OsError, Result};
pub use kernel::{Everything, Kernel, KernelBuilder, Permits, file_clock};
pub use outside::{Console, Feed, Heard, Outlet};
