//! What holds for every value and for all bytes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use hob_syrup::{Atom, Datum, Float, Framer, Framing, Key, Limits, Mode, Raw, Reader, Writer, notation};
use num_bigint::BigInt;
use proptest::prelude::*;

const MODES: [Mode; 2] = [Mode::Canonical, Mode::Liberal];

fn decode(bytes: &[u8], mode: Mode) -> Result<Datum, hob_syrup::Error> {
    Datum::decode(bytes, mode, Limits::default())
}

fn int() -> impl Strategy<Value = BigInt> {
    prop_oneof![
        any::<i8>().prop_map(BigInt::from),
        any::<i64>().prop_map(BigInt::from),
        any::<i128>().prop_map(BigInt::from),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| BigInt::from_signed_bytes_be(&bytes)),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z:-]{0,12}", ".{0,6}"]
}

fn atom() -> impl Strategy<Value = Atom> {
    prop_oneof![
        any::<bool>().prop_map(Atom::Bool),
        int().prop_map(Atom::Int),
        prop::collection::vec(any::<u8>(), 0..12).prop_map(Atom::Bytes),
        text().prop_map(Atom::Str),
        text().prop_map(Atom::Symbol),
    ]
}

fn datum() -> impl Strategy<Value = Datum> {
    let leaf = prop_oneof![
        4 => atom().prop_map(Datum::from),
        1 => any::<u64>().prop_map(|bits| Datum::F64(Float(f64::from_bits(bits)))),
        1 => prop::sample::select(vec![0.0, -0.0, f64::NAN, -f64::NAN, f64::INFINITY, f64::MIN_POSITIVE])
            .prop_map(|float| Datum::F64(Float(float))),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let values = prop::collection::vec(inner.clone(), 0..6);
        prop_oneof![
            values.clone().prop_map(Datum::List),
            (atom(), values).prop_map(|(label, fields)| Datum::Record(label, fields)),
            prop::collection::btree_map(atom(), inner, 0..6).prop_map(Datum::Struct),
        ]
    })
}

fn record() -> impl Strategy<Value = Datum> {
    (text(), prop::collection::vec(datum(), 0..3)).prop_map(|(label, fields)| Datum::record(&label, fields))
}

/// Bytes that are nearly a value: an encoding with some places changed, cut and put in.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let alphabet = b"0123456789+-:\"'tfDF[]{}<>#$ \n\xff".to_vec();
    let edit = (any::<prop::sample::Index>(), 0..3u8, prop::sample::select(alphabet));
    (datum(), prop::collection::vec(edit, 0..4)).prop_map(|(datum, edits)| {
        let mut bytes = datum.encode().unwrap();
        for (at, how, byte) in edits {
            let at = at.index(bytes.len() + 1);
            match how {
                0 => bytes.insert(at, byte),
                _ if at == bytes.len() => bytes.push(byte),
                1 => drop(bytes.remove(at)),
                _ => bytes[at] = byte,
            }
        }
        bytes
    })
}

