//! Programs and decisions from real toolchains, on both engines.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly"
)]

mod util;

use hob::{Access, ClockGrant, FaultKind, RandomGrant};
use util::{BOTH, LANGUAGES, npm, plain, run, run_file};

#[test]
fn a_program_in_any_language_gets_arguments_environment_and_input_and_its_exit_code_passes() {
    for choice in BOTH {
        for language in LANGUAGES {
            let name = format!("command-hello-{language}");
            let host = plain(choice).env("NAME", "bob").build().unwrap();
            let output = run(&host, &name, &["x", "y", "--exit", "5"], b"abc").unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert_eq!(text, "args: x y --exit 5\nNAME=bob\nstdin: 3 bytes\n", "{choice:?} {language}");
            assert_eq!(output.code, 5, "{choice:?} {language}");
        }
    }
}

#[test]
fn a_variable_that_was_not_granted_is_not_there() {
    // The test runner's own environment is full of variables; none may show.
    for choice in BOTH {
        for language in LANGUAGES {
            let host = plain(choice).env("OTHER", "x").build().unwrap();
            let output = run(&host, &format!("command-hello-{language}"), &["a"], b"").unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert_eq!(text, "args: a\nstdin: 0 bytes\n", "{choice:?} {language}");
        }
    }
}

#[test]
fn every_exit_code_of_a_byte_passes_and_larger_ones_lose_their_upper_bits() {
    for choice in BOTH {
        let host = plain(choice).build().unwrap();
        for code in [0_u32, 1, 2, 124, 125, 126, 127, 128, 254, 255] {
            let output = run(&host, "command-hello-zig", &["--exit", &code.to_string()], b"").unwrap();
            assert_eq!(u32::from(output.code), code, "{choice:?}");
        }
        let output = run(&host, "command-hello-zig", &["--exit", "4294967295"], b"").unwrap();
        assert_eq!(output.code, 255);
        let output = run(&host, "command-hello-zig", &["--exit", "256"], b"").unwrap();
        assert_eq!(output.code, 0);
    }
}

