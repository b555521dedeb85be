//! A reference goes from A through a module to B. The host never gave it to the module, and could not be asked for it: it is A's.
//!
//! Run it with `cargo run --release -p hob --example introduction`.

use hob::Host;
use hob::vat::{Actormap, Value, kind_fn, library::CELL};

/// Is called with `[WHO WHOM]` and calls `WHO` with `[WHOM]`: copies bytes, and can neither read nor make up a reference.
const INTRODUCER: &[u8] = br#"(module
    (import "hob_actor" "call" (func $call (param i32 i32) (result i64)))
    (import "hob_actor" "take" (func $take (param i32) (result i64)))
    (memory (export "memory") 1)
    (data (i32.const 1015) "<6'answer") (data (i32.const 2041) "<4'fail")
    (func (export "alloc") (param i32) (result i32) (i32.const 4096))
    ;; Copies up to and with the next `>`; says where that is.
    (func $copy (param $from i32) (param $to i32) (result i32)
        (loop $next
            (i32.store8 (local.get $to) (i32.load8_u (local.get $from)))
            (local.set $from (i32.add (local.get $from) (i32.const 1)))
            (local.set $to (i32.add (local.get $to) (i32.const 1)))
            (br_if $next (i32.ne (i32.load8_u (i32.sub (local.get $from) (i32.const 1))) (i32.const 62))))
        (local.get $from))
    (func (export "turn") (param $at i32) (param $len i32) (result i64)
        (local $to i32) (local $said i64)
        ;; `<4'turnSELF<4'void>[WHO WHOM]>`: itself and its state are not needed.
        (local.set $at (call $copy (call $copy (local.get $at) (i32.const 512)) (i32.const 512)))
        (i32.store8 (i32.const 512) (i32.const 91))
        (local.set $to (local.get $at))
        (local.set $at (call $copy (i32.add (local.get $at) (i32.const 1)) (i32.const 513)))
        (local.set $to (i32.add (i32.const 512) (i32.sub (local.get $at) (local.get $to))))
        (i32.store8 (local.get $to) (i32.const 91))
        (local.set $len (local.get $at))
        (local.set $at (call $copy (local.get $at) (i32.add (local.get $to) (i32.const 1))))
        (local.set $to (i32.add (local.get $to) (i32.sub (i32.add (local.get $at) (i32.const 1)) (local.get $len))))
        (i32.store16 (local.get $to) (i32.const 0x5d5d))
        (local.set $said (call $call (i32.const 512) (i32.sub (local.get $to) (i32.const 510))))
        (if (result i64) (i64.ge_s (local.get $said) (i64.const 0))
            (then
                (local.set $to (i32.wrap_i64 (call $take (i32.const 1024))))
                (i32.store8 (i32.add (local.get $to) (i32.const 1024)) (i32.const 62))
                (i64.or (i64.const 0x3f700000000) (i64.extend_i32_u (i32.add (local.get $to) (i32.const 10)))))
            (else
                (local.set $to (i32.wrap_i64 (call $take (i32.const 2048))))
                (i32.store8 (i32.add (local.get $to) (i32.const 2048)) (i32.const 62))
                (i64.or (i64.const 0x7f900000000) (i64.extend_i32_u (i32.add (local.get $to) (i32.const 8))))))))"#;

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let host = Host::builder().actors().build()?;
    let introducer = host.load_bytes("introducer", INTRODUCER)?.actor()?;

    let mut map = Actormap::new();
    // A has the secret. B answers what is in whatever it is given. Neither knows the other.
    let (a, introducer, b) = map.poke(|turn| {
        let introducer = turn.spawn(introducer.clone(), ().into())?;
        let secret = turn.spawn(&CELL, "the secret".into())?;
        let a = kind_fn("a", |turn, me, args| match args {
            [Value::Ref(introducer), b] => {
                Ok(turn.call(*introducer, &[b.clone(), me.state().clone()])?.into())
            }
            _ => Ok(().into()),
        });
        let b = kind_fn("b", |turn, _, args| match args {
            [Value::Ref(given)] => Ok(turn.call(*given, &[])?.into()),
            _ => Ok(().into()),
        });
        Ok((turn.spawn(a, secret.into())?, introducer, turn.spawn(b, ().into())?))
    })?;
    let told = map.poke(|turn| turn.call(a, &[introducer.into(), b.into()]))?;
    assert_eq!(told, "the secret".into());
    println!("B was told {told}");
    Ok(())
}
