//! What a membrane remembers, and how values are exchanged. Neither side ever has a reference to this.
//!
//! There is a table for each direction: what crosses, and what arrives. A pair stands in both, once each way, so that what goes back
//! becomes what it was.

use super::super::parts::{bad_state, item_ref, kind, method, part, part_ref, revoked};
use super::super::seal::BRAND;
use super::super::table::table;
use super::wrap::WRAPPER;
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::{Standing, Turn};
use crate::value::{Struct, Value};

kind! {
    /// The core. The state is `[table-out table-in brand-out brand-in pending]`, and undefined when it is revoked.
    ///
    /// | method | answers |
    /// |---|---|
    /// | `out value`, `in value` | the value as it arrives on the other side |
    /// | `out-known value`, `in-known value` | the same, with errors in place of references that did not cross before |
    /// | `settled relay` | nothing: a promise that crossed waits no more |
    /// | `revoke`, `sweep` | nothing |
    pub(in super::super) static CORE: Core = "hob.membrane", core
}

kind! {
    /// Listens to a promise that crossed. The state is `[core direction resolver]`, and undefined when it was told.
    pub(in super::super) static RELAY: Relay = "hob.membrane.relay", relay
}

pub(super) fn start(turn: &mut Turn) -> Result<Value, Problem> {
    let tables = [table(turn, [0, 0])?, table(turn, [0, 0])?];
    let brands = [turn.spawn(&BRAND, Value::Undefined)?, turn.spawn(&BRAND, Value::Undefined)?];
    let pending = table(turn, [0, 0])?;
    Ok(Value::list(tables.into_iter().chain(brands).chain([pending]).map(Value::Ref)))
}

fn core(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    if *me.state() == Value::Undefined {
        return match method(args) {
            (Some("revoke" | "settled"), _) => Ok(().into()),
            // Told by itself when it was revoked: breaks what still waits, some of it each turn.
            (Some("sweep"), [pending]) => sweep(turn, me.itself(), pending),
            _ => Err(revoked()),
        };
    }
    let table_out = part_ref(me, 0)?;
    let table_in = part_ref(me, 1)?;
    let (brand_out, brand_in) = (part_ref(me, 2)?, part_ref(me, 3)?);
    let pending = part_ref(me, 4)?;
    let core = me.itself();
    let out = Crossing {
        core,
        pending,
        out: true,
        known: false,
        ahead: table_out,
        back: table_in,
        seals: brand_out,
        opens: brand_in,
    };
    let inward =
        Crossing { out: false, ahead: table_in, back: table_out, seals: brand_in, opens: brand_out, ..out };
    match method(args) {
        (Some("out"), [value]) => out.value(turn, value).map(Answer::from),
        (Some("in"), [value]) => inward.value(turn, value).map(Answer::from),
        (Some("out-known"), [value]) => Crossing { known: true, ..out }.value(turn, value).map(Answer::from),
        (Some("in-known"), [value]) => {
            Crossing { known: true, ..inward }.value(turn, value).map(Answer::from)
        }
        (Some("settled"), [relay]) => {
            turn.call(pending, &[Value::symbol("remove"), relay.clone()]).map(Answer::from)
        }
        (Some("revoke"), []) => {
            turn.send_only(core, [Value::symbol("sweep"), pending.into()])?;
            Ok(me.becomes(Value::Undefined))
        }
        _ => Err(bad_state()),
    }
}

fn sweep(turn: &mut Turn, core: Ref, pending: &Value) -> Result<Answer, Problem> {
    let table = pending.as_ref().ok_or_else(bad_state)?;
    let mut any = false;
    for _ in 0..16 {
        let some = turn.call(table, &[Value::symbol("take")])?;
        let some = some.as_list().unwrap_or_default();
        any = !some.is_empty();
        for entry in some {
            turn.break_with(item_ref(entry, 1)?, revoked().reason())?;
        }
        if !any {
            break;
        }
    }
    if any {
        turn.send_only(core, [Value::symbol("sweep"), pending.clone()])?;
    }
    Ok(().into())
}

