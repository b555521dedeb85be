//! Syrup, written in its canonical form: fields in the order of their keys, one NaN.

use alloc::string::String;
use alloc::vec::Vec;

use super::read::key_order;
use super::{Cap, Next, Outcome, Value};

pub(crate) const NAN_BITS: u64 = 0x7ff8_0000_0000_0000;

pub(crate) fn outcome(out: &mut Vec<u8>, outcome: &Outcome) {
    match outcome {
        Ok(Next::Answer(answer)) => record(out, "answer", &[answer]),
        Ok(Next::Become(state, answer)) => record(out, "become", &[state, answer]),
        Err(reason) => record(out, "fail", &[reason]),
    }
}

fn record(out: &mut Vec<u8>, label: &str, fields: &[&Value]) {
    out.push(b'<');
    sized(out, b'\'', label.as_bytes());
    fields.iter().for_each(|field| value(out, field));
    out.push(b'>');
}

pub(crate) fn list<'a>(out: &mut Vec<u8>, items: impl IntoIterator<Item = &'a Value>) {
    out.push(b'[');
    items.into_iter().for_each(|item| value(out, item));
    out.push(b']');
}

pub(crate) fn value(out: &mut Vec<u8>, it: &Value) {
    match it {
        Value::Undefined => record(out, "void", &[]),
        Value::Null => record(out, "null", &[]),
        Value::Bool(it) => out.push(if *it { b't' } else { b'f' }),
        Value::Int(it) => {
            digits(out, it.unsigned_abs());
            out.push(if *it < 0 { b'-' } else { b'+' });
        }
        Value::Float(it) => {
            out.push(b'D');
            let bits = if it.is_nan() { NAN_BITS } else { it.to_bits() };
            out.extend(bits.to_be_bytes());
        }
        Value::Str(it) => sized(out, b'"', it.as_bytes()),
        Value::Symbol(it) => sized(out, b'\'', it.as_bytes()),
        Value::Bytes(it) => sized(out, b':', it),
        Value::List(items) => list(out, items),
        Value::Struct(fields) => {
            out.push(b'{');
            let before = |a: &&(String, Value), b: &&(String, Value)| key_order(&a.0, &b.0).is_lt();
            let mut fields: Vec<_> = fields.iter().collect();
            if !fields.is_sorted_by(before) {
                // The same name twice stays for the host to refuse.
                fields.sort_by(|a, b| key_order(&a.0, &b.0));
            }
            for (name, field) in fields {
                sized(out, b'"', name.as_bytes());
                value(out, field);
            }
            out.push(b'}');
        }
        Value::Tagged(tag, inner) => record(out, "desc:tagged", &[&Value::Symbol(tag.clone()), inner]),
        Value::Error { rule, message } => {
            record(out, "desc:error", &[&Value::Str(message.clone()), &Value::Symbol(rule.clone())]);
        }
        Value::Cap(Cap(handle)) => record(out, "desc:cap", &[&Value::from(*handle)]),
    }
}

fn sized(out: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    digits(out, bytes.len() as u128);
    out.push(kind);
    out.extend_from_slice(bytes);
}

pub(crate) fn digits(out: &mut Vec<u8>, number: u128) {
    let from = out.len();
    // Most numbers are small, and dividing large ones is a loop.
    let (mut small, mut large) = (number as u64, number >> 64 != 0);
    let mut rest = number;
    loop {
        let digit = if large { (rest % 10) as u8 } else { (small % 10) as u8 };
        out.push(b'0' + digit);
        if large {
            rest /= 10;
            large = rest >> 64 != 0;
            small = rest as u64;
        } else {
            small /= 10;
        }
        if !large && small == 0 {
            break;
        }
    }
    if let Some(written) = out.get_mut(from..) {
        written.reverse();
    }
}
