//! The settings of a terminal.
//!
//! Flags are kept as Linux's words and control characters in its order, so that a program which reads, changes one bit
//! and sets again loses nothing, not even what this terminal does not act upon.
//!
//! The commands' contract carries less: one word of flags and seven characters ([`Termios::basic`]). Its numbers are
//! stable; setting them leaves everything else as it was:
//!
//! | bit | flag | bit | flag | bit | flag |
//! |---|---|---|---|---|---|
//! | 0 | icrnl | 8 | echonl | 16 | noflsh |
//! | 1 | opost | 9 | iexten | 17 | iutf8 |
//! | 2 | onlcr | 10 | ixon | 18 | echoctl |
//! | 3 | icanon | 11 | inlcr | 19 | echoke |
//! | 4 | echo | 12 | igncr | 20 | ocrnl |
//! | 5 | isig | 13 | istrip | 21 | onocr |
//! | 6 | echoe | 14 | tostop | 22 | onlret |
//! | 7 | echok | 15 | ixany | | |
//!
//! The characters are intr, quit, susp, eof, erase, kill, werase; 0 switches one off.

macro_rules! flags {
    ($(#[$doc:meta])* $name:ident { $($flag:ident = $bits:literal: $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name(u32);

        impl $name {
            $(#[doc = $text] pub const $flag: Self = Self($bits);)*

            /// The flags of Linux's word. Bits without a name here are kept.
            #[must_use]
            pub const fn from_bits(bits: u32) -> Self {
                Self(bits)
            }

            /// Linux's word.
            #[must_use]
            pub const fn bits(self) -> u32 {
                self.0
            }

            /// Whether all of `flags` are on.
            #[must_use]
            pub const fn has(self, flags: Self) -> bool {
                self.0 & flags.0 == flags.0
            }

            /// The same with `flags` on.
            #[must_use]
            pub const fn with(self, flags: Self) -> Self {
                Self(self.0 | flags.0)
            }

            /// The same with `flags` off.
            #[must_use]
            pub const fn without(self, flags: Self) -> Self {
                Self(self.0 & !flags.0)
            }
        }
    };
}

flags! {
    /// What happens to what is typed before it is looked at: `c_iflag`.
    InputFlags {
        PARMRK = 0o10: "A typed byte 255 is read as two.",
        ISTRIP = 0o40: "Takes the eighth bit away.",
        INLCR = 0o100: "A typed newline is a carriage return.",
        IGNCR = 0o200: "A typed carriage return is nothing.",
        ICRNL = 0o400: "A typed carriage return is a newline.",
        IUCLC = 0o1000: "Letters of ASCII become small ones; Linux takes what is typed for Latin-1.",
        IXON = 0o2000: "Output can be stopped and started by typing.",
        IXANY = 0o4000: "Anything typed starts stopped output.",
        IUTF8 = 0o40000: "What is typed is UTF-8: a character may be several bytes.",
    }
}

flags! {
    /// What happens to what is written: `c_oflag`.
    OutputFlags {
        OPOST = 0o1: "Any of the others are looked at.",
        OLCUC = 0o2: "Letters of ASCII become capital ones; Linux takes what is written for Latin-1.",
        ONLCR = 0o4: "A newline is a carriage return and a newline.",
        OCRNL = 0o10: "A carriage return is a newline.",
        ONOCR = 0o20: "A carriage return at the start of a line is nothing.",
        ONLRET = 0o40: "A newline goes to the start of the line by itself.",
        XTABS = 0o14000: "A tab is spaces.",
    }
}

flags! {
    /// What a serial line would do: `c_cflag`. Kept, but without an effect.
    ControlFlags {
        CSIZE = 0o60: "The bits of a byte.",
        CS8 = 0o60: "Eight bits of a byte.",
        CREAD = 0o200: "Takes what is typed.",
        PARENB = 0o400: "A bit of parity.",
        B38400 = 0o17: "The speed a terminal says it has.",
    }
}

flags! {
    /// What the terminal does by itself: `c_lflag`.
    LocalFlags {
        ISIG = 0o1: "Some characters are signals.",
        ICANON = 0o2: "Lines are edited, and read whole.",
        ECHO = 0o10: "What is typed is shown.",
        ECHOE = 0o20: "What is erased is wiped out.",
        ECHOK = 0o40: "After the line is killed comes a newline.",
        ECHONL = 0o100: "A newline is shown though nothing else is.",
        NOFLSH = 0o200: "A signal leaves what was typed and written.",
        TOSTOP = 0o400: "A program in the background that writes is stopped.",
        ECHOCTL = 0o1000: "A control character is shown as `^` and a letter.",
        ECHOPRT = 0o2000: "What is erased is shown again, between `\\` and `/`.",
        ECHOKE = 0o4000: "A killed line is wiped out.",
        IEXTEN = 0o100000: "Words are erased, lines shown again, characters taken literally.",
    }
}

/// The control characters; one that is 0 is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Characters {
    /// Interrupts the foreground.
    pub interrupt: u8,
    /// Makes the foreground quit.
    pub quit: u8,
    /// Erases a character.
    pub erase: u8,
    /// Erases the line.
    pub kill: u8,
    /// Ends the input, or the line without a newline.
    pub end_of_file: u8,
    /// Tenths of a second an unedited read waits.
    pub time: u8,
    /// Bytes an unedited read waits for.
    pub minimum: u8,
    /// Kept, without an effect.
    pub switch: u8,
    /// Starts output.
    pub start: u8,
    /// Stops output.
    pub stop: u8,
    /// Stops the foreground.
    pub suspend: u8,
    /// Ends a line like a newline does.
    pub end_of_line: u8,
    /// Shows the line again.
    pub reprint: u8,
    /// Kept, without an effect.
    pub discard: u8,
    /// Erases a word.
    pub word_erase: u8,
    /// Takes the next character as it is.
    pub literal_next: u8,
    /// Ends a line like a newline does.
    pub end_of_line2: u8,
}

impl Characters {
    /// How many Linux's kernel keeps.
    pub const COUNT: usize = 19;

    /// Linux's array.
    #[must_use]
    pub const fn to_linux(&self) -> [u8; Self::COUNT] {
        [
            self.interrupt,
            self.quit,
            self.erase,
            self.kill,
            self.end_of_file,
            self.time,
            self.minimum,
            self.switch,
            self.start,
            self.stop,
            self.suspend,
            self.end_of_line,
            self.reprint,
            self.discard,
            self.word_erase,
            self.literal_next,
            self.end_of_line2,
            0,
            0,
        ]
    }

    /// The characters of Linux's array.
    #[must_use]
    pub const fn from_linux(array: [u8; Self::COUNT]) -> Self {
        let [
            interrupt,
            quit,
            erase,
            kill,
            end_of_file,
            time,
            minimum,
            switch,
            start,
            stop,
            suspend,
            end_of_line,
            reprint,
            discard,
            word_erase,
            literal_next,
            end_of_line2,
            _,
            _,
        ] = array;
        Self {
            interrupt,
            quit,
            erase,
            kill,
            end_of_file,
            time,
            minimum,
            switch,
            start,
            stop,
            suspend,
            end_of_line,
            reprint,
            discard,
            word_erase,
            literal_next,
            end_of_line2,
        }
    }
}

impl Default for Characters {
    fn default() -> Self {
        let control = |letter: u8| letter & 0x1f;
        Self {
            interrupt: control(b'C'),
            quit: control(b'\\'),
            erase: 0x7f,
            kill: control(b'U'),
            end_of_file: control(b'D'),
            time: 0,
            minimum: 1,
            switch: 0,
            start: control(b'Q'),
            stop: control(b'S'),
            suspend: control(b'Z'),
            end_of_line: 0,
            reprint: control(b'R'),
            discard: control(b'O'),
            word_erase: control(b'W'),
            literal_next: control(b'V'),
            end_of_line2: 0,
        }
    }
}

/// All settings. They begin as those of Linux, and UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Termios {
    /// `c_iflag`.
    pub input: InputFlags,
    /// `c_oflag`.
    pub output: OutputFlags,
    /// `c_cflag`.
    pub control: ControlFlags,
    /// `c_lflag`.
    pub local: LocalFlags,
    /// `c_cc`.
    pub characters: Characters,
}

