//! Contract **json 1.0**: a decision as a pure function from JSON to JSON.
//!
//! | export | type | meaning |
//! |---|---|---|
//! | `memory` | memory | where requests and responses lie |
//! | `alloc` | `(i32) -> (i32)` | a writable region of at least that many bytes |
//! | `eval` | `(i32, i32) -> (i64)` | reads the request at pointer, length; returns `pointer << 32 | length` of the response |
//! | `_initialize` | `() -> ()` | optional; runs first |
//!
//! A call is `alloc(n)`, a copy of the request to the region, `eval(p, n)`, a copy of the response from where it points.
//! Exports and types are checked when the module is loaded ([`check`]), so a module that cannot answer is refused before
//! anyone relies on it. Whatever goes wrong in a call is a [`Fault`]; it never becomes an answer.
//!
//! What a request and a response mean is the caller's. [`verdict`] reads the response of a guard.

use std::fmt;

use hob_cap::{Limit, LimitExceeded};
use hob_engine::{Fault, Func, Instance, Memory, ModuleInfo, ValType};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::contract::{Mismatch, expect_func, expect_memory, expect_optional_func};

/// The name and version of this contract.
pub const NAME: &str = "json/1.0";

/// Bounds on the bytes that cross in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The largest request, in bytes.
    pub request_max: u64,
    /// The largest response, in bytes.
    pub response_max: u64,
}

/// Checks that a module has the exports of this contract, with their types.
///
/// # Errors
///
/// Every export that is missing or has another type.
pub fn check(info: &ModuleInfo) -> Result<(), Vec<Mismatch>> {
    let mut wrong = Vec::new();
    expect_memory(info, &mut wrong);
    expect_func(info, "alloc", &[ValType::I32], &[ValType::I32], &mut wrong);
    expect_func(info, "eval", &[ValType::I32, ValType::I32], &[ValType::I64], &mut wrong);
    expect_optional_func(info, "_initialize", &[], &[], &mut wrong);
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// Runs `_initialize`, if there is one. Once for each instance, before the first [`eval`].
///
/// # Errors
///
/// The fault that ended the guest.
pub fn initialize<T: 'static>(instance: &mut Instance<T>) -> Result<(), Fault> {
    if instance.has_func("_initialize") { instance.call("_initialize", ()) } else { Ok(()) }
}

/// Hands the guest a request and returns its response.
///
/// # Errors
///
/// The fault that ended the guest: a trap, a limit, a deadline, a request or response over its size, or a pointer that
/// does not lie in its memory.
pub fn eval<T: 'static>(instance: &mut Instance<T>, request: &[u8], sizes: Sizes) -> Result<Vec<u8>, Fault> {
    exchange(instance, ("alloc", "eval"), request, sizes)
}

/// Bytes in, bytes out, through two exports: one makes room, one reads a request and points at a response. Every contract
/// whose functions take and give bytes comes through here.
pub(crate) fn exchange<T: 'static>(
    instance: &mut Instance<T>,
    (alloc, function): (&str, &str),
    request: &[u8],
    sizes: Sizes,
) -> Result<Vec<u8>, Fault> {
    let names = (alloc, function);
    at_most(Limit::Request, request.len(), sizes.request_max)?;
    let entry = Entry { alloc: instance.func(alloc)?, eval: instance.func(function)? };
    instance.look()?;
    through(instance, names, &entry, request, sizes, <[u8]>::to_vec)
}

/// The two functions of one instance, found once.
pub struct Entry {
    alloc: Func<u32, u32>,
    eval: Func<(u32, u32), u64>,
}

impl Entry {
    /// Finds them.
    ///
    /// # Errors
    ///
    /// When they are not exported, or with other types.
    pub fn find<T: 'static>(instance: &mut Instance<T>) -> Result<Self, Fault> {
        Ok(Self { alloc: instance.func("alloc")?, eval: instance.func("eval")? })
    }

    /// As [`eval`], on the instance the functions were found in, whose deadline was looked at just now. The response is read
    /// where it lies.
    ///
    /// # Errors
    ///
    /// As [`eval`].
    pub fn ask<T: 'static, R>(
        &self,
        instance: &mut Instance<T>,
        request: &[u8],
        sizes: Sizes,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, Fault> {
        through(instance, ("alloc", "eval"), self, request, sizes, read)
    }
}

fn through<T: 'static, R>(
    instance: &mut Instance<T>,
    (alloc, function): (&str, &str),
    entry: &Entry,
    request: &[u8],
    sizes: Sizes,
    read: impl FnOnce(&[u8]) -> R,
) -> Result<R, Fault> {
    let length = at_most(Limit::Request, request.len(), sizes.request_max)?;
    let put = |memory: Option<Memory<'_>>, at| {
        let written = memory.ok_or_else(no_memory)?.write(at, request);
        written.map_err(|wrong| Fault::contract(format!("`{alloc}` answered {at}: {wrong}")))?;
        Ok((at, length))
    };
    let packed = instance.call_both((&entry.alloc, length), put, &entry.eval)?;
    let (at, length) = unpack(packed);
    let mut memory = instance.view().ok_or_else(no_memory)?;
    let response = memory.bytes(at, length).map_err(|wrong| {
        let function = hob_cap::escape_guest_text(function, 120);
        Fault::contract(format!("`{function}` answered {at}, {length}: {wrong}"))
    })?;
    at_most(Limit::Response, response.len(), sizes.response_max)?;
    Ok(read(response))
}

