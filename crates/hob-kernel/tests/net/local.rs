//! Names of files, names outside of them, and descriptors that are passed.

use std::sync::Arc;

use hob_kernel::fd::Stream;
use hob_kernel::fs::NodeId;
use hob_kernel::limits::{BACKLOG_MAX, PASSED_MAX, SOCKETS_MAX};
use hob_kernel::net::{Address, Domain, Passed, SocketType};
use hob_os::Errno;

use crate::common::{address, connect, err, network, receive, send, to, udp};

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
