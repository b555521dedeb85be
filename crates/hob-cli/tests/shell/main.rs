//! `hob shell` and `hob run --bin` as a person uses them, with the commands that others publish.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests; the exemption reaches only test functions"
)]

mod help;
mod terminal;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where the commands of a generation are installed.
fn commands(generation: &str) -> PathBuf {
    let dir = root().join("target/commands").join(generation).join("node_modules");
    assert!(dir.exists(), "`cargo xtask commands` installs what this test runs");
    dir
}

/// The binary, with a cache that the tests share.
fn hob() -> Command {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shell");
    let mut hob = Command::new(env!("CARGO_BIN_EXE_hob"));
    hob.env("HOB_CACHE_DIR", scratch.join("cache")).env("HOB_KEY_DIR", scratch.join("key"));
    hob.stdin(Stdio::null());
    hob
}

/// Runs a script with flags before it: exit code, standard output, standard error.
fn shell(flags: &[&str], script: &str) -> (i32, String, String) {
    let output =
        hob().arg("shell").arg("--bin").arg(commands("v1")).args(flags).args(["-c", script]).output();
    said(&output.unwrap())
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// Checks the exit code and what standard output and standard error contain.
fn check(flags: &[&str], script: &str, code: i32, out: &str, err: &str) {
    let (real, stdout, stderr) = shell(flags, script);
    assert_eq!(real, code, "{script}\n{stdout}\n{stderr}");
    assert!(stdout.contains(out), "{script}\n{stdout}\n{stderr}");
    assert!(stderr.contains(err), "{script}\n{stdout}\n{stderr}");
}

#[test]
fn a_session_has_its_own_files_and_no_others() {
    check(&[], "echo here > f; cat f; pwd; ls /; cat /etc/passwd", 0, "/home/user", "");
    check(&[], "ls /root", 2, "", "Permission denied");
    check(&[], "touch /etc/x", 1, "", "Permission denied");
    check(&[], "cat /proc/mounts; hostname 2>/dev/null; cat /etc/hostname", 0, "proc /proc proc ro", "");
    check(&[], "echo x > /bin/y", 1, "", "ead-only");
}

#[test]
fn a_granted_directory_is_what_the_grant_says() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.txt"), "one\ntwo\n").unwrap();
    let host = dir.path().to_str().unwrap();
    let (ro, rw) = (format!("{host}::/src"), format!("{host}::/src:rw"));
    check(&["--dir", &ro], "wc -l < /src/a.txt", 0, "2", "");
    check(&["--dir", &ro], "echo x > /src/b.txt", 1, "", "ead-only");
    check(&["--dir", &rw], "sort -r /src/a.txt > /src/b.txt; ls /src", 0, "a.txt\nb.txt\n", "");
    assert_eq!(fs::read_to_string(dir.path().join("b.txt")).unwrap(), "two\none\n");
    // What a link in it says is a path of the session, never of the host.
    std::os::unix::fs::symlink("/etc/hostname", dir.path().join("link")).unwrap();
    check(&["--dir", &ro], "cat /src/link", 0, "hob\n", "");
    check(&["--dir", &ro], "cat /src/../etc/hostname", 0, "hob\n", "");
}

#[test]
fn tiers_narrow_what_a_command_may_do() {
    check(&["--tier", "tee=read-only"], "echo x | tee /tmp/f", 1, "x\n", "ermission denied");
    check(&["--tier", "cat=isolated"], "cat /etc/hostname", 1, "", "ermission denied");
    check(&["--tier", "cat=isolated"], "cd /tmp; echo in > f; cat f", 0, "in\n", "");
    check(&["--tier", "xargs=read-write"], "echo a | xargs echo", 126, "", "ermission denied");
    // A child is never wider than who starts it.
    check(&["--tier", "env=full", "--tier", "sh=full"], "env true && echo fine", 0, "fine", "");
    let refused = hob().args(["shell", "--tier", "cat=wide", "-c", ":"]).output().unwrap();
    assert_eq!(said(&refused).0, 2);
    assert!(said(&refused).2.contains("full"), "the tiers there are are named");
}

#[test]
fn exit_codes_pass_through_and_the_host_has_its_own() {
    check(&[], "exit 7", 7, "", "");
    check(&[], "no-such-command", 127, "", "no-such-command");
    check(&[], "kill -TERM $$", 143, "", "");
    check(&["--timeout", "700ms"], "sleep 60", 124, "", "deadline exceeded");
    check(&["--timeout", "700ms"], "while :; do :; done", 124, "", "deadline exceeded");
    check(&["--disk", "1MiB"], "yes > big", 1, "", "o space left");
    check(&["--max-processes", "1"], "ls", 126, "", "temporarily unavailable");
    let output = hob().args(["shell", "--bin", "no/such/dir", "-c", ":"]).output().unwrap();
    assert_eq!(said(&output).0, 126);
}

