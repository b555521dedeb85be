//! Lines that are edited.

use super::*;
use crate::limits::LINE_BYTES_MAX;

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // Lines.
    ("", b"ab\ncd", b"ab\r\ncd", &[b"ab\n"]),
    ("", b"ab\r", b"ab\r\n", &[b"ab\n"]),
    ("-icrnl", b"ab\rc\n", b"ab^Mc\r\n", &[b"ab\rc\n"]),
    ("igncr", b"ab\rc\n", b"abc\r\n", &[b"abc\n"]),
    ("inlcr -icrnl", b"ab\nc", b"ab^Mc", &[]),
    ("inlcr", b"ab\nc\r", b"ab^Mc\r\n", &[b"ab\rc\n"]),
    ("-onlcr", b"ab\n", b"ab\n", &[b"ab\n"]),
    ("-opost", b"ab\n", b"ab\n", &[b"ab\n"]),
    ("eol=59", b"ab;c\n", b"ab;c\r\n", &[b"ab;", b"c\n"]),
    ("istrip", b"\xe1b\n", b"ab\r\n", &[b"ab\n"]),
    ("parmrk", b"a\xffb\n", b"a\xffb\r\n", &[b"a\xff\xffb\n"]),
    ("", b"a\x00b\n", b"a^@b\r\n", &[b"a\x00b\n"]),
    // The end of the input, behind something and alone.
    ("", b"\x04", b"", &[b""]),
    ("", b"ab\x04", b"ab", &[b"ab"]),
    ("", b"ab\x04\x04", b"ab", &[b"ab", b""]),
    ("", b"ab\n\x04cd\n", b"ab\r\ncd\r\n", &[b"ab\n", b"", b"cd\n"]),
    ("", b"\x04\x04x\n", b"x\r\n", &[b"", b"", b"x\n"]),
    // Erasing a character.
    ("", b"ab\x7fc\n", b"ab\x08 \x08c\r\n", &[b"ac\n"]),
    ("", b"\x7fa\x7f\x7fb\n", b"a\x08 \x08b\r\n", &[b"b\n"]),
    ("", b"a\n\x7fb\n", b"a\r\nb\r\n", &[b"a\n", b"b\n"]),
    ("erase=8", b"ab\x08c\n", b"ab\x08 \x08c\r\n", &[b"ac\n"]),
    ("erase=0", b"a\x00\x7f\n", b"a^@^?\r\n", &[b"a\x00\x7f\n"]),
    ("-echoe", b"ab\x7fc\n", b"ab^?c\r\n", &[b"ac\n"]),
    ("-echoe -echoctl", b"ab\x7fc\n", b"ab\x7fc\r\n", &[b"ac\n"]),
    ("-echo", b"ab\x7fc\n", b"", &[b"ac\n"]),
    ("", b"a\x01\x7fb\n", b"a^A\x08 \x08\x08 \x08b\r\n", &[b"ab\n"]),
    ("-echoctl", b"a\x01\x7fb\n", b"a\x01b\r\n", &[b"ab\n"]),
    ("", b"a\xc3\xa9\x7fb\n", b"a\xc3\xa9\x08 \x08b\r\n", &[b"ab\n"]),
    ("", b"a\xe6\xbc\xa2\x7fb\n", b"a\xe6\xbc\xa2\x08 \x08b\r\n", &[b"ab\n"]),
    ("-iutf8", b"a\xc3\xa9\x7fb\n", b"a\xc3\xa9\x08 \x08b\r\n", &[b"a\xc3b\n"]),
    ("", b"\xa9\xa9\x7fb\n", b"\xa9\xa9b\r\n", &[b"\xa9\xa9b\n"]),
    ("", b"ab\tc\x7f\x7fd\n", b"ab\tc\x08 \x08\x08\x08\x08\x08\x08\x08d\r\n", &[b"abd\n"]),
    ("", b"\t\x01\t\x7fb\n", b"\t^A\t\x08\x08\x08\x08\x08\x08b\r\n", &[b"\t\x01b\n"]),
    ("echoprt", b"abc\x7f\x7fd\n", b"abc\\cb/d\r\n", &[b"ad\n"]),
    ("echoprt", b"\xc3\xa9\x7fd\n", b"\xc3\xa9\\\xc3\xa9/d\r\n", &[b"d\n"]),
    // Erasing a word.
    ("", b"ab  cd \x17e\n", b"ab  cd \x08 \x08\x08 \x08\x08 \x08e\r\n", &[b"ab  e\n"]),
    ("", b"a-b_1\x17\n", b"a-b_1\x08 \x08\x08 \x08\x08 \x08\r\n", &[b"a-\n"]),
    ("", b"a \xc3\xa9t\xc3\xa9\x17\n", b"a \xc3\xa9t\xc3\xa9\x08 \x08\x08 \x08\x08 \x08\r\n", &[b"a \n"]),
    ("-iexten", b"ab\x17\n", b"ab^W\r\n", &[b"ab\x17\n"]),
    // Erasing the line.
    ("", b"ab\x15c\n", b"ab\x08 \x08\x08 \x08c\r\n", &[b"c\n"]),
    ("-echoke", b"ab\x15c\n", b"ab^U\r\nc\r\n", &[b"c\n"]),
    ("-echoke -echok", b"ab\x15c\n", b"ab^Uc\r\n", &[b"c\n"]),
    ("-echo", b"ab\x15c\n", b"", &[b"c\n"]),
    ("", b"a\n\x15b\n", b"a\r\nb\r\n", &[b"a\n", b"b\n"]),
    // Taking literally, and showing again.
    ("", b"a\x16\x7fb\n", b"a^\x08^?b\r\n", &[b"a\x7fb\n"]),
    ("", b"a\x16\nb\n", b"a^\x08^Jb\r\n", &[b"a\nb\n"]),
    ("", b"\x16\x03\x16\x04\n", b"^\x08^C^\x08^D\r\n", &[b"\x03\x04\n"]),
    ("-echoctl", b"a\x16\x16\n", b"a\x16\r\n", &[b"a\x16\n"]),
    ("-iexten", b"a\x16\n", b"a^V\r\n", &[b"a\x16\n"]),
    ("", b"ab\x01\x12c\n", b"ab^A^R\r\nab^Ac\r\n", &[b"ab\x01c\n"]),
    ("-echo", b"ab\x12c\n", b"", &[b"ab\x12c\n"]),
    // Showing.
    ("-echo echonl", b"ab\n", b"\r\n", &[b"ab\n"]),
    ("-echoctl", b"\x01\x1b\n", b"\x01\x1b\r\n", &[b"\x01\x1b\n"]),
    ("", b"\t\x1b\n", b"\t^[\r\n", &[b"\t\x1b\n"]),
    ("tab3", b"a\tb\n", b"a       b\r\n", &[b"a\tb\n"]),
    // Stopping and starting.
    ("", b"a\x13bc\x11d\n", b"abcd\r\n", &[b"abcd\n"]),
    ("", b"a\x13bc\n", b"a", &[b"abc\n"]),
    ("ixany", b"a\x13bc\n", b"abc\r\n", &[b"abc\n"]),
    ("-ixon", b"a\x13\x11\n", b"a^S^Q\r\n", &[b"a\x13\x11\n"]),
    // Signals, to nobody.
    ("noflsh", b"ab\x03c\n", b"ab^Cc\r\n", &[b"abc\n"]),
    ("", b"ab\x1cc\n", b"ab^\\c\r\n", &[b"c\n"]),
    ("", b"ab\n\x1ac\n", b"ab\r\n^Zc\r\n", &[b"c\n"]),
    ("-isig", b"ab\x03c\n", b"ab^Cc\r\n", &[b"ab\x03c\n"]),
    ("-echo", b"ab\x03c\n", b"", &[b"c\n"]),
    ("", b"a\x13b\x03", b"a^C", &[]),
];

