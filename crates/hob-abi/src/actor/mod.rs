//! Contract **actor 1.0**: an actor as a module. A message goes in, an answer comes out, and what the actor keeps between
//! messages is a value that the host holds. `docs/abi/actor.md` says what crosses, byte by byte.
//!
//! ```text
//! Kind::call ──▶ Ready::turn ──▶ wire: <turn self state [args]> ──▶ guest ──▶ wire: <become state value> ──▶ Answer
//!                    │                                              │  ▲
//!                    └── Seat: the Turn, handles ◀── host: send, call, spawn, …
//! ```
//!
//! A guest never sees a reference: it sees a handle, a number that means something in this turn only and that the table of
//! this turn looks up ([`Handles`]). So what it writes can name what it was given and nothing else, whatever the bytes are.
//!
//! The kernel's [`Turn`](hob_vat::Turn) lies in the [`Seat`] of the instance while the guest runs; whoever put it there takes
//! it back, however the guest ended. Nothing is decided here about what a turn may do: that is the kernel's.

mod drive;
mod functions;
mod handles;
mod host;
mod problem;
mod seat;
mod section;
mod wire;

pub use drive::Ready;
pub use functions::Functions;
pub use handles::Handles;
pub use host::{add_to, inert_policy};
pub use problem::problem_of;
pub use seat::{HasSeat, Seat};
pub use section::{Declared, Mode, SECTION, SectionError};
pub use wire::{Answered, Room, read_answer, read_message, write_turn, write_upgrade};

use hob_engine::{ModuleInfo, ValType};

use crate::contract::{Mismatch, expect_func, expect_memory, expect_optional_func};

/// The name and version of this contract.
pub const NAME: &str = "actor/1.0";

/// The module name of its functions.
pub const MODULE: &str = "hob_actor";

/// Checks that a module has the exports of this contract, with their types.
///
/// # Errors
///
/// Every export that is missing or has another type.
pub fn check(info: &ModuleInfo) -> Result<(), Vec<Mismatch>> {
    let mut wrong = Vec::new();
    let message = [ValType::I32, ValType::I32];
    expect_memory(info, &mut wrong);
    expect_func(info, "alloc", &[ValType::I32], &[ValType::I32], &mut wrong);
    expect_func(info, "turn", &message, &[ValType::I64], &mut wrong);
    expect_optional_func(info, "upgrade", &message, &[ValType::I64], &mut wrong);
    expect_optional_func(info, "_initialize", &[], &[], &mut wrong);
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}
