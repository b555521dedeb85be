//! Sockets that were handed to a guest.

mod common;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixDatagram, UnixStream};

use common::errno;
use hob_os::{Errno, FdFlags, FileType, RecvFlags, Rights, Socket, World};

#[test]
fn a_guest_accepts_receives_sends_and_shuts_down() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut world = World::builder().socket(Socket::Listener(listener.into())).build().unwrap();
    let mut peer = TcpStream::connect(address).unwrap();
    let fd = world.accept(3, FdFlags::default()).unwrap();
    assert_eq!((fd, world.fdstat(fd).unwrap().kind), (4, FileType::SocketStream));
    peer.write_all(b"hello").unwrap();
    let mut buf = [0; 5];
    let (peek, all) = (RecvFlags { peek: true, wait_all: false }, RecvFlags { peek: false, wait_all: true });
    assert_eq!(world.recv(fd, &mut buf[..2], peek), Ok(2));
    assert_eq!(world.recv(fd, &mut buf, all), Ok(5));
    assert_eq!(&buf, b"hello");
    assert_eq!((world.send(fd, b"ab"), world.write(fd, b"c")), (Ok(2), Ok(1)));
    world.shutdown(fd, false, true).unwrap();
    let mut text = String::new();
    peer.read_to_string(&mut text).unwrap();
    assert_eq!(text, "abc");
    drop(peer);
    assert_eq!(world.read(fd, &mut buf), Ok(0));
    assert_eq!(errno(world.send(fd, b"x")), Errno::Pipe);
    assert_eq!(errno(world.shutdown(fd, false, false)), Errno::Inval);
}

#[test]
fn waiting_for_all_collects_what_comes_in_pieces() {
    let (socket, mut peer) = UnixStream::pair().unwrap();
    let mut world = World::builder().socket(Socket::Stream(socket.into())).build().unwrap();
    let sender = std::thread::spawn(move || {
        for piece in [b"ab", b"cd", b"ef"] {
            peer.write_all(piece).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    });
    let mut buf = [0; 9];
    assert_eq!(world.recv(3, &mut buf, RecvFlags { peek: false, wait_all: true }), Ok(6));
    assert_eq!(&buf[..6], b"abcdef");
    sender.join().unwrap();
}

#[test]
fn what_is_no_socket_and_what_is_no_descriptor_are_told_apart() {
    let (socket, _peer) = UnixStream::pair().unwrap();
    let mut world = World::builder().socket(Socket::Stream(socket.into())).build().unwrap();
    assert_eq!(errno(world.shutdown(1, true, false)), Errno::NotSock);
    assert_eq!(errno(world.accept(1, FdFlags::default())), Errno::NotSock);
    assert_eq!(errno(world.accept(3, FdFlags::default())), Errno::NotSock);
    for result in [world.send(1, b"x"), world.recv(0, &mut [0], RecvFlags::default())] {
        assert_eq!(errno(result), Errno::NotSock);
    }
    assert_eq!(errno(world.shutdown(9, true, false)), Errno::Badf);
    assert_eq!(errno(world.open_at(3, b"x", common::read())), Errno::NotDir);
    assert_eq!(errno(world.pread(3, &mut [0], 0)), Errno::Spipe);
    let kept = Rights::SOCKET.without(Rights::FD_WRITE.or(Rights::SOCK_SHUTDOWN));
    world.set_rights(3, kept, Rights::NONE).unwrap();
    assert_eq!(errno(world.send(3, b"x")), Errno::NotCapable);
    assert_eq!(errno(world.shutdown(3, true, true)), Errno::NotCapable);
}

#[test]
fn a_socket_that_is_not_what_it_was_said_to_be_is_refused() {
    let (socket, peer) = UnixStream::pair().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    for socket in [
        Socket::Listener(socket.into()),
        Socket::Stream(listener.into()),
        Socket::Stream(UnixDatagram::unbound().unwrap().into()),
        Socket::Stream(tempfile::tempfile().unwrap().into()),
    ] {
        let errno = World::builder().socket(socket).build().err().map(|error| error.errno());
        assert!(matches!(errno, Some(Errno::Inval | Errno::NotSock)));
    }
    drop(peer);
}
