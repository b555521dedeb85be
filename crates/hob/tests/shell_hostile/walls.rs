//! Nothing leads out of a session: not to another one, not to the machine, not to a network that was not granted.

use std::io;
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hob::os::{FixedResolver, Resolver};
use hob::{Limit, SharedBuffer, Sink};

use crate::lab::{host, lab, limits, run, said, until};

/// Connects to what its argument names, sends there, and asks for its addresses. Says what each call answered.
const REACHES: &str = r#"
    (func (export "_start") (local $errno i32)
        (drop (call $net_socket (call $argument (i32.const 2)) (i32.const 6) (i32.const 0) (i32.const 16)))
        (call $say @"connect " (call $net_connect (i32.load (i32.const 16)) (call $text (i32.const 1))))
        (drop (call $net_socket (call $argument (i32.const 2)) (i32.const 5) (i32.const 0) (i32.const 16)))
        (local.set $errno (call $net_sendto (i32.load (i32.const 16)) @"x" (i32.const 0) (call $text (i32.const 1)) (i32.const 20)))
        (call $say @"send " (local.get $errno)))"#;

/// Asks for the addresses of a name, and connects to it. Says what both answered.
const ASKS: &str = r#"
    (func (export "_start")
        (i32.store (i32.const 0x100) (i32.const 0x1000))
        (call $say @"addresses " (call $net_getaddrinfo (call $text (i32.const 1)) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 0x20000) (i32.const 0x100)))
        (drop (call $net_socket (i32.const 1) (i32.const 6) (i32.const 0) (i32.const 16)))
        (call $say @"connect " (call $net_connect (i32.load (i32.const 16)) (call $text (i32.const 2)))))"#;

#[test]
fn the_machine_and_its_neighbours_are_not_there() {
    let (tcp, udp) = (TcpListener::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    tcp.set_nonblocking(true).unwrap();
    udp.set_nonblocking(true).unwrap();
    let ports = [tcp.local_addr().unwrap().port(), udp.local_addr().unwrap().port()];
    let inside = [
        "127.0.0.1",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.1.1",
        "::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
    ];
    let mut resolver = FixedResolver::new();
    for (number, address) in inside.iter().enumerate() {
        // The first address is innocent, the second leads inside.
        let addresses: [IpAddr; 2] = ["93.184.216.34".parse().unwrap(), address.parse().unwrap()];
        resolver = resolver.name(&format!("evil{number}.example"), &addresses);
    }
    let mut host = host().resolver(Arc::new(resolver));
    for scheme in ["tcp", "udp"] {
        for port in ports {
            host = host.net(&format!("{scheme}://*.example:{port}"));
        }
    }
    let lab = lab(host, &[("reaches", REACHES)]);
    let session = lab.session();
    for port in ports {
        // Granted names that lead inside.
        for (number, leads) in inside.iter().enumerate() {
            let done = run(&session, "reaches", &[&format!("evil{number}.example:{port}"), "1"]);
            assert_eq!((said(&done, "connect"), said(&done, "send")), (2, 2), "{leads}: {done:?}");
        }
        // Addresses that nobody granted.
        for address in
            ["169.254.169.254", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "93.184.216.34"]
        {
            let done = run(&session, "reaches", &[&format!("{address}:{port}"), "1"]);
            assert_eq!((said(&done, "connect"), said(&done, "send")), (2, 2), "{address}: {done:?}");
        }
        for address in
            ["[fe80::1]", "[fd00::1]", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "[2606:4700::1111]"]
        {
            let done = run(&session, "reaches", &[&format!("{address}:{port}"), "2"]);
            assert_eq!((said(&done, "connect"), said(&done, "send")), (2, 2), "{address}: {done:?}");
        }
        // The session's own loopback network, where nobody listens.
        for (address, family) in
            [("127.0.0.1", "1"), ("localhost", "1"), ("0.0.0.0", "1"), ("127.9.9.9", "1"), ("[::1]", "2")]
        {
            let done = run(&session, "reaches", &[&format!("{address}:{port}"), family]);
            assert_eq!((said(&done, "connect"), said(&done, "send")), (14, 0), "{address}: {done:?}");
        }
    }
    assert_eq!(tcp.accept().err().map(|error| error.kind()), Some(io::ErrorKind::WouldBlock));
    assert_eq!(udp.recv(&mut [0; 9]).err().map(|error| error.kind()), Some(io::ErrorKind::WouldBlock));
}

/// Says the truth once, and then that the name is the machine itself.
#[derive(Debug, Default)]
struct Rebinding(AtomicUsize);

impl Resolver for Rebinding {
    fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let first = self.0.fetch_add(1, Ordering::Relaxed) == 0;
        Ok(vec![if first { "93.184.216.34" } else { "127.0.0.1" }.parse().unwrap()])
    }
}

#[test]
fn a_name_that_changes_its_mind_is_asked_again_and_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let host = host().resolver(Arc::new(Rebinding::default())).net(&format!("tcp://a.example:{port}"));
    let lab = lab(host, &[("asks", ASKS)]);
    let done = run(&lab.session(), "asks", &["a.example", &format!("a.example:{port}")]);
    assert_eq!((said(&done, "addresses"), said(&done, "connect")), (0, 2), "{done:?}");
    // A name that nobody granted is asked of nobody.
    let done = run(&lab.session(), "asks", &["b.example", "b.example:80"]);
    assert_eq!((said(&done, "addresses"), said(&done, "connect")), (2, 2), "{done:?}");
    assert_eq!(listener.accept().err().map(|error| error.kind()), Some(io::ErrorKind::WouldBlock));
}

