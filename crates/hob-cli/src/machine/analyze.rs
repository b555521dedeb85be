//! `hob machine analyze` and `diff`: what is known of machines without running them for real.

use hob::machine::analysis::{Answered, Bounds, Cover, Exploration, Goals, Property, Verdict, report};
use hob::machine::diff::{Restore, Step, diff};
use serde_json::json;

use super::args::{AnalyzeArgs, CoverGoals, DiffArgs, SourceArgs};
use super::source::{self, refusal};
use crate::report::{Done, Failure, HOST, USAGE, print, print_json};

/// Exit code 1 when a property does not hold, or something is surely wrong.
pub(crate) fn run(args: &AnalyzeArgs) -> Done {
    let chart = source::chart(&args.source)?;
    let mut bounds = Bounds::default();
    if let Some(configurations) = args.configurations {
        bounds.configurations = configurations;
    }
    let graph = Exploration::of(&chart, &bounds).map_err(|refused| refusal(&args.source.file, &refused))?;
    let mut verdicts = Vec::new();
    for text in &args.property {
        let property = Property::parse(text).map_err(|error| Failure::new(USAGE, error))?;
        verdicts.push(graph.check(&property).map_err(|error| Failure::new(HOST, error))?);
    }
    let report = report(&graph);
    let cover = args.cover.map(|goals| graph.cover(goals.into()));
    if args.json {
        print_json(&json!({"report": report, "properties": verdicts, "cover": cover}))?;
    } else {
        for finding in &report.findings {
            print(&format!("{}\n", escaped(&finding.to_string())))?;
            if let Some(witness) = &finding.witness {
                print(&format!("  by {}\n", escaped(&witness.to_string())))?;
            }
        }
        verdicts.iter().try_for_each(show)?;
        cover.iter().try_for_each(show_cover)?;
        let far = match report.gave_up {
            Some(gave_up) => format!("gave up at {} of {}", gave_up.at, gave_up.limit),
            None => "all of them".into(),
        };
        print(&format!(
            "looked at {} configurations, {} steps: {far}\n",
            report.configurations, report.transitions
        ))?;
    }
    let wrong = report.findings.iter().any(|finding| finding.severity == hob::machine::Severity::Error);
    Ok(u8::from(wrong || verdicts.iter().any(|verdict| verdict.answered != Answered::Holds)))
}

fn show(verdict: &Verdict) -> Result<(), Failure> {
    let answer = match verdict.answered {
        Answered::Holds => "holds".into(),
        Answered::Fails => "does not hold".into(),
        Answered::GaveUp(gave_up) => format!("is not decided within {} of {}", gave_up.at, gave_up.limit),
    };
    print(&format!("{}: {answer}\n", escaped(&verdict.property)))?;
    verdict.witness.iter().try_for_each(|witness| print(&format!("  by {}\n", escaped(&witness.to_string()))))
}

fn show_cover(cover: &Cover) -> Result<(), Failure> {
    print(&format!("{} covered by {} sequences\n", cover.covered, cover.sequences.len()))?;
    for sequence in &cover.sequences {
        let events: Vec<String> = sequence.events().iter().map(ToString::to_string).collect();
        print(&format!("  {}\n", escaped(&events.join(","))))?;
    }
    cover.uncovered.iter().try_for_each(|at| print(&format!("  not covered: {}\n", escaped(at))))
}

impl From<CoverGoals> for Goals {
    fn from(goals: CoverGoals) -> Self {
        match goals {
            CoverGoals::States => Self::States,
            CoverGoals::Transitions => Self::Transitions,
            CoverGoals::Pairs => Self::Pairs,
        }
    }
}

/// With `--exit-code` 1 when something changed.
pub(crate) fn compare(args: &DiffArgs) -> Done {
    let load = |file: &std::path::PathBuf| source::chart(&SourceArgs { file: file.clone(), semantics: None });
    let diff = diff(&load(&args.old)?, &load(&args.new)?);
    if args.json {
        print_json(&diff)?;
    } else {
        diff.changes.iter().try_for_each(|change| print(&format!("{}\n", escaped(&change.to_string()))))?;
        let step = match diff.step {
            Step::None => "nothing changed",
            Step::Patch => "a patch",
            Step::Minor => "a minor version",
            Step::Major => "a major version",
        };
        let restore = match &diff.restore {
            Restore::All => "every snapshot of the old can be restored",
            Restore::Some(_) => "some snapshots of the old cannot be restored",
            Restore::None(_) => "no snapshot of the old can be restored",
        };
        print(&format!("{step}; {restore}\n"))?;
    }
    Ok(u8::from(args.exit_code && diff.step != Step::None))
}

fn escaped(text: &str) -> String {
    hob::escape_guest_text(text, 4000)
}
