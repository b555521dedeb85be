//! Requests through an actor, to a server of this machine.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use common::{SOON, Setting, says, setting, with_text};
use hob_cap::NetGrant;
use hob_vat::{Ref, Standing, Value};

/// Answers each request with what it asked for. One for `/slow` is told of and never answered.
fn server() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let (told, asked) = channel();
    std::thread::spawn(move || {
        let mut held: Vec<TcpStream> = Vec::new();
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut text = Vec::new();
            let mut byte = [0];
            while !text.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read > 0) {
                text.push(byte[0]);
            }
            let text = String::from_utf8_lossy(&text).into_owned();
            let first = text.lines().next().unwrap_or_default().to_owned();
            let slow = first.contains("/slow");
            if told.send(first.clone()).is_err() {
                return;
            }
            if slow {
                held.push(stream);
                continue;
            }
            let length = text
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            let _ = stream.read_exact(&mut body);
            let answer = format!("{first}|{}", String::from_utf8_lossy(&body));
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nx-a: b\r\nconnection: close\r\n\r\n",
                answer.len()
            );
            let _ = stream.write_all(format!("{head}{answer}").as_bytes());
        }
    });
    (at, asked)
}

fn outbound(it: &Setting, grants: &[String]) -> Ref {
    let grants: Vec<NetGrant> = grants.iter().map(|grant| NetGrant::parse(grant).unwrap()).collect();
    it.powerbox.outbound(&grants).unwrap()
}

fn body(answer: &Value) -> String {
    String::from_utf8_lossy(answer.as_struct().unwrap().get("body").unwrap().as_bytes().unwrap()).into_owned()
}

#[test]
fn requests_are_made_and_narrowed() {
    let it = setting();
    let (at, _asked) = server();
    let net = outbound(&it, &[format!("http://{at}"), "https://*.example.com".into()]);
    let answer = it.ask(net, &with_text("get", &format!("http://{at}/a?b"))).unwrap();
    assert_eq!(body(&answer), "GET /a?b HTTP/1.1|");
    let fields = answer.as_struct().unwrap();
    assert_eq!(fields.get("status"), Some(&200.into()));
    assert!(
        fields.get("headers").unwrap().as_list().unwrap().contains(&Value::list(["x-a".into(), "b".into()]))
    );
    let post = Value::fields([
        ("method", "POST".into()),
        ("url", format!("http://{at}/p").as_str().into()),
        ("headers", Value::fields([("x-c", "d".into())])),
        ("body", "hello".into()),
    ]);
    let answer = it.ask(net, &[Value::symbol("request"), post.clone()]).unwrap();
    assert_eq!(body(&answer), "POST /p HTTP/1.1|hello");
    // Narrowed to one host, to one method, to both.
    let here = it.narrow(net, &with_text("only", &at));
    assert!(it.ask(here, &with_text("get", &format!("http://{at}/"))).is_ok());
    assert_eq!(it.rule(here, &with_text("get", "https://a.example.com/")), "not-permitted");
    let gets = it.narrow(here, &[Value::symbol("only-methods"), Value::list(["get".into()])]);
    assert!(it.ask(gets, &with_text("get", &format!("http://{at}/"))).is_ok());
    assert_eq!(it.rule(gets, &[Value::symbol("request"), post]), "not-permitted");
    // What is wider is refused, and says what there is.
    for (to, args) in [
        (gets, [Value::symbol("only-methods"), Value::list(["POST".into()])]),
        (gets, [Value::symbol("only"), "a.example.com".into()]),
        (net, [Value::symbol("only"), "*.com".into()]),
        (net, [Value::symbol("only"), "example.com".into()]),
        (net, [Value::symbol("only"), "a.example.com:80".into()]),
    ] {
        assert_eq!(it.rule(to, &args), "wider", "{args:?}");
    }
    let told = it.ask(gets, &with_text("only", "a.example.com")).unwrap_err();
    assert!(told.contains(&format!("granted: [GET] http://{at}")), "{told}");
    let below = it.narrow(net, &with_text("only", "*.sub.example.com"));
    assert_eq!(it.rule(below, &with_text("get", "https://a.example.com/")), "not-permitted");
}

#[test]
fn what_is_no_request_is_refused() {
    let it = setting();
    let net = outbound(&it, &["http://127.0.0.1:9".into()]);
    let request =
        |fields: &[(&'static str, Value)]| [Value::symbol("request"), Value::fields(fields.iter().cloned())];
    let url = || ("url", Value::from("http://127.0.0.1:9/"));
    let check = |args: &[Value], want: &str| assert_eq!(it.rule(net, args), want, "{args:?}");
    check(&request(&[]), "bad-arguments");
    check(&request(&[url(), ("fragment", "x".into())]), "bad-arguments");
    check(&request(&[url(), ("headers", 1.into())]), "bad-arguments");
    check(&request(&[url(), ("headers", Value::fields([("host", "x".into())]))]), "bad-arguments");
    check(&request(&[url(), ("body", 1.into())]), "bad-arguments");
    check(&request(&[url(), ("method", "get".into())]), "bad-arguments");
    check(&with_text("get", "nowhere"), "bad-arguments");
    check(&with_text("get", "http://127.0.0.1:9/"), "unreachable");
    check(&with_text("only", "a:b"), "bad-arguments");
    check(&[Value::symbol("only-methods"), Value::list([])], "bad-arguments");
    let tcp = NetGrant::parse("tcp://127.0.0.1:9").unwrap();
    assert_eq!(it.powerbox.outbound(&[tcp]).unwrap_err().rule_name(), Some("not-permitted"));
}

#[test]
fn a_slow_answer_holds_up_nobody_else_and_is_cut_off() {
    let it = setting();
    let (at, asked) = server();
    let net = outbound(&it, &[format!("http://{at}")]);
    let other = it.narrow(net, &with_text("only", &at));
    let slow = it.vat.run(|turn| turn.send(net, with_text("get", &format!("http://{at}/slow")))).unwrap();
    assert!(asked.recv_timeout(SOON).unwrap().contains("/slow"));
    assert!(it.ask(other, &with_text("get", &format!("http://{at}/quick"))).is_ok());
    let clock = it.powerbox.clock(hob_cap::ClockGrant::Real).unwrap();
    assert!(it.ask(clock, &says("now")).is_ok());
    assert!(it.powerbox.revoke(net));
    assert!(it.peer.settle(SOON));
    match it.vat.peek(|turn| turn.standing(slow)).unwrap() {
        Standing::Broken(Value::Error(error)) => assert_eq!(error.rule, "revoked"),
        other => panic!("{other:?}"),
    }
    assert_eq!(it.rule(other, &says("methods")), "revoked");
}
