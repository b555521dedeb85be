//! What ends: large answers, answers that never end, answers that are cut off, and waits.

use std::io::Write;
use std::net::{IpAddr, TcpListener};
use std::time::{Duration, Instant};

use hob_cap::{Limit, StopReason, StopToken};
use hob_os::World;
use hob_os::egress::{EgressErrorKind, FixedResolver, HttpRequest, Resolver};

use crate::net::{HOME, Net, OVERSHOOT, get, ip, kind, limit};
use crate::servers::{Server, body, tls_server};

#[test]
fn bodies_and_headers_end_at_their_limits() {
    let net = Net::new(&["http://127.0.0.1:*"]).limits(|limits| {
        limits.http_body_bytes = 1000;
        limits.http_header_bytes = 2000;
    });
    let ask = |answer: String| net.get(&format!("http://127.0.0.1:{}/", Server::says(answer).port()));
    assert_eq!(ask(body(&"x".repeat(1000))).unwrap().body.len(), 1000);
    assert_eq!(limit(ask(body(&"x".repeat(1001)))), Limit::HttpBody);
    let with_header =
        |bytes: usize| format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n", "y".repeat(bytes));
    assert!(ask(with_header(1500)).is_ok());
    assert_eq!(limit(ask(with_header(3000))), Limit::HttpHeaders);
    let many: String = (0..1_000_000).map(|n| format!("x{n}: y\r\n")).collect();
    assert!(ask(format!("HTTP/1.1 200 OK\r\n{many}\r\n")).is_err());
    let request = HttpRequest { headers: vec![("x".into(), "y".repeat(1996))], ..get("http://127.0.0.1:1/") };
    assert_eq!(limit(net.ask(&request)), Limit::HttpHeaders);
}

#[test]
fn a_body_that_unpacks_without_end_is_cut_off() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..200 {
        packed.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 1 << 20, "a bomb is small");
    let server = Server::new(move |_, stream| {
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.len());
        drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&packed)));
    });
    let url = format!("http://127.0.0.1:{}/", server.port());
    assert_eq!(limit(Net::new(&["http://127.0.0.1:*"]).get(&url)), Limit::HttpBody);
    assert!(server.seen()[0].to_lowercase().contains("accept-encoding: gzip"));
    let unpacked = Net::new(&["http://127.0.0.1:*"]).limits(|limits| {
        limits.http_body_bytes = 300 << 20;
        limits.host_buffer_bytes = 1 << 30;
    });
    assert!(
        matches!(kind(unpacked.get(&url)), EgressErrorKind::Limit(exceeded) if exceeded.limit == Limit::HostBuffer)
    );
}

#[test]
fn an_answer_that_never_ends_ends() {
    let endless = |piece: &'static [u8], pause: Duration| {
        Server::new(move |_, stream| {
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n"));
            while stream.write_all(piece).is_ok() {
                std::thread::sleep(pause);
            }
        })
    };
    let check = |server: Server, want: Limit| {
        let net = Net::new(&["http://127.0.0.1:*"]).limits(|limits| {
            limits.http_time = Duration::from_millis(400);
            limits.http_body_bytes = 1 << 20;
        });
        let start = Instant::now();
        assert_eq!(limit(net.get(&format!("http://127.0.0.1:{}/", server.port()))), want);
        assert!(start.elapsed() < Duration::from_millis(400) + OVERSHOOT);
    };
    check(endless(&[b'x'; 65_536], Duration::ZERO), Limit::HttpBody);
    check(endless(b"x", Duration::from_millis(20)), Limit::HttpTime);
    check(Server::new(|_, _| std::thread::sleep(Duration::from_secs(10))), Limit::HttpTime);
    check(
        Server::new(|_, stream| {
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\n"));
            while stream.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }),
        Limit::HttpTime,
    );
}

