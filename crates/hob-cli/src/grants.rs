//! From flags to a host.

use std::path::PathBuf;
use std::sync::Arc;

use hob::{Choice, ClockGrant, Host, HostBuilder, Limits, Policy, RandomGrant, StdioGrant};

use crate::args::{EngineArgs, EngineChoice, GrantArgs, GuestArgs, LimitArgs};
use crate::audit::Log;
use crate::report::Failure;

/// A host for one guest, and the log of what the guest was refused.
pub(crate) fn host(args: &GuestArgs) -> Result<(Host, Arc<Log>), Failure> {
    let log = Arc::new(Log::open(args.audit.as_deref(), &args.grants.dir)?);
    let builder = engine(Host::builder(), &args.engine)
        .policy(policy(&args.grants))
        .limits(limits(&args.limits))
        .audit(Arc::<Log>::clone(&log));
    Ok((builder.build()?, log))
}

/// What the flags grant. Clock and randomness default to stand-ins that tell a guest nothing about the host.
pub(crate) fn policy(args: &GrantArgs) -> Policy {
    Policy {
        fs: args.dir.clone(),
        env: args.env.clone(),
        net: args.net.clone(),
        clock: args.clock.unwrap_or(ClockGrant::Virtual),
        random: args.random.unwrap_or(RandomGrant::Seeded(0)),
        stdio: StdioGrant::all(),
        ..Policy::none()
    }
}

/// A builder with the engine's flags. A one-shot program leaves compiling behind to another process.
pub(crate) fn engine(builder: HostBuilder, args: &EngineArgs) -> HostBuilder {
    let choice = match args.engine {
        EngineChoice::Auto => Choice::Auto,
        EngineChoice::Wasmtime => Choice::Wasmtime,
        EngineChoice::Wasmi => Choice::Wasmi,
    };
    let mut builder = builder.engine(choice).compile_behind(false);
    if args.deterministic {
        builder = builder.deterministic();
    }
    match cache_dir(args) {
        Some(dir) => builder.cache_dir(dir),
        None => builder,
    }
}

/// Where compiled code is kept; `None` for nowhere.
pub(crate) fn cache_dir(args: &EngineArgs) -> Option<PathBuf> {
    if args.no_cache {
        return None;
    }
    let from = |key: &str| std::env::var_os(key).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = || from("XDG_CACHE_HOME").or_else(|| from("HOME").map(|home| home.join(".cache")));
    args.cache_dir.clone().or_else(|| base().map(|base| base.join("hob")))
}

fn limits(args: &LimitArgs) -> Limits {
    let default = Limits::default();
    Limits {
        memory_bytes: args.memory.unwrap_or(default.memory_bytes),
        output_bytes: args.max_output.unwrap_or(default.output_bytes),
        open_files: args.max_files.unwrap_or(default.open_files),
        fuel: args.fuel,
        hard_deadline: args.timeout.or(default.hard_deadline),
        ..default
    }
}
