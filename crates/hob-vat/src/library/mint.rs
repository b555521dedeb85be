//! Money: a mint that makes it, and purses that hold it and pass it on.
//!
//! What a purse holds is in a ledger of its own, which only the code here reaches. A purse changes no state of its own, so a source of
//! a deposit that calls back while it is asked finds and changes the same ledgers as everybody, and nothing is written over.
//!
//! Money moves as a *payment*: a box that only purses of the same mint open, with a ledger in it that holds what was taken out. It is
//! spent once, whoever shows it, so that a payment may be sent to another vat, and a borrowed purse pays only while it is lent.

use num_bigint::{BigInt, Sign};

use super::parts::{kind, method, part_ref, state_ref};
use super::seal::{BRAND, wrong_brand};
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::{Int, Value};

kind! {
    /// The right to make money. The state is the brand of the currency.
    pub(super) static MINT: Mint = "hob.mint", |turn: &mut Turn, me: Me<'_>, args: &[Value]| match method(args) {
        (Some("make"), [amount]) => {
            let amount = natural(amount)?;
            spawn_purse(turn, state_ref(me)?, amount).map(Answer::from)
        }
        _ => Err(Problem::no_method(args, &["make"])),
    }
}

kind! {
    /// A purse. The state is `[brand ledger]`.
    pub(super) static PURSE: Purse = "hob.purse", purse
}

kind! {
    /// An amount. The state is the amount: `add amount`, `take amount`, and without arguments its answer.
    pub(super) static LEDGER: Ledger = "hob.purse.ledger", ledger
}

fn purse(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let (brand, own) = (part_ref(me, 0)?, part_ref(me, 1)?);
    match method(args) {
        (Some("balance"), []) => turn.call(own, &[]).map(Answer::from),
        (Some("sprout"), []) => spawn_purse(turn, brand, Int::from(0_i64)).map(Answer::from),
        (Some("pay"), [amount]) => {
            let amount = natural(amount)?;
            turn.call(own, &[Value::symbol("take"), amount.clone().into()])?;
            let paid = turn.spawn(&LEDGER, amount.into())?;
            Ok(turn.seal(brand, paid.into()).into())
        }
        (Some("deposit"), [amount, source]) => {
            let amount = Value::from(natural(amount)?);
            let payment = match source {
                Value::Ref(source) => turn.call(*source, &[Value::symbol("pay"), amount.clone()])?,
                payment => payment.clone(),
            };
            let paid = turn.unseal(brand, &payment).and_then(|paid| paid.as_ref()).ok_or_else(wrong_brand)?;
            turn.call(paid, &[Value::symbol("take"), amount.clone()])?;
            turn.call(own, &[Value::symbol("add"), amount])?;
            Ok(().into())
        }
        (Some("pay" | "deposit"), _) => {
            Err(Problem::bad_args("a purse", "pay amount, or deposit amount source"))
        }
        _ => Err(Problem::no_method(args, &["balance", "sprout", "pay", "deposit"])),
    }
}

fn ledger(_: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let have = natural(me.state())?;
    let next = match method(args) {
        (None, []) => return Ok(have.into()),
        (Some("add"), [amount]) => natural(amount)?.to_bigint() + have.to_bigint(),
        (Some("take"), [amount]) => have.to_bigint() - natural(amount)?.to_bigint(),
        _ => return Err(Problem::no_method(args, &["add", "take"])),
    };
    if next.sign() == Sign::Minus {
        return Err(Problem::rule("overdraft", "there is not that much in it".into()));
    }
    Ok(me.becomes(Int::from(next).into()))
}

fn natural(value: &Value) -> Result<Int, Problem> {
    match value {
        Value::Int(amount) if amount.to_bigint() >= BigInt::ZERO => Ok(amount.clone()),
        _ => Err(Problem::bad_args("an amount", "an integer that is 0 or more")),
    }
}

fn spawn_purse(turn: &mut Turn, brand: Ref, amount: Int) -> Result<Ref, Problem> {
    let ledger = turn.spawn(&LEDGER, amount.into())?;
    turn.spawn(&PURSE, Value::list([brand.into(), ledger.into()]))
}

