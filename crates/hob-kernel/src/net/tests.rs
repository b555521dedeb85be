//! Sockets as programs use them: inside the session, and outside by grant.

use std::net::{IpAddr, TcpListener, UdpSocket};
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hob_cap::{Limits, NetGrant, StopToken};
use hob_os::egress::{Egress, FixedResolver, Sockets};
use hob_os::{Errno, OsError, Result, Waiter, Watch};

use super::*;
use crate::fd::Stream;
use crate::fs::NodeId;
use crate::limits::{BACKLOG_MAX, DATAGRAM_BYTES_MAX, PASSED_MAX, SOCKET_BYTES, SOCKETS_MAX};
use crate::wait::block;

fn network() -> Network {
    Network::new("box", Sockets::none())
}

fn granted(grants: &[String], resolver: FixedResolver) -> Network {
    let grants = grants.iter().map(|grant| NetGrant::parse(grant).unwrap()).collect();
    let egress = Egress::new(grants, &Limits::default()).resolver(Arc::new(resolver));
    Network::new("box", egress.sockets(None))
}

fn pause(bell: BorrowedFd<'_>) -> Result<()> {
    let waiter = Waiter::new(StopToken::never());
    let until = Instant::now() + Duration::from_secs(10);
    waiter.wait(&mut [Watch::readable(bell)], Some(until)).map(drop)
}

fn address(socket: &Socket, text: &str) -> Address {
    Address::parse(text.as_bytes(), socket.domain()).unwrap()
}

fn to(socket: &Socket, text: &str) -> Result<Destination> {
    socket.destination(&address(socket, text), &mut pause)
}

fn connect(socket: &Socket, text: &str) -> Result<()> {
    socket.connect(&to(socket, text)?)
}

fn bound(net: &Network, kind: SocketType, text: &str) -> Arc<Socket> {
    let socket = net.socket(Domain::Inet6, kind).unwrap();
    socket.bind(&address(&socket, text)).unwrap();
    socket
}

fn tcp(net: &Network) -> Arc<Socket> {
    net.socket(Domain::Inet, SocketType::Stream).unwrap()
}

fn udp(net: &Network) -> Arc<Socket> {
    net.socket(Domain::Inet, SocketType::Datagram).unwrap()
}

fn send(socket: &Socket, bytes: &[u8]) -> Result<usize> {
    socket.try_send_to(bytes, None, &[])
}

fn receive(socket: &Socket) -> Result<Vec<u8>> {
    let mut buf = vec![0; 1 << 17];
    let got = socket.try_recv_from(&mut buf, false)?;
    buf.truncate(got.len);
    Ok(buf)
}

fn err<T>(errno: Errno) -> Result<T> {
    Err(errno.into())
}

/// Waits as the kernel would.
fn wait<T>(socket: &Socket, write: bool, attempt: impl FnMut() -> Result<T>) -> Result<T> {
    let waiter = Waiter::new(StopToken::never());
    let until = Instant::now() + Duration::from_secs(10);
    let host: Vec<_> = socket.host().map(|fd| (fd, write)).into_iter().collect();
    block(&waiter, &[socket.queue()], &host, Some(until), || Ok(()), attempt)
}

#[test]
fn an_echo_over_loopback() {
    let net = network();
    let listener = bound(&net, SocketType::Stream, "[::]:7000");
    listener.listen(5).unwrap();
    assert_eq!(listener.try_accept().err(), Some(Errno::Again.into()));
    let client = tcp(&net);
    assert_eq!(client.local_name().to_string(), "0.0.0.0:0");
    connect(&client, "127.0.0.1:7000").unwrap();
    assert!(listener.ready().read);
    assert_eq!(client.local_name().to_string(), "127.0.0.1:32768");
    assert_eq!(client.peer_name().unwrap().to_string(), "127.0.0.1:7000");
    assert_eq!(send(&client, b"hello"), Ok(5));
    let server = listener.try_accept().unwrap();
    assert_eq!(server.local_name().to_string(), "[::ffff:127.0.0.1]:7000");
    assert_eq!(server.peer_name().unwrap().to_string(), "[::ffff:127.0.0.1]:32768");
    assert_eq!(receive(&server), Ok(b"hello".to_vec()));
    assert_eq!(receive(&server), err(Errno::Again));
    assert_eq!(send(&server, b"HELLO"), Ok(5));
    assert_eq!(receive(&client), Ok(b"HELLO".to_vec()));
    assert_eq!(connect(&client, "127.0.0.1:7000"), err(Errno::IsConn));
    client.shutdown(false, true).unwrap();
    assert_eq!(send(&client, b"x"), err(Errno::Pipe));
    assert_eq!(receive(&server), Ok(vec![]));
    assert_eq!(send(&server, b"still"), Ok(5));
    assert_eq!(receive(&client), Ok(b"still".to_vec()));
    drop(server);
    assert_eq!(receive(&client), Ok(vec![]));
    assert_eq!(client.take_error(), None);
}

