//! `hob run`: a program with the granted authority.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

use hob::{BackendKind, Host, Loaded, Sink, Source};

use crate::args::{EngineChoice, GuestArgs, RunArgs};
use crate::audit::Log;
use crate::grants;
use crate::progress;
use crate::report::{Done, Failure};

pub(crate) fn run(args: &RunArgs) -> Done {
    let (host, log) = grants::host(&args.guest)?;
    let loaded = load(&host, args.path())?;
    log.set_who(&loaded);
    let command = loaded.command()?;
    let mut run = command
        .start()
        .args(args.args().iter().map(|arg| arg.as_bytes().to_vec()))
        .stdin(Source::Host)
        .stdout(Sink::Host)
        .stderr(Sink::Host);
    if let Some(recorder) = grants::recorder(&args.guest)? {
        run = run.record(recorder);
    }
    let done = run.wait();
    match done {
        Ok(0) => {}
        Ok(_) => hint(&log, &loaded, args),
        Err(_) => log.hints().iter().for_each(|hint| eprintln!("hob: {hint}")),
    }
    compile_behind(&loaded, args.path(), &args.guest);
    log.finish()?;
    Ok(done?)
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
