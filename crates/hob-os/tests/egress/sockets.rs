//! Connections, datagrams and lookups by grant: what is reached, what is refused, what is recorded, and when.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hob_cap::{AuditError, AuditEvent, AuditSink, Outcome, StopToken};
use hob_os::egress::{
    Admission, EgressError, EgressErrorKind, FixedResolver, Resolver, Sockets, TcpSocket, Transport,
};
use hob_os::{Errno, OsError, Waiter, Watch};

use super::net::{HOME, Net, ip};

fn pause(bell: BorrowedFd<'_>) -> hob_os::Result<()> {
    let until = Instant::now() + Duration::from_secs(10);
    Waiter::new(StopToken::never()).wait(&mut [Watch::readable(bell)], Some(until)).map(drop)
}

fn sockets(grants: &[&str], resolver: impl Resolver) -> Sockets {
    Net::new(grants).resolve(resolver).egress().sockets(None)
}

fn tcp(sockets: &Sockets, name: &str, port: u16) -> Result<Admission, EgressError> {
    sockets.admit_name(Transport::Tcp, name, port, &mut pause)
}

fn at(address: &str, port: u16) -> SocketAddr {
    SocketAddr::new(ip(address), port)
}

fn refused<T: std::fmt::Debug>(result: Result<T, EgressError>) -> bool {
    result.is_err_and(|error| error.is_denied())
}

fn finish(socket: &TcpSocket) -> hob_os::Result<()> {
    loop {
        match socket.connected() {
            Err(OsError::Errno(Errno::Again)) => {
                let until = Instant::now() + Duration::from_secs(10);
                let watch = Watch::writable(socket.fd());
                assert!(Waiter::new(StopToken::never()).wait(&mut [watch], Some(until)).unwrap());
            }
            done => return done,
        }
    }
}

#[test]
fn a_granted_connection_carries_bytes() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let named = format!("tcp://db.example:{port}");
    let net = sockets(
        &[&named, &format!("tcp://127.0.0.1:{port}")],
        FixedResolver::new().name("db.example", &[ip("::1"), ip(HOME)]),
    );
    // One address of the name is not granted, so none is.
    assert!(refused(tcp(&net, "db.example", port)));
    let net = sockets(
        &[&named, &format!("tcp://127.0.0.1:{port}")],
        FixedResolver::new().name("db.example", &[ip(HOME)]),
    );
    for admission in [
        tcp(&net, "DB.example.", port).unwrap(),
        net.admit_address(Transport::Tcp, at(HOME, port)).unwrap(),
        net.admit_address(Transport::Tcp, at("::ffff:127.0.0.1", port)).unwrap(),
    ] {
        assert_eq!(admission.address(), Some(at(HOME, port)));
        assert!(net.datagrams(false).unwrap().send_to(&admission, b"x").is_err());
        let socket = net.connect(&admission, false).unwrap();
        finish(&socket).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        assert_eq!(socket.receive(&mut [0; 1], false), Err(Errno::Again.into()));
        assert_eq!(socket.send(b"ping"), Ok(4));
        let mut buf = [0; 4];
        server.read_exact(&mut buf).unwrap();
        server.write_all(&buf).unwrap();
        drop(server);
        pause(socket.fd()).unwrap();
        assert!(socket.ready().read);
        assert_eq!(socket.receive(&mut buf, true), Ok(4));
        assert_eq!(socket.receive(&mut buf, false), Ok(4));
        pause(socket.fd()).unwrap();
        assert_eq!(socket.receive(&mut buf, false), Ok(0));
    }
    drop(listener);
    let admission = net.admit_address(Transport::Tcp, at(HOME, port)).unwrap();
    let refused =
        net.connect(&admission, false).map_err(|error| error.os()).and_then(|socket| finish(&socket));
    assert_eq!(refused, Err(Errno::ConnRefused.into()));
}

#[test]
fn only_what_is_granted() {
    let net = sockets(
        &["tcp://a.example:443", "tcp://*.b.example:*", "udp://a.example:53", "https://c.example"],
        FixedResolver::new(),
    );
    let check = |transport, name: &str, port, denied: bool| {
        let result = net.admit_name(transport, name, port, &mut pause);
        assert_eq!(result.unwrap_err().is_denied(), denied, "{transport:?} {name} {port}");
    };
    // Granted, and without an address.
    check(Transport::Tcp, "a.example", 443, false);
    check(Transport::Tcp, "x.b.example", 1, false);
    check(Transport::Udp, "a.example", 53, false);
    check(Transport::Tcp, "a.example", 80, true);
    check(Transport::Tcp, "a.example", 53, true);
    check(Transport::Udp, "a.example", 443, true);
    check(Transport::Tcp, "x.a.example", 443, true);
    check(Transport::Tcp, "b.example", 443, true);
    // A grant for requests is no grant for connections.
    check(Transport::Tcp, "c.example", 443, true);
    for odd in ["", "127.1", "0x7f.1", "2130706433", "*.b.example", "a.example@b", "[::1", "fe80::1%1"] {
        assert!(tcp(&net, odd, 443).is_err(), "{odd}");
    }
    let error = tcp(&net, "a.example", 80).unwrap_err();
    assert!(error.to_string().contains("--net 'tcp://a.example:80'"), "{error}");
    assert_eq!(error.os(), Errno::NotCapable.into());
    for address in [HOME, "::1", "0.0.0.0", "::", "10.0.0.1", "169.254.169.254", "8.8.8.8", "::ffff:8.8.8.8"]
    {
        assert!(refused(net.admit_address(Transport::Tcp, at(address, 443))), "{address}");
        assert!(!net.covers(Transport::Tcp, at(address, 443)), "{address}");
    }
}