#[test]
fn threads_wait_for_each_other() {
    let net = network();
    let listener = bound(&net, SocketType::Stream, "127.0.0.1:7000");
    listener.listen(1).unwrap();
    let bytes: Vec<u8> = (0..1_000_000u32).map(|n| n.to_le_bytes()[0]).collect();
    std::thread::scope(|scope| {
        let (bytes, net) = (&bytes, &net);
        scope.spawn(move || {
            let client = tcp(net);
            connect(&client, "127.0.0.1:7000").unwrap();
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let sent = wait(&client, true, || send(&client, rest)).unwrap();
                rest = &rest[sent..];
            }
        });
        let server = wait(&listener, false, || listener.try_accept()).unwrap();
        let mut all = vec![0; bytes.len() + 1];
        let mut done = 0;
        wait(&server, false, || server.try_recv_all(&mut all, &mut done)).unwrap();
        assert_eq!(&all[..done], bytes);
    });
}

#[test]
fn names_are_taken_once() {
    let net = network();
    let bind = |domain, text: &str, reuse: bool, kind| {
        let socket = net.socket(domain, kind).unwrap();
        socket.set_option(SetOption::ReuseAddress(reuse));
        socket.bind(&address(&socket, text)).map(|()| socket)
    };
    let check = |first: &str, second: &str, free: bool| {
        for kind in [SocketType::Stream, SocketType::Datagram] {
            let _first = bind(Domain::Inet6, first, false, kind).unwrap();
            let second = bind(Domain::Inet6, second, false, kind);
            let want = if free { None } else { Some(Errno::AddrInUse.into()) };
            assert_eq!(second.err(), want, "{first}");
        }
    };
    check("127.0.0.1:80", "127.0.0.1:80", false);
    check("127.0.0.1:80", "127.0.0.1:81", true);
    check("127.0.0.1:80", "127.0.0.2:80", true);
    check("127.0.0.1:80", "0.0.0.0:80", false);
    check("0.0.0.0:80", "127.0.0.9:80", false);
    check("127.0.0.1:80", "[::1]:80", true);
    check("0.0.0.0:80", "[::1]:80", true);
    check("[::]:80", "127.0.0.1:80", false);
    check("[::1]:80", "[::]:80", false);
    check("[::ffff:127.0.0.1]:80", "127.0.0.1:80", false);
    for kind in [SocketType::Stream, SocketType::Datagram] {
        let first = bind(Domain::Inet, "0.0.0.0:80", true, kind).unwrap();
        assert_eq!(bind(Domain::Inet, "0.0.0.0:80", false, kind).err(), Some(Errno::AddrInUse.into()));
        let second = bind(Domain::Inet, "0.0.0.0:80", true, kind).unwrap();
        if kind == SocketType::Stream {
            first.listen(1).unwrap();
            assert_eq!(second.listen(1), err(Errno::AddrInUse));
            assert_eq!(bind(Domain::Inet, "0.0.0.0:80", true, kind).err(), Some(Errno::AddrInUse.into()));
        }
    }
    let refused = |domain, text: &str, errno: Errno| {
        assert_eq!(bind(domain, text, false, SocketType::Stream).err(), Some(errno.into()), "{text}");
    };
    refused(Domain::Inet, "8.8.8.8:80", Errno::AddrNotAvail);
    refused(Domain::Inet, "10.0.0.1:0", Errno::AddrNotAvail);
    refused(Domain::Inet, "example.com:80", Errno::AddrNotAvail);
    refused(Domain::Inet, "[::1]:80", Errno::AfNoSupport);
    refused(Domain::Unix, "unix:/x", Errno::Inval);
    let socket = bind(Domain::Inet, "localhost:0", false, SocketType::Stream).unwrap();
    assert!(socket.local_name().to_string().starts_with("127.0.0.1:3"));
    assert_eq!(socket.bind(&address(&socket, "127.0.0.1:0")), err(Errno::Inval));
    drop((socket, refused, bind));
    assert_eq!(net.sockets(), 0);
    assert!(format!("{net:?}").contains("names: 0"), "{net:?}");
}

