//! `hob demo`: the main job on real modules. Each step is a command that a person could type, run by this same binary; the
//! demo fails if one of them ends otherwise than it says.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::args::DemoArgs;
use crate::report::{Done, Failure, HOST, print};

/// The most lines of output that a step shows.
const LINES_MAX: usize = 30;

/// Guests without which there is nothing real to show.
const NEEDED: [&str; 3] = ["command-files-rust.wasm", "tool-calculator-rust", "plugin-lint-go"];

/// An import that no grant provides.
const STRANGER: &str = r#"(module (import "env" "launch_missiles" (func)) (memory (export "memory") 1) (func (export "_start")))"#;

struct Step {
    says: &'static str,
    args: Vec<String>,
    input: &'static str,
    exit: i32,
}

pub(crate) fn run(args: &DemoArgs) -> Done {
    build_guests(&args.guests)?;
    let scene = Scene::set(&args.guests)?;
    let mut failed = 0;
    for step in scene.steps() {
        failed += usize::from(!show(&scene, &step)?);
    }
    drop(std::fs::remove_dir_all(&scene.dir));
    if failed > 0 {
        return Err(Failure::new(HOST, format!("{failed} steps of the demo did not end as they should")));
    }
    print("\nEvery step ended as it should.\n")?;
    Ok(0)
}

/// In a checkout, the guests are built first; that installs compilers for six languages.
fn build_guests(guests: &Path) -> Result<(), Failure> {
    if NEEDED.iter().all(|needed| guests.join(needed).exists()) {
        return Ok(());
    }
    if !Path::new("xtask/Cargo.toml").exists() {
        return Err(Failure::new(
            HOST,
            format!("{} holds no guests; run this in a checkout of hob", guests.display()),
        ));
    }
    eprintln!("hob: building the guests of the demo first; this installs compilers and takes some minutes");
    let status = Command::new("cargo").args(["xtask", "guests"]).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(HOST, format!("`cargo xtask guests` ended with {status}"))),
        Err(error) => Err(Failure::new(HOST, format!("failed to start `cargo xtask guests`: {error}"))),
    }
}

/// The folder in which the demo plays: links to the guests, and a granted folder with a file in it.
struct Scene {
    dir: PathBuf,
}

