//! The reader of the SDK for C under the sanitizers of a native compiler: damaged messages are refused within their bounds.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::path::PathBuf;
use std::process::Command;

#[test]
fn damaged_messages_are_read_within_their_bounds() {
    let sdk = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../sdk/c");
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("fuzz");
    // The compiler that links this test as well.
    let compiled = Command::new("cc")
        .args(["-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Werror"])
        .args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"])
        .arg("-I")
        .arg(sdk.join("include"))
        .arg("-o")
        .arg(&program)
        .arg(sdk.join("tests/fuzz.c"))
        .output()
        .unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let ran = Command::new(&program).arg("200000").output().unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{}\n{said}\n{wrong}", ran.status);
}
