//! Records and snapshots from bytes. A store is trusted not to lie, and not to be whole: what is wrong is an error.

use hob_syrup::{DEPTH_MAX, Kind, Limits, Mode, Reader};

use super::{Change, Failure, Free, Input, LAYOUT, Pending, QueueChange, Sent, Snapshot, Stored, TurnRecord};
use crate::codec::{Names, not_syrup, read_list, read_value};
use crate::message::{Body, Listener, Message, Stage, Waiting};
use crate::problem::Problem;
use crate::reference::{Ref, VatId};
use crate::space::OUTSIDE;
use crate::value::Value;

type Read<T> = Result<T, Problem>;

pub(super) fn record(bytes: &[u8]) -> Read<TurnRecord> {
    whole(bytes, "hob:turns", |r| {
        layout(r)?;
        Ok(TurnRecord {
            turns: number(r)?,
            start: number(r)?,
            births: number(r)?,
            stamps_start: number(r)?,
            stamps: number(r)?,
            outside: r.bool().map_err(not_syrup)?,
            inputs: each(r, input)?,
            changes: each(r, change)?,
            collected: each(r, small)?,
            free: Free { places: small(r)?, kept: number(r)?, tail: each(r, small)? },
            queue: QueueChange { taken: number(r)?, front: each(r, message)?, back: each(r, message)? },
            outbox: each(r, sent)?,
            failures: each(r, failure)?,
        })
    })
}

pub(super) fn snapshot(bytes: &[u8]) -> Read<Snapshot> {
    whole(bytes, "hob:vat", |r| {
        layout(r)?;
        Ok(Snapshot {
            turns: number(r)?,
            births: number(r)?,
            stamps: number(r)?,
            places: small(r)?,
            cursors: each(r, cursor)?,
            sent: each(r, cursor)?,
            unacknowledged: each(r, sent)?,
            contents: each(r, change)?,
            free: each(r, small)?,
            queue: each(r, message)?,
        })
    })
}

fn whole<T>(bytes: &[u8], label: &str, body: impl FnOnce(&mut Reader<'_>) -> Read<T>) -> Read<T> {
    let limits = Limits { bytes: usize::MAX, depth: DEPTH_MAX, values: usize::MAX, ..Limits::default() };
    let mut r = Reader::new(bytes, Mode::Canonical, limits);
    r.expect_record(label).map_err(not_syrup)?;
    let it = body(&mut r)?;
    r.end().map_err(not_syrup)?;
    r.finish().map_err(not_syrup)?;
    Ok(it)
}

fn layout(r: &mut Reader<'_>) -> Read<()> {
    match number(r)? {
        LAYOUT => Ok(()),
        other => Err(bad(&format!("layout {other}; {LAYOUT} is read here"))),
    }
}

fn bad(what: &str) -> Problem {
    Problem::rule("not-a-record", what.to_owned())
}

fn number(r: &mut Reader<'_>) -> Read<u64> {
    r.u64().map_err(not_syrup)
}

fn small(r: &mut Reader<'_>) -> Read<u32> {
    u32::try_from(number(r)?).map_err(|_| bad("a number of over 32 bits"))
}

fn vat(r: &mut Reader<'_>) -> Read<VatId> {
    small(r).map(VatId::new)
}

fn each<T>(r: &mut Reader<'_>, one: fn(&mut Reader<'_>) -> Read<T>) -> Read<Vec<T>> {
    r.list().map_err(not_syrup)?;
    let mut items = Vec::new();
    while r.more().map_err(not_syrup)? {
        items.push(one(r)?);
    }
    r.end().map_err(not_syrup)?;
    Ok(items)
}

fn fields<T>(r: &mut Reader<'_>, label: &str, body: impl FnOnce(&mut Reader<'_>) -> Read<T>) -> Read<T> {
    r.expect_record(label).map_err(not_syrup)?;
    let it = body(r)?;
    r.end().map_err(not_syrup)?;
    Ok(it)
}

fn cursor(r: &mut Reader<'_>) -> Read<(VatId, u64)> {
    r.list().map_err(not_syrup)?;
    let it = (vat(r)?, number(r)?);
    r.end().map_err(not_syrup)?;
    Ok(it)
}

