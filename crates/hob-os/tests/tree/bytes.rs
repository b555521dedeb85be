//! The bytes of files, with a vector as oracle.

use std::sync::Arc;

use hob_os::Errno;
use hob_os::tree::{File, Named, Object, Run};
use proptest::prelude::*;

use crate::common::{Host, errno};
use crate::{bytes, writable};

fn file(dir: &Object, name: &str) -> File {
    dir.make(name.as_bytes(), Named::File, 0o644).unwrap().open(true).unwrap()
}

#[test]
fn offsets_are_the_callers() {
    let host = Host::new();
    let file = file(&writable(&host), "file");
    assert_eq!(file.write_at(b"world", 6), Ok(5));
    assert_eq!(file.write_at(b"hello", 0), Ok(5));
    assert_eq!(bytes(&file), b"hello\0world");
    let mut buf = [0; 4];
    assert_eq!(file.read_at(&mut buf, 9), Ok(2));
    assert_eq!(&buf[..2], b"ld");
    assert_eq!(file.read_at(&mut buf, 11), Ok(0));
    assert_eq!(file.read_at(&mut buf, 1 << 40), Ok(0));
    assert_eq!(file.append(b"!"), Ok((1, 12)));
    assert_eq!(file.write_at(b"J", 0), Ok(1));
    assert_eq!(file.append(b""), Ok((0, 12)));
    assert_eq!(host.text("file"), "Jello\0world!");
    assert_eq!(errno(file.resize(u64::MAX)), Errno::Fbig);
    assert_eq!(errno(file.reserve(u64::MAX, 2, false)), Errno::Fbig);
    assert_eq!(errno(file.punch(1, 1 << 63)), Errno::Fbig);
    assert!(file.write_at(b"x", u64::MAX).is_err());
    assert_eq!(file.size(), Ok(12));
    file.sync(true).unwrap();
    file.sync(false).unwrap();
}

#[test]
fn what_two_append_is_whole_and_where_they_were_told() {
    let host = Host::new();
    let dir = writable(&host);
    let first = Arc::new(file(&dir, "log"));
    std::thread::scope(|scope| {
        for writer in 0..4u8 {
            // Two share a handle, the others have one each.
            let log = match writer {
                0 | 1 => Arc::clone(&first),
                _ => Arc::new(dir.lookup(b"log").unwrap().open(true).unwrap()),
            };
            scope.spawn(move || {
                for n in 0..500usize {
                    let line = vec![b'a' + writer; 1 + n % 97];
                    let (done, end) = log.append(&line).unwrap();
                    assert_eq!(done, line.len());
                    let mut back = vec![0; line.len()];
                    let start = end - u64::try_from(done).unwrap();
                    assert_eq!(log.read_at(&mut back, start), Ok(done));
                    assert_eq!(back, line);
                }
            });
        }
    });
    let total: usize = (0..500).map(|n| 1 + n % 97).sum();
    assert_eq!(bytes(&first).len(), 4 * total);
}

/// The file system of the tests' folders need not have each of these.
fn supported(result: hob_os::Result<()>) -> bool {
    match result {
        Err(error) if error.errno() == Errno::NotSup => false,
        result => {
            result.unwrap();
            true
        }
    }
}

