//! From flags to a host.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use hob::{
    Choice, ClockGrant, Host, HostBuilder, Limits, Package, Policy, RandomGrant, RecordKey, Recorder, Scheme,
    StdioGrant,
};

use crate::args::{EngineArgs, EngineChoice, GrantArgs, GuestArgs, KeyArgs, LimitArgs};
use crate::audit::{self, Log};
use crate::report::{Failure, HOST};

/// A host for one guest with this policy, and the log of what the guest was refused. A package's limits hold where no flag
/// says otherwise.
pub(crate) fn host(
    args: &GuestArgs,
    policy: Policy,
    package: Option<&Package>,
) -> Result<(Host, Arc<Log>), Failure> {
    if let Some(grant) = policy.net.iter().find(|grant| matches!(grant.scheme, Scheme::Tcp | Scheme::Udp)) {
        return Err(Failure::new(
            HOST,
            format!(
                "a module alone has no sockets, so `--net '{grant}'` cannot be granted; commands of `hob shell` have"
            ),
        ));
    }
    let log = Arc::new(Log::open(&args.record, &policy.fs)?);
    let base = package.map(|package| package.limits.apply(Limits::default())).unwrap_or_default();
    let mut builder = engine(Host::builder(), &args.engine)
        .policy(policy)
        .limits(limits(&args.limits, base))
        .audit(Arc::<Log>::clone(&log));
    for (key, value) in &args.grants.config {
        builder = builder.config(key, value);
    }
    if args.record.record.is_some() {
        builder = builder.recordable();
    }
    Ok((builder.build()?, log))
}

/// Where the run is recorded, if it is.
pub(crate) fn recorder(args: &GuestArgs, host: &Host) -> Result<Option<Recorder>, Failure> {
    let Some(path) = &args.record.record else { return Ok(None) };
    // What is recorded is for the user who recorded it.
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let file =
        file.map_err(|error| Failure::new(HOST, format!("failed to create {}: {error}", path.display())))?;
    let recorder = Recorder::new(file);
    if host.policy().env.is_empty() && args.grants.config.is_empty() {
        return Ok(Some(recorder));
    }
    Ok(Some(recorder.key(record_key(&args.record.key)?)))
}

/// The key that seals records.
pub(crate) fn record_key(args: &KeyArgs) -> Result<RecordKey, Failure> {
    Ok(RecordKey::new(audit::key(args)?.derive("record")))
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
        log: true,
        ..Policy::none()
    }
}

/// A builder with the engine's flags. A one-shot program leaves compiling behind to another process.
pub(crate) fn engine(builder: HostBuilder, args: &EngineArgs) -> HostBuilder {
    let mut builder = builder.engine(choice(args.engine)).compile_behind(false);
    if args.deterministic {
        builder = builder.deterministic();
    }
    match cache_dir(args) {
        Some(dir) => builder.cache_dir(dir),
        None => builder,
    }
}

/// The engine a flag names.
pub(crate) fn choice(engine: EngineChoice) -> Choice {
    match engine {
        EngineChoice::Auto => Choice::Auto,
        EngineChoice::Wasmtime => Choice::Wasmtime,
        EngineChoice::Wasmi => Choice::Wasmi,
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

pub(crate) fn limits(args: &LimitArgs, default: Limits) -> Limits {
    let timeout = args.timeout.or(default.hard_deadline);
    Limits {
        memory_bytes: args.memory.unwrap_or(default.memory_bytes),
        output_bytes: args.max_output.unwrap_or(default.output_bytes),
        open_files: args.max_files.unwrap_or(default.open_files),
        fuel: args.fuel.or(default.fuel),
        // A shorter timeout bounds the soft one too.
        soft_deadline: default.soft_deadline.filter(|soft| timeout.is_none_or(|hard| *soft <= hard)),
        hard_deadline: timeout,
        ..default
    }
}
