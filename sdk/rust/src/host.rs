//! What an actor can ask of its host during a turn.
//!
//! A failure is the reason as a value. It ends nothing: who does not deal with it passes it on with `?`, and then the turn
//! never happened.

use alloc::vec::Vec;

use super::value::{Cap, Value};
use super::{read, write};

#[link(wasm_import_module = "hob_actor")]
unsafe extern "C" {
    #[link_name = "send"]
    fn raw_send(at: *const u8, len: u32) -> i64;
    #[link_name = "send_only"]
    fn raw_send_only(at: *const u8, len: u32) -> i64;
    #[link_name = "call"]
    fn raw_call(at: *const u8, len: u32) -> i64;
    #[link_name = "spawn"]
    fn raw_spawn(at: *const u8, len: u32) -> i64;
    #[link_name = "promise"]
    fn raw_promise(at: *mut u8) -> i64;
    #[link_name = "resolve"]
    fn raw_resolve(at: *const u8, len: u32) -> i64;
    #[link_name = "break"]
    fn raw_break(at: *const u8, len: u32) -> i64;
    #[link_name = "on"]
    fn raw_on(at: *const u8, len: u32) -> i64;
    #[link_name = "drop"]
    fn raw_drop(handle: u64) -> i64;
    #[link_name = "take"]
    fn raw_take(at: *mut u8) -> i64;
    #[link_name = "fuel"]
    fn raw_fuel() -> i64;
}

type Asked<T> = Result<T, Value>;

/// Sends a message. The promise is for what comes of it.
pub fn send(to: Cap, args: &[Value]) -> Asked<Cap> {
    ask(raw_send, |out| message(out, to, args)).map(cap)
}

/// Sends a message whose result nobody wants.
pub fn send_only(to: Cap, args: &[Value]) -> Asked<()> {
    ask(raw_send_only, |out| message(out, to, args)).map(drop)
}

/// Calls something near, and waits for its answer.
pub fn call(to: Cap, args: &[Value]) -> Asked<Value> {
    let length = ask(raw_call, |out| message(out, to, args))?;
    read::value(&take(length))
}

/// Makes another actor of this module.
pub fn spawn(state: &Value) -> Asked<Cap> {
    ask(raw_spawn, |out| write::value(out, state)).map(cap)
}

/// Makes a promise, and the right to keep or break it.
pub fn promise() -> Asked<(Cap, Cap)> {
    let mut handles = [0_u8; 16];
    told(unsafe { raw_promise(handles.as_mut_ptr()) })?;
    let (mut promise, mut resolver) = ([0; 8], [0; 8]);
    promise.copy_from_slice(&handles[..8]);
    resolver.copy_from_slice(&handles[8..]);
    Ok((Cap(u64::from_le_bytes(promise)), Cap(u64::from_le_bytes(resolver))))
}

/// Keeps a promise.
pub fn resolve(resolver: Cap, value: Value) -> Asked<()> {
    ask(raw_resolve, |out| write::list(out, &[resolver.into(), value])).map(drop)
}

/// Breaks a promise.
pub fn break_with(resolver: Cap, reason: Value) -> Asked<()> {
    ask(raw_break, |out| write::list(out, &[resolver.into(), reason])).map(drop)
}

/// Does something when a promise is settled: each handler is sent what it is for. The promise is for what the handler answers.
pub fn on(vow: Cap, fulfilled: Option<Cap>, broken: Option<Cap>, finally: Option<Cap>) -> Asked<Cap> {
    let handler = |it: Option<Cap>| it.map_or(Value::Bool(false), Value::Cap);
    ask(raw_on, |out| {
        write::list(out, &[vow.into(), handler(fulfilled), handler(broken), handler(finally)]);
    })
    .map(cap)
}

/// Asks a function that the host granted; see [`granted!`](crate::granted).
pub fn ask_granted(function: unsafe extern "C" fn(*const u8, u32) -> i64, value: &Value) -> Asked<Value> {
    let length = ask(function, |out| write::value(out, value))?;
    read::value(&take(length))
}

/// Gives a handle up.
pub fn drop_cap(cap: Cap) -> Asked<()> {
    told(unsafe { raw_drop(cap.0) }).map(drop)
}

/// Units of work that the turn has left.
pub fn fuel() -> u64 {
    unsafe { raw_fuel() }.unsigned_abs()
}

fn message(out: &mut Vec<u8>, to: Cap, args: &[Value]) {
    out.push(b'[');
    write::value(out, &to.into());
    write::list(out, args);
    out.push(b']');
}

fn ask(function: unsafe extern "C" fn(*const u8, u32) -> i64, write: impl FnOnce(&mut Vec<u8>)) -> Asked<i64> {
    let mut bytes = Vec::with_capacity(128);
    write(&mut bytes);
    told(unsafe { function(bytes.as_ptr(), bytes.len() as u32) })
}

fn told(answer: i64) -> Asked<i64> {
    if answer >= 0 { Ok(answer) } else { Err(read::value(&take(-answer)).unwrap_or_else(|bad| bad)) }
}

fn take(length: i64) -> Vec<u8> {
    let mut bytes = alloc::vec![0; length as usize];
    unsafe { raw_take(bytes.as_mut_ptr()) };
    bytes
}

fn cap(handle: i64) -> Cap {
    Cap(handle.unsigned_abs())
}
