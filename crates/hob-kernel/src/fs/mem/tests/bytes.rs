//! Bytes of files, against a plain vector.

use proptest::prelude::*;

use super::*;
use crate::fs::Extent;

/// The longest file of the model.
const LONG: usize = 40_000;

#[derive(Clone, Debug)]
enum Op {
    Write(usize, Vec<u8>),
    Append(Vec<u8>),
    Resize(usize),
    Reserve(usize, usize, bool),
    Punch(usize, usize),
    Insert(usize, usize),
    Collapse(usize, usize),
}

fn offset() -> impl Strategy<Value = usize> {
    prop_oneof![0..LONG, (0..10usize).prop_map(|page| page * 4096), (0..78usize).prop_map(|unit| unit * 512)]
}

fn op() -> impl Strategy<Value = Op> {
    let bytes = || (1u8..255, 0usize..9000).prop_map(|(byte, len)| vec![byte; len]);
    prop_oneof![
        (offset(), bytes()).prop_map(|(at, bytes)| Op::Write(at, bytes)),
        bytes().prop_map(Op::Append),
        offset().prop_map(Op::Resize),
        (offset(), offset(), any::<bool>()).prop_map(|(at, len, keep)| Op::Reserve(at, len, keep)),
        (offset(), offset()).prop_map(|(at, len)| Op::Punch(at, len)),
        (offset(), 0..9000usize).prop_map(|(at, len)| Op::Insert(at, len)),
        (offset(), Just(4096usize)).prop_map(|(at, len)| Op::Insert(at, len)),
        (offset(), offset()).prop_map(|(at, len)| Op::Collapse(at, len)),
    ]
}

fn model(bytes: &mut Vec<u8>, op: &Op) -> Option<Errno> {
    match op {
        Op::Write(_, new) if new.is_empty() => {}
        Op::Write(at, new) => {
            bytes.resize(bytes.len().max(at + new.len()), 0);
            bytes[*at..at + new.len()].copy_from_slice(new);
        }
        Op::Append(new) => bytes.extend(new),
        Op::Resize(len) => bytes.resize(*len, 0),
        Op::Reserve(_, 0, _) | Op::Punch(_, 0) | Op::Insert(_, 0) | Op::Collapse(_, 0) => {
            return Some(Errno::Inval);
        }
        Op::Reserve(at, len, false) => bytes.resize(bytes.len().max(at + len), 0),
        Op::Reserve(..) => {}
        Op::Punch(at, len) => {
            let end = bytes.len().min(at + len);
            bytes.get_mut(*at..end).unwrap_or_default().fill(0);
        }
        Op::Insert(at, _) if *at >= bytes.len() => return Some(Errno::Inval),
        Op::Insert(at, len) => {
            let tail = bytes.split_off(*at);
            bytes.resize(at + len, 0);
            bytes.extend(tail);
        }
        Op::Collapse(at, len) if at + len >= bytes.len() => return Some(Errno::Inval),
        Op::Collapse(at, len) => drop(bytes.drain(*at..at + len)),
    }
    None
}

fn apply(open: &dyn File, op: &Op) -> Option<Errno> {
    let at = |value: &usize| *value as u64;
    let done = match op {
        Op::Write(offset, new) => open.write_at(new, at(offset)).map(|done| assert_eq!(done, new.len())),
        Op::Append(new) => open.append(new).map(|(done, _)| assert_eq!(done, new.len())),
        Op::Resize(size) => open.resize(at(size)),
        Op::Reserve(offset, len, keep) => open.reserve(at(offset), at(len), *keep),
        Op::Punch(offset, len) => open.punch(at(offset), at(len)),
        Op::Insert(offset, len) => open.insert(at(offset), at(len)),
        Op::Collapse(offset, len) => open.collapse(at(offset), at(len)),
    };
    done.err().map(|error| error.errno())
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
}

