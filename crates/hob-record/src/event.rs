//! The events of a record, and how each is written.

use hob_engine::{Fault, FaultKind, Value};
use sha2::{Digest as _, Sha256};

use crate::wire::{Malformed, Reader, put_bytes, put_u64};
use crate::{Outcome, Stream};

/// As much of a SHA-256 as tells apart what a host looked at.
pub(crate) type Digest = [u8; 16];

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    let whole: [u8; 32] = Sha256::digest(bytes).into();
    let mut short = [0; 16];
    short.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    short
}

/// One event. Borrowed, so that writing one copies nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event<'a> {
    /// A function gets the next number, from 0 on.
    Name { module: &'a str, name: &'a str },
    /// The guest calls the function of that number.
    Call { function: u32, args: Vec<Value> },
    /// The host looked at memory.
    Look { at: u32, len: u32, digest: Digest },
    /// The host wrote to memory.
    Write { at: u32, bytes: &'a [u8] },
    /// The host called an export.
    Enter { export: &'a str, args: Vec<Value> },
    /// The export returned this; `None` when it ended the guest.
    Left(Option<Vec<Value>>),
    /// The first `len` bytes of the last `looks` looks, joined, went to a stream.
    Out { stream: Stream, looks: u32, len: u32 },
    /// These bytes went to a stream.
    OutBytes { stream: Stream, bytes: &'a [u8] },
    /// The function returned.
    Return(Option<Value>),
    /// The function ended the guest.
    Fail(Failure<'a>),
    /// The run is over, after that many calls.
    End { calls: u64, outcome: Outcome },
}

/// How a host function ended the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure<'a> {
    Exit(u32),
    Contract(&'a str),
    Other(&'a str),
}

impl Failure<'_> {
    pub(crate) fn fault(&self) -> Fault {
        match self {
            Self::Exit(code) => Fault::exit(*code),
            Self::Contract(text) => Fault::contract((*text).to_owned()),
            Self::Other(text) => Fault::host(format!("as recorded: {text}")),
        }
    }
}

impl Event<'_> {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Name { module, name } => {
                out.push(1);
                put_bytes(out, module.as_bytes());
                put_bytes(out, name.as_bytes());
            }
            Self::Call { function, args } => {
                out.push(2);
                put_u64(out, u64::from(*function));
                put_values(out, args);
            }
            Self::Look { at, len, digest } => {
                out.push(3);
                put_u64(out, u64::from(*at));
                put_u64(out, u64::from(*len));
                out.extend_from_slice(digest);
            }
            Self::Write { at, bytes } => {
                out.push(4);
                put_u64(out, u64::from(*at));
                put_bytes(out, bytes);
            }
            Self::Enter { export, args } => {
                out.push(5);
                put_bytes(out, export.as_bytes());
                put_values(out, args);
            }
            Self::Left(result) => {
                out.push(6);
                out.push(u8::from(result.is_some()));
                put_values(out, result.as_deref().unwrap_or_default());
            }
            Self::Out { stream, looks, len } => {
                out.push(7);
                out.push(stream_byte(*stream));
                put_u64(out, u64::from(*looks));
                put_u64(out, u64::from(*len));
            }
            Self::OutBytes { stream, bytes } => {
                out.push(8);
                out.push(stream_byte(*stream));
                put_bytes(out, bytes);
            }
            Self::Return(value) => {
                out.push(9);
                put_values(out, value.as_slice());
            }
            Self::Fail(failure) => {
                out.push(10);
                let (kind, text) = match failure {
                    Failure::Exit(code) => (0, code.to_string()),
                    Failure::Contract(text) => (1, (*text).to_owned()),
                    Failure::Other(text) => (2, (*text).to_owned()),
                };
                out.push(kind);
                put_bytes(out, text.as_bytes());
            }
            Self::End { calls, outcome } => {
                out.push(11);
                put_u64(out, *calls);
                match outcome {
                    Outcome::Code(code) => {
                        out.push(0);
                        put_bytes(out, code.to_string().as_bytes());
                    }
                    Outcome::Fault(text) => {
                        out.push(1);
                        put_bytes(out, text.as_bytes());
                    }
                    Outcome::Answer(bytes) => {
                        out.push(2);
                        put_bytes(out, bytes);
                    }
                }
            }
        }
    }
}

impl<'a> Event<'a> {
    pub(crate) fn take(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(match reader.u8()? {
            1 => Self::Name { module: reader.text()?, name: reader.text()? },
            2 => Self::Call { function: reader.u32()?, args: take_values(reader)? },
            3 => Self::Look { at: reader.u32()?, len: reader.u32()?, digest: reader.array()? },
            4 => Self::Write { at: reader.u32()?, bytes: reader.bytes()? },
            5 => Self::Enter { export: reader.text()?, args: take_values(reader)? },
            6 => {
                let returned = reader.u8()? == 1;
                let values = take_values(reader)?;
                Self::Left(returned.then_some(values))
            }
            7 => Self::Out { stream: take_stream(reader)?, looks: reader.u32()?, len: reader.u32()? },
            8 => Self::OutBytes { stream: take_stream(reader)?, bytes: reader.bytes()? },
            9 => match take_values(reader)?.as_slice() {
                [] => Self::Return(None),
                [value] => Self::Return(Some(*value)),
                _ => return Err(Malformed),
            },
            10 => {
                let kind = reader.u8()?;
                let text = reader.text()?;
                Self::Fail(match kind {
                    0 => Failure::Exit(text.parse().map_err(|_| Malformed)?),
                    1 => Failure::Contract(text),
                    2 => Failure::Other(text),
                    _ => return Err(Malformed),
                })
            }
            11 => {
                let calls = reader.u64()?;
                let outcome = match reader.u8()? {
                    0 => Outcome::Code(reader.text()?.parse().map_err(|_| Malformed)?),
                    1 => Outcome::Fault(reader.text()?.to_owned()),
                    2 => Outcome::Answer(reader.bytes()?.to_vec()),
                    _ => return Err(Malformed),
                };
                Self::End { calls, outcome }
            }
            _ => return Err(Malformed),
        })
    }
}

