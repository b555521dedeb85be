//! Runs conformance data against hob: `hob-conformance SUITE FILE|DIR [--engine auto|wasmtime|wasmi]`.
//!
//! Prints each failure and, last, `N passed, M failed`. Exit code 0 when nothing failed, 1 when something did, 2 for wrong
//! usage. A suite is a format of data, not a list of cases: any file or folder of that format can be run.

mod guards;
mod machines;
mod samuel_guests;
mod samuel_manifests;
mod scoot_check;
mod scoot_host;
mod tally;
mod wasi;

use std::path::Path;
use std::process::ExitCode;

use hob::Choice;
use tally::Tally;

const USAGE: &str = "usage: hob-conformance SUITE FILE|DIR [--engine auto|wasmtime|wasmi]
suites:
  crucible-machines  machines, with what upstream's kernel did with them
  guards  guests of the json contract, .wat or .wasm, alone or in a folder
  scoot-check  tool packages, with what upstream's static check said of them
  scoot-host  modules run by upstream's `scoot-wasm`, with what it printed
  samuel-manifests  manifests of plugins, with what upstream's reader made of them
  samuel-guests  guests of the plugin contract, with what upstream made of them
  wasi    a folder in the format of wasi-testsuite (preview 1)";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(tally) => tally.finish(),
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &[String]) -> Result<Tally, String> {
    let mut positional = Vec::new();
    let mut engines = vec![Choice::Wasmtime, Choice::Wasmi];
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let engine = match arg.strip_prefix("--engine=") {
            Some(value) => Some(value),
            None if arg == "--engine" => Some(args.next().ok_or(USAGE)?.as_str()),
            None => None,
        };
        match engine {
            Some(name) => engines = vec![engine_named(name)?],
            None => positional.push(arg.as_str()),
        }
    }
    let [suite, path] = positional.as_slice() else { return Err(USAGE.into()) };
    let path = Path::new(path);
    if !path.exists() {
        return Err(format!("{}: no such file or folder", path.display()));
    }
    let mut tally = Tally::default();
    // What runs nothing needs no engine.
    match *suite {
        "crucible-machines" => return machines::run(path, &mut tally).map(|()| tally),
        "scoot-check" => return scoot_check::run(path, &mut tally).map(|()| tally),
        "samuel-manifests" => return samuel_manifests::run(path, &mut tally).map(|()| tally),
        _ => {}
    }
    for engine in engines {
        match *suite {
            "guards" => guards::run(path, engine, &mut tally)?,
            "scoot-host" => scoot_host::run(path, engine, &mut tally)?,
            "samuel-guests" => samuel_guests::run(path, engine, &mut tally)?,
            "wasi" => wasi::run(path, engine, &mut tally)?,
            other => return Err(format!("there is no suite `{other}`\n{USAGE}")),
        }
    }
    Ok(tally)
}

fn engine_named(name: &str) -> Result<Choice, String> {
    match name {
        "auto" => Ok(Choice::Auto),
        "wasmtime" => Ok(Choice::Wasmtime),
        "wasmi" => Ok(Choice::Wasmi),
        _ => Err(format!("there is no engine `{name}`; there are auto, wasmtime, wasmi")),
    }
}