impl Default for Termios {
    fn default() -> Self {
        Self {
            input: InputFlags::ICRNL.with(InputFlags::IXON).with(InputFlags::IUTF8),
            output: OutputFlags::OPOST.with(OutputFlags::ONLCR),
            control: ControlFlags::B38400.with(ControlFlags::CS8).with(ControlFlags::CREAD),
            local: [
                LocalFlags::ICANON,
                LocalFlags::ECHO,
                LocalFlags::ECHOE,
                LocalFlags::ECHOK,
                LocalFlags::ECHOCTL,
                LocalFlags::ECHOKE,
                LocalFlags::IEXTEN,
            ]
            .into_iter()
            .fold(LocalFlags::ISIG, LocalFlags::with),
            characters: Characters::default(),
        }
    }
}

/// What the commands' contract carries: a word of flags, and seven characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basic {
    /// The flags, in the order of this module's table.
    pub flags: u32,
    /// intr, quit, susp, eof, erase, kill, werase.
    pub characters: [u8; 7],
}

/// Which word a flag of the contract is in.
#[derive(Clone, Copy)]
enum Word {
    Input(InputFlags),
    Output(OutputFlags),
    Local(LocalFlags),
}

/// The flags of the contract; the bit is the index.
const BASIC: [Word; 23] = [
    Word::Input(InputFlags::ICRNL),
    Word::Output(OutputFlags::OPOST),
    Word::Output(OutputFlags::ONLCR),
    Word::Local(LocalFlags::ICANON),
    Word::Local(LocalFlags::ECHO),
    Word::Local(LocalFlags::ISIG),
    Word::Local(LocalFlags::ECHOE),
    Word::Local(LocalFlags::ECHOK),
    Word::Local(LocalFlags::ECHONL),
    Word::Local(LocalFlags::IEXTEN),
    Word::Input(InputFlags::IXON),
    Word::Input(InputFlags::INLCR),
    Word::Input(InputFlags::IGNCR),
    Word::Input(InputFlags::ISTRIP),
    Word::Local(LocalFlags::TOSTOP),
    Word::Input(InputFlags::IXANY),
    Word::Local(LocalFlags::NOFLSH),
    Word::Input(InputFlags::IUTF8),
    Word::Local(LocalFlags::ECHOCTL),
    Word::Local(LocalFlags::ECHOKE),
    Word::Output(OutputFlags::OCRNL),
    Word::Output(OutputFlags::ONOCR),
    Word::Output(OutputFlags::ONLRET),
];