#[test]
fn a_name_leads_nowhere_inside() {
    for inside in
        [HOME, "::1", "10.0.0.1", "169.254.169.254", "100.100.100.200", "fd00:ec2::254", "::ffff:127.0.0.1"]
    {
        let resolver = FixedResolver::new().name("evil.example", &[ip("93.184.216.34"), ip(inside)]);
        let net = sockets(&["tcp://evil.example:*", "udp://evil.example:*"], resolver);
        assert!(refused(tcp(&net, "evil.example", 80)), "{inside}");
        assert!(refused(net.admit_name(Transport::Udp, "evil.example", 53, &mut pause)), "{inside}");
        assert!(refused(net.lookup("evil.example", &mut pause)), "{inside}");
        assert!(refused(net.admit_address(Transport::Tcp, at(inside, 80))), "{inside}");
    }
}

/// Answers differently each time.
struct Rebinding(AtomicUsize);

impl Resolver for Rebinding {
    fn resolve(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(vec![ip(if self.0.fetch_add(1, Ordering::SeqCst) == 0 { "93.184.216.34" } else { HOME })])
    }
}

#[test]
fn what_was_looked_at_is_what_is_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let grant = format!("tcp://evil.example:{port}");
    let net = sockets(&[&grant], Rebinding(AtomicUsize::new(0)));
    let admission = tcp(&net, "evil.example", port).unwrap();
    assert_eq!(admission.address(), Some(at("93.184.216.34", port)));
    // The second answer is looked at like the first.
    assert!(refused(tcp(&net, "evil.example", port)));
    assert!(refused(net.lookup("evil.example", &mut pause)));
    assert!(refused(net.admit_address(Transport::Tcp, at(HOME, port))));
}

#[test]
fn an_address_that_a_name_led_to_is_granted_as_the_name_is() {
    let (a, b) = ("93.184.216.34", "93.184.216.35");
    let resolver = FixedResolver::new()
        .name("a.example", &[ip(a)])
        .name("b.example", &[ip(b)])
        .name("c.example", &[ip(b)]);
    let net = sockets(&["tcp://a.example:443", "https://b.example", "tcp://c.example:443"], resolver);
    let other = net.clone();
    assert!(refused(net.admit_address(Transport::Tcp, at(a, 443))));
    assert_eq!(net.lookup("A.example", &mut pause), Ok(vec![ip(a)]));
    assert!(other.admit_address(Transport::Tcp, at(a, 443)).is_ok());
    assert!(refused(net.admit_address(Transport::Tcp, at(a, 80))));
    assert!(refused(net.admit_address(Transport::Udp, at(a, 443))));
    net.lookup("b.example", &mut pause).unwrap();
    assert!(refused(net.admit_address(Transport::Tcp, at(b, 443))));
    net.lookup("c.example", &mut pause).unwrap();
    assert!(net.admit_address(Transport::Tcp, at(b, 443)).is_ok());
    // Another session has not asked.
    let fresh = sockets(&["tcp://a.example:443"], FixedResolver::new());
    assert!(refused(fresh.admit_address(Transport::Tcp, at(a, 443))));
}

#[test]
fn localhost_grants_loopback() {
    let net = sockets(&["tcp://localhost:5432"], FixedResolver::new());
    for address in [HOME, "::1"] {
        assert!(net.covers(Transport::Tcp, at(address, 5432)), "{address}");
        assert!(net.admit_address(Transport::Tcp, at(address, 5432)).is_ok(), "{address}");
        assert!(!net.covers(Transport::Tcp, at(address, 5433)), "{address}");
        assert!(!net.covers(Transport::Udp, at(address, 5432)), "{address}");
    }
    assert!(!net.covers(Transport::Tcp, at("127.0.0.2", 5432)));
}

/// Writes down what is recorded and what is asked, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>, bool);

impl AuditSink for Log {
    fn record(&self, event: &AuditEvent) -> Result<(), AuditError> {
        let grant = event.grant.clone().unwrap_or_default();
        self.0.lock().unwrap().push(format!("{} {} {:?} {grant}", event.what, event.target, event.outcome));
        if self.1 && event.outcome == Outcome::Allowed { Err(AuditError("full".into())) } else { Ok(()) }
    }
}

impl Resolver for Log {
    fn resolve(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        self.0.lock().unwrap().push(format!("asked for {name}"));
        Ok(vec![ip("93.184.216.34")])
    }
}

