//! The agentOS sidecar protocol, served by hob: existing clients start commands, feed and hear them and use files, on
//! machines that are sessions of a [`hob::Shell`].
//!
//! ```text
//!   client ──frames──▶ server (who may ask what of whom) ──▶ vm (a session, what it may do)
//!      ▲                                                      │ files · mounts · processes
//!      └──frames── out ◀── answers · events ◀── one thread a process ◀── hob
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`bare`] | the encoding: strict and bounded |
//! | [`frame`] | frames on a stream |
//! | [`protocol`] | what is in frames: tags and fields of `agent-os-sidecar`, version 1 |
//! | [`serve`] | a client, from its first frame until it is gone |
//!
//! What this crate must not know: engines, the inside of the kernel, flags, where the streams lead.
//!
//! What it promises:
//!
//! * A client gets no more than the shell was given: what it asks beyond that is rejected, with what would allow it.
//! * What a client sends costs no more memory than it has bytes, and never panics.
//! * A client that does not read keeps its own programs waiting; one that writes more than a program reads is told so.
//! * Nothing of a client outlives it.

pub mod bare;
mod files;
pub mod frame;
mod job;
mod out;
pub mod protocol;
mod refusal;
mod rights;
#[cfg(test)]
mod sample;
mod server;
mod text;
mod vm;

pub use server::{Config, ServeError, serve};
