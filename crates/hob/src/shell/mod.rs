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
mod job;
mod permits;
mod session;

pub use builder::{Shell, ShellBuilder};
pub use job::{Exit, Job, Launch};
pub use session::Session;
