//! What a membrane lets through, and what it does not.

use proptest::prelude::*;

use super::membrane;
use crate::kind::{KindRef, kind_fn};
use crate::library::tests::Stage;
use crate::library::{CELL, sealers};
use crate::message::Content;
use crate::problem::Problem;
use crate::reference::{Ref, VatId};
use crate::session::FarSide;
use crate::turn::Turn;
use crate::value::Value;

/// A cell inside, lent to the outside; another inside, and one outside.
fn stage() -> Stage {
    let mut stage = Stage::new();
    stage.make(["inner", "lent", "revoke", "other", "mine", "p", "keep"], |turn| {
        let inner = turn.spawn(&CELL, Value::Undefined)?;
        let (lent, revoke) = membrane(turn, inner)?;
        let (p, keep) = turn.promise()?;
        Ok([inner, lent, revoke, turn.spawn(&CELL, 1.into())?, turn.spawn(&CELL, 2.into())?, p, keep])
    });
    stage
}

fn refuser() -> KindRef {
    kind_fn("refuser", |_, _, args: &[Value]| Err(Problem::refused(Value::list(args.to_vec()))))
}

#[test]
fn what_crosses_is_the_same_each_time_and_comes_back_as_it_was() {
    let mut stage = stage();
    stage.run(
        "inner [$other <t $other> $inner 5] => undefined
         lent => [@w <t @w2> $lent 5]
         lent => [$w <t $w> $lent 5]
         w => 1
         lent $mine => undefined
         inner => @win
         win => 2
         lent => $mine
         inner => $win
         lent $w => undefined
         inner => $other
         lent $lent => undefined
         inner => $inner
         win [$inner $win] => undefined
         mine => [$lent $mine]
         lent 1 2 => !bad-arguments",
    );
    assert_ne!(stage.names["w"], stage.names["other"]);
    assert_ne!(stage.names["win"], stage.names["mine"]);
    let fields = Value::fields([("a", stage.names["other"].clone())]);
    let (inner, lent) = (stage.named("inner"), stage.named("lent"));
    stage.map.poke(|turn| turn.call(inner, &[fields])).unwrap();
    let got = stage.map.poke(|turn| turn.call(lent, &[])).unwrap();
    assert_eq!(got, Value::fields([("a", stage.names["w"].clone())]));
}

#[test]
fn promises_come_to_what_they_come_to_exchanged() {
    let mut stage = stage();
    stage.run(
        "inner [$p] => undefined
         lent => [@wp]
         lent => [$wp]
         wp 'pipelined ~> sent
         wp ?= ?
         lent $wp => undefined
         inner => $p
         keep 'fulfill $other => undefined
         wp ?= @w
         w => 'pipelined
         other => 'pipelined
         sent ?= undefined
         inner $p => undefined
         lent => $wp",
    );
    assert_ne!(stage.names["w"], stage.names["other"]);
    assert_ne!(stage.names["wp"], stage.names["p"]);
    // Promises that are settled when they cross.
    let mut stage = self::stage();
    stage.run(
        "keep 'fulfill [$other] => undefined
         inner $p => undefined
         p ?= [$other]
         lent => @wp
         wp ?= [@w]
         w => 1",
    );
    let mut stage = self::stage();
    stage.run(
        "keep 'fulfill [$p] => undefined
         p ?= [$p]
         inner $p => undefined
         lent => @wp
         wp ?= [$wp]",
    );
    let mut stage = self::stage();
    stage.run(
        "keep 'break [$other] => undefined
         inner $p => undefined
         lent => @wp
         wp ?= !?",
    );
    let wp = stage.named("wp");
    let standing = stage.map.peek(|turn| turn.standing(wp)).unwrap();
    let crate::Standing::Broken(reason) = standing else { panic!("{standing:?}") };
    assert_ne!(reason, Value::list([stage.names["other"].clone()]));
}

#[test]
fn the_right_to_resolve_crosses_as_an_actor() {
    let mut stage = stage();
    stage.run(
        "inner $keep => undefined
         lent => @wkeep
         wkeep 'fulfill $mine => undefined
         p ?= @win
         win => 2",
    );
    assert_ne!(stage.names["wkeep"], stage.names["keep"]);
    assert_ne!(stage.names["win"], stage.names["mine"]);
}