#[test]
fn lines_are_edited_as_on_linux() {
    check(ROWS);
}

#[test]
fn a_read_takes_at_most_a_line() {
    for (typed, count, expected) in [
        ("ab\ncd\n", 1, vec!["a", "b", "\n", "c", "d", "\n"]),
        ("ab\ncd\n", 2, vec!["ab", "\n", "cd", "\n"]),
        ("ab\ncd\n", 3, vec!["ab\n", "cd\n"]),
        ("ab\ncd\n", 100, vec!["ab\n", "cd\n"]),
        // What ended a line that filled the buffer is not the end of the input.
        ("ab\x04", 2, vec!["ab"]),
        ("ab\x04\x04", 2, vec!["ab", ""]),
        ("abc\x04", 2, vec!["ab", "c"]),
    ] {
        let pair = Pair::new();
        pair.type_in(typed.as_bytes());
        let mut read = Vec::new();
        while let Ok(line) = pair.read(count) {
            read.push(String::from_utf8(line).unwrap());
        }
        assert_eq!(read, expected, "{typed:?} {count}");
    }
}

#[test]
fn a_line_has_an_end_and_can_be_ended() {
    let pair = Pair::with("-echo");
    pair.type_in(&vec![b'x'; 2 * LINE_BYTES_MAX]);
    pair.type_in(b"y\n");
    let line = pair.read(2 * LINE_BYTES_MAX).unwrap();
    assert_eq!((line.len(), line.ends_with(b"xx\n")), (LINE_BYTES_MAX, true));
    pair.type_in(&vec![b'x'; 2 * LINE_BYTES_MAX]);
    pair.type_in(b"\x7f\x7fz\n");
    let line = pair.read(2 * LINE_BYTES_MAX).unwrap();
    assert_eq!((line.len(), line.ends_with(b"xxz\n")), (LINE_BYTES_MAX - 1, true));
}

