//! Records: every host call of a run with its result, so that the run can be repeated without the world.
//!
//! [`Recording`] writes one; [`Replay`] reads one back and is a [`Player`](hob_engine::Player). A record holds the module,
//! how it was run, and in order what the host did: which function was called with which numbers, a digest of what the host
//! looked at, the bytes it wrote, its result, and what went to the standard streams.
//!
//! ```text
//! file    = "hobrec" version:u16  header-length:u32 header(JSON)  module-length:u32 module  chunk*
//! chunk   = length:u32 bytes        plain, or sealed with ChaCha20-Poly1305 under a key of the user
//! events  = the chunks, joined: one event after another, ended by `End`
//! ```
//!
//! Promises:
//!
//! * A record of a guest that was handed secrets is *sealed*: nothing of its events can be read without the user's key, so
//!   no secret is in it in clear, in whatever form the guest passed it on.
//! * A record is bounded; the call that would exceed the bound is not made.
//! * A replay compares function and numbers *before* it decodes anything that was recorded for the call, and names the
//!   first call that differs.
//! * A record that was cut off, changed or made by a newer version is refused with the reason, never half-played.
//!
//! What this crate must not know: files, clocks, contracts. It writes to anything that takes bytes.

mod event;
mod header;
mod read;
mod seal;
mod wire;
mod write;

pub use header::{Header, How, VERSION};
pub use read::{Divergence, ReadError, Replay};
pub use seal::{Key, KeyError};
pub use write::Recording;

/// How a recorded run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The guest returned, or exited, with this code.
    Code(u32),
    /// It answered with these bytes.
    Answer(Vec<u8>),
    /// It ended otherwise, with this message.
    Fault(String),
}

/// One of the standard streams a guest writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}
