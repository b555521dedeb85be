//! Intents over resources, executed by a module in a sandbox: what is nullified and what is committed goes in, a balanced
//! transaction or a refusal comes out.
//!
//! The module has no rules of its own. What makes a resource's kind, its commitment and its nullifier, and what its logic says, are
//! morphisms that the host grants as a table of imports. A module that imports one that is not in the table does not load.
//!
//! Run it with `cargo run --release -p hob --example intents`, after `cargo xtask guests actor-intent-rust`.

use std::path::Path;

use hob::vat::{Actormap, Problem, Value};
use hob::{Functions, Host};
use sha2::{Digest, Sha256};

/// The table of morphisms. A morphism is a function of data and nothing else.
pub(crate) fn morphisms() -> Functions {
    Functions::new("geb")
        .grant("kind", 100, |resource| {
            Ok(Value::list([field(resource, "logic")?, field(resource, "label")?]))
        })
        .grant("commitment", 5_000, |resource| digest("commitment", resource))
        .grant("nullifier", 5_000, |resource| digest("nullifier", resource))
        .grant("logic", 1_000, |asked| {
            let [resource, all] = parts(asked)?;
            let [nullified, committed] = parts(&all)?;
            Ok(token(&resource, &nullified, &committed)?.into())
        })
}

/// The logic of tokens. One that wants something for itself agrees to be nullified only if its owner is given that.
fn token(resource: &Value, nullified: &Value, committed: &Value) -> Result<bool, Problem> {
    let value = field(resource, "value")?;
    let given = nullified.as_list().is_some_and(|it| it.contains(resource));
    let Some(wants) = value.as_struct().and_then(|it| it.get("wants")).filter(|_| given) else {
        return Ok(true);
    };
    let [label, quantity] = parts(wants)?;
    let owner = field(&value, "owner")?;
    Ok(committed.as_list().unwrap_or_default().iter().any(|got| {
        let owned = field(got, "value").and_then(|value| field(&value, "owner"));
        field(got, "label").as_ref() == Ok(&label)
            && field(got, "quantity").as_ref() == Ok(&quantity)
            && owned.as_ref() == Ok(&owner)
    }))
}

fn field(of: &Value, name: &str) -> Result<Value, Problem> {
    let found = of.as_struct().and_then(|fields| fields.get(name)).cloned();
    found.ok_or_else(|| Problem::rule("bad-resource", format!("there is no `{name}`")))
}

fn parts<const N: usize>(of: &Value) -> Result<[Value; N], Problem> {
    let items = of.as_list().and_then(|items| items.to_vec().try_into().ok());
    items.ok_or_else(|| Problem::rule("bad-arguments", format!("a list of {N} is wanted")))
}

fn digest(what: &str, resource: &Value) -> Result<Value, Problem> {
    let bytes = hob::vat::encode(resource, &mut hob::vat::NoNames)?;
    let digest = Sha256::new_with_prefix(what).chain_update(bytes).finalize();
    Ok(Value::bytes(&digest))
}

/// So much of something, and whose it is. Two alike differ by their nonces.
pub(crate) fn owned(quantity: i64, label: &str, owner: &str, nonce: i64) -> Value {
    resource(quantity, label, nonce, &[("owner", owner.into())])
}

/// The same, given only for so much of something else.
pub(crate) fn offered(quantity: i64, label: &str, owner: &str, nonce: i64, wants: (i64, &str)) -> Value {
    let wants = Value::list([wants.1.into(), wants.0.into()]);
    resource(quantity, label, nonce, &[("owner", owner.into()), ("wants", wants)])
}

fn resource(quantity: i64, label: &str, nonce: i64, value: &[(&str, Value)]) -> Value {
    Value::fields([
        ("label", label.into()),
        ("logic", Value::symbol("token")),
        ("nonce", nonce.into()),
        ("quantity", quantity.into()),
        ("value", Value::fields(value.iter().cloned())),
    ])
}

/// The message that asks for a transaction.
pub(crate) fn execute(nullified: &[Value], committed: &[Value]) -> [Value; 3] {
    [Value::symbol("execute"), Value::list(nullified.to_vec()), Value::list(committed.to_vec())]
}

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests/actor-intent-rust.wasm");
    let host = Host::builder().actors().build()?;
    let executor = host.load(guest)?.actor_with(&[morphisms()])?;

    let mut map = Actormap::new();
    let it = map.poke(|turn| turn.spawn(executor.clone(), ().into()))?;

    // Alice gives 10 USD for 8 EUR, Bob gives 8 EUR.
    let (alice, bob) = (offered(10, "usd", "alice", 1, (8, "eur")), owned(8, "eur", "bob", 2));
    let nullified = [alice, bob];
    let short = [owned(9, "usd", "bob", 3), owned(8, "eur", "alice", 4)];
    let refused =
        map.poke(|turn| turn.call(it, &execute(&nullified, &short))).err().ok_or("it was not refused")?;
    assert_eq!(refused.to_string(), "unbalanced: `usd`: 10 nullified, 9 committed");

    let even = [owned(10, "usd", "bob", 3), owned(8, "eur", "alice", 4)];
    let transaction = map.poke(|turn| turn.call(it, &execute(&nullified, &even)))?;
    println!("{transaction:?}");

    // What was nullified once is gone.
    let refused =
        map.poke(|turn| turn.call(it, &execute(&nullified, &even))).err().ok_or("it was not refused")?;
    assert_eq!(refused.to_string(), "already-nullified: 10 `usd`");
    println!("{refused}");
    Ok(())
}