#[test]
fn lines_nobody_reads_push_back() {
    let pair = Pair::with("-echo");
    let line = [b"x".repeat(99), b"\n".to_vec()].concat();
    let mut lines = 0;
    while pair.type_in(&line) == line.len() {
        lines += 1;
    }
    assert_eq!(lines, BUFFER_BYTES / line.len());
    assert!(!pair.master.ready().write);
    // What needs no room still works.
    assert_eq!(pair.type_in(b"\x7f\x13\x11"), 3);
    assert_eq!(pair.read(1000), Ok(line));
    assert!(pair.master.ready().write);
}

#[test]
fn settings_change_what_is_waiting() {
    let pair = Pair::with("-echo");
    pair.type_in(b"ab\x04cd\nef");
    assert_eq!(pair.slave.ready().bytes, 5);
    pair.set("-icanon");
    assert_eq!(pair.slave.ready().bytes, 8);
    assert_eq!(pair.read(100), Ok(b"ab\x00cd\nef".to_vec()));
    pair.type_in(b"ab\ncd");
    pair.set("icanon");
    assert_eq!(pair.read(100), Ok(b"ab\ncd".to_vec()));
    pair.set("-icanon");
    pair.type_in(b"ab");
    pair.set("icanon");
    // It can be read, and not erased.
    pair.type_in(b"\x7f\x15c\n");
    assert_eq!(pair.read(100), Ok(b"ab".to_vec()));
    assert_eq!(pair.read(100), Ok(b"c\n".to_vec()));
}

#[test]
fn erasing_a_tab_knows_where_the_line_began() {
    let pair = Pair::new();
    pair.write(b"prompt> ").unwrap();
    pair.type_in(b"a\t\x7f");
    assert_eq!(pair.shown(), [&b"prompt> a\t"[..], &[8; 7]].concat());
    let pair = Pair::new();
    pair.write(b"$ ").unwrap();
    pair.type_in(b"a\t\x7f");
    assert_eq!(pair.shown(), [&b"$ a\t"[..], &[8; 5]].concat());
}
