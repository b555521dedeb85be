//! Every wait ends: at the hard deadline within 20 ms, at once when the guest is stopped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use common::{DIR, Host, create, errno};
use hob_cap::{ClockGrant, StopReason, StopToken};
use hob_os::{
    ClockId, Errno, EventKind, FdFlags, Interest, OsError, RecvFlags, Sink, Socket, Source, Subscription,
    World,
};
use rustix::pipe::pipe;

const OVERSHOOT: Duration = Duration::from_millis(20);

type Blocked = fn(&mut World) -> hob_os::Result<()>;

/// Calls that wait for ever in the world of [`idle`].
const WAITS: &[(&str, Blocked)] = &[
    ("read", |world| world.read(0, &mut [0; 9]).map(drop)),
    ("write", |world| {
        loop {
            world.write(1, &[0; 65536])?;
        }
    }),
    ("accept", |world| world.accept(3, FdFlags::default()).map(drop)),
    ("recv", |world| world.recv(4, &mut [0; 9], RecvFlags::default()).map(drop)),
    ("recv all", |world| world.recv(4, &mut [0; 9], RecvFlags { wait_all: true, peek: false }).map(drop)),
    ("read socket", |world| world.read(4, &mut [0; 9]).map(drop)),
    ("send", |world| {
        loop {
            world.send(4, &[0; 65536])?;
        }
    }),
    ("sleep", |world| poll(world, &[clock(u64::MAX / 2)]).map(drop)),
    ("poll stdin", |world| poll(world, &[Interest::Read(0)]).map(drop)),
    ("poll both", |world| poll(world, &[Interest::Read(0), Interest::Read(4), clock(u64::MAX)]).map(drop)),
];

fn clock(timeout: u64) -> Interest {
    Interest::Clock { clock: ClockId::Monotonic, timeout, absolute: false }
}

fn poll(world: &mut World, what: &[Interest]) -> hob_os::Result<Vec<hob_os::Event>> {
    let subscriptions: Vec<_> =
        what.iter().zip(100..).map(|(what, userdata)| Subscription { userdata, what: *what }).collect();
    let mut events = Vec::new();
    world.poll(&subscriptions, &mut events)?;
    Ok(events)
}

/// A world where nothing ever happens, with what keeps the other ends open.
fn idle(stop: StopToken) -> (World, Box<dyn std::any::Any>) {
    let host = Host::new();
    let (stdin, stdin_end) = pipe().unwrap();
    let (stdout_end, stdout) = pipe().unwrap();
    let listener = UnixListener::bind(host.path("socket")).unwrap();
    let (socket, socket_end) = UnixStream::pair().unwrap();
    let world = World::builder()
        .stdin(Source::Fd(stdin))
        .stdout(Sink::Fd(stdout))
        .clock(ClockGrant::Real)
        .socket(Socket::Listener(listener.into()))
        .socket(Socket::Stream(socket.into()))
        .stop(stop)
        .build()
        .unwrap();
    (world, Box::new((stdin_end, stdout_end, socket_end, host)))
}

#[test]
fn every_wait_ends_at_the_hard_deadline() {
    for (name, wait) in WAITS {
        let deadline = Instant::now() + Duration::from_millis(60);
        let (mut world, _ends) = idle(StopToken::new(None, Some(deadline)));
        assert_eq!(wait(&mut world), Err(OsError::Stopped(StopReason::HardDeadline)), "{name}");
        let now = Instant::now();
        assert!(
            now >= deadline && now < deadline + OVERSHOOT,
            "{name}: {:?}",
            now.checked_duration_since(deadline)
        );
        assert_eq!(world.sched_yield(), Err(OsError::Stopped(StopReason::HardDeadline)), "{name} goes on");
    }
}

#[test]
fn every_wait_ends_at_once_when_the_guest_is_stopped() {
    for (name, wait) in WAITS {
        let stop = StopToken::never();
        let (mut world, _ends) = idle(stop.clone());
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            stop.stop(StopReason::Killed);
            Instant::now()
        });
        assert_eq!(wait(&mut world), Err(OsError::Stopped(StopReason::Killed)), "{name}");
        let after = Instant::now().saturating_duration_since(killer.join().unwrap());
        assert!(after < OVERSHOOT, "{name}: {after:?}");
    }
}

#[test]
fn a_stopped_guest_can_do_nothing_more() {
    let host = Host::new();
    let stop = StopToken::never();
    let mut world =
        host.builder(&[("", "/", hob_cap::Access::ReadWrite)]).stop(stop.clone()).build().unwrap();
    stop.stop(StopReason::HostShutdown);
    let stopped = OsError::Stopped(StopReason::HostShutdown);
    assert_eq!(world.open_at(DIR, b"new", create()), Err(stopped.clone()));
    assert_eq!(world.create_directory_at(DIR, b"new"), Err(stopped.clone()));
    assert_eq!(world.write(1, b"x"), Err(stopped.clone()));
    assert_eq!(world.read(0, &mut [0]), Err(stopped.clone()));
    assert_eq!(world.clock_now(ClockId::Realtime), Err(stopped));
    assert!(!host.has("new"));
}

#[test]
fn a_wait_uses_no_processor() {
    let deadline = Instant::now() + Duration::from_millis(300);
    let (mut world, _ends) = idle(StopToken::new(None, Some(deadline)));
    let switches = || {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let line =
            status.lines().find(|line| line.starts_with("voluntary_ctxt_switches")).unwrap().to_owned();
        line.split_whitespace().last().unwrap().parse::<u64>().unwrap()
    };
    let before = switches();
    assert!(world.read(0, &mut [0]).is_err());
    assert!(switches() - before < 10);
}

