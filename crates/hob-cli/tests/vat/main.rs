//! `hob vat` as a person and a program use it: files with vats, looking back at them, moving actors to new code.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests; the exemption reaches only test functions"
)]

mod back;
mod stores;
mod upgrade;

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A directory with scripts and files of vats, and the binary that works in it.
struct Desk {
    dir: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Runs `hob vat`: exit code, standard output, standard error.
    fn vat(&self, args: &[&str]) -> (i32, String, String) {
        let mut hob = Command::new(env!("CARGO_BIN_EXE_hob"));
        hob.arg("vat").args(args).current_dir(self.dir.path()).env("HOB_CACHE_DIR", self.path("cache"));
        let output = hob.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }

    /// Runs it, and checks the exit code and what is said on either stream together.
    fn check(&self, args: &[&str], code: i32, says: &[&str]) -> String {
        let (real, stdout, stderr) = self.vat(args);
        assert_eq!(real, code, "{args:?}\n{stdout}\n{stderr}");
        for part in says {
            assert!(stdout.contains(part) || stderr.contains(part), "{args:?}: {part}\n{stdout}\n{stderr}");
        }
        stdout
    }

    /// Runs a script, line by line.
    fn script(&self, store: &str, lines: &str) -> String {
        self.write("script.hob", lines);
        self.check(&["run", "--store", store, "script.hob"], 0, &[])
    }

    /// Runs it with `--json`: one object a line.
    fn json(&self, args: &[&str]) -> Vec<serde_json::Value> {
        let (code, stdout, stderr) = self.vat(&[args, &["--json"]].concat());
        assert!(code == 0 || code == 1, "{args:?}\n{stdout}\n{stderr}");
        stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A guest that `cargo xtask guests` built, or the text of one.
fn guest(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let found = [format!("target/guests/{name}.wasm"), format!("guests/{name}/guest.wat")]
        .map(|path| root.join(path))
        .into_iter()
        .find(|path| path.exists());
    found
        .unwrap_or_else(|| panic!("guest {name} is not built; run `cargo xtask guests {name}`"))
        .canonicalize()
        .unwrap()
        .display()
        .to_string()
}
