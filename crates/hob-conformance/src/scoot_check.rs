//! The suite `scoot-check`: a JSON list of `{case, files, symlinks, upstream: {rc, stdout}}`.
//!
//! Each case is a package directory and what upstream's `wasm-tools check` said of it. The rules that are upstream's must
//! come to the same verdict, and the first of them must say it in the same words. Where only rules of hob's find something,
//! the case is counted under the rule, which has a row in `docs/exceptions.md`.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hob_package::{Origin, check};
use serde::Deserialize;

use crate::tally::{Tally, Verdict};

#[derive(Deserialize)]
struct Case {
    case: String,
    files: BTreeMap<String, Content>,
    #[serde(default)]
    symlinks: BTreeMap<String, String>,
    upstream: Upstream,
}

#[derive(Deserialize)]
struct Content {
    text: Option<String>,
    base64: Option<String>,
}

#[derive(Deserialize)]
struct Upstream {
    rc: i32,
    stdout: String,
}

pub(crate) fn run(path: &Path, tally: &mut Tally) -> Result<(), String> {
    let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let cases: Vec<Case> =
        serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    for case in &cases {
        let verdict = check_case(case).unwrap_or_else(Verdict::Failed);
        tally.verdict(&case.case, verdict);
    }
    Ok(())
}

fn check_case(case: &Case) -> Result<Verdict, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let package = folder.path().join(&case.case);
    lay_out(case, folder.path(), &package)
        .map_err(|error| format!("the case cannot be laid out: {error}"))?;
    let report = check(&package).report;
    let upstream = report.problems.iter().find(|problem| problem.origin == Origin::Upstream);
    let hob = report.problems.iter().find(|problem| problem.origin == Origin::Hob);
    if case.upstream.rc == 0 {
        return Ok(match (upstream, hob) {
            (None, None) => Verdict::Passed,
            (None, Some(stricter)) => Verdict::Exception(stricter.rule),
            (Some(problem), _) => Verdict::Failed(format!("upstream takes it; {problem}")),
        });
    }
    let said = case.upstream.stdout.trim_end();
    let said = said.strip_prefix(&format!("FAIL {}: ", case.case)).unwrap_or(said);
    Ok(match upstream {
        Some(problem) if problem.message == said => Verdict::Passed,
        // How a structure is broken is told in as many words as there are ways to break it.
        Some(problem)
            if problem.rule == "component-structure"
                && said.starts_with("component wasm bytecode invalid") =>
        {
            Verdict::Passed
        }
        Some(problem) => Verdict::Failed(format!("upstream says `{said}`, hob `{}`", problem.message)),
        None if report.valid => Verdict::Failed(format!("upstream says `{said}`, hob takes it")),
        None => Verdict::Failed(format!("upstream says `{said}`, and no rule of upstream's is found broken")),
    })
}

fn lay_out(case: &Case, folder: &Path, package: &Path) -> std::io::Result<()> {
    let outside = folder.join("outside");
    std::fs::create_dir_all(&outside)?;
    std::fs::create_dir_all(package)?;
    let wrong = |why: &str| std::io::Error::other(why.to_owned());
    for (name, content) in &case.files {
        let path = package.join(name);
        std::fs::create_dir_all(path.parent().ok_or_else(|| wrong("a file has no folder"))?)?;
        let bytes = match (&content.text, &content.base64) {
            (Some(text), _) => text.clone().into_bytes(),
            (_, Some(base64)) => STANDARD.decode(base64).map_err(std::io::Error::other)?,
            _ => Vec::new(),
        };
        std::fs::write(path, bytes)?;
    }
    // What links lead to lies outside, and would do if it were inside.
    let manifest =
        case.files.get("manifest.toml").and_then(|file| file.text.clone()).unwrap_or_else(|| MANIFEST.into());
    std::fs::write(outside.join("m.toml"), manifest)?;
    std::fs::write(outside.join("c.wasm"), b"\0asm\x01\0\0\0")?;
    for name in ["secret.json", "input.json", "output.json"] {
        std::fs::write(outside.join(name), "{\"type\":\"object\"}\n")?;
    }
    for (name, target) in &case.symlinks {
        let path = package.join(name);
        std::fs::create_dir_all(path.parent().ok_or_else(|| wrong("a link has no folder"))?)?;
        if path.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
            std::fs::remove_dir_all(&path)?;
        } else if path.symlink_metadata().is_ok() {
            std::fs::remove_file(&path)?;
        }
        std::os::unix::fs::symlink(target, path)?;
    }
    Ok(())
}

const MANIFEST: &str = "name = \"calculator\"\ndescription = \"d\"\nentry = \"call\"\ninput_schema = \"schema/input.json\"\n\
                        output_schema = \"schema/output.json\"\ncapabilities = [\"compute\"]\n";