#[test]
fn room_is_reserved_given_back_moved_in_and_out() {
    let host = Host::new();
    let dir = writable(&host);
    let file = file(&dir, "file");
    let block = 4096;
    let fill = |byte: u8| vec![byte; usize::try_from(block).unwrap()];
    for (n, byte) in (0..).zip(*b"abcd") {
        file.write_at(&fill(byte), n * block).unwrap();
    }
    if supported(file.reserve(4 * block, block, true)) {
        assert_eq!(file.size(), Ok(4 * block));
        assert!(supported(file.reserve(4 * block, block, false)));
        assert_eq!(file.size(), Ok(5 * block));
        file.resize(4 * block).unwrap();
    }
    if supported(file.punch(block, block)) {
        assert_eq!(bytes(&file), [fill(b'a'), fill(0), fill(b'c'), fill(b'd')].concat());
        let runs = [Run { start: 0, end: block }, Run { start: 2 * block, end: 4 * block }];
        assert_eq!((file.run(0), file.run(1), file.run(2)), (Ok(Some(runs[0])), Ok(Some(runs[1])), Ok(None)));
        assert_eq!((file.run(1), file.run(0)), (Ok(Some(runs[1])), Ok(Some(runs[0]))));
        file.punch(0, block).unwrap();
        assert_eq!((file.run(0), file.run(1)), (Ok(Some(runs[1])), Ok(None)), "a walk begins anew");
        file.write_at(&fill(b'a'), 0).unwrap();
    }
    file.write_at(&fill(b'b'), block).unwrap();
    if supported(file.collapse(block, block)) {
        assert_eq!(bytes(&file), [fill(b'a'), fill(b'c'), fill(b'd')].concat());
        assert!(supported(file.insert(block, block)));
        assert_eq!(bytes(&file), [fill(b'a'), fill(0), fill(b'c'), fill(b'd')].concat());
        assert_eq!(errno(file.insert(1, block)), Errno::Inval);
        assert_eq!(errno(file.collapse(0, 4 * block)), Errno::Inval);
    }
}

#[test]
fn an_empty_file_has_no_runs_and_a_hole_is_none() {
    let host = Host::new();
    let file = file(&writable(&host), "file");
    assert_eq!(file.run(0), Ok(None));
    file.resize(1 << 30).unwrap();
    assert_eq!(file.run(0), Ok(None));
    file.write_at(b"x", (1 << 30) - 1).unwrap();
    let run = file.run(0).unwrap().unwrap();
    assert_eq!(run.end, 1 << 30);
    assert!(run.start > 0);
    assert_eq!((file.run(1), file.run(u32::MAX)), (Ok(None), Ok(None)));
}

#[derive(Debug, Clone)]
enum Op {
    Write(u64, Vec<u8>),
    Append(Vec<u8>),
    Resize(u64),
    Punch(u64, u64),
    Read(u64, usize),
}

fn op() -> impl Strategy<Value = Op> {
    let text = || proptest::collection::vec(any::<u8>(), 0..3000);
    prop_oneof![
        (0..20_000u64, text()).prop_map(|(at, text)| Op::Write(at, text)),
        text().prop_map(Op::Append),
        (0..20_000u64).prop_map(Op::Resize),
        (0..20_000u64, 1..9000u64).prop_map(|(at, len)| Op::Punch(at, len)),
        (0..25_000u64, 0..9000usize).prop_map(|(at, len)| Op::Read(at, len)),
    ]
}

fn run(host: &File, model: &mut Vec<u8>, op: &Op) {
    let at = |offset: u64| usize::try_from(offset).unwrap();
    match op {
        Op::Write(_, text) if text.is_empty() => {}
        Op::Write(offset, text) => {
            assert_eq!(host.write_at(text, *offset), Ok(text.len()));
            let end = at(*offset) + text.len();
            model.resize(model.len().max(end), 0);
            model[at(*offset)..end].copy_from_slice(text);
        }
        Op::Append(text) => {
            model.extend_from_slice(text);
            let end = u64::try_from(model.len()).unwrap();
            assert_eq!(host.append(text), Ok((text.len(), end)));
        }
        Op::Resize(size) => {
            host.resize(*size).unwrap();
            model.resize(at(*size), 0);
        }
        Op::Punch(offset, len) => {
            if supported(host.punch(*offset, *len)) {
                let (start, end) = (at(*offset).min(model.len()), at(offset + len).min(model.len()));
                model[start..end].fill(0);
            }
        }
        Op::Read(offset, len) => {
            let mut buf = vec![0; *len];
            let done = host.read_at(&mut buf, *offset).unwrap();
            let (start, end) = (at(*offset).min(model.len()), (at(*offset) + len).min(model.len()));
            assert_eq!(&buf[..done], &model[start..end]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_are_those_of_a_vector(ops in proptest::collection::vec(op(), 1..40)) {
        let host = Host::new();
        let file = file(&writable(&host), "file");
        let mut model = Vec::new();
        for op in &ops {
            run(&file, &mut model, op);
            prop_assert_eq!(file.size().unwrap(), u64::try_from(model.len()).unwrap());
        }
        prop_assert_eq!(std::fs::read(host.path("file")).unwrap(), model);
    }
}
