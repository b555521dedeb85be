//! C programs, built for this machine and for WASI, on the same inputs: what the one says, the other must say.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::{finish, hob, root};

/// One call of a program. `files` says whether it sees the folder that [`scene`] makes.
struct Call {
    name: &'static str,
    args: &'static [&'static str],
    input: Vec<u8>,
    files: bool,
}

#[test]
fn programs_say_what_their_native_builds_say() {
    let sources = root().join("crates/hob-cli/tests/programs");
    let calls = calls();
    for entry in fs::read_dir(sources).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(calls.iter().any(|call| call.name == name), "no test calls the program {name}");
    }
    let mut failures = String::new();
    for call in &calls {
        let (native, wasm) = (natively(call), hosted(call));
        if native.stdout == wasm.stdout && native.status.code() == wasm.status.code() {
            continue;
        }
        let shown = |output: &Output| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(2000).collect::<String>();
            format!("{:?}\n{}{}", output.status.code(), text(&output.stdout), text(&output.stderr))
        };
        writeln!(failures, "== {} {:?}", call.name, call.args).unwrap();
        writeln!(failures, "natively {}\nhosted {}", shown(&native), shown(&wasm)).unwrap();
    }
    assert!(failures.is_empty(), "{failures}");
}

fn natively(call: &Call) -> Output {
    let dir = scene();
    let program = built(&format!("native/{}", call.name));
    let mut command = Command::new(program);
    command.args(call.args).current_dir(dir.path()).env_clear();
    finish(command.env("GIVEN_ONE", "1 = one").env("GIVEN_TWO", ""), &call.input).expect("in time")
}

fn hosted(call: &Call) -> Output {
    let dir = scene();
    let mut hob = hob();
    hob.args(["run", "--env", "GIVEN_ONE=1 = one", "--env", "GIVEN_TWO="]);
    if call.files {
        hob.arg("--dir").arg(format!("{}::/:rw", dir.path().display()));
    }
    hob.arg(built(&format!("wasm/{}.wasm", call.name))).args(call.args);
    finish(&mut hob, &call.input).expect("in time")
}

fn built(name: &str) -> std::path::PathBuf {
    let path = root().join("target/programs").join(name);
    assert!(path.exists(), "{} is missing; run `cargo xtask programs`", path.display());
    path
}

/// A folder with a few files, folders and links.
fn scene() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    fs::create_dir_all(dir.path().join("folder/inner")).unwrap();
    write("text", b"the quick brown fox\njumps over\n\nthe lazy dog\n");
    write("bytes", &bytes(70_001));
    write("empty", b"");
    write("folder/Zebra", b"z");
    write("folder/apple", b"an apple");
    write("folder/inner/caf\u{e9}", b"");
    link("text", &dir.path().join("alias"));
    link("nowhere", &dir.path().join("folder/broken"));
    dir
}

fn link(target: &str, at: &Path) {
    std::os::unix::fs::symlink(target, at).unwrap();
}

/// Bytes that look like nothing, the same every time.
fn bytes(count: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..count).map(next).collect()
}

/// Lines of words from a small vocabulary, with runs, numbers and blanks.
fn prose(lines: u32) -> Vec<u8> {
    const WORDS: [&str; 12] =
        ["wasm", "host", "a", "guest", "the", "and", "capability", "pipe", "zero", "x", "descriptor", "of"];
    let mut text = String::new();
    let mut state = 7_u32;
    for line in 0..lines {
        for _ in 0..line % 13 {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            text += WORDS[state as usize / 65_536 % WORDS.len()];
            text += if state & 4096 == 0 { " " } else { "  " };
        }
        writeln!(text, "{}", state % 1000).unwrap();
        if line % 17 == 0 {
            text.push('\n');
        }
    }
    text.into_bytes()
}

