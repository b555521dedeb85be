//! `hob run`: a program with the granted authority.

use std::os::unix::ffi::OsStrExt;

use hob::package::Kind;
use hob::{Host, Loaded, Sink, Source};

use crate::args::RunArgs;
use crate::audit::Log;
use crate::behind::compile_behind;
use crate::eval::request;
use crate::grants;
use crate::report::{Done, Failure, HOST, USAGE, write_bytes};
use crate::subject::{self, Subject};

pub(crate) fn run(args: &RunArgs) -> Done {
    if !args.commands.bin.is_empty() {
        return crate::shell::one(args);
    }
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
