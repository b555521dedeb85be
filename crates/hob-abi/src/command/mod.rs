//! Contract **command 1.0**: a program with arguments, environment, standard streams and an exit code, and what it may ask
//! of the session it runs in.
//!
//! | export | type | meaning |
//! |---|---|---|
//! | `_start` | `() -> ()` | runs the program; returning is exit code 0 |
//! | `memory` | memory | needed as soon as a host function is imported that reads or writes it |
//!
//! Everything else a program can do arrives as imports. Which there are, with every type, role and error, is data:
//! `command.toml`, from which `cargo xtask abi` makes the table, the C header, the fixtures and the tables of the document.
//!
//! * [`Function`], [`FUNCTIONS`], [`VARIANTS`], [`find`]: that data.
//! * [`Declared`]: the custom section in which a module says its version.
//! * [`Generation`]: which of the contract's generations a module was built for, or why ([`Incompatible`]) none.
//! * [`Functions`]: the functions themselves, over the process of a [`Guest`].
//! * [`Programs`]: from modules to programs of a kernel.

mod generation;
mod host;
mod incompatible;
mod manifest;
mod section;
mod table;

use hob_engine::{Fault, FaultKind, Instance, ModuleInfo};

use crate::contract::{Mismatch, expect_func, expect_memory};

pub use generation::Generation;
pub use host::{Functions, Guest, Programs, Report};
pub use incompatible::{Incompatible, Named};
pub use manifest::{
    Answer, Cap, Class, Eras, Extent, Function, Grant, Param, Role, Status, Version, canonical, errno_name,
    find, variants,
};
pub use section::{Declared, SectionError, TOOLCHAIN_BYTES_MAX};
pub use table::{
    ALIASES, CONTRACT, ERRNOS, FUNCTIONS, IMPORTS_MAX, MEMORIES_MAX, SECTION, VARIANTS, VERSION,
};

/// The name and version of this contract.
pub const NAME: &str = "command/1.0";

/// Checks that a module has the exports of this contract, with their types.
///
/// # Errors
///
/// Every export that is missing or has another type.
pub fn check(info: &ModuleInfo) -> Result<(), Vec<Mismatch>> {
    let mut wrong = Vec::new();
    expect_func(info, "_start", &[], &[], &mut wrong);
    if !info.imports.is_empty() {
        expect_memory(info, &mut wrong);
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// The export a program begins with.
pub const ENTRY: &str = "_start";

/// Runs the program from `entry` to its end and returns its exit code, 0 to 255: a larger code loses its upper bits, as with any
/// shell.
///
/// # Errors
///
/// The fault that ended the guest, when it did not end by itself.
pub fn run<T: 'static>(instance: &mut Instance<T>, entry: &str) -> Result<u8, Fault> {
    match instance.call::<(), ()>(entry, ()) {
        Ok(()) => Ok(0),
        Err(fault) => exit_code(fault),
    }
}

/// The exit code in a fault that is an exit.
///
/// # Errors
///
/// Any other fault, as it is.
pub fn exit_code(fault: Fault) -> Result<u8, Fault> {
    match fault.kind() {
        FaultKind::Exit(code) => Ok(code.to_le_bytes()[0]),
        _ => Err(fault),
    }
}
