//! Executes intents over resources: `['execute nullified committed]` answers a balanced transaction, or why there is none.
//!
//! A resource is `{label: text, logic: symbol, nonce: data, quantity: integer, value: data}`. Logic and label make its *kind*. A
//! transaction is balanced when of each kind as much is nullified as is committed. What a kind, a nullifier, a commitment is, and
//! whether a resource's logic agrees, are morphisms of data that the host grants as the module `geb`: the executor has no
//! cryptography and no rules of its own. What it keeps is the nullifiers it has seen, so that no resource is nullified twice, in
//! one transaction or in two.
#![no_std]
extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use hob_actor::{Next, Outcome, Turn, Value, actor, bare, granted, no_method, problem};

granted!("geb": commitment, kind, logic, nullifier);

/// Resources on one side of a transaction.
const RESOURCES_MAX: usize = 64;

/// The largest quantity: sums of as many as there may be are far from overflowing.
const QUANTITY_MAX: i128 = u64::MAX as i128;

fn turn(turn: Turn) -> Outcome {
    match turn.method() {
        ("execute", [Value::List(nullified), Value::List(committed)]) => {
            let seen = match &turn.state {
                Value::Undefined => &[],
                Value::List(seen) => &seen[..],
                _ => return Err(problem("bad-state", "no list of nullifiers")),
            };
            execute(seen, nullified, committed)
        }
        ("execute", _) => Err(problem("bad-arguments", "two lists of resources: what is nullified, what is committed")),
        (other, _) => Err(no_method(other)),
    }
}

fn execute(seen: &[Value], nullified: &[Value], committed: &[Value]) -> Outcome {
    if nullified.len().max(committed.len()) > RESOURCES_MAX {
        return Err(problem("limit", &format!("{RESOURCES_MAX} resources on each side are allowed")));
    }
    let mut nullifiers: Vec<Value> = Vec::new();
    let mut commitments: Vec<Value> = Vec::new();
    let mut balance = Balance(Vec::new());
    for resource in nullified {
        let checked = check(resource)?;
        balance.add(kind(resource)?, &checked, |sums| &mut sums.nullified);
        let it = nullifier(resource)?;
        if seen.contains(&it) || nullifiers.contains(&it) {
            return Err(problem("already-nullified", &format!("{} `{}`", checked.quantity, checked.label)));
        }
        nullifiers.push(it);
    }
    for resource in committed {
        let checked = check(resource)?;
        balance.add(kind(resource)?, &checked, |sums| &mut sums.committed);
        let it = commitment(resource)?;
        if commitments.contains(&it) {
            return Err(problem("already-committed", &format!("{} `{}`", checked.quantity, checked.label)));
        }
        commitments.push(it);
    }
    if let Some(imbalance) = balance.imbalance() {
        return Err(problem("unbalanced", &imbalance));
    }
    // Each logic sees its resource and all of the transaction.
    let all = Value::List(vec![nullified.to_vec().into(), committed.to_vec().into()]);
    for resource in nullified.iter().chain(committed) {
        let agrees = logic(&vec![resource.clone(), all.clone()].into())?;
        if agrees != Value::Bool(true) {
            let checked = check(resource)?;
            return Err(problem("logic", &format!("the logic of {} `{}` does not agree", checked.quantity, checked.label)));
        }
    }
    let state = seen.iter().chain(&nullifiers).cloned().collect::<Vec<_>>();
    let fields = [("commitments", commitments), ("nullifiers", nullifiers)];
    let transaction = Value::Struct(fields.into_iter().map(|(name, it)| (name.into(), it.into())).collect());
    Ok(Next::Become(state.into(), transaction))
}

struct Checked<'a> {
    label: &'a str,
    quantity: i128,
}

/// A resource has a label and a quantity that is not negative; all else is for the morphisms.
fn check(resource: &Value) -> Result<Checked<'_>, Value> {
    let field = |name: &str| match resource {
        Value::Struct(fields) => fields.iter().find(|(key, _)| key == name).map(|(_, it)| it),
        _ => None,
    };
    match (field("label"), field("quantity")) {
        (Some(Value::Str(label)), Some(Value::Int(quantity))) if (0..=QUANTITY_MAX).contains(quantity) => {
            Ok(Checked { label, quantity: *quantity })
        }
        _ => Err(problem("bad-resource", "a resource has a label and a quantity from 0 to 2^64 - 1")),
    }
}

struct Sums {
    kind: Value,
    label: String,
    nullified: i128,
    committed: i128,
}

struct Balance(Vec<Sums>);

impl Balance {
    fn add(&mut self, kind: Value, of: &Checked<'_>, side: impl Fn(&mut Sums) -> &mut i128) {
        let at = self.0.iter().position(|sums| sums.kind == kind).unwrap_or_else(|| {
            self.0.push(Sums { kind, label: of.label.into(), nullified: 0, committed: 0 });
            self.0.len() - 1
        });
        *side(&mut self.0[at]) += of.quantity;
    }

    /// Of each kind that does not balance, how much there is of it.
    fn imbalance(&self) -> Option<String> {
        let uneven = self.0.iter().filter(|sums| sums.nullified != sums.committed);
        let told: Vec<String> = uneven
            .map(|Sums { label, nullified, committed, .. }| format!("`{label}`: {nullified} nullified, {committed} committed"))
            .collect();
        if told.is_empty() { None } else { Some(told.join("; ")) }
    }
}

actor!(turn);
bare!();
