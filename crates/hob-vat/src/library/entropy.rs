//! Randomness as a capability: an actor that the host gives a seed, and that answers bytes nobody can guess.
//!
//! Everything else in a vat does the same again when it is run again; so does this, given the same seed. The seed is the host's to
//! make, of 32 bytes from its own source, and never used twice. A copy of an actormap answers the same bytes as the original: who lets
//! a fork live on gives it a new seed.
//!
//! Bytes are the stream of ChaCha20 (RFC 8439). The first 32 of each request become the next key, so that what is known of the actor
//! later does not tell what it answered before.
//!
//! A call that fails takes back the next key, but not what its reason told the caller: the next request would then answer the same to
//! somebody else. So each request has a stream of its own, by the count of births of the vat, which is never taken back.

use super::parts::{bad_state, kind, method};
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::Value;

const KEY_BYTES: usize = 32;
const BLOCK_BYTES: usize = 64;
/// What one request may ask for.
const BYTES_MAX: usize = 4096;

kind! {
    /// Entropy. The state is the key.
    pub(super) static ENTROPY: Entropy = "hob.entropy", call
}

fn call(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let (Some("bytes"), [count]) = method(args) else { return Err(Problem::no_method(args, &["bytes"])) };
    let count =
        count.as_i64().and_then(|count| usize::try_from(count).ok()).filter(|count| *count <= BYTES_MAX);
    let count = count.ok_or_else(|| Problem::bad_args("bytes", "a count from 0 to 4096"))?;
    let key: [u8; KEY_BYTES] =
        me.state().as_bytes().and_then(|key| key.try_into().ok()).ok_or_else(bad_state)?;
    let blocks = u32::try_from((KEY_BYTES + count).div_ceil(BLOCK_BYTES)).map_err(|_| bad_state())?;
    let nonce = nonce(turn.spawn(&ENTROPY, Value::Undefined)?);
    let stream: Vec<u8> = (0..blocks).flat_map(|at| block(key, at, nonce)).collect();
    let (next, rest) = stream.split_at_checked(KEY_BYTES).ok_or_else(bad_state)?;
    let bytes = rest.get(..count).ok_or_else(bad_state)?;
    Ok(me.becomes(Value::bytes(next)).saying(Value::bytes(bytes)))
}

/// A nonce that no request had before: of something that is made for it and forgotten.
fn nonce(newborn: Ref) -> [u32; 3] {
    let [a, b, c, d, e, f, g, h] = newborn.birth().to_le_bytes();
    [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]), 0]
}

/// One block of ChaCha20.
fn block(key: [u8; KEY_BYTES], counter: u32, nonce: [u32; 3]) -> [u8; BLOCK_BYTES] {
    let mut start =
        [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574, 0, 0, 0, 0, 0, 0, 0, 0, counter, 0, 0, 0];
    let (words, _) = key.as_chunks::<4>();
    let words = words.iter().map(|word| u32::from_le_bytes(*word));
    start.iter_mut().skip(4).zip(words).for_each(|(slot, word)| *slot = word);
    start.iter_mut().skip(13).zip(nonce).for_each(|(slot, word)| *slot = word);
    let mut state = start;
    for _ in 0..10 {
        state = quarters(state, 0);
        state = quarters(state, 1);
    }
    let mut out = [0; BLOCK_BYTES];
    let (places, _) = out.as_chunks_mut::<4>();
    for ((place, word), first) in places.iter_mut().zip(state).zip(start) {
        *place = word.wrapping_add(first).to_le_bytes();
    }
    out
}

/// Four quarter rounds at once: of columns, or of diagonals, which are columns of rows turned by 1, 2 and 3.
fn quarters(state: [u32; 16], turned: usize) -> [u32; 16] {
    let mut rows = [[0; 4]; 4];
    for (at, row) in rows.iter_mut().enumerate() {
        let (all, _) = state.as_chunks::<4>();
        *row = all.get(at).copied().unwrap_or_default();
        row.rotate_left(at * turned);
    }
    let [mut a, mut b, mut c, mut d] = rows;
    let step = |x: &mut [u32; 4], y: &[u32; 4], z: &mut [u32; 4], by: u32| {
        for ((x, y), z) in x.iter_mut().zip(y).zip(z) {
            *x = x.wrapping_add(*y);
            *z = (*z ^ *x).rotate_left(by);
        }
    };
    step(&mut a, &b, &mut d, 16);
    step(&mut c, &d, &mut b, 12);
    step(&mut a, &b, &mut d, 8);
    step(&mut c, &d, &mut b, 7);
    let mut out = [0; 16];
    let (places, _) = out.as_chunks_mut::<4>();
    for (at, (place, mut row)) in places.iter_mut().zip([a, b, c, d]).enumerate() {
        row.rotate_right(at * turned);
        *place = row;
    }
    out
}

