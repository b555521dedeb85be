//! Where a value belongs in a table: a hash with a key, so that who chooses the values cannot choose the places.
//!
//! The hash is SipHash-2-4, over an image of the value that is the same for equal values. It is part of what stores keep: changing it
//! changes where tables look.

use crate::value::Value;

/// The key of a hash: two words.
pub(super) type Key = [u64; 2];

/// SipHash-2-4 of bytes.
pub(super) fn sip(key: Key, bytes: &[u8]) -> u64 {
    let [k0, k1] = key;
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    let mut absorb = |word: u64| {
        v[3] ^= word;
        round(&mut v);
        round(&mut v);
        v[0] ^= word;
    };
    let (words, rest) = bytes.as_chunks::<8>();
    words.iter().for_each(|word| absorb(u64::from_le_bytes(*word)));
    let length = u64::try_from(bytes.len()).unwrap_or_default() << 56;
    absorb(rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)) | length);
    v[2] ^= 0xff;
    (0..4).for_each(|_| round(&mut v));
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}

/// The hash of a value. Equal values have equal ones.
pub(super) fn hash(key: Key, value: &Value) -> u64 {
    let mut image = Vec::with_capacity(32);
    write(value, &mut image);
    sip(key, &image)
}

fn write(value: &Value, out: &mut Vec<u8>) {
    let mut count = |tag: u8, length: usize| {
        out.push(tag);
        out.extend_from_slice(&u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes());
    };
    match value {
        Value::Undefined => out.push(0),
        Value::Null => out.push(1),
        Value::Bool(it) => out.extend_from_slice(&[2, u8::from(*it)]),
        Value::Int(it) => match it.to_i64() {
            Some(small) => {
                out.push(3);
                out.extend_from_slice(&small.to_le_bytes());
            }
            None => {
                let bytes = it.to_bigint().to_signed_bytes_le();
                count(4, bytes.len());
                out.extend_from_slice(&bytes);
            }
        },
        Value::Float(it) => {
            out.push(5);
            let bits = if it.is_nan() { f64::NAN.to_bits() } else { it.to_bits() };
            out.extend_from_slice(&bits.to_le_bytes());
        }
        Value::Str(text) => {
            count(6, text.len());
            out.extend_from_slice(text.as_bytes());
        }
        Value::Symbol(text) => {
            count(7, text.len());
            out.extend_from_slice(text.as_bytes());
        }
        Value::Bytes(bytes) => {
            count(8, bytes.len());
            out.extend_from_slice(bytes);
        }
        Value::List(items) => {
            count(9, items.len());
            items.iter().for_each(|item| write(item, out));
        }
        Value::Struct(fields) => {
            count(10, fields.len());
            for (name, item) in fields.iter() {
                out.extend_from_slice(name.as_bytes());
                write(item, out);
            }
        }
        Value::Tagged(tagged) => {
            count(11, tagged.tag.len());
            out.extend_from_slice(tagged.tag.as_bytes());
            write(&tagged.value, out);
        }
        Value::Error(error) => {
            count(12, error.rule.len());
            out.extend_from_slice(error.rule.as_bytes());
            out.extend_from_slice(error.message.as_bytes());
        }
        Value::Ref(reference) => {
            out.push(13);
            out.extend_from_slice(&reference.image());
        }
        Value::Sealed(sealed) => {
            out.push(14);
            out.extend_from_slice(&sealed.brand.image());
            write(&sealed.content, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_siphash_2_4() {
        // The key and the inputs of the paper's appendix: bytes that count up from 0.
        let check = |length: u8, expected: u64| {
            let bytes: Vec<u8> = (0..length).collect();
            assert_eq!(sip([0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908], &bytes), expected);
        };
        check(0, 0x726f_db47_dd0e_0e31);
        check(15, 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn equal_values_have_equal_hashes() {
        let check = |a: Value, b: Value| {
            assert_eq!(a == b, hash([1, 2], &a) == hash([1, 2], &b), "{a} and {b}");
            assert_ne!(hash([1, 2], &a), hash([1, 3], &a));
        };
        check(f64::NAN.into(), (-f64::NAN).into());
        check(0.0.into(), (-0.0).into());
        check("a".into(), Value::symbol("a"));
        check("".into(), Value::bytes(b""));
        check(Value::list([Value::list([]), 1.into()]), Value::list([Value::list([1.into()])]));
        check(Value::tagged("a", "b".into()), Value::tagged("ab", "".into()));
        check(Value::error("a", "b"), Value::error("ab", ""));
        check(crate::Int::from(u64::MAX).into(), crate::Int::from(u64::MAX).into());
        check(Value::fields([("a", 1.into())]), Value::fields([("a", 2.into())]));
    }
}
