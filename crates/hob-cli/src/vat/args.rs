//! Flags of `hob vat` and `hob repl`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with vats.
#[derive(Debug, Subcommand)]
pub(crate) enum VatCommand {
    /// Do what a script says, line by line, or talk to an actor that is a module.
    Run(RunArgs),
}

/// Where vats are.
#[derive(Debug, Args)]
pub(crate) struct WhereArgs {
    /// The vat.
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub(crate) vat: String,
    /// Keep vats in this file, and find there what was kept; without it they end with the process.
    #[arg(long, value_name = "FILE")]
    pub(crate) store: Option<PathBuf>,
    /// A module whose actors the store has. May be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) module: Vec<PathBuf>,
    /// Units of work of guests in one turn; a unit is about one instruction.
    #[arg(long, value_name = "COUNT")]
    pub(crate) fuel: Option<u64>,
}

/// Arguments of `hob vat run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// A script, or a module in the binary (`.wasm`) or text (`.wat`) format; `-` is a script on standard input.
    #[arg(value_name = "SCRIPT|MODULE")]
    pub(crate) what: PathBuf,
    #[command(flatten)]
    pub(crate) place: WhereArgs,
    /// What the actor of a module begins with, as a script writes values.
    #[arg(long, value_name = "VALUE", default_value = "undefined")]
    pub(crate) state: String,
    /// What is said to the actor of a module, in order, as a script writes it after its name.
    #[arg(long, value_name = "ARGS")]
    pub(crate) say: Vec<String>,
    /// Go on after a line that failed.
    #[arg(long)]
    pub(crate) keep_going: bool,
}

/// Arguments of `hob repl`.
#[derive(Debug, Args)]
pub(crate) struct ReplArgs {
    #[command(flatten)]
    pub(crate) place: WhereArgs,
    /// Keep what was typed in this file, and begin with what is there.
    #[arg(long, value_name = "FILE")]
    pub(crate) history: Option<PathBuf>,
}
