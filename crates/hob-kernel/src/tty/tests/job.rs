//! Who is in the foreground, and what happens to who is not.

use super::*;

#[test]
fn typed_signals_go_to_the_foreground() {
    let pair = Pair::with("noflsh").controlled(15);
    for (typed, expected) in [
        ("\x03", vec!["INT 15"]),
        ("\x1c", vec!["QUIT 15"]),
        ("a\x1ab", vec!["TSTP 15"]),
        ("\x03\x03\x1c", vec!["INT 15", "QUIT 15"]),
        ("abc\n", vec![]),
    ] {
        pair.type_in(typed.as_bytes());
        assert_eq!(pair.groups.sent(), expected, "{typed:?}");
    }
}

#[test]
fn the_background_does_not_read() {
    let pair = Pair::new().controlled(15);
    pair.groups.sent();
    pair.type_in(b"secret\n");
    let other = caller(16);
    assert_eq!(pair.read_as(&other, 9), Err(Errno::Again));
    assert_eq!(pair.groups.sent(), ["TTIN 16"]);
    assert_eq!(pair.read_as(&Caller { ignores_input_stop: true, ..other }, 9), Err(Errno::Io));
    assert_eq!(pair.read_as(&Caller { orphaned: true, ..other }, 9), Err(Errno::Io));
    assert!(pair.groups.sent().is_empty());
    assert_eq!(pair.read_as(&caller(15), 9), Ok(b"secret\n".to_vec()));
}

#[test]
fn the_background_writes_unless_it_is_told_not_to() {
    let pair = Pair::new().controlled(15);
    let other = caller(16);
    pair.groups.sent();
    assert_eq!(pair.write_as(&other, b"x"), Ok(1));
    let mut termios = pair.slave.control(&caller(15)).attributes().unwrap();
    stty(&mut termios, "tostop");
    pair.slave.control(&caller(15)).set_attributes(When::Now, &termios).unwrap();
    assert_eq!(pair.write_as(&other, b"x"), Err(Errno::Again));
    assert_eq!(pair.groups.sent(), ["TTOU 16"]);
    assert_eq!(pair.write_as(&Caller { ignores_output_stop: true, ..other }, b"x"), Ok(1));
    assert_eq!(pair.write_as(&Caller { orphaned: true, ..other }, b"x"), Err(Errno::Io));
    assert_eq!(pair.write_as(&caller(15), b"x"), Ok(1));
}

#[test]
fn the_background_changes_nothing() {
    let pair = Pair::new().controlled(15);
    let other = caller(16);
    let control = pair.slave.control(&other);
    let termios = control.attributes().unwrap();
    pair.groups.sent();
    let changes: [(&str, &dyn Fn() -> hob_os::Result<()>); 6] = [
        ("set_attributes", &|| control.set_attributes(When::Now, &termios)),
        ("set_basic", &|| control.set_basic(When::Now, &termios.basic())),
        ("flush", &|| control.flush(Queue::Both)),
        ("drain", &|| control.drain()),
        ("flow", &|| control.flow(Flow::StopOutput)),
        ("set_foreground", &|| control.set_foreground(16)),
    ];
    for (name, change) in changes {
        assert_eq!(errno(change()), Some(Errno::Again), "{name}");
        assert_eq!(pair.groups.sent(), ["TTOU 16"], "{name}");
    }
    let ignoring = Caller { ignores_output_stop: true, ..other };
    assert_eq!(pair.slave.control(&ignoring).set_foreground(16), Ok(()));
    assert_eq!(pair.slave.control(&caller(10)).foreground(), Ok(16));
}

#[test]
fn only_its_session_learns_and_says_who_is_in_the_foreground() {
    let pair = Pair::new();
    let leader = caller(10);
    let stranger = caller(20);
    let control = pair.slave.control(&leader);
    assert_eq!(errno(control.foreground()), Some(Errno::NotTy));
    assert_eq!(errno(control.set_foreground(10)), Some(Errno::NotTy));
    assert_eq!(errno(pair.slave.control(&caller(11)).take()), Some(Errno::Perm));
    assert_eq!(control.take(), Ok(()));
    assert_eq!(control.take(), Ok(()));
    assert_eq!((control.session(), control.foreground()), (Ok(10), Ok(10)));
    assert_eq!(control.set_foreground(12), Ok(()));
    // Taking it again does not bring the leader back to the foreground.
    assert_eq!((control.take(), control.foreground()), (Ok(()), Ok(12)));
    let orphan = Caller { orphaned: true, ..caller(13) };
    let ignoring = Caller { ignores_output_stop: true, ..leader };
    for (caller, group, expected) in [
        (ignoring, 5, Some(Errno::Srch)),
        (ignoring, 20, Some(Errno::Perm)),
        (orphan, 13, Some(Errno::NotTy)),
        (stranger, 20, Some(Errno::NotTy)),
        (ignoring, 14, None),
    ] {
        assert_eq!(errno(pair.slave.control(&caller).set_foreground(group)), expected, "{caller:?} {group}");
    }
    let control = pair.slave.control(&stranger);
    assert_eq!(errno(control.foreground()), Some(Errno::NotTy));
    assert_eq!(errno(control.session()), Some(Errno::NotTy));
    assert_eq!(errno(control.take()), Some(Errno::Perm));
    assert_eq!(errno(control.give_up()), Some(Errno::NotTy));
    // Whoever has the master is told, but says nothing.
    let control = pair.master.control(&stranger);
    assert_eq!((control.foreground(), control.session()), (Ok(14), Ok(10)));
    assert_eq!(errno(control.set_foreground(20)), Some(Errno::NotTy));
}

#[test]
fn giving_it_up_tells_the_foreground_if_the_leader_does() {
    let pair = Pair::new().controlled(15);
    pair.groups.sent();
    assert_eq!(pair.slave.control(&Caller { pid: 16, ..caller(16) }).give_up(), Ok(()));
    assert_eq!((pair.groups.sent(), pair.slave.terminal().session()), (vec![], Some(10)));
    assert_eq!(pair.slave.control(&caller(10)).give_up(), Ok(()));
    assert_eq!(pair.groups.sent(), ["HUP 15", "CONT 15"]);
    assert_eq!(pair.slave.terminal().session(), None);
    // It was given up, not hung up.
    assert_eq!(pair.write(b"x"), Ok(1));
    assert_eq!(pair.slave.control(&caller(20)).take(), Ok(()));
}

#[test]
fn a_new_size_is_told_once() {
    let pair = Pair::new().controlled(15);
    pair.groups.sent();
    let caller = caller(16);
    let (slave, master) = (pair.slave.control(&caller), pair.master.control(&caller));
    assert_eq!(slave.size(), Ok(Size { columns: 80, rows: 24, x_pixels: 0, y_pixels: 0 }));
    let size = Size { columns: 132, rows: 43, x_pixels: 1, y_pixels: 2 };
    for (control, expected) in [(master, vec!["WINCH 15"]), (slave, vec![])] {
        control.set_size(size).unwrap();
        assert_eq!(pair.groups.sent(), expected);
        assert_eq!((slave.size(), master.size()), (Ok(size), Ok(size)));
    }
}
