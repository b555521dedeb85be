//! What a command line names: a module, or a package with a policy of its own. Either becomes a loaded module in a host
//! that grants what the flags and the package say.

use std::path::Path;
use std::sync::Arc;

use hob::package::{Format, check};
use hob::{Access, FsGrant, Host, Loaded, NetGrant, Package, Policy, Request};

use crate::args::{BaseGrants, GrantArgs, GuestArgs};
use crate::audit::Log;
use crate::grants;
use crate::progress;
use crate::report::{Failure, HOST};

/// A loaded module, its host, and the log of what it was refused.
pub(crate) struct Subject {
    pub(crate) host: Host,
    pub(crate) log: Arc<Log>,
    pub(crate) loaded: Loaded,
}

/// Whether a path names a package rather than a module.
pub(crate) fn is_package(path: &Path) -> bool {
    let manifests = ["hob.toml", "samuel-plugin.toml", "manifest.toml"];
    path.is_dir() || path.file_name().is_some_and(|name| manifests.iter().any(|manifest| name == *manifest))
}

/// Loads what a path names.
pub(crate) fn open(path: &Path, args: &GuestArgs) -> Result<Subject, Failure> {
    if !is_package(path) {
        let (host, log) = grants::host(args, grants::policy(&args.grants), None)?;
        let loaded = load(&host, path)?;
        log.set_who(loaded.name(), loaded.module().digest());
        return Ok(Subject { host, log, loaded });
    }
    let package = read(path)?;
    let policy = policy(&package, &args.grants)?;
    let (host, log) = grants::host(args, policy, Some(&package))?;
    let title = package.title();
    let loaded = progress::during(&format!("compiling {title}"), || host.load_package(package))?;
    log.set_who(&title, loaded.module().digest());
    Ok(Subject { host, log, loaded })
}

/// A package without problems.
pub(crate) fn read(path: &Path) -> Result<Package, Failure> {
    let checked = check(path);
    checked.package.ok_or_else(|| {
        let problems: String =
            checked.report.problems.iter().map(|problem| format!("\n  {problem}")).collect();
        let path = hob::escape_guest_text(&path.display().to_string(), 4096);
        Failure::new(HOST, format!("{path} is not a valid package:{problems}"))
    })
}

/// Loads a module, with a line on standard error when compiling takes long.
pub(crate) fn load(host: &Host, path: &Path) -> Result<Loaded, Failure> {
    let shown = path.display();
    let loaded = progress::during(&format!("compiling {shown}"), || host.load(path));
    loaded.map_err(|error| match error.kind() {
        hob::ErrorKind::NotFound(_) | hob::ErrorKind::Read { .. } => error.into(),
        _ => Failure::new(error.exit_code(), format!("{shown}: {error}")),
    })
}

/// What a package is granted: its policy, and what the flags say instead, within what it asks for. Says on standard error
/// what goes beyond the policy.
pub(crate) fn policy(package: &Package, args: &GrantArgs) -> Result<Policy, Failure> {
    let base = match args.grants {
        BaseGrants::Policy => package.policy.clone(),
        BaseGrants::Manifest => package.request.0.clone(),
        BaseGrants::None => Policy { stdio: package.policy.stdio, ..Policy::none() },
    };
    let mut policy = base;
    if args.dir.is_empty() {
        policy.fs.retain(exists);
    } else {
        policy.fs.clone_from(&args.dir);
    }
    if !args.env.is_empty() {
        policy.env.clone_from(&args.env);
    }
    if !args.net.is_empty() {
        policy.net.clone_from(&args.net);
    }
    policy.clock = args.clock.unwrap_or(policy.clock);
    policy.random = args.random.unwrap_or(policy.random);
    check_within(package, &policy, args)?;
    let wider = wider(package, &policy);
    if !wider.is_empty() {
        eprintln!("hob: granted beyond the policy of {}: {}", package.title(), wider.join(", "));
    }
    Ok(policy)
}

