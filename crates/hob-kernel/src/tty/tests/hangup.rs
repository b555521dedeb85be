//! Ends that are closed, and what is left of the others.

use super::*;
use crate::fd::Ready;

fn check_dead(slave: &Slave) {
    let caller = caller(10);
    assert_eq!(slave.try_read(&caller, &mut [0; 9]), Ok(0));
    assert_eq!(slave.try_read(&caller, &mut [0; 9]), Ok(0));
    assert_eq!(errno(slave.try_write(&caller, b"x")), Some(Errno::Io));
    assert_eq!(errno(slave.control(&caller).attributes()), Some(Errno::Io));
    assert_eq!(errno(slave.control(&caller).take()), Some(Errno::Io));
    assert_eq!(errno(slave.control(&caller).flush(Queue::Both)), Some(Errno::Io));
    assert_eq!(errno(slave.control(&caller).set_foreground(10)), Some(Errno::NotTy));
    assert_eq!(slave.ready(), Ready { read: true, write: true, hangup: true, error: true, bytes: 0 });
}

#[test]
fn closing_the_master_hangs_up() {
    for (foreground, expected) in [
        (15, vec!["HUP leader 10", "HUP 15", "CONT leader 10", "CONT 15"]),
        (10, vec!["HUP leader 10", "CONT leader 10"]),
    ] {
        let Pair { groups, master, slave } = Pair::new().controlled(foreground);
        groups.sent();
        master.try_write(&caller(99), b"unread\n").unwrap();
        let copy = Arc::clone(&master);
        drop(master);
        assert!(groups.sent().is_empty(), "a copy is open");
        drop(copy);
        assert_eq!(groups.sent(), expected);
        check_dead(&slave);
        assert_eq!(errno(slave.terminal().open_slave()), Some(Errno::Io));
        assert_eq!((slave.terminal().session(), slave.terminal().is_open()), (None, false));
    }
}

#[test]
fn the_master_waits_for_the_first_slave_and_outlives_the_last() {
    let terminal = Terminal::open(0, Arc::new(Recorder::default()));
    let caller = caller(10);
    let mut buf = [0; 99];
    assert_eq!(errno(terminal.try_read(&caller, &mut buf)), Some(Errno::Again));
    assert!(!terminal.ready().hangup);
    assert_eq!(terminal.try_write(&caller, b"early\n"), Ok(6));
    let slave = terminal.terminal().open_slave().unwrap();
    assert_eq!(slave.try_read(&caller, &mut buf), Ok(6));
    slave.try_write(&caller, b"out").unwrap();
    let other = terminal.terminal().open_slave().unwrap();
    drop(slave);
    assert!(!terminal.ready().hangup);
    drop(other);
    assert!(terminal.ready().hangup);
    assert_eq!(terminal.try_read(&caller, &mut buf), Ok(10));
    assert_eq!(&buf[..10], b"early\r\nout");
    assert_eq!(errno(terminal.try_read(&caller, &mut buf)), Some(Errno::Io));
    assert!(terminal.ready().read);
    // What is typed meanwhile, and the settings, are there for the next one.
    assert_eq!(terminal.try_write(&caller, b"late\n"), Ok(5));
    let slave = terminal.terminal().open_slave().unwrap();
    assert_eq!(terminal.try_read(&caller, &mut buf), Ok(6));
    assert_eq!(errno(terminal.try_read(&caller, &mut buf)), Some(Errno::Again));
    assert_eq!(slave.try_read(&caller, &mut buf), Ok(5));
}

#[test]
fn nothing_of_a_session_reaches_the_next() {
    let pair = Pair::with("-echo -icanon").controlled(15);
    pair.groups.sent();
    pair.write(b"last words").unwrap();
    pair.type_in(b"for the old one");
    pair.slave.terminal().leader_ended(20);
    assert!(pair.groups.sent().is_empty(), "another session's leader");
    pair.slave.terminal().leader_ended(10);
    assert_eq!(pair.groups.sent(), ["HUP 15", "CONT 15"]);
    check_dead(&pair.slave);
    assert_eq!(pair.shown(), b"last words");
    let next = pair.slave.terminal().open_slave().unwrap();
    let leader = caller(20);
    next.control(&leader).take().unwrap();
    assert_eq!(next.control(&leader).attributes(), Ok(Termios::default()));
    pair.type_in(b"typed for the next\n");
    check_dead(&pair.slave);
    let mut buf = [0; 99];
    assert_eq!(next.try_read(&leader, &mut buf), Ok(19));
}
