//! The digest of a package: one hash over everything that counts.
//!
//! SHA-256 over `hob package 1`, a newline, and for each file, in the order of their names: its SHA-256 in hexadecimal, its
//! size in decimal, its name, and a newline, with spaces between. A name holds no newline: it would have been refused.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

pub(crate) fn of(files: &BTreeMap<String, Vec<u8>>) -> String {
    let mut whole = Sha256::new_with_prefix(b"hob package 1\n");
    for (name, bytes) in files {
        whole.update(format!("{} {} {name}\n", hex(&Sha256::digest(bytes)), bytes.len()));
    }
    format!("sha256:{}", hex(&whole.finalize()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