#[test]
fn so_many_wait_to_be_accepted() {
    let net = network();
    let listener = bound(&net, SocketType::Stream, "127.0.0.1:7000");
    assert_eq!(listener.try_accept().err(), Some(Errno::Inval.into()));
    assert_eq!(connect(&tcp(&net), "127.0.0.1:7000"), err(Errno::ConnRefused));
    listener.listen(3).unwrap();
    let clients: Vec<_> = (0..3).map(|_| tcp(&net)).collect();
    clients.iter().for_each(|client| connect(client, "127.0.0.1:7000").unwrap());
    let late = tcp(&net);
    assert_eq!(connect(&late, "127.0.0.1:7000"), err(Errno::ConnRefused));
    drop(listener.try_accept().unwrap());
    connect(&late, "127.0.0.1:7000").unwrap();
    // The maximum can be changed while some wait.
    listener.listen(4).unwrap();
    let more = tcp(&net);
    connect(&more, "127.0.0.1:7000").unwrap();
    assert_eq!(connect(&tcp(&net), "127.0.0.1:7000"), err(Errno::ConnRefused));
    assert_eq!(std::iter::from_fn(|| listener.try_accept().ok()).count(), 4);
    // Those who wait when nobody accepts any more are reset.
    let client = tcp(&net);
    connect(&client, "127.0.0.1:7000").unwrap();
    drop(listener);
    assert_eq!(receive(&client), err(Errno::ConnReset));
    assert_eq!(connect(&tcp(&net), "127.0.0.1:7000"), err(Errno::ConnRefused));
}

#[test]
fn the_backlog_has_a_maximum() {
    let net = network();
    let listener = net.socket(Domain::Unix, SocketType::Stream).unwrap();
    listener.bind(&Address::Autobind).unwrap();
    listener.listen(u32::MAX).unwrap();
    let name = listener.local_name().to_string();
    // Who connects and goes away leaves what waits to be accepted.
    let connect_once = || connect(&net.socket(Domain::Unix, SocketType::Stream).unwrap(), &name);
    assert!((0..BACKLOG_MAX).all(|_| connect_once().is_ok()));
    assert_eq!(connect_once(), err(Errno::ConnRefused));
    assert_eq!(net.sockets(), BACKLOG_MAX + 1);
    drop(listener);
    assert_eq!(net.sockets(), 0);
}

#[test]
fn sockets_are_counted_and_given_back() {
    let net = network();
    let all: Vec<_> = (0..SOCKETS_MAX).map(|_| tcp(&net)).collect();
    assert_eq!(net.socket(Domain::Inet, SocketType::Stream).err(), Some(Errno::Nfile.into()));
    assert_eq!(net.pair(SocketType::Stream).err(), Some(Errno::Nfile.into()));
    drop(all);
    assert_eq!(net.sockets(), 0);
    for _ in 0..1000 {
        let listener = bound(&net, SocketType::Stream, "127.0.0.1:7000");
        listener.listen(1).unwrap();
        let client = tcp(&net);
        connect(&client, "127.0.0.1:7000").unwrap();
        send(&client, &[0; SOCKET_BYTES]).unwrap();
        let server = listener.try_accept().unwrap();
        send(&server, &[0; SOCKET_BYTES]).unwrap();
        let datagrams = udp(&net);
        datagrams.try_send_to(&[0; 1000], Some(&to(&datagrams, "127.0.0.1:32768").unwrap()), &[]).unwrap();
        let _pair = net.pair(SocketType::Datagram).unwrap();
    }
    assert_eq!(net.sockets(), 0);
    assert_eq!(format!("{net:?}"), "Network(Shared { names: 0, datagram_bytes: 0, passed: 0, .. })");
}

#[test]
fn closing_with_bytes_unread_resets() {
    let net = network();
    let (a, b) = net.pair(SocketType::Stream).unwrap();
    send(&a, b"unread").unwrap();
    drop(b);
    assert!(a.ready().error);
    assert_eq!(a.take_error(), Some(Errno::ConnReset));
    assert_eq!(a.take_error(), None);
    assert_eq!(send(&a, b"x"), err(Errno::Pipe));
    let (a, b) = net.pair(SocketType::Stream).unwrap();
    b.set_option(SetOption::Linger(Some(Duration::ZERO)));
    drop(b);
    assert_eq!(receive(&a), err(Errno::ConnReset));
    assert_eq!(receive(&a), Ok(vec![]));
    let (a, b) = net.pair(SocketType::Stream).unwrap();
    drop(b);
    assert_eq!(receive(&a), Ok(vec![]));
    assert_eq!(send(&a, b"x"), err(Errno::Pipe));
    assert!(a.ready().hangup);
}

