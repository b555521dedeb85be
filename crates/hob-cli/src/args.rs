//! The command line as data: from these structures come the parser, `--help`, the man page and the completions.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use hob::{ClockGrant, EnvGrant, FsGrant, NetGrant, RandomGrant};

use crate::machine::args::MachineCommand;
use crate::vat::args::{ReplArgs, VatCommand};

/// Run WebAssembly that nobody has to trust.
///
/// A guest starts with nothing and gets exactly what these flags grant.
#[derive(Debug, Parser)]
#[command(name = "hob", version, max_term_width = 110, after_long_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: those of the guest, 0 to 255. Of the host: 2 usage, 124 the deadline passed, 125 the guest trapped or exceeded \
a limit, 126 refused (not valid, not granted, not linkable), 127 no such file.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a program with the granted authority and pass its exit code on.
    Run(RunArgs),
    /// Work in a shell whose commands are WebAssembly: on this terminal, or with a script.
    Shell(ShellArgs),
    /// Serve machines with commands to a client on standard input and output.
    Sidecar(SidecarArgs),
    /// Call one exported function with numbers and print what it returns.
    Call(CallArgs),
    /// Hand a JSON request to a module's `eval` and print its response.
    Eval(EvalArgs),
    /// Run a recorded run again, without any grant, and compare it call by call.
    Replay(ReplayArgs),
    /// Look after audit logs.
    Audit(AuditArgs),
    /// Check a package or module without running anything, and show what it asks for, is granted, and can reach.
    Check(CheckArgs),
    /// Check, run, draw and convert statecharts.
    Machine {
        /// What to do.
        #[command(subcommand)]
        command: MachineCommand,
    },
    /// Run actors: objects that hold and pass capabilities.
    Vat {
        /// What to do.
        #[command(subcommand)]
        command: VatCommand,
    },
    /// Talk to actors: make them, send to them, narrow and revoke what you hand out.
    Repl(ReplArgs),
    /// Use a package as a hook of an agent: a compressor, a policy, an audit.
    Hook(HookArgs),
    /// Show what a module imports, exports, and could reach with these grants. Runs nothing.
    Inspect(InspectArgs),
    /// Look after the cache of compiled code.
    Cache(CacheArgs),
    /// Measure hob against the bare engine, in the same process.
    Bench(BenchArgs),
    /// See the main job on real modules: grants, refusals, limits.
    Demo(DemoArgs),
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

/// What a guest is granted.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Grants")]
pub(crate) struct GrantArgs {
    /// Grant a directory; read-only unless `:rw`.
    #[arg(long, value_name = "HOST[::GUEST][:ro|:rw]", value_parser = FsGrant::parse)]
    pub(crate) dir: Vec<FsGrant>,
    /// Grant an environment variable, with the host's value or this one.
    #[arg(long, value_name = "KEY[=VALUE]", value_parser = EnvGrant::parse)]
    pub(crate) env: Vec<EnvGrant>,
    /// Grant outbound requests, such as `https://*.example.com` or `[GET] http://localhost:8080`. A name that leads to an
    /// address which is not public needs a grant of that address as well.
    #[arg(long, value_name = "PATTERN", value_parser = NetGrant::parse)]
    pub(crate) net: Vec<NetGrant>,
    /// Grant a clock. Without it the guest sees a virtual clock that is the same in every run.
    #[arg(long, value_name = "KIND", num_args = 0..=1, require_equals = true, default_missing_value = "real", value_parser = ClockGrant::parse)]
    pub(crate) clock: Option<ClockGrant>,
    /// Grant randomness: the host's, or a stream from a seed. Without it the guest sees the stream of seed 0, which is no
    /// secret; `none` refuses even that.
    #[arg(long, value_name = "SEED", num_args = 0..=1, require_equals = true, default_missing_value = "real", value_parser = RandomGrant::parse)]
    pub(crate) random: Option<RandomGrant>,
    /// What a package is granted before the flags are looked at: what its policy grants, all that its manifest asks for, or
    /// nothing. A flag replaces what stands here of its kind, within what the manifest asks for.
    #[arg(long, value_name = "BASE", default_value = "policy")]
    pub(crate) grants: BaseGrants,
    /// Give a plugin a value of its configuration.
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    pub(crate) config: Vec<(String, String)>,
}

/// What a package is granted before the flags are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum BaseGrants {
    /// What its policy grants.
    #[default]
    Policy,
    /// All that its manifest asks for.
    Manifest,
    /// Nothing.
    None,
}

