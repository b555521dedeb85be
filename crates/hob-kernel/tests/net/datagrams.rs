//! Datagrams, over loopback and in pairs.

use hob_kernel::fd::Stream;
use hob_kernel::limits::{DATAGRAM_BYTES_MAX, DATAGRAMS_MAX};
use hob_kernel::net::SocketType;
use hob_os::Errno;

use crate::common::{bound, connect, err, network, pause, receive, send, to, udp};

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
fn pairs_of_datagrams_keep_their_bounds_and_lose_nothing() {
    let net = network();
    let (a, b) = net.pair(SocketType::Datagram).unwrap();
    send(&a, b"one").unwrap();
    send(&a, b"two").unwrap();
    assert_eq!((receive(&b), receive(&b)), (Ok(b"one".to_vec()), Ok(b"two".to_vec())));
    let count = std::iter::from_fn(|| send(&a, b"x").ok()).count();
    assert_eq!(count, DATAGRAMS_MAX);
    assert_eq!(send(&a, b"x"), err(Errno::Again));
    assert!(!a.ready().write);
    receive(&b).unwrap();
    assert!(a.ready().write);
    drop(b);
    assert_eq!(send(&a, b"x"), err(Errno::ConnRefused));
    assert_eq!(receive(&a), err(Errno::ConnReset));
    assert!(a.ready().hangup);
}
