//! Guest paths: where a subtree appears to the guest.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A path under which a guest sees a granted subtree: normalised, without `..`, at most 4096 bytes.
///
/// It keeps the spelling a guest will search for: `/data` is not `data`, and the whole of a relative tree is `.`.
///
/// ```
/// use hob_cap::GuestPath;
/// assert_eq!(GuestPath::new("/data//x/")?.as_str(), "/data/x");
/// assert!(GuestPath::new("/data")?.contains(&GuestPath::new("/data/x")?));
/// assert!(GuestPath::new("/../etc").is_err());
/// # Ok::<(), hob_cap::GuestPathError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GuestPath(String);

/// Why a text is no guest path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is no guest path: {why}")]
pub struct GuestPathError {
    shown: String,
    why: &'static str,
}

/// The longest guest path, in bytes.
pub const GUEST_PATH_BYTES_MAX: usize = 4096;

impl GuestPath {
    /// Checks and normalises a path: repeated and trailing slashes and `.` components go.
    ///
    /// # Errors
    ///
    /// When the path is empty or too long, holds a NUL byte, or climbs with `..`.
    pub fn new(path: &str) -> Result<Self, GuestPathError> {
        let refuse = |why| Err(GuestPathError { shown: crate::escape_guest_text(path, 80), why });
        if path.is_empty() {
            return refuse("it is empty; the whole of a relative tree is `.`");
        }
        if path.len() > GUEST_PATH_BYTES_MAX {
            return refuse("it is longer than 4096 bytes");
        }
        if path.contains('\0') {
            return refuse("it holds a NUL byte");
        }
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.contains(&"..") {
            return refuse("it climbs with `..`");
        }
        let joined = parts.join("/");
        Ok(Self(match (path.starts_with('/'), joined.is_empty()) {
            (true, _) => format!("/{joined}"),
            (false, true) => ".".into(),
            (false, false) => joined,
        }))
    }

    /// The path as the guest sees it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `other` is this path or lies under it.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.strip(other).is_some()
    }

    /// What `other` is called within this path: components joined by `/`, empty for the path itself.
    #[must_use]
    pub fn strip<'a>(&self, other: &'a Self) -> Option<&'a str> {
        match self.0.as_str() {
            "." => (!other.0.starts_with('/')).then(|| if other.0 == "." { "" } else { &other.0 }),
            "/" => other.0.strip_prefix('/'),
            own => {
                let rest = other.0.strip_prefix(own)?;
                if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
            }
        }
    }
}

impl fmt::Display for GuestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for GuestPath {
    type Error = GuestPathError;

    fn try_from(path: String) -> Result<Self, GuestPathError> {
        Self::new(&path)
    }
}

impl From<GuestPath> for String {
    fn from(path: GuestPath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised_or_refused() {
        let check = |path: &str, want: Option<&str>| {
            assert_eq!(GuestPath::new(path).ok().as_ref().map(GuestPath::as_str), want, "{path}");
        };
        check("/", Some("/"));
        check(".", Some("."));
        check("./", Some("."));
        check("//a/./b//", Some("/a/b"));
        check("a", Some("a"));
        check("./a", Some("a"));
        check("/..", None);
        check("a/../b", None);
        check("", None);
        check("a\0", None);
        check("...", Some("..."));
        check(&format!("/{}", "a".repeat(4095)), Some(&format!("/{}", "a".repeat(4095))));
        check(&format!("/{}", "a".repeat(4096)), None);
    }

    #[test]
    fn containment_goes_by_components() {
        let check = |outer: &str, inner: &str, want: Option<&str>| {
            let (outer, inner) = (GuestPath::new(outer).unwrap(), GuestPath::new(inner).unwrap());
            assert_eq!(outer.strip(&inner), want, "{outer} {inner}");
        };
        check("/", "/a", Some("a"));
        check("/", "/", Some(""));
        check("/", "a", None);
        check("/a", "/a", Some(""));
        check("/a", "/a/b/c", Some("b/c"));
        check("/a", "/ab", None);
        check(".", "a/b", Some("a/b"));
        check(".", ".", Some(""));
        check(".", "/a", None);
        check("a", "a/b", Some("b"));
    }
}
