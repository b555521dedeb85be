//! Records and snapshots as bytes.

use hob_syrup::Writer;

use super::{Change, Failure, Input, LAYOUT, Sent, Snapshot, Stored, TurnRecord};
use crate::codec::{Names, write_list, write_value};
use crate::message::{Body, Message, Stage};
use crate::problem::Problem;
use crate::reference::{Ref, VatId};
use crate::value::Value;

type Written = Result<(), Problem>;

pub(super) fn record(it: &TurnRecord) -> Result<Vec<u8>, Problem> {
    bytes(|w| {
        w.record("hob:turns", |w| {
            let numbers = [LAYOUT, it.turns, it.start, it.births, it.stamps_start, it.stamps];
            numbers.iter().for_each(|number| w.int(*number));
            w.bool(it.outside);
            each(w, &it.inputs, input)?;
            each(w, &it.changes, change)?;
            each(w, &it.collected, number)?;
            w.int(it.free.places);
            w.int(it.free.kept);
            each(w, &it.free.tail, number)?;
            w.int(it.queue.taken);
            each(w, &it.queue.front, message)?;
            each(w, &it.queue.back, message)?;
            each(w, &it.outbox, sent)?;
            each(w, &it.failures, failure)
        })
    })
}

pub(super) fn snapshot(it: &Snapshot) -> Result<Vec<u8>, Problem> {
    bytes(|w| {
        w.record("hob:vat", |w| {
            let numbers = [LAYOUT, it.turns, it.births, it.stamps, it.places.into()];
            numbers.iter().for_each(|number| w.int(*number));
            each(w, &it.cursors, cursor)?;
            each(w, &it.sent, cursor)?;
            each(w, &it.unacknowledged, sent)?;
            each(w, &it.contents, change)?;
            each(w, &it.free, number)?;
            each(w, &it.queue, message)
        })
    })
}

pub(super) fn stored(it: &Stored) -> Result<Vec<u8>, Problem> {
    bytes(|w| content(it, w))
}

fn bytes(write: impl FnOnce(&mut Writer<'_>) -> Written) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::new();
    let mut w = Writer::new(&mut out);
    write(&mut w)?;
    w.finish().map_err(|error| Problem::rule("not-encodable", error.to_string()))?;
    Ok(out)
}

fn each<T>(w: &mut Writer<'_>, items: &[T], one: fn(&T, &mut Writer<'_>) -> Written) -> Written {
    w.list(|w| items.iter().try_for_each(|item| one(item, w)))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "it is used with each")]
#[expect(clippy::unnecessary_wraps, reason = "it is used with each")]
fn number(it: &u32, w: &mut Writer<'_>) -> Written {
    w.int(*it);
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "it is used with each")]
fn cursor((vat, seq): &(VatId, u64), w: &mut Writer<'_>) -> Written {
    w.list(|w| {
        w.int(vat.number());
        w.int(*seq);
    });
    Ok(())
}

fn input(it: &Input, w: &mut Writer<'_>) -> Written {
    w.record("in", |w| {
        w.int(it.from.number());
        w.int(it.seq);
        message(&it.message, w)
    })
}

fn sent(it: &Sent, w: &mut Writer<'_>) -> Written {
    w.record("out", |w| {
        w.int(it.to.number());
        w.int(it.seq);
        message(&it.message, w)
    })
}

fn failure(it: &Failure, w: &mut Writer<'_>) -> Written {
    w.record("failed", |w| {
        w.int(it.turn);
        reference(it.to, w);
        value(&it.reason, w)
    })
}

fn change(it: &Change, w: &mut Writer<'_>) -> Written {
    w.record("at", |w| {
        w.int(it.index);
        w.int(it.birth);
        w.int(it.outside);
        content(&it.content, w)
    })
}

fn content(it: &Stored, w: &mut Writer<'_>) -> Written {
    match it {
        Stored::Object { kind, version, state } => w.record("object", |w| {
            w.str(kind);
            w.int(*version);
            value(state, w)
        }),
        Stored::Promise(pending) => w.record("promise", |w| {
            let (stage, messages, listeners) =
                (pending.0.stage(), pending.0.messages(), pending.0.listeners());
            match stage {
                Stage::Naive => w.record("naive", |_| ()),
                Stage::Question(session) => w.record("question", |w| w.int(session.number())),
                Stage::Closer { to, history } => w.record("closer", |w| {
                    reference(*to, w);
                    w.list(|w| history.iter().for_each(|past| reference(*past, w)));
                }),
            }
            each(w, messages, message)?;
            each(w, listeners, |listener, w| {
                w.record("listener", |w| {
                    reference(listener.who, w);
                    w.bool(listener.partial);
                    Ok(())
                })
            })
        }),
        Stored::Link(to) => w.record("link", |w| {
            reference(*to, w);
            Ok(())
        }),
        Stored::Encased(it) => w.record("encased", |w| value(it, w)),
        Stored::Broken(it) => w.record("broken", |w| value(it, w)),
    }
}

fn message(it: &Message, w: &mut Writer<'_>) -> Written {
    w.record("message", |w| {
        reference(it.to, w);
        match it.resolver {
            Some(resolver) => reference(resolver, w),
            None => w.bool(false),
        }
        match &it.body {
            Body::Args(args) => write_list(args, &mut Stores, w),
            Body::Fulfill(it) => w.record("fulfill", |w| value(it, w)),
            Body::Break(it) => w.record("break", |w| value(it, w)),
            Body::Listen { listener, partial } => w.record("listen", |w| {
                reference(*listener, w);
                w.bool(*partial);
                Ok(())
            }),
        }
    })
}

fn value(it: &Value, w: &mut Writer<'_>) -> Written {
    write_value(it, &mut Stores, w)
}

fn reference(it: Ref, w: &mut Writer<'_>) {
    w.record("ref", |w| {
        let (vat, index, birth) = it.parts();
        w.int(vat);
        w.int(index);
        w.int(birth);
    });
}

/// Names references by what they are: nobody but the vat reads what a store keeps.
struct Stores;

impl Names for Stores {
    fn write(&mut self, it: &Value, w: &mut Writer<'_>) -> Written {
        match it {
            Value::Ref(to) => {
                reference(*to, w);
                Ok(())
            }
            Value::Sealed(sealed) => w.record("sealed", |w| {
                reference(sealed.brand, w);
                value(&sealed.content, w)
            }),
            _ => Ok(()),
        }
    }

    fn read(&mut self, _: &str, _: &mut hob_syrup::Reader<'_>) -> Result<Option<Value>, Problem> {
        Ok(None)
    }
}