impl Termios {
    /// Settings that pass every byte as it is: those of `cfmakeraw`.
    #[must_use]
    pub fn raw(self) -> Self {
        // IGNBRK, BRKINT, PARMRK, ISTRIP, INLCR, IGNCR, ICRNL and IXON.
        let input = InputFlags::from_bits(0o2753);
        let local = [LocalFlags::ECHONL, LocalFlags::ICANON, LocalFlags::ISIG, LocalFlags::IEXTEN]
            .into_iter()
            .fold(LocalFlags::ECHO, LocalFlags::with);
        Self {
            input: self.input.without(input),
            output: self.output.without(OutputFlags::OPOST),
            control: self.control.without(ControlFlags::PARENB).with(ControlFlags::CS8),
            local: self.local.without(local),
            characters: Characters { minimum: 1, time: 0, ..self.characters },
        }
    }

    /// What the commands' contract carries of it.
    #[must_use]
    pub fn basic(&self) -> Basic {
        let on = |word: Word| match word {
            Word::Input(flag) => self.input.has(flag),
            Word::Output(flag) => self.output.has(flag),
            Word::Local(flag) => self.local.has(flag),
        };
        let flags =
            BASIC.into_iter().zip(0..).fold(0, |flags, (word, bit)| flags | (u32::from(on(word)) << bit));
        let own = self.characters;
        let characters =
            [own.interrupt, own.quit, own.suspend, own.end_of_file, own.erase, own.kill, own.word_erase];
        Basic { flags, characters }
    }

