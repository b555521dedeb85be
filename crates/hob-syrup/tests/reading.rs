//! What is read and what is refused, by mode; field by field with errors that say what was expected; limits at and past them.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use hob_syrup::{DEPTH_MAX, Datum, Error, Kind, Limits, Mode, Raw, Reader, Token, WriteError};

/// The notation of the value, or the error.
fn read(bytes: &[u8], mode: Mode, limits: Limits) -> String {
    match Datum::decode(bytes, mode, limits) {
        Ok(datum) => {
            assert!(Raw::new(bytes, mode, limits).is_ok());
            format!("{datum:?}")
        }
        Err(error) => {
            assert_eq!(Raw::new(bytes, mode, limits), Err(error.clone()));
            error.to_string()
        }
    }
}

/// The same in either mode.
fn check(bytes: impl AsRef<[u8]>, expected: &str) {
    for mode in [Mode::Canonical, Mode::Liberal] {
        assert_eq!(read(bytes.as_ref(), mode, Limits::default()), expected);
    }
}

/// What liberal mode takes and canonical mode does not.
fn loose(bytes: impl AsRef<[u8]>, liberal: &str, canonical: &str) {
    assert_eq!(read(bytes.as_ref(), Mode::Liberal, Limits::default()), liberal);
    assert_eq!(read(bytes.as_ref(), Mode::Canonical, Limits::default()), canonical);
}

#[test]
fn atoms() {
    check("t", "t");
    check("0+", "0");
    check("10-", "-10");
    check("1180591620717411303424+", "1180591620717411303424");
    check(b"D\x80\0\0\0\0\0\0\0", "-0.0");
    check("0:", ":\"\"");
    check("6\"bj\u{f6}rn", "\"bj\u{f6}rn\"");
    check("3'a-b", "'a-b");
    check("0-", "at byte 0: zero is written 0+");
    check("00+", "at byte 0: a number begins with 0 and goes on");
    check("[01:a]", "at byte 1: a number begins with 0 and goes on");
    check("1x", "at byte 1: no value begins or goes on with `x`");
    check("x", "at byte 0: no value begins or goes on with `x`");
    check("-1", "at byte 0: no value begins or goes on with `-`");
    check(b"\x1b", "at byte 0: no value begins or goes on with the byte 0x1b");
    check(b"3\"a\xffb", "at byte 3: text is not UTF-8");
    // A surrogate.
    check(b"3'\xed\xa0\x80", "at byte 2: text is not UTF-8");
    check(b"2:\xff\0", ":\"\\xff\\x00\"");
    // What bencode has and OCapN has not.
    check("(1+)", "at byte 0: no value begins or goes on with `(`");
    check("l1+e", "at byte 0: no value begins or goes on with `l`");
}

#[test]
fn containers() {
    check("[]", "[]");
    check("[[]{}]", "[[] {}]");
    check("<1'a>", "<a>");
    check("<1\"ft>", "<\"f\" t>");
    check("{1\"at1'a0+1:af}", "{\"a\" t 'a 0 :a f}");
    check("<>", "at byte 1: a record has no label");
    check(
        "<[]1+>",
        "at byte 1: the label of a record is neither a boolean, integer, byte array, string nor symbol",
    );
    check(
        b"<D\0\0\0\0\0\0\0\0>",
        "at byte 1: the label of a record is neither a boolean, integer, byte array, string nor symbol",
    );
    check("{[]t}", "at byte 1: a key is neither a boolean, integer, byte array, string nor symbol");
    check("{{}t}", "at byte 1: a key is neither a boolean, integer, byte array, string nor symbol");
    check("{1\"a}", "at byte 4: a key has no value");
    check("[1+}", "at byte 3: `}` closes what is not open");
    check("{]", "at byte 1: `]` closes what is not open");
    check("]", "at byte 0: `]` closes what is not open");
    check("[<1'a]>", "at byte 5: `]` closes what is not open");
    check("{$}", "at byte 1: `$` closes what is not open");
    check("tt", "at byte 1: 1 bytes follow the value");
}

