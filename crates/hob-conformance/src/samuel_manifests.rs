//! The suite `samuel-manifests`: a JSON list of `{name, toml, upstream: {parse, caps}}`.
//!
//! `parse` is what upstream's reader made of a manifest, `caps` what its loader then made of limits and grants. What
//! upstream refuses must be refused by a rule of upstream's; what it takes must be taken, with the same limits and grants,
//! or refused by a rule that is hob's alone, which has a row in `docs/exceptions.md`.

use std::path::Path;
use std::time::Duration;

use hob_package::{ManifestCaps, Origin, check_samuel_manifest};
use serde::Deserialize;

use crate::tally::{Tally, Verdict};

#[derive(Deserialize)]
struct Case {
    name: String,
    toml: String,
    upstream: Upstream,
}

#[derive(Deserialize)]
struct Upstream {
    parse: String,
    #[serde(default)]
    caps: Option<String>,
}

pub(crate) fn run(path: &Path, tally: &mut Tally) -> Result<(), String> {
    let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let cases: Vec<Case> =
        serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    for case in &cases {
        tally.verdict(&case.name, check(case));
    }
    Ok(())
}

fn check(case: &Case) -> Verdict {
    let (caps, problems) = check_samuel_manifest(case.toml.as_bytes());
    let upstream = problems.iter().find(|problem| problem.origin == Origin::Upstream);
    let hob = problems.iter().find(|problem| problem.origin == Origin::Hob);
    let said = case.upstream.caps.as_deref().unwrap_or(&case.upstream.parse);
    let taken = case.upstream.parse == "ok"
        && case.upstream.caps.as_ref().is_none_or(|caps| caps.starts_with("mem="));
    match (taken, upstream, hob) {
        (false, Some(_), _) => Verdict::Passed,
        (false, None, _) if said.contains("soft timeout exceeds hard timeout") => {
            Verdict::Exception("soft-clamped")
        }
        (false, None, Some(problem)) => {
            Verdict::Failed(format!("upstream says `{said}`, hob only {problem}"))
        }
        (false, None, None) => Verdict::Failed(format!("upstream says `{said}`, hob takes it")),
        (true, Some(problem), _) => Verdict::Failed(format!("upstream takes it; {problem}")),
        (true, None, Some(problem)) => Verdict::Exception(problem.rule),
        (true, None, None) => match (caps, &case.upstream.caps) {
            (_, None) => Verdict::Passed,
            (None, Some(_)) => Verdict::Failed("nothing could be read".into()),
            (Some(caps), Some(said)) => compare(&caps, said),
        },
    }
}

/// Compares limits and grants with upstream's line: `mem=64 soft=5s hard=30s fs=[{/x true}] env=[A] net=[h]`.
fn compare(caps: &ManifestCaps, said: &str) -> Verdict {
    let part = |head: &str| said.split(head).nth(1).unwrap_or_default();
    let word = |head: &str| part(head).split(' ').next().unwrap_or_default().to_owned();
    let list = |head: &str| part(head).split(']').next().unwrap_or_default().to_owned();
    let folder = |path: &String, read_only: bool| format!("{{{path} {read_only}}}");
    let folders: Vec<String> = caps
        .read
        .iter()
        .map(|path| folder(path, true))
        .chain(caps.write.iter().map(|path| folder(path, false)))
        .collect();
    let same = [
        ("mem", word("mem=") == caps.memory_mib.to_string()),
        ("soft", duration(&word("soft=")) == Some(caps.timeout)),
        ("hard", duration(&word("hard=")) == Some(caps.hard_timeout)),
        ("fs", list("fs=[") == folders.join(" ")),
        ("env", list("env=[") == caps.env.join(" ")),
        // An address in brackets ends the list for a reader of brackets.
        ("net", said.ends_with(&format!("net=[{}]", caps.hosts.join(" ")))),
    ];
    match same.iter().find(|(_, same)| !same) {
        None => Verdict::Passed,
        Some((what, _)) => Verdict::Failed(format!("{what} differs: upstream `{said}`, hob {caps:?}")),
    }
}

/// A duration as Go prints it: `1h0m5.5s`.
fn duration(text: &str) -> Option<Duration> {
    let mut total = 0.0;
    let mut number = String::new();
    for c in text.chars() {
        let seconds = match c {
            '0'..='9' | '.' => {
                number.push(c);
                continue;
            }
            'h' => 3600.0,
            'm' => 60.0,
            's' => 1.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * seconds;
        number.clear();
    }
    Duration::try_from_secs_f64(total).ok()
}