/// Why a response is no verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the response is no verdict: {0}; a verdict is a JSON object with a boolean `ok`")]
pub struct NoVerdict(String);

/// Reads the response of a guard: the boolean member `ok` of a JSON object.
///
/// Compatible with guards written for Crucible: the name matches in any case, the last of several members counts, other
/// members are ignored, `null` (for the member or the whole) and a missing member mean no. Anything else is an error,
/// and an error is not a no.
///
/// ```
/// use hob_abi::json::verdict;
/// assert_eq!(verdict(br#"{"ok":true,"why":"paid"}"#), Ok(true));
/// assert_eq!(verdict(b"{}"), Ok(false));
/// assert!(verdict(br#"{"ok":1}"#).is_err());
/// ```
///
/// # Errors
///
/// When the response is no JSON object, or `ok` is neither boolean nor `null`.
pub fn verdict(response: &[u8]) -> Result<bool, NoVerdict> {
    // What most guards say, letter by letter.
    match response {
        br#"{"ok":true}"# => return Ok(true),
        br#"{"ok":false}"# => return Ok(false),
        _ => {}
    }
    // Bytes that are no UTF-8 inside a string are replaced, as Go does; elsewhere they stay an error.
    let text = String::from_utf8_lossy(response);
    let mut reader = serde_json::Deserializer::from_str(&text);
    let wrong = |error: serde_json::Error| NoVerdict(hob_cap::escape_guest_text(&error.to_string(), 200));
    let ok = reader.deserialize_any(VerdictVisitor).map_err(wrong)?;
    reader.end().map_err(wrong)?;
    Ok(ok)
}

struct VerdictVisitor;

impl<'de> Visitor<'de> for VerdictVisitor {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut ok = false;
        while let Some(key) = map.next_key::<String>()? {
            if is_ok(&key) {
                ok = map.next_value::<Option<bool>>()?.unwrap_or(ok);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(ok)
    }
}

/// Go folds case by Unicode: besides `k` and `K` there is the Kelvin sign.
fn is_ok(key: &str) -> bool {
    let mut chars = key.chars();
    matches!(chars.next(), Some('o' | 'O'))
        && matches!(chars.next(), Some('k' | 'K' | '\u{212a}'))
        && chars.next().is_none()
}

#[inline]
fn at_most(limit: Limit, bytes: usize, allowed: u64) -> Result<u32, Fault> {
    let asked = u64::try_from(bytes).unwrap_or(u64::MAX);
    let over = || LimitExceeded { limit, allowed, used: 0, asked }.into();
    if asked > allowed {
        return Err(over());
    }
    u32::try_from(bytes).map_err(|_| over())
}

/// The pointer and the length in one number.
#[inline]
pub(crate) fn unpack(packed: u64) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = packed.to_be_bytes();
    (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
}

pub(crate) fn no_memory() -> Fault {
    Fault::contract("the guest exports no memory as `memory`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_read_as_go_reads_them_and_errors_stay_errors() {
        let check = |response: &[u8], want: Option<bool>| {
            assert_eq!(verdict(response).ok(), want, "{}", String::from_utf8_lossy(response));
        };
        check(br#"{"ok":true}"#, Some(true));
        check(br#"{"ok":false}"#, Some(false));
        check(br#"{"ok": false}"#, Some(false));
        check(b" \n{\"ok\":true} \n", Some(true));
        check(br#"{"ok":true,"error":"boom","x":[1,2]}"#, Some(true));
        check(br#"{"OK":true}"#, Some(true));
        check(br#"{"ok":false,"OK":true}"#, Some(true));
        check(br#"{"ok":true,"ok":false}"#, Some(false));
        check(b"{\"ok\":true,\"s\":\"\xff\"}", Some(true));
        check("{\"o\u{212a}\":true}".as_bytes(), Some(true));
        check(br#"{"ok":true,"ok":null}"#, Some(true));
        check(b"{}", Some(false));
        check(b"null", Some(false));
        check(br#"{"ok":null}"#, Some(false));
        check(br#"{"okay":true}"#, Some(false));
        check(br#"{"ok":1}"#, None);
        check(br#"{"ok":"true"}"#, None);
        check(b"[true]", None);
        check(b"true", None);
        check(b"nope", None);
        check(b"", None);
        check(br#"{"ok":true}x"#, None);
        check(br#"{"ok":true"#, None);
        check(b"\xff{\"ok\":true}", None);
        check(br#"{"ok":NaN}"#, None);
        check(br#"{"ok":true,"s":"\ud800"}"#, Some(true));
        check(format!(r#"{{"ok":true,"n":{}}}"#, "9".repeat(10_000)).as_bytes(), Some(true));
        check(format!(r#"{{"ok":true,"s":"{}"}}"#, "a".repeat(4 << 20)).as_bytes(), Some(true));
        check(
            format!(r#"{{"ok":true,"d":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000)).as_bytes(),
            Some(true),
        );
    }

    #[test]
    fn a_deep_or_long_response_does_not_exhaust_the_host() {
        let deep = format!("{{\"x\":{}{},\"ok\":true}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(matches!(verdict(deep.as_bytes()), Ok(true) | Err(_)));
        let digits = format!("{{\"x\":{},\"ok\":true}}", "9".repeat(10_000));
        assert_eq!(verdict(digits.as_bytes()), Ok(true));
    }

    #[test]
    fn a_packed_answer_is_two_unsigned_numbers() {
        assert_eq!(unpack(0xffff_ffff_0000_0001), (u32::MAX, 1));
        assert_eq!(unpack(1 << 32), (1, 0));
    }
}