#[test]
fn peeking_leaves_and_waiting_for_all_counts() {
    let net = network();
    let (a, b) = net.pair(SocketType::Stream).unwrap();
    send(&a, b"abc").unwrap();
    let mut buf = [0; 8];
    assert_eq!(b.try_recv_from(&mut buf, true).unwrap().len, 3);
    let mut done = 0;
    assert_eq!(b.try_recv_all(&mut buf, &mut done), err(Errno::Again));
    assert_eq!(done, 3);
    send(&a, b"defghij").unwrap();
    b.try_recv_all(&mut buf, &mut done).unwrap();
    assert_eq!((done, &buf), (8, b"abcdefgh"));
    drop(a);
    done = 0;
    b.try_recv_all(&mut buf, &mut done).unwrap();
    assert_eq!((done, &buf[..2]), (2, &b"ij"[..]));
}

#[test]
fn datagrams_are_whole_or_cut() {
    let net = network();
    let server = bound(&net, SocketType::Datagram, "127.0.0.1:53");
    let client = udp(&net);
    assert_eq!(send(&client, b"x"), err(Errno::DestAddrReq));
    let there = to(&client, "127.0.0.1:53").unwrap();
    for message in [&b"first"[..], b"", b"third"] {
        assert_eq!(client.try_send_to(message, Some(&there), &[]), Ok(message.len()));
    }
    assert_eq!(client.try_send_to(&vec![0; DATAGRAM_BYTES_MAX + 1], Some(&there), &[]), err(Errno::MsgSize));
    assert_eq!(client.try_send_to(&vec![0; DATAGRAM_BYTES_MAX], Some(&there), &[]), Ok(DATAGRAM_BYTES_MAX));
    assert_eq!(server.ready().bytes, 5);
    let mut buf = [0; 3];
    let got = server.try_recv_from(&mut buf, true).unwrap();
    assert_eq!((got.len, got.full, &buf), (3, 5, b"fir"));
    let got = server.try_recv_from(&mut buf, false).unwrap();
    assert_eq!((got.len, got.full, got.from.unwrap().to_string()), (3, 5, "[::ffff:127.0.0.1]:32768".into()));
    assert_eq!(receive(&server), Ok(vec![]));
    let mut done = 0;
    let mut buf = [0; 9];
    server.try_recv_all(&mut buf, &mut done).unwrap();
    assert_eq!((done, &buf[..5]), (5, &b"third"[..]));
    assert_eq!(receive(&server).unwrap().len(), DATAGRAM_BYTES_MAX);
    assert_eq!(receive(&server), err(Errno::Again));
}

#[test]
fn connected_datagrams_hear_one_peer() {
    let net = network();
    let (server, stranger) = (
        bound(&net, SocketType::Datagram, "127.0.0.1:53"),
        bound(&net, SocketType::Datagram, "127.0.0.1:54"),
    );
    let client = udp(&net);
    assert_eq!(client.peer_name().err(), Some(Errno::NotConn.into()));
    connect(&client, "127.0.0.1:53").unwrap();
    assert_eq!(client.peer_name().unwrap().to_string(), "127.0.0.1:53");
    send(&client, b"ask").unwrap();
    let mut buf = [0; 9];
    let from = server.try_recv_from(&mut buf, false).unwrap().from.unwrap();
    let back = server.destination(&from, &mut pause).unwrap();
    stranger.try_send_to(b"forged", Some(&back), &[]).unwrap();
    server.try_send_to(b"answer", Some(&back), &[]).unwrap();
    assert_eq!(receive(&client), Ok(b"answer".to_vec()));
    assert_eq!(receive(&client), err(Errno::Again));
    drop(server);
    send(&client, b"anybody?").unwrap();
    assert!(client.ready().error);
    assert_eq!(send(&client, b"anybody?"), err(Errno::ConnRefused));
    client.shutdown(true, true).unwrap();
    assert_eq!(send(&client, b"x"), err(Errno::Pipe));
    assert_eq!(receive(&client), Ok(vec![]));
}

