//! Outbound requests against real servers on this machine: what is reached, what is refused, what is bounded.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod bounds;
mod net;
mod servers;
mod sockets;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{IpAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hob_cap::{AuditError, AuditEvent, AuditSink, Limit, Outcome};
use hob_os::World;
use hob_os::egress::{EgressErrorKind, FixedResolver, HttpRequest, Resolver};

use net::{HOME, Net, get, ip, is_denied, kind, limit};
use servers::{Server, body, redirect, tls_server};

#[test]
fn a_granted_request_is_made_and_answered() {
    let server = Server::new(|_, stream| {
        drop(stream.write_all(b"HTTP/1.1 201 Created\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello"));
    });
    let url = format!("http://api.example.com:{}/path?q=1", server.port());
    let net = Net::new(&["http://api.example.com:*", "http://127.0.0.1:*"])
        .resolve(FixedResolver::new().name("api.example.com", &[ip(HOME)]));
    let request = HttpRequest {
        method: "POST".into(),
        headers: vec![("X-Own".into(), "v".into())],
        body: b"the body".to_vec(),
        ..get(&url)
    };
    let response = net.ask(&request).unwrap();
    assert_eq!((response.status, response.body.as_slice()), (201, &b"hello"[..]));
    assert!(response.headers.contains(&("x-a".into(), "b".into())));
    let seen = server.seen().join("");
    assert!(seen.starts_with("POST /path?q=1 HTTP/1.1\r\n"), "{seen}");
    assert!(seen.to_lowercase().contains(&format!("host: api.example.com:{}\r\n", server.port())), "{seen}");
    assert!(seen.contains("x-own: v\r\n") && seen.ends_with("\r\n\r\nthe body"), "{seen}");
}

#[test]
fn what_no_grant_covers_is_refused_and_names_the_flag() {
    let server = Server::ok();
    let port = server.port();
    let check = |grant: &str, method: &str, allowed: bool| {
        let request = HttpRequest { method: method.into(), ..get(&format!("http://127.0.0.1:{port}/")) };
        let result = Net::new(&[grant]).ask(&request);
        assert_eq!(result.is_ok(), allowed, "{grant} {method}: {result:?}");
        if let Err(error) = result {
            let flag = format!("--net '[{method}] http://127.0.0.1:{port}'");
            assert!(error.is_denied() && error.to_string().contains(&flag), "{error}");
        }
    };
    check(&format!("http://127.0.0.1:{port}"), "GET", true);
    check(&format!("[GET,HEAD] http://127.0.0.1:{port}"), "GET", true);
    check(&format!("[GET] http://127.0.0.1:{port}"), "POST", false);
    check(&format!("https://127.0.0.1:{port}"), "GET", false);
    check("http://127.0.0.1", "GET", false);
    check(&format!("http://127.0.0.2:{port}"), "GET", false);
    check(&format!("tcp://127.0.0.1:{port}"), "GET", false);
    assert!(is_denied(Net::new(&[]).get(&format!("http://127.0.0.1:{port}/"))));
}

/// Counts what it is asked.
struct Counting(FixedResolver, AtomicUsize);

impl Resolver for Counting {
    fn resolve(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.resolve(name)
    }
}

#[test]
fn a_name_that_is_not_granted_is_never_looked_up() {
    let resolver = Arc::new(Counting(FixedResolver::new(), AtomicUsize::new(0)));
    let mut net = Net::new(&["[GET] https://example.com"]);
    net.resolver = resolver.clone();
    for url in [
        "https://secret.evil.example/",
        "http://example.com/",
        "https://example.com:8443/",
        "https://a.example.com/",
    ] {
        assert!(is_denied(net.get(url)), "{url}");
    }
    assert!(is_denied(net.ask(&HttpRequest { method: "POST".into(), ..get("https://example.com/") })));
    assert_eq!(resolver.1.load(Ordering::SeqCst), 0);
    assert!(matches!(kind(net.get("https://example.com/")), EgressErrorKind::NotFound(_)));
    assert_eq!(resolver.1.load(Ordering::SeqCst), 1);
}

#[test]
fn a_name_that_leads_inside_is_refused_unless_that_address_is_granted() {
    let addresses = [
        "127.0.0.1",
        "169.254.169.254",
        "10.0.0.1",
        "100.64.0.1",
        "192.0.0.192",
        "100.100.100.200",
        "::1",
        "::ffff:127.0.0.1",
        "fd00:ec2::254",
        "fc00::1",
        "fe80::1",
        "64:ff9b::a00:1",
        "0.0.0.0",
        "192.168.0.1",
        "172.16.0.1",
        "224.0.0.1",
        "255.255.255.255",
    ];
    for address in addresses {
        let net = Net::new(&["http://inside.example:*"])
            .resolve(FixedResolver::new().name("inside.example", &[ip(address)]));
        let EgressErrorKind::Address(why) = kind(net.get("http://inside.example:81/")) else {
            panic!("{address}")
        };
        assert!(why.contains("--net '[GET] http://"), "{why}");
        // One such address among public ones is enough.
        let net = Net::new(&["http://inside.example:*"])
            .resolve(FixedResolver::new().name("inside.example", &[ip("8.8.8.8"), ip(address)]));
        assert!(
            matches!(kind(net.get("http://inside.example:81/")), EgressErrorKind::Address(_)),
            "{address}"
        );
    }
    let server = Server::ok();
    let url = format!("http://inside.example:{}/", server.port());
    let resolver = || FixedResolver::new().name("inside.example", &[ip(HOME)]);
    let by_address = format!("http://127.0.0.1:{}", server.port());
    assert!(Net::new(&["http://inside.example:*", &by_address]).resolve(resolver()).get(&url).is_ok());
    // The grant of the address must cover port and method too.
    assert!(
        Net::new(&["http://inside.example:*", "http://127.0.0.1:1"]).resolve(resolver()).get(&url).is_err()
    );
    let posting = format!("[POST] http://127.0.0.1:{}", server.port());
    assert!(Net::new(&["http://inside.example:*", &posting]).resolve(resolver()).get(&url).is_err());
}

#[test]
fn localhost_is_loopback_and_nothing_else() {
    let server = Server::ok();
    let url = format!("http://localhost:{}/", server.port());
    let lead = |to: &str| FixedResolver::new().name("localhost", &[ip(to)]);
    assert!(Net::new(&["http://localhost:*"]).resolve(lead(HOME)).get(&url).is_ok());
    assert!(matches!(
        kind(Net::new(&["http://localhost:*"]).resolve(lead("10.0.0.1")).get(&url)),
        EgressErrorKind::Address(_)
    ));
}

/// Says something public first, and something private ever after.
struct Rebinding(AtomicUsize);

impl Resolver for Rebinding {
    fn resolve(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        let first = self.0.fetch_add(1, Ordering::SeqCst) == 0;
        Ok(vec![if first { ip("198.41.0.4") } else { ip(HOME) }])
    }
}

#[test]
fn a_name_is_looked_up_once_and_the_answer_is_what_is_connected_to() {
    let server = Server::ok();
    let resolver = Arc::new(Rebinding(AtomicUsize::new(0)));
    let mut net =
        Net::new(&["http://rebind.example:*"]).limits(|limits| limits.http_time = Duration::from_millis(300));
    net.resolver = resolver.clone();
    // The public address does not answer here; what matters is that the private one is never asked.
    assert!(net.get(&format!("http://rebind.example:{}/", server.port())).is_err());
    assert_eq!(resolver.0.load(Ordering::SeqCst), 1);
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn spellings_that_parsers_disagree_about_are_malformed() {
    let net = Net::new(&["https://good.example", "https://*.good.example", "http://127.0.0.1:*"]);
    for url in [
        "https://good.example@evil.example/",
        "https://good.example:pw@evil.example/",
        "https://good.example\\@evil/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://[fe80::1%25eth0]/",
        "https://good.example:0/",
        "https://good.example:443:443/",
        "https://good\t.example/",
        "https://gооd.example/",
        "https://good.example/\r\nX: y",
        "https://good.example\u{0}.evil.example/",
        "good.example",
    ] {
        assert!(matches!(kind(net.get(url)), EgressErrorKind::BadRequest(_)), "{url:?}");
    }
    for url in [
        "https://evilgood.example/",
        "https://good.example.evil/",
        "https://evil.example/?https://good.example",
    ] {
        assert!(is_denied(net.get(url)), "{url}");
    }
    // These are good spellings of a granted host; that nobody resolves it here is another matter.
    for url in ["https://GOOD.example./", "https://a.b.good.example/"] {
        assert!(matches!(kind(net.get(url)), EgressErrorKind::NotFound(_)), "{url}");
    }
}

#[test]
fn methods_and_headers_cannot_smuggle_anything() {
    let server = Server::ok();
    let net = Net::new(&["http://127.0.0.1:*"]);
    let url = format!("http://127.0.0.1:{}/", server.port());
    let bad = |request: HttpRequest| {
        let shown = format!("{request:?}");
        assert!(matches!(kind(net.ask(&request)), EgressErrorKind::BadRequest(_)), "{shown}");
    };
    for method in ["", "get", "CONNECT", "TRACE", "GET / HTTP/1.1\r\nX: y\r\n\r\nGET", "G T", "GÉT"] {
        bad(HttpRequest { method: method.into(), ..get(&url) });
    }
    for (name, value) in [
        ("Host", "evil"),
        ("Content-Length", "5"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "close"),
        ("Proxy-Authorization", "x"),
        ("Proxy-X", "x"),
        ("X\r\nY", "z"),
        ("X", "a\r\nY: z"),
        ("X", "a\nb"),
        ("X", "a\0b"),
        ("", "x"),
        ("a b", "x"),
        ("Upgrade", "h2c"),
    ] {
        bad(HttpRequest { headers: vec![(name.into(), value.into())], ..get(&url) });
    }
    let headers = |count: usize| (0..count).map(|n| (format!("x-{n}"), "v".to_owned())).collect::<Vec<_>>();
    bad(HttpRequest { headers: headers(101), ..get(&url) });
    assert!(net.ask(&HttpRequest { headers: headers(100), ..get(&url) }).is_ok());
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_redirect_is_followed_only_where_a_grant_leads() {
    let end = Server::ok();
    let other = end.port();
    let start = Server::new(move |request, stream| {
        let location = match request.split(' ').nth(1).unwrap_or_default() {
            "/granted" => format!("http://127.0.0.1:{other}/x"),
            "/denied" => "http://evil.example/".into(),
            "/metadata" => "http://169.254.169.254/latest/meta-data/".into(),
            "/file" => "file:///etc/passwd".into(),
            "/userinfo" => format!("http://127.0.0.1:{other}@evil.example/"),
            _ => "/granted".into(),
        };
        drop(stream.write_all(redirect(302, &location).as_bytes()));
    });
    let base = format!("http://127.0.0.1:{}", start.port());
    let net = Net::new(&["http://127.0.0.1:*"]);
    let response = net.get(&format!("{base}/granted")).unwrap();
    assert_eq!(
        (response.body.as_slice(), response.url),
        (&b"hello"[..], format!("http://127.0.0.1:{other}/x"))
    );
    assert!(net.get(&format!("{base}/relative")).is_ok());
    assert!(is_denied(net.get(&format!("{base}/denied"))));
    assert!(is_denied(net.get(&format!("{base}/metadata"))));
    assert!(matches!(kind(net.get(&format!("{base}/file"))), EgressErrorKind::Redirect(_)));
    assert!(matches!(kind(net.get(&format!("{base}/userinfo"))), EgressErrorKind::Redirect(_)));
    let narrow = Net::new(&[&base]);
    assert!(is_denied(narrow.get(&format!("{base}/granted"))), "another port is another place");
}

#[test]
fn redirects_end_at_their_limit() {
    let server = Server::new(|request, stream| {
        let left: u32 = request.split(['/', ' ']).nth(2).and_then(|n| n.parse().ok()).unwrap_or(0);
        let answer = if left == 0 { body("end") } else { redirect(302, &format!("/{}", left - 1)) };
        drop(stream.write_all(answer.as_bytes()));
    });
    let net = Net::new(&["http://127.0.0.1:*"]);
    let url = |chain: u32| format!("http://127.0.0.1:{}/{chain}", server.port());
    assert_eq!(net.get(&url(10)).unwrap().body, b"end");
    assert_eq!(limit(net.get(&url(11))), Limit::HttpRedirects);
    assert_eq!(limit(net.get(&url(20))), Limit::HttpRedirects);
}

#[test]
fn credentials_and_bodies_stay_where_they_were_sent() {
    let end = Server::ok();
    let other = format!("http://127.0.0.1:{}/end", end.port());
    let start = Server::new(move |request, stream| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        let answer = match path.trim_start_matches('/').split_once('/') {
            Some((status, "same")) => redirect(status.parse().unwrap(), "/done"),
            Some((status, _)) => redirect(status.parse().unwrap(), &other),
            None => body("done"),
        };
        drop(stream.write_all(answer.as_bytes()));
    });
    let net = Net::new(&["http://127.0.0.1:*"]);
    let ask = |path: &str| {
        net.ask(&HttpRequest {
            method: "POST".into(),
            url: format!("http://127.0.0.1:{}/{path}", start.port()),
            headers: vec![
                ("Authorization".into(), "Bearer secret".into()),
                ("Cookie".into(), "session=secret".into()),
                ("X-Api-Key".into(), "secret".into()),
                ("Accept".into(), "text/plain".into()),
            ],
            body: b"the secret body".to_vec(),
        })
    };
    for status in [301, 302, 303] {
        assert!(ask(&format!("{status}/other")).is_ok());
        let seen = end.seen().last().unwrap().clone();
        assert!(seen.starts_with("GET /end "), "{status}: {seen}");
        assert!(!seen.contains("secret") && seen.contains("accept: text/plain"), "{status}: {seen}");
    }
    for status in [307, 308] {
        assert!(matches!(kind(ask(&format!("{status}/other"))), EgressErrorKind::Redirect(_)), "{status}");
        assert!(ask(&format!("{status}/same")).is_ok());
        let seen = start.seen().last().unwrap().clone();
        assert!(seen.starts_with("POST /done ") && seen.contains("Bearer secret"), "{status}: {seen}");
        assert!(seen.ends_with("the secret body"));
    }
}

#[derive(Default)]
struct Log(Mutex<Vec<AuditEvent>>, bool);

impl AuditSink for Log {
    fn record(&self, event: &AuditEvent) -> Result<(), AuditError> {
        self.0.lock().unwrap().push(event.clone());
        if self.1 { Err(AuditError("full".into())) } else { Ok(()) }
    }
}

#[test]
fn every_hop_is_recorded_before_a_byte_leaves() {
    let server = Server::new(|request, stream| {
        let answer =
            if request.contains("/first") { redirect(302, "http://evil.example/") } else { body("x") };
        drop(stream.write_all(answer.as_bytes()));
    });
    let url = |path: &str| format!("http://127.0.0.1:{}{path}", server.port());
    let net = Net::new(&["http://127.0.0.1:*"]);
    let log = Arc::new(Log::default());
    let mut world = World::builder().egress(net.egress()).audit(Arc::<Log>::clone(&log)).build().unwrap();
    let secret = HttpRequest {
        headers: vec![("Authorization".into(), "sesame".into())],
        ..get(&url("/first?key=sesame"))
    };
    assert!(world.http(&secret).is_err());
    let events = log.0.lock().unwrap().clone();
    let seen: BTreeMap<String, Outcome> =
        events.iter().map(|event| (event.target.clone(), event.outcome)).collect();
    assert_eq!(seen.get(&format!("GET {}?…", url("/first"))), Some(&Outcome::Allowed));
    assert_eq!(seen.get("GET http://evil.example:80/"), Some(&Outcome::Denied));
    assert_eq!(events[0].grant.as_deref(), Some("--net 'http://127.0.0.1:*'"));
    assert!(!format!("{events:?}").contains("sesame"));

    // Looking a name up says it to others, so a log that is full stops that too.
    let asked = Arc::new(Counting(FixedResolver::new().name("a.example", &[ip(HOME)]), AtomicUsize::new(0)));
    let mut named = Net::new(&["http://a.example"]);
    named.resolver = Arc::<Counting>::clone(&asked);
    let full = Arc::new(Log(Mutex::default(), true));
    let mut world = World::builder().egress(named.egress()).audit(full).build().unwrap();
    assert_eq!(kind(world.http(&get("http://a.example/"))), EgressErrorKind::Unrecorded);
    assert_eq!(asked.1.load(Ordering::Relaxed), 0);

    let before = server.seen().len();
    let full = Arc::new(Log(Mutex::default(), true));
    let mut world = World::builder().egress(net.egress()).audit(full).build().unwrap();
    assert_eq!(kind(world.http(&get(&url("/")))), EgressErrorKind::Unrecorded);
    assert_eq!(server.seen().len(), before);
}

#[test]
fn https_is_believed_when_the_certificate_is_and_never_leads_to_http() {
    let plain = Server::ok();
    let (address, root) = tls_server(body("sealed"), true);
    let resolver =
        || FixedResolver::new().name("secure.example", &[ip(HOME)]).name("other.example", &[ip(HOME)]);
    let grants =
        ["https://secure.example:*", "https://other.example:*", "https://127.0.0.1:*", "http://127.0.0.1:*"];
    let net = |roots: Option<Vec<u8>>| {
        let mut net = Net::new(&grants).resolve(resolver());
        net.roots = roots.map(|root| vec![root]);
        net
    };
    let url = |name: &str| format!("https://{name}:{}/", address.port());
    assert_eq!(net(Some(root.clone())).get(&url("secure.example")).unwrap().body, b"sealed");
    assert!(matches!(kind(net(Some(root.clone())).get(&url("other.example"))), EgressErrorKind::Tls(_)));
    assert!(matches!(kind(net(None).get(&url("secure.example"))), EgressErrorKind::Tls(_)));
    let (address, root) = tls_server(redirect(302, &format!("http://127.0.0.1:{}/", plain.port())), true);
    let down = net(Some(root)).get(&format!("https://secure.example:{}/", address.port()));
    assert!(matches!(kind(down), EgressErrorKind::Redirect(why) if why.contains("https to http")));
    assert_eq!(plain.seen().len(), 0);
}

#[test]
fn what_is_no_http_is_an_error() {
    for answer in [
        "",
        "hello\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        "HTTP/1.1 999999 X\r\n\r\n",
    ] {
        let server = Server::says(answer);
        assert!(
            Net::new(&["http://127.0.0.1:*"]).get(&format!("http://127.0.0.1:{}/", server.port())).is_err(),
            "{answer:?}"
        );
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = Net::new(&["http://127.0.0.1:*"]).get(&format!("http://127.0.0.1:{}/", closed.port()));
    assert!(matches!(kind(refused), EgressErrorKind::Connect(_)));
}
