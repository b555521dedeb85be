//! Who may ask: one place that decides, before anything of a request is looked at.
//!
//! Stops, in this order: names of others that point here (DNS rebinding: `Host` is not this server), pages of others in the
//! same browser (`Origin`, `Sec-Fetch-Site`, forms, which cannot send JSON), and other programs of this machine and everyone
//! else who does not know the secret word.

use std::net::SocketAddr;

use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::{Method, Uri};

use super::reply::Refusal;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a request must fulfil.
pub(super) struct Rules {
    hosts: [String; 2],
    token: String,
}

impl Rules {
    pub(super) fn new(address: SocketAddr, token: String) -> Self {
        Self { hosts: [address.to_string(), format!("localhost:{}", address.port())], token }
    }

    /// The path after the secret word. Errors: what the request lacks.
    pub(super) fn path<'r>(
        &self,
        method: &Method,
        uri: &'r Uri,
        headers: &HeaderMap,
    ) -> Result<&'r str, Refusal> {
        let mut named = headers.get_all(HOST).iter();
        let host = named.next().and_then(|host| host.to_str().ok());
        let known = |host: &str| self.hosts.iter().any(|own| own == host);
        if named.next().is_some() || !host.is_some_and(known) || uri.authority().is_some() {
            return Err(Refusal::Host);
        }
        let own_origin = |origin: &str| origin.strip_prefix("http://").is_some_and(known);
        let origin = headers.get(ORIGIN).map(|origin| origin.to_str().is_ok_and(own_origin));
        let site = headers.get(FETCH_SITE).map(|site| matches!(site.as_bytes(), b"same-origin" | b"none"));
        if origin == Some(false) || site == Some(false) {
            return Err(Refusal::Origin);
        }
        if *method == Method::POST {
            if origin.is_none() {
                return Err(Refusal::Origin);
            }
            if headers.get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes() != b"application/json") {
                return Err(Refusal::ContentType);
            }
        } else if *method != Method::GET {
            return Err(Refusal::Method);
        }
        let path = uri.path().strip_prefix('/').unwrap_or_default();
        let (token, rest) = path.split_once('/').ok_or(Refusal::Token)?;
        if same(token.as_bytes(), self.token.as_bytes()) { Ok(rest) } else { Err(Refusal::Token) }
    }
}

/// Whether two words are the same; how long that takes tells only how long they are.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    fn check(method: &str, uri: &str, headers: &[(&str, &str)], expected: Result<&str, Refusal>) {
        let rules = Rules::new("127.0.0.1:8000".parse().unwrap(), "secret".into());
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        let (method, uri): (Method, Uri) = (method.parse().unwrap(), uri.parse().unwrap());
        assert_eq!(rules.path(&method, &uri, &map), expected, "{method} {uri} {headers:?}");
    }

    #[test]
    fn who_may_ask() {
        let host = ("host", "127.0.0.1:8000");
        let own = ("origin", "http://127.0.0.1:8000");
        let json = ("content-type", "application/json");
        check("GET", "/secret/", &[host], Ok(""));
        check("GET", "/secret/state?x", &[("host", "localhost:8000")], Ok("state"));
        check("POST", "/secret/fire", &[host, own, json], Ok("fire"));
        check("GET", "/secret/", &[host, ("sec-fetch-site", "none")], Ok(""));

        check("GET", "/secret/", &[], Err(Refusal::Host));
        check("GET", "/secret/", &[("host", "evil.example:8000")], Err(Refusal::Host));
        check("GET", "/secret/", &[("host", "127.0.0.1")], Err(Refusal::Host));
        check("GET", "/secret/", &[host, ("host", "evil.example")], Err(Refusal::Host));
        check("GET", "http://evil.example/secret/", &[host], Err(Refusal::Host));
        check("GET", "/secret/", &[host, ("origin", "http://evil.example")], Err(Refusal::Origin));
        check("GET", "/secret/", &[host, ("origin", "null")], Err(Refusal::Origin));
        check("GET", "/secret/", &[host, ("sec-fetch-site", "cross-site")], Err(Refusal::Origin));
        check("POST", "/secret/fire", &[host, json], Err(Refusal::Origin));
        check("POST", "/secret/fire", &[host, own], Err(Refusal::ContentType));
        check(
            "POST",
            "/secret/fire",
            &[host, own, ("content-type", "text/plain")],
            Err(Refusal::ContentType),
        );
        check("PUT", "/secret/fire", &[host, own, json], Err(Refusal::Method));
        check("GET", "/secret", &[host], Err(Refusal::Token));
        check("GET", "/", &[host], Err(Refusal::Token));
        check("GET", "/secreT/", &[host], Err(Refusal::Token));
        check("GET", "/secrets/", &[host], Err(Refusal::Token));
        check("GET", "//secret/", &[host], Err(Refusal::Token));
    }
}