/// What bounds a guest.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// Memories, tables and host buffers together.
    #[arg(long, value_name = "BYTES", value_parser = hob::parse_bytes)]
    pub(crate) memory: Option<u64>,
    /// How long the guest may run.
    #[arg(long, value_name = "TIME", value_parser = hob::parse_duration)]
    pub(crate) timeout: Option<Duration>,
    /// Units of fuel, each about one instruction.
    #[arg(long, value_name = "N")]
    pub(crate) fuel: Option<u64>,
    /// Bytes the guest may write to its standard streams.
    #[arg(long, value_name = "BYTES", value_parser = hob::parse_bytes)]
    pub(crate) max_output: Option<u64>,
    /// Descriptors the guest may have open at once.
    #[arg(long, value_name = "N")]
    pub(crate) max_files: Option<u64>,
}

/// How a guest is run.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Engine")]
pub(crate) struct EngineArgs {
    /// Which engine runs the guest. `auto` runs compiled code when the cache holds it; otherwise it interprets now and
    /// compiles for the next time.
    #[arg(long, value_name = "ENGINE", default_value = "auto")]
    pub(crate) engine: EngineChoice,
    /// The same bytes in every run and on both engines: canonical NaN, virtual clock, seeded randomness.
    #[arg(long)]
    pub(crate) deterministic: bool,
    /// Neither read nor write compiled code on disk.
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Where compiled code is kept. [default: $XDG_CACHE_HOME/hob or ~/.cache/hob]
    #[arg(long, value_name = "DIR", env = "HOB_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
}

/// Which engine runs a guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineChoice {
    /// By the cache and the size of the module.
    #[default]
    Auto,
    /// Compiled by Wasmtime.
    Wasmtime,
    /// Interpreted by wasmi.
    Wasmi,
}

/// Everything a guest is run under.
#[derive(Debug, Default, Args)]
pub(crate) struct GuestArgs {
    #[command(flatten)]
    pub(crate) grants: GrantArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    #[command(flatten)]
    pub(crate) record: RecordArgs,
}

/// What is written down of a run.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Record")]
pub(crate) struct RecordArgs {
    /// Append one line of JSON for every use of authority to this file, each line chained to the one before.
    #[arg(long, value_name = "FILE")]
    pub(crate) audit: Option<PathBuf>,
    /// Record every host call with its result in this file, for `hob replay`. The record of a guest that is handed
    /// environment variables or configuration is sealed with the user's key.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
}

/// Where the user's key is.
#[derive(Debug, Default, Args)]
pub(crate) struct KeyArgs {
    /// Where the key is that seals records and chains audit logs; made where there is none. [default:
    /// $XDG_DATA_HOME/hob or ~/.local/share/hob]
    #[arg(long, value_name = "DIR", env = "HOB_KEY_DIR")]
    pub(crate) key_dir: Option<PathBuf>,
}

/// Commands, and what they may do.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Commands")]
pub(crate) struct CommandsArgs {
    /// Add commands: a folder of modules, an installed npm package, a whole `node_modules`, an `.aospkg` file, or one
    /// module. Of two commands with one name the later counts.
    #[arg(long, value_name = "DIR|PACKAGE")]
    pub(crate) bin: Vec<PathBuf>,
    /// Lay an image under the files of the session: an archive that `tar` made, or an `.aospkg` file.
    #[arg(long, value_name = "IMAGE")]
    pub(crate) root: Option<PathBuf>,
    /// Narrow what a command may do to a tier: full, read-write, read-only or isolated. A name or a pattern with `*`.
    #[arg(long, value_name = "COMMAND=TIER", value_parser = tier)]
    pub(crate) tier: Vec<(String, hob::Tier)>,
    /// Processes alive at once.
    #[arg(long, value_name = "N")]
    pub(crate) max_processes: Option<u64>,
    /// Bytes of files that the session keeps in memory.
    #[arg(long, value_name = "BYTES", value_parser = hob::parse_bytes)]
    pub(crate) disk: Option<u64>,
    /// The directory to begin in.
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<String>,
}

/// Arguments of `hob shell`.
#[derive(Debug, Args)]
pub(crate) struct ShellArgs {
    #[command(flatten)]
    pub(crate) commands: CommandsArgs,
    #[command(flatten)]
    pub(crate) guest: GuestArgs,
    /// Run this script instead of reading from the terminal or standard input.
    #[arg(short = 'c', value_name = "SCRIPT")]
    pub(crate) script: Option<OsString>,
    /// With a script its own arguments, `$0` first; without one a file to run, and its arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) args: Vec<OsString>,
}

/// Arguments of `hob sidecar`.
#[derive(Debug, Args)]
pub(crate) struct SidecarArgs {
    #[command(subcommand)]
    pub(crate) protocol: SidecarProtocol,
}

