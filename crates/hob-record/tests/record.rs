//! Records: written, sealed, bounded, damaged, played back, diverging.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::io::Write;
use std::sync::{Arc, Mutex};

use hob_cap::StopToken;
use hob_engine::{Fault, FaultKind, Player, Step, Value};
use hob_record::{Header, How, Key, Outcome, ReadError, Recording, Replay, Stream};

#[derive(Clone, Default)]
struct File(Arc<Mutex<Vec<u8>>>);

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Full;

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // The beginning fits, and nothing else.
        if bytes.starts_with(b"hobrec") {
            Ok(bytes.len())
        } else {
            Err(std::io::ErrorKind::StorageFull.into())
        }
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn header() -> Header {
    Header {
        hob: "0".into(),
        name: "guest".into(),
        module: "00".into(),
        how: How::Run { entry: "_start".into() },
        memory_bytes: 1 << 20,
        table_elements: 10,
        salt: None,
    }
}

const SECRET: &[u8] = b"hunter2-the-secret";

/// Two calls: one that looks and prints, one that hands over a secret.
fn record(key: Option<&Key>, max: u64) -> Result<Vec<u8>, Fault> {
    let file = File::default();
    let recording = Recording::begin(Box::new(file.clone()), header(), b"module", key, max).unwrap();
    let mut recorder = recording.recorder();
    recorder.call("wasi", "write", &[Value::I32(1)])?;
    recorder.read(0, b"hello");
    recorder.read(8, b", world");
    recording.output(Stream::Stdout, b"hello, wor");
    recorder.wrote(100, &[10, 0, 0, 0]);
    recorder.returned(Ok(Some(Value::I32(0))))?;
    recorder.call("wasi", "environ", &[])?;
    recorder.wrote(200, SECRET);
    recording.output(Stream::Stderr, b"unseen");
    recorder.returned(Err(&Fault::exit(3)))?;
    recording.finish(Outcome::Code(3))?;
    Ok(std::mem::take(&mut *file.0.lock().unwrap()))
}

#[test]
fn a_record_plays_back_what_was_recorded() {
    let key = Key::new([7; 32]);
    for key in [None, Some(&key)] {
        let replay = Replay::open(&record(key, 1 << 20).unwrap(), key).unwrap();
        assert_eq!((replay.module(), &replay.header().name), (&b"module"[..], &"guest".to_owned()));
        let out = Arc::<Mutex<Vec<(Stream, Vec<u8>)>>>::default();
        let sink = Arc::clone(&out);
        let mut player = replay.player(StopToken::never(), move |stream, bytes| {
            let mut sink = sink.lock().unwrap();
            match sink.last_mut() {
                Some((last, said)) if *last == stream => said.extend_from_slice(bytes),
                _ => sink.push((stream, bytes.to_vec())),
            }
            Ok(())
        });
        player.call("wasi", "write", &[Value::I32(1)]).unwrap();
        assert!(matches!(player.step(), Ok(Step::Look { at: 0, len: 5 })));
        player.saw(Some(b"hello")).unwrap();
        assert!(matches!(player.step(), Ok(Step::Look { at: 8, len: 7 })));
        player.saw(Some(b", world")).unwrap();
        assert!(matches!(player.step(), Ok(Step::Write { at: 100, .. })));
        assert!(matches!(player.step(), Ok(Step::Return(Some(Value::I32(0))))));
        player.call("wasi", "environ", &[]).unwrap();
        assert!(matches!(player.step(), Ok(Step::Write { at: 200, bytes }) if bytes == SECRET));
        let Ok(Step::Fail(fault)) = player.step() else { panic!("a failure") };
        assert_eq!(fault.kind(), &FaultKind::Exit(3));
        assert_eq!(replay.finish(&Outcome::Code(3)), Ok(()));
        let want = vec![(Stream::Stdout, b"hello, wor".to_vec()), (Stream::Stderr, b"unseen".to_vec())];
        assert_eq!(*out.lock().unwrap(), want);
    }
}

