//! Contract **plugin 1.0**: a module of named functions that extend an application. Compatible with Samuel plugins.
//!
//! | export | type | meaning |
//! |---|---|---|
//! | `samuel_protocol_version` | `() -> (i32)` | returns 1 |
//! | `health` | `() -> (i32)` | optional; 0 is healthy |
//! | `samuel_alloc` | `(i32) -> (i32)` | room for bytes from the host; needed to receive any |
//! | `_initialize` or `_start` | `() -> ()` | optional; runs first; leaving with exit code 0 counts as returning |
//! | declared, plain | `() -> (…)` | called without arguments; its results are handed on as they are |
//! | declared, JSON | `(i32, i32) -> (i64)` | reads JSON at pointer, length; returns `pointer << 32 | length` of JSON |
//!
//! What a plugin may import, besides `wasi_snapshot_preview1`, is the module `samuel` ([`add_to`]). Each call runs in an
//! instance of its own, under the same bounds: start function, probe, health check and every call back end with the
//! deadline.

mod desk;
mod host;
mod net;
mod text;

use hob_cap::Policy;
use hob_engine::{ExternType, Fault, FuncType, HostTable, Instance, ModuleInfo, ValType, Value};

use crate::contract::{Mismatch, expect_func, expect_memory, expect_optional_func};
use crate::json::{self, Sizes};

pub use desk::{Callback, Desk, LogLine};
pub use host::{HasDesk, MODULE};
pub use net::HOB_MODULE;

/// The name and version of this contract.
pub const NAME: &str = "plugin/1.0";

/// The one protocol version that is spoken.
pub const PROTOCOL: i32 = 1;

/// Exports that belong to the contract; a plugin does not declare them as its own.
pub const RESERVED: [&str; 6] =
    ["_initialize", "_start", "health", "memory", "samuel_alloc", "samuel_protocol_version"];

/// Adds the functions that `policy` provides to a plugin.
pub fn add_to<T: HasDesk>(table: &mut HostTable<T>, policy: &Policy) {
    host::add_to(table, policy);
    net::add_to(table, policy);
}

/// How a declared function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Without arguments; its results are numbers.
    Plain,
    /// With JSON, answering with JSON.
    Json,
}

impl Form {
    /// The form of a function, by its type; `None` when it is neither.
    #[must_use]
    pub fn of(ty: &FuncType) -> Option<Self> {
        use ValType::{I32, I64, Other};
        match (ty.params.as_slice(), ty.results.as_slice()) {
            ([I32, I32], [I64]) => Some(Self::Json),
            ([], results) if !results.contains(&Other) => Some(Self::Plain),
            _ => None,
        }
    }
}

/// Checks that a module has the exports of this contract, with their types.
///
/// # Errors
///
/// Every export that is missing or has another type.
pub fn check(info: &ModuleInfo) -> Result<(), Vec<Mismatch>> {
    let mut wrong = Vec::new();
    expect_func(info, "samuel_protocol_version", &[], &[ValType::I32], &mut wrong);
    expect_optional_func(info, "health", &[], &[ValType::I32], &mut wrong);
    expect_optional_func(info, "samuel_alloc", &[ValType::I32], &[ValType::I32], &mut wrong);
    expect_optional_func(info, "_initialize", &[], &[], &mut wrong);
    expect_optional_func(info, "_start", &[], &[], &mut wrong);
    let json = functions(info).any(|(_, form)| form == Form::Json);
    if !info.imports.is_empty() || json {
        expect_memory(info, &mut wrong);
    }
    if json {
        expect_func(info, "samuel_alloc", &[ValType::I32], &[ValType::I32], &mut wrong);
        wrong.dedup();
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// The functions a plugin offers: its exported functions of either form that do not belong to the contract.
pub fn functions(info: &ModuleInfo) -> impl Iterator<Item = (&str, Form)> {
    info.exports.iter().filter_map(|export| match &export.ty {
        ExternType::Func(ty) if !RESERVED.contains(&&*export.name) => Some((&*export.name, Form::of(ty)?)),
        _ => None,
    })
}

/// Runs `_initialize`, or else `_start`, if there is one, and asks for the protocol version. Once for each instance,
/// before anything else.
///
/// # Errors
///
/// The fault that ended the guest; a contract fault when it speaks another protocol.
pub fn begin<T: 'static>(instance: &mut Instance<T>) -> Result<(), Fault> {
    if instance.has_func("_initialize") {
        instance.call::<(), ()>("_initialize", ())?;
    } else if instance.has_func("_start")
        && let Some(code) = instance.run_to_exit("_start")?.filter(|code| *code != 0)
    {
        return Err(Fault::exit(code));
    }
    match instance.call::<(), i32>("samuel_protocol_version", ())? {
        PROTOCOL => Ok(()),
        other => Err(Fault::contract(format!(
            "the plugin speaks protocol {}, and this host speaks {PROTOCOL}",
            other.cast_unsigned()
        ))),
    }
}

/// Asks for the health of a plugin that has begun: 0 is healthy, `None` is a plugin that does not say.
///
/// # Errors
///
/// The fault that ended the guest.
pub fn health<T: 'static>(instance: &mut Instance<T>) -> Result<Option<i32>, Fault> {
    if !instance.has_func("health") {
        return Ok(None);
    }
    instance.call::<(), i32>("health", ()).map(Some)
}

/// Calls a plain function.
///
/// # Errors
///
/// The fault that ended the guest.
pub fn call_plain<T: 'static>(instance: &mut Instance<T>, export: &str) -> Result<Vec<Value>, Fault> {
    instance.call_values(export, &[])
}

/// Calls a JSON function.
///
/// # Errors
///
/// The fault that ended the guest, or what [`json::eval`] finds wrong.
pub fn call_json<T: 'static>(
    instance: &mut Instance<T>,
    export: &str,
    request: &[u8],
    sizes: Sizes,
) -> Result<Vec<u8>, Fault> {
    json::exchange(instance, ("samuel_alloc", export), request, sizes)
}
