//! A shell for agents: sessions in which commands run.
//!
//! ```text
//! Host (engine, grants, limits) ──shell()──▶ ShellBuilder ──bin, permit, …──▶ Shell ──session()──▶ Session ──start──▶ Job
//! ```
//!
//! A [`Shell`] is commands and what they may do; a [`Session`] is one machine of its own with its files, processes and
//! terminals; a [`Job`] is a program in it that was started from outside. Sessions share code and nothing else.

mod builder;
mod error;
mod files;
mod job;
mod mounts;
mod permits;
mod saved;
mod session;

pub use builder::{Shell, ShellBuilder};
pub use files::DirEntry;
pub use job::{Exit, Job, JobEvent, Launch};
pub use session::Session;
