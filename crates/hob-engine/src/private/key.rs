//! The user's key: 32 random bytes that only this user can read, made once. It authenticates compiled code, seals records
//! and chains audit logs, each with a key of its own derived from it.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::dir::{PrivateError, ensure_private, failed, owned, temporary};

const FILE: &str = "key";
const BYTES: usize = 32;

/// The user's key. Never printed.
#[derive(Clone)]
pub struct UserKey([u8; BYTES]);

impl UserKey {
    /// The key in this directory, which is made with the key in it where it does not exist, and must belong to the user and
    /// be writable by nobody else.
    ///
    /// # Errors
    ///
    /// When directory or key are not private, or cannot be read or made.
    pub fn open(dir: &Path) -> Result<Self, PrivateError> {
        ensure_private(dir)?;
        Self::load_or_create(dir)
    }

    /// A key for one purpose, which tells nothing about the key itself or about those for other purposes.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut mac = self.mac();
        mac.update(b"hob key 1\0");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// Reads the key, making it first if there is none. Processes that race agree on one key.
    pub(crate) fn load_or_create(dir: &Path) -> Result<Self, PrivateError> {
        let path = dir.join(FILE);
        match Self::read(&path) {
            Err(PrivateError::Io { what: "open", .. }) if !path.exists() => {
                create(dir, &path)?;
                Self::read(&path)
            }
            other => other,
        }
    }

    pub(crate) fn mac(&self) -> Hmac<Sha256> {
        // A key of any length is a key for HMAC.
        Hmac::<Sha256>::new_from_slice(&self.0).unwrap_or_else(|_| Hmac::<Sha256>::new(&Default::default()))
    }

    fn read(path: &Path) -> Result<Self, PrivateError> {
        let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let opened = OpenOptions::new().read(true).custom_flags(no_follow).open(path);
        let mut file = opened.map_err(|error| failed("open", path, &error))?;
        let meta = file.metadata().map_err(|error| failed("look at", path, &error))?;
        let refuse = |why| PrivateError::NotPrivate {
            path: path.display().to_string(),
            why,
            mend: "remove it and a new one is made",
        };
        if !meta.is_file() || !owned(&meta) {
            return Err(refuse("is not a file of yours"));
        }
        if meta.mode() & 0o077 != 0 {
            return Err(refuse("can be read by others"));
        }
        if meta.len() != 32 {
            return Err(refuse("is not a key"));
        }
        let mut secret = [0; BYTES];
        file.read_exact(&mut secret).map_err(|error| failed("read", path, &error))?;
        Ok(Self(secret))
    }
}

fn create(dir: &Path, path: &Path) -> Result<(), PrivateError> {
    let mut secret = [0; BYTES];
    getrandom::fill(&mut secret)
        .map_err(|error| failed("make", path, &io::Error::other(error.to_string())))?;
    let (temp, mut file) = temporary(dir)?;
    let written = file.write_all(&secret).and_then(|()| file.sync_all());
    written.map_err(|error| failed("write", &temp, &error))?;
    // A hard link fails when the name is taken: whoever comes second uses the first one's key.
    let linked = std::fs::hard_link(&temp, path);
    drop(std::fs::remove_file(&temp));
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed("create", path, &error)),
        _ => Ok(()),
    }
}
