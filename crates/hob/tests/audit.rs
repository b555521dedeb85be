//! The audit log: chained, bounded by the disk, and not to be changed unseen.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::path::Path;
use std::sync::Arc;

use hob::{AuditEvent, AuditLog, AuditProblem, AuditSink, Outcome, UserKey};

fn key(dir: &Path) -> UserKey {
    UserKey::open(&dir.join("key")).unwrap()
}

fn event(target: &str) -> AuditEvent {
    AuditEvent {
        what: "open",
        target: target.into(),
        grant: Some("fs /data:ro".into()),
        outcome: Outcome::Allowed,
        detail: None,
    }
}

/// A log of `runs` runs with three events each.
fn log(dir: &Path, runs: usize) -> std::path::PathBuf {
    let path = dir.join("audit.jsonl");
    for run in 0..runs {
        let log = AuditLog::open(&path, &key(dir)).unwrap();
        log.set_who("guest");
        for n in 0..3 {
            log.record(&event(&format!("{run}/{n}"))).unwrap();
        }
        log.finish().unwrap();
    }
    path
}

#[test]
fn a_log_of_several_runs_holds_and_says_who_did_what() {
    let dir = tempfile::tempdir().unwrap();
    let path = log(dir.path(), 3);
    let summary = AuditLog::verify(&path, &key(dir.path())).unwrap();
    assert_eq!((summary.lines, summary.unsealed), (9, 0));
    let text = std::fs::read_to_string(&path).unwrap();
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    for (member, want) in [("who", "guest"), ("what", "open"), ("target", "0/0"), ("grant", "fs /data:ro")] {
        assert_eq!(first.get(member).unwrap(), want);
    }
    assert_eq!(first.get("outcome").unwrap(), "allowed");
    assert!(first.get("time_ms").unwrap().as_u64().unwrap() > 1_700_000_000_000);
    let blocks = std::os::unix::fs::MetadataExt::blocks(&std::fs::metadata(&path).unwrap());
    assert!(blocks < 64, "room that was taken ahead is given back: {blocks}");
}

#[test]
fn whatever_is_done_to_a_line_is_found() {
    let check = |change: &dyn Fn(Vec<String>) -> Vec<String>, want: &dyn Fn(&AuditProblem) -> bool| {
        let dir = tempfile::tempdir().unwrap();
        let path = log(dir.path(), 2);
        let lines: Vec<String> =
            std::fs::read_to_string(&path).unwrap().lines().map(ToOwned::to_owned).collect();
        let changed: String = change(lines).iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(&path, changed).unwrap();
        let problem = AuditLog::verify(&path, &key(dir.path())).unwrap_err();
        assert!(want(&problem), "{problem}");
    };
    let at = |wanted: u64| move |problem: &AuditProblem| matches!(problem, AuditProblem::Line { line, .. } if *line == wanted);
    let edit = |index: usize, from: &'static str, to: &'static str| {
        move |mut lines: Vec<String>| {
            let line = lines.get_mut(index).unwrap();
            assert!(line.contains(from));
            *line = line.replace(from, to);
            lines
        }
    };
    check(&edit(2, "0/2", "0/9"), &at(3));
    check(&edit(0, "allowed", "denied!"), &at(1));
    check(&edit(1, "\"seq\":2", "\"seq\": 2"), &at(2));
    check(
        &|mut lines| {
            lines.swap(1, 2);
            lines
        },
        &at(2),
    );
    check(
        &|mut lines| {
            lines.remove(0);
            lines
        },
        &at(1),
    );
    check(
        &|mut lines| {
            let again = lines.first().unwrap().clone();
            lines.insert(1, again);
            lines
        },
        &at(2),
    );
    check(
        &|mut lines| {
            lines.push("{}".into());
            lines
        },
        &at(7),
    );
    check(
        &|mut lines| {
            lines.push(String::new());
            lines
        },
        &at(7),
    );
    let cut = |problem: &AuditProblem| matches!(problem, AuditProblem::Truncated { sealed: 6, .. });
    check(
        &|mut lines| {
            lines.pop();
            lines
        },
        &cut,
    );
    check(&|lines| lines.into_iter().take(3).collect(), &cut);
    check(&|_| Vec::new(), &cut);
}

