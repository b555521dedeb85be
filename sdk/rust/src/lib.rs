//! Actors for hob in Rust: the guest's side of the contract `actor/1.0` (`docs/abi/actor.md`).
//!
//! A function gets a [`Turn`] and says what comes [`Next`]; [`actor!`] makes the exports of it. Needs no standard library: a
//! guest without one uses [`bare!`] as well.
//!
//! ```ignore
//! use hob_actor::{Next, Outcome, Turn, Value, actor};
//!
//! fn turn(turn: Turn) -> Outcome {
//!     let count = turn.state.as_int().unwrap_or(0) + 1;
//!     Ok(Next::Become(count.into(), count.into()))
//! }
//!
//! actor!(turn);
//! ```
#![no_std]

extern crate alloc;

mod bare;
mod host;
mod read;
mod value;
mod write;

use alloc::vec::Vec;
use core::cell::UnsafeCell;

pub use bare::Bump;
pub use host::{ask_granted, break_with, call, drop_cap, fuel, on, promise, resolve, send, send_only, spawn};
pub use value::{Cap, Value};

/// What an actor is called with.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The actor itself.
    pub me: Cap,
    /// What it keeps.
    pub state: Value,
    /// The arguments of the message.
    pub args: Vec<Value>,
}

impl Turn {
    /// The name of the method that is asked for, and its arguments.
    pub fn method(&self) -> (&str, &[Value]) {
        match self.args.split_first() {
            Some((name, rest)) => (name.as_name().unwrap_or(""), rest),
            None => ("", &[]),
        }
    }
}

/// What comes of a turn.
#[derive(Clone, Debug)]
pub enum Next {
    /// The caller is told this; the actor stays as it is.
    Answer(Value),
    /// The actor keeps the first from now on; the caller is told the second.
    Become(Value, Value),
}

/// What comes next, or why the turn never happened.
pub type Outcome = Result<Next, Value>;

/// An error as data, to fail with.
pub fn problem(rule: &str, message: &str) -> Value {
    Value::Error { rule: rule.into(), message: message.into() }
}

/// The method that was asked for is none of this actor's.
pub fn no_method(name: &str) -> Value {
    problem("no-method", name)
}

/// The bytes of a value: canonical Syrup.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    write::value(&mut bytes, value);
    bytes
}

/// The value that these bytes are; they must be canonical. An integer of more than 128 bits is refused with `limit`.
pub fn decode(bytes: &[u8]) -> Result<Value, Value> {
    read::value(bytes)
}

/// Makes the exports of a module of functions: `actor!(turn)`, or `actor!(turn, version = 2, upgrade = upgrade)` with
/// `fn upgrade(from: u32, state: Value) -> Result<Value, Value>`.
#[macro_export]
macro_rules! actor {
    ($turn:path) => {
        $crate::actor!($turn, version = 0);
    };
    ($turn:path, version = $version:literal, upgrade = $upgrade:path) => {
        $crate::actor!($turn, version = $version);

        #[unsafe(export_name = "upgrade")]
        extern "C" fn hob_upgrade(at: *const u8, len: u32) -> u64 {
            // The host wrote a message of this length there.
            $crate::exports::upgrade(unsafe { core::slice::from_raw_parts(at, len as usize) }, $upgrade)
        }
    };
    ($turn:path, version = $version:literal) => {
        #[unsafe(link_section = "hob-actor")]
        #[used]
        static HOB_ACTOR: [u8; concat!("1.0 become ", $version).len()] = {
            let text = concat!("1.0 become ", $version).as_bytes();
            let mut bytes = [0; concat!("1.0 become ", $version).len()];
            let mut at = 0;
            while at < text.len() {
                bytes[at] = text[at];
                at += 1;
            }
            bytes
        };

        #[unsafe(export_name = "_initialize")]
        extern "C" fn hob_initialize() {
            $crate::exports::initialize();
        }

        #[unsafe(export_name = "alloc")]
        extern "C" fn hob_alloc(size: u32) -> *mut u8 {
            $crate::exports::alloc(size)
        }

        #[unsafe(export_name = "turn")]
        extern "C" fn hob_turn(at: *const u8, len: u32) -> u64 {
            // The host wrote a message of this length there.
            $crate::exports::turn(unsafe { core::slice::from_raw_parts(at, len as usize) }, $turn)
        }
    };
}

/// Names functions that the host must grant: `granted!("geb": kind, logic)` makes `fn kind(value: &Value) -> Result<Value, Value>`
/// of the import `geb.kind`, and so on. A host that does not grant one of them cannot load the module.
#[macro_export]
macro_rules! granted {
    ($module:literal: $($name:ident),+ $(,)?) => {$(
        fn $name(value: &$crate::Value) -> Result<$crate::Value, $crate::Value> {
            #[link(wasm_import_module = $module)]
            unsafe extern "C" {
                fn $name(at: *const u8, len: u32) -> i64;
            }
            $crate::ask_granted($name, value)
        }
    )+};
}

/// What [`actor!`] calls.
#[doc(hidden)]
pub mod exports {
    use super::{Buffer, Next, Outcome, Turn, Value, Vec, read, write};

    static MESSAGE: Buffer = Buffer::new();
    static ANSWER: Buffer = Buffer::new();

    unsafe extern "C" {
        /// What the linker makes of constructors.
        fn __wasm_call_ctors();
    }

    /// Memory that a turn is likely to need is there before the first: an instance that had to grow cannot be used again.
    pub fn initialize() {
        unsafe { __wasm_call_ctors() };
        let room: Vec<u8> = Vec::with_capacity(64 << 10);
        drop(core::hint::black_box(room));
    }

    pub fn alloc(size: u32) -> *mut u8 {
        MESSAGE.with(|bytes| {
            bytes.clear();
            bytes.reserve(size as usize);
            bytes.as_mut_ptr()
        })
    }

    pub fn turn(message: &[u8], handler: fn(Turn) -> Outcome) -> u64 {
        let done = read::turn(message).and_then(handler);
        answer(|out| write::outcome(out, &done))
    }

    pub fn upgrade(message: &[u8], handler: fn(u32, Value) -> Result<Value, Value>) -> u64 {
        let done = read::upgrade(message).and_then(|(from, state)| handler(from, state));
        let done = done.map(|state| Next::Become(state, Value::Undefined));
        answer(|out| write::outcome(out, &done))
    }

    fn answer(f: impl FnOnce(&mut Vec<u8>)) -> u64 {
        ANSWER.with(|out| {
            out.clear();
            f(out);
            (out.as_ptr() as u64) << 32 | out.len() as u64
        })
    }
}

/// Bytes that outlive a call.
struct Buffer(UnsafeCell<Vec<u8>>);

// A guest has one thread.
unsafe impl Sync for Buffer {}

impl Buffer {
    const fn new() -> Self {
        Self(UnsafeCell::new(Vec::new()))
    }

    fn with<R>(&self, f: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        // Nothing that `f` does here comes back to the same buffer.
        f(unsafe { &mut *self.0.get() })
    }
}
