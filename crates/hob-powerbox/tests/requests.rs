//! The limits of outbound requests, each at the limit and one past it, with a server of this machine.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use common::{SOON, Setting, says, with, with_text};
use hob_cap::NetGrant;
use hob_powerbox::Limits;
use hob_vat::{Ref, Value, library};

/// What the server was asked for, and what lets it answer.
struct Asked {
    path: String,
    answer: Sender<()>,
}

/// Answers `/N` with a body of N bytes, and what begins with `/wait` when it is let.
fn server() -> (String, Receiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let (told, asked) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let told = told.clone();
            std::thread::spawn(move || serve(stream, &told));
        }
    });
    (at, asked)
}

fn serve(mut stream: TcpStream, told: &Sender<Asked>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let first = lines.next()?.ok()?;
    while !lines.next()?.ok()?.is_empty() {}
    let path = first.split(' ').nth(1)?.to_owned();
    let (answer, let_through) = channel();
    let (waits, length) = (path.starts_with("/wait"), path.trim_start_matches('/').parse().unwrap_or(0));
    told.send(Asked { path, answer }).ok()?;
    if waits {
        let _ = let_through.recv();
    }
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&vec![b'x'; length]).ok()?;
    // Who asked may still be reading when this is dropped.
    stream.shutdown(std::net::Shutdown::Write).ok()?;
    let _ = stream.read(&mut [0]);
    Some(())
}

fn outbound(it: &Setting, at: &str) -> Ref {
    it.powerbox.outbound(&[NetGrant::parse(&format!("http://{at}")).unwrap()]).unwrap()
}

fn get(at: &str, path: &str) -> [Value; 2] {
    with_text("get", &format!("http://{at}/{path}"))
}

#[test]
fn requests_at_once() {
    let it = with(Limits { requests: 2, ..Limits::default() });
    let (at, asked) = server();
    // What one object is asked for is done in its order: these are three.
    let all = ["wait-1", "wait-2", "wait-3"].map(|path| (outbound(&it, &at), get(&at, path)));
    let promises = all.map(|(net, args)| it.vat.run(|turn| turn.send(net, args)).unwrap());
    let two = [asked.recv_timeout(SOON).unwrap(), asked.recv_timeout(SOON).unwrap()];
    let mut paths = [two[0].path.as_str(), two[1].path.as_str()];
    paths.sort_unstable();
    assert_eq!(paths, ["/wait-1", "/wait-2"], "two are made at once");
    // The third waits, and is refused nothing.
    assert!(asked.try_recv().is_err());
    two[0].answer.send(()).unwrap();
    let third = asked.recv_timeout(SOON).unwrap();
    assert_eq!(third.path, "/wait-3");
    two[1].answer.send(()).unwrap();
    third.answer.send(()).unwrap();
    let answers = it.vat.run(|turn| library::all_of(turn, &promises.map(Value::Ref))).unwrap();
    assert_eq!(it.vat.ask(answers, [], SOON).unwrap().as_list().map(<[_]>::len), Some(3));
}

#[test]
fn no_request_at_all() {
    let check = |requests: usize, told: Result<(), &str>| {
        let it = with(Limits { requests, ..Limits::default() });
        let (at, asked) = server();
        let net = outbound(&it, &at);
        // What is no request goes on.
        let here = it.narrow(net, &with_text("only", &at));
        assert!(it.ask(here, &says("methods")).is_ok());
        let request = [Value::symbol("request"), Value::fields([("url", get(&at, "1")[1].clone())])];
        for (to, args) in [(net, get(&at, "1")), (here, get(&at, "1")), (net, request)] {
            assert_eq!(it.ask(to, &args).map(drop), told.map_err(str::to_owned), "{args:?}");
        }
        assert_eq!(asked.try_iter().count(), if told.is_ok() { 3 } else { 0 });
    };
    check(1, Ok(()));
    check(0, Err("limit: requests limit exceeded: 0 allowed"));
}

#[test]
fn bytes_of_a_body() {
    let it = with(Limits { http_body_bytes: 1000, ..Limits::default() });
    let (at, _asked) = server();
    let net = outbound(&it, &at);
    let answer = it.ask(net, &get(&at, "1000")).unwrap();
    let body = answer.as_struct().unwrap().get("body").unwrap().clone();
    assert_eq!(body, Value::bytes(&[b'x'; 1000]));
    let told = it.ask(net, &get(&at, "1001")).unwrap_err();
    assert!(told.starts_with("limit: http-body limit exceeded: 1000"), "{told}");
}

#[test]
fn time_of_a_request() {
    let ask = |http_time: Duration, path: &str| {
        let it = with(Limits { http_time, ..Limits::default() });
        let (at, _asked) = server();
        it.ask(outbound(&it, &at), &get(&at, path)).map(drop)
    };
    assert_eq!(ask(SOON, "1"), Ok(()));
    // Nobody lets it through: only the limit ends it.
    for allowed in [0, 50] {
        let told = ask(Duration::from_millis(allowed), "wait").unwrap_err();
        assert!(told.starts_with(&format!("limit: http-time limit exceeded: {allowed}")), "{told}");
    }
}