#[test]
fn names_of_files_and_others() {
    let net = network();
    let unix = || net.socket(Domain::Unix, SocketType::Stream).unwrap();
    assert_eq!(net.socket(Domain::Unix, SocketType::Datagram).err(), Some(Errno::ProtoNoSupport.into()));
    let node = NodeId { device: 1, inode: 7 };
    let listener = unix();
    assert_eq!(unix().connect_node(node, b"/run/x"), err(Errno::ConnRefused));
    assert_eq!(listener.listen(1), err(Errno::Inval));
    listener.bind_node(node, b"/run/x").unwrap();
    assert_eq!(unix().connect_node(node, b"/run/x"), err(Errno::ConnRefused));
    listener.listen(1).unwrap();
    let client = unix();
    client.connect_node(node, b"run/x").unwrap();
    assert_eq!(client.local_name(), Address::Unnamed);
    assert_eq!(client.peer_name().unwrap().to_string(), "unix:run/x");
    let server = listener.try_accept().unwrap();
    assert_eq!(server.peer_name().unwrap().to_string(), "unix-unnamed");
    send(&client, b"x").unwrap();
    assert_eq!(receive(&server), Ok(b"x".to_vec()));
    // The number of a node is used again: the name is the new one's, and the old one takes nothing with it.
    let again = unix();
    again.bind_node(node, b"/run/y").unwrap();
    again.listen(1).unwrap();
    drop(listener);
    unix().connect_node(node, b"/run/y").unwrap();
    assert!(again.ready().read);

    let check = |name: &str| {
        let listener = unix();
        listener.bind(&address(&listener, name)).unwrap();
        let name = listener.local_name().to_string();
        assert_eq!(unix().bind(&address(&listener, &name)), err(Errno::AddrInUse));
        assert_eq!(connect(&unix(), &name), err(Errno::ConnRefused));
        listener.listen(1).unwrap();
        let client = unix();
        connect(&client, &name).unwrap();
        assert_eq!(client.peer_name().unwrap().to_string(), name);
        name
    };
    assert_eq!(check("unix-abstract:616200"), "unix-abstract:616200");
    assert_eq!(check("unix-autobind"), "unix-abstract:3030303030");
    assert_eq!(check("unix-autobind"), "unix-abstract:3030303031");
    assert_eq!(connect(&unix(), "unix-abstract:00"), err(Errno::ConnRefused));
    assert_eq!(connect(&unix(), "unix-unnamed"), err(Errno::Inval));
    assert_eq!(connect(&unix(), "/run/x"), err(Errno::Inval));
}

#[test]
fn pairs_of_datagrams_keep_their_bounds_and_lose_nothing() {
    let net = network();
    let (a, b) = net.pair(SocketType::Datagram).unwrap();
    send(&a, b"one").unwrap();
    send(&a, b"two").unwrap();
    assert_eq!((receive(&b), receive(&b)), (Ok(b"one".to_vec()), Ok(b"two".to_vec())));
    let count = std::iter::from_fn(|| send(&a, b"x").ok()).count();
    assert_eq!(count, crate::limits::DATAGRAMS_MAX);
    assert_eq!(send(&a, b"x"), err(Errno::Again));
    assert!(!a.ready().write);
    receive(&b).unwrap();
    assert!(a.ready().write);
    drop(b);
    assert_eq!(send(&a, b"x"), err(Errno::ConnRefused));
    assert_eq!(receive(&a), err(Errno::ConnReset));
    assert!(a.ready().hangup);
}

#[test]
fn descriptors_travel_with_their_message() {
    let net = network();
    for kind in [SocketType::Stream, SocketType::Datagram] {
        let (a, b) = net.pair(kind).unwrap();
        let thing: Passed = Arc::new("thing");
        let passed = vec![Arc::clone(&thing); PASSED_MAX];
        assert_eq!(a.try_send_to(b"m", None, &passed), Ok(1));
        let too_many = vec![Arc::clone(&thing); PASSED_MAX + 1];
        assert_eq!(a.try_send_to(b"m", None, &too_many), err(Errno::Inval));
        let mut buf = [0; 9];
        assert_eq!(b.try_recv_from(&mut buf, true).unwrap().passed.len(), PASSED_MAX);
        let got = b.try_recv_from(&mut buf, false).unwrap();
        assert_eq!((got.len, got.passed.len()), (1, PASSED_MAX));
        assert!(got.passed[0].is::<&str>());
        // Read without asking for what came along, it is let go of.
        a.try_send_to(b"m", None, &passed).unwrap();
        receive(&b).unwrap();
        drop((got, passed, too_many));
        assert_eq!(Arc::strong_count(&thing), 1);
    }
    let (a, _b) = net.pair(SocketType::Stream).unwrap();
    assert_eq!(a.try_send_to(b"", None, &[Arc::new(1)]), err(Errno::Inval));
    let client = udp(&net);
    let there = to(&client, "127.0.0.1:1").unwrap();
    assert_eq!(client.try_send_to(b"x", Some(&there), &[Arc::new(1)]), err(Errno::Inval));
}