    /// The same with what the commands' contract carries set. Bits it does not name are ignored.
    #[must_use]
    pub fn with_basic(mut self, basic: &Basic) -> Self {
        for (word, bit) in BASIC.into_iter().zip(0..) {
            let on = basic.flags >> bit & 1 == 1;
            match word {
                Word::Input(flag) if on => self.input = self.input.with(flag),
                Word::Input(flag) => self.input = self.input.without(flag),
                Word::Output(flag) if on => self.output = self.output.with(flag),
                Word::Output(flag) => self.output = self.output.without(flag),
                Word::Local(flag) if on => self.local = self.local.with(flag),
                Word::Local(flag) => self.local = self.local.without(flag),
            }
        }
        let [interrupt, quit, suspend, end_of_file, erase, kill, word_erase] = basic.characters;
        let characters =
            Characters { interrupt, quit, suspend, end_of_file, erase, kill, word_erase, ..self.characters };
        Self { characters, ..self }
    }

    /// The same as a pair can have it: bytes of eight bits without parity, always received.
    #[must_use]
    pub(super) fn of_a_pair(self) -> Self {
        let control =
            self.control.without(ControlFlags::PARENB).with(ControlFlags::CS8).with(ControlFlags::CREAD);
        Self { control, ..self }
    }

    /// Whether lines are edited.
    pub(super) fn edits(&self) -> bool {
        self.local.has(LocalFlags::ICANON)
    }

    /// Whether `byte` is not the first of a character.
    pub(super) fn is_continuation(&self, byte: u8) -> bool {
        self.input.has(InputFlags::IUTF8) && byte & 0xc0 == 0x80
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn settings_begin_as_those_of_linux() {
        let start = Termios::default();
        let words = [start.input.bits(), start.output.bits(), start.control.bits(), start.local.bits()];
        assert_eq!(words, [0o42400, 0o5, 0o277, 0o105073]);
        let expected = b"\x03\x1c\x7f\x15\x04\x00\x01\x00\x11\x13\x1a\x00\x12\x0f\x17\x16\x00\x00\x00";
        assert_eq!(&start.characters.to_linux(), expected);
        let raw = start.raw();
        let words = [raw.input.bits(), raw.output.bits(), raw.control.bits(), raw.local.bits()];
        assert_eq!(words, [0o40000, 0o4, 0o277, 0o5060]);
    }

    #[test]
    fn the_contract_has_stable_numbers() {
        let basic = Termios::default().basic();
        let on = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 17, 18, 19];
        assert_eq!(basic.flags, on.into_iter().fold(0, |flags, bit| flags | 1 << bit));
        assert_eq!(&basic.characters, b"\x03\x1c\x1a\x04\x7f\x15\x17");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_set_is_read_and_nothing_else_changes(
            flags: u32,
            characters: [u8; 7],
            words: [u32; 4],
            all: [u8; 17],
        ) {
            let mut array = [0; Characters::COUNT];
            array[..17].copy_from_slice(&all);
            let before = Termios {
                input: InputFlags::from_bits(words[0]),
                output: OutputFlags::from_bits(words[1]),
                control: ControlFlags::from_bits(words[2]),
                local: LocalFlags::from_bits(words[3]),
                characters: Characters::from_linux(array),
            };
            prop_assert_eq!(before.characters.to_linux(), array);
            prop_assert_eq!(before.with_basic(&before.basic()), before);
            let after = before.with_basic(&Basic { flags, characters });
            prop_assert_eq!(after.basic(), Basic { flags: flags & 0x7f_ffff, characters });
            prop_assert_eq!(after.control, before.control);
            let restored = after.with_basic(&before.basic());
            prop_assert_eq!(restored, before);
        }
    }
}