#[test]
fn a_sealed_record_shows_no_secret_and_opens_with_its_key_alone() {
    let contains = |file: &[u8]| file.windows(SECRET.len()).any(|window| window == SECRET);
    let key = Key::new([7; 32]);
    let sealed = record(Some(&key), 1 << 20).unwrap();
    assert!(
        contains(&record(None, 1 << 20).unwrap()),
        "without a key it is there, so the next line means something"
    );
    assert!(!contains(&sealed));
    assert_eq!(Replay::open(&sealed, None).err(), Some(ReadError::Sealed));
    assert_eq!(Replay::open(&sealed, Some(&Key::new([8; 32]))).err(), Some(ReadError::WrongKey));
    assert_ne!(sealed, record(Some(&key), 1 << 20).unwrap(), "two records never use one key stream");
    for at in (0..sealed.len()).skip(sealed.len() - 40) {
        let mut changed = sealed.clone();
        *changed.get_mut(at).unwrap() ^= 1;
        assert!(Replay::open(&changed, Some(&key)).is_err(), "byte {at}");
    }
}

#[test]
fn a_record_that_was_cut_or_is_foreign_is_refused() {
    let whole = record(None, 1 << 20).unwrap();
    for cut in 0..whole.len() {
        assert!(Replay::open(whole.get(..cut).unwrap(), None).is_err(), "cut at {cut}");
    }
    let mut longer = whole.clone();
    longer.extend_from_slice(&[1, 0, 0, 0, 9]);
    assert!(Replay::open(&longer, None).is_err());
    let mut newer = whole.clone();
    *newer.get_mut(6).unwrap() = 3;
    assert_eq!(Replay::open(&newer, None).err(), Some(ReadError::Version(3)));
    assert_eq!(Replay::open(b"\0asm", None).err(), Some(ReadError::NotARecord));
}

#[test]
fn a_record_ends_at_its_limit_and_on_a_full_disk_before_the_next_call() {
    let size = u64::try_from(record(None, 1 << 20).unwrap().len()).unwrap();
    // The end is not held back: only calls are.
    assert!(record(None, size).is_ok());
    let fault = record(None, size - 60).unwrap_err();
    assert!(
        matches!(fault.kind(), FaultKind::Limit(limit) if limit.limit == hob_cap::Limit::Record),
        "{fault}"
    );
    let recording = Recording::begin(Box::new(Full), header(), b"m", None, 1 << 30).unwrap();
    let mut recorder = recording.recorder();
    recorder.call("m", "f", &[]).unwrap();
    recorder.wrote(0, &vec![0; 100 << 10]);
    assert!(recorder.returned(Ok(None)).is_err());
    assert!(recorder.call("m", "f", &[]).is_err(), "nothing more is done");
    assert!(recording.finish(Outcome::Code(0)).is_err());
}

#[test]
fn the_first_call_that_differs_is_named() {
    let check = |play: &dyn Fn(&mut dyn Player) -> Result<(), Fault>, want: &str| {
        let replay = Replay::open(&record(None, 1 << 20).unwrap(), None).unwrap();
        let mut player = replay.player(StopToken::never(), |_, _| Ok(()));
        assert!(play(&mut *player).is_err());
        assert_eq!(replay.divergence().unwrap().to_string(), want);
    };
    check(
        &|player| player.call("wasi", "read", &[Value::I32(1)]),
        "the replay differs from the record at call 1: recorded `wasi.write(1)`, now `wasi.read(1)`",
    );
    check(
        &|player| player.call("wasi", "write", &[Value::I32(2)]),
        "the replay differs from the record at call 1: recorded `wasi.write(1)`, now `wasi.write(2)`",
    );
    check(
        &|player| {
            player.call("wasi", "write", &[Value::I32(1)])?;
            player.step()?;
            player.saw(Some(b"jello"))
        },
        "the replay differs from the record at call 1: recorded `wasi.write(1)`, now `wasi.write(1)` with other bytes in \
         memory",
    );
    let replay = Replay::open(&record(None, 1 << 20).unwrap(), None).unwrap();
    drop(replay.player(StopToken::never(), |_, _| Ok(())));
    assert!(replay.finish(&Outcome::Code(3)).is_err(), "calls are missing");
}