#[test]
fn a_socket_passed_through_itself_goes_with_the_session() {
    let net = network();
    let (a, b) = net.pair(SocketType::Stream).unwrap();
    let (weak_a, weak_b) = (Arc::downgrade(&a), Arc::downgrade(&b));
    let both: Vec<Passed> = vec![a.clone(), b.clone()];
    a.try_send_to(b"x", None, &both).unwrap();
    drop((a, b, both));
    assert!(weak_a.upgrade().is_some() && weak_b.upgrade().is_some());
    drop(net);
    assert!(weak_a.upgrade().is_none() && weak_b.upgrade().is_none());
    // And in a chain, one in the other, as deep as there are sockets.
    let net = network();
    let mut last: Option<Passed> = None;
    let count = std::iter::from_fn(|| {
        let (a, b) = net.pair(SocketType::Stream).ok()?;
        let passed: Vec<Passed> = last.take().into_iter().collect();
        a.try_send_to(b"x", None, &passed).ok()?;
        last = Some(b);
        Some(())
    })
    .count();
    assert_eq!(count, SOCKETS_MAX - 1);
    drop(last);
    assert_eq!(net.sockets(), 0);
}

#[test]
fn settings_are_kept() {
    let net = network();
    let socket = tcp(&net);
    for option in [
        SetOption::ReuseAddress(true),
        SetOption::Linger(Some(Duration::from_secs(3))),
        SetOption::ReceiveTimeout(Some(Duration::from_millis(5))),
        SetOption::KeepAlive(true),
        SetOption::NoDelay(true),
        SetOption::TrafficClass,
    ] {
        socket.set_option(option);
    }
    let want = Options {
        reuse_address: true,
        linger: Some(Duration::from_secs(3)),
        receive_timeout: Some(Duration::from_millis(5)),
        keep_alive: true,
        no_delay: true,
    };
    assert_eq!(socket.options(), want);
    socket.set_option(SetOption::ReceiveTimeout(Some(Duration::ZERO)));
    assert_eq!(socket.options().receive_timeout, None);
}

#[test]
fn what_is_not_connected_says_so() {
    let net = network();
    let socket = tcp(&net);
    assert_eq!(send(&socket, b"x"), err(Errno::NotConn));
    assert_eq!(receive(&socket), err(Errno::NotConn));
    assert_eq!(socket.shutdown(true, true), err(Errno::NotConn));
    assert_eq!(socket.try_connect_done(), err(Errno::NotConn));
    assert_eq!(socket.peer_name().err(), Some(Errno::NotConn.into()));
    assert_eq!(connect(&socket, "[::1]:80"), err(Errno::AfNoSupport));
    assert_eq!(udp(&net).listen(1), err(Errno::NotSup));
    socket.listen(1).unwrap();
    assert_eq!(connect(&socket, "127.0.0.1:1"), err(Errno::IsConn));
    assert_eq!(receive(&socket), err(Errno::NotConn));
    socket.shutdown(true, false).unwrap();
    assert_eq!(socket.try_accept().err(), Some(Errno::Inval.into()));
}

#[test]
fn names_lead_to_addresses() {
    let public: IpAddr = "93.184.216.34".parse().unwrap();
    let v6: IpAddr = "2606:4700::1111".parse().unwrap();
    let inside: IpAddr = "10.0.0.1".parse().unwrap();
    let resolver = FixedResolver::new()
        .name("a.example", &[public, v6])
        .name("evil.example", &[public, inside])
        .name("b.example", &[public]);
    let grants = ["https://a.example", "tcp://evil.example:1", "tcp://none.example:1"].map(String::from);
    let net = granted(&grants, resolver);
    let check = |name: &str, family, want: Result<&str>| {
        let got = net.addresses(name.as_bytes(), family, &mut pause);
        let got = got.map(|all| all.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(" "));
        assert_eq!(got, want.map(str::to_owned), "{name}");
    };
    check("localhost", None, Ok("127.0.0.1 ::1"));
    check("LocalHost.", Some(Domain::Inet6), Ok("::1"));
    check("x.localhost", Some(Domain::Inet), Ok("127.0.0.1"));
    check("box", Some(Domain::Inet), Ok("127.0.0.1"));
    check("10.1.2.3", None, Ok("10.1.2.3"));
    check("::1", None, Ok("::1"));
    check("[::1]", Some(Domain::Inet), err(Errno::Noent));
    check("a.example", None, Ok("93.184.216.34 2606:4700::1111"));
    check("A.Example\0.evil", Some(Domain::Inet6), Ok("2606:4700::1111"));
    check("b.example", None, err(Errno::Acces));
    check("sub.a.example", None, err(Errno::Acces));
    check("evil.example", None, err(Errno::Acces));
    check("none.example", None, err(Errno::Noent));
    for odd in ["", "127.1", "0x7f000001", "2130706433", "*.example", "a b", "a/b", "fe80::1%1", "é.example"]
    {
        check(odd, None, err(Errno::Inval));
    }
}

