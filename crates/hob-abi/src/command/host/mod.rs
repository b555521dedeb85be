//! The functions of the contract, over a process of a kernel.
//!
//! Each copies numbers and structures in, asks the process, and copies the answer out; nothing is decided here. Every
//! pointer a call writes through is checked before the call does anything, so that a call whose answer cannot be written
//! has not happened. What a function is called, its type and whether it begins again after a signal come from the table
//! of the contract ([`FUNCTIONS`](super::FUNCTIONS)); a test compares the types.
//!
//! * `guest`: the data of an instance, and preview 1 over a process.
//! * `values`: text, vectors, times and records as they lie in memory.
//! * `process`, `spawn`, `files`, `attributes`, `users`, `terminal`, `machine`, `sockets`: the functions.
//! * `functions`: all of them, for each generation.
//! * `programs`: from a module to something the kernel runs.

mod attributes;
mod files;
mod functions;
mod guest;
mod machine;
mod process;
mod programs;
mod sockets;
mod spawn;
mod system;
mod terminal;
mod users;
mod values;

use hob_engine::{Ctx, Fault, Memory, Reach};

use super::{Grant, find};
use crate::wasi_p1::errno::Result;
use crate::wasi_p1::{with, with_once};

pub use functions::Functions;
pub use guest::Guest;
pub use programs::{Programs, Report};

/// What a function reaches, in the words of the contract.
fn reach(module: &str, name: &str) -> Reach {
    match find(module, name).map(|function| function.grant) {
        None | Some(Grant::None) => Reach::Nothing,
        Some(grant) => Reach::Granted(grant.to_string()),
    }
}

/// Runs a call, and begins it again after a signal where the contract says so.
fn call(
    ctx: &mut Ctx<'_, Guest>,
    restartable: bool,
    f: impl Fn(&mut Memory<'_>, &mut Guest) -> Result<()>,
) -> std::result::Result<i32, Fault> {
    if restartable { with(ctx, f) } else { with_once(ctx, f) }
}

/// Whether a call begins again after a signal.
fn restartable(module: &str, name: &str) -> bool {
    find(module, name).is_some_and(|function| function.restartable)
}

/// Adds functions that answer with an error number.
macro_rules! calls {
    ($table:ident, $module:literal;
     $(fn $name:ident($mem:ident, $guest:ident $(, $arg:ident: $ty:ty)*) $body:block)*) => { $(
        let again = $crate::command::host::restartable($module, stringify!($name));
        $table.func(
            $module,
            stringify!($name),
            $crate::command::host::reach($module, stringify!($name)),
            move |ctx: &mut hob_engine::Ctx<'_, $crate::command::host::Guest> $(, $arg: $ty)*| {
                $crate::command::host::call(ctx, again, |$mem, $guest| $body)
            },
        );
    )* };
}

use calls;
