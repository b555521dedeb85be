//! Every use of authority leaves a record, before it takes effect.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};

use common::{DIR, Host, create, errno, follow, read};
use hob_cap::Access::{Read, ReadWrite};
use hob_cap::{AuditError, AuditEvent, AuditSink, ClockGrant, Ledger, Limits, Outcome, RandomGrant};
use hob_os::{ClockId, Errno, FdFlags, OsError, SetTime, Socket, World};

/// Keeps every event, and fails once `left` of them were taken down.
struct Log {
    events: Mutex<Vec<AuditEvent>>,
    left: Mutex<usize>,
}

impl Log {
    fn new(left: usize) -> Arc<Self> {
        Arc::new(Self { events: Mutex::default(), left: Mutex::new(left) })
    }

    /// The events since the last call: what, target, outcome.
    fn take(&self) -> Vec<(String, String, Outcome)> {
        let events = std::mem::take(&mut *self.events.lock().unwrap());
        events.into_iter().map(|event| (event.what.to_owned(), event.target, event.outcome)).collect()
    }
}

impl AuditSink for Log {
    fn record(&self, event: &AuditEvent) -> Result<(), AuditError> {
        let mut left = self.left.lock().unwrap();
        *left = left.checked_sub(1).ok_or(AuditError("disk full".to_owned()))?;
        self.events.lock().unwrap().push(event.clone());
        Ok(())
    }
}

fn event(what: &str, target: &str, outcome: Outcome) -> (String, String, Outcome) {
    (what.to_owned(), target.to_owned(), outcome)
}

#[test]
fn everything_that_needs_a_grant_is_recorded_once_with_what_came_of_it() {
    let host = Host::new();
    host.dir("rw").dir("ro").file("rw/file", "").file("ro/file", "");
    let log = Log::new(usize::MAX);
    let mut world = host
        .builder(&[("rw", "/rw", ReadWrite), ("ro", "/ro", Read)])
        .env([("KEY", "secret value")])
        .clock(ClockGrant::Real)
        .random(RandomGrant::Real)
        .audit(log.clone())
        .build()
        .unwrap();
    assert_eq!(log.take(), [event("env", "KEY", Outcome::Allowed)]);
    let (rw, ro) = (DIR, DIR + 1);
    let mut check = |done: &mut dyn FnMut(&mut World), expected: &[(&str, &str, Outcome)]| {
        done(&mut world);
        let expected: Vec<_> =
            expected.iter().map(|(what, target, outcome)| event(what, target, *outcome)).collect();
        assert_eq!(log.take(), expected);
    };
    use Outcome::{Allowed, Denied, Failed};
    check(&mut |w| drop(w.open_at(rw, b"new", create())), &[("open", "new", Allowed)]);
    check(&mut |w| drop(w.open_at(rw, b"none", read())), &[("open", "none", Failed)]);
    check(&mut |w| drop(w.open_at(ro, b"file", create())), &[("open", "file", Denied)]);
    check(&mut |w| drop(w.open_at(rw, b"../ro/file", read())), &[("open", "../ro/file", Denied)]);
    check(&mut |w| drop(w.create_directory_at(rw, b"dir")), &[("mkdir", "dir", Allowed)]);
    check(
        &mut |w| drop(w.create_directory_at(rw, b"dir")),
        &[("mkdir", "dir", Allowed), ("mkdir", "dir", Failed)],
    );
    check(&mut |w| drop(w.remove_directory_at(rw, b"dir")), &[("rmdir", "dir", Allowed)]);
    check(&mut |w| drop(w.symlink_at(b"file", rw, b"sym")), &[("symlink", "file -> sym", Allowed)]);
    check(&mut |w| drop(w.symlink_at(b"/etc", rw, b"abs")), &[("symlink", "/etc -> abs", Denied)]);
    check(&mut |w| drop(w.readlink_at(rw, b"sym", &mut [0; 8])), &[("readlink", "sym", Allowed)]);
    check(&mut |w| drop(w.filestat_at(rw, true, b"sym")), &[("stat", "sym", Allowed)]);
    check(&mut |w| drop(w.filestat_at(rw, true, b"none")), &[("stat", "none", Failed)]);
    check(&mut |w| drop(w.filestat_at(ro, true, b"../rw/file")), &[("stat", "../rw/file", Denied)]);
    check(&mut |w| drop(w.link_at(rw, false, b"file", rw, b"hard")), &[("link", "file -> hard", Allowed)]);
    check(&mut |w| drop(w.link_at(ro, false, b"file", rw, b"stolen")), &[("link", "file -> stolen", Denied)]);
    check(&mut |w| drop(w.rename_at(rw, b"hard", rw, b"moved")), &[("rename", "hard -> moved", Allowed)]);
    check(&mut |w| drop(w.rename_at(rw, b"moved", ro, b"moved")), &[("rename", "moved -> moved", Denied)]);
    check(&mut |w| drop(w.unlink_at(rw, b"moved")), &[("unlink", "moved", Allowed)]);
    check(&mut |w| drop(w.unlink_at(ro, b"file")), &[("unlink", "file", Denied)]);
    let now = SetTime::Now;
    check(&mut |w| drop(w.set_times_at(rw, false, b"file", now, now)), &[("set_times", "file", Allowed)]);
    check(&mut |w| drop(w.set_times(ro, now, now)), &[("set_times", "descriptor 4", Denied)]);
    check(&mut |w| (0..3).for_each(|_| drop(w.clock_now(ClockId::Realtime))), &[("clock", "", Allowed)]);
    check(&mut |w| (0..3).for_each(|_| drop(w.random_fill(&mut [0; 4]))), &[("random", "", Allowed)]);
    check(
        &mut |w| drop(w.open_at(rw, "a\n\u{1b}[2J\u{202e}b".as_bytes(), follow(read()))),
        &[("open", r"a\n\u{1b}[2J\u{202e}b", Failed)],
    );
    check(&mut |w| drop(w.read(0, &mut [0])), &[]);
}