#[test]
fn room_for_processes_is_never_short_and_what_has_none_is_told_the_limit() {
    // As many at once as there may be, again and again.
    let script = "i=0; while [ $i -lt 50 ]; do echo x | cat | cat | cat > f; i=$((i+1)); done; cat f";
    check(&["--engine", "wasmtime", "--max-processes", "5"], script, 0, "x\n", "");
    for engine in ["wasmtime", "wasmi"] {
        let args = ["--engine", engine, "--memory", "128KiB", "--bin"];
        let output = hob().arg("run").args(args).arg(commands("v1")).arg("true").output().unwrap();
        assert!(said(&output).2.contains("memory limit exceeded"), "{:?}", said(&output));
    }
}

#[test]
fn a_limit_on_address_space_leaves_room_for_a_few_processes() {
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -v 40000000; exec \"$@\"", "sh"]).arg(hob().get_program());
    limited.args(["shell", "--engine", "wasmtime", "--bin"]).arg(commands("v1"));
    limited.args(["-c", "seq 10 | sort -rn | head -n 1"]);
    for (key, value) in hob().get_envs() {
        limited.env(key, value.unwrap_or_default());
    }
    assert_eq!(said(&limited.output().unwrap()), (0, "10\n".into(), String::new()));
}

#[test]
fn one_command_runs_without_a_shell() {
    let run = |args: &[&str], input: &str| {
        let mut child = hob()
            .arg("run")
            .arg("--bin")
            .arg(commands("v1"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        said(&child.wait_with_output().unwrap())
    };
    assert_eq!(run(&["sort", "-r"], "a\nb\n"), (0, "b\na\n".into(), String::new()));
    assert_eq!(run(&["echo", "-e", "a", "b"], ""), (0, "a b\n".into(), String::new()));
    assert_eq!(run(&["no-such"], "").0, 127);
}

#[test]
fn a_script_comes_from_a_file_and_from_standard_input() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("s.sh"), "echo \"$# $1\"\n").unwrap();
    let grant = format!("{}::/scripts", dir.path().display());
    let bin = commands("v1");
    let output = hob()
        .arg("shell")
        .arg("--bin")
        .arg(&bin)
        .args(["--dir", &grant, "/scripts/s.sh", "x y", "z"])
        .output()
        .unwrap();
    assert_eq!(said(&output), (0, "2 x y\n".into(), String::new()));
}

#[test]
fn an_image_lies_under_the_files() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("tree/opt/app")).unwrap();
    fs::write(dir.path().join("tree/opt/app/data"), "from the image\n").unwrap();
    let image = dir.path().join("image.tar");
    let tar =
        Command::new("tar").arg("-cf").arg(&image).arg("-C").arg(dir.path().join("tree")).arg(".").status();
    assert!(tar.unwrap().success());
    let image = image.to_str().unwrap();
    check(
        &["--root", image],
        "cat /opt/app/data; echo mine > /opt/app/data 2>/dev/null; ls /opt/app",
        0,
        "from the image",
        "",
    );
}

#[test]
fn what_a_session_does_with_a_grant_leaves_lines() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("secret.txt"), "x").unwrap();
    let (grant, log) = (format!("{}::/data", dir.path().display()), dir.path().join("audit.jsonl"));
    check(&["--dir", &grant, "--audit", log.to_str().unwrap()], "cat /data/secret.txt", 0, "x", "");
    let lines = fs::read_to_string(&log).unwrap();
    assert!(lines.contains("/data/secret.txt") && lines.contains("\"start\""), "{lines}");
    let verified = hob().args(["audit", "verify"]).arg(&log).output().unwrap();
    assert_eq!(said(&verified).0, 0);
}

#[test]
fn nothing_outside_is_reached_without_a_grant() {
    // The published shells bring no client; what is left is that names and sockets are refused by name, which the tests
    // of the contract show. Here: a grant of the network is taken, and one that is none is refused.
    check(&["--net", "tcp://localhost:9"], "true", 0, "", "");
    let output = hob().args(["shell", "--net", "tcp://localhost", "-c", ":"]).output().unwrap();
    assert_eq!(said(&output).0, 2);
    assert!(said(&output).2.contains("a port is needed"));
}

#[test]
fn a_whole_set_is_compiled_ahead() {
    let cache = tempfile::tempdir().unwrap();
    let warm = || {
        let output = hob()
            .env("HOB_CACHE_DIR", cache.path())
            .args(["cache", "prewarm", "--only", "true", "--only", "false", "--"])
            .arg(commands("v1"))
            .output()
            .unwrap();
        said(&output)
    };
    assert_eq!(warm(), (0, "2 compiled, 0 were ready, 0 failed\n".into(), String::new()));
    assert_eq!(warm(), (0, "0 compiled, 2 were ready, 0 failed\n".into(), String::new()));
}
