//! The BARE encoding, as far as the protocol needs it, strict and bounded.
//!
//! One value has one encoding: integers that vary in length have no needless bytes, booleans are 0 or 1, text is UTF-8, the
//! keys of a map differ, and nothing follows the value. Whoever reads allocates no more than what arrived: a length counts
//! for nothing before its bytes are there. The format is that of draft-devault-bare.

/// Why bytes are no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The bytes end before the value does.
    #[error("the frame ends before the value does")]
    Short,
    /// Bytes follow the value.
    #[error("bytes follow the value")]
    Long,
    /// An integer of varying length has needless bytes, or more than 64 bits.
    #[error("an integer is not written in its shortest form")]
    Integer,
    /// A boolean is neither 0 nor 1.
    #[error("a boolean is neither 0 nor 1")]
    Boolean,
    /// Text is not UTF-8.
    #[error("text is not UTF-8")]
    Text,
    /// A key is in a map twice.
    #[error("a map has a key twice")]
    Key,
    /// A tag or the value of an enumeration is not known.
    #[error("unknown {0}")]
    Tag(&'static str),
}

/// The result of reading.
pub(crate) type Result<T> = std::result::Result<T, Malformed>;

/// A value that can be written and read.
pub(crate) trait Wire: Sized {
    /// Appends its encoding.
    fn put(&self, out: &mut Vec<u8>);

    /// Reads one.
    fn take(from: &mut Reader<'_>) -> Result<Self>;
}

/// Bytes that are being read.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn bytes(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.bytes(N)?.try_into().map_err(|_| Malformed::Short)
    }

    /// An unsigned integer of varying length.
    pub(crate) fn uint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let low = u64::from(byte & 0x7f);
            if shift == 63 && low > 1 {
                return Err(Malformed::Integer);
            }
            value |= low << shift;
            if byte & 0x80 == 0 {
                return if low == 0 && shift > 0 { Err(Malformed::Integer) } else { Ok(value) };
            }
        }
        Err(Malformed::Integer)
    }

    /// How many things follow. Each takes a byte at least, so more than there are bytes is too many.
    fn count(&mut self) -> Result<usize> {
        let count = usize::try_from(self.uint()?).map_err(|_| Malformed::Short)?;
        if count > self.rest.len() { Err(Malformed::Short) } else { Ok(count) }
    }

    /// Everything that is left, unread.
    pub(crate) fn leave(&mut self) {
        self.rest = &[];
    }

    /// Refuses anything that is left.
    pub(crate) fn end(&self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Long) }
    }
}

/// Appends an unsigned integer of varying length.
pub(crate) fn put_uint(mut value: u64, out: &mut Vec<u8>) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

fn put_len(len: usize, out: &mut Vec<u8>) {
    put_uint(u64::try_from(len).unwrap_or(u64::MAX), out);
}

macro_rules! integers {
    ($($int:ty),*) => { $(
        impl Wire for $int {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn take(from: &mut Reader<'_>) -> Result<Self> {
                Ok(Self::from_le_bytes(from.array()?))
            }
        }
    )* };
}

integers!(u16, u32, u64, i32, i64);

impl Wire for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        match from.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Malformed::Boolean),
        }
    }
}

impl Wire for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_len(self.len(), out);
        out.extend_from_slice(self.as_bytes());
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        let len = from.count()?;
        std::str::from_utf8(from.bytes(len)?).map(ToOwned::to_owned).map_err(|_| Malformed::Text)
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        if bool::take(from)? { T::take(from).map(Some) } else { Ok(None) }
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_len(self.len(), out);
        self.iter().for_each(|value| value.put(out));
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        let count = from.count()?;
        // What a value takes in memory is more than what it takes on the wire: room is made as values come.
        let mut all = Self::new();
        for _ in 0..count {
            all.push(T::take(from)?);
        }
        Ok(all)
    }
}

/// A map, in the order it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map<T>(pub Vec<(String, T)>);

impl<T: Wire> Wire for Map<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_len(self.0.len(), out);
        for (key, value) in &self.0 {
            key.put(out);
            value.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        let count = from.count()?;
        let mut all = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..count {
            let key = String::take(from)?;
            if !seen.insert(key.clone()) {
                return Err(Malformed::Key);
            }
            all.push((key, T::take(from)?));
        }
        Ok(Self(all))
    }
}

