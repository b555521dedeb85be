//! Crates depend downwards only, and each names only what it may know.

use super::Finding;

/// Each crate and the crates of ours it may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("hob-cap", &[]),
    ("hob-engine", &["hob-cap"]),
    ("hob-os", &["hob-cap"]),
    ("hob-kernel", &["hob-cap", "hob-os"]),
    ("hob-machine", &[]),
    ("hob-syrup", &[]),
    ("hob-config", &["hob-cap"]),
    ("hob-vat", &["hob-syrup"]),
    ("hob-repl", &["hob-vat"]),
    ("hob-powerbox", &["hob-cap", "hob-os", "hob-vat"]),
    ("hob-store", &["hob-machine", "hob-vat"]),
    ("hob-abi", &["hob-cap", "hob-engine", "hob-kernel", "hob-os", "hob-syrup", "hob-vat"]),
    ("hob-record", &["hob-cap", "hob-engine"]),
    ("hob-package", &["hob-abi", "hob-cap", "hob-engine"]),
    (
        "hob",
        &[
            "hob-abi",
            "hob-cap",
            "hob-engine",
            "hob-kernel",
            "hob-machine",
            "hob-os",
            "hob-package",
            "hob-powerbox",
            "hob-record",
            "hob-store",
            "hob-vat",
        ],
    ),
    ("hob-serve", &["hob-machine"]),
    ("hob-sidecar", &["hob"]),
    ("hob-cli", &["hob", "hob-repl", "hob-serve", "hob-sidecar"]),
    ("hob-conformance", &["hob", "hob-package"]),
    ("hob-fuzz", &["hob", "hob-cap", "hob-kernel", "hob-machine", "hob-os", "hob-syrup", "hob-vat"]),
    ("hob-bench-actors", &[]),
    // The guest's side: it runs on none of ours.
    ("hob-actor", &[]),
    ("xtask", &[]),
];

/// Words that only one crate may use: what it exists to hide.
const SECRETS: &[(&str, &[&str])] = &[
    ("wasmtime::", &["crates/hob-engine/"]),
    ("wasmi::", &["crates/hob-engine/"]),
    ("cap_std::", &["crates/hob-os/", "crates/hob-package/src/files.rs"]),
    (
        "rustix::",
        &[
            "crates/hob-os/",
            "crates/hob-engine/src/cache/",
            "crates/hob-engine/src/private/",
            "crates/hob-config/src/worker/bars.rs",
            "crates/hob/src/audit/file.rs",
        ],
    ),
    ("hyper::", &["crates/hob-serve/"]),
    ("tokio::", &["bench/actors/", "crates/hob-serve/"]),
    ("redb::", &["crates/hob-store/"]),
    ("rusqlite::", &["crates/hob-store/"]),
    ("nickel_lang_core::", &["crates/hob-config/src/worker/evaluate.rs"]),
];

pub(super) fn check(files: &[(String, String)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, text) in files {
        if file.ends_with("Cargo.toml") && file != "Cargo.toml" {
            findings.extend(manifest(file, text));
        }
        if file.ends_with(".rs") && !file.starts_with("xtask/") {
            findings.extend(secrets(file, text));
        }
    }
    findings
}

fn manifest(file: &str, text: &str) -> Vec<Finding> {
    let name =
        text.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).unwrap_or_default();
    let Some((_, allowed)) = ARROWS.iter().find(|(crate_name, _)| *crate_name == name) else {
        return vec![Finding::new(
            file,
            1,
            format!("crate `{name}` has no place in the house; add it to the arrows in xtask"),
        )];
    };
    let mut section = "";
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.starts_with('[') {
            section = line;
        }
        // Tests may look at any crate beneath the one they test.
        let Some(dependency) = line.split(['.', ' ', '=']).next().filter(|_| section == "[dependencies]")
        else {
            continue;
        };
        let ours = ARROWS.iter().any(|(crate_name, _)| *crate_name == dependency);
        if ours && !allowed.contains(&dependency) {
            findings.push(Finding::new(
                file,
                number,
                format!("`{name}` may not know `{dependency}`: arrows point down only"),
            ));
        }
    }
    findings
}

fn secrets(file: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.split("//").next().unwrap_or_default();
        for (word, homes) in SECRETS {
            let at = code.find(word).filter(|at| {
                let before = code.get(..*at).unwrap_or_default().chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
            });
            if at.is_some() && !homes.iter().any(|home| file.starts_with(home)) {
                findings.push(Finding::new(
                    file,
                    number,
                    format!("`{word}` may be named only in {}", homes.join(", ")),
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<(String, String)> =
            files.iter().map(|(file, text)| ((*file).into(), (*text).into())).collect();
        check(&files).into_iter().map(|finding| format!("{}:{}", finding.file, finding.line)).collect()
    }

    #[test]
    fn arrows_point_down() {
        let up = "[package]\nname = \"hob-cap\"\n\n[dependencies]\nhob-engine.workspace = true\n";
        assert_eq!(rules(&[("crates/hob-cap/Cargo.toml", up)]), ["crates/hob-cap/Cargo.toml:5"]);
        let down = "[package]\nname = \"hob-engine\"\n\n[dependencies]\nhob-cap.workspace = true\n";
        assert!(rules(&[("crates/hob-engine/Cargo.toml", down)]).is_empty());
        let test = "[package]\nname = \"hob-cap\"\n\n[dev-dependencies]\nhob-engine.workspace = true\n";
        assert!(rules(&[("crates/hob-cap/Cargo.toml", test)]).is_empty());
        assert_eq!(rules(&[("crates/x/Cargo.toml", "[package]\nname = \"x\"\n")]), ["crates/x/Cargo.toml:1"]);
    }

    #[test]
    fn engines_are_named_in_one_crate() {
        assert_eq!(
            rules(&[("crates/hob-os/src/a.rs", "use wasmtime::Engine;")]),
            ["crates/hob-os/src/a.rs:1"]
        );
        assert!(rules(&[("crates/hob-engine/src/a.rs", "use wasmtime::Engine;")]).is_empty());
        assert!(
            rules(&[("crates/hob/src/a.rs", "// wasmtime::Engine\nlet x = Choice::Wasmtime;")]).is_empty()
        );
    }
}
