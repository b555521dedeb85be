//! Compiling behind the back of a run.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hob::{BackendKind, Loaded, Shell};

use crate::args::{EngineChoice, GuestArgs};
use crate::grants;

/// Compiles a module that was interpreted, in a process of its own: this one is about to end, and its user should not
/// wait. Whoever runs the module next finds the code.
pub(crate) fn compile_behind(loaded: &Loaded, path: &Path, guest: &GuestArgs) {
    let engine = &guest.engine;
    let package = loaded.package().map(|package| path.join(&package.module_path));
    let path = package.as_deref().unwrap_or(path);
    let wanted = engine.engine == EngineChoice::Auto && loaded.module().backend() == BackendKind::Wasmi;
    if wanted {
        prewarm(guest, &[], &[path]);
    }
}

/// Compiles the commands of a session that ran without compiled code, in a process of its own.
pub(crate) fn compile_commands_behind(shell: &Shell, sources: &[PathBuf], guest: &GuestArgs) {
    let names = shell.interpreted();
    if guest.engine.engine == EngineChoice::Auto && !names.is_empty() {
        prewarm(guest, &names, &sources.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    }
}

/// Takes the one place there is for compiling behind somebody's back, or says that it is taken. A file in the cache's
/// directory is locked as long as the answer lives.
pub(crate) fn alone(dir: &Path) -> Option<File> {
    let file = File::options().create(true).write(true).truncate(false).open(dir.join("behind.lock")).ok()?;
    file.try_lock().ok()?;
    Some(file)
}

fn prewarm(guest: &GuestArgs, only: &[String], paths: &[&Path]) {
    let engine = &guest.engine;
    let Some(dir) = grants::cache_dir(engine) else { return };
    let Ok(program) = std::env::current_exe() else { return };
    let mut command = Command::new(program);
    command.args(["cache", "prewarm", "--behind", "--cache-dir"]).arg(dir);
    if guest.limits.fuel.is_some() {
        command.arg("--metered");
    }
    if engine.deterministic || guest.record.record.is_some() {
        command.arg("--deterministic");
    }
    for name in only {
        command.arg("--only").arg(name);
    }
    command.arg("--").args(paths).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // If it cannot be started the next run is slower, nothing else.
    drop(command.spawn());
}
