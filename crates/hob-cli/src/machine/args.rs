//! The command line of `hob machine`, as data.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::args::GuestArgs;

/// What to do with a machine.
#[derive(Debug, Subcommand)]
pub(crate) enum MachineCommand {
    /// Say what is wrong with machines, each problem with its place in the document.
    Check(CheckArgs),
    /// Start a machine and send it events; prints what each step did.
    Run(RunArgs),
    /// Take one step from a snapshot, and print what it did and the snapshot after it.
    Step(StepArgs),
    /// Look for what is wrong with a machine before it runs, and answer questions about it.
    Analyze(AnalyzeArgs),
    /// Compare two versions of a machine, and say what that makes of its version number.
    Diff(DiffArgs),
    /// Draw a machine.
    Render(RenderArgs),
    /// Turn a machine into another format, and say what does not map.
    Convert(ConvertArgs),
    /// Run a journal again, and print where it leads.
    Replay(ReplayArgs),
    /// Open a page on this machine where a person runs a machine: sees it move, steps back, changes what guards say.
    Serve(ServeArgs),
}

/// A machine.
#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    /// The machine: Crucible's JSON, SCXML or XState's JSON, by what is in the file; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The rules it steps by, whatever the document says.
    #[arg(long, value_name = "RULES")]
    pub(crate) semantics: Option<Rules>,
}

/// By which rules a machine steps.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Rules {
    /// Crucible's, with its errors mended.
    Hob,
    /// Crucible's as they are.
    #[value(name = "crucible-1.0")]
    Crucible,
    /// The W3C's.
    Scxml,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Machines.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Warnings count as errors.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Print one JSON object for each problem.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a machine names, and what that is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Behaviors")]
pub(crate) struct BindArgs {
    /// A guard: a module or package under the json contract, or `true` or `false`.
    #[arg(long, value_name = "NAME=MODULE|true|false", value_parser = pair)]
    pub(crate) guard: Vec<(String, String)>,
    /// An action. One that is not named here asks for `{"action": NAME, "params": …}`.
    #[arg(long, value_name = "NAME=MODULE", value_parser = pair)]
    pub(crate) action: Vec<(String, String)>,
    /// A change of the context; `none` changes nothing.
    #[arg(long, value_name = "NAME=MODULE|none", value_parser = pair)]
    pub(crate) assign: Vec<(String, String)>,
    /// Tell behaviors also by which name they are called, with which parameters, and the event: guards written for Crucible
    /// are told the context and nothing else.
    #[arg(long)]
    pub(crate) ask_everything: bool,
    #[command(flatten)]
    pub(crate) guest: GuestArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) bind: BindArgs,
    /// A service: a module under the json contract, asked when it is started.
    #[arg(long, value_name = "NAME=MODULE", value_parser = pair)]
    pub(crate) service: Vec<(String, String)>,
    /// Another machine that this one may start.
    #[arg(long, value_name = "NAME=FILE", value_parser = pair)]
    pub(crate) machine: Vec<(String, String)>,
    /// Events: names with commas between, or `-` for one on each line of standard input. A line is a name, or
    /// `{"event": …, "data": …}`; `+5s` lets five seconds pass.
    #[arg(long, value_name = "EVENTS", default_value = "", hide_default_value = true)]
    pub(crate) events: String,
    /// What the machine remembers at first.
    #[arg(long, value_name = "JSON")]
    pub(crate) context: Option<String>,
    /// Keep the machine in this file: a second run goes on where the first ended, with what became due in between. Time is
    /// that of the clock then, and `+5s` is later than that.
    #[arg(long, value_name = "FILE", conflicts_with = "journal")]
    pub(crate) store: Option<PathBuf>,
    /// Write every input here, for `hob machine replay`.
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Print one JSON object for each step.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StepArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) bind: BindArgs,
    /// The event: a name or `{"event": …, "data": …}`. Without one the machine begins.
    #[arg(long, value_name = "EVENT")]
    pub(crate) event: Option<String>,
    /// The snapshot to step from; `-` is standard input.
    #[arg(long, value_name = "FILE", requires = "event")]
    pub(crate) snapshot: Option<PathBuf>,
    /// What the machine remembers at first, without a snapshot.
    #[arg(long, value_name = "JSON", conflicts_with = "snapshot")]
    pub(crate) context: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AnalyzeArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// A property: `reach(x)`, `never(a & b)`, `always(a -> b)`, `eventually(x)`, `inevitable(x)`, `avoid(x, y)`.
    #[arg(long, value_name = "PROPERTY")]
    pub(crate) property: Vec<String>,
    /// Print sequences of events that cover all of these.
    #[arg(long, value_name = "GOALS")]
    pub(crate) cover: Option<CoverGoals>,
    /// How many configurations to look at.
    #[arg(long, value_name = "N")]
    pub(crate) configurations: Option<usize>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What sequences of events are to cover.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CoverGoals {
    /// Every state.
    States,
    /// Every transition.
    Transitions,
    /// Every two transitions that can follow on each other.
    Pairs,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The old version.
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// The new one.
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    /// Exit with 1 when something changed.
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The machine.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// What the machine remembers at first.
    #[arg(long, value_name = "JSON")]
    pub(crate) context: Option<String>,
    /// The port on 127.0.0.1; any free one when it is 0.
    #[arg(long, value_name = "PORT", default_value = "0")]
    pub(crate) port: u16,
}

#[derive(Debug, Args)]
pub(crate) struct RenderArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// As what.
    #[arg(long, value_name = "FORMAT", default_value = "svg")]
    pub(crate) to: Picture,
    /// Active states, to be highlighted.
    #[arg(long, value_name = "STATES", value_delimiter = ',')]
    pub(crate) active: Vec<String>,
}

/// How a machine is drawn.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Picture {
    /// A picture for a browser.
    Svg,
    /// For Mermaid, as in many documents.
    Mermaid,
    /// For Graphviz.
    Dot,
}

#[derive(Debug, Args)]
pub(crate) struct ConvertArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Into what.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: Format,
}

/// What a machine is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Crucible's JSON: hob's own.
    Crucible,
    /// The W3C's XML.
    Scxml,
    /// XState's JSON, version 5.
    Xstate,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) bind: BindArgs,
    /// Another machine that this one may start.
    #[arg(long, value_name = "NAME=FILE", value_parser = pair)]
    pub(crate) machine: Vec<(String, String)>,
    /// What `hob machine run --journal` wrote.
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: PathBuf,
    /// Stop after so many inputs: what was then.
    #[arg(long, value_name = "N")]
    pub(crate) at: Option<usize>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name.into(), value.into())),
        _ => Err("expected NAME=VALUE".into()),
    }
}