#[test]
fn outside_by_grant() {
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = host.local_addr().unwrap().port();
    let check = |grant: String, target: String| {
        let home = "127.0.0.1".parse().unwrap();
        let resolver = FixedResolver::new().name("db.example", &[home]);
        let net = granted(&[grant, format!("tcp://127.0.0.1:{port}")], resolver);
        let socket = tcp(&net);
        match connect(&socket, &target) {
            Err(OsError::Errno(Errno::InProgress)) => {
                wait(&socket, true, || socket.try_connect_done()).unwrap();
            }
            done => done.unwrap(),
        }
        assert_eq!(socket.take_error(), None);
        let (server, _) = host.accept().unwrap();
        assert_eq!(socket.peer_name().unwrap().to_string(), format!("127.0.0.1:{port}"));
        assert!(socket.local_name().to_string().starts_with("0.0.0.0:"));
        assert_eq!(send(&socket, b"ping"), Ok(4));
        let mut buf = [0; 4];
        std::io::Read::read_exact(&mut &server, &mut buf).unwrap();
        assert_eq!(receive(&socket), err(Errno::Again));
        std::io::Write::write_all(&mut &server, b"pong").unwrap();
        let mut peeked = [0; 2];
        assert_eq!(wait(&socket, false, || socket.try_recv_from(&mut peeked, true)).unwrap().len, 2);
        assert!(socket.ready().read && socket.ready().bytes > 0);
        assert_eq!(wait(&socket, false, || receive(&socket)), Ok(b"pong".to_vec()));
        socket.shutdown(false, true).unwrap();
        assert_eq!(std::io::Read::read(&mut &server, &mut buf).unwrap(), 0);
        drop(server);
        assert_eq!(wait(&socket, false, || receive(&socket)), Ok(vec![]));
        assert_eq!(connect(&socket, &target), err(Errno::IsConn));
    };
    check(format!("tcp://localhost:{port}"), format!("127.0.0.1:{port}"));
    check(format!("tcp://localhost:{port}"), format!("localhost:{port}"));
    check(format!("tcp://db.example:{port}"), format!("db.example:{port}"));
    check(format!("tcp://127.0.0.1:{port}"), format!("0.0.0.0:{port}"));
    // A refusal of the other side is told when it is known.
    drop(host);
    let net = granted(&[format!("tcp://127.0.0.1:{port}")], FixedResolver::new());
    let socket = tcp(&net);
    let refused = match connect(&socket, &format!("127.0.0.1:{port}")) {
        Err(OsError::Errno(Errno::InProgress)) => wait(&socket, true, || socket.try_connect_done()),
        done => done,
    };
    assert_eq!(refused, err(Errno::ConnRefused));
    assert_eq!(send(&socket, b"x"), err(Errno::NotConn));
}

#[test]
fn the_session_comes_before_the_host() {
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = host.local_addr().unwrap().port();
    let net = granted(&[format!("tcp://127.0.0.1:{port}")], FixedResolver::new());
    let own = bound(&net, SocketType::Stream, &format!("0.0.0.0:{port}"));
    own.listen(1).unwrap();
    let socket = tcp(&net);
    connect(&socket, &format!("127.0.0.1:{port}")).unwrap();
    assert!(own.try_accept().is_ok() && socket.host().is_none());
}