/// The failure a fault is recorded as. `shown` is the text of the fault.
pub(crate) fn failure<'a>(fault: &Fault, shown: &'a str) -> Failure<'a> {
    match fault.kind() {
        FaultKind::Exit(code) => Failure::Exit(*code),
        FaultKind::Contract(_) => Failure::Contract(shown),
        _ => Failure::Other(shown),
    }
}

/// The text of a fault, as a failure carries it.
pub(crate) fn shown(fault: &Fault) -> String {
    match fault.kind() {
        FaultKind::Contract(text) => text.clone(),
        _ => fault.to_string(),
    }
}

pub(crate) fn put_values(out: &mut Vec<u8>, values: &[Value]) {
    put_u64(out, u64::try_from(values.len()).unwrap_or(u64::MAX));
    for value in values {
        match *value {
            Value::I32(value) => {
                out.push(0);
                put_u64(out, u64::from(value.cast_unsigned()));
            }
            Value::I64(value) => {
                out.push(1);
                put_u64(out, value.cast_unsigned());
            }
            Value::F32(value) => {
                out.push(2);
                out.extend_from_slice(&value.to_bits().to_le_bytes());
            }
            Value::F64(value) => {
                out.push(3);
                out.extend_from_slice(&value.to_bits().to_le_bytes());
            }
        }
    }
}

fn take_values(reader: &mut Reader<'_>) -> Result<Vec<Value>, Malformed> {
    let count = reader.u64()?;
    let mut values = Vec::new();
    for _ in 0..count {
        values.push(match reader.u8()? {
            0 => Value::I32(reader.u32()?.cast_signed()),
            1 => Value::I64(reader.u64()?.cast_signed()),
            2 => Value::F32(f32::from_bits(u32::from_le_bytes(reader.array()?))),
            3 => Value::F64(f64::from_bits(u64::from_le_bytes(reader.array()?))),
            _ => return Err(Malformed),
        });
    }
    Ok(values)
}

fn stream_byte(stream: Stream) -> u8 {
    match stream {
        Stream::Stdout => 1,
        Stream::Stderr => 2,
    }
}

fn take_stream(reader: &mut Reader<'_>) -> Result<Stream, Malformed> {
    match reader.u8()? {
        1 => Ok(Stream::Stdout),
        2 => Ok(Stream::Stderr),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(event: &Event<'_>) {
        let mut out = Vec::new();
        event.put(&mut out);
        let mut reader = Reader(&out);
        assert_eq!(Event::take(&mut reader).as_ref(), Ok(event));
        assert!(reader.is_empty());
        for cut in 0..out.len() {
            let cut = out.get(..cut).unwrap_or_default();
            assert_ne!(Event::take(&mut Reader(cut)).as_ref(), Ok(event));
        }
    }

    #[test]
    fn every_event_comes_back_as_it_went() {
        let values = vec![Value::I32(-1), Value::I64(i64::MIN), Value::F32(-0.5), Value::F64(1e300)];
        check(&Event::Name { module: "m", name: "naïve" });
        check(&Event::Call { function: 7, args: values.clone() });
        check(&Event::Look { at: u32::MAX, len: 0, digest: [9; 16] });
        check(&Event::Write { at: 3, bytes: b"\0\xff" });
        check(&Event::Enter { export: "alloc", args: values.clone() });
        check(&Event::Left(Some(values)));
        check(&Event::Left(None));
        check(&Event::Out { stream: Stream::Stderr, looks: 2, len: 300 });
        check(&Event::OutBytes { stream: Stream::Stdout, bytes: b"x" });
        check(&Event::Return(None));
        check(&Event::Return(Some(Value::I32(5))));
        check(&Event::Fail(Failure::Exit(255)));
        check(&Event::Fail(Failure::Contract("broken")));
        check(&Event::Fail(Failure::Other("")));
        check(&Event::End { calls: 1 << 40, outcome: Outcome::Code(3) });
        check(&Event::End { calls: 0, outcome: Outcome::Fault("trap".into()) });
        check(&Event::End { calls: 0, outcome: Outcome::Answer(vec![0xff, 0]) });
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_event_or_malformed(bytes: Vec<u8>) {
            let mut reader = Reader(&bytes);
            while !reader.is_empty() && Event::take(&mut reader).is_ok() {}
        }
    }
}