#[test]
fn boxes_cross_unopened() {
    let mut stage = stage();
    stage.make(["seal", "open", "is"], |turn| sealers(turn).map(<[Ref; 3]>::from));
    stage.run(
        "seal $other => @box
         inner [$box $open $is] => undefined
         lent => [@wbox @wopen @wis]
         lent => [$wbox $wopen $wis]
         open $wbox => !wrong-brand
         is $wbox => false
         wis $wbox => true
         wopen $wbox => @w
         w => 1
         lent $wbox => undefined
         inner => $box
         lent $box => undefined
         inner => @inbox
         open $inbox => !wrong-brand
         lent => $box",
    );
    assert_ne!(stage.names["w"], stage.names["other"]);
    // The box of one membrane is nothing to another.
    stage.make(["inner2", "lent2", "revoke2"], |turn| {
        let inner = turn.spawn(&CELL, Value::Undefined)?;
        membrane(turn, inner).map(|(lent, revoke)| [inner, lent, revoke])
    });
    stage.run(
        "lent2 $wbox => undefined
         inner2 => @twice
         open $twice => !wrong-brand
         lent2 => $wbox",
    );
}

#[test]
fn reasons_are_exchanged() {
    let mut stage = stage();
    stage.make(["refuser"], |turn| Ok([turn.spawn(refuser(), ().into())?]));
    stage.run("inner [$refuser] => undefined\nlent => [@fails]");
    let (fails, mine, other) = (stage.named("fails"), stage.named("mine"), stage.named("other"));
    let known = stage.map.poke(|turn| turn.call(fails, &[mine.into()])).unwrap_err();
    assert_eq!(known.reason(), Value::list([mine.into()]));
    // What did not cross before does not cross in a reason.
    let kind = kind_fn("teller", move |_, _, _| Err(Problem::refused(other)));
    stage.make(["teller"], |turn| Ok([turn.spawn(kind, ().into())?]));
    stage.run("inner [$teller] => undefined\nlent => [@tells]\ntells => !not-crossed\ntells ~> told\ntold ?= !not-crossed");
}

#[test]
fn far_things_cross_too() {
    let mut stage = stage();
    let far = FarSide::new(VatId::new(1 << 31));
    stage.names.insert("far".into(), far.object(1, 1).into());
    stage.names.insert("farp".into(), far.promise(2, 1).into());
    stage.run(
        "inner [$far $farp] => undefined
         lent => [@w @wp]
         lent => [$w $wp]
         w $mine => @answer
         answer ?= ?
         lent [$w $wp] => undefined
         inner => [$far $farp]",
    );
    let sent: Vec<Value> = stage
        .map
        .outbox
        .iter()
        .filter_map(|out| match &out.message.body {
            crate::Body::Args(args) if out.message.to == far.object(1, 1) => Some(args[0].clone()),
            _ => None,
        })
        .collect();
    assert_eq!(sent.len(), 1);
    assert_ne!(sent[0], stage.names["mine"]);
    stage.run("revoke => undefined\nanswer ?= !revoked\nwp ?= !revoked\nw 1 => !revoked");
}

#[test]
fn who_owns_a_far_promise_is_heard_once() {
    let mut stage = stage();
    let far = FarSide::new(VatId::new(1 << 31));
    stage.names.insert("farp".into(), far.promise(2, 1).into());
    stage.run("inner $farp => undefined\nlent => @wp\nwp ?= ?");
    let listeners: Vec<Ref> = stage
        .map
        .outbox
        .drain(..)
        .filter_map(|out| match out.message.body {
            crate::Body::Listen { listener, .. } => Some(listener),
            _ => None,
        })
        .collect();
    let [relay] = listeners.as_slice() else { panic!("{listeners:?}") };
    stage.names.insert("relay".into(), (*relay).into());
    // It is spoken to by another machine, which may say anything, and say it again.
    stage.run(
        "relay 'fulfill => !no-method
         relay 'fulfill [$other] => undefined
         relay 'fulfill [$inner] => undefined
         relay 'break 1 => undefined
         wp ?= [@w]
         w => 1",
    );
    assert_ne!(stage.names["w"], stage.names["other"]);
}

