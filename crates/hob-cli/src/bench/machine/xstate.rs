//! Running XState beside.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const SCRIPT: &str = include_str!("xstate.mjs");

/// Nanoseconds a step, by the names of the script.
pub(super) fn measure(modules: &Path, quick: bool) -> Result<BTreeMap<String, f64>, String> {
    let mut node = Command::new("node");
    node.current_dir(super::folder(modules)).args(["--input-type=module", "--eval", SCRIPT, "--"]);
    if quick {
        node.arg("--quick");
    }
    let output = node.output().map_err(|error| format!("node: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("XState could not be measured ({}): {}", output.status, said.trim()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("the script's answer: {error}"))
}
