//! The custom section in which a module says which version of the contract it was built for.
//!
//! | bytes | what |
//! |---|---|
//! | 0–1 | major version, little-endian |
//! | 2–3 | minor version |
//! | 4–7 | features the module depends on, a set of bits; 1.0 defines none, and a bit that is not defined is refused |
//! | 8–… | the name of the tool chain: UTF-8 without control characters, at most 256 bytes, to the end of the section |
//!
//! There is one such section or none. Bytes are the guest's: every one is checked, none is trusted.

use std::fmt;

use hob_engine::ModuleInfo;

use super::manifest::Version;
use super::table::SECTION;

/// Bytes before the name of the tool chain.
const HEAD_BYTES: usize = 8;

/// Bytes of the name of the tool chain, at most.
pub const TOOLCHAIN_BYTES_MAX: usize = 256;

/// What a module says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The version it was built for.
    pub version: Version,
    /// The features it depends on.
    pub features: u32,
    /// What built it; text of the guest.
    pub toolchain: String,
}

/// Why the section is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SectionError {
    /// There is more than one.
    #[error("the custom section `{SECTION}` occurs more than once; a module says its version once")]
    Repeated,
    /// It ends before the name of the tool chain.
    #[error("the custom section `{SECTION}` has {found} bytes; versions and features take {HEAD_BYTES}")]
    Short {
        /// Bytes that are there.
        found: usize,
    },
    /// The name of the tool chain is too long.
    #[error("the custom section `{SECTION}` names its tool chain in more than {TOOLCHAIN_BYTES_MAX} bytes")]
    Long,
    /// The name of the tool chain is not UTF-8, or has control characters.
    #[error(
        "the custom section `{SECTION}` names its tool chain in other than UTF-8 text, or twice: was it linked in twice?"
    )]
    Text,
}

impl Declared {
    /// Reads the section of a module, if it has one.
    ///
    /// # Errors
    ///
    /// When there is more than one, or it is not as described above.
    pub fn read(info: &ModuleInfo) -> Result<Option<Self>, SectionError> {
        let mut sections = info.own_sections.iter().filter(|section| section.name == SECTION);
        match (sections.next(), sections.next()) {
            (None, _) => Ok(None),
            (Some(_), Some(_)) => Err(SectionError::Repeated),
            (Some(section), None) => Self::parse(&section.data).map(Some),
        }
    }

    /// Reads the bytes of a section.
    ///
    /// # Errors
    ///
    /// When they are not as described above.
    pub fn parse(data: &[u8]) -> Result<Self, SectionError> {
        let short = SectionError::Short { found: data.len() };
        let (major, rest) = data.split_first_chunk().ok_or(short)?;
        let (minor, rest) = rest.split_first_chunk().ok_or(short)?;
        let (features, toolchain) = rest.split_first_chunk().ok_or(short)?;
        if toolchain.len() > TOOLCHAIN_BYTES_MAX {
            return Err(SectionError::Long);
        }
        let toolchain = std::str::from_utf8(toolchain).map_err(|_| SectionError::Text)?;
        if toolchain.chars().any(char::is_control) {
            return Err(SectionError::Text);
        }
        Ok(Self {
            version: Version { major: u16::from_le_bytes(*major), minor: u16::from_le_bytes(*minor) },
            features: u32::from_le_bytes(*features),
            toolchain: toolchain.to_owned(),
        })
    }

    /// The bytes that [`parse`](Self::parse) reads.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + self.toolchain.len());
        bytes.extend(self.version.major.to_le_bytes());
        bytes.extend(self.version.minor.to_le_bytes());
        bytes.extend(self.features.to_le_bytes());
        bytes.extend(self.toolchain.as_bytes());
        bytes
    }
}

impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", super::CONTRACT, self.version)?;
        if !self.toolchain.is_empty() {
            write!(f, " by {}", hob_cap::escape_guest_text(&self.toolchain, TOOLCHAIN_BYTES_MAX))?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn declared(toolchain: &str) -> Declared {
        Declared { version: Version { major: 1, minor: 2 }, features: 3, toolchain: toolchain.into() }
    }

    #[test]
    fn the_bytes_are_little_endian() {
        let bytes = [1, 0, 2, 0, 3, 0, 0, 0, b'c', b'c'];
        assert_eq!(Declared::parse(&bytes), Ok(declared("cc")));
        assert_eq!(declared("cc").to_bytes(), bytes);
        assert_eq!(declared("cc").to_string(), "hob-command/1.2 by cc");
    }

    #[test]
    fn what_is_written_is_read() {
        for toolchain in ["", "clang 21.1 with zig libc", "größer", &"x".repeat(TOOLCHAIN_BYTES_MAX)] {
            let all = declared(toolchain);
            assert_eq!(Declared::parse(&all.to_bytes()), Ok(all));
        }
    }

    #[test]
    fn every_cut_of_the_head_is_short() {
        let bytes = declared("").to_bytes();
        for found in 0..bytes.len() {
            assert_eq!(Declared::parse(&bytes[..found]), Err(SectionError::Short { found }));
        }
    }

    #[test]
    fn what_follows_the_name_is_refused() {
        for trailing in [&b"\0"[..], b"\n", b"\x7f", b"\xff", "\u{85}".as_bytes(), &[0xc3]] {
            let bytes = [declared("cc").to_bytes(), trailing.to_vec()].concat();
            assert_eq!(Declared::parse(&bytes), Err(SectionError::Text), "{trailing:?}");
        }
        // A linker puts sections of one name behind one another.
        let twice = [declared("cc").to_bytes(), declared("cc").to_bytes()].concat();
        assert_eq!(Declared::parse(&twice), Err(SectionError::Text));
        let long = declared(&"x".repeat(TOOLCHAIN_BYTES_MAX + 1));
        assert_eq!(Declared::parse(&long.to_bytes()), Err(SectionError::Long));
    }

    #[test]
    fn any_bytes_are_read_or_refused_and_what_is_read_is_written_the_same() {
        // A small generator: every run takes the same road.
        let mut state = 0x9e37_79b9_u32;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()
        };
        for _ in 0..20_000 {
            let len = usize::from(next()[0]) % 20;
            let bytes: Vec<u8> = (0..len).map(|_| next()[1] & next()[2]).collect();
            if let Ok(read) = Declared::parse(&bytes) {
                assert_eq!(read.to_bytes(), bytes);
            }
        }
    }
}
