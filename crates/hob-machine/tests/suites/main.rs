//! The test suites of `@scion-scxml/test-framework`: SCION's own tests and those of the W3C, in the mode of SCXML.
//!
//! `cargo xtask suites` installs them into `target/suites`; nothing of theirs is kept in the tree. `not_passed.txt` lists every
//! test that does not pass, with its reason. A test that starts or ceases to pass must change that list.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod script;

use std::fs;
use std::path::{Path, PathBuf};

use hob_machine::convert::{scxml, xstate};

/// Their scripts say two things. What they call `legacySemantics` is appendix D of the recommendation: the least common compound
/// ancestor is never a parallel state, so an external transition of a parallel state's child leaves the parallel state.
const BY_APPENDIX_D: [&str; 2] = ["more-parallel/test10", "more-parallel/test10b"];

const NOT_PASSED: &str = include_str!("not_passed.txt");

fn suites() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/suites");
    let suites = own.join("node_modules/@scion-scxml/test-framework/test");
    assert!(suites.is_dir(), "the suites are not there; `cargo xtask suites` installs them");
    suites
}

/// Every test: its name, and whether the W3C's.
fn tests(suites: &Path) -> Vec<(String, bool)> {
    let mut tests = Vec::new();
    for folder in fs::read_dir(suites).unwrap() {
        let folder = folder.unwrap();
        let name = folder.file_name().into_string().unwrap();
        for file in fs::read_dir(folder.path()).unwrap() {
            let file = file.unwrap().file_name().into_string().unwrap();
            if let Some(stem) = file.strip_suffix(".json") {
                tests.push((format!("{name}/{stem}"), name == "w3c-ecma"));
            }
        }
    }
    tests.sort();
    tests
}

/// The names in the table, in its order; a reason stands on a line of its own before those that it is for.
fn listed() -> Vec<String> {
    let lines = NOT_PASSED.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .filter_map(|line| line.strip_prefix("  "))
        .flat_map(str::split_whitespace)
        .map(str::to_owned)
        .collect()
}

#[test]
fn what_does_not_pass_is_listed_with_its_reason() {
    let suites = suites();
    let (mut passed, mut all, mut failed, mut legacy) = ([0, 0], [0, 0], Vec::new(), Vec::new());
    for (name, w3c) in tests(&suites) {
        let machine = suites.join(format!("{name}.scxml"));
        let script = suites.join(format!("{name}.json"));
        let of = usize::from(w3c);
        all[of] += 1;
        match script::run(&machine, &script, Ok) {
            Ok(()) => passed[of] += 1,
            Err(_) if script::run_legacy(&machine, &script).is_ok_and(|ran| ran) => legacy.push(name),
            Err(why) => failed.push((name, why)),
        }
    }
    assert_eq!(legacy, BY_APPENDIX_D, "these pass as their script's legacySemantics");
    let listed = listed();
    let mut wrong = Vec::new();
    for (name, why) in failed.iter().filter(|(name, _)| !listed.contains(name)) {
        wrong.push(format!("{name} does not pass and is not listed: {why}"));
    }
    for name in listed.iter().filter(|name| !failed.iter().any(|(failed, _)| failed == *name)) {
        wrong.push(format!("{name} is listed and passes"));
    }
    let distinct: std::collections::BTreeSet<&String> = listed.iter().collect();
    assert_eq!(distinct.len(), listed.len(), "a name is listed twice");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let head = format!(
        "# SCION {} of {}, W3C {} of {}; {} more of SCION as their script's legacySemantics, which is appendix D.",
        passed[0],
        all[0],
        passed[1],
        all[1],
        legacy.len()
    );
    assert!(NOT_PASSED.starts_with(&head), "not_passed.txt begins with {head:?}");
}

/// Every machine that passes, passes again after having been another format, where all of it maps.
fn passes_through(through: script::Through) -> Vec<String> {
    let suites = suites();
    let mut failed = Vec::new();
    for (name, _) in tests(&suites) {
        let machine = suites.join(format!("{name}.scxml"));
        let script = suites.join(format!("{name}.json"));
        if script::run(&machine, &script, Ok).is_ok()
            && let Err(why) = script::run(&machine, &script, through)
        {
            failed.push(format!("{name}: {why}"));
        }
    }
    failed
}

#[test]
fn what_passes_passes_after_a_round_trip_through_scxml() {
    let through: script::Through = |document| {
        let text = scxml::export(&document).map_err(|refused| refused.to_string())?.result;
        let again = scxml::import(&text).map_err(|refused| format!("{refused}\n{text}"))?.result;
        // Where things stand in the text is not what it says.
        let (said, again_said) = (script::without_positions(&document), script::without_positions(&again));
        if again_said == said { Ok(again) } else { Err(format!("{said}\nbecame\n{again_said}")) }
    };
    assert_eq!(passes_through(through), [""; 0]);
}

#[test]
fn what_passes_passes_after_a_round_trip_through_xstate() {
    let through: script::Through = |document| {
        let text = xstate::export(&document).map_err(|refused| refused.to_string())?.result;
        Ok(xstate::import(&text).map_err(|refused| refused.to_string())?.result)
    };
    // Sessions, and what a final state hands on, have no place in XState.
    let beyond = |name: &str| {
        let text = fs::read_to_string(suites().join(format!("{name}.scxml"))).unwrap();
        text.contains("<invoke") || text.contains("<donedata")
    };
    let lost = [
        // Nor has what went wrong before the first state.
        "data/data_invalid",
        "w3c-ecma/test277.txml",
        // Its actions have no line and no column.
        "error/error",
        // XState tries what is for one event before what is for many, wherever they stand.
        "scxml-prefix-event-name-matching/star0",
        "scxml-prefix-event-name-matching/test1",
        // A history state of XState does nothing by itself.
        "w3c-ecma/test388.txml",
        "w3c-ecma/test579.txml",
    ];
    let failed = passes_through(through);
    let failed = failed.iter().filter_map(|line| line.split(':').next());
    let failed: Vec<&str> = failed.filter(|name| !beyond(name)).collect();
    let mut lost = lost.to_vec();
    lost.sort_unstable();
    assert_eq!(failed, lost);
}