impl Scene {
    fn set(guests: &Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::new(HOST, format!("failed to set the scene: {error}"));
        let dir = std::env::temp_dir().join(format!("hob-demo-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("data")).map_err(failed)?;
        std::fs::write(dir.join("data/cart.go"), "package cart // TODO: taxes\n").map_err(failed)?;
        std::fs::write(dir.join("data/orders.txt"), "50 paid\n").map_err(failed)?;
        std::fs::write(dir.join("secret.txt"), "not for guests\n").map_err(failed)?;
        std::fs::write(dir.join("stranger.wat"), STRANGER).map_err(failed)?;
        for file in std::fs::read_dir(guests).map_err(failed)? {
            let path = file.map_err(failed)?.path().canonicalize().map_err(failed)?;
            let name = path.file_name().unwrap_or_default();
            if path.is_dir() || path.extension().is_some_and(|ending| ending == "wasm" || ending == "wat") {
                drop(std::os::unix::fs::symlink(&path, dir.join(name)));
            }
        }
        Ok(Self { dir })
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        modules(&mut |says, args, input, exit| steps.push(Step::new(says, args, input, exit)));
        packages(&mut |says, args, input, exit| steps.push(Step::new(says, args, input, exit)));
        steps
    }
}

impl Step {
    fn new(says: &'static str, args: &[&str], input: &'static str, exit: i32) -> Self {
        Self { says, args: args.iter().map(|arg| (*arg).to_owned()).collect(), input, exit }
    }
}

/// What is done with a step: what it says, its arguments, its input, and the exit code it should end with.
type Add<'a> = dyn FnMut(&'static str, &[&str], &'static str, i32) + 'a;

/// Modules, and what is granted to them by hand.
fn modules(step: &mut Add<'_>) {
    step(
        "What could this program reach? Nothing was granted.",
        &["inspect", "command-files-rust.wasm"],
        "",
        0,
    );
    step(
        "With a directory it could reach that.",
        &["inspect", "--dir", "data::/data", "command-files-rust.wasm"],
        "",
        0,
    );
    for language in ["rust", "c", "go", "zig", "as"] {
        let file = format!("command-hello-{language}.wasm");
        let args = ["run", "--env", "NAME=demo", &file, "hello", "--exit", "3"];
        step(
            "A program gets its arguments, its input and one variable; its exit code passes.",
            &args,
            "abc",
            3,
        );
    }
    for engine in ["--engine=wasmtime", "--engine=wasmi"] {
        let request = r#"{"context":{"status":"paid","amount":50}}"#;
        let args = ["eval", engine, "json-approve-go.wasm", request];
        step("A decision, on either engine.", &args, "", 0);
    }
    let files = "command-files-rust.wasm";
    step("Without a grant there are no files.", &["run", files, "read", "/data/orders.txt"], "", 1);
    let read_only = ["run", "--dir", "data::/data", files, "read", "/data/orders.txt"];
    step("A read-only grant is for reading.", &read_only, "", 0);
    let write = ["run", "--dir", "data::/data", files, "write", "/data/new.txt", "x"];
    step("It is not for writing, and the refusal says what would be.", &write, "", 1);
    let write = ["run", "--dir", "data::/data:rw", files, "write", "/data/new.txt", "x"];
    step("This is.", &write, "", 0);
    let escape = ["run", "--dir", "data::/data:rw", files, "read", "/data/../secret.txt"];
    step("There is no way out of a grant.", &escape, "", 1);
    for engine in ["--engine=wasmtime", "--engine=wasmi"] {
        let args = ["run", engine, "--timeout=200ms", "command-burn-rust.wasm", "loop"];
        step("A loop ends at its deadline.", &args, "", 124);
    }
    let args = ["run", "--timeout=200ms", "--clock", "command-burn-rust.wasm", "sleep", "60000"];
    step("So does a sleep.", &args, "", 124);
    step(
        "So does one instruction that takes long.",
        &["run", "--timeout=200ms", "hostile-fill.wat"],
        "",
        124,
    );
    step(
        "So does code that runs before anything is called.",
        &["run", "--timeout=200ms", "hostile-start-loop.wat"],
        "",
        124,
    );
    let args = ["run", "--memory=16MiB", "command-burn-rust.wasm", "alloc", "100"];
    step("Memory ends at its limit, and the limit is named.", &args, "", 125);
    step(
        "Ten small memories are one large one.",
        &["run", "--memory=64MiB", "hostile-many-memories.wat"],
        "",
        125,
    );
    let args = ["run", "--max-output=1KiB", "command-burn-rust.wasm", "flood"];
    step("Output ends at its limit.", &args, "", 125);
    step("A stack that is full is the guest's own.", &["run", "hostile-recursion.wat"], "", 125);
    step("What no grant provides cannot be imported.", &["run", "stranger.wat"], "", 126);
    for engine in ["--engine=wasmtime", "--engine=wasmi"] {
        let args = ["run", "--deterministic", engine, "command-world-rust.wasm"];
        step("Determinism is the same bytes on either engine.", &args, "", 0);
    }
}

/// Packages, which say what they ask for; and runs that can be shown to others.
fn packages(step: &mut Add<'_>) {
    step("A package is read before it is run.", &["check", "plugin-lint-go"], "", 0);
    step(
        "A tool takes what its schema describes.",
        &["run", "tool-calculator-rust"],
        r#"{"expression": "2 * (3 + 4)"}"#,
        0,
    );
    step("Anything else does not reach it.", &["run", "tool-calculator-rust"], r#"{"expression": 3}"#, 126);
    let action = r#"{"version":1,"kind":"policy","action":"shell","input":"rm -rf /"}"#;
    step("A policy says no.", &["hook", "tool-guard-c", action], "", 1);
    let request = r#"{"path":"/workspace"}"#;
    let lint = ["call", "--dir", "data::/workspace", "plugin-lint-go", "lint", request];
    step("A plugin reads the folder it asks for.", &lint, "", 0);
    let lint = ["call", "--dir", "data::/workspace:rw", "plugin-lint-go", "lint", request];
    step("More than it asks for is not granted, even by hand.", &lint, "", 126);
    let files = "command-files-rust.wasm";
    let record = ["run", "--dir", "data::/data", "--record", "run.hobrec", files, "read", "/data/orders.txt"];
    step("A run is recorded.", &record, "", 0);
    step(
        "The record is run again, without any grant, on the other engine.",
        &["replay", "--engine=wasmi", "run.hobrec"],
        "",
        0,
    );
}

/// Shows one step; says whether it ended as it should.
fn show(scene: &Scene, step: &Step) -> Result<bool, Failure> {
    let failed = |error: std::io::Error| Failure::new(HOST, format!("failed to run a step: {error}"));
    let program = std::env::current_exe().map_err(failed)?;
    let mut child = Command::new(program)
        .args(&step.args)
        .current_dir(&scene.dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A step that does not read its input has closed it.
        drop(stdin.write_all(step.input.as_bytes()));
    }
    let output = child.wait_with_output().map_err(failed)?;
    let mut text = format!("\n# {}\n$ hob {}\n", step.says, shown(&step.args));
    text += &excerpt(&output.stdout);
    text += &excerpt(&output.stderr);
    let code = output.status.code().unwrap_or(-1);
    let fits = code == step.exit;
    text += &if fits {
        format!("=> exit code {code}\n")
    } else {
        format!("=> exit code {code}, and not {}\n", step.exit)
    };
    print(&text)?;
    Ok(fits)
}

fn shown(args: &[String]) -> String {
    let quote = |arg: &String| if arg.contains([' ', '{', '"']) { format!("'{arg}'") } else { arg.clone() };
    args.iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// The first lines of what a step said; what a guest wrote is escaped, and cut where it is long.
fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let mut shown: String = lines
        .by_ref()
        .take(LINES_MAX)
        .map(|line| format!("{}\n", hob::escape_guest_text(line, 160)))
        .collect();
    let more = lines.count();
    if more > 0 {
        shown += &format!("… and {more} lines more\n");
    }
    shown
}
