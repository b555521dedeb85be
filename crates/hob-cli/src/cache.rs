//! `hob cache`: how much compiled code there is, away with it, or more of it ahead of time.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use hob::{CacheStats, Host, Limits, format_bytes};

use crate::args::{CacheArgs, CacheCommand, EngineArgs};
use crate::behind::alone;
use crate::grants;
use crate::report::{Done, Failure, HOST, print, print_json};

pub(crate) fn run(args: &CacheArgs) -> Done {
    let (metered, deterministic) = match args.command {
        CacheCommand::Prewarm { metered, deterministic, .. } => (metered, deterministic),
        CacheCommand::Stats | CacheCommand::Clear => (false, false),
    };
    let engine = EngineArgs { deterministic, cache_dir: args.cache_dir.clone(), ..EngineArgs::default() };
    let limits = Limits { fuel: metered.then_some(u64::MAX), ..Limits::default() };
    let host = grants::engine(Host::builder(), &engine).limits(limits).build()?;
    let Some(cache) = host.cache() else {
        return Err(Failure::new(
            HOST,
            "there is no cache: neither --cache-dir, XDG_CACHE_HOME nor HOME is set",
        ));
    };
    let failed = |error: hob::PrivateError| Failure::new(HOST, format!("the cache is off: {error}"));
    match &args.command {
        CacheCommand::Stats => show(&host, "holds", cache.stats().map_err(failed)?, args.json),
        CacheCommand::Clear => show(&host, "held", cache.clear().map_err(failed)?, args.json),
        CacheCommand::Prewarm { paths, only, behind, .. } => {
            cache.check().map_err(failed)?;
            let place = alone(cache.dir());
            if *behind && place.is_none() {
                return Ok(0);
            }
            prewarm(&host, paths, only, args.json)
        }
    }
}

fn show(host: &Host, verb: &str, stats: CacheStats, json: bool) -> Done {
    let dir = host.cache().map(|cache| cache.dir().display().to_string()).unwrap_or_default();
    if json {
        let CacheStats { entries, bytes, bytes_max } = stats;
        print_json(
            &serde_json::json!({ "dir": dir, "entries": entries, "bytes": bytes, "bytes_max": bytes_max }),
        )?;
    } else {
        let (bytes, max) = (format_bytes(stats.bytes), format_bytes(stats.bytes_max));
        print(&format!("{dir} {verb} {} compiled modules, {bytes} of at most {max}\n", stats.entries))?;
    }
    Ok(0)
}

fn prewarm(host: &Host, paths: &[PathBuf], only: &[String], json: bool) -> Done {
    let mut count = Count::default();
    for path in paths {
        if path.is_dir() || path.extension().is_some_and(|ending| ending == "aospkg") {
            commands(host, path, only, &mut count)?;
            continue;
        }
        count.all += 1;
        progress(&path.display().to_string(), count.all - 1, paths.len());
        match host.prewarm(path) {
            Ok(now) => count.compiled += usize::from(now),
            Err(error) => {
                eprintln!("hob: {}: {error}", path.display());
                count.failed += 1;
            }
        }
    }
    progress_done();
    let Count { all, compiled, failed } = count;
    let ready = all - compiled - failed;
    if json {
        print_json(&serde_json::json!({ "compiled": compiled, "ready": ready, "failed": failed }))?;
    } else {
        print(&format!("{compiled} compiled, {ready} were ready, {failed} failed\n"))?;
    }
    Ok(if failed == 0 { 0 } else { HOST })
}

#[derive(Default)]
struct Count {
    all: usize,
    compiled: usize,
    failed: usize,
}

/// A whole source of commands.
fn commands(host: &Host, path: &Path, only: &[String], count: &mut Count) -> Result<(), Failure> {
    let shell = host.shell().bin(path)?.build()?;
    let wanted = |name: &str| only.is_empty() || only.iter().any(|one| one == name);
    count.all += shell.commands().iter().filter(|name| wanted(name)).count();
    let (compiled, failed) = shell.prewarm(wanted, progress);
    progress_done();
    for (name, why) in &failed {
        eprintln!("hob: {}: {why}", hob::escape_guest_text(name, 80));
    }
    count.compiled += compiled;
    count.failed += failed.len();
    Ok(())
}

/// Cells of the bar.
const CELLS: usize = 30;

/// Shows how far it is, to a person.
fn progress(name: &str, done: usize, all: usize) {
    if std::io::stderr().is_terminal() {
        let full = CELLS * done / all.max(1);
        let (full, empty) = ("#".repeat(full), "-".repeat(CELLS - full));
        eprint!("\r\x1b[K[{full}{empty}] {done}/{all} {}", hob::escape_guest_text(name, 40));
    }
}

/// Takes the bar away.
fn progress_done() {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
}
