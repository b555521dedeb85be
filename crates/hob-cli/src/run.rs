//! `hob run`: a program with the granted authority.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

use hob::package::Kind;
use hob::{BackendKind, Host, Loaded, Sink, Source};

use crate::args::{EngineChoice, GuestArgs, RunArgs};
use crate::audit::Log;
use crate::eval::request;
use crate::grants;
use crate::report::{Done, Failure, HOST, USAGE, write_bytes};
use crate::subject::{self, Subject};

pub(crate) fn run(args: &RunArgs) -> Done {
    let Subject { host, log, loaded } = subject::open(args.path(), &args.guest)?;
    let kind = loaded.package().map(|package| package.kind);
    let done = match kind {
        Some(Kind::Tool(_)) => invoke(&loaded, args, &host),
        Some(kind @ (Kind::Plugin | Kind::Behavior)) => {
            let instead =
                if kind == Kind::Plugin { "`hob call` calls its functions" } else { "`hob eval` asks it" };
            Err(Failure::new(HOST, format!("the package is a {}, and no program; {instead}", kind.name())))
        }
        _ => stream(&loaded, args, &host),
    };
    match &done {
        Ok(0) => {}
        Ok(_) => hint(&log, &loaded, args),
        Err(_) => log.hints().iter().for_each(|hint| eprintln!("hob: {hint}")),
    }
    compile_behind(&loaded, args.path(), &args.guest);
    log.finish()?;
    done
}

/// A program on the streams of this process.
fn stream(loaded: &Loaded, args: &RunArgs, host: &Host) -> Done {
    let command = loaded.command().map_err(|error| subject::explain(loaded, error))?;
    let mut run = command
        .start()
        .args(args.args().iter().map(|arg| arg.as_bytes().to_vec()))
        .stdin(Source::Host)
        .stdout(Sink::Host)
        .stderr(Sink::Host);
    if let Some(recorder) = grants::recorder(&args.guest, host)? {
        run = run.record(recorder);
    }
    Ok(run.wait()?)
}

/// A tool: its request is read whole and held to its schema before it runs, its answer before it is printed.
fn invoke(loaded: &Loaded, args: &RunArgs, host: &Host) -> Done {
    if let [first, ..] = args.args() {
        let shown = hob::escape_guest_bytes(first.as_bytes(), 80);
        return Err(Failure::new(
            USAGE,
            format!("a tool reads its request from standard input; `{shown}` is left over"),
        ));
    }
    let request = request("-", host.limits().request_bytes)?;
    let request: serde_json::Value = serde_json::from_slice(&request)
        .map_err(|error| Failure::new(HOST, format!("the input is no JSON: {error}")))?;
    let tool = loaded.tool().map_err(|error| subject::explain(loaded, error))?;
    let answer = tool.invoke_recorded(&request, grants::recorder(&args.guest, host)?)?;
    if !answer.stderr().is_empty() {
        eprintln!("{}", hob::escape_guest_bytes(answer.stderr(), 4096));
    }
    write_bytes(answer.stdout())?;
    Ok(0)
}

/// Says what the guest was refused, when it did not end well.
fn hint(log: &Log, loaded: &Loaded, args: &RunArgs) {
    let hints = log.hints();
    for hint in &hints {
        eprintln!("hob: {hint}");
    }
    let asks_for_paths = || loaded.module().info().imports.iter().any(|import| import.name == "path_open");
    if hints.is_empty() && args.guest.grants.dir.is_empty() && asks_for_paths() {
        eprintln!("hob: no directory was granted; --dir HOST::GUEST[:rw] grants one");
    }
}

/// Compiles a module that was interpreted, in a process of its own: this one is about to end, and its user should not
/// wait. Whoever runs the module next finds the code.
pub(crate) fn compile_behind(loaded: &Loaded, path: &Path, guest: &GuestArgs) {
    let engine = &guest.engine;
    let package = loaded.package().map(|package| path.join(&package.module_path));
    let path = package.as_deref().unwrap_or(path);
    let wanted = engine.engine == EngineChoice::Auto && loaded.module().backend() == BackendKind::Wasmi;
    let Some(dir) = grants::cache_dir(engine).filter(|_| wanted) else { return };
    let Ok(program) = std::env::current_exe() else { return };
    let mut command = Command::new(program);
    command.args(["cache", "prewarm", "--cache-dir"]).arg(dir);
    if guest.limits.fuel.is_some() {
        command.arg("--metered");
    }
    if engine.deterministic || guest.record.record.is_some() {
        command.arg("--deterministic");
    }
    command.arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // If it cannot be started the next run is slower, nothing else.
    drop(command.spawn());
}