#[test]
fn keys_come_once() {
    let twice = |at: usize| format!("at byte {at}: a key comes twice");
    check("{1\"at1\"af}", &twice(5));
    check("{1+[{1\"at}]2+{1\"at}}", "{1 [{\"a\" t}] 2 {\"a\" t}}");
    check("{1+[{1\"at1\"at}]2+t}", &twice(9));
    loose("{1\"bt1\"at}", "{\"a\" t \"b\" t}", "at byte 5: not canonical: keys do not ascend");
    loose("{2\"aat1\"bt}", "{\"b\" t \"aa\" t}", "at byte 6: not canonical: keys do not ascend");
    let unsorted = b"{1\"bt1\"at1\"bt}";
    loose(unsorted, &twice(9), "at byte 5: not canonical: keys do not ascend");
    // The struct around goes on with its own keys.
    let around = b"{1\"b{1\"yt1\"xt}1\"bt}";
    loose(around, &twice(14), "at byte 9: not canonical: keys do not ascend");
}

#[test]
fn what_peers_send() {
    loose(" [ 1+\t\n\u{b}\u{c}\r] ", "[1]", "at byte 0: not canonical: whitespace");
    loose("[1+ ]", "[1]", "at byte 3: not canonical: whitespace");
    loose("t ", "t", "at byte 1: 1 bytes follow the value");
    loose("#1+t$", "#{1 t}", "at byte 0: not canonical: a set");
    loose(b"D\xff\xf8\0\0\0\0\0\0", "nan", "at byte 0: not canonical: a NaN other than 7ff8000000000000");
    loose(b"F\x3f\xc0\0\0", "1.5", "at byte 0: not canonical: a single float");
    loose(b"F\x7f\xc0\0\x01", "nan", "at byte 0: not canonical: a single float");
    // Whitespace stands between tokens, not within them.
    check("1 +", "at byte 1: no value begins or goes on with the byte 0x20");
    check("1 :a", "at byte 1: no value begins or goes on with the byte 0x20");
}

#[test]
fn what_is_missing_is_counted() {
    let check = |bytes: &[u8], more: usize| {
        for mode in [Mode::Canonical, Mode::Liberal] {
            let error = Raw::new(bytes, mode, Limits::default()).unwrap_err();
            assert_eq!(error.incomplete(), Some(more), "{}: {error}", bytes.escape_ascii());
        }
    };
    check(b"", 1);
    check(b"1", 1);
    check(b"12:", 12);
    check(b"12:abc", 9);
    check(b"D", 8);
    check(b"D\0\0", 6);
    check(b"[", 1);
    check(b"[[1", 3);
    check(b"[[3:a", 4);
    // A label and `>`; a key with a value and `}`.
    check(b"<", 2);
    check(b"{", 1);
    check(b"{1", 3);
    check(b"{1\"", 3);
    check(b"{1\"a", 2);
    check(b"{1\"a[", 2);
    check(b"{1\"at", 1);
}

#[test]
fn fields_are_read_one_by_one() {
    let bytes = b"<9'op:listen<11'desc:export3+>f[1+2+]{1\"k5'value}32:01234567890123456789012345678901D?\xf8\0\0\0\0\0\0t>";
    let mut r = Reader::new(bytes, Mode::Canonical, Limits::default());
    assert_eq!(r.peek(), Ok(Kind::Record));
    r.expect_record("op:listen").unwrap();
    let target = r.mark();
    assert_eq!(r.record(), Ok("desc:export"));
    assert_eq!((r.peek(), r.u64()), (Ok(Kind::Int), Ok(3)));
    r.end().unwrap();
    assert_eq!(r.since(target), b"<11'desc:export3+>");
    assert_eq!(r.optional(|r| r.i64()), Ok(None));
    r.list().unwrap();
    assert_eq!(r.optional(|r| r.i64()), Ok(Some(1)));
    assert_eq!((r.more(), r.int().map(|int| int.to_i128())), (Ok(true), Ok(Some(2))));
    assert_eq!((r.more(), r.peek()), (Ok(false), Ok(Kind::End)));
    r.end().unwrap();
    r.entries().unwrap();
    assert_eq!(r.str(), Ok("k"));
    r.expect_symbol("value").unwrap();
    r.end().unwrap();
    assert_eq!(r.array::<32>().unwrap(), b"01234567890123456789012345678901");
    assert_eq!(r.f64(), Ok(1.5));
    assert_eq!((r.depth(), r.bool(), r.next_token(), r.depth()), (1, Ok(true), Ok(Token::RecordEnd), 0));
    assert_eq!(r.offset(), bytes.len());
    r.finish().unwrap();
}

