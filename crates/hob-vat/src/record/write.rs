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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kind::kind_fn;
    use crate::limits::cost;
    use crate::message::{Content, Listener, Pending, Waiting};
    use crate::reference::Facet;

    /// The longest there is.
    fn longest() -> Ref {
        Ref::new(VatId::new(u32::MAX), (1 << 30) - 1, u64::MAX >> 2, Facet::Object)
    }

    /// Small things, of which most of what is written is not what they weigh.
    fn small() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Undefined),
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            (1_u32..400).prop_map(|bits| Value::Int((num_bigint::BigInt::from(-1) << bits).into())),
            any::<f64>().prop_map(Value::Float),
            "[a-zé]{0,3}".prop_map(|text| Value::from(text.as_str())),
            "[a-z]{0,2}".prop_map(|name| Value::symbol(&name)),
            proptest::collection::vec(any::<u8>(), 0..3).prop_map(|bytes| Value::bytes(&bytes)),
            ("[a-z]{0,2}", "[a-z]{0,2}").prop_map(|(rule, message)| Value::error(&rule, &message)),
            Just(Value::Ref(longest())),
        ]
    }

    fn any_value() -> impl Strategy<Value = Value> {
        small().prop_recursive(6, 64, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::list),
                proptest::collection::vec(inner.clone(), 0..6).prop_map(|items| {
                    let names: Vec<String> = (0..items.len()).map(|at| at.to_string()).collect();
                    Value::fields(names.iter().map(String::as_str).zip(items))
                }),
                inner.clone().prop_map(|inner| Value::tagged("", inner)),
                inner.prop_map(|inner| Value::sealed(longest(), inner)),
            ]
        })
    }

    fn written(write: impl FnOnce(&mut Writer<'_>) -> Written) -> u64 {
        bytes(write).unwrap().len().try_into().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        /// What is counted before anything is written is never less than what is written.
        #[test]
        fn nothing_takes_more_than_is_counted(it in any_value(), which in 0..4, messages in 0..4_usize) {
            prop_assert!(written(|w| value(&it, w)) <= cost::of_weight(it.weight()), "{it}");
            let body = match which {
                0 => Body::Args([it.clone()].into()),
                1 => Body::Fulfill(it.clone()),
                2 => Body::Break(it.clone()),
                _ => Body::Listen { listener: longest(), partial: true },
            };
            let message = Message { to: longest(), body, resolver: Some(longest()) };
            let (from, seq) = (VatId::new(u32::MAX), u64::MAX >> 2);
            let came = Input { from, seq, message: message.clone() };
            let went = Sent { to: from, seq, message: message.clone() };
            prop_assert!(written(|w| input(&came, w)) <= message.cost(), "{message:?}");
            prop_assert!(written(|w| sent(&went, w)) <= message.cost(), "{message:?}");
            let failed = Failure { turn: u64::MAX >> 2, to: longest(), reason: it.clone() };
            prop_assert!(written(|w| failure(&failed, w)) <= failed.cost(), "{failed:?}");
            let stage = match which {
                0 => Stage::Naive,
                1 => Stage::Question(from),
                _ => Stage::Closer { to: longest(), history: vec![longest(); messages] },
            };
            let listeners = vec![Listener { who: longest(), partial: true }; messages];
            let waiting = Waiting { stage, messages: vec![message; messages], listeners };
            let contents = [
                Content::Object { kind: kind_fn("a name of some thirty letters..", |_, _, _| Ok(().into())), state: it.clone() },
                Content::Promise(Pending::default()),
                Content::Promise(waiting.into()),
                Content::Link(longest()),
                Content::Encased(it.clone()),
                Content::Broken(it),
            ];
            for content in contents {
                let stored = content.store().unwrap();
                let change_at = Change { index: u32::MAX, birth: u64::MAX >> 2, outside: 24, content: stored };
                prop_assert!(written(|w| change(&change_at, w)) <= content.cost(), "{content:?}");
            }
        }
    }
}
