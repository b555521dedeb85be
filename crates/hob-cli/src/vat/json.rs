//! What a store has, as JSON, for programs.
//!
//! Of a value, what JSON has is itself: null, booleans, numbers, strings, lists. All else is an object of one key, which says what it
//! is: `{"symbol": "get"}`, `{"ref": "<object 3 of vat 0>"}`, `{"struct": {…}}`.

use hob::vat::history::{Difference, Divergence, Entry, How, Link, Place, Step};
use hob::vat::record::{Change, Failure, Stored};
use hob::vat::{Body, Message, Outcome, Ref, Report, Upgraded, Value, VatId};
use serde_json::{Value as Json, json};

pub(super) fn value(value: &Value) -> Json {
    match value {
        Value::Undefined => json!({"undefined": true}),
        Value::Null => Json::Null,
        Value::Bool(it) => json!(it),
        Value::Int(it) => it.to_i64().map_or_else(|| json!({"int": it.to_string()}), |it| json!(it)),
        Value::Float(it) if it.is_finite() => json!(it),
        Value::Float(it) => json!({"float": it.to_string()}),
        Value::Str(it) => json!(it.as_str()),
        Value::Symbol(it) => json!({"symbol": it.as_str()}),
        Value::Bytes(it) => {
            let digits: String = it.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({"bytes": digits})
        }
        Value::List(items) => items.iter().map(self::value).collect(),
        Value::Struct(fields) => {
            let fields: serde_json::Map<_, _> =
                fields.iter().map(|(name, it)| (name.to_string(), self::value(it))).collect();
            json!({"struct": fields})
        }
        Value::Tagged(it) => json!({"tagged": [it.tag.as_str(), self::value(&it.value)]}),
        Value::Error(it) => json!({"error": {"rule": it.rule.as_str(), "message": it.message.as_str()}}),
        Value::Ref(it) => json!({"ref": it.to_string()}),
        Value::Sealed(_) => json!({"sealed": true}),
    }
}

/// An object with one more field.
fn with(mut object: Json, name: &str, value: Json) -> Json {
    if let Json::Object(fields) = &mut object {
        fields.insert(name.to_owned(), value);
    }
    object
}

fn message(message: &Message) -> Json {
    let body = match &message.body {
        Body::Args(args) => json!({"args": args.iter().map(value).collect::<Vec<_>>()}),
        Body::Fulfill(it) => json!({"fulfill": value(it)}),
        Body::Break(it) => json!({"break": value(it)}),
        Body::Listen { listener, partial } => json!({"listen": listener.to_string(), "partial": partial}),
    };
    let body = with(body, "to", json!(message.to.to_string()));
    with(body, "resolver", json!(message.resolver.map(|it| it.to_string())))
}

fn stored(what: &Stored) -> Json {
    match what {
        Stored::Object { kind, version, state } => {
            json!({"is": "actor", "kind": kind.as_str(), "version": version, "state": value(state)})
        }
        Stored::Promise(_) => json!({"is": "promise"}),
        Stored::Link(to) => json!({"is": "kept", "value": value(&Value::Ref(*to))}),
        Stored::Encased(it) => json!({"is": "kept", "value": value(it)}),
        Stored::Broken(reason) => json!({"is": "broken", "reason": value(reason)}),
    }
}

/// Something, and what it is.
pub(super) fn thing(what: impl ToString, is: &Stored) -> Json {
    with(stored(is), "what", json!(what.to_string()))
}

/// A message that waits.
pub(super) fn waits(it: &Message) -> Json {
    json!({"waits": message(it)})
}