#[test]
fn values_are_taken_as_they_came() {
    let mut r = Reader::new(b"[ <1'a 1+ > 2+]", Mode::Liberal, Limits::default());
    r.list().unwrap();
    assert_eq!(r.raw_value().unwrap().as_bytes(), b"<1'a 1+ >");
    assert_eq!(r.raw_value().unwrap().as_bytes(), b"2+");
    assert_eq!(
        r.raw_value().unwrap_err().to_string(),
        "at byte 14: expected a value, found the end of the list"
    );
    r.end().unwrap();
    let raw = Raw::new(b"<1'a 1+>", Mode::Liberal, Limits::default()).unwrap();
    let passed_on = hob_syrup::encode(|w| w.list(|w| w.raw(raw)));
    assert_eq!(passed_on, Ok(b"[<1'a 1+>]".to_vec()));
    assert!(Raw::new(b"1+1+", Mode::Liberal, Limits::default()).is_err());
    assert!(Raw::new(b"", Mode::Liberal, Limits::default()).is_err());
}

#[test]
fn fields_left_over_are_skipped() {
    let mut r = Reader::new(b"[<1'a1+[2+]{1\"at}>3+]", Mode::Canonical, Limits::default());
    r.list().unwrap();
    r.expect_record("a").unwrap();
    r.skip_rest().unwrap();
    assert_eq!(r.i64(), Ok(3));
    r.skip_rest().unwrap();
    r.finish().unwrap();
}

/// What was expected and what is there; after it the reader is where it was.
#[test]
fn what_is_expected_is_said() {
    fn check<'a, T: std::fmt::Debug>(
        bytes: &'a str,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Error>,
        expected: &str,
    ) {
        let mut reader = Reader::new(bytes.as_bytes(), Mode::Canonical, Limits::default());
        reader.list().unwrap();
        let error = read(&mut reader).unwrap_err();
        assert_eq!(error.to_string(), format!("at byte {expected}"));
        assert_eq!((reader.offset(), reader.depth()), (1, 1));
        reader.skip_rest().unwrap();
        reader.finish().unwrap();
    }
    check("[t]", |r| r.int(), "1: expected an integer, found true");
    check("[1+]", |r| r.bool(), "1: expected a boolean, found the integer 1");
    check(
        "[9223372036854775808+]",
        |r| r.i64(),
        "1: expected an integer of 64 bits, found the integer 9223372036854775808",
    );
    check("[1-]", |r| r.u64(), "1: expected an integer from 0 on, of 64 bits, found the integer -1");
    check("[1'a]", |r| r.str(), "1: expected a string, found the symbol \"a\"");
    check("[1\"a]", |r| r.symbol(), "1: expected a symbol, found the string \"a\"");
    check("[1\"a]", |r| r.bytes(), "1: expected a byte array, found the string \"a\"");
    check("[3:abc]", |r| r.array::<2>(), "1: expected 2 bytes, found 3 bytes");
    check("[[]]", |r| r.f64(), "1: expected a float, found a list");
    check("[{}]", |r| r.list(), "1: expected a list, found a struct");
    check("[]", |r| r.entries(), "1: expected a struct, found the end of the list");
    check("[f]", |r| r.set(), "1: expected a set, found false");
    check("[1'a]", |r| r.expect_symbol("b"), "1: expected the symbol b, found the symbol \"a\"");
    check("[f]", |r| r.end(), "1: expected no more values, found false");
    check("[]", |r| r.skip_value(), "1: expected a value, found the end of the list");
    check("[t]", |r| r.expect_record("op:x"), "1: expected op:x, found true");
    check(
        "[<1'at>]",
        |r| r.expect_record("op:x"),
        "2: expected op:x, found a record labeled with the symbol \"a\"",
    );
    check(
        "[<1+>]",
        |r| r.record(),
        "2: expected a record labeled with a symbol, found a record labeled with the integer 1",
    );
    check("[]", |r| r.clone().finish(), "1: expected the end of the message, found the end of the list");
    check("[5'a\u{1b}[3m]", |r| r.bool(), "1: expected a boolean, found the symbol \"a\\u{1b}[3m\"");
}

