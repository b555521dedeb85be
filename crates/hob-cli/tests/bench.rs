//! The benchmarks measure what they say they measure. No time is asserted here: machines that run tests are busy.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::process::Command;

/// Runs a benchmark for as short as it can be, and checks that there is a row about each of these.
fn check(what: &[&str], parts: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_hob"))
        .arg("bench")
        .args(what)
        .args(["--quick", "--json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rows: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = rows.iter().map(|row| row["row"].as_str().unwrap()).collect();
    for part in parts {
        assert!(names.iter().any(|name| name.contains(part)), "no row about {part}: {names:?}");
    }
    for row in &rows {
        assert!(row["hob"].as_f64().is_some_and(f64::is_finite), "{row}");
        assert!(row["met"].is_boolean() && row["unit"].is_string() && row["target"].is_string(), "{row}");
        if let Some(ratio) = row["ratio"].as_f64() {
            let sides = row["hob"].as_f64().unwrap() / row["bare"].as_f64().unwrap();
            assert!((ratio - sides).abs() < 1e-9, "{row}");
        }
    }
}

#[test]
fn every_row_is_measured_and_well_formed() {
    let parts = [
        "warm call",
        "JSON decision",
        "host call",
        "by handle",
        "by path",
        "cached",
        "nothing cached",
        "check of a 1 MB package",
        "first call of a plugin",
        "warm call of a plugin",
        "--record",
        "--audit",
        "overshoot",
        "cycles",
    ];
    check(&[], &parts);
}

#[test]
fn every_row_about_vats_is_measured_and_well_formed() {
    let parts = [
        "near call",
        "spawn",
        "send, with a promise for the answer, in a vat",
        "send, with a promise for the answer, between vats",
        "200,000 sends",
        "turn of a module, beside a bare instance",
        "made durable alone",
        "durable turn",
        "memory of one",
    ];
    check(&["vat"], &parts);
}