/// An actor that answers bytes nobody can guess who does not know the seed.
///
/// `bytes count` answers so many bytes; at most 4096.
///
/// ```
/// use hob_vat::{Actormap, Value, library};
///
/// # let seed_of_the_host = [7; 32];
/// let mut map = Actormap::new();
/// let entropy = map.poke(|turn| library::entropy(turn, seed_of_the_host))?;
/// let ask = [Value::symbol("bytes"), 16.into()];
/// let (one, two) = (map.poke(|turn| turn.call(entropy, &ask))?, map.poke(|turn| turn.call(entropy, &ask))?);
/// assert_ne!(one, two);
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`: objects.
pub fn entropy(turn: &mut Turn, seed: [u8; 32]) -> Result<Ref, Problem> {
    turn.spawn(&ENTROPY, Value::bytes(&seed))
}

/// Bytes of a near actor that answers them.
pub(super) fn bytes<const N: usize>(turn: &mut Turn, entropy: Ref) -> Result<[u8; N], Problem> {
    let count = u32::try_from(N).unwrap_or(u32::MAX);
    let said = turn.call(entropy, &[Value::symbol("bytes"), count.into()])?;
    let bytes = said.as_bytes().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| Problem::rule("no-entropy", "so many bytes were asked for, and not got".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::tests::Stage;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_stream_is_chacha20() {
        // RFC 8439, 2.3.2 and A.1.
        let key = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let block_of = block(key, 1, [0x0900_0000, 0x4a00_0000, 0]);
        assert_eq!(
            hex(&block_of),
            "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e\
             d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e"
        );
        assert_eq!(
            hex(&block([0; 32], 0, [0; 3])),
            "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7\
             da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"
        );
    }

    #[test]
    fn a_request_is_the_stream_after_the_next_key() {
        let mut stage = Stage::new();
        let [entropy] = stage.make(["e"], |turn| Ok([entropy(turn, [0; 32])?]));
        let ask = |stage: &mut Stage, count: i64| {
            let born = u32::try_from(stage.map.turn.core.space.births).unwrap();
            let bytes = stage.map.poke(|turn| turn.call(entropy, &[Value::symbol("bytes"), count.into()]))?;
            Ok::<_, Problem>((bytes.as_bytes().unwrap().to_vec(), [born, 0, 0]))
        };
        let (first, nonce) = ask(&mut stage, 32).unwrap();
        let start = block([0; 32], 0, nonce);
        assert_eq!(first, start[32..]);
        let mut key = [0; 32];
        key.copy_from_slice(&start[..32]);
        let (second, nonce) = ask(&mut stage, 96).unwrap();
        assert_eq!(second, [&block(key, 0, nonce)[32..], &block(key, 1, nonce)].concat());
        assert_eq!(ask(&mut stage, 0).unwrap().0, []);
        assert_eq!(ask(&mut stage, 4096).unwrap().0.len(), 4096);
        stage.run("e 'bytes 4097 => !bad-arguments\ne 'bytes -1 => !bad-arguments\ne 'bytes => !no-method\ne => !no-method");
    }

    #[test]
    fn what_a_call_that_failed_told_is_not_answered_again() {
        let mut stage = Stage::new();
        let [entropy, spy] = stage.make(["entropy", "spy"], |turn| {
            let entropy = entropy(turn, [0; 32])?;
            let spy = crate::kind_fn("spy", move |turn: &mut Turn, _, args: &[Value]| {
                Err(Problem::refused(turn.call(entropy, args)?))
            });
            Ok([entropy, turn.spawn(spy, ().into())?])
        });
        let args = [Value::symbol("bytes"), 32.into()];
        let told = stage.map.poke(|turn| turn.call(spy, &args)).unwrap_err().reason();
        let peeked = stage.map.peek(|turn| turn.call(entropy, &args)).unwrap();
        let next = stage.map.poke(|turn| turn.call(entropy, &args)).unwrap();
        assert_ne!(told, next);
        assert_ne!(peeked, next);
        // Within one turn too.
        let (told, next) = stage
            .map
            .poke(|turn| Ok((turn.call(spy, &args).unwrap_err().reason(), turn.call(entropy, &args)?)))
            .unwrap();
        assert_ne!(told, next);
    }
}
