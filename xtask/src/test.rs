//! Everything a change must pass, in one command, from a machine that has only Rust, Python 3, Node and apt.

use std::time::Instant;

use crate::shell::{cargo, run};
use crate::{abi, commands, guests, programs, root, suites, tidy, toolchains};

/// Seconds each fuzz target runs.
const FUZZ_SECONDS: &str = "5";

type Step = (&'static str, fn() -> Result<(), String>);

/// In the order of how soon a failure shows.
const STEPS: &[Step] = &[
    ("format", || run(&mut cargo(&["fmt", "--all", "--check"]))),
    ("house rules", || tidy::run(&root())),
    ("guests", || guests::build(&[])),
    ("commands", commands::install),
    ("programs", programs::build),
    ("suites of state charts", suites::install),
    ("browser", toolchains::browser),
    ("lints", || {
        abi::check(&root())?;
        run(&mut cargo(&["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    }),
    // Every failure is told in one run.
    ("tests", || run(&mut cargo(&["test", "--release", "--workspace", "--no-fail-fast"]))),
];

/// What `--quick` leaves out.
const MORE_STEPS: &[Step] = &[
    ("documentation", || {
        run(cargo(&["doc", "--release", "--no-deps", "--workspace"]).env("RUSTDOCFLAGS", "-Dwarnings"))
    }),
    ("licences and advisories", deny),
    ("fuzzing, briefly", || {
        run(&mut cargo(&[
            "run",
            "--release",
            "--quiet",
            "--package",
            "hob-fuzz",
            "--",
            "--seconds",
            FUZZ_SECONDS,
            "all",
        ]))
    }),
];

fn run_steps(steps: &[Step]) -> Result<(), String> {
    for (name, step) in steps {
        println!("\n== {name}");
        let began = Instant::now();
        step().map_err(|why| format!("\n{name} failed: {why}"))?;
        println!("== {name}: {} s", began.elapsed().as_secs());
    }
    Ok(())
}

pub(crate) fn run_all(args: &[String]) -> Result<(), String> {
    let quick = match args {
        [] => false,
        [flag] if flag == "--quick" => true,
        _ => return Err("usage: cargo xtask test [--quick]".into()),
    };
    run_steps(STEPS)?;
    if !quick {
        run_steps(MORE_STEPS)?;
    }
    println!("\nall steps passed");
    Ok(())
}

/// Licences, sources and known vulnerabilities of what we depend on.
fn deny() -> Result<(), String> {
    let tools = root().join("target/tools");
    let program = tools.join("bin/cargo-deny");
    if !program.exists() {
        println!("installing cargo-deny");
        let mut install = cargo(&["install", "cargo-deny", "--locked", "--no-default-features", "--root"]);
        run(install.arg(&tools).arg("--target-dir").arg(root().join("target/tools-build")))?;
    }
    // The list of advisories lives in a repository of its own; a machine that cannot reach it checks the rest.
    let mut checks = std::process::Command::new(program);
    run(checks.args(["check", "licenses", "bans", "sources"]).current_dir(root()))
}
