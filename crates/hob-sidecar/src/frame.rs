//! Frames on a stream: four bytes of length, the highest first, and as many bytes.

use std::io::{self, ErrorKind, Read, Write};

/// Bytes of a frame when nobody says otherwise.
pub const FRAME_BYTES: u32 = 1 << 20;

/// The least and the most that may be said.
pub const FRAME_BYTES_RANGE: std::ops::RangeInclusive<u32> = (64 << 10)..=(64 << 20);

/// Reads a frame; `None` at the end of the stream.
///
/// # Errors
///
/// Those of the stream; it ends within a frame; the frame has more than `max` bytes, of which none is read.
pub fn read(from: &mut impl Read, max: u32) -> io::Result<Option<Vec<u8>>> {
    let mut prefix = [0; 4];
    let mut have = 0;
    while let Some(rest) = prefix.get_mut(have..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) if have == 0 => return Ok(None),
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(len) => have += len,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let len = u32::from_be_bytes(prefix);
    if len > max {
        let what = format!("a frame of {len} bytes; there may be {max}");
        return Err(io::Error::new(ErrorKind::InvalidData, what));
    }
    // A length counts for nothing before its bytes are there.
    let mut bytes = Vec::new();
    from.take(u64::from(len)).read_to_end(&mut bytes)?;
    if u32::try_from(bytes.len()) != Ok(len) {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(bytes))
}

/// Writes a frame.
///
/// # Errors
///
/// Those of the stream; a frame that has no length.
pub fn write(bytes: &[u8], to: &mut impl Write) -> io::Result<()> {
    let len = u32::try_from(bytes.len()).map_err(|_| io::Error::from(ErrorKind::InvalidData))?;
    // Together, so that a reader is woken once.
    to.write_all(&[&len.to_be_bytes(), bytes].concat())?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_they_were_written() {
        let mut stream = Vec::new();
        write(b"one", &mut stream).unwrap();
        write(b"", &mut stream).unwrap();
        assert_eq!(stream, b"\0\0\0\x03one\0\0\0\0");
        let mut from = stream.as_slice();
        assert_eq!(read(&mut from, 3).unwrap().as_deref(), Some(&b"one"[..]));
        assert_eq!(read(&mut from, 3).unwrap().as_deref(), Some(&b""[..]));
        assert_eq!(read(&mut from, 3).unwrap(), None);
    }

    #[test]
    fn a_frame_that_is_too_long_or_ends_is_refused() {
        let check = |bytes: &[u8], kind| assert_eq!(read(&mut &*bytes, 3).unwrap_err().kind(), kind);
        check(&[0, 0, 0, 4, 1, 2, 3, 4], ErrorKind::InvalidData);
        check(&[0xff; 8], ErrorKind::InvalidData);
        check(&[0, 0, 0, 2, 1], ErrorKind::UnexpectedEof);
        check(&[0, 0], ErrorKind::UnexpectedEof);
    }
}