#[test]
fn a_record_names_the_grant_and_the_reason_and_is_bounded() {
    let host = Host::new();
    host.dir("ro");
    let log = Log::new(usize::MAX);
    let mut world = host.builder(&[("ro", "/ro", Read)]).audit(log.clone()).build().unwrap();
    assert_eq!(errno(world.open_at(DIR, &[b'a'; 60_000], create())), Errno::NameTooLong);
    world.filestat_at(DIR, true, b".").unwrap();
    drop(world.open_at(DIR, b".", read()));
    let events = log.events.lock().unwrap();
    assert_eq!(events.len(), 3);
    assert!(events[0].target.len() < 1024 && events[0].detail.as_deref() == Some("file name too long"));
    assert_eq!((events[1].what, events[1].target.as_str()), ("stat", "."));
    assert!(events.iter().skip(1).all(|event| event.grant.as_deref() == Some("fs /ro:ro")));
}

#[test]
fn a_refused_limit_and_an_accepted_connection_are_recorded() {
    let host = Host::new();
    host.file("file", "");
    let log = Log::new(usize::MAX);
    let listener = UnixListener::bind(host.path("socket")).unwrap();
    let _peer = UnixStream::connect(host.path("socket")).unwrap();
    let ledger = Arc::new(Ledger::new(&Limits { open_files: 6, ..Limits::default() }));
    let mut world = host
        .builder(&[("", "/", ReadWrite)])
        .socket(Socket::Listener(listener.into()))
        .ledger(ledger)
        .audit(log.clone())
        .build()
        .unwrap();
    world.accept(4, FdFlags::default()).unwrap();
    assert!(world.open_at(DIR, b"file", read()).is_err());
    assert_eq!(world.random_fill(&mut [0]), Err(OsError::Errno(Errno::NotCapable)));
    assert_eq!(
        log.take(),
        [
            event("accept", "descriptor 4", Outcome::Allowed),
            event("open", "file", Outcome::Limited),
            event("random", "", Outcome::Denied),
        ]
    );
}

#[test]
fn what_cannot_be_recorded_is_not_done() {
    let host = Host::new();
    host.file("file", "kept").dir("dir");
    let mut world =
        host.builder(&[("", "/", ReadWrite)]).clock(ClockGrant::Real).audit(Log::new(0)).build().unwrap();
    assert_eq!(errno(world.open_at(DIR, b"new", create())), Errno::Io);
    assert_eq!(errno(world.open_at(DIR, b"file", common::truncate(common::write()))), Errno::Io);
    assert_eq!(errno(world.unlink_at(DIR, b"file")), Errno::Io);
    assert_eq!(errno(world.remove_directory_at(DIR, b"dir")), Errno::Io);
    assert_eq!(errno(world.create_directory_at(DIR, b"new")), Errno::Io);
    assert_eq!(errno(world.rename_at(DIR, b"file", DIR, b"new")), Errno::Io);
    assert_eq!(errno(world.link_at(DIR, false, b"file", DIR, b"new")), Errno::Io);
    assert_eq!(errno(world.symlink_at(b"file", DIR, b"new")), Errno::Io);
    assert_eq!(errno(world.clock_now(ClockId::Realtime)), Errno::Io);
    assert_eq!(errno(world.clock_now(ClockId::Realtime)), Errno::Io, "and not the second time either");
    assert!(!host.has("new") && host.has("dir"));
    assert_eq!(host.text("file"), "kept");
    let refused = World::builder().env([("A", "b")]).audit(Log::new(0)).build();
    assert_eq!(refused.err(), Some(OsError::Errno(Errno::Io)));
}
