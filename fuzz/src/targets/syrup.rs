//! Any bytes as Syrup are refused or read. What canonical mode reads has no second spelling, what liberal mode reads has a
//! canonical one, and a stream gives the same messages in one piece and byte by byte.

use hob_syrup::{Datum, Error, Framer, Framing, Limits, Mode, WriteError, notation};

pub(crate) fn run(bytes: &[u8]) -> Result<(), String> {
    let decode = |bytes: &[u8], mode| Datum::decode(bytes, mode, Limits::default());
    let (canonical, liberal) = (decode(bytes, Mode::Canonical), decode(bytes, Mode::Liberal));
    if let Ok(datum) = &canonical {
        if datum.encode().as_deref() != Ok(bytes) {
            return Err(format!("{datum:?} is written otherwise: {:?}", datum.encode()));
        }
        if liberal.as_ref() != Ok(datum) {
            return Err(format!("{datum:?} is read liberally as {liberal:?}"));
        }
        let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
        match decode(half, Mode::Canonical) {
            Err(error) if error.incomplete().is_some_and(|more| more <= bytes.len() - half.len()) => {}
            other => return Err(format!("the first half is read as {other:?}")),
        }
    }
    match liberal.as_ref().map(|datum| (datum, datum.encode())) {
        Ok((datum, Ok(written))) if decode(&written, Mode::Canonical).as_ref() != Ok(datum) => {
            return Err(format!("{datum:?} is written as {}", written.escape_ascii()));
        }
        Ok((_, Ok(_) | Err(WriteError::Set))) => {}
        Ok((datum, Err(error))) => return Err(format!("{datum:?} is not written: {error}")),
        Err(error) if error.to_string().chars().any(char::is_control) => {
            return Err(format!("{error:?} is not fit to show"));
        }
        Err(_) => {}
    }
    let shown = notation(bytes, 200);
    if shown.chars().any(char::is_control) || shown.chars().count() > 201 {
        return Err(format!("{shown:?} is not fit to show"));
    }
    for framing in [Framing::Raw, Framing::Sized] {
        let (whole, pieces) = (messages(framing, bytes, usize::MAX), messages(framing, bytes, 1));
        if whole != pieces {
            return Err(format!("{framing:?}: {whole:?} in one piece, {pieces:?} byte by byte"));
        }
    }
    Ok(())
}

/// The messages in a stream that comes in pieces of this size, and what is left or wrong.
fn messages(framing: Framing, bytes: &[u8], size: usize) -> (Vec<Vec<u8>>, Result<usize, Error>) {
    let mut framer = Framer::new(framing, Mode::Liberal, Limits::default());
    let mut found = Vec::new();
    for piece in bytes.chunks(size) {
        framer.push(piece);
        loop {
            match framer.next_message() {
                Ok(Some(message)) => found.push(message.to_vec()),
                Ok(None) => break,
                // Where a limit is noticed depends on what has come; the inputs are far from any.
                Err(error) => return (found, Err(error)),
            }
        }
    }
    (found, Ok(framer.pending()))
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let seeds: [&[u8]; 8] = [
        b"<10'op:deliver<11'desc:export0+>[5'fetch3:abc]f<18'desc:import-object0+>>",
        b"<9'op:listen<11'desc:export3+><18'desc:import-object4+>f>",
        b"<10'ocapn-peer16'tcp-testing-only3\"a2e{4\"host9\"127.0.0.14\"port5\"22045}>",
        b"[5-D@\x04\0\0\0\0\0\0tf1180591620717411303424+F\x3f\xc0\0\0]",
        b"{1\"bt2\"aa{1'k[]1'l[]}10:0123456789<1'x>}",
        b" [ 1+ #2:\0\xff 3\"a\"b$ ] ",
        b"12:<4'void><4'>12:<1'a<4'void>>",
        b"D\x7f\xf8\0\0\0\0\0\0",
    ];
    seeds.iter().map(|seed| seed.to_vec()).collect()
}
