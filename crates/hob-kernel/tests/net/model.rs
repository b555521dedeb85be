//! Whatever is done with sockets, in whatever order: nothing fails that should not, and nothing is left.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use hob_kernel::fd::Stream;
use hob_kernel::limits::SOCKETS_MAX;
use hob_kernel::net::{Address, Domain, Network, Passed, SetOption, Socket, SocketType};
use hob_os::Errno;
use proptest::prelude::*;

use crate::common::{network, pause, send};

#[derive(Clone, Debug)]
enum Step {
    Open(bool, bool),
    Pair(bool),
    Bind(usize, u16),
    Listen(usize, u32),
    Connect(usize, u16),
    Accept(usize),
    Send(usize, usize),
    Pass(usize, usize),
    Receive(usize, usize, bool),
    Shutdown(usize, bool, bool),
    Linger(usize),
    Close(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (which, port) = (0..12usize, prop_oneof![Just(0u16), 1u16..4]);
    prop_oneof![
        any::<(bool, bool)>().prop_map(|(v6, stream)| Step::Open(v6, stream)),
        any::<bool>().prop_map(Step::Pair),
        (which.clone(), port.clone()).prop_map(|(n, port)| Step::Bind(n, port)),
        (which.clone(), 0..4u32).prop_map(|(n, max)| Step::Listen(n, max)),
        (which.clone(), port).prop_map(|(n, port)| Step::Connect(n, port)),
        which.clone().prop_map(Step::Accept),
        (which.clone(), 0..70_000usize).prop_map(|(n, len)| Step::Send(n, len)),
        (which.clone(), which.clone()).prop_map(|(n, what)| Step::Pass(n, what)),
        (which.clone(), 0..70_000usize, any::<bool>()).prop_map(|(n, len, peek)| Step::Receive(n, len, peek)),
        (which.clone(), any::<bool>(), any::<bool>()).prop_map(|(n, r, w)| Step::Shutdown(n, r, w)),
        which.clone().prop_map(Step::Linger),
        which.prop_map(Step::Close),
    ]
}

fn take(net: &Network, all: &mut Vec<Arc<Socket>>, step: Step) {
    let at = |all: &[Arc<Socket>], n: usize| all.get(n % all.len().max(1)).cloned();
    let kind = |stream| if stream { SocketType::Stream } else { SocketType::Datagram };
    match step {
        Step::Open(v6, stream) => {
            all.extend(net.socket(if v6 { Domain::Inet6 } else { Domain::Inet }, kind(stream)));
        }
        Step::Pair(stream) => all.extend(net.pair(kind(stream)).into_iter().flat_map(|(a, b)| [a, b])),
        Step::Close(n) if !all.is_empty() => drop(all.swap_remove(n % all.len())),
        Step::Accept(n) => {
            let accepted = at(all, n).and_then(|socket| socket.try_accept().ok());
            all.extend(accepted);
        }
        Step::Bind(n, port) => drop(
            at(all, n)
                .map(|socket| socket.bind(&Address::Ip(SocketAddr::new("127.0.0.1".parse().unwrap(), port)))),
        ),
        Step::Listen(n, max) => drop(at(all, n).map(|socket| socket.listen(max))),
        Step::Connect(n, port) => drop(at(all, n).map(|socket| {
            let there = Address::Ip(SocketAddr::new("127.0.0.1".parse().unwrap(), port));
            socket.destination(&there, &mut pause).map(|there| socket.connect(&there))
        })),
        Step::Send(n, len) => drop(at(all, n).map(|socket| send(&socket, &vec![7; len]))),
        Step::Pass(n, what) => drop(at(all, n).zip(at(all, what)).map(|(socket, what)| {
            let what: Passed = what;
            socket.try_send_to(b"x", None, &[what])
        })),
        Step::Receive(n, len, peek) => {
            let got = at(all, n).map(|socket| {
                let ready = socket.ready();
                let got = socket.try_recv_from(&mut vec![0; len], peek);
                // What was said to be there is there.
                let again = got.as_ref().err() == Some(&Errno::Again.into());
                assert!(!(ready.read && again) || socket.listens(), "{ready:?}");
                got
            });
            let passed = got.and_then(Result::ok).map(|got| got.passed).unwrap_or_default();
            all.extend(passed.into_iter().filter_map(|what| what.downcast::<Socket>().ok()));
        }
        Step::Shutdown(n, read, write) => drop(at(all, n).map(|socket| socket.shutdown(read, write))),
        Step::Linger(n) => drop(at(all, n).map(|socket| {
            socket.set_option(SetOption::Linger(Some(Duration::ZERO)));
        })),
        Step::Close(_) => {}
    }
}

proptest! {
    #[test]
    fn whatever_is_done_everything_is_given_back(steps in proptest::collection::vec(step(), 0..120)) {
        let net = network();
        let mut all = Vec::new();
        for step in steps {
            take(&net, &mut all, step);
            prop_assert!(net.sockets() <= SOCKETS_MAX);
        }
        let seen: Vec<Weak<Socket>> = all.iter().map(Arc::downgrade).collect();
        all.clear();
        drop(net);
        prop_assert!(seen.iter().all(|socket| socket.strong_count() == 0));
    }
}
