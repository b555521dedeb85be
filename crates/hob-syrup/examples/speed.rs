//! How long an `op:deliver` of about 100 bytes takes: `cargo run --release -p hob-syrup --example speed`.
//!
//! For each way the best of several rounds, in nanoseconds a message. A round is long enough for the clock not to matter, and the
//! best is the one that others on the machine disturbed least.

use std::hint::black_box;
use std::time::Instant;

use hob_syrup::{Datum, Error, Framer, Framing, Limits, Mode, Reader, Writer};

const ROUNDS: usize = 20;
const MESSAGES: u32 = 100_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut message = Vec::new();
    encode(&mut message)?;
    let limits = Limits::default();
    println!("{} bytes: {}", message.len(), hob_syrup::notation(&message, 200));

    let mut out = Vec::with_capacity(256);
    measure("encode into a buffer", || {
        out.clear();
        encode(&mut out)
    })?;
    for mode in [Mode::Canonical, Mode::Liberal] {
        measure(&format!("decode by fields, {mode:?}"), || decode(black_box(&message), mode, limits))?;
    }
    measure("read every token", || {
        let mut reader = Reader::new(black_box(&message), Mode::Liberal, limits);
        while reader.more()? {
            black_box(reader.next_token()?);
        }
        while reader.depth() > 0 {
            black_box(reader.next_token()?);
        }
        Ok::<_, Error>(())
    })?;
    let mut framer = Framer::new(Framing::Raw, Mode::Liberal, limits);
    measure("cut out of a stream", || {
        framer.push(black_box(&message));
        black_box(framer.next_message())?;
        Ok::<_, Error>(())
    })?;
    measure("as a tree", || {
        black_box(Datum::decode(black_box(&message), Mode::Liberal, limits))?;
        Ok::<_, Error>(())
    })?;
    measure("a struct of 4 keys, unsorted, encoded", || {
        out.clear();
        let mut w = Writer::new(&mut out);
        w.entries(|e| {
            for key in ["species", "name", "age", "x"] {
                e.entry(black_box(key), |w| w.int(12));
            }
        });
        w.finish()
    })?;
    let entries = black_box(b"{1\"x12+3\"age12+4\"name12+7\"species12+}".as_slice());
    for mode in [Mode::Canonical, Mode::Liberal] {
        measure(&format!("a struct of 4 keys, skipped, {mode:?}"), || {
            Reader::new(entries, mode, limits).skip_value()
        })?;
    }
    Ok(())
}

fn encode(out: &mut Vec<u8>) -> Result<(), hob_syrup::WriteError> {
    let mut w = Writer::new(out);
    w.record("op:deliver", |w| {
        w.record("desc:export", |w| w.int(black_box(0)));
        w.list(|w| {
            w.symbol("fetch");
            w.bytes(black_box(b"VMDDd1voKWarCe2GvgLbxbVFysNzRPzx"));
        });
        w.int(black_box(41));
        w.record("desc:import-object", |w| w.int(black_box(7)));
    });
    w.finish()
}

/// A message as a session would hold it.
struct Deliver<'a> {
    _target: u64,
    _method: &'a str,
    _argument: &'a [u8],
    _answer: Option<u64>,
    _resolver: Option<u64>,
}

fn decode(bytes: &[u8], mode: Mode, limits: Limits) -> Result<(), Error> {
    let mut r = Reader::new(bytes, mode, limits);
    r.expect_record("op:deliver")?;
    let target = position(&mut r, "desc:export")?;
    r.list()?;
    let (method, argument) = (r.symbol()?, r.bytes()?);
    r.end()?;
    let answer = r.optional(Reader::u64)?;
    let resolver = r.optional(|r| position(r, "desc:import-object"))?;
    r.end()?;
    r.finish()?;
    black_box(Deliver {
        _target: target,
        _method: method,
        _argument: argument,
        _answer: answer,
        _resolver: resolver,
    });
    Ok(())
}

fn position(r: &mut Reader<'_>, label: &str) -> Result<u64, Error> {
    r.expect_record(label)?;
    let position = r.u64()?;
    r.end()?;
    Ok(position)
}

fn measure<E>(what: &str, mut body: impl FnMut() -> Result<(), E>) -> Result<(), E> {
    let mut best = u128::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..MESSAGES {
            body()?;
        }
        best = best.min(start.elapsed().as_nanos());
    }
    println!("{:>6} ns  {what}", best / u128::from(MESSAGES));
    Ok(())
}