/// A currency of its own: the right to make it.
///
/// `make amount` answers a purse with so much of it.
///
/// What a purse does:
///
/// | method | answers |
/// |---|---|
/// | `balance` | how much is in it |
/// | `sprout` | an empty purse of the same currency |
/// | `pay amount` | a payment of so much, taken out of it |
/// | `deposit amount source` | nothing: so much was taken out of a near purse, or of a payment, and put into this |
///
/// ```
/// use hob_vat::{Actormap, Value, library};
///
/// let mut map = Actormap::new();
/// let say = Value::symbol;
/// let balance = map.poke(|turn| {
///     let mint = library::mint(turn)?;
///     let alice = turn.call(mint, &[say("make"), 100.into()])?.as_ref().ok_or(hob_vat::Problem::refused("?"))?;
///     let bob = turn.call(alice, &[say("sprout")])?.as_ref().ok_or(hob_vat::Problem::refused("?"))?;
///     turn.call(bob, &[say("deposit"), 30.into(), alice.into()])?;
///     turn.call(alice, &[say("balance")])
/// })?;
/// assert_eq!(balance, 70.into());
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`: objects.
pub fn mint(turn: &mut Turn) -> Result<Ref, Problem> {
    let brand = turn.spawn(&BRAND, Value::Undefined)?;
    turn.spawn(&MINT, brand.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kind::kind_fn;
    use crate::library::caretaker;
    use crate::library::tests::Stage;
    use crate::message::Content;

    fn stage() -> Stage {
        let mut stage = Stage::new();
        stage.make(["mint", "other"], |turn| Ok([mint(turn)?, mint(turn)?]));
        stage.run(
            "mint 'make 100 => @a
             a 'sprout => @b
             other 'make 100 => @foreign",
        );
        stage
    }

    /// What all ledgers hold.
    fn total(stage: &Stage) -> BigInt {
        let slots = stage.map.turn.core.space.slots.iter();
        slots
            .filter_map(|slot| match &slot.content {
                Content::Object { kind, state: Value::Int(amount) } if kind.name() == "hob.purse.ledger" => {
                    Some(amount.to_bigint())
                }
                _ => None,
            })
            .sum()
    }

    #[test]
    fn money_moves() {
        let mut stage = stage();
        stage.run(
            "b 'deposit 30 $a => undefined
             a 'balance => 70
             b 'balance => 30
             a 'deposit 70 $a => undefined
             a 'balance => 70
             b 'deposit 71 $a => !overdraft
             b 'deposit -1 $a => !bad-arguments
             b 'deposit 1.0 $a => !bad-arguments
             b 'deposit \"1\" $a => !bad-arguments
             b 'deposit 1 $foreign => !wrong-brand
             b 'deposit 1 1 => !wrong-brand
             b 'deposit 1 => !bad-arguments
             b 'deposit 1 $mint => !no-method
             a 'pay -1 => !bad-arguments
             a 'pay 71 => !overdraft
             a 'take 1 => !no-method
             mint 'make -1 => !bad-arguments
             mint 'make 0.5 => !bad-arguments
             foreign 'balance => 100
             b 'deposit 70 $a => undefined
             b 'balance => 100
             a 'balance => 0",
        );
        // More than 64 bits.
        stage.run("mint 'make 9223372036854775807 => @much\nb 'deposit 9223372036854775807 $much => undefined\nb 'balance => @sum");
        assert_eq!(stage.names["sum"].to_string(), "9223372036854775907");
    }

    #[test]
    fn a_payment_is_spent_once() {
        stage().run(
            "a 'pay 10 => @payment
             a 'balance => 90
             b 'deposit 4 $payment => undefined
             b 'deposit 7 $payment => !overdraft
             b 'deposit 6 $payment => undefined
             b 'deposit 1 $payment => !overdraft
             b 'deposit 0 $payment => undefined
             foreign 'deposit 0 $payment => !wrong-brand
             b 'balance => 10",
        );
    }

    #[test]
    fn a_purse_that_was_lent_pays_no_more() {
        let mut stage = stage();
        let a = stage.named("a");
        stage.make(["lent", "revoke"], |turn| caretaker(turn, a).map(<[Ref; 2]>::from));
        stage.run(
            "b 'deposit 5 $lent => undefined
             revoke => undefined
             b 'deposit 5 $lent => !revoked
             b 'balance => 5",
        );
    }

    #[test]
    fn a_source_that_calls_back_gains_nothing() {
        let mut stage = stage();
        let (a, b) = (stage.named("a"), stage.named("b"));
        // Asked to pay, it first moves money between the purses itself, and then pays the same again.
        let kind = kind_fn("evil", move |turn: &mut Turn, _, args: &[Value]| {
            let say = Value::symbol;
            turn.call(b, &[say("deposit"), 10.into(), a.into()])?;
            let payment = turn.call(b, &[say("pay"), args[1].clone()])?;
            turn.call(b, &[say("deposit"), args[1].clone(), payment.clone()])?;
            Ok(payment.into())
        });
        stage.make(["evil"], |turn| Ok([turn.spawn(kind, ().into())?]));
        stage.run("b 'deposit 5 $evil => !overdraft\na 'balance => 100\nb 'balance => 0");
        let kind = kind_fn("moving", move |turn: &mut Turn, _, args: &[Value]| {
            let say = Value::symbol;
            turn.call(b, &[say("deposit"), 10.into(), a.into()])?;
            Ok(turn.call(b, &[say("pay"), args[1].clone()])?.into())
        });
        stage.make(["moving"], |turn| Ok([turn.spawn(kind, ().into())?]));
        stage.run("b 'deposit 5 $moving => undefined\na 'balance => 90\nb 'balance => 10");
        assert_eq!(total(&stage), BigInt::from(200));
    }

    proptest! {
        #[test]
        fn money_is_conserved(steps in prop::collection::vec((0_usize..6, 0_usize..6, -3_i64..60, 0_u8..5), 1..60)) {
            let mut stage = stage();
            let mut purses: Vec<Value> = ["a", "b", "foreign"].map(|name| stage.names[name].clone()).into();
            let mut payments: Vec<Value> = Vec::new();
            for (to, from, amount, how) in steps {
                let to = purses[to % purses.len()].as_ref().unwrap();
                let from = purses[from % purses.len()].clone();
                let call = |stage: &mut Stage, args: &[Value]| stage.map.poke(|turn| turn.call(to, args));
                match how {
                    0 => purses.extend(call(&mut stage, &[Value::symbol("sprout")])),
                    1 => payments.extend(call(&mut stage, &[Value::symbol("pay"), amount.into()])),
                    2 => if let Some(payment) = payments.last() {
                        let _ = call(&mut stage, &[Value::symbol("deposit"), amount.into(), payment.clone()]);
                    },
                    3 => stage.map.poke(|turn| turn.send_only(to, [Value::symbol("deposit"), amount.into(), from])).unwrap(),
                    _ => {
                        let done = call(&mut stage, &[Value::symbol("deposit"), amount.into(), from]);
                        prop_assert!(done.is_err() || amount >= 0);
                    }
                }
                stage.quiet();
                prop_assert_eq!(total(&stage), BigInt::from(200));
            }
        }
    }
}
