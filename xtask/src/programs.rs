//! Builds the C programs of the tests twice: for this machine and for WASI. What the one says is what the other must say.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use crate::shell::quiet;
use crate::toolchains;

/// What both compilers are told. Fused multiplications would round otherwise on some machines.
const FLAGS: [&str; 6] =
    ["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off"];

/// Builds what is older than its source into `target/programs/native/<name>` and `target/programs/wasm/<name>.wasm`.
pub(crate) fn build() -> Result<(), String> {
    let sources = crate::root().join("crates/hob-cli/tests/programs");
    let target = crate::root().join("target/programs");
    for folder in ["native", "wasm"] {
        let dir = target.join(folder);
        fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    }
    let (mut built, mut all) = (0, 0);
    for entry in fs::read_dir(&sources).map_err(|error| format!("{}: {error}", sources.display()))? {
        let source = entry.map_err(|error| error.to_string())?.path();
        if source.extension().is_none_or(|ending| ending != "c") {
            continue;
        }
        all += 1;
        let name = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let native = target.join("native").join(&name);
        if !is_fresh(&native, &source) {
            let mut cc = Command::new("cc");
            quiet(cc.args(FLAGS).args(["-O2", "-o"]).arg(&native).arg(&source).arg("-lm"))?;
            built += 1;
        }
        let wasm = target.join("wasm").join(format!("{name}.wasm"));
        if !is_fresh(&wasm, &source) {
            let mut zig = toolchains::zig()?;
            zig.args(["cc", "-target", "wasm32-wasi", "-Os", "-s"]).args(FLAGS);
            quiet(zig.arg("-o").arg(&wasm).arg(&source))?;
            built += 1;
        }
    }
    println!("{built} programs built, {all} ready in target/programs");
    Ok(())
}

fn is_fresh(made: &Path, source: &Path) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    let (made, source): (Option<SystemTime>, _) = (time(made), time(source));
    made.is_some() && made > source
}