/// What the client speaks.
#[derive(Debug, Subcommand)]
pub(crate) enum SidecarProtocol {
    /// The agentOS sidecar protocol, version 1. The flags are an upper bound: a client mounts granted directories where it
    /// wants them, and what it asks beyond the flags is rejected.
    Agentos(Box<AgentosArgs>),
}

/// Arguments of `hob sidecar agentos`.
#[derive(Debug, Args)]
pub(crate) struct AgentosArgs {
    #[command(flatten)]
    pub(crate) commands: CommandsArgs,
    #[command(flatten)]
    pub(crate) guest: GuestArgs,
    /// What a client must say to be served. Without it, whoever holds the streams is.
    #[arg(long, value_name = "TOKEN", env = "HOB_SIDECAR_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Bytes of a frame, 64 KiB to 64 MiB.
    #[arg(long, value_name = "BYTES", default_value = "1MiB", value_parser = frame_bytes)]
    pub(crate) max_frame: u32,
}

/// Reads the size of a frame.
fn frame_bytes(text: &str) -> Result<u32, String> {
    let bytes = hob::parse_bytes(text).map_err(|error| error.to_string())?;
    let bytes =
        u32::try_from(bytes).ok().filter(|bytes| hob_sidecar::frame::FRAME_BYTES_RANGE.contains(bytes));
    bytes.ok_or_else(|| "a frame has 64 KiB to 64 MiB".into())
}

/// Reads `COMMAND=TIER`.
fn tier(text: &str) -> Result<(String, hob::Tier), String> {
    let known = || hob::Tier::ALL.map(hob::Tier::name).join(", ");
    let (command, name) = text.split_once('=').ok_or("write COMMAND=TIER, such as curl=read-only")?;
    let tier = hob::Tier::ALL.into_iter().find(|tier| tier.name() == name);
    let tier = tier.ok_or_else(|| format!("`{name}` is no tier; there are {}", known()))?;
    Ok((command.to_owned(), tier))
}

/// Arguments of `hob run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) commands: CommandsArgs,
    #[command(flatten)]
    pub(crate) guest: GuestArgs,
    /// With --bin, the name of a command. Otherwise: The program, a package, `.wasm` or `.wat`, and behind it the program's own arguments. A `--` between them is left out.
    #[arg(value_names = ["PATH", "ARGS"], num_args = 1.., required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    program: Vec<OsString>,
}

impl RunArgs {
    /// The program.
    pub(crate) fn path(&self) -> &Path {
        self.program.first().map(Path::new).unwrap_or(Path::new(""))
    }

    /// The program's own arguments.
    pub(crate) fn args(&self) -> &[OsString] {
        match self.program.as_slice() {
            [_, dashes, args @ ..] if dashes == "--" => args,
            [_, args @ ..] => args,
            [] => &[],
        }
    }
}

/// Arguments of `hob call`.
#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    #[command(flatten)]
    pub(crate) guest: GuestArgs,
    /// Print numbers as a JSON array. For a function of a plugin that takes JSON: read the request from standard input
    /// when none is given.
    #[arg(long)]
    pub(crate) json: bool,
    /// For a plugin: print one JSON object with everything that came of the call: answer, log, callbacks.
    #[arg(long)]
    pub(crate) report: bool,
    /// The module, `.wasm` or `.wat`, or a package.
    pub(crate) path: PathBuf,
    /// The exported function.
    pub(crate) export: String,
    /// Its arguments, as numbers; or, for a function of a plugin that takes JSON, the request, where `-` reads it from
    /// standard input.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) args: Vec<String>,
}

/// Arguments of `hob check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// A package directory, its manifest, or a module.
    pub(crate) path: PathBuf,
}

/// Arguments of `hob hook`.
#[derive(Debug, Args)]
pub(crate) struct HookArgs {
    #[command(flatten)]
    pub(crate) guest: GuestArgs,
    /// The package.
    pub(crate) path: PathBuf,
    /// The request; `-` reads it from standard input.
    #[arg(default_value = "-", allow_hyphen_values = true)]
    pub(crate) request: String,
}

/// Arguments of `hob replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Which engine runs the guest again.
    #[arg(long, value_name = "ENGINE", default_value = "auto")]
    pub(crate) engine: EngineChoice,
    /// How long the replay may take.
    #[arg(long, value_name = "TIME", value_parser = hob::parse_duration)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// The record.
    pub(crate) record: PathBuf,
}

/// Arguments of `hob audit`.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    pub(crate) command: AuditCommand,
}

/// What to do with an audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Check every line of a log: whether it was changed, removed, reordered or cut off.
    Verify {
        #[command(flatten)]
        key: KeyArgs,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        /// The log.
        log: PathBuf,
    },
}

