//! Grants: authority as values that can be named, compared, narrowed and shown.
//!
//! A grant says *what* is handed out, in terms a person can judge. It opens nothing: turning a grant into an open
//! directory or a socket is another crate's work.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::flag::Word;
use crate::path::GuestPath;

/// What may be done with a subtree. Reading is less than reading and writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Access {
    /// Look and read.
    #[serde(rename = "ro")]
    Read,
    /// Look, read, create, change and remove.
    #[serde(rename = "rw")]
    ReadWrite,
}

/// A subtree of a file system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FsGrant {
    /// Which subtree of the host: a label that this crate compares and never opens.
    pub host: String,
    /// Where the guest sees it.
    pub guest: GuestPath,
    /// What may be done with it.
    pub access: Access,
}

/// One environment variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "EnvText")]
pub struct EnvGrant {
    /// Its name.
    pub key: String,
    /// Its value; `None` hands on the value the host itself has.
    pub value: Option<String>,
}

/// A variable as a file spells it, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvText {
    key: String,
    value: Option<String>,
}

/// Which clock a guest reads. Each shows more of the world than the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockGrant {
    /// A clock that stands still.
    #[default]
    None,
    /// A clock that starts at a fixed time and moves when it is read or slept on: the same in every run.
    Virtual,
    /// The host's clocks, in steps of a millisecond.
    Coarse,
    /// The host's clocks.
    Real,
}

/// Where a guest's randomness comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RandomGrant {
    /// Nowhere: asking fails.
    #[default]
    None,
    /// A stream that this seed determines: the same in every run, and no secret.
    Seeded(u64),
    /// The host.
    Real,
}

/// Which standard streams are connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StdioGrant {
    /// Standard input.
    pub stdin: bool,
    /// Standard output.
    pub stdout: bool,
    /// Standard error.
    pub stderr: bool,
}

/// A host object that the embedder hands in under a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HostObject(pub String);

/// Why a text is no grant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is no {kind}: {why}")]
pub struct GrantError {
    pub(crate) shown: String,
    pub(crate) kind: &'static str,
    pub(crate) why: String,
}

impl GrantError {
    pub(crate) fn new(text: &str, kind: &'static str, why: impl Into<String>) -> Self {
        Self { shown: crate::escape_guest_text(text, 200), kind, why: why.into() }
    }
}

impl FsGrant {
    /// Reads `HOST[::GUEST][:ro|:rw]`. Without `GUEST` the guest sees the subtree under the name it has on the host;
    /// without an access it may only read.
    ///
    /// ```
    /// use hob_cap::{Access, FsGrant};
    /// let grant = FsGrant::parse("./in::/data:rw")?;
    /// assert_eq!((grant.guest.as_str(), grant.access), ("/data", Access::ReadWrite));
    /// # Ok::<(), hob_cap::GrantError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What a directory grant looks like.
    pub fn parse(text: &str) -> Result<Self, GrantError> {
        let wrong = |why: String| GrantError::new(text, "directory grant (HOST[::GUEST][:ro|:rw])", why);
        let (rest, access) = match text.rsplit_once(':') {
            Some((rest, "ro")) => (rest, Access::Read),
            Some((rest, "rw")) => (rest, Access::ReadWrite),
            _ => (text, Access::Read),
        };
        let (host, guest) = rest.split_once("::").unwrap_or((rest, rest));
        if host.is_empty() {
            return Err(wrong("the host directory is missing".into()));
        }
        let guest = GuestPath::new(guest).map_err(|error| wrong(format!("{error}; name one after `::`")))?;
        Ok(Self { host: host.into(), guest, access })
    }
}

impl EnvGrant {
    /// Reads `KEY` (hand on the host's value) or `KEY=VALUE`.
    ///
    /// # Errors
    ///
    /// What an environment grant looks like.
    pub fn parse(text: &str) -> Result<Self, GrantError> {
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value.to_owned())),
            None => (text, None),
        };
        Self::new(key, value)
    }

    /// A variable with its value, or the host's value.
    ///
    /// # Errors
    ///
    /// When the key is empty or holds `=` or a NUL byte, or the value holds a NUL byte.
    pub fn new(key: &str, value: Option<String>) -> Result<Self, GrantError> {
        let wrong = |why| Err(GrantError::new(key, "environment grant (KEY or KEY=VALUE)", why));
        if key.is_empty() {
            return wrong("the key is empty");
        }
        if key.contains(['=', '\0']) || value.as_ref().is_some_and(|value| value.contains('\0')) {
            return wrong("a key holds neither `=` nor NUL, a value no NUL");
        }
        Ok(Self { key: key.into(), value })
    }
}

