//! Connections over loopback.

use std::time::Duration;

use hob_kernel::fd::Stream;
use hob_kernel::limits::{SOCKET_BYTES, SOCKETS_MAX};
use hob_kernel::net::{Domain, Options, SetOption, SocketType};
use hob_os::Errno;

use crate::common::{address, bound, connect, err, network, receive, send, tcp, to, udp, wait};

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
fn many_at_once_come_to_an_end() {
    let net = network();
    let listener = bound(&net, SocketType::Stream, "127.0.0.1:7000");
    listener.listen(u32::MAX).unwrap();
    const CLIENTS: usize = 8;
    const ROUNDS: usize = 200;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..CLIENTS * ROUNDS / 2 {
                    let server = wait(&listener, false, || listener.try_accept()).unwrap();
                    let mut buf = [0; 9];
                    let got = wait(&server, false, || server.try_recv_from(&mut buf, false)).unwrap();
                    send(&server, &buf[..got.len]).unwrap();
                }
            });
        }
        for client in 0..CLIENTS {
            let net = &net;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let socket = tcp(net);
                    connect(&socket, "127.0.0.1:7000").unwrap();
                    let bytes = format!("{client} {round}");
                    send(&socket, bytes.as_bytes()).unwrap();
                    assert_eq!(wait(&socket, false, || receive(&socket)), Ok(bytes.into_bytes()));
                    assert_eq!(wait(&socket, false, || receive(&socket)), Ok(vec![]));
                }
            });
        }
    });
    drop(listener);
    assert_eq!(net.sockets(), 0);
}

#[test]
fn a_connection_is_two_sockets() {
    let net = network();
    let listener = bound(&net, SocketType::Stream, "127.0.0.1:7000");
    listener.listen(1).unwrap();
    let client = tcp(&net);
    let mut others: Vec<_> = (2..SOCKETS_MAX).map(|_| tcp(&net)).collect();
    assert_eq!(connect(&client, "127.0.0.1:7000"), err(Errno::Nfile));
    others.pop();
    connect(&client, "127.0.0.1:7000").unwrap();
    // What was sent before its sender went is there for whoever accepts later.
    send(&client, b"bye").unwrap();
    drop(client);
    let server = listener.try_accept().unwrap();
    assert_eq!((receive(&server), receive(&server)), (Ok(b"bye".to_vec()), Ok(vec![])));
}