#[test]
fn one_revocation_ends_all() {
    let mut stage = stage();
    stage.run(
        "inner [$other $p] => undefined
         lent => [@w @wp]
         w ~> flying
         wp 5 ~> waiting
         waiting ?= ?
         lent $mine => undefined
         inner => @win
         w ~> late
         win ~> late2
         revoke 1 => !bad-arguments
         revoke => undefined
         flying ?= 1
         late ?= !revoked
         late2 ?= !revoked
         wp ?= !revoked
         waiting ?= !revoked
         lent => !revoked
         w => !revoked
         win => !revoked
         keep 'fulfill $other => undefined
         wp ?= !revoked
         other => 1
         mine => 2
         revoke => undefined",
    );
}

#[test]
fn a_revocation_during_a_call_holds_and_the_answer_does_not_pass() {
    let mut stage = stage();
    // Inside: calls what it is given, then answers with a secret.
    let kind = kind_fn("eager", |turn: &mut Turn, me, args: &[Value]| {
        turn.call(args[0].as_ref().unwrap(), &[])?;
        Ok(me.state().clone().into())
    });
    let other = stage.named("other");
    let revoke = stage.named("revoke");
    // Outside: revokes.
    let ender = kind_fn("ender", move |turn: &mut Turn, _, _| Ok(turn.call(revoke, &[])?.into()));
    stage.make(["eager", "ender"], |turn| {
        Ok([turn.spawn(kind, other.into())?, turn.spawn(ender, ().into())?])
    });
    stage.run(
        "inner $eager => undefined
         lent => @weager
         weager $ender => @answer
         answer ?= !revoked
         lent => !revoked",
    );
}

#[test]
fn very_many_promises_are_broken_in_bounded_turns() {
    let mut stage = stage();
    let (inner, lent) = (stage.named("inner"), stage.named("lent"));
    let all = stage
        .map
        .poke(|turn| {
            let promises: Vec<Value> =
                (0..2000).map(|_| Ok(turn.promise()?.0.into())).collect::<Result<_, Problem>>()?;
            turn.call(inner, &[Value::list(promises)])?;
            turn.call(lent, &[])
        })
        .unwrap();
    stage.map.watch();
    stage.run("revoke => undefined");
    stage.quiet();
    for promise in all.as_list().unwrap() {
        let standing = stage.map.peek(|turn| turn.standing(promise.as_ref().unwrap())).unwrap();
        assert!(matches!(standing, crate::Standing::Broken(_)));
    }
    assert!(stage.map.take_reports().iter().all(|report| report.sent.len() <= 16 * 24 + 1));
}

/// Every reference that a side gets at in a value: both sides have the brand, and nobody has the membrane's.
fn open(value: &Value, brand: Ref, found: &mut Vec<Ref>) {
    let mut each = |item: &Value| open(item, brand, found);
    match value {
        Value::List(items) => items.iter().for_each(each),
        Value::Struct(fields) => fields.values().for_each(each),
        Value::Tagged(tagged) => each(&tagged.value),
        Value::Sealed(sealed) if sealed.brand == brand => each(&sealed.content),
        Value::Ref(reference) if !found.contains(reference) => found.push(*reference),
        _ => {}
    }
}

/// What can be reached from values without crossing: through states and settled promises, but not through the membrane.
fn reach(stage: &Stage, brand: Ref, values: &[Value]) -> Vec<Ref> {
    let mut found = Vec::new();
    values.iter().for_each(|value| open(value, brand, &mut found));
    let mut at = 0;
    while at < found.len() {
        match stage.map.turn.core.space.get(found[at]).ok() {
            Some(Content::Object { kind, state }) if !kind.name().starts_with("hob.membrane") => {
                open(state, brand, &mut found);
            }
            Some(Content::Link(to)) => open(&(*to).into(), brand, &mut found),
            Some(Content::Encased(value) | Content::Broken(value)) => open(value, brand, &mut found),
            _ => {}
        }
        at += 1;
    }
    found
}

/// Two sides, what each holds, and what each made.
struct Sides {
    stage: Stage,
    revoke: Ref,
    brand: Ref,
    holds: [Vec<Value>; 2],
    made: [Vec<Ref>; 2],
    resolvers: [Vec<Ref>; 2],
}

