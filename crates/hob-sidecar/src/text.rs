//! From bytes to the text of events. Output of a process is text in this version of the protocol: bytes that are not UTF-8
//! arrive as the replacement character. What is text stays so wherever it is cut.

/// What a stream has left of a character that was cut.
#[derive(Debug, Default)]
pub(crate) struct Text {
    cut: Vec<u8>,
}

impl Text {
    /// The text so far, without the beginning of a character that is not complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> String {
        let all = [std::mem::take(&mut self.cut).as_slice(), bytes].concat();
        let mut text = String::with_capacity(all.len());
        let mut chunks = all.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            let bad = chunk.invalid();
            if chunks.peek().is_none() && is_beginning(bad) {
                self.cut = bad.to_vec();
            } else if !bad.is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        text
    }

    /// What is left at the end.
    pub(crate) fn end(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.cut)).into_owned()
    }
}

/// Whether more bytes could make these a character.
fn is_beginning(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(pieces: &[&[u8]]) -> String {
        let mut text = Text::default();
        let mut all: String = pieces.iter().map(|piece| text.push(piece)).collect();
        all.push_str(&text.end());
        all
    }

    #[test]
    fn a_character_that_is_cut_arrives_whole() {
        assert_eq!(all(&[b"a\xf0\x9f", b"\xa6", b"\x80b"]), "a🦀b");
        assert_eq!(all(&[b"a\xf0\x9f"]), "a\u{fffd}");
        assert_eq!(all(&[b"\xff", b"a"]), "\u{fffd}a");
    }

    proptest! {
        #[test]
        fn text_is_the_same_wherever_it_is_cut(bytes: Vec<u8>, text: String, at: prop::sample::Index) {
            for bytes in [bytes.as_slice(), text.as_bytes()] {
                let (a, b) = bytes.split_at(at.index(bytes.len() + 1));
                prop_assert_eq!(all(&[a, b]), String::from_utf8_lossy(bytes));
            }
        }
    }
}
