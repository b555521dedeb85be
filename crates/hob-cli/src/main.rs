//! The `hob` binary: flags, output, exit codes. Everything it does is a few calls of the `hob` library.
//!
//! Exit codes: the guest's own, and of the host 2 usage, 124 deadline, 125 trap or limit, 126 refused, 127 not found.

mod args;
mod audit;
mod behind;
mod bench;
mod cache;
mod call;
mod check;
mod demo;
mod docs;
mod eval;
mod grants;
mod hook;
mod inspect;
mod machine;
mod progress;
mod replay;
mod report;
mod run;
mod shell;
mod sidecar;
mod subject;
mod vat;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Shell(args) => shell::run(&args),
        Command::Sidecar(args) => sidecar::run(&args),
        Command::Call(args) => call::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Machine { command } => machine::run(&command),
        Command::Vat { command } => vat::run(&command),
        Command::Repl(args) => vat::repl(&args),
        Command::Hook(args) => hook::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Cache(args) => cache::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Completions { shell } => docs::completions(shell),
        Command::Man => docs::man(),
    };
    ExitCode::from(done.unwrap_or_else(|failure| failure.print()))
}