/// One direction.
#[derive(Clone, Copy)]
struct Crossing {
    core: Ref,
    pending: Ref,
    /// From the inside to the outside.
    out: bool,
    /// Only what crossed before.
    known: bool,
    /// What crosses in this direction, and what arrives.
    ahead: Ref,
    back: Ref,
    /// The brand of boxes that arrive, and that of those that arrived on this side before.
    seals: Ref,
    opens: Ref,
}

impl Crossing {
    fn value(&self, turn: &mut Turn, value: &Value) -> Result<Value, Problem> {
        if !value.meta().refs {
            return Ok(value.clone());
        }
        Ok(match value {
            Value::List(items) => {
                Value::List(items.iter().map(|item| self.value(turn, item)).collect::<Result<_, _>>()?)
            }
            Value::Struct(fields) => {
                let exchanged = fields.iter().map(|(name, item)| Ok((name.clone(), self.value(turn, item)?)));
                Value::Struct(exchanged.collect::<Result<Struct, Problem>>()?)
            }
            Value::Tagged(tagged) => Value::tagged(&tagged.tag, self.value(turn, &tagged.value)?),
            Value::Sealed(_) => match turn.unseal(self.opens, value) {
                Some(back) => back,
                None => turn.seal(self.seals, value.clone()),
            },
            Value::Ref(reference) => self.reference(turn, *reference)?,
            // No other value holds references, but if one did it would not cross.
            _ => not_crossed(),
        })
    }

    fn reference(&self, turn: &mut Turn, reference: Ref) -> Result<Value, Problem> {
        let known = turn.call(self.ahead, &[Value::symbol("get"), reference.into()])?;
        if known != Value::Undefined {
            return Ok(known);
        }
        if self.known {
            return Ok(not_crossed());
        }
        let direction = Value::symbol(if self.out { "out" } else { "in" });
        let arrived = if reference.is_promise() {
            // What it came to crosses when that is told: a value may hold this promise itself.
            match turn.standing(reference) {
                Ok(Standing::Object(object)) => return self.reference(turn, object),
                _ => self.promise(turn, reference, direction)?,
            }
        } else {
            turn.spawn(&WRAPPER, Value::list([self.core.into(), reference.into(), direction]))?
        };
        turn.call(self.ahead, &[Value::symbol("set"), reference.into(), arrived.into()])?;
        turn.call(self.back, &[Value::symbol("set"), arrived.into(), reference.into()])?;
        Ok(arrived.into())
    }

    fn promise(&self, turn: &mut Turn, promise: Ref, direction: Value) -> Result<Ref, Problem> {
        let (arrived, resolver) = turn.promise()?;
        let relay = turn.spawn(&RELAY, Value::list([self.core.into(), direction, resolver.into()]))?;
        turn.call(self.pending, &[Value::symbol("set"), relay.into(), resolver.into()])?;
        turn.listen(promise, relay, false)?;
        Ok(arrived)
    }
}

fn not_crossed() -> Value {
    Value::error("not-crossed", "a reference that had not crossed the membrane before")
}

fn relay(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    if *me.state() == Value::Undefined {
        return Ok(().into());
    }
    let (core, resolver) = (part_ref(me, 0)?, part_ref(me, 2)?);
    let (news, value) = match (args.first().and_then(Value::as_name), args) {
        (Some(news @ ("fulfill" | "break")), [_, value]) => (news, value),
        _ => return Err(Problem::no_method(args, &["fulfill", "break"])),
    };
    // When it is revoked, whoever sweeps has broken the promise, or will.
    if let Ok(value) = turn.call(core, &[part(me, 1)?.clone(), value.clone()]) {
        turn.call(core, &[Value::symbol("settled"), me.itself().into()])?;
        if news == "fulfill" {
            turn.fulfill(resolver, value)?;
        } else {
            turn.break_with(resolver, value)?;
        }
    }
    Ok(me.becomes(Value::Undefined))
}