pub(super) fn entry(vat: VatId, entry: &Entry) -> Json {
    let record = &entry.record;
    let change = |it: &Change| {
        let word = if matches!(it.content, Stored::Object { .. }) { "object" } else { "promise" };
        thing(format!("<{word} {} of {vat}>", it.birth), &it.content)
    };
    let failure =
        |it: &Failure| json!({"turn": it.turn, "to": it.to.to_string(), "reason": value(&it.reason)});
    json!({
        "record": entry.number,
        "turns": record.turns,
        "outside": record.outside,
        "in": record.inputs.iter().map(|it| {
            json!({"from": it.from.to_string(), "number": it.seq, "message": message(&it.message)})
        }).collect::<Vec<_>>(),
        "changed": record.changes.iter().map(change).collect::<Vec<_>>(),
        "out": record.outbox.iter().map(|it| {
            json!({"to": it.to.to_string(), "number": it.seq, "message": message(&it.message)})
        }).collect::<Vec<_>>(),
        "failed": record.failures.iter().map(failure).collect::<Vec<_>>(),
    })
}

pub(super) fn link(link: &Link) -> Json {
    let place = |it: &Option<Place>| it.map(|it| json!({"vat": it.vat.to_string(), "record": it.record}));
    json!({
        "from": place(&link.from),
        "to": place(&link.to),
        "certain": link.certain,
        "message": message(&link.sent.message),
    })
}

pub(super) fn report(report: &Report) -> Json {
    let came = match &report.outcome {
        Outcome::Done(it) => json!({"answer": value(it)}),
        Outcome::Passed => json!({"passed": true}),
        Outcome::Failed(problem) => json!({"failed": problem.to_string()}),
    };
    let came = with(came, "message", message(&report.message));
    with(came, "sent", report.sent.iter().map(message).collect())
}

pub(super) fn step(step: &Step) -> Json {
    match step {
        Step::Same(record) => json!({"record": record, "outcome": "same"}),
        Step::Applied(record) => json!({"record": record, "outcome": "applied"}),
        Step::Differs(Divergence { record, what, then, now }) => {
            json!({"record": record, "outcome": "differs", "what": what, "then": then, "now": now})
        }
    }
}

pub(super) fn difference(it: &Difference) -> Json {
    let both = |how: &str, before: Option<&Stored>, after: Option<&Stored>| json!({"what": it.what.to_string(), "how": how, "before": before.map(stored), "after": after.map(stored)});
    match &it.how {
        How::Born(now) => both("born", None, Some(now)),
        How::Collected(then) => both("collected", Some(then), None),
        How::Changed { before, after } => both("changed", Some(before), Some(after)),
        How::Settled { before, after } => both("settled", Some(before), Some(after)),
    }
}

pub(super) fn upgraded(it: &Upgraded, to: &str, version: u32, done: bool) -> Json {
    let actor: Ref = it.actor;
    let json = json!({
        "what": actor.to_string(),
        "from": {"kind": it.from, "version": it.version},
        "to": {"kind": to, "version": version},
        "done": done,
    });
    match &it.state {
        Ok(state) => with(json, "state", value(state)),
        Err(problem) => with(json, "failed", json!(problem.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_has_is_itself_and_all_else_says_what_it_is() {
        let check = |it: Value, expected: Json| assert_eq!(value(&it), expected, "{it}");
        check(Value::Null, json!(null));
        check(().into(), json!({"undefined": true}));
        check(Value::list([true.into(), 7.into(), "a\u{1b}".into()]), json!([true, 7, "a\u{1b}"]));
        check(1.5.into(), json!(1.5));
        check(f64::NAN.into(), json!({"float": "NaN"}));
        check(Value::symbol("get"), json!({"symbol": "get"}));
        check(Value::bytes(&[0, 255]), json!({"bytes": "00ff"}));
        check(Value::fields([("a", Value::Null)]), json!({"struct": {"a": null}}));
        check(Value::error("rule", "what"), json!({"error": {"rule": "rule", "message": "what"}}));
        let large = hob::vat::Int::parse("18446744073709551616").map(Value::Int).unwrap();
        check(large, json!({"int": "18446744073709551616"}));
    }
}