fn content(open: &dyn File) -> Vec<u8> {
    let mut buf = vec![9; usize::try_from(open.size().unwrap()).unwrap() + 1];
    let len = open.read_at(&mut buf, 0).unwrap();
    buf.truncate(len);
    buf
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]
    #[test]
    fn files_hold_what_a_vector_would(ops in prop::collection::vec(op(), 1..20), from in 0..LONG, len in 0..9000usize) {
        let fs = memory();
        let open = file(&fs.root(), "f");
        let before = fs.space().bytes_used;
        let mut bytes = Vec::new();
        for op in &ops {
            prop_assert_eq!(apply(&*open, op), model(&mut bytes, op), "{:?}", op);
            prop_assert!(content(&*open) == bytes, "after {:?}", op);
            let stored = fs.root().lookup(b"f").unwrap().stat().unwrap().blocks * 512;
            prop_assert_eq!(fs.space().bytes_used - before, stored);
            if bytes.len() > LONG {
                break;
            }
        }
        let mut buf = vec![7; len];
        let got = open.read_at(&mut buf, from as u64).unwrap();
        let end = bytes.len().min(from + len);
        prop_assert_eq!(&buf[..got], bytes.get(from..end).unwrap_or_default());
        // What no run of bytes covers is zero.
        let mut at = 0;
        let mut number = 0;
        while let Some(run) = open.extent(number).unwrap() {
            prop_assert!(run.start < run.end && index(run.start) >= at);
            let hole = bytes.get(at..index(run.start).min(bytes.len())).unwrap_or_default();
            prop_assert!(hole.iter().all(|byte| *byte == 0));
            at = index(run.end);
            number += 1;
        }
        prop_assert!(bytes.get(at..).unwrap_or_default().iter().all(|byte| *byte == 0));
        open.resize(0).unwrap();
        drop(open);
        prop_assert_eq!(fs.space().bytes_used, before);
    }
}

#[test]
fn holes_cost_nothing_and_are_told_apart() {
    let fs = memory();
    let open = file(&fs.root(), "f");
    let before = fs.space().bytes_used;
    open.resize(1 << 50).unwrap();
    assert_eq!(fs.space().bytes_used, before);
    open.write_at(b"x", 1 << 40).unwrap();
    open.write_at(b"x", (1 << 40) + 4096).unwrap();
    open.reserve(1 << 45, 8192, true).unwrap();
    let extents: Vec<_> = (0..3).map(|index| open.extent(index).unwrap()).collect();
    let run = |start: u64, len: u64, unwritten| Some(Extent { start, end: start + len, unwritten });
    assert_eq!(extents, [run(1 << 40, 8192, false), run(1 << 45, 8192, true), None]);
    assert_eq!(open.extent(0).unwrap(), run(1 << 40, 8192, false), "also when asked backwards");
    assert_eq!(fs.space().bytes_used, before + 2 * 512 + 8192);
    open.punch(1 << 40, 4096).unwrap();
    assert_eq!(open.extent(0).unwrap(), run((1 << 40) + 4096, 4096, false));
}

#[test]
fn a_file_ends_before_offsets_do() {
    let fs = memory();
    let open = file(&fs.root(), "f");
    let max = i64::MAX.unsigned_abs();
    fails(open.write_at(b"xy", max), Errno::Fbig);
    fails(open.write_at(b"xy", u64::MAX), Errno::Fbig);
    assert_eq!(open.write_at(b"xy", max - 1), Ok(1), "short, up to the end");
    assert_eq!(open.size(), Ok(max));
    fails(open.append(b"x"), Errno::Fbig);
    fails(open.resize(max + 1), Errno::Fbig);
    for (at, len, errno) in [(max, 1, Errno::Fbig), (u64::MAX, u64::MAX, Errno::Fbig), (0, 0, Errno::Inval)] {
        fails(open.reserve(at, len, false), errno);
        fails(open.punch(at, len), errno);
        fails(open.collapse(at, len), errno);
    }
    fails(open.insert(0, 1), Errno::Fbig);
    fails(open.reserve(0, max, true), Errno::Nospc);
    let mut buf = [1; 4];
    assert_eq!(open.read_at(&mut buf, max - 2), Ok(2));
    assert_eq!(buf, [0, b'x', 1, 1]);
    assert_eq!(open.read_at(&mut buf, u64::MAX), Ok(0));
}