#[test]
fn a_guard_in_any_language_decides_the_same() {
    let languages = LANGUAGES.iter().copied().map(|language| format!("json-approve-{language}"));
    for name in languages {
        for choice in BOTH {
            let host = plain(choice).build().unwrap();
            let guard = host.load(util::guest(&name)).unwrap().behavior().unwrap();
            let decide = |request: &str| guard.decide(request.as_bytes());
            assert!(decide(r#"{"context":{"status":"paid","amount":50}}"#).unwrap(), "{name}");
            assert!(!decide(r#"{"context":{"status":"paid","amount":49}}"#).unwrap(), "{name}");
            assert!(!decide(r#"{"context":{"status":"open","amount":99}}"#).unwrap(), "{name}");
            let large =
                format!(r#"{{"context":{{"status":"paid","amount":50,"x":"{}"}}}}"#, "x".repeat(16_384));
            let fault = decide(&large).unwrap_err();
            assert!(fault.fault().is_some(), "{name} {choice:?}: {fault}");
            // One failure leaves no trace.
            assert!(decide(r#"{"context":{"status":"paid","amount":50}}"#).unwrap(), "{name}");
        }
    }
}

#[test]
fn the_smallest_guard_refuses_what_is_too_large_for_it() {
    for choice in BOTH {
        let host = plain(choice).build().unwrap();
        let guard = host.load(util::guest("json-approve-wat")).unwrap().behavior().unwrap();
        assert!(guard.decide(&[b' '; 16_384]).unwrap());
        let fault = guard.decide(&[b' '; 16_385]).unwrap_err();
        assert!(matches!(fault.fault().unwrap().kind(), FaultKind::Trap { .. }), "{fault}");
    }
}

#[test]
fn the_smallest_program_talks_and_exits() {
    for choice in BOTH {
        let host = plain(choice).build().unwrap();
        let output = run(&host, "command-hello-wat", &[], b"").unwrap();
        assert_eq!((output.stdout.as_slice(), output.code), (&b"hello\n"[..], 7));
    }
}

#[test]
fn unmodified_programs_of_others_run() {
    let check = |name: &str, args: &[&str], input: &[u8], want: &str| {
        for choice in BOTH {
            let host = plain(choice).build().unwrap();
            let path = npm("@rivet-dev/agent-os-coreutils/wasm").join(name);
            let output = run_file(&host, &path, args, input).unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(String::from_utf8_lossy(&output.stdout), want, "{choice:?} {name}: {stderr}");
            assert_eq!(output.code, 0, "{choice:?} {name}: {stderr}");
        }
    };
    check("expr", &["6", "*", "7"], b"", "42\n");
    check("rev", &[], b"abc\n", "cba\n");
    check("column", &["-t"], b"a b\nccc d\n", "a    b\nccc  d\n");
    check("whoami", &[], b"", "user\n");
}

#[test]
fn determinism_is_the_same_bytes_on_both_engines_and_in_every_run() {
    let runs: Vec<Vec<u8>> = BOTH
        .into_iter()
        .chain(BOTH)
        .map(|choice| {
            let host = plain(choice)
                .clock(ClockGrant::Real)
                .random(RandomGrant::Real)
                .deterministic()
                .build()
                .unwrap();
            run(&host, "command-world-rust", &[], b"").unwrap().stdout
        })
        .collect();
    assert!(runs.iter().all(|bytes| *bytes == runs[0]), "{runs:?}");
    let text = String::from_utf8_lossy(&runs[0]);
    assert!(text.contains("nan 7ff8000000000000"), "{text}");
}

#[test]
fn a_real_clock_and_real_randomness_are_granted_and_differ() {
    for choice in BOTH {
        let host = plain(choice).clock(ClockGrant::Real).random(RandomGrant::Real).build().unwrap();
        let once = run(&host, "command-world-rust", &[], b"").unwrap().stdout;
        let again = run(&host, "command-world-rust", &[], b"").unwrap().stdout;
        assert_ne!(once, again);
    }
}

#[test]
fn randomness_that_is_denied_is_refused_and_not_made_up() {
    for choice in BOTH {
        let host = plain(choice).random(RandomGrant::None).build().unwrap();
        let output = run(&host, "command-world-rust", &[], b"");
        assert!(output.is_err_and(|error| error.exit_code() == 125));
    }
}

#[test]
fn a_read_only_directory_is_read_and_not_written() {
    for choice in BOTH {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), "text").unwrap();
        std::fs::create_dir(dir.path().join("d")).unwrap();
        let host = plain(choice).dir(dir.path(), "/g", Access::Read).build().unwrap();
        let files = |args: &[&str]| {
            let output = run(&host, "command-files-rust", args, b"").unwrap();
            (output.code, String::from_utf8_lossy(&output.stdout).into_owned())
        };
        assert_eq!(files(&["read", "/g/a"]), (0, "text".into()));
        assert_eq!(files(&["list", "/g"]), (0, "a\nd\n".into()));
        assert_eq!(files(&["stat", "/g/a"]), (0, "file 4\n".into()));
        for refused in [
            &["write", "/g/a", "x"][..],
            &["write", "/g/new", "x"],
            &["append", "/g/a", "x"],
            &["truncate", "/g/a"],
            &["rename", "/g/a", "/g/b"],
            &["link", "/g/a", "/g/b"],
            &["symlink", "a", "b"],
            &["remove", "/g/a"],
            &["mkdir", "/g/e"],
            &["rmdir", "/g/d"],
        ] {
            let (code, said) = files(refused);
            assert_eq!(code, 1, "{choice:?} {refused:?}: {said}");
        }
        assert_eq!(std::fs::read_to_string(dir.path().join("a")).unwrap(), "text");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}

#[test]
fn a_writable_directory_is_written_and_nothing_beside_it() {
    for choice in BOTH {
        let dir = tempfile::tempdir().unwrap();
        let (inside, outside) = (dir.path().join("in"), dir.path().join("out"));
        std::fs::create_dir(&inside).unwrap();
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink("../out", inside.join("way")).unwrap();
        let host = plain(choice).dir(&inside, "/g", Access::ReadWrite).build().unwrap();
        let files = |args: &[&str]| run(&host, "command-files-rust", args, b"").unwrap().code;
        assert_eq!(files(&["write", "/g/a", "x"]), 0);
        assert_eq!(files(&["append", "/g/a", "y"]), 0);
        assert_eq!(files(&["rename", "/g/a", "/g/b"]), 0);
        assert_eq!(files(&["mkdir", "/g/d"]), 0);
        assert_eq!(files(&["copy", "/g/b", "/g/d/c"]), 0);
        assert_eq!(std::fs::read_to_string(inside.join("d/c")).unwrap(), "xy");
        for refused in [
            &["read", "/g/way/secret"][..],
            &["read", "/g/../out/secret"],
            &["read", "/g/way/../../out/secret"],
            &["read", "/out/secret"],
            &["write", "/g/way/new", "x"],
            &["list", "/g/way"],
            &["rename", "/g/b", "/g/way/b"],
            &["read", "/etc/hostname"],
        ] {
            assert_eq!(files(refused), 1, "{choice:?} {refused:?}");
        }
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
    }
}

#[test]
fn hard_links_and_renames_do_not_carry_files_between_grants() {
    for choice in BOTH {
        let dir = tempfile::tempdir().unwrap();
        let (ro, rw) = (dir.path().join("ro"), dir.path().join("rw"));
        std::fs::create_dir(&ro).unwrap();
        std::fs::create_dir(&rw).unwrap();
        std::fs::write(ro.join("a"), "a").unwrap();
        std::fs::write(rw.join("b"), "b").unwrap();
        let host =
            plain(choice).dir(&ro, "/ro", Access::Read).dir(&rw, "/rw", Access::ReadWrite).build().unwrap();
        for args in [
            ["link", "/ro/a", "/rw/x"],
            ["rename", "/ro/a", "/rw/x"],
            ["link", "/rw/b", "/ro/x"],
            ["rename", "/rw/b", "/ro/x"],
        ] {
            let output = run(&host, "command-files-rust", &args, b"").unwrap();
            assert_eq!(output.code, 1, "{choice:?} {args:?}");
        }
        assert!(ro.join("a").exists() && rw.join("b").exists());
        assert!(!ro.join("x").exists() && !rw.join("x").exists());
    }
}