#[test]
fn everything_is_recorded_first() {
    let log = Log::default();
    let net = Net::new(&["tcp://a.example:1"]).resolve(log.clone()).egress();
    let net = net.sockets(Some(Arc::new(log.clone())));
    tcp(&net, "a.example", 1).unwrap();
    tcp(&net, "b.example", 1).unwrap_err();
    net.lookup("a.example", &mut pause).unwrap();
    net.lookup("b\u{1b}.example", &mut pause).unwrap_err();
    net.lookup("b.example", &mut pause).unwrap_err();
    net.admit_address(Transport::Tcp, at("93.184.216.34", 1)).unwrap();
    net.admit_address(Transport::Udp, at("10.0.0.1", 1)).unwrap_err();
    assert!(net.covers(Transport::Tcp, at("93.184.216.34", 1)));
    let want = [
        "tcp tcp://a.example:1 Allowed --net 'tcp://a.example:1'",
        "asked for a.example",
        "tcp tcp://b.example:1 Denied ",
        "dns a.example Allowed --net 'tcp://a.example:1'",
        "asked for a.example",
        "dns b.example Denied ",
        "tcp tcp://a.example:1 Allowed --net 'tcp://a.example:1'",
        "udp udp://10.0.0.1:1 Denied ",
    ];
    assert_eq!(*log.0.lock().unwrap(), want);

    let full = Log(Arc::default(), true);
    let net = Net::new(&["tcp://a.example:1"]).resolve(full.clone()).egress();
    let net = net.sockets(Some(Arc::new(full.clone())));
    assert_eq!(*tcp(&net, "a.example", 1).unwrap_err().kind(), EgressErrorKind::Unrecorded);
    assert_eq!(*net.lookup("a.example", &mut pause).unwrap_err().kind(), EgressErrorKind::Unrecorded);
    assert!(full.0.lock().unwrap().iter().all(|line| !line.starts_with("asked")));
}

/// Never answers in time.
struct Silent;

impl Resolver for Silent {
    fn resolve(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        std::thread::sleep(Duration::from_secs(3));
        Err(std::io::ErrorKind::TimedOut.into())
    }
}

#[test]
fn a_wait_for_a_name_ends_as_the_caller_says() {
    let net = sockets(&["tcp://a.example:1"], Silent);
    let start = Instant::now();
    let mut interrupted = |_: BorrowedFd<'_>| Err(Errno::Intr.into());
    let error = net.admit_name(Transport::Tcp, "a.example", 1, &mut interrupted).unwrap_err();
    assert_eq!(error.os(), Errno::Intr.into());
    let mut impatient = |_: BorrowedFd<'_>| Ok(());
    let error = net.lookup("a.example", &mut impatient).unwrap_err();
    assert_eq!(error.os(), Errno::Noent.into());
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn datagrams_go_where_they_may_and_come_from_there() {
    let (host, stranger) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let port = host.local_addr().unwrap().port();
    let net = sockets(&[&format!("udp://127.0.0.1:{port}")], FixedResolver::new());
    let there = net.admit_address(Transport::Udp, at(HOME, port)).unwrap();
    assert!(net.connect(&there, false).is_err());
    for v6 in [false, true] {
        let Ok(socket) = net.datagrams(v6) else { continue };
        assert!(socket.admission(at(HOME, port)).is_none());
        socket.send_to(&there, b"ask").unwrap();
        assert!(socket.admission(at(HOME, port)).is_some());
        let mut buf = [0; 16];
        let (_, from) = host.recv_from(&mut buf).unwrap();
        for _ in 0..10 {
            stranger.send_to(b"forged", from).unwrap();
        }
        host.send_to(b"an answer", from).unwrap();
        pause(socket.fd()).unwrap();
        assert!(socket.ready(None).read && !socket.ready(Some(at(HOME, 1))).read);
        host.send_to(b"an answer", from).unwrap();
        pause(socket.fd()).unwrap();
        let got = socket.receive_from(&mut buf[..2], true, None).unwrap();
        assert_eq!((got.len, got.full, got.from), (2, 9, at(HOME, port)));
        let got = socket.receive_from(&mut buf, false, Some(at(HOME, port))).unwrap();
        assert_eq!(&buf[..got.len], b"an answer");
        assert_eq!(socket.receive_from(&mut buf, false, None).err(), Some(Errno::Again.into()));
    }
}

#[test]
fn a_datagram_socket_has_so_many_peers() {
    let net = sockets(&["udp://127.0.0.1:*"], FixedResolver::new());
    let socket = net.datagrams(false).unwrap();
    let send = |port| {
        let there = net.admit_address(Transport::Udp, at(HOME, port)).unwrap();
        socket.send_to(&there, b"x").map_err(|error| error.os())
    };
    // Nobody may be there, which a socket can be told at the next send.
    let full = (20_000..21_000).find(|port| send(*port) == Err(Errno::Nobufs.into()));
    assert_eq!(full, Some(20_064));
}
