//! `hob machine`: statecharts on the command line. Reading, checking, stepping and drawing is the library's; here are flags,
//! and what is printed.

mod analyze;
pub(crate) mod args;
mod bind;
mod events;
mod run;
mod source;
mod step;

use std::path::Path;

use hob::machine::convert::{scxml, xstate};
use hob::machine::driver::{System, SystemLimits};
use hob::machine::journal::{JournalEntry, replay};
use hob::machine::{Name, Problem, render};
use serde_json::{Value, json};

use crate::report::{Done, Failure, HOST, print, print_json};
use args::{CheckArgs, ConvertArgs, Format, MachineCommand, Picture, RenderArgs, ReplayArgs, ServeArgs};

pub(crate) fn run(command: &MachineCommand) -> Done {
    match command {
        MachineCommand::Check(args) => check(args),
        MachineCommand::Run(args) => run::run(args),
        MachineCommand::Step(args) => step::run(args),
        MachineCommand::Analyze(args) => analyze::run(args),
        MachineCommand::Diff(args) => analyze::compare(args),
        MachineCommand::Render(args) => draw(args),
        MachineCommand::Convert(args) => convert(args),
        MachineCommand::Replay(args) => play_back(args),
        MachineCommand::Serve(args) => serve(args),
    }
}

/// Exit code 1 when a machine is refused.
fn check(args: &CheckArgs) -> Done {
    let mut refused = false;
    for file in &args.files {
        let text = source::text(file)?;
        let problems = match source::parse(&text) {
            Err(refused) => refused.0,
            Ok(source) => {
                let mut problems = source.notes;
                problems.extend(hob::machine::Chart::problems(&source.document));
                problems
            }
        };
        let bad = |problem: &Problem| {
            problem.is_error() || (args.strict && problem.severity == hob::machine::Severity::Warning)
        };
        let is_refused = problems.iter().any(bad);
        refused |= is_refused;
        show_problems(file, &problems, is_refused, args.json)?;
    }
    Ok(u8::from(refused))
}

fn show_problems(file: &Path, problems: &[Problem], refused: bool, json: bool) -> Result<(), Failure> {
    for problem in problems {
        if json {
            print_json(
                &json!({"file": file, "severity": problem.severity, "code": problem.code, "at": problem.at,
                "message": problem.message}),
            )?;
        } else {
            print(&format!("{}: {}\n", file.display(), source::shown(problem)))?;
        }
    }
    if json {
        return Ok(());
    }
    print(&format!("{}: {}\n", file.display(), if refused { "refused" } else { "valid" }))
}

fn draw(args: &RenderArgs) -> Done {
    let chart = source::chart(&args.source)?;
    let mut active = Vec::new();
    for name in &args.active {
        let number = || name.parse::<i64>().ok().map(Name::from);
        let names = [Some(Name::from(name.as_str())), number()];
        let found = names.into_iter().flatten().find(|name| chart.state(name).is_some());
        active.push(found.ok_or_else(|| Failure::new(HOST, format!("the machine has no state {name:?}")))?);
    }
    let picture = match args.to {
        Picture::Svg => {
            render::svg(&chart, &active, render::Svg::default()).map_err(|error| Failure::new(HOST, error))?
        }
        Picture::Mermaid => render::mermaid(&chart, &active),
        Picture::Dot => render::dot(&chart, &active),
    };
    print(&picture)?;
    Ok(0)
}

/// The result on standard output, what did not map on standard error.
fn convert(args: &ConvertArgs) -> Done {
    let source = source::read(&args.source.file)?;
    let refused = |refused| source::refusal(&args.source.file, &refused);
    let mut notes = source.notes;
    let text = if args.to == source.format && args.to != Format::Crucible {
        source::text(&args.source.file)?
    } else {
        match args.to {
            Format::Crucible => source.document.to_string(),
            to => {
                let export = if to == Format::Scxml { scxml::export } else { xstate::export };
                let converted = export(&source.document).map_err(refused)?;
                notes.extend(converted.notes);
                converted.result
            }
        }
    };
    for note in &notes {
        eprintln!("{}: {}", args.source.file.display(), source::shown(note));
    }
    print(&format!("{}\n", text.trim_end()))?;
    Ok(0)
}

/// Prints where a journal leads, as one JSON object.
fn play_back(args: &ReplayArgs) -> Done {
    let bound = bind::bind(&args.source, &args.bind)?;
    let machines = run::machines(&bound, &args.machine, &args.bind, args.source.semantics)?;
    let failed = |error: &dyn std::fmt::Display| Failure::new(HOST, error);
    let text = source::text(&args.journal)?;
    let mut entries = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong =
            |why: String| Failure::new(HOST, format!("{}:{}: {why}", args.journal.display(), number + 1));
        let value: Value = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        entries.push(JournalEntry::from_value(value).map_err(wrong)?);
    }
    entries.truncate(args.at.unwrap_or(usize::MAX));
    let mut system = System::new(run::ROOT, &machines, run::ROOT, SystemLimits::default())
        .map_err(|error| failed(&error))?;
    replay(&mut system, &entries, None).map_err(|error| failed(&error))?;
    let instances: Vec<Value> = system
        .instances()
        .map(|(name, instance)| json!({"machine": name, "configuration": instance.configuration(), "context": instance.context()}))
        .collect();
    let snapshot = system.snapshot().map(|snapshot| snapshot.to_value());
    print_json(&json!({"inputs": entries.len(), "machines": instances, "snapshot": snapshot}))?;
    Ok(0)
}

/// Runs until it is stopped. The address is printed once; it has a secret in it.
fn serve(args: &ServeArgs) -> Done {
    // One that cannot be read is shown with what is wrong with it.
    let options = hob_serve::machine::Options {
        text: source::text(&args.file)?,
        context: events::context(args.context.as_deref())?,
        port: args.port,
    };
    let served = hob_serve::machine::serve(&options, |url| drop(print(&format!("{url}\n"))));
    served.map_err(|error| Failure::new(HOST, format!("failed to serve the page: {error}")))?;
    Ok(0)
}
