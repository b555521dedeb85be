//! The contracts between guest and host, one module for each contract and version.
//!
//! A contract says which exports a guest must have, which functions it may import, how bytes cross, and what happens on
//! each kind of misbehaviour. Each has a page under `docs/abi/` from which a stranger can write a guest.
//!
//! * [`command`]: a program, with arguments, standard streams and an exit code.
//! * [`json`]: a decision, JSON in and JSON out.
//! * [`plugin`]: named functions that extend an application, with a host module of their own.
//! * [`tool`]: a program for an agent, JSON on its streams.
//! * [`wasi_p1`]: the functions of WASI preview 1, which guests of either contract may import.
//!
//! What this crate must not know: where a module comes from, how a policy is written, which engine runs a guest. It
//! adapts: memory in, one call to the world, memory out.

pub mod actor;
pub mod command;
mod contract;
pub mod json;
mod offered;
pub mod plugin;
pub mod tool;
pub mod wasi_p1;

pub use contract::{Contract, Mismatch};
pub use offered::Offered;