/// Arguments of `hob eval`.
#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    #[command(flatten)]
    pub(crate) guest: GuestArgs,
    /// Ask this JSON function of a plugin instead of a module's `eval`.
    #[arg(long, value_name = "NAME")]
    pub(crate) export: Option<String>,
    /// Read the response as a guard's verdict: print `true` or `false`, and fail on anything else.
    #[arg(long)]
    pub(crate) verdict: bool,
    /// The module, `.wasm` or `.wat`, or a package.
    pub(crate) path: PathBuf,
    /// The request; `-` reads it from standard input.
    #[arg(default_value = "-", allow_hyphen_values = true)]
    pub(crate) request: String,
}

/// Arguments of `hob inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    pub(crate) grants: GrantArgs,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// The module, `.wasm` or `.wat`, or a package.
    pub(crate) path: PathBuf,
}

/// Arguments of `hob cache`.
#[derive(Debug, Args)]
pub(crate) struct CacheArgs {
    #[command(subcommand)]
    pub(crate) command: CacheCommand,
    /// Where compiled code is kept. [default: $XDG_CACHE_HOME/hob or ~/.cache/hob]
    #[arg(long, value_name = "DIR", env = "HOB_CACHE_DIR", global = true)]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What to do with the cache.
#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Show how much it holds.
    Stats,
    /// Remove every entry.
    Clear,
    /// Compile modules ahead of their first run.
    Prewarm {
        /// Compile for runs with `--fuel`.
        #[arg(long)]
        metered: bool,
        /// Compile for runs with `--deterministic`.
        #[arg(long)]
        deterministic: bool,
        /// Do nothing while another process does this behind somebody's back.
        #[arg(long, hide = true)]
        behind: bool,
        /// Of sources of commands, compile only these.
        #[arg(long, value_name = "COMMAND")]
        only: Vec<String>,
        /// Modules, `.wasm` or `.wat`, and sources of commands as `hob shell --bin` takes them.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
}

/// Arguments of `hob bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// What to measure; everything that needs no commands without it.
    #[arg(value_enum, value_name = "WHAT")]
    pub(crate) what: Option<Measured>,
    /// Where the commands of a session are: a folder, an npm package, a `node_modules`, an `.aospkg` file. For machines: the
    /// `node_modules` that holds `xstate`, to measure beside it. For vats: the program `hob-bench-actors`.
    #[arg(long, value_name = "PATH", requires = "what")]
    pub(crate) bin: Vec<PathBuf>,
    /// Print one JSON object for each row.
    #[arg(long)]
    pub(crate) json: bool,
    /// Fewer rounds: a smoke test, not a measurement.
    #[arg(long)]
    pub(crate) quick: bool,
}

/// What else can be measured.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Measured {
    /// Sessions and the commands in them.
    Shell,
    /// Steps of statecharts, beside XState.
    Machine,
    /// Actors, beside actix and ractor.
    Vat,
}

/// Arguments of `hob demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Where the guests built by `cargo xtask guests` are; without them the built-in ones are shown.
    #[arg(long, value_name = "DIR", default_value = "target/guests")]
    pub(crate) guests: PathBuf,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a setting is KEY=VALUE")?;
    if key.is_empty() { Err("the key is empty".into()) } else { Ok((key.into(), value.into())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn grants_are_read_where_they_are_given() {
        let parse = |args: &[&str]| match Cli::try_parse_from(args).map(|cli| cli.command) {
            Ok(Command::Run(args)) => args,
            other => panic!("{other:?}"),
        };
        let args =
            parse(&["hob", "run", "--dir", "a::/b:rw", "--clock", "--random=7", "m.wasm", "--clock", "-x"]);
        assert_eq!(args.guest.grants.clock, Some(ClockGrant::Real));
        assert_eq!(args.guest.grants.random, Some(RandomGrant::Seeded(7)));
        assert_eq!((args.path(), args.args()), (Path::new("m.wasm"), &["--clock".into(), "-x".into()][..]));
        let args = parse(&["hob", "run", "--clock=coarse", "m.wasm", "--", "-x"]);
        assert_eq!(args.guest.grants.clock, Some(ClockGrant::Coarse));
        assert_eq!(args.args(), ["-x"]);
        for wrong in
            [["--clock=fast"], ["--random=x"], ["--memory=1parsec"], ["--timeout=5"], ["--dir="], ["--net=x"]]
        {
            assert!(Cli::try_parse_from(["hob", "run", wrong[0], "m.wasm"]).is_err(), "{wrong:?}");
        }
    }
}
