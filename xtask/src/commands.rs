//! The commands that others publish on npm, in both generations that are there, installed with an ordinary npm client into
//! `target/commands/<generation>`. The tests run them; nothing of theirs is kept in the tree.
//!
//! | generation | packages | where a package keeps its commands |
//! |---|---|---|
//! | `p` | `@rivet-dev/agent-os-*` | `wasm/<command>` |
//! | `v1` | `@agentos-software/*` | `dist/package.aospkg` |
//!
//! Versions are exact, so that a test that passed keeps passing; the packages' own scripts are never run.

use std::fs;
use std::path::{Path, PathBuf};

use crate::toolchains;

struct Generation {
    name: &'static str,
    scope: &'static str,
    prefix: &'static str,
    packages: &'static [(&'static str, &'static str)],
    /// What every package must hold, or the layout is not the one that is read.
    holds: &'static str,
}

const GENERATIONS: [Generation; 2] = [
    Generation {
        name: "p",
        scope: "@rivet-dev",
        prefix: "agent-os-",
        packages: &[
            ("coreutils", "0.0.260331072558"),
            ("sed", "0.0.260331072558"),
            ("grep", "0.0.260331072558"),
            ("gawk", "0.0.260331072558"),
            ("findutils", "0.0.260331072558"),
            ("diffutils", "0.0.260331072558"),
            ("gzip", "0.0.260331072558"),
            ("tar", "0.0.260331072558"),
            ("ripgrep", "0.0.260331072558"),
        ],
        holds: "wasm",
    },
    Generation {
        name: "v1",
        scope: "@agentos-software",
        prefix: "",
        packages: &[
            ("coreutils", "0.3.4"),
            ("sed", "0.3.4"),
            ("grep", "0.3.4"),
            ("gawk", "0.3.4"),
            ("findutils", "0.3.4"),
            ("diffutils", "0.3.4"),
            ("gzip", "0.3.4"),
            ("tar", "0.3.5"),
        ],
        holds: "dist/package.aospkg",
    },
];

/// Installs both generations, unless they are there.
pub(crate) fn install() -> Result<(), String> {
    for generation in &GENERATIONS {
        let home = dir().join(generation.name);
        let wanted: Vec<String> = generation
            .packages
            .iter()
            .map(|(package, version)| format!("{}@{version}", generation.full_name(package)))
            .collect();
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let modules = toolchains::npm(&home, &wanted)?;
        generation.check(&modules).map_err(|why| {
            format!("{why}; remove {} and run `cargo xtask commands` again", home.display())
        })?;
    }
    println!("{} generations of commands ready in target/commands", GENERATIONS.len());
    Ok(())
}

/// Where they are installed.
fn dir() -> PathBuf {
    crate::root().join("target/commands")
}

impl Generation {
    fn full_name(&self, package: &str) -> String {
        format!("{}/{}{package}", self.scope, self.prefix)
    }

    /// Whether what is on the disk is what was asked for.
    fn check(&self, modules: &Path) -> Result<(), String> {
        for (package, version) in self.packages {
            let name = self.full_name(package);
            let home = modules.join(&name);
            let manifest = home.join("package.json");
            let text =
                fs::read_to_string(&manifest).map_err(|error| format!("{}: {error}", manifest.display()))?;
            let parsed: serde_json::Value =
                serde_json::from_str(&text).map_err(|error| format!("{}: {error}", manifest.display()))?;
            let found = parsed.get("version").and_then(serde_json::Value::as_str).unwrap_or("nothing");
            if found != *version {
                return Err(format!("{name}: version {version} was asked for and {found} is installed"));
            }
            if !home.join(self.holds).exists() {
                return Err(format!("{name} {version} has no `{}`", self.holds));
            }
        }
        Ok(())
    }
}