impl Sides {
    fn new() -> Self {
        let mut stage = Stage::new();
        let [inside, outside, lent, revoke, brand] = stage.make(["i", "o", "l", "r", "b"], |turn| {
            let inside = turn.spawn(&CELL, Value::Undefined)?;
            let (lent, revoke) = membrane(turn, inside)?;
            Ok([inside, turn.spawn(&CELL, lent.into())?, lent, revoke, turn.spawn(&CELL, ().into())?])
        });
        let holds = [vec![inside.into()], vec![outside.into(), lent.into()]];
        Self { stage, revoke, brand, holds, made: [vec![inside], vec![outside]], resolvers: [vec![], vec![]] }
    }

    /// An argument in some shape.
    fn shape(&mut self, side: usize, argument: Value, shape: u8) -> Value {
        let brand = self.brand;
        match shape {
            0 => argument,
            1 => Value::list([argument]),
            2 => Value::tagged("t", argument),
            3 => Value::fields([("f", argument)]),
            4 => {
                let (promise, resolver) = self.stage.map.poke(|turn| turn.promise()).unwrap();
                self.resolvers[side].push(resolver);
                self.made[side].extend([promise, resolver]);
                promise.into()
            }
            5 => {
                if let Some(resolver) = self.resolvers[side].pop() {
                    self.stage.map.poke(|turn| turn.fulfill(resolver, argument.clone())).unwrap();
                }
                argument
            }
            6 => self.stage.map.peek(|turn| Ok(turn.seal(brand, argument))).unwrap(),
            _ => {
                let new = self.stage.map.poke(|turn| turn.spawn(&CELL, argument)).unwrap();
                self.made[side].push(new);
                new.into()
            }
        }
    }

    /// Gives one thing to another, and takes what that has.
    fn step(&mut self, side: usize, eventual: bool, target: usize, argument: usize, shape: u8) {
        let argument = self.holds[side][argument % self.holds[side].len()].clone();
        let argument = self.shape(side, argument, shape);
        self.holds[side].push(argument.clone());
        let mut targets = Vec::new();
        self.holds[side].iter().for_each(|value| open(value, self.brand, &mut targets));
        targets.retain(|target| *target != self.brand);
        let target = targets[target % targets.len()];
        for args in [vec![argument], vec![]] {
            if eventual {
                let promise = self.stage.map.poke(|turn| turn.send(target, args)).unwrap();
                self.holds[side].push(promise.into());
                self.made[side].push(promise);
            } else if let Ok(value) = self.stage.map.poke(|turn| crate::library::forward(turn, target, &args))
            {
                self.holds[side].push(value);
            }
        }
        if eventual {
            self.stage.quiet();
        }
    }

    fn foreign(&self, side: usize) -> Option<Ref> {
        let reached = reach(&self.stage, self.brand, &self.holds[side]);
        self.made[1 - side].iter().copied().find(|foreign| reached.contains(foreign))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    /// Both sides work together and pass on whatever they can lay hands on, in every shape, in boxes that both can open too. No side ever
    /// holds what is on the other; after the revocation nothing moves.
    #[test]
    fn no_path_crosses_unwrapped(steps in prop::collection::vec((0_usize..2, any::<bool>(), 0_usize..64, 0_usize..64, 0_u8..8), 1..60)) {
        let mut sides = Sides::new();
        for (side, eventual, target, argument, shape) in steps {
            sides.step(side, eventual, target, argument, shape);
            prop_assert_eq!(sides.foreign(0), None);
            prop_assert_eq!(sides.foreign(1), None);
        }
        let Sides { mut stage, revoke, brand, holds, .. } = sides;
        stage.map.poke(|turn| turn.call(revoke, &[])).unwrap();
        stage.quiet();
        for reference in reach(&stage, brand, &holds.concat()) {
            let content = stage.map.turn.core.space.get(reference);
            if matches!(content, Ok(Content::Object { kind, .. }) if kind.name() == "hob.membrane.wrapper") {
                let refused = stage.map.poke(|turn| turn.call(reference, &[])).unwrap_err();
                prop_assert_eq!(refused.rule_name(), Some("revoked"));
            }
        }
    }
}