/// A record that is not the one expected can be read as another, in a struct too.
#[test]
fn another_way_to_read_can_be_tried() {
    let mut r = Reader::new(b"{1\"k<1'at>1\"lt}", Mode::Canonical, Limits::default());
    r.entries().unwrap();
    assert_eq!(r.str(), Ok("k"));
    assert!(r.expect_record("b").is_err());
    r.expect_record("a").unwrap();
    assert_eq!(r.bool(), Ok(true));
    r.end().unwrap();
    assert_eq!((r.str(), r.bool()), (Ok("l"), Ok(true)));
    r.end().unwrap();
    r.finish().unwrap();
}

#[test]
fn limits_hold_at_and_past() {
    let check = |at: &[u8], past: &[u8], limits: Limits, error: &str| {
        for mode in [Mode::Canonical, Mode::Liberal] {
            assert!(Raw::new(at, mode, limits).is_ok(), "{}", at.escape_ascii());
            assert_eq!(Raw::new(past, mode, limits).unwrap_err().to_string(), error);
        }
    };
    let all = Limits::default();
    let bytes = Limits { bytes: 6, ..all };
    check(b"[2:ab]", b"[3:abc]", bytes, "at byte 6: the limit `bytes` of 6 is passed");
    check(b"[2:ab]", b"[4:abcd]", bytes, "at byte 1: the limit `bytes` of 6 is passed");
    let depth = Limits { depth: 3, ..all };
    check(b"[{t<1'a>}]", b"[{t<1'a[]>}]", depth, "at byte 7: the limit `depth` of 3 is passed");
    let digits = Limits { digits: 3, ..all };
    check(b"999+", b"1000+", digits, "at byte 0: the limit `digits` of 3 is passed");
    let values = Limits { values: 5, ..all };
    check(b"[<1'at>[]]", b"[<1'at>[][]]", values, "at byte 9: the limit `values` of 5 is passed");
    check(b"[<1'at>f]", b"[<1'at>ff]", values, "at byte 8: the limit `values` of 5 is passed");
}

#[test]
fn the_limits_of_the_default_hold() {
    let limits = Limits::default();
    let check = |bytes: &[u8], error: Option<&str>| {
        let found = Raw::new(bytes, Mode::Canonical, limits).err().map(|error| error.kind().to_string());
        assert_eq!(found.as_deref(), error);
    };
    let text = |len: usize| [format!("{len}:").into_bytes(), vec![b'x'; len]].concat();
    check(&text(limits.bytes - 8), None);
    check(&text(limits.bytes - 7), Some("the limit `bytes` of 4194304 is passed"));
    let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat().into_bytes();
    check(&nested(limits.depth), None);
    check(&nested(limits.depth + 1), Some("the limit `depth` of 64 is passed"));
    check(&[vec![b'7'; limits.digits], b"+".to_vec()].concat(), None);
    check(&vec![b'7'; limits.digits + 1], Some("the limit `digits` of 4096 is passed"));
    let many = |count: usize| [b"[".to_vec(), vec![b't'; count - 1], b"]".to_vec()].concat();
    check(&many(limits.values), None);
    check(&many(limits.values + 1), Some("the limit `values` of 262144 is passed"));
}

#[test]
fn no_reader_goes_deeper_than_it_can_remember() {
    let limits = Limits { depth: usize::MAX, ..Limits::default() };
    let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat().into_bytes();
    assert!(Raw::new(&nested(DEPTH_MAX), Mode::Canonical, limits).is_ok());
    let error = Raw::new(&nested(DEPTH_MAX + 1), Mode::Canonical, limits).unwrap_err();
    assert_eq!(error.to_string(), "at byte 128: the limit `depth` of 128 is passed");
}

/// What cannot fit is refused when that is known, not waited for.
#[test]
fn what_passes_a_limit_is_not_incomplete() {
    let check = |bytes: &[u8], limits: Limits| {
        let error = Raw::new(bytes, Mode::Liberal, limits).unwrap_err();
        assert_eq!(error.incomplete(), None, "{}: {error}", bytes.escape_ascii());
    };
    let all = Limits::default();
    check(b"999999999:", all);
    check(b"99999999999999999999\"", all);
    check(b"[[[[", Limits { bytes: 7, ..all });
    check(b"[5:a", Limits { bytes: 7, ..all });
    check(b"        ", Limits { bytes: 8, ..all });
    check(b"{1\"a", Limits { bytes: 5, ..all });
}

#[test]
fn sets_are_not_written() {
    let set = Datum::decode(b"[#t$]", Mode::Liberal, Limits::default()).unwrap();
    assert_eq!(set.encode(), Err(WriteError::Set));
}