fn input(r: &mut Reader<'_>) -> Read<Input> {
    fields(r, "in", |r| Ok(Input { from: vat(r)?, seq: number(r)?, message: message(r)? }))
}

fn sent(r: &mut Reader<'_>) -> Read<Sent> {
    fields(r, "out", |r| Ok(Sent { to: vat(r)?, seq: number(r)?, message: message(r)? }))
}

fn failure(r: &mut Reader<'_>) -> Read<Failure> {
    fields(r, "failed", |r| Ok(Failure { turn: number(r)?, to: reference(r)?, reason: value(r)? }))
}

fn change(r: &mut Reader<'_>) -> Read<Change> {
    fields(r, "at", |r| {
        let (index, birth) = (small(r)?, number(r)?);
        Ok(Change {
            index,
            birth,
            outside: r.u64().map(|flags| u8::try_from(flags).unwrap_or(0) & OUTSIDE).map_err(not_syrup)?,
            content: content(r)?,
        })
    })
}

fn content(r: &mut Reader<'_>) -> Read<Stored> {
    let label = r.record().map_err(not_syrup)?;
    let it = match label {
        "object" => {
            Stored::Object { kind: r.str().map_err(not_syrup)?.into(), version: small(r)?, state: value(r)? }
        }
        "promise" => {
            let label = r.record().map_err(not_syrup)?;
            let stage = match label {
                "naive" => Stage::Naive,
                "question" => Stage::Question(vat(r)?),
                "closer" => Stage::Closer { to: reference(r)?, history: each(r, reference)? },
                other => return Err(bad(&format!("a promise at stage {}", other.escape_debug()))),
            };
            r.end().map_err(not_syrup)?;
            let messages = each(r, message)?;
            let listeners = each(r, |r| {
                fields(r, "listener", |r| {
                    Ok(Listener { who: reference(r)?, partial: r.bool().map_err(not_syrup)? })
                })
            })?;
            Stored::Promise(Pending(Waiting { stage, messages, listeners }.into()))
        }
        "link" => Stored::Link(reference(r)?),
        "encased" => Stored::Encased(value(r)?),
        "broken" => Stored::Broken(value(r)?),
        other => return Err(bad(&format!("a place that is {}", other.escape_debug()))),
    };
    r.end().map_err(not_syrup)?;
    Ok(it)
}

fn message(r: &mut Reader<'_>) -> Read<Message> {
    fields(r, "message", |r| {
        let to = reference(r)?;
        let resolver = match r.peek().map_err(not_syrup)? {
            Kind::Bool => {
                r.bool().map_err(not_syrup)?;
                None
            }
            _ => Some(reference(r)?),
        };
        if r.peek().map_err(not_syrup)? == Kind::List {
            return Ok(Message { to, resolver, body: Body::Args(read_list(r, &mut Stores)?) });
        }
        let label = r.record().map_err(not_syrup)?;
        let body = match label {
            "fulfill" => Body::Fulfill(value(r)?),
            "break" => Body::Break(value(r)?),
            "listen" => Body::Listen { listener: reference(r)?, partial: r.bool().map_err(not_syrup)? },
            other => return Err(bad(&format!("a message that is {}", other.escape_debug()))),
        };
        r.end().map_err(not_syrup)?;
        Ok(Message { to, resolver, body })
    })
}

fn value(r: &mut Reader<'_>) -> Read<Value> {
    read_value(r, &mut Stores)
}

fn reference(r: &mut Reader<'_>) -> Read<Ref> {
    fields(r, "ref", parts)
}

fn parts(r: &mut Reader<'_>) -> Read<Ref> {
    Ok(Ref::from_parts(small(r)?, small(r)?, number(r)?))
}

/// References as a store has them.
struct Stores;

impl Names for Stores {
    fn write(&mut self, _: &Value, _: &mut hob_syrup::Writer<'_>) -> Read<()> {
        Ok(())
    }

    fn read(&mut self, label: &str, r: &mut Reader<'_>) -> Read<Option<Value>> {
        Ok(match label {
            "ref" => Some(Value::Ref(parts(r)?)),
            "sealed" => {
                let brand = reference(r)?;
                Some(Value::sealed(brand, value(r)?))
            }
            _ => None,
        })
    }
}
