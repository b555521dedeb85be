//! Fuzz targets and the runner that drives them: `hob-fuzz [--seconds N] [--seed S] all|NAME…`, or `hob-fuzz NAME FILE` to
//! replay one input. Exit code 1 when something was found.

mod input;
mod mutate;
mod runner;
mod targets;

use std::process::ExitCode;
use std::time::Duration;

use runner::{Run, replay, run};
use targets::TARGETS;

const USAGE: &str = "usage: hob-fuzz [--seconds N] [--seed S] all|NAME…
       hob-fuzz NAME FILE";

fn main() -> ExitCode {
    match start(std::env::args().skip(1).collect()) {
        Ok(failed) => ExitCode::from(u8::from(failed > 0)),
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

fn start(args: Vec<String>) -> Result<usize, String> {
    let mut settings = Run { time: Duration::from_secs(10), seed: 1 };
    let mut names = Vec::new();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|text| text.parse::<u64>().ok()).ok_or(USAGE);
        match arg.as_str() {
            "--seconds" => settings.time = Duration::from_secs(number()?),
            "--seed" => settings.seed = number()?,
            _ => names.push(arg),
        }
    }
    if let [name, file] = names.as_slice()
        && std::path::Path::new(file).exists()
    {
        let target = TARGETS.iter().find(|target| target.name == name).ok_or(USAGE)?;
        let bytes = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
        return replay(target, &bytes).map_or_else(
            |finding| {
                println!("{finding}");
                Ok(1)
            },
            |()| Ok(0),
        );
    }
    let wanted: Vec<_> = match names.as_slice() {
        [] => return Err(USAGE.into()),
        [all] if all == "all" => TARGETS.iter().collect(),
        names => names
            .iter()
            .map(|name| {
                TARGETS
                    .iter()
                    .find(|target| target.name == name)
                    .ok_or_else(|| format!("no target `{name}`\n{USAGE}"))
            })
            .collect::<Result<_, _>>()?,
    };
    let failed = wanted.iter().filter(|target| !run(target, &settings)).count();
    println!("{} passed, {failed} failed", wanted.len() - failed);
    Ok(failed)
}
