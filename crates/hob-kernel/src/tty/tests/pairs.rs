//! Numbers, names, limits, and waking.

use std::time::{Duration, Instant};

use hob_cap::StopToken;
use hob_os::Waiter;

use super::*;
use crate::limits::TERMINALS_MAX;
use crate::wait::block;

fn terminals() -> Terminals {
    Terminals::new(Arc::new(Recorder::default()))
}

#[test]
fn numbers_are_the_lowest_that_are_free() {
    let terminals = terminals();
    let mut open: Vec<_> = (0..3).map(|_| terminals.open_pair().unwrap()).collect();
    assert_eq!(terminals.numbers(), [0, 1, 2]);
    let (master, slave) = open.remove(1);
    assert_eq!(master.terminal().number(), 1);
    drop(master);
    // A slave keeps the number, though nobody can open it any more.
    assert_eq!(terminals.numbers(), [0, 2]);
    assert!(terminals.get(1).is_none());
    assert_eq!(terminals.open().unwrap().terminal().number(), 3);
    let kept = Arc::clone(slave.terminal());
    drop(slave);
    // Only ends keep a number.
    let (master, slave) = terminals.open_pair().unwrap();
    assert_eq!((kept.number(), master.terminal().number()), (1, 1));
    drop(slave);
    assert_eq!(terminals.numbers(), [0, 1, 2]);
    drop(master);
    assert_eq!(terminals.numbers(), [0, 2]);
}

#[test]
fn a_slave_is_opened_by_number() {
    let terminals = terminals();
    let master = terminals.open().unwrap();
    assert!(terminals.get(1).is_none());
    let slave = terminals.get(0).unwrap().open_slave().unwrap();
    assert_eq!(slave.try_write(&caller(10), b"hello"), Ok(5));
    let mut buf = [0; 9];
    assert_eq!(master.try_read(&caller(10), &mut buf), Ok(5));
}

#[test]
fn there_is_a_limit() {
    let terminals = terminals();
    let mut open: Vec<_> = (0..TERMINALS_MAX).map(|_| terminals.open().unwrap()).collect();
    assert_eq!(errno(terminals.open()), Some(Errno::Nospc));
    open.pop();
    assert!(terminals.open().is_ok());
}

/// Something that happens to a terminal.
type Change = fn(&Pair);

/// Waits for `attempt`, during which `change` is made.
fn wait_for<T: Send>(
    pair: &Pair,
    millis: u64,
    attempt: impl Fn() -> hob_os::Result<T> + Send,
    change: impl Fn(&Pair),
) -> Result<T, Errno> {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let waiter = Waiter::new(StopToken::never());
            let until = Instant::now() + Duration::from_millis(millis);
            block(&waiter, &[pair.slave.queue()], &[], Some(until), || Ok(()), attempt)
        });
        std::thread::sleep(Duration::from_millis(20));
        change(pair);
        waiting.join().unwrap().map_err(|error| error.errno())
    })
}

#[test]
fn what_changes_wakes_who_waits_to_read() {
    // What is done while someone waits behind `ty`, and what that one reads.
    let changes: [(&str, Change, &[u8]); 4] = [
        ("a line", |pair| assert_eq!(pair.type_in(b"ped\n"), 4), b"typed\n"),
        ("its end", |pair| assert_eq!(pair.type_in(b"\x04"), 1), b"ty"),
        ("other settings", |pair| pair.set("-icanon"), b"ty"),
        ("hanging up", |pair| pair.slave.terminal().leader_ended(10), b""),
    ];
    for (name, change, expected) in changes {
        let pair = Pair::new().controlled(10);
        pair.type_in(b"ty");
        let read = || {
            let mut buf = [0; 9];
            let count = pair.slave.try_read(&caller(10), &mut buf)?;
            Ok(buf[..count].to_vec())
        };
        assert_eq!(wait_for(&pair, 10_000, read, change), Ok(expected.to_vec()), "{name}");
    }
}

#[test]
fn what_changes_wakes_who_waits_to_write() {
    let changes: [(&str, Change, Change); 2] = [
        ("room", |pair| while pair.write(&[b'x'; 4096]).is_ok() {}, |pair| _ = pair.shown()),
        ("going on", |pair| _ = pair.type_in(b"\x13"), |pair| _ = pair.type_in(b"\x11")),
    ];
    for (name, before, change) in changes {
        let pair = Pair::new();
        before(&pair);
        let write = || pair.slave.try_write(&caller(10), b"\n");
        assert_eq!(wait_for(&pair, 10_000, write, change), Ok(1), "{name}");
    }
}

#[test]
fn what_changes_nothing_leaves_who_waits() {
    let pair = Pair::new();
    let read = || pair.slave.try_read(&caller(10), &mut [0; 9]);
    let wait = wait_for(&pair, 100, read, |pair| _ = pair.type_in(b"no line"));
    assert_eq!(wait, Err(Errno::TimedOut));
}
