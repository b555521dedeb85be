//! A server to ask, and just enough of HTTP to ask it anything, including what no browser would.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    unreachable_pub,
    dead_code,
    reason = "a test may fail loudly, and uses what it needs"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use hob_serve::machine::{Options, Server};
use serde_json::{Value, json};

/// A door that a guard holds shut, with a timer.
pub const DOOR: &str = r#"{"name": "door", "version": "2.1.0", "initial": "shut", "hasInitial": true, "states": [
    {"name": "shut", "transitions": [
        {"from": "shut", "to": "open", "on": "push", "guards": [{"name": "unlocked"}], "effects": [{"name": "creak"}]}]},
    {"name": "open", "transitions": [
        {"from": "open", "to": "shut", "on": "pull", "assigns": [{"name": "count"}]},
        {"from": "open", "to": "shut", "on": "close", "after": 3000000000}]}]}"#;

/// Another machine.
pub const LAMP: &str = r#"{"name": "lamp", "initial": "dark", "hasInitial": true, "states": [
    {"name": "dark", "transitions": [{"from": "dark", "to": "bright", "on": "press"}]}, {"name": "bright"}]}"#;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Where a server is.
#[derive(Clone, Debug)]
pub struct Place {
    pub address: String,
    pub token: String,
}

impl Place {
    /// Starts a server that lives as long as the test.
    pub fn serve(text: &str) -> Self {
        let options = Options { text: text.into(), context: json!({"tries": {"left": 3}}), port: 0 };
        let server = Server::bind(&options).unwrap();
        let url = server.url();
        std::thread::spawn(move || server.run());
        let (address, token) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        Self { address: address.into(), token: token.trim_end_matches('/').into() }
    }

    pub fn url(&self) -> String {
        format!("http://{}/{}/", self.address, self.token)
    }

    /// As the page does it.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    /// As the page does it.
    pub fn post(&self, path: &str, body: &str) -> Answer {
        let origin = format!("http://{}", self.address);
        self.send("POST", path, &[("Origin", &origin), ("Content-Type", "application/json")], body)
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let path = format!("/{}/{path}", self.token);
        let mut all = vec![("Host", self.address.as_str())];
        all.extend(headers);
        exchange(&self.address, method, &path, &all, body)
    }
}

/// One request on a connection of its own, with these headers and no others.
pub fn exchange(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    raw(address, &format!("{method} {path} HTTP/1.1\r\n{headers}{length}Connection: close\r\n\r\n{body}"))
}

/// Sends text and reads an answer.
pub fn raw(address: &str, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // A server that refuses early need not read everything.
    let _ = stream.write_all(request.as_bytes());
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        if let Some(answer) = whole(&bytes) {
            return answer;
        }
        let count = stream.read(&mut chunk).unwrap();
        assert!(count > 0, "the connection ended within the answer: {}", String::from_utf8_lossy(&bytes));
        bytes.extend(&chunk[..count]);
    }
}

fn whole(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
    let body = bytes.get(end + 4..end + 4 + length)?;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Some(Answer { status, head, body: String::from_utf8(body.to_vec()).unwrap() })
}
