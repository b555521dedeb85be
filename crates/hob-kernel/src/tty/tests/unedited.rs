//! Bytes as they come.

use std::time::Duration;

use super::*;

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("-icanon", b"ab", b"ab", &[b"ab"]),
    ("-icanon", b"a\x7f\x15\x04\x17", b"a^?^U^D^W", &[b"a\x7f\x15\x04\x17"]),
    ("-icanon", b"a\r\nb", b"a\r\n^Jb", &[b"a\n\nb"]),
    ("-icanon inlcr -icrnl", b"a\r\nb", b"a^M^Mb", &[b"a\r\rb"]),
    ("-icanon -echo echonl", b"a\r\n", b"", &[b"a\n\n"]),
    ("-icanon", b"a\x03b", b"a^Cb", &[b"b"]),
    ("-icanon noflsh", b"a\x03b", b"a^Cb", &[b"ab"]),
    ("-icanon -isig -ixon -echo", b"\x03\x13\x11\x1a", b"", &[b"\x03\x13\x11\x1a"]),
    ("-icanon", b"a\x13b\x11c", b"abc", &[b"abc"]),
    ("-icanon -echo istrip", b"\xe1\xff", b"", &[b"a\x7f"]),
    ("-icanon -echo parmrk", b"\xff", b"", &[b"\xff\xff"]),
];

#[test]
fn bytes_are_passed_as_on_linux() {
    check(ROWS);
}

#[test]
fn a_read_waits_for_as_much_as_it_was_told_to() {
    // Settings, what is typed, how much is asked for: what is read, whether it is ready, what is there, how long to wait.
    let (again, tenth) = (Err(Errno::Again), Some(Duration::from_millis(100)));
    for (settings, typed, count, read, ready, available, timeout) in [
        ("min=1", "", 9, again, false, again, None),
        ("min=1", "abc", 9, Ok("abc"), true, Ok("abc"), None),
        ("min=4", "abc", 9, again, false, Ok("abc"), None),
        ("min=4", "abcd", 9, Ok("abcd"), true, Ok("abcd"), None),
        ("min=4", "abc", 2, Ok("ab"), false, Ok("ab"), None),
        ("min=0", "", 9, Ok(""), false, Ok(""), Some(Duration::ZERO)),
        ("min=0", "abc", 9, Ok("abc"), true, Ok("abc"), Some(Duration::ZERO)),
        ("min=0 time=1", "", 9, again, false, again, tenth),
        ("min=0 time=1", "a", 9, Ok("a"), true, Ok("a"), tenth),
        ("min=4 time=1", "", 9, again, false, again, None),
        ("min=4 time=1", "abc", 9, again, true, Ok("abc"), tenth),
        ("min=4 time=1", "abcd", 9, Ok("abcd"), true, Ok("abcd"), tenth),
    ] {
        let pair = || {
            let pair = Pair::with(&format!("-icanon -echo {settings}"));
            pair.type_in(typed.as_bytes());
            pair
        };
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let what = format!("{settings:?} {typed:?} {count}");
        assert_eq!(pair().slave.ready().read, ready, "{what}");
        assert_eq!(pair().slave.read_timeout(), timeout, "{what}");
        assert_eq!(pair().read(count).map(text), read.map(Into::into), "{what}");
        let mut buf = vec![0; count];
        let found = pair().slave.read_available(&caller(10), &mut buf);
        let found = found.map(|count| text(buf[..count].to_vec()));
        assert_eq!(found.map_err(|error| error.errno()), available.map(Into::into), "{what}");
        assert_eq!(pair().read(0), Ok(Vec::new()), "{what}");
    }
    assert_eq!(Pair::with("min=0 time=1").slave.read_timeout(), None);
}

#[test]
fn both_directions_push_back_and_lose_nothing() {
    let pair = Pair::with("-icanon -echo -isig -ixon -icrnl -opost");
    let data: Vec<u8> = (0..=u8::MAX).cycle().take(2 * BUFFER_BYTES).collect();
    assert_eq!(pair.type_in(&data), BUFFER_BYTES);
    assert_eq!(errno(pair.master.try_write(&caller(99), b"x")), Some(Errno::Again));
    assert!(!pair.master.ready().write);
    assert_eq!(pair.read(3 * BUFFER_BYTES).as_deref(), Ok(&data[..BUFFER_BYTES]));
    assert!(pair.master.ready().write);
    assert_eq!(pair.write(&data), Ok(BUFFER_BYTES));
    assert_eq!(pair.write(b"x"), Err(Errno::Again));
    assert!(!pair.slave.ready().write);
    assert_eq!(pair.shown(), data[..BUFFER_BYTES]);
    assert!(pair.slave.ready().write);
}

#[test]
fn output_stands_still_until_it_is_started() {
    let pair = Pair::with("-echo");
    let caller = caller(10);
    pair.type_in(b"\x13");
    assert_eq!((pair.write(b"x"), pair.slave.ready().write), (Err(Errno::Again), false));
    pair.type_in(b"q\x11");
    assert_eq!(pair.write(b"x"), Ok(1));
    pair.slave.control(&caller).flow(Flow::StopOutput).unwrap();
    pair.type_in(b"\x11");
    assert_eq!(pair.write(b"x"), Err(Errno::Again));
    pair.slave.control(&caller).flow(Flow::StartOutput).unwrap();
    assert_eq!(pair.write(b"y"), Ok(1));
    pair.type_in(b"\x13");
    pair.set("-ixon");
    assert_eq!(pair.write(b"z"), Ok(1));
    assert_eq!(pair.shown(), b"xyz");
    pair.slave.control(&caller).flow(Flow::StopInput).unwrap();
    pair.slave.control(&caller).flow(Flow::StartInput).unwrap();
    assert_eq!(pair.shown(), b"\x13\x11");
}

#[test]
fn flushing_drops_what_it_says() {
    let caller = caller(10);
    let pair = || {
        let pair = Pair::with("-echo");
        pair.type_in(b"line\nrest");
        pair.write(&[b'o'; 10_000]).unwrap();
        pair
    };
    for (queue, lines, output) in
        [(Queue::Input, 0, 10_000), (Queue::Output, 1, 4096), (Queue::Both, 0, 4096)]
    {
        let pair = pair();
        pair.slave.control(&caller).flush(queue).unwrap();
        assert_eq!((usize::from(pair.read(100).is_ok()), pair.shown().len()), (lines, output), "{queue:?}");
    }
    let flushed = pair();
    flushed.master.control(&caller).flush(Queue::Both).unwrap();
    assert_eq!((flushed.read(100).is_ok(), flushed.shown().len()), (true, 0));
    let signalled = pair();
    signalled.type_in(b"\x03");
    assert_eq!((signalled.read(100).is_ok(), signalled.shown().len()), (false, 4096));
    let set = pair();
    let termios = set.slave.control(&caller).attributes().unwrap();
    set.slave.control(&caller).set_attributes(When::Flushed, &termios).unwrap();
    assert_eq!((set.read(100).is_ok(), set.shown().len()), (false, 10_000));
    set.slave.control(&caller).drain().unwrap();
    set.slave.control(&caller).send_break().unwrap();
}