#[test]
fn a_log_cut_in_a_line_without_its_head_or_under_another_key_does_not_hold() {
    let dir = tempfile::tempdir().unwrap();
    let path = log(dir.path(), 1);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, whole.get(..whole.len() - 1).unwrap()).unwrap();
    assert!(AuditLog::verify(&path, &key(dir.path())).is_err());
    std::fs::write(&path, &whole).unwrap();
    let other = tempfile::tempdir().unwrap();
    assert!(AuditLog::verify(&path, &key(other.path())).is_err());
    assert!(AuditLog::verify(&path, &key(dir.path())).is_ok());
    // The head of a shorter log, and no head.
    let head = dir.path().join("audit.jsonl.head");
    let old = std::fs::read(&head).unwrap();
    std::fs::write(&head, String::from_utf8(old).unwrap().replace("\"lines\":3", "\"lines\":2")).unwrap();
    assert!(matches!(AuditLog::verify(&path, &key(dir.path())), Err(AuditProblem::Head { .. })));
    std::fs::remove_file(&head).unwrap();
    assert!(matches!(AuditLog::verify(&path, &key(dir.path())), Err(AuditProblem::Head { .. })));
}

#[test]
fn a_log_that_was_cut_is_not_appended_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = log(dir.path(), 1);
    let head = dir.path().join("audit.jsonl.head");
    let (whole, sealed) = (std::fs::read_to_string(&path).unwrap(), std::fs::read(&head).unwrap());
    let opens = || AuditLog::open(&path, &key(dir.path()));
    let first: String = whole.lines().take(1).map(|line| format!("{line}\n")).collect();
    for cut in [first.as_str(), ""] {
        std::fs::write(&path, cut).unwrap();
        let refused = opens().err().unwrap().to_string();
        assert!(refused.contains("cut short"), "{refused}");
    }
    std::fs::write(&path, &whole).unwrap();
    std::fs::remove_file(&head).unwrap();
    assert!(opens().is_err());
    std::fs::write(&head, "{}").unwrap();
    assert!(opens().is_err());
    // A run that did not end in order leaves lines behind its head; the next one goes on after them.
    std::fs::write(&head, &sealed).unwrap();
    log(dir.path(), 1);
    std::fs::write(&head, &sealed).unwrap();
    let again = opens().unwrap();
    again.record(&event("z")).unwrap();
    again.finish().unwrap();
    assert!(AuditLog::verify(&path, &key(dir.path())).is_ok());
}

#[test]
fn a_log_that_is_a_pipe_is_chained_too() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read_to_string(pipe).unwrap()
    });
    let log = AuditLog::open(&pipe, &key(dir.path())).unwrap();
    log.record(&event("x")).unwrap();
    log.record(&event("y")).unwrap();
    log.finish().unwrap();
    drop(log);
    let text = reader.join().unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["seq"], 2);
    assert_eq!(lines[1]["prev"], lines[0]["mac"]);
}

#[test]
fn many_runs_at_once_make_one_chain() {
    let dir = tempfile::tempdir().unwrap();
    let (path, key) = (dir.path().join("audit.jsonl"), Arc::new(key(dir.path())));
    let work = |thread: usize| {
        let (path, key) = (path.clone(), Arc::clone(&key));
        std::thread::spawn(move || {
            for run in 0..5 {
                let log = AuditLog::open(&path, &key).unwrap();
                for n in 0..40 {
                    log.record(&event(&format!("{thread}/{run}/{n}"))).unwrap();
                }
                log.finish().unwrap();
            }
        })
    };
    let threads: Vec<_> = (0..4).map(work).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(AuditLog::verify(&path, &key).unwrap().lines, 4 * 5 * 40);
}

#[test]
fn a_full_disk_refuses_the_event_before_it_happens() {
    let dir = tempfile::tempdir().unwrap();
    let log = AuditLog::open(Path::new("/dev/full"), &key(dir.path())).unwrap();
    assert!(log.record(&event("x")).is_err());
    assert!(log.record(&event("y")).is_err(), "and every one after it");
    assert!(log.finish().is_err());
}

#[test]
fn a_file_that_is_no_log_is_not_appended_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes");
    for content in ["my notes\n", "my notes", "{}\n"] {
        std::fs::write(&path, content).unwrap();
        assert!(AuditLog::open(&path, &key(dir.path())).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
}
