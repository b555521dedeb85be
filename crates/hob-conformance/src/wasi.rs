//! The suite `wasi`: a folder in the format of wasi-testsuite.
//!
//! Each `NAME.wasm` is a case; an optional `NAME.json` says how it is run and what is expected. Both forms of that project's
//! specification are read: the older one (`args`, `env`, `root` or `dirs`, `exit_code`, `stdout`, `stderr`) and the one of
//! operations (`run`, `read`, `wait`). The folder a case may change is copied first, so that the data stays as it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hob::{
    Access, Choice, ClockGrant, EnvGrant, FsGrant, GuestPath, Host, Limits, Policy, RandomGrant, StdioGrant,
};
use serde::Deserialize;

use crate::tally::Tally;

/// How long one case may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// How a case is run and what is expected, in either form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    args: Vec<String>,
    env: BTreeMap<String, String>,
    root: Option<String>,
    dirs: Vec<String>,
    exit_code: u8,
    stdout: Option<String>,
    stderr: Option<String>,
    proposals: Vec<String>,
    operations: Vec<Operation>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Operation {
    Run {
        #[serde(default)]
        args: Vec<String>,
        #[serde(default)]
        env: BTreeMap<String, String>,
        #[serde(default)]
        root: Option<String>,
    },
    Wait {
        #[serde(default)]
        exit_code: u8,
    },
    Read {
        #[serde(default)]
        id: Option<String>,
        #[serde(default)]
        payload: String,
    },
    #[serde(untagged)]
    Other(serde_json::Value),
}

pub(crate) fn run(path: &Path, engine: Choice, tally: &mut Tally) -> Result<(), String> {
    for case in modules(path)? {
        let name = format!("{} ({engine:?})", case.display());
        tally.case(&name, one(&case, engine));
    }
    Ok(())
}

/// Every module at or below a path, in order.
pub(crate) fn modules(path: &Path) -> Result<Vec<PathBuf>, String> {
    let is_module = |path: &Path| path.extension().is_some_and(|ext| ext == "wasm" || ext == "wat");
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let entries = fs::read_dir(path).map_err(|error| format!("{}: {error}", path.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            found.extend(modules(&path)?);
        } else if is_module(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn one(case: &Path, engine: Choice) -> Result<(), String> {
    let spec = read_spec(case)?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let host = host(case, &spec, engine, folder.path())?;
    let loaded = host.load(case).map_err(|error| error.to_string())?;
    let command = loaded.command().map_err(|error| error.to_string())?;
    let output = command
        .run(spec.args.iter().map(|arg| arg.clone().into_bytes()))
        .map_err(|error| error.to_string())?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    if output.code != spec.exit_code {
        let hint = stderr.lines().take(6).collect::<Vec<_>>().join(" | ");
        return Err(format!("exit code {}, expected {}; {hint}", output.code, spec.exit_code));
    }
    let expect = |name: &str, want: &Option<String>, got: &str| match want {
        Some(want) if want != got => Err(format!("{name} is {got:?}, expected {want:?}")),
        _ => Ok(()),
    };
    expect("stdout", &spec.stdout, &String::from_utf8_lossy(&output.stdout))?;
    expect("stderr", &spec.stderr, &stderr)
}

fn read_spec(case: &Path) -> Result<Spec, String> {
    let path = case.with_extension("json");
    if !path.exists() {
        return Ok(Spec::default());
    }
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut spec: Spec =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    if let Some(proposal) = spec.proposals.first() {
        return Err(format!("needs the proposal `{proposal}`, which preview 1 does not have"));
    }
    for operation in std::mem::take(&mut spec.operations) {
        match operation {
            Operation::Run { args, env, root } => (spec.args, spec.env, spec.root) = (args, env, root),
            Operation::Wait { exit_code } => spec.exit_code = exit_code,
            Operation::Read { id, payload } if id.as_deref() == Some("stderr") => spec.stderr = Some(payload),
            Operation::Read { payload, .. } => spec.stdout = Some(payload),
            Operation::Other(operation) => {
                return Err(format!("an operation that is not known: {operation}"));
            }
        }
    }
    Ok(spec)
}

fn host(case: &Path, spec: &Spec, engine: Choice, folder: &Path) -> Result<Host, String> {
    let beside = case.parent().unwrap_or(Path::new("."));
    let mut fs = Vec::new();
    let named = spec.dirs.iter().map(|dir| (dir.as_str(), dir.as_str()));
    let root = spec.root.iter().map(|root| (root.as_str(), "/"));
    for (source, guest) in root.chain(named) {
        let copy = folder.join(format!("{}", fs.len()));
        copy_folder(&beside.join(source), &copy)?;
        let guest = GuestPath::new(guest).map_err(|error| error.to_string())?;
        fs.push(FsGrant { host: copy.display().to_string(), guest, access: Access::ReadWrite });
    }
    let env = spec.env.iter().map(|(key, value)| EnvGrant::new(key, Some(value.clone())));
    let policy = Policy {
        fs,
        env: env.collect::<Result<_, _>>().map_err(|error| error.to_string())?,
        clock: ClockGrant::Real,
        random: RandomGrant::Real,
        stdio: StdioGrant::all(),
        ..Policy::none()
    };
    let limits = Limits { hard_deadline: Some(DEADLINE), ..Limits::default() };
    let host = Host::builder().engine(engine).policy(policy).limits(limits).build();
    host.map_err(|error| error.to_string())
}

/// Copies a folder; leftovers of earlier runs, named `*.cleanup`, stay behind.
fn copy_folder(from: &Path, to: &Path) -> Result<(), String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", from.display());
    fs::create_dir_all(to).map_err(wrong)?;
    for entry in fs::read_dir(from).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.extension().is_some_and(|ext| ext == "cleanup") {
            continue;
        }
        let kind = entry.file_type().map_err(wrong)?;
        if kind.is_dir() {
            copy_folder(&source, &target)?;
        } else if kind.is_symlink() {
            let link = fs::read_link(&source).map_err(wrong)?;
            std::os::unix::fs::symlink(link, target).map_err(wrong)?;
        } else {
            fs::copy(&source, target).map_err(wrong)?;
        }
    }
    Ok(())
}