fn calls() -> Vec<Call> {
    let mut calls = Vec::new();
    let mut call = |name, args, input: &[u8]| {
        calls.push(Call { name, args, input: input.to_vec(), files: false });
    };
    for input in [&b""[..], b"abc", &bytes(55), &bytes(56), &bytes(64), &bytes(1_000_003)] {
        call("sha256", &[], input);
        call("base64", &[], input);
        call("runs", &[], input);
        call("utf8", &[], input);
        call("hexdump", &[], &input[..input.len().min(5000)]);
    }
    for input in [prose(0), prose(1), prose(2000)] {
        call("words", &[], &input);
        call("wrap", &["40"], &input);
        call("wrap", &["-j", "61"], &input);
        for args in [&[][..], &["-n"], &["-r"], &["-u"], &["-n", "-r", "-u"]] {
            call("sortlines", args, &input);
        }
    }
    call("wrap", &["3"], b"");
    call("sortlines", &["-x"], b"");
    call("base64", &["-d"], b"aGVsbG8sIHdvcmxkIQ==\n/+8A\n");
    call("base64", &["-d"], b"aGVs*G8=");
    call("runs", &["-d"], b"\x04a\x00b\xffc");
    call("runs", &["-d"], b"\x04a\x00");
    for input in [
        "[]",
        "{}",
        r#"{"a": [1, -2.5, 1e3, 1e300, 0.1], "b": {"c": null, "d": [true, false, {}]}, "é": "x\u00e9\n\""}"#,
        "[1, 2",
        "{\"a\" 1}",
        "\"open",
        "[1] x",
        "\"\\q\"",
        "",
        "nul",
        "[[[[[[[[[[\"deep\"]]]]]]]]]]",
    ] {
        call("json", &[], input.as_bytes());
    }
    call("json", &[], "[".repeat(200).as_bytes());
    for seed in [&["1"][..], &["2"], &["77"], &[]] {
        call("matrix", seed, b"");
    }
    call(
        "calculator",
        &[],
        b"1 + 2 * 3\n(1 + 2) * 3\n2 ^ 3 ^ 2\n-2 ^ 2\nx = 10 / 4\nx * x\n7 % 4 - 0.5\nsqrt(2)\nabs(-3) + floor(2.9)\n1 / 0\n(1\n2 2\nfoo(1)\n# note\n\n1e10 * 1e10\n",
    );
    call("hexdump", &["-s", "3", "-n", "20"], &bytes(100));
    for most in [&["2"][..], &["3"], &["100"], &["1000000"], &["200000000"]] {
        call("primes", most, b"");
    }
    for input in [
        "Grüße, 世界 🙂".as_bytes(),
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"a\xe4\xb8",
        b"\xe4b",
        b"\xff",
        b"\0",
    ] {
        call("utf8", &[], input);
    }
    call("given", &[], b"");
    call("given", &["0", "a", "", "b c", "é", "-x", "--", "\"'\\$*"], b"");
    for code in [&["1"][..], &["42"], &["125"], &["126"], &["127"], &["128"], &["143"], &["255"]] {
        call("given", code, b"");
    }
    let mut with_files = |name, args| calls.push(Call { name, args, input: Vec::new(), files: true });
    for args in [&["text"][..], &["bytes", "empty", "alias"], &["none", "text"], &["folder"]] {
        with_files("sha256", args);
    }
    with_files("hexdump", &["-s", "69990", "bytes"]);
    with_files("hexdump", &["-n", "5", "folder/apple"]);
    with_files("hexdump", &["none"]);
    for size in [
        &["bytes", "new", "1"][..],
        &["bytes", "new", "3"],
        &["bytes", "new", "4095"],
        &["bytes", "new", "65537"],
        &["bytes", "new", "1000000"],
        &["empty", "new", "7"],
        &["alias", "folder/new", "13"],
        &["none", "new", "7"],
        &["text", "empty", "7"],
        &["text", "none/new", "7"],
    ] {
        with_files("copy", size);
    }
    for args in [&[][..], &["folder"], &["folder/inner", "none", "text"], &["./folder/../folder//inner"]] {
        with_files("list", args);
    }
    with_files("tree", &[]);
    calls
}
