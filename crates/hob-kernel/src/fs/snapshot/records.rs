//! The records before a header: keywords and values, each with its length.

use std::collections::BTreeMap;

/// The prefix of records of extended attributes.
const ATTRIBUTE: &[u8] = b"SCHILY.xattr.";

/// The keywords that may stand alone.
const KNOWN: &[&str] = &[
    "GNU.sparse.major",
    "GNU.sparse.minor",
    "GNU.sparse.name",
    "GNU.sparse.realsize",
    "HOB.device",
    "HOB.kind",
    "atime",
    "comment",
    "ctime",
    "gid",
    "gname",
    "linkpath",
    "mtime",
    "path",
    "size",
    "uid",
    "uname",
];

/// Records by keyword, in that order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Records(BTreeMap<Vec<u8>, Vec<u8>>);

impl Records {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn set(&mut self, keyword: &str, value: impl AsRef<[u8]>) {
        self.0.insert(keyword.as_bytes().to_vec(), value.as_ref().to_vec());
    }

    pub(super) fn get(&self, keyword: &str) -> Option<&[u8]> {
        self.0.get(keyword.as_bytes()).map(Vec::as_slice)
    }

    /// A record that is a number. Errors: the rule it breaks.
    pub(super) fn number(&self, keyword: &str) -> Result<Option<u64>, &'static str> {
        self.get(keyword).map(decimal).transpose()
    }

    /// A record that is a time, in nanoseconds. Errors: the rule it breaks.
    pub(super) fn time(&self, keyword: &str) -> Result<Option<u64>, &'static str> {
        const RULE: &str = "a time is a decimal number of seconds since 1970, up to the year 2554";
        let Some(value) = self.get(keyword) else { return Ok(None) };
        let mut parts = value.splitn(2, |byte| *byte == b'.');
        let seconds = decimal(parts.next().unwrap_or_default()).map_err(|_| RULE)?;
        let mut digits = parts.next().unwrap_or_default().iter().copied();
        let mut nanos = 0;
        for _ in 0..9 {
            let digit = digits.next().unwrap_or(b'0');
            nanos = nanos * 10 + u64::from(digit.checked_sub(b'0').filter(|digit| *digit < 10).ok_or(RULE)?);
        }
        if !digits.all(|digit| digit.is_ascii_digit()) {
            return Err(RULE);
        }
        seconds.checked_mul(1_000_000_000).and_then(|time| time.checked_add(nanos)).ok_or(RULE).map(Some)
    }

    pub(super) fn set_attribute(&mut self, name: &[u8], value: Vec<u8>) {
        let mut keyword = ATTRIBUTE.to_vec();
        for byte in name {
            match byte {
                b'%' => keyword.extend(b"%25"),
                b'=' => keyword.extend(b"%3D"),
                byte => keyword.push(*byte),
            }
        }
        self.0.insert(keyword, value);
    }

    /// The extended attributes.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (Vec<u8>, &[u8])> {
        self.0.iter().filter_map(|(keyword, value)| {
            let mut rest = keyword.strip_prefix(ATTRIBUTE)?;
            let mut name = Vec::new();
            while let Some((byte, after)) = rest.split_first() {
                (rest, _) = match after.strip_prefix(b"25").filter(|_| *byte == b'%') {
                    Some(after) => (after, name.push(b'%')),
                    None => match after.strip_prefix(b"3D").filter(|_| *byte == b'%') {
                        Some(after) => (after, name.push(b'=')),
                        None => (after, name.push(*byte)),
                    },
                };
            }
            Some((name, value.as_slice()))
        })
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (keyword, value) in &self.0 {
            // The length counts its own digits.
            let rest = keyword.len() + value.len() + 3;
            let mut len = rest;
            while len != rest + len.to_string().len() {
                len = rest + len.to_string().len();
            }
            bytes.extend(len.to_string().as_bytes());
            bytes.push(b' ');
            bytes.extend(keyword);
            bytes.push(b'=');
            bytes.extend(value);
            bytes.push(b'\n');
        }
        bytes
    }

    /// Reads records. Errors: the rule they break.
    pub(super) fn parse(mut bytes: &[u8]) -> Result<Self, &'static str> {
        const RULE: &str = "a record is its length, a space, a keyword, `=`, a value and a newline";
        let mut records = BTreeMap::new();
        while !bytes.is_empty() {
            let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (number, _) = bytes.split_at_checked(digits).ok_or(RULE)?;
            let len = usize::try_from(decimal(number)?).map_err(|_| RULE)?;
            let (record, rest) = bytes.split_at_checked(len).ok_or(RULE)?;
            let record = record.get(digits..).and_then(|record| record.strip_prefix(b" ")).ok_or(RULE)?;
            let record = record.strip_suffix(b"\n").ok_or(RULE)?;
            let equals = record.iter().position(|byte| *byte == b'=').ok_or(RULE)?;
            let (keyword, value) = record.split_at_checked(equals).ok_or(RULE)?;
            let known = KNOWN.iter().any(|known| known.as_bytes() == keyword);
            if !known && !keyword.starts_with(ATTRIBUTE) {
                return Err("the keywords of records are those a snapshot has");
            }
            let value = value.strip_prefix(b"=").ok_or(RULE)?.to_vec();
            if records.insert(keyword.to_vec(), value).is_some() {
                return Err("a keyword stands once");
            }
            bytes = rest;
        }
        Ok(Self(records))
    }
}

/// Decimal digits. Errors: the rule they break.
pub(super) fn decimal(digits: &[u8]) -> Result<u64, &'static str> {
    const RULE: &str = "numbers in records are decimal digits, and less than 2^64";
    if digits.is_empty() {
        return Err(RULE);
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10).ok_or(RULE)?;
        number.checked_mul(10).and_then(|number| number.checked_add(u64::from(digit))).ok_or(RULE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back() {
        let mut records = Records::default();
        for len in [0, 1, 90, 91, 92, 93, 984, 985, 986, 987] {
            records.set("path", vec![b'\n'; len]);
            let bytes = records.bytes();
            assert_eq!(Records::parse(&bytes).as_ref(), Ok(&records), "{len}");
        }
        records.set_attribute(b"user.%25=%", vec![0, b'=', b'\n']);
        let parsed = Records::parse(&records.bytes()).unwrap();
        assert_eq!(
            parsed.attributes().collect::<Vec<_>>(),
            [(b"user.%25=%".to_vec(), &[0, b'=', b'\n'][..])]
        );
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for bytes in [
            "",
            "x",
            "9 path=a",
            "9 path=a\n9",
            "8 path=a\n",
            "11 path=a\n",
            "7 path\n",
            "99999999999999999999999 path=a\n",
            "9 path=a\n9 path=b\n",
            "9 what=a\n",
        ] {
            assert_eq!(Records::parse(bytes.as_bytes()).is_ok(), bytes.is_empty(), "{bytes}");
        }
    }

    #[test]
    fn times_have_nanoseconds() {
        for (text, time) in [
            ("0", Ok(Some(0))),
            ("1.5", Ok(Some(1_500_000_000))),
            ("18446744073.709551615", Ok(Some(u64::MAX))),
            ("1.0000000019", Ok(Some(1_000_000_001))),
            ("18446744073.709551616", Err(())),
            ("-1", Err(())),
            ("1.x", Err(())),
            ("1.0000000000x", Err(())),
            ("", Err(())),
        ] {
            let mut records = Records::default();
            records.set("mtime", text);
            assert_eq!(records.time("mtime").map_err(drop), time, "{text}");
        }
    }
}
