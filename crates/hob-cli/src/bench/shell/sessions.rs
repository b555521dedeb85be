//! What a session costs while nothing happens in it, and how long it takes until somebody can type.

use std::path::Path;
use std::time::{Duration, Instant};

use hob::{Choice, Shell};

use super::super::cycles::resident_mib;
use super::super::measure::median;
use super::super::{Row, Rows};
use super::{Setting, text};

/// Idle sessions at once.
const SESSIONS: u32 = 200;

/// What one may take, in KiB.
const SESSION_KIB: f64 = 256.0;

/// How long it may take until the shell asks for the first line, in milliseconds.
const PROMPT_MS: f64 = 500.0;
const PROMPT_CACHED_MS: f64 = 150.0;

/// What an editor of lines asks a terminal, and the answer.
const WHERE_IS_THE_CURSOR: &[u8] = b"\x1b[6n";
const TOP_LEFT: &[u8] = b"\x1b[1;1R";

/// What a shell that asks for nothing in this time never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// Resident memory, of many sessions together, for each.
pub(super) fn idle(setting: &Setting<'_>) -> Result<Row, String> {
    let shell = setting.shell(setting.host())?;
    let count = if setting.quick { 20 } else { SESSIONS };
    let sessions =
        |count: u32| (0..count).map(|_| shell.session()).collect::<Result<Vec<_>, _>>().map_err(text);
    // What the first of all sets up is for everyone.
    drop(sessions(1)?);
    let before = resident_mib()?;
    let all = sessions(count)?;
    let each = (resident_mib()? - before) * 1024.0 / f64::from(count);
    drop(all);
    Ok(Row::amount("memory of an idle session", each, "KiB", SESSION_KIB))
}

/// From nothing to a shell that asks for a line.
pub(super) fn prompts(setting: &Setting<'_>) -> Rows {
    let rounds = if setting.quick { 1 } else { 7 };
    let shell = |cache: &Path| {
        let host = setting.host().engine(Choice::Auto).compile_behind(false).cache_dir(cache);
        setting.shell(host)
    };
    let empty = |round: u32| setting.dir.join(format!("empty-{round}"));
    let uncached: Vec<f64> =
        (0..rounds).map(|round| prompt(|| shell(&empty(round)))).collect::<Result<_, String>>()?;
    // A host that always compiles has filled this one.
    let full = setting.dir.join("cache");
    let cached: Vec<f64> = (0..rounds).map(|_| prompt(|| shell(&full))).collect::<Result<_, String>>()?;
    Ok(vec![
        Row::amount("first prompt of a shell, nothing cached", median(uncached), "ms", PROMPT_MS),
        Row::amount("first prompt of a shell, cached", median(cached), "ms", PROMPT_CACHED_MS),
    ])
}

/// Milliseconds from nothing to a shell that asks for a line.
fn prompt(shell: impl FnOnce() -> Result<Shell, String>) -> Result<f64, String> {
    let began = Instant::now();
    let session = shell()?.session().map_err(text)?;
    let job = session.start("sh").args(["-i"]).terminal(80, 24).spawn().map_err(text)?;
    let console = job.console().ok_or("there is no terminal")?;
    let (mut said, mut buf) = (Vec::new(), [0; 4096]);
    let count = |said: &[u8], what: &[u8]| said.windows(what.len()).filter(|window| *window == what).count();
    let mut answered = 0;
    while count(&said, b"$ ") == 0 {
        while answered < count(&said, WHERE_IS_THE_CURSOR) {
            console.write(TOP_LEFT).map_err(text)?;
            answered += 1;
        }
        let len = console.read(&mut buf, began.checked_add(PATIENCE)).map_err(text)?;
        said.extend_from_slice(buf.get(..len).unwrap_or_default());
        if len == 0 {
            return Err(format!("the shell asked for nothing: {}", String::from_utf8_lossy(&said)));
        }
    }
    let took = began.elapsed().as_secs_f64() * 1e3;
    session.close();
    Ok(took)
}