/// Declares what goes over the wire: structures field by field in order, enumerations and unions with their tags.
macro_rules! wire {
    () => {};
    ($(#[$meta:meta])* struct $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty,)* } $($rest:tt)*) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the protocol's own names")]
        pub struct $name { $($(#[$fmeta])* pub $field: $type,)* }

        impl $crate::bare::Wire for $name {
            #[allow(unused_variables, reason = "some have no fields")]
            fn put(&self, out: &mut Vec<u8>) {
                $($crate::bare::Wire::put(&self.$field, out);)*
            }

            #[allow(unused_variables, reason = "some have no fields")]
            fn take(from: &mut $crate::bare::Reader<'_>) -> $crate::bare::Result<Self> {
                Ok(Self { $($field: $crate::bare::Wire::take(from)?,)* })
            }
        }

        #[cfg(test)]
        impl $crate::sample::Sample for $name {
            #[allow(unused_variables, reason = "some have no fields")]
            fn sample(dice: &mut $crate::sample::Dice) -> Self {
                Self { $($field: $crate::sample::Sample::sample(dice),)* }
            }
        }

        $crate::bare::wire!($($rest)*);
    };
    ($(#[$meta:meta])* enum $name:ident { $($variant:ident = $tag:literal,)* } $($rest:tt)*) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the protocol's own names")]
        pub enum $name { $($variant,)* }

        impl $crate::bare::Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                $crate::bare::put_uint(match self { $(Self::$variant => $tag,)* }, out);
            }

            fn take(from: &mut $crate::bare::Reader<'_>) -> $crate::bare::Result<Self> {
                match from.uint()? {
                    $($tag => Ok(Self::$variant),)*
                    _ => Err($crate::bare::Malformed::Tag(stringify!($name))),
                }
            }
        }

        #[cfg(test)]
        impl $crate::sample::Sample for $name {
            fn sample(dice: &mut $crate::sample::Dice) -> Self {
                let all = [$(Self::$variant,)*];
                all[dice.below(all.len())]
            }
        }

        $crate::bare::wire!($($rest)*);
    };
    ($(#[$meta:meta])* union $name:ident { $($variant:ident($type:ty) = $tag:literal,)* } $($rest:tt)*) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the protocol's own names")]
        pub enum $name { $($variant($type),)* }

        impl $crate::bare::Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                match self { $(Self::$variant(value) => {
                    $crate::bare::put_uint($tag, out);
                    $crate::bare::Wire::put(value, out);
                })* }
            }

            fn take(from: &mut $crate::bare::Reader<'_>) -> $crate::bare::Result<Self> {
                match from.uint()? {
                    $($tag => $crate::bare::Wire::take(from).map(Self::$variant),)*
                    _ => Err($crate::bare::Malformed::Tag(stringify!($name))),
                }
            }
        }

        #[cfg(test)]
        impl $crate::sample::Sample for $name {
            fn sample(dice: &mut $crate::sample::Dice) -> Self {
                let all: &[fn(&mut $crate::sample::Dice) -> Self] =
                    &[$(|dice| Self::$variant($crate::sample::Sample::sample(dice)),)*];
                all[dice.below(all.len())](dice)
            }
        }

        $crate::bare::wire!($($rest)*);
    };
}

pub(crate) use wire;

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Wire>(bytes: &[u8]) -> Result<T> {
        let mut reader = Reader::new(bytes);
        let value = T::take(&mut reader)?;
        reader.end()?;
        Ok(value)
    }

    fn same<T: Wire + PartialEq + std::fmt::Debug>(value: T, bytes: &[u8]) {
        let mut out = Vec::new();
        value.put(&mut out);
        assert_eq!(out, bytes);
        assert_eq!(read::<T>(bytes), Ok(value));
    }

    #[test]
    fn values_are_written_as_the_format_says() {
        same(0x0102u16, &[2, 1]);
        same(-2i32, &[0xfe, 0xff, 0xff, 0xff]);
        same(String::from("é"), &[2, 0xc3, 0xa9]);
        same(Some(true), &[1, 1]);
        same(None::<bool>, &[0]);
        same(vec![1u16, 2], &[2, 1, 0, 2, 0]);
        same(Map(vec![("a".into(), false)]), &[1, 1, b'a', 0]);
        for (value, bytes) in [(0, &[0][..]), (127, &[127]), (128, &[128, 1]), (300, &[0xac, 2])] {
            let mut out = Vec::new();
            put_uint(value, &mut out);
            assert_eq!((out.as_slice(), Reader::new(bytes).uint()), (bytes, Ok(value)));
        }
        let mut out = Vec::new();
        put_uint(u64::MAX, &mut out);
        assert_eq!((out.len(), Reader::new(&out).uint()), (10, Ok(u64::MAX)));
    }

    #[test]
    fn a_value_has_one_encoding() {
        assert_eq!(read::<bool>(&[2]), Err(Malformed::Boolean));
        assert_eq!(Reader::new(&[0x80, 0]).uint(), Err(Malformed::Integer));
        assert_eq!(Reader::new(&[0xff; 11]).uint(), Err(Malformed::Integer));
        assert_eq!(
            Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]).uint(),
            Err(Malformed::Integer)
        );
        assert_eq!(read::<String>(&[1, 0xff]), Err(Malformed::Text));
        assert_eq!(read::<Map<bool>>(&[2, 1, b'a', 0, 1, b'a', 0]), Err(Malformed::Key));
        assert_eq!(read::<u16>(&[1, 2, 3]), Err(Malformed::Long));
    }

    #[test]
    fn a_length_counts_for_nothing_before_its_bytes_are_there() {
        let mut huge = Vec::new();
        put_uint(u64::MAX, &mut huge);
        assert_eq!(read::<String>(&huge), Err(Malformed::Short));
        assert_eq!(read::<Vec<u64>>(&huge), Err(Malformed::Short));
        assert_eq!(read::<Map<u64>>(&[200, 1, 0]), Err(Malformed::Short));
    }
}