/// Has one of everything: a file, a terminal, listeners. Says so, and stays.
const OWNS: &str = r#"
    (func $listen (param $family i32) (param $at i32) (param $len i32) (result i32)
        (drop (call $net_socket (local.get $family) (i32.const 6) (i32.const 0) (i32.const 16)))
        (i32.or (call $net_bind (i32.load (i32.const 16)) (local.get $at) (local.get $len))
            (call $net_listen (i32.load (i32.const 16)) (i32.const 5))))
    (func (export "_start") (local $failed i32)
        (local.set $failed (call $open_at @"/tmp/own" (i32.const 1) (i64.const 66)))
        (local.set $failed (i32.or (local.get $failed) (call $fd_flock (i32.load (i32.const 16)) (i32.const 2))))
        (local.set $failed (i32.or (local.get $failed) (call $pty_open (i32.const 0x100) (i32.const 0x104))))
        (local.set $failed (i32.or (local.get $failed) (call $listen (i32.const 1) @"127.0.0.1:4000")))
        (local.set $failed (i32.or (local.get $failed) (call $listen (i32.const 3) @"unix:/tmp/door")))
        (local.set $failed (i32.or (local.get $failed) (call $listen (i32.const 3) @"unix-abstract:646f6f72")))
        (call $say @"failed " (local.get $failed)) (drop (call $sleep_ms (i32.const -1))))"#;

/// Looks for what another session has. Says how often it found something.
const LOOKS: &str = r#"
    (func $reach (param $family i32) (param $at i32) (param $len i32) (result i32)
        (drop (call $net_socket (local.get $family) (i32.const 6) (i32.const 0) (i32.const 16)))
        (i32.eqz (call $net_connect (i32.load (i32.const 16)) (local.get $at) (local.get $len))))
    (func (export "_start") (local $found i32) (local $pid i32) (local $own i32)
        (drop (call $proc_getpid (i32.const 16))) (local.set $own (i32.load (i32.const 16)))
        (local.set $found (i32.eqz (call $open_at @"/tmp/own" (i32.const 0) (i64.const 2))))
        (local.set $found (i32.add (local.get $found) (i32.eqz (call $open_at @"/dev/pts/0" (i32.const 0) (i64.const 66)))))
        (local.set $found (i32.add (local.get $found) (call $reach (i32.const 1) @"127.0.0.1:4000")))
        (local.set $found (i32.add (local.get $found) (call $reach (i32.const 3) @"unix:/tmp/door")))
        (local.set $found (i32.add (local.get $found) (call $reach (i32.const 3) @"unix-abstract:646f6f72")))
        (local.set $pid (i32.const 2))
        (loop $more
            (if (i32.ne (local.get $pid) (local.get $own))
                (then (local.set $found (i32.add (local.get $found) (i32.eqz (call $proc_kill (local.get $pid) (i32.const 9)))))))
            (br_if $more (i32.lt_u (local.tee $pid (i32.add (local.get $pid) (i32.const 1))) (i32.const 40000))))
        (call $say @"found " (local.get $found)))"#;

#[test]
fn a_session_finds_nothing_of_another() {
    let lab = lab(host(), &[("owns", OWNS), ("looks", LOOKS)]);
    let (one, other) = (lab.session(), lab.session());
    let out = SharedBuffer::default();
    let job = one.start("owns").stdout(Sink::Buffer(out.clone())).spawn().unwrap();
    until("it has everything", || !out.is_empty());
    assert_eq!(out.take(), b"failed 0\n");
    assert_eq!(said(&run(&other, "looks", &[]), "found"), 0);
    assert!(job.try_wait().is_none());
    // In its own session everything is found, the owner last of all.
    assert_eq!(said(&run(&one, "looks", &[]), "found"), 6);
    assert!(job.wait().unwrap().signal.is_some());
}

/// Makes pairs of sockets, passes both through themselves and lets go of them, again and again. Says how often that went
/// well and what it failed with at last.
const CIRCLES: &str = r#"
    (func (export "_start") (local $n i32) (local $errno i32)
        (block $end (loop $more
            (br_if $end (i32.ge_u (local.get $n) (call $argument (i32.const 1))))
            (br_if $end (local.tee $errno
                (call $fd_socketpair (call $argument (i32.const 2)) (i32.const 0) (i32.const 0) (i32.const 0x100) (i32.const 0x104))))
            (br_if $end (local.tee $errno (call $fd_sendmsg_rights (i32.load (i32.const 0x100)) @"x"
                (i32.const 0x100) (i32.const 2) (i32.const 0) (i32.const 20))))
            (br_if $end (local.tee $errno (call $fd_sendmsg_rights (i32.load (i32.const 0x104)) @"x"
                (i32.const 0x100) (i32.const 2) (i32.const 0) (i32.const 20))))
            (drop (call $fd_close (i32.load (i32.const 0x100)))) (drop (call $fd_close (i32.load (i32.const 0x104))))
            (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $more)))
        (call $say @"circles " (local.get $n)) (call $say @"errno " (local.get $errno)))"#;

#[test]
fn sockets_that_were_passed_to_themselves_are_let_go_of() {
    let lab = lab(host().limits(limits()), &[("circles", CIRCLES)]);
    for kind in ["6", "5"] {
        let session = lab.session();
        let ledger = session.ledger().clone();
        let done = run(&session, "circles", &["2000", kind]);
        assert_eq!((said(&done, "circles"), said(&done, "errno")), (2000, 0), "{done:?}");
        assert_eq!(ledger.used(Limit::OpenFiles), 0, "while the session is there");
        session.close();
        assert_eq!(ledger.used(Limit::OpenFiles), 0, "after the session");
    }
}
