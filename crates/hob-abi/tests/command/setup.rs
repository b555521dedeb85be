//! What every test finds: files below `/home/user/work`, and descriptors from 3 on.

use std::sync::Arc;

use hob_kernel::Kernel;
use hob_kernel::fs::{Attributes, New, NodeRef};
use hob_kernel::net::{Address, Domain, SocketType};
use hob_kernel::process::sockets::Transfer;
use hob_kernel::process::{Base, How, Process};

/// The descriptors, by the names that rows use.
pub(crate) const NAMES: [(&str, u32); 20] = [
    ("stdin", 0),
    ("stdout", 1),
    ("stderr", 2),
    ("file", 3),
    ("dir", 4),
    ("reader", 5),
    ("writer", 6),
    ("one", 7),
    ("other", 8),
    ("listener", 9),
    ("client", 10),
    ("udp", 11),
    ("sender", 12),
    ("fresh", 13),
    ("master", 14),
    ("slave", 15),
    ("child", 16),
    ("free", 17),
    ("root", 0x4000_0003),
    ("here", u32::MAX),
];

/// Nothing is open there, and nothing can be.
pub(crate) const CLOSED: u32 = 5000;

/// Puts the files in place.
pub(crate) fn plant(kernel: &Arc<Kernel>) {
    let own = |mode| Attributes { mode, uid: 1000, gid: 1000 };
    let root = &kernel.tree().root.node;
    let home = root.lookup(b"home").unwrap().lookup(b"user").unwrap();
    let work = home.make(b"work", New::Directory, own(0o755)).unwrap();
    let file = |dir: &NodeRef, name: &[u8], text: &[u8], mode| {
        let node = dir.make(name, New::File, own(mode)).unwrap();
        node.open(true).unwrap().write_at(text, 0).unwrap();
    };
    file(&work, b"file", b"hello world", 0o644);
    file(&work, b"note", b"a note", 0o644);
    file(&work, b"child", b"\0asm\x01\0\0\0", 0o755);
    let sub = work.make(b"sub", New::Directory, own(0o755)).unwrap();
    file(&sub, b"inner", b"inside", 0o600);
    work.make(b"empty", New::Directory, own(0o755)).unwrap();
    work.make(b"link", New::Link(b"file"), own(0o777)).unwrap();
}

/// Opens the descriptors, in the order of [`NAMES`].
pub(crate) fn fill(process: &Process) {
    let read = How { read: true, ..How::default() };
    let both = How { write: true, ..read };
    let open = |path: &[u8], how| process.open(Base::Here, path, how, 0).unwrap();
    assert_eq!(open(b"file", both), 3);
    assert_eq!(open(b".", How { directory: true, ..read }), 4);
    assert_eq!(process.pipe().unwrap(), (5, 6));
    process.write(6, b"piped").unwrap();
    assert_eq!(process.socket_pair(SocketType::Stream, false, false).unwrap(), (7, 8));
    process.write(8, b"sent").unwrap();
    let socket = |kind| process.socket(Domain::Inet, kind, false, false).unwrap();
    let at = |text: &[u8]| Address::parse(text, Domain::Inet).unwrap();
    assert_eq!(socket(SocketType::Stream), 9);
    process.bind(9, &at(b"127.0.0.1:4000")).unwrap();
    process.with_socket(9, |socket| socket.listen(4)).unwrap();
    assert_eq!(socket(SocketType::Stream), 10);
    process.bind(10, &at(b"127.0.0.1:4001")).unwrap();
    process.connect(10, &at(b"127.0.0.1:4000")).unwrap();
    assert_eq!(socket(SocketType::Datagram), 11);
    process.bind(11, &at(b"127.0.0.1:4002")).unwrap();
    assert_eq!(socket(SocketType::Datagram), 12);
    process.bind(12, &at(b"127.0.0.1:4003")).unwrap();
    process.send(12, b"gram", Some(&at(b"127.0.0.1:4002")), &[], Transfer::default()).unwrap();
    assert_eq!(socket(SocketType::Stream), 13);
    assert_eq!(process.open_terminal().unwrap(), (14, 15));
    assert_eq!(open(b"/bin/child", read), 16);
}