#[test]
fn a_stopped_guest_waits_for_nobody() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}/", silent.local_addr().unwrap().port());
    let net = Net::new(&["http://127.0.0.1:*"]);
    let ask =
        |stop: StopToken| World::builder().egress(net.egress()).stop(stop).build().unwrap().http(&get(&url));
    let start = Instant::now();
    let stop = StopToken::never();
    let other = stop.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        other.stop(StopReason::Killed);
    });
    assert_eq!(kind(ask(stop)), EgressErrorKind::Stopped(StopReason::Killed));
    let deadline = StopToken::new(None, Some(Instant::now() + Duration::from_millis(50)));
    assert_eq!(kind(ask(deadline)), EgressErrorKind::Stopped(StopReason::HardDeadline));
    assert!(start.elapsed() < OVERSHOOT);
}

/// Takes its time.
struct Slow;

impl Resolver for Slow {
    fn resolve(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        std::thread::sleep(Duration::from_secs(3));
        Ok(vec![ip(HOME)])
    }
}

#[test]
fn a_lookup_that_takes_long_is_not_waited_for() {
    let net = Net::new(&["http://slow.example"]).resolve(Slow);
    let stop = StopToken::new(None, Some(Instant::now() + Duration::from_millis(50)));
    let start = Instant::now();
    let result =
        World::builder().egress(net.egress()).stop(stop).build().unwrap().http(&get("http://slow.example/"));
    assert_eq!(kind(result), EgressErrorKind::Stopped(StopReason::HardDeadline));
    assert!(start.elapsed() < OVERSHOOT);
}

#[test]
fn a_body_that_is_cut_off_is_no_body() {
    let head = "HTTP/1.1 200 OK\r\n\r\nhalf a se";
    // Under TLS an end is signed, or it is no end.
    let ask = |signed: bool| {
        let (address, root) = tls_server(head.into(), signed);
        let mut net = Net::new(&["https://secure.example:*", "https://127.0.0.1:*"])
            .resolve(FixedResolver::new().name("secure.example", &[ip(HOME)]));
        net.roots = Some(vec![root]);
        net.get(&format!("https://secure.example:{}/", address.port()))
    };
    assert_eq!(ask(true).unwrap().body, b"half a se");
    assert!(matches!(kind(ask(false)), EgressErrorKind::Protocol(why) if why.contains("cut")));
    // Without TLS a reset is no end.
    let server = Server::new(move |_, stream| {
        drop(stream.write_all(head.as_bytes()));
        std::thread::sleep(Duration::from_millis(100));
        rustix::net::sockopt::set_socket_linger(&*stream, Some(Duration::ZERO)).unwrap();
    });
    let reset = Net::new(&["http://127.0.0.1:*"]).get(&format!("http://127.0.0.1:{}/", server.port()));
    assert!(matches!(kind(reset), EgressErrorKind::Protocol(why) if why.contains("cut")));
}

#[test]
fn the_soft_deadline_ends_one_wait() {
    let server = Server::new(|_, stream| {
        std::thread::sleep(Duration::from_millis(300));
        drop(stream.write_all(body("late").as_bytes()));
    });
    let url = format!("http://127.0.0.1:{}/", server.port());
    let stop = StopToken::new(Some(Instant::now() + Duration::from_millis(50)), None);
    let egress = Net::new(&["http://127.0.0.1:*"]).egress();
    let mut world = World::builder().egress(egress).stop(stop).build().unwrap();
    assert!(world.http(&get(&url)).is_err());
    assert_eq!(world.http(&get(&url)).unwrap().body, b"late");
}

#[test]
fn headers_may_be_as_large_as_their_limit_says() {
    let large = Server::says(format!(
        "HTTP/1.1 200 OK\r\nX-Large: {}\r\nContent-Length: 2\r\n\r\nok",
        "x".repeat(100 << 10)
    ));
    let ask = |limit: u64| {
        Net::new(&["http://127.0.0.1:*"])
            .limits(|limits| limits.http_header_bytes = limit)
            .get(&format!("http://127.0.0.1:{}/", large.port()))
    };
    assert_eq!(ask(128 << 10).unwrap().body, b"ok");
    assert_eq!(limit(ask(96 << 10)), Limit::HttpHeaders);
}
