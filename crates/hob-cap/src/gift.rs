//! Gifts: grants one by one, under names, for who hands out objects instead of a world.
//!
//! A guest with a world is granted a policy; an actor is given objects, each of them one part of what a machine has. A gift is such a
//! part in words, so that the flags of both are one grammar.

use std::fmt;

use crate::flag::Word;
use crate::grant::{Access, ClockGrant, FsGrant, GrantError, RandomGrant};
use crate::net::NetGrant;

/// One part of what a machine has, in words. It opens nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gift {
    /// A subtree of files; the guest path is `/`.
    Directory(FsGrant),
    /// A clock.
    Clock(ClockGrant),
    /// Randomness.
    Random(RandomGrant),
    /// Lines in, text out.
    Console,
    /// Outbound requests.
    Net(NetGrant),
}

/// A gift and the name under which it is handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The name: a letter, then letters, digits, `-` and `_`.
    pub name: String,
    /// What it names.
    pub gift: Gift,
}

const FORMS: &str = "gift (dir:PATH[:ro|:rw], clock[:real|:coarse|:virtual|:none], random[:SEED|:none], console, net:PATTERN)";

impl Gift {
    /// Reads `dir:PATH[:ro|:rw]`, `clock[:KIND]`, `random[:SEED]`, `console` or `net:PATTERN`. What comes after the colon is what
    /// the flag of that grant takes; a directory may only be read unless it says `:rw`.
    ///
    /// ```
    /// use hob_cap::Gift;
    /// assert_eq!(Gift::parse("dir:../notes:rw")?.to_string(), "dir:../notes:rw");
    /// # Ok::<(), hob_cap::GrantError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What a gift looks like.
    pub fn parse(text: &str) -> Result<Self, GrantError> {
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (kind, Some(rest)),
            None => (text, None),
        };
        let wrong = |why: String| GrantError::new(text, FORMS, why);
        match (kind, rest) {
            ("dir", Some(path)) => {
                // The whole of it is what is given, so it needs no name to be seen under.
                if path.contains("::") {
                    return Err(wrong("a directory that is given has no guest path".into()));
                }
                let (host, access) = match path.rsplit_once(':') {
                    Some((host, "ro")) => (host, Access::Read),
                    Some((host, "rw")) => (host, Access::ReadWrite),
                    _ => (path, Access::Read),
                };
                Ok(Self::Directory(FsGrant::parse(&format!("{host}::/:{access}"))?))
            }
            ("clock", kind) => Ok(Self::Clock(ClockGrant::parse(kind.unwrap_or("real"))?)),
            ("random", seed) => Ok(Self::Random(RandomGrant::parse(seed.unwrap_or("real"))?)),
            ("console", None) => Ok(Self::Console),
            ("net", Some(pattern)) => Ok(Self::Net(NetGrant::parse(pattern)?)),
            ("dir" | "net", None) => Err(wrong(format!("`{kind}:` needs something after it"))),
            _ => Err(wrong("it begins with none of dir:, clock, random, console, net:".into())),
        }
    }
}

impl Given {
    /// Reads `NAME=GIFT`.
    ///
    /// ```
    /// use hob_cap::Given;
    /// assert_eq!(Given::parse("docs=dir:.")?.name, "docs");
    /// # Ok::<(), hob_cap::GrantError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What a name or a gift looks like.
    pub fn parse(text: &str) -> Result<Self, GrantError> {
        let wrong = |why: &str| GrantError::new(text, "gift (NAME=GIFT)", why);
        let (name, gift) = text.split_once('=').ok_or_else(|| wrong("a name and `=` come first"))?;
        let mut letters = name.chars();
        let begins = letters.next().is_some_and(|first| first.is_ascii_alphabetic());
        if !begins || !letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) || name.len() > 64
        {
            return Err(wrong("a name is a letter, then letters, digits, `-` and `_`, 64 at most"));
        }
        Ok(Self { name: name.into(), gift: Gift::parse(gift)? })
    }
}

impl fmt::Display for Gift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(grant) => Word(&format!("dir:{}:{}", grant.host, grant.access)).fmt(f),
            Self::Clock(grant) => write!(f, "clock:{}", grant.to_string().trim_start_matches("--clock=")),
            Self::Random(RandomGrant::Real) => f.write_str("random"),
            Self::Random(RandomGrant::None) => f.write_str("random:none"),
            Self::Random(RandomGrant::Seeded(seed)) => write!(f, "random:{seed}"),
            Self::Console => f.write_str("console"),
            Self::Net(grant) => Word(&format!("net:{grant}")).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gifts_are_read_or_refused() {
        let check = |text: &str, want: Option<&str>| {
            assert_eq!(Gift::parse(text).ok().map(|gift| gift.to_string()).as_deref(), want, "{text}");
        };
        check("dir:notes", Some("dir:notes:ro"));
        check("dir:../notes:rw", Some("dir:../notes:rw"));
        check("dir:/a:b:ro", Some("dir:/a:b:ro"));
        check("dir:my notes", Some("'dir:my notes:ro'"));
        check("dir:a::/b", None);
        check("dir:", None);
        check("dir", None);
        check("clock", Some("clock:real"));
        check("clock:virtual", Some("clock:virtual"));
        check("clock:fast", None);
        check("random", Some("random"));
        check("random:7", Some("random:7"));
        check("random:x", None);
        check("console", Some("console"));
        check("console:x", None);
        check("net:[GET] https://example.com", Some("'net:[GET] https://example.com:443'"));
        check("net:example.com", None);
        check("net", None);
        check("", None);
        check("everything", None);
    }

    #[test]
    fn a_gift_has_a_name() {
        let check = |text: &str, want: Option<&str>| {
            assert_eq!(Given::parse(text).ok().map(|given| given.name).as_deref(), want, "{text}");
        };
        check("docs=dir:.", Some("docs"));
        check("a-b_1=clock", Some("a-b_1"));
        check("=clock", None);
        check("1a=clock", None);
        check("a b=clock", None);
        check("clock", None);
        check("a=nothing", None);
        check(&format!("{}=clock", "a".repeat(64)), Some(&"a".repeat(64)));
        check(&format!("{}=clock", "a".repeat(65)), None);
    }
}