impl TryFrom<EnvText> for EnvGrant {
    type Error = GrantError;

    fn try_from(text: EnvText) -> Result<Self, GrantError> {
        Self::new(&text.key, text.value)
    }
}

impl ClockGrant {
    /// Reads `real`, `coarse`, `virtual` or `none`.
    ///
    /// # Errors
    ///
    /// What a clock is.
    pub fn parse(text: &str) -> Result<Self, GrantError> {
        match text {
            "none" => Ok(Self::None),
            "virtual" => Ok(Self::Virtual),
            "coarse" => Ok(Self::Coarse),
            "real" => Ok(Self::Real),
            _ => Err(GrantError::new(text, "clock", "a clock is real, coarse, virtual or none")),
        }
    }
}

impl RandomGrant {
    /// Reads `real`, `none`, or a seed.
    ///
    /// # Errors
    ///
    /// What randomness is.
    pub fn parse(text: &str) -> Result<Self, GrantError> {
        let why = "randomness is real, none, or a seed, a number";
        match text {
            "none" => Ok(Self::None),
            "real" => Ok(Self::Real),
            seed => seed.parse().map(Self::Seeded).map_err(|_| GrantError::new(text, "randomness", why)),
        }
    }
}

impl StdioGrant {
    /// All three streams.
    #[must_use]
    pub fn all() -> Self {
        Self { stdin: true, stdout: true, stderr: true }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "ro",
            Self::ReadWrite => "rw",
        })
    }
}

/// As the flag that grants it.
impl fmt::Display for FsGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = format!("{}::{}:{}", self.host, self.guest, self.access);
        write!(f, "--dir {}", Word(&word))
    }
}

/// As the flag that grants it; the value is not shown, for it may be a secret.
impl fmt::Display for EnvGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--env {}{}", Word(&self.key), if self.value.is_some() { "=…" } else { "" })
    }
}

/// As the flag that grants it.
impl fmt::Display for ClockGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "--clock=none",
            Self::Virtual => "--clock=virtual",
            Self::Coarse => "--clock=coarse",
            Self::Real => "--clock=real",
        })
    }
}

/// As the flag that grants it.
impl fmt::Display for RandomGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("--random=none"),
            Self::Seeded(seed) => write!(f, "--random={seed}"),
            Self::Real => f.write_str("--random"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_grants_are_read() {
        let check = |text: &str, want: Option<(&str, &str, Access)>| {
            let got = FsGrant::parse(text).ok();
            let got = got.as_ref().map(|grant| (grant.host.as_str(), grant.guest.as_str(), grant.access));
            assert_eq!(got, want, "{text}");
        };
        check("data", Some(("data", "data", Access::Read)));
        check("data:rw", Some(("data", "data", Access::ReadWrite)));
        check(".::/:ro", Some((".", "/", Access::Read)));
        check("/srv/x::/x:rw", Some(("/srv/x", "/x", Access::ReadWrite)));
        check("a:b::c", Some(("a:b", "c", Access::Read)));
        check("", None);
        check("::/x", None);
        check("../x", None);
        check("../x::/x", Some(("../x", "/x", Access::Read)));
        check("x::", None);
    }

    #[test]
    fn environment_grants_are_read() {
        let check = |text: &str, want: Option<(&str, Option<&str>)>| {
            let got = EnvGrant::parse(text).ok();
            assert_eq!(
                got.as_ref().map(|grant| (grant.key.as_str(), grant.value.as_deref())),
                want,
                "{text}"
            );
        };
        check("HOME", Some(("HOME", None)));
        check("A=", Some(("A", Some(""))));
        check("A=b=c", Some(("A", Some("b=c"))));
        check("=x", None);
        check("", None);
        check("A\0", None);
    }
}
