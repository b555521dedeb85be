//! Developer chores, as a program: `cargo xtask COMMAND`.
//!
//! * `abi`: write what is made from the manifest of the command contract.
//! * `guests`: install toolchains and build the guest programs under `guests/`.
//! * `commands`: install the commands that others publish.
//! * `programs`: build the C programs of the tests, for this machine and for WASI.
//! * `corpus --native`: check what the corpus of scripts expects against the shell and tools of this machine.
//! * `suites`: install the test suites of state charts that others publish.
//! * `tidy`: check the house rules that no compiler checks.
//! * `test`: everything a change must pass; installs what it needs.
//! * `conformance SUITE FILE`: run conformance data.

mod abi;
mod commands;
mod corpus;
mod guests;
mod programs;
mod sdk;
mod shell;
mod suites;
mod test;
mod tidy;
mod toolchains;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask COMMAND
  abi [--check]             write what is made from crates/hob-abi/command.toml, or check it
  guests [NAME…]            build the guest programs, or these
  commands                  install the commands that others publish on npm
  programs                  build the C programs of the tests, for this machine and for WASI
  corpus --native [PART]    check the corpus of scripts against bash and the GNU tools of this machine
  suites                    install the test suites of state charts that others publish on npm
  tidy                      check the house rules
  test [--quick]            everything a change must pass; --quick leaves out documentation, licences and fuzzing
  conformance SUITE FILE …  run conformance data (suites: crucible-machines, guards, wasi)";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.split_first() {
        Some((command, rest)) => run(command, rest),
        None => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &str, args: &[String]) -> Result<(), String> {
    match command {
        "abi" => abi::run(args),
        "guests" => guests::build(args),
        "commands" if args.is_empty() => commands::install(),
        "programs" if args.is_empty() => programs::build(),
        "corpus" => corpus::run(args),
        "suites" if args.is_empty() => suites::install(),
        "tidy" => tidy::run(&root()),
        "test" => test::run_all(args),
        "conformance" => {
            let mut command =
                shell::cargo(&["run", "--release", "--quiet", "--package", "hob-conformance", "--"]);
            shell::run(command.args(args))
        }
        _ => Err(USAGE.into()),
    }
}

/// The root of the workspace.
fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map(PathBuf::from).unwrap_or(own)
}