/// Writes as peers do that do not care: whitespace everywhere, keys from last to first.
fn write_loosely(datum: &Datum, spaces: &mut impl Iterator<Item = u8>, out: &mut Vec<u8>) {
    out.extend(spaces.next());
    let mut all = |open: &[u8], values: &[Datum], close: &[u8], out: &mut Vec<u8>| {
        out.extend_from_slice(open);
        for value in values {
            write_loosely(value, spaces, out);
        }
        out.extend(spaces.next());
        out.extend_from_slice(close);
    };
    match datum {
        Datum::List(values) => all(b"[", values, b"]", out),
        Datum::Record(label, fields) => {
            let fields: Vec<_> =
                std::iter::once(label.clone().into()).chain(fields.iter().cloned()).collect();
            all(b"<", &fields, b">", out);
        }
        Datum::Struct(entries) => {
            let entries: Vec<_> =
                entries.iter().rev().flat_map(|(key, value)| [key.clone().into(), value.clone()]).collect();
            all(b"{", &entries, b"}", out);
        }
        leaf => out.extend(leaf.encode().unwrap()),
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_the_same(datum in datum()) {
        let bytes = datum.encode().unwrap();
        for mode in MODES {
            prop_assert_eq!(decode(&bytes, mode), Ok(datum.clone()));
        }
    }

    /// A value has one canonical form, and whatever canonical mode takes is that one.
    #[test]
    fn canonical_bytes_are_unique_and_liberal_mode_takes_them(bytes in nearly()) {
        if let Ok(datum) = decode(&bytes, Mode::Canonical) {
            prop_assert_eq!(datum.encode(), Ok(bytes.clone()));
            prop_assert_eq!(decode(&bytes, Mode::Liberal), Ok(datum));
        }
    }

    /// What liberal mode takes has a canonical form of the same value, unless it holds a set.
    #[test]
    fn liberal_bytes_have_a_canonical_form(bytes in nearly()) {
        if let Ok(datum) = decode(&bytes, Mode::Liberal)
            && let Ok(canonical) = datum.encode()
        {
            prop_assert_eq!(decode(&canonical, Mode::Canonical), Ok(datum));
        }
    }

    #[test]
    fn peers_may_write_loosely(datum in datum(), spaces in "[ \t\n\r]{0,60}") {
        let mut bytes = Vec::new();
        write_loosely(&datum, &mut spaces.bytes(), &mut bytes);
        prop_assert_eq!(decode(&bytes, Mode::Liberal), Ok(datum));
    }

    /// The order in which entries are given does not show.
    #[test]
    fn entries_come_out_in_order(
        entries in prop::collection::btree_map(text(), any::<i64>(), 0..12),
        seed in any::<prop::sample::Index>(),
    ) {
        let mut given: Vec<_> = entries.iter().collect();
        if !given.is_empty() {
            let turn = seed.index(given.len());
            given.rotate_left(turn);
            given.reverse();
        }
        let write = |given: &[(&String, &i64)]| hob_syrup::encode(|w| w.entries(|e| {
            for (key, value) in given {
                e.entry(*key, |w| w.int(**value));
            }
        }));
        let bytes = write(&given).unwrap();
        prop_assert!(Raw::new(&bytes, Mode::Canonical, Limits::default()).is_ok());
        if let Some(first) = given.first().copied() {
            given.push(first);
            prop_assert!(write(&given).is_err());
        }
    }

    /// A key never shows how it came about.
    #[test]
    fn an_integer_is_one_key_whatever_its_type(int in any::<i128>()) {
        let key = |key: Key<'_>| hob_syrup::encode(|w| w.entries(|e| e.entry(key, |w| w.bool(true))));
        prop_assert_eq!(key(Key::Int(int)), key(Key::BigInt(&int.into())));
    }

    /// The beginning of a message is never taken for a bad one, and asks for no more than comes.
    #[test]
    fn every_prefix_is_incomplete(datum in datum()) {
        let bytes = datum.encode().unwrap();
        for mode in MODES {
            for end in 0..bytes.len() {
                let error = decode(&bytes[..end], mode).unwrap_err();
                let more = error.incomplete();
                prop_assert!(more.is_some_and(|more| (1..=bytes.len() - end).contains(&more)), "{end}: {error}");
            }
        }
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in prop_oneof![nearly(), prop::collection::vec(any::<u8>(), 0..60)]) {
        for mode in MODES {
            let whole = decode(&bytes, mode);
            prop_assert_eq!(Raw::new(&bytes, mode, Limits::default()).is_ok(), whole.is_ok());
            if let Err(error) = whole {
                let shown = error.to_string();
                prop_assert!(error.offset() <= bytes.len());
                prop_assert!(shown.len() < 500 && !shown.chars().any(char::is_control), "{shown}");
            }
            let mut reader = Reader::new(&bytes, mode, Limits::default());
            while reader.next_token().is_ok() {}
            for framing in [Framing::Raw, Framing::Sized] {
                let mut framer = Framer::new(framing, mode, Limits::default());
                framer.push(&bytes);
                while let Ok(Some(_)) = framer.next_message() {}
            }
        }
        let shown = notation(&bytes, 50);
        prop_assert!(shown.chars().count() <= 51 && !shown.chars().any(char::is_control));
    }

    /// However a stream is cut into pieces, the same messages come out.
    #[test]
    fn pieces_do_not_matter(
        records in prop::collection::vec(record(), 0..5),
        sizes in prop::collection::vec(1..40usize, 1..20),
        sized in any::<bool>(),
    ) {
        let framing = if sized { Framing::Sized } else { Framing::Raw };
        let records: Vec<Vec<u8>> = records.iter().map(|record| record.encode().unwrap()).collect();
        let mut stream = Vec::new();
        records.iter().for_each(|record| framing.write(record, &mut stream));
        let mut framer = Framer::new(framing, Mode::Canonical, Limits::default());
        let (mut rest, mut found) = (stream.as_slice(), Vec::new());
        for size in sizes.iter().cycle() {
            let (piece, left) = rest.split_at((*size).min(rest.len()));
            framer.push(piece);
            while let Some(message) = framer.next_message().unwrap() {
                found.push(message.to_vec());
            }
            rest = left;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(found, records);
        prop_assert_eq!(framer.pending(), 0);
    }

    /// Bytes that are no stream of messages are refused for the same reason in one piece and byte by byte.
    #[test]
    fn pieces_do_not_matter_for_what_is_wrong(bytes in nearly()) {
        let run = |size: usize| {
            let mut framer = Framer::new(Framing::Raw, Mode::Liberal, Limits::default());
            let mut found = Vec::new();
            for piece in bytes.chunks(size) {
                framer.push(piece);
                loop {
                    match framer.next_message() {
                        Ok(Some(message)) => found.push(message.to_vec()),
                        Ok(None) => break,
                        Err(error) => return (found, Err(error)),
                    }
                }
            }
            (found, Ok(framer.pending()))
        };
        prop_assert_eq!(run(1), run(bytes.len().max(1)));
    }

    #[test]
    fn what_is_appended_leaves_what_was_there(before in any::<Vec<u8>>(), datum in datum()) {
        let mut out = before.clone();
        let mut writer = Writer::new(&mut out);
        datum.write(&mut writer);
        writer.finish().unwrap();
        prop_assert_eq!(&out[..before.len()], &before);
        prop_assert_eq!(&out[before.len()..], &datum.encode().unwrap());
    }
}
