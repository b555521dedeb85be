//! The custom section in which a module says what kind of actor it is: three words, `1.0 become 0`.

use hob_engine::ModuleInfo;

/// The name of the section.
pub const SECTION: &str = "hob-actor";

/// What a module says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared {
    /// What is kept between turns.
    pub mode: Mode,
    /// The version of the states it makes.
    pub version: u32,
}

/// What is kept between turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A value, and nothing else.
    Become,
    /// Memory and globals too.
    Resident,
}

/// Why the section is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SectionError {
    /// There is more than one.
    #[error("the custom section `{SECTION}` occurs more than once")]
    Repeated,
    /// It does not consist of the three words.
    #[error(
        "the custom section `{SECTION}` is not `1.0 become N` or `1.0 resident N`, with N the version of the states"
    )]
    Words,
    /// It is for another major version of the contract.
    #[error("the module is for another version of the contract than 1")]
    Version,
}

impl Default for Declared {
    /// A module that says nothing.
    fn default() -> Self {
        Self { mode: Mode::Become, version: 0 }
    }
}

impl Declared {
    /// Reads the section of a module; one that has none is `1.0 become 0`.
    ///
    /// # Errors
    ///
    /// When there is more than one, or it is not as described above.
    pub fn read(info: &ModuleInfo) -> Result<Self, SectionError> {
        let mut sections = info.own_sections.iter().filter(|section| section.name == SECTION);
        match (sections.next(), sections.next()) {
            (None, _) => Ok(Self::default()),
            (Some(_), Some(_)) => Err(SectionError::Repeated),
            (Some(section), None) => Self::parse(&section.data),
        }
    }

    /// Reads the bytes of a section.
    ///
    /// # Errors
    ///
    /// When they are not as described above.
    pub fn parse(data: &[u8]) -> Result<Self, SectionError> {
        let text = std::str::from_utf8(data).map_err(|_| SectionError::Words)?;
        let mut words = text.split(' ');
        let (Some(contract), Some(mode), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(SectionError::Words);
        };
        let (major, minor) = contract.split_once('.').ok_or(SectionError::Words)?;
        let (Some(major), Some(_)) = (number(major), number(minor)) else { return Err(SectionError::Words) };
        if major != 1 {
            return Err(SectionError::Version);
        }
        let mode = match mode {
            "become" => Mode::Become,
            "resident" => Mode::Resident,
            _ => return Err(SectionError::Words),
        };
        Ok(Self { mode, version: number(version).ok_or(SectionError::Words)? })
    }
}

/// Decimal digits, and nothing that Rust would take as a number besides.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_words_are_read_and_nothing_else() {
        let check = |text: &str, want: Result<(Mode, u32), SectionError>| {
            let read = Declared::parse(text.as_bytes()).map(|read| (read.mode, read.version));
            assert_eq!(read, want, "{text:?}");
        };
        check("1.0 become 0", Ok((Mode::Become, 0)));
        check("1.7 resident 4294967295", Ok((Mode::Resident, u32::MAX)));
        check("1.0 become 4294967296", Err(SectionError::Words));
        check("2.0 become 0", Err(SectionError::Version));
        check("1.0 become", Err(SectionError::Words));
        check("1.0  become 0", Err(SectionError::Words));
        check("1.0 become 0\n", Err(SectionError::Words));
        check("1.0 become +1", Err(SectionError::Words));
        check("1.0 become ", Err(SectionError::Words));
        check("1 become 0", Err(SectionError::Words));
        check("1.0 sleep 0", Err(SectionError::Words));
        // A linker puts sections of one name behind one another.
        check("1.0 become 01.0 become 0", Err(SectionError::Words));
        check("", Err(SectionError::Words));
        assert_eq!(Declared::parse(b"\xff"), Err(SectionError::Words));
    }
}