/// Whether the folder of a package's own grant is there. What is not there cannot be granted, and is said.
fn exists(grant: &FsGrant) -> bool {
    let there = Path::new(&grant.host).is_dir();
    if !there {
        eprintln!(
            "hob: {} is not granted: there is no such directory; --dir HOST::{} names another",
            hob::escape_guest_text(&grant.host, 4096),
            hob::escape_guest_text(grant.guest.as_str(), 4096)
        );
    }
    there
}

/// An error, and where a package lacks what it asks for, how it would be granted.
pub(crate) fn explain(loaded: &Loaded, error: hob::Error) -> Failure {
    let (hob::ErrorKind::Link(_), Some(package)) = (error.kind(), loaded.package()) else {
        return error.into();
    };
    let (asks, granted) = hob::package::asks(package);
    let missing: Vec<String> = asks.into_iter().filter(|flag| !granted.contains(flag)).collect();
    if missing.is_empty() {
        return error.into();
    }
    Failure::new(
        error.exit_code(),
        format!(
            "{error}\n{} asks for what its policy does not grant: {}; these flags grant it, or `--grants manifest` all of it",
            package.title(),
            missing.join(", ")
        ),
    )
}

/// Refuses what a package does not ask for.
fn check_within(package: &Package, policy: &Policy, args: &GrantArgs) -> Result<(), Failure> {
    let request = &package.request.0;
    let has = |capability: &str| package.capabilities.iter().any(|(name, _)| name == capability);
    let abstract_fs = |access: Access| match access {
        Access::Read => has("read") || has("write"),
        Access::ReadWrite => has("write"),
    };
    let mut refused: Vec<String> = Vec::new();
    for grant in &policy.fs {
        let covers = |asked: &FsGrant| asked.guest.contains(&grant.guest) && asked.access >= grant.access;
        if !request.fs.iter().any(covers) && !abstract_fs(grant.access) {
            refused.push(grant.to_string());
        }
    }
    for grant in &policy.env {
        if !request.env.iter().any(|asked| asked.key == grant.key) {
            refused.push(grant.to_string());
        }
    }
    let reads = |grant: &NetGrant| {
        !grant.methods.is_empty() && grant.methods.iter().all(|method| method == "GET" || method == "HEAD")
    };
    for grant in &policy.net {
        let capable = has("net_write") || (has("net_read") && reads(grant));
        if !request.net.iter().any(|asked| asked.covers(grant)) && !capable {
            refused.push(format!("--net '{grant}'"));
        }
    }
    let rest = Policy { fs: Vec::new(), env: Vec::new(), net: Vec::new(), ..policy.clone() };
    refused.extend(
        request.check(&Request(rest)).into_iter().filter(|item| !item.granted).map(|item| item.asked),
    );
    for (key, _) in &args.config {
        if package.format == Format::Hob && !package.config.contains(key) {
            refused.push(format!("--config {key}=…"));
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    let (asks, _) = hob::package::asks(package);
    let asks = if asks.is_empty() { "nothing of that kind".into() } else { asks.join(", ") };
    Err(Failure::new(
        HOST,
        format!(
            "{} does not ask for {}, so it is not granted; its manifest asks for {asks}",
            package.title(),
            refused.join(", ")
        ),
    ))
}

/// What a policy grants beyond the package's own.
fn wider(package: &Package, policy: &Policy) -> Vec<String> {
    let own = &package.policy;
    let mut wider = Vec::new();
    for grant in &policy.fs {
        let covers = |own: &FsGrant| own.guest.contains(&grant.guest) && own.access >= grant.access;
        if !own.fs.iter().any(covers) {
            wider.push(grant.to_string());
        }
    }
    for grant in &policy.env {
        if !own.env.iter().any(|own| own.key == grant.key) {
            wider.push(grant.to_string());
        }
    }
    let rest = Policy { fs: Vec::new(), env: Vec::new(), ..policy.clone() };
    wider.extend(own.check(&Request(rest)).into_iter().filter(|item| !item.granted).map(|item| item.asked));
    wider
}
