//! The way outside, and that there is no other.

use std::net::{IpAddr, TcpListener, UdpSocket};
use std::time::Duration;

use hob_kernel::fd::Stream;
use hob_kernel::net::{Address, Domain, SocketType};
use hob_os::egress::FixedResolver;
use hob_os::{Errno, OsError, Result};

use crate::common::{bound, connect, err, granted, pause, receive, send, tcp, to, udp, wait};

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
