//! Vectors that other implementations agree on, read and written byte by byte.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use hob_syrup::{ErrorKind, Limits, Mode, Raw, Reader, Token, Writer};

/// Names and bytes of the vectors that are Syrup; the rest are keys, digests and signatures.
fn vectors() -> Vec<(String, Vec<u8>)> {
    let file: serde_json::Value = serde_json::from_str(include_str!("data/vectors.json")).unwrap();
    let digests = ["side-id", "session-id", ".raw", ".sig64"];
    let vectors: Vec<_> = file
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| !digests.iter().any(|digest| name.contains(digest)))
        .map(|(name, value)| (name.clone(), unhex(value["hex"].as_str().unwrap())))
        .collect();
    assert_eq!(vectors.len(), 44);
    vectors
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Writes the value that comes next, from its tokens.
fn copy(r: &mut Reader<'_>, w: &mut Writer<'_>) {
    match r.next_token().unwrap() {
        Token::Bool(value) => w.bool(value),
        Token::Int(int) => w.bigint(&int.to_bigint()),
        Token::F64(float) => w.f64(float),
        Token::Bytes(bytes) => w.bytes(bytes),
        Token::Str(text) => w.str(text),
        Token::Symbol(text) => w.symbol(text),
        Token::ListStart => w.list(|w| copy_all(r, w)),
        Token::RecordStart => {
            let label = r.symbol().unwrap();
            w.record(label, |w| copy_all(r, w));
        }
        Token::StructStart => w.entries(|e| {
            while r.more().unwrap() {
                let key = r.str().unwrap();
                e.entry(key, |w| copy(r, w));
            }
            r.end().unwrap();
        }),
        other => panic!("{other:?}"),
    }
}

fn copy_all(r: &mut Reader<'_>, w: &mut Writer<'_>) {
    while r.more().unwrap() {
        copy(r, w);
    }
    r.end().unwrap();
}

#[test]
fn what_is_read_is_written_the_same() {
    for (name, bytes) in vectors() {
        for mode in [Mode::Canonical, Mode::Liberal] {
            let mut reader = Reader::new(&bytes, mode, Limits::default());
            let mut out = Vec::new();
            let mut writer = Writer::new(&mut out);
            copy(&mut reader, &mut writer);
            reader.finish().unwrap();
            writer.finish().unwrap();
            assert_eq!(out, bytes, "{name}");
            assert_eq!(Raw::new(&bytes, mode, Limits::default()).unwrap().as_bytes(), bytes);
        }
    }
}

#[test]
fn what_ends_too_early_says_so_and_asks_for_no_more_than_comes() {
    for (name, bytes) in vectors() {
        for mode in [Mode::Canonical, Mode::Liberal] {
            for end in 0..bytes.len() {
                let error = Raw::new(&bytes[..end], mode, Limits::default()).unwrap_err();
                let ErrorKind::Incomplete { more } = error.kind() else { panic!("{name}: {end}: {error}") };
                assert!((1..=bytes.len() - end).contains(more), "{name}: {more} after {end}");
            }
        }
    }
}