#[test]
fn the_soft_deadline_ends_one_wait_as_a_signal_would() {
    let now = Instant::now();
    let (soft, hard) = (now + Duration::from_millis(40), now + Duration::from_millis(120));
    let (mut world, _ends) = idle(StopToken::new(Some(soft), Some(hard)));
    assert_eq!(errno(world.read(0, &mut [0])), Errno::Intr);
    assert!(Instant::now() < soft + OVERSHOOT);
    assert_eq!(world.read(0, &mut [0]), Err(OsError::Stopped(StopReason::HardDeadline)));
    assert!(Instant::now() >= hard);
}

#[test]
fn a_non_blocking_descriptor_says_again() {
    let (mut world, _ends) = idle(StopToken::never());
    let flags = FdFlags { nonblock: true, ..FdFlags::default() };
    for fd in [0, 3, 4] {
        world.set_flags(fd, flags).unwrap();
    }
    assert_eq!(errno(world.read(0, &mut [0; 9])), Errno::Again);
    assert_eq!(errno(world.accept(3, flags)), Errno::Again);
    assert_eq!(errno(world.recv(4, &mut [0; 9], RecvFlags::default())), Errno::Again);
}

#[test]
fn a_sleep_lasts_as_long_as_it_should() {
    let (mut world, _ends) = idle(StopToken::never());
    for absolute in [false, true] {
        let now = if absolute { world.clock_now(ClockId::Realtime).unwrap() } else { 0 };
        let started = Instant::now();
        let what = Interest::Clock { clock: ClockId::Realtime, timeout: now + 30_000_000, absolute };
        let events = poll(&mut world, &[Interest::Read(0), what]).unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!((events[0].userdata, events[0].kind, events[0].error), (101, EventKind::Clock, None));
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(29) && took < Duration::from_millis(60), "{took:?}");
    }
}

#[test]
fn a_virtual_sleep_waits_for_nothing_and_moves_the_clock() {
    let mut world = World::builder().clock(ClockGrant::Virtual).build().unwrap();
    let before = world.clock_now(ClockId::Monotonic).unwrap();
    let started = Instant::now();
    let hour = 3_600_000_000_000;
    let events = poll(&mut world, &[clock(2 * hour), clock(hour)]).unwrap();
    assert_eq!(events.iter().map(|event| event.userdata).collect::<Vec<_>>(), [101]);
    assert!(started.elapsed() < Duration::from_secs(1));
    let passed = world.clock_now(ClockId::Monotonic).unwrap() - before;
    assert_eq!(passed, hour + hob_os::VIRTUAL_STEP_NS);
    // What is ready comes first, and then no time passes.
    let events = poll(&mut world, &[clock(hour), Interest::Write(1)]).unwrap();
    assert_eq!(events.iter().map(|event| event.userdata).collect::<Vec<_>>(), [101]);
}

#[test]
fn without_a_clock_every_time_has_come() {
    let mut world = World::builder().build().unwrap();
    let far = Interest::Clock { clock: ClockId::Realtime, timeout: u64::MAX, absolute: true };
    assert_eq!(poll(&mut world, &[far, clock(u64::MAX)]).unwrap().len(), 2);
}

#[test]
fn what_is_ready_is_told_and_what_cannot_be_waited_for_is_an_event_with_an_error() {
    let host = Host::new();
    host.file("file", "12345").dir("dir");
    let (stdin, stdin_end) = pipe().unwrap();
    let mut world =
        host.builder(&[("", "/", hob_cap::Access::ReadWrite)]).stdin(Source::Fd(stdin)).build().unwrap();
    let file = world.open_at(DIR, b"file", common::write()).unwrap();
    rustix::io::write(&stdin_end, b"abc").unwrap();
    let what = [
        Interest::Read(0),
        Interest::Write(1),
        Interest::Read(file),
        Interest::Write(file),
        Interest::Read(99),
        Interest::Read(1),
        Interest::Read(DIR),
    ];
    let mut events = poll(&mut world, &what).unwrap();
    events.sort_by_key(|event| event.userdata);
    let seen: Vec<_> = events.iter().map(|event| (event.error, event.bytes)).collect();
    let bad = (Some(Errno::Badf), 0);
    assert_eq!(seen, [(None, 3), (None, 0), (None, 5), (None, 0), bad, bad, (Some(Errno::IsDir), 0)]);
    drop(stdin_end);
    world.read(0, &mut [0; 9]).unwrap();
    let events = poll(&mut world, &[Interest::Read(0)]).unwrap();
    assert!(events[0].hangup);
    assert_eq!(world.read(0, &mut [0; 9]), Ok(0));
}

#[test]
fn a_wait_for_nothing_or_for_too_much_is_invalid() {
    let mut world = World::builder().build().unwrap();
    assert_eq!(errno(poll(&mut world, &[])), Errno::Inval);
    assert_eq!(errno(poll(&mut world, &vec![clock(0); hob_os::SUBSCRIPTIONS_MAX + 1])), Errno::Inval);
    assert_eq!(
        poll(&mut world, &vec![clock(0); hob_os::SUBSCRIPTIONS_MAX]).unwrap().len(),
        hob_os::SUBSCRIPTIONS_MAX
    );
}

#[test]
fn a_world_waits_on_another_thread() {
    fn movable<T: Send>(value: T) -> T {
        value
    }
    let (world, _ends) = idle(StopToken::new(None, Some(Instant::now() + Duration::from_millis(30))));
    let mut world = movable(world);
    let result = std::thread::spawn(move || world.read(0, &mut [0])).join().unwrap();
    assert_eq!(result, Err(OsError::Stopped(StopReason::HardDeadline)));
}
