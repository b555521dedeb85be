//! Flags of `hob vat` and `hob repl`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use hob::Given;

use crate::args::KeyArgs;

/// What to do with vats.
#[derive(Debug, Subcommand)]
pub(crate) enum VatCommand {
    /// Do what a script says, line by line, or talk to an actor that is a module.
    Run(RunArgs),
    /// Show the records of a vat: what came in, what changed, what went out, what failed.
    Log(LogArgs),
    /// Show a vat as it was, and let it handle a message that leaves nothing behind.
    At(AtArgs),
    /// Run the records of a vat again and compare.
    Replay(ReplayVatArgs),
    /// Show what became of the actors of a vat between two records.
    Diff(DiffArgs),
    /// Move the actors of a module to a newer version of it: all of a vat, or none.
    Upgrade(UpgradeArgs),
}

/// Which vat, and the code of its actors.
#[derive(Debug, Args)]
pub(crate) struct VatArgs {
    /// The vat.
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub(crate) vat: String,
    /// A module whose actors the store has. May be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) module: Vec<PathBuf>,
}

/// Which vat of which store.
#[derive(Debug, Args)]
pub(crate) struct PastArgs {
    /// The file that vats are kept in.
    #[arg(long, value_name = "FILE")]
    pub(crate) store: PathBuf,
    #[command(flatten)]
    pub(crate) which: VatArgs,
    /// Print one JSON object for each thing that is shown.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which records.
#[derive(Debug, Args)]
pub(crate) struct RangeArgs {
    /// From this record on; from the first that is there without it.
    #[arg(long, value_name = "RECORD")]
    pub(crate) from: Option<u64>,
    /// Up to this record and without it.
    #[arg(long, value_name = "RECORD")]
    pub(crate) to: Option<u64>,
}

/// Arguments of `hob vat log`.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    #[command(flatten)]
    pub(crate) past: PastArgs,
    #[command(flatten)]
    pub(crate) range: RangeArgs,
    /// Show the messages too. With --json they are always there.
    #[arg(long)]
    pub(crate) messages: bool,
    /// Follow what this record led to, in other vats too.
    #[arg(long, value_name = "RECORD", conflicts_with_all = ["causes", "messages", "from", "to"])]
    pub(crate) effects: Option<u64>,
    /// Follow back what led to this record, in other vats too.
    #[arg(long, value_name = "RECORD", conflicts_with_all = ["messages", "from", "to"])]
    pub(crate) causes: Option<u64>,
}

/// Arguments of `hob vat at`.
#[derive(Debug, Args)]
pub(crate) struct AtArgs {
    #[command(flatten)]
    pub(crate) past: PastArgs,
    /// After so many records; after all without it.
    #[arg(value_name = "RECORDS")]
    pub(crate) records: Option<u64>,
    /// Call the actor that was published under this name, with these arguments, as a script writes them.
    #[arg(long, num_args = 2, value_names = ["NAME", "ARGS"])]
    pub(crate) call: Option<Vec<String>>,
}

/// Arguments of `hob vat replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayVatArgs {
    #[command(flatten)]
    pub(crate) past: PastArgs,
    #[command(flatten)]
    pub(crate) range: RangeArgs,
}

/// Arguments of `hob vat diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    #[command(flatten)]
    pub(crate) past: PastArgs,
    /// After so many records.
    #[arg(value_name = "BEFORE")]
    pub(crate) before: u64,
    /// After so many records.
    #[arg(value_name = "AFTER")]
    pub(crate) after: u64,
}

/// Arguments of `hob vat upgrade`.
#[derive(Debug, Args)]
pub(crate) struct UpgradeArgs {
    #[command(flatten)]
    pub(crate) past: PastArgs,
    /// Which actors, and what they become. OLD is the module they are of, or, where that is gone, the name of their kind as
    /// `hob vat at` shows it, or its beginning. NEW is a module whose states have a higher version, and which upgrades older
    /// ones. May be repeated.
    #[arg(value_name = "OLD=NEW", required = true, value_parser = successor)]
    pub(crate) moves: Vec<(String, PathBuf)>,
    /// Show what would become of the actors, and change nothing.
    #[arg(long)]
    pub(crate) check: bool,
}

fn successor(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() => Ok((old.into(), new.into())),
        _ => Err("write OLD=NEW, such as counter-1.wasm=counter-2.wasm".into()),
    }
}

/// Where vats are.
#[derive(Debug, Args)]
pub(crate) struct WhereArgs {
    #[command(flatten)]
    pub(crate) which: VatArgs,
    /// Keep vats in this file, and find there what was kept; without it they end with the process. `sqlite:FILE` makes it a
    /// SQLite database; what is there already is known by what it is.
    #[arg(long, value_name = "FILE")]
    pub(crate) store: Option<PathBuf>,
    /// Units of work of guests in one turn; a unit is about one instruction.
    #[arg(long, value_name = "COUNT")]
    pub(crate) fuel: Option<u64>,
}

/// Where uses of what was given are recorded.
#[derive(Debug, Args)]
pub(crate) struct AuditedArgs {
    /// Append a record of each use of what was given to this file.
    #[arg(long, value_name = "FILE", requires = "give")]
    pub(crate) audit: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

/// What lines can name from the start.
#[derive(Debug, Args)]
#[command(next_help_heading = "Grants")]
pub(crate) struct GiveArgs {
    /// Give something of this machine a name in the lines: a directory (read-only unless `:rw`), a clock, randomness, the standard
    /// streams, or requests as `--net` takes them. May be repeated.
    #[arg(
        long,
        value_name = "NAME=dir:PATH[:ro|:rw]|clock[:KIND]|random[:SEED]|console|net:PATTERN",
        value_parser = Given::parse
    )]
    pub(crate) give: Vec<Given>,
    #[command(flatten)]
    pub(crate) record: AuditedArgs,
}

/// Arguments of `hob vat run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// A script, or a module in the binary (`.wasm`) or text (`.wat`) format; `-` is a script on standard input.
    #[arg(value_name = "SCRIPT|MODULE")]
    pub(crate) what: PathBuf,
    #[command(flatten)]
    pub(crate) place: WhereArgs,
    #[command(flatten)]
    pub(crate) gifts: GiveArgs,
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
    #[command(flatten)]
    pub(crate) gifts: GiveArgs,
    /// Keep what was typed in this file, which only its owner can read, and begin with what is there. A line that begins with
    /// a space is not kept. [default: $XDG_STATE_HOME/hob/repl-history or ~/.local/state/hob/repl-history]
    #[arg(long, value_name = "FILE")]
    pub(crate) history: Option<PathBuf>,
    /// Keep nothing of what was typed, and begin with nothing.
    #[arg(long, conflicts_with = "history")]
    pub(crate) no_history: bool,
}