#[test]
fn the_host_has_no_ports_here() {
    let (listener, datagrams) =
        (TcpListener::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let v6 = TcpListener::bind("[::1]:0");
    datagrams.set_nonblocking(true).unwrap();
    listener.set_nonblocking(true).unwrap();
    let (tcp_port, udp_port) =
        (listener.local_addr().unwrap().port(), datagrams.local_addr().unwrap().port());
    // Grants for other things: other ports, other addresses, other schemes, names that lead here.
    let home: IpAddr = "127.0.0.1".parse().unwrap();
    let grants = [
        format!("tcp://127.0.0.1:{}", tcp_port ^ 1),
        format!("tcp://127.0.0.2:{tcp_port}"),
        format!("udp://127.0.0.1:{tcp_port}"),
        format!("http://127.0.0.1:{tcp_port}"),
        format!("tcp://rebind.example:{tcp_port}"),
        "tcp://*.example:*".into(),
    ];
    let net = granted(&grants, FixedResolver::new().name("rebind.example", &[home]));
    for text in ["127.0.0.1", "127.0.0.3", "0.0.0.0", "localhost", "box", "a.localhost"] {
        assert_eq!(connect(&tcp(&net), &format!("{text}:{tcp_port}")), err(Errno::ConnRefused), "{text}");
    }
    if let Ok(v6) = v6 {
        let port = v6.local_addr().unwrap().port();
        for text in ["[::1]", "[::]", "[::ffff:127.0.0.1]", "localhost"] {
            let socket = net.socket(Domain::Inet6, SocketType::Stream).unwrap();
            assert_eq!(connect(&socket, &format!("{text}:{port}")), err(Errno::ConnRefused), "{text}");
        }
    }
    assert_eq!(connect(&tcp(&net), &format!("rebind.example:{tcp_port}")), err(Errno::Acces));
    // A grant names the address, so it may be told; it is as closed as before.
    assert_eq!(net.addresses(b"rebind.example", None, &mut pause), Ok(vec![home]));
    assert_eq!(connect(&tcp(&net), &format!("127.0.0.1:{tcp_port}")), err(Errno::ConnRefused));
    for other in ["10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "8.8.8.8", "255.255.255.255"] {
        assert_eq!(connect(&tcp(&net), &format!("{other}:{tcp_port}")), err(Errno::Acces), "{other}");
        assert_eq!(connect(&udp(&net), &format!("{other}:{udp_port}")), err(Errno::Acces), "{other}");
    }
    for odd in ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "1.1.1.1@127.0.0.1"] {
        assert!(Address::parse(format!("{odd}:{tcp_port}").as_bytes(), Domain::Inet).is_err(), "{odd}");
    }
    for other in ["[fe80::1]", "[fc00::1]", "[64:ff9b::7f00:1]", "[::127.0.0.1]", "[2002:7f00:1::]"] {
        let socket = net.socket(Domain::Inet6, SocketType::Stream).unwrap();
        assert_eq!(connect(&socket, &format!("{other}:{tcp_port}")), err(Errno::Acces), "{other}");
    }
    let socket = udp(&net);
    let there = to(&socket, &format!("127.0.0.1:{udp_port}")).unwrap();
    assert_eq!(socket.try_send_to(b"x", Some(&there), &[]), Ok(1));
    std::thread::sleep(Duration::from_millis(20));
    assert!(listener.accept().is_err() && datagrams.recv(&mut [0; 9]).is_err());
}

#[test]
fn datagrams_outside_by_grant() {
    let (host, stranger) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let (port, other) = (host.local_addr().unwrap().port(), stranger.local_addr().unwrap().port());
    let net = granted(&[format!("udp://127.0.0.1:{port}"), "tcp://127.0.0.1:*".into()], FixedResolver::new());
    for connected in [false, true] {
        let socket = udp(&net);
        let there = to(&socket, &format!("127.0.0.1:{port}")).unwrap();
        let elsewhere = to(&socket, &format!("127.0.0.1:{other}")).unwrap();
        socket.try_send_to(b"nobody", Some(&elsewhere), &[]).unwrap();
        assert!(socket.host().is_none());
        if connected {
            socket.connect(&there).unwrap();
            send(&socket, b"ask").unwrap();
        } else {
            socket.try_send_to(b"ask", Some(&there), &[]).unwrap();
        }
        let mut buf = [0; 9];
        let (len, from) = host.recv_from(&mut buf).unwrap();
        assert_eq!(&buf[..len], b"ask");
        for _ in 0..100 {
            stranger.send_to(b"forged", from).unwrap();
        }
        host.send_to(b"answer", from).unwrap();
        let got = wait(&socket, false, || socket.try_recv_from(&mut buf[..3], true)).unwrap();
        assert_eq!((got.len, got.full), (3, 6));
        assert!(socket.ready().read);
        let got = wait(&socket, false, || socket.try_recv_from(&mut buf, false)).unwrap();
        assert_eq!(
            (&buf[..got.len], got.from.unwrap().to_string()),
            (&b"answer"[..], format!("127.0.0.1:{port}"))
        );
        stranger.send_to(b"forged", from).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        assert!(!socket.ready().read);
        assert_eq!(receive(&socket), err(Errno::Again));
    }
}
