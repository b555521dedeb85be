//! Bytes through commands: from a file of the session, and through pipes between them.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use hob::Session;

use super::super::{Row, Rows};
use super::{Setting, text};

/// What commands over many bytes may take beside the bare engine, whose input is a file of this machine.
const RATIO: f64 = 1.5;

/// Where the bytes are in the session.
const FILE: &str = "/tmp/input";

pub(super) fn rows(setting: &Setting<'_>) -> Rows {
    let session = setting.session()?;
    let (size, numbers) = if setting.quick { (1 << 20, 10_000) } else { (100_000_000, 1_000_000) };
    let path = setting.dir.join("input");
    let bytes = lines(size);
    std::fs::write(&path, &bytes).map_err(text)?;
    session.write_file(FILE, &bytes).map_err(text)?;
    drop(bytes);
    let mut rows: Vec<Row> = pipeline(&session, numbers, setting.quick)?.into_iter().collect();
    let commands: [(_, _, &[&str]); 3] = [
        ("sha256sum, 100 MB", "sha256sum, 100 MB, bare engine", &["sha256sum"]),
        ("grep -c, 100 MB", "grep -c, 100 MB, bare engine", &["grep", "-c", "line 77"]),
        ("wc -l, 100 MB", "wc -l, 100 MB, bare engine", &["wc", "-l"]),
    ];
    for (name, again, command) in commands {
        // Not every set of commands has all of them.
        if command.first().is_some_and(|name| session.read_file(&format!("/bin/{name}")).is_ok()) {
            rows.extend(whole(setting, &session, (name, again), &path, command)?);
        }
    }
    rows.push(pipe(&session, setting.quick)?);
    Ok(rows)
}

/// Lines of ordinary length.
fn lines(size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 100);
    for number in 0.. {
        if bytes.len() >= size {
            break;
        }
        bytes.extend_from_slice(format!("line {number} of a file that is searched and summed\n").as_bytes());
    }
    bytes
}

/// Seconds of the fastest of a few rounds, after one that compiles.
pub(super) fn fastest(quick: bool, mut work: impl FnMut() -> Result<(), String>) -> Result<f64, String> {
    work()?;
    let mut best = f64::INFINITY;
    for _ in 0..if quick { 1 } else { 3 } {
        let began = Instant::now();
        work()?;
        best = best.min(began.elapsed().as_secs_f64());
    }
    Ok(best)
}

/// Runs a script in a shell of the session, and gives what it wrote.
pub(super) fn script(session: &Session, script: &str) -> Result<Vec<u8>, String> {
    let done = session.run(script).map_err(text)?;
    if done.code == 0 { Ok(done.stdout) } else { Err(format!("`{script}` ended with {}", done.code)) }
}

fn native(command: &mut Command, stdin: Stdio) -> Result<(), String> {
    // Some tools do not even read when nobody reads what they write.
    let output = command.env("LC_ALL", "C").stdin(stdin).stderr(Stdio::null()).output().map_err(text)?;
    if output.status.success() { Ok(()) } else { Err(format!("{command:?} ended with {}", output.status)) }
}

/// What stands beside the tools of this machine has no target: they are other programs.
fn beside_native(row: &'static str, ours: f64, native: f64, unit: &'static str) -> Row {
    let ratio = Some(ours / native);
    Row {
        row,
        hob: ours,
        bare: Some(native),
        unit,
        ratio,
        target: "beside the tools of this machine".into(),
        met: true,
    }
}

/// `None` for commands that cannot: `sort` of the oldest set wants a thread.
fn pipeline(session: &Session, numbers: u32, quick: bool) -> Result<Option<Row>, String> {
    let line = format!("seq {numbers} | sort -n | tail -1");
    // How the first two ended, nobody is told; the answer says it.
    if script(session, &line)? != format!("{numbers}\n").as_bytes() {
        return Ok(None);
    }
    let ours = fastest(quick, || script(session, &line).map(drop))?;
    let theirs = fastest(quick, || native(Command::new("sh").args(["-c", &line]), Stdio::null()))?;
    Ok(Some(beside_native("seq 1000000 | sort -n | tail -1", ours * 1e3, theirs * 1e3, "ms")))
}

/// A command that reads all of a file from its standard input.
fn whole(
    setting: &Setting<'_>,
    session: &Session,
    (name, again): (&'static str, &'static str),
    path: &Path,
    command: &[&str],
) -> Rows {
    let open = || File::open(path).map_err(text);
    let quoted: Vec<String> = command.iter().map(|word| format!("'{word}'")).collect();
    let line = format!("{} < {FILE}", quoted.join(" "));
    let ours = fastest(setting.quick, || script(session, &line).map(drop))?;
    let [program, args @ ..] = command else { return Ok(Vec::new()) };
    let theirs = fastest(setting.quick, || native(Command::new(program).args(args), open()?.into()))?;
    let bare = setting.bare(session, program)?;
    let alone = fastest(setting.quick, || match bare.run(command, Some(open()?))? {
        (0, _) => Ok(()),
        (code, _) => Err(format!("`{program}` alone ended with {code}")),
    })?;
    Ok(vec![
        beside_native(name, ours * 1e3, theirs * 1e3, "ms"),
        Row::ratio(again, ours * 1e3, alone * 1e3, "ms", RATIO),
    ])
}

fn pipe(session: &Session, quick: bool) -> Result<Row, String> {
    let mib: u32 = if quick { 16 } else { 1024 };
    let line = format!("head -c {mib}M /dev/zero | cat > /dev/null");
    let ours = fastest(quick, || script(session, &line).map(drop))?;
    let theirs = fastest(quick, || native(Command::new("sh").args(["-c", &line]), Stdio::null()))?;
    let rate = |seconds: f64| f64::from(mib) / seconds;
    Ok(beside_native("head -c 1G /dev/zero | cat > /dev/null", rate(ours), rate(theirs), "MiB/s"))
}
