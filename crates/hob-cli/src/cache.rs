//! `hob cache`: how much compiled code there is, away with it, or more of it ahead of time.

use std::io::IsTerminal;
use std::path::PathBuf;

use hob::{CacheStats, Host, Limits, format_bytes};

use crate::args::{CacheArgs, CacheCommand, EngineArgs};
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
        CacheCommand::Prewarm { paths, .. } => {
            cache.check().map_err(failed)?;
            prewarm(&host, paths, args.json)
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

fn prewarm(host: &Host, paths: &[PathBuf], json: bool) -> Done {
    let total = paths.len();
    let mut compiled = 0;
    let mut failed = 0;
    for (index, path) in paths.iter().enumerate() {
        if std::io::stderr().is_terminal() {
            eprintln!("hob: compiling {} ({} of {total})", path.display(), index + 1);
        }
        match host.prewarm(path) {
            Ok(now) => compiled += usize::from(now),
            Err(error) => {
                eprintln!("hob: {}: {error}", path.display());
                failed += 1;
            }
        }
    }
    let ready = total - compiled - failed;
    if json {
        print_json(&serde_json::json!({ "compiled": compiled, "ready": ready, "failed": failed }))?;
    } else {
        print(&format!("{compiled} compiled, {ready} were ready, {failed} failed\n"))?;
    }
    Ok(if failed == 0 { 0 } else { HOST })
}
