//! Sealing the events of a record, so that what a guest was handed in confidence stays so.
//!
//! ChaCha20-Poly1305 (RFC 8439), one chunk after another. The key of a record is HMAC-SHA256 of the user's key over the
//! record's own salt, so that no nonce is used twice under one key; the number of the chunk is its nonce; the header is
//! authenticated with each.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// The user's key. Never printed.
#[derive(Clone)]
pub struct Key([u8; 32]);

/// A key could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no randomness to make a record's key from.
    #[error("the host has no randomness to seal a record with")]
    NoRandomness,
}

impl Key {
    /// A key from 32 secret bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// Seals or opens the chunks of one record, in order.
pub(crate) struct Seal {
    cipher: ChaCha20Poly1305,
    header: [u8; 32],
    chunk: u64,
}

/// A chunk that was not sealed like this.
#[derive(Debug)]
pub(crate) struct Broken;

impl Seal {
    /// `header` are the bytes of the header as they stand in the file.
    pub(crate) fn new(key: &Key, salt: &[u8], header: &[u8]) -> Self {
        // A key of any length is a key for HMAC.
        let mac = <Hmac<Sha256> as Mac>::new_from_slice(&key.0);
        let mut mac = mac.unwrap_or_else(|_| <Hmac<Sha256> as Mac>::new(&Default::default()));
        mac.update(b"hob record 1\0");
        mac.update(salt);
        let cipher = ChaCha20Poly1305::new(&mac.finalize().into_bytes());
        Self { cipher, header: Sha256::digest(header).into(), chunk: 0 }
    }

    pub(crate) fn seal(&mut self, plain: &[u8]) -> Result<Vec<u8>, Broken> {
        let nonce = self.next();
        self.cipher.encrypt(&nonce.into(), Payload { msg: plain, aad: &self.header }).map_err(|_| Broken)
    }

    pub(crate) fn open(&mut self, sealed: &[u8]) -> Result<Vec<u8>, Broken> {
        let nonce = self.next();
        self.cipher.decrypt(&nonce.into(), Payload { msg: sealed, aad: &self.header }).map_err(|_| Broken)
    }

    fn next(&mut self) -> [u8; 12] {
        let [a, b, c, d, e, f, g, h] = self.chunk.to_le_bytes();
        self.chunk += 1;
        [0, 0, 0, 0, a, b, c, d, e, f, g, h]
    }
}

/// Random bytes for a record's salt.
pub(crate) fn salt() -> Result<[u8; 32], KeyError> {
    let mut salt = [0; 32];
    getrandom::fill(&mut salt).map_err(|_| KeyError::NoRandomness)?;
    Ok(salt)
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    digits
        .chunks_exact(2)
        .map(|pair| u8::try_from(pair.iter().fold(0, |sum, digit| sum * 16 + digit)).ok())
        .collect()
}
