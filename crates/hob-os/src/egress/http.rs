//! HTTP requests of a guest, redirects and all.

use std::io::Read;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Instant;

use hob_cap::{Limit, LimitExceeded, Scheme};
use ureq::http::{self, HeaderName, HeaderValue, StatusCode};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::transport::{Connector, RustlsConnector};

use super::Egress;
use super::admit::Admitted;
use super::error::{EgressError, EgressErrorKind, bad};
use super::record::{Shown, recorded};
use super::target::Target;
use super::transport::{Dial, Ended, Whole, check};
use crate::wait::{Waiter, Watch};
use crate::{OsError, World};

/// Bytes that may come in besides body and headers: what TLS and chunks add, and the handshake.
const WRAPPING_BYTES: u64 = 256 << 10;

/// Headers one request may have.
const HEADERS_MAX: usize = 100;

/// Headers that are ours to set, or that speak to the next machine only.
const REFUSED: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers that stay behind when a redirect leads elsewhere: what they hold was meant for the first place. Anything a guest
/// named itself may be a credential, so only these few go on.
const CARRIED: [&str; 4] = ["accept", "accept-language", "content-type", "user-agent"];

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method, in capitals.
    pub method: String,
    /// Where to: `http://…` or `https://…`.
    pub url: String,
    /// Headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Where it came from, after redirects.
    pub url: String,
    /// Headers, in order; values that are no text are left out.
    pub headers: Vec<(String, String)>,
    /// The body, unpacked.
    pub body: Vec<u8>,
}

/// One request of a chain of redirects.
struct Hop {
    method: String,
    target: Target,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Vec<u8>,
}

impl World {
    /// Makes a request, if a grant covers it, and follows redirects, each of them if a grant covers it.
    ///
    /// # Errors
    ///
    /// [`EgressError`] says why it was not made, or not answered.
    pub fn http(&mut self, request: &HttpRequest) -> std::result::Result<HttpResponse, EgressError> {
        check(&self.waiter)?;
        let egress = self.egress.clone();
        let mut hop = Hop::first(request, &egress)?;
        let until = Instant::now() + egress.limits.http_time;
        let mut followed = 0;
        loop {
            let response = self.one(&egress, &hop, until)?;
            let Some(location) = redirect(&response) else { return Ok(response) };
            followed += 1;
            if followed > egress.limits.http_redirects {
                return Err(exceeded(Limit::HttpRedirects, egress.limits.http_redirects).into());
            }
            hop = hop.next(&response, &location)?;
        }
    }

    /// What this guest may reach over the network.
    #[must_use]
    pub fn egress(&self) -> &Egress {
        &self.egress
    }

    /// One request, recorded before a byte of it leaves.
    fn one(
        &mut self,
        egress: &Egress,
        hop: &Hop,
        until: Instant,
    ) -> std::result::Result<HttpResponse, EgressError> {
        let shown = Shown(format!("{} {}", hop.method, hop.target.shown()));
        let grant = egress.grant(&hop.target, &hop.method).map(|grant| format!("--net '{grant}'")).ok();
        let waiter = Arc::clone(&self.waiter);
        let response = recorded(&self.audit, "http", &shown, grant.as_deref(), |note| {
            // Asking for the address of a name says that name to others, so it is recorded before.
            egress.grant(&hop.target, &hop.method)?;
            note.allowed()?;
            let mut pause =
                |bell: BorrowedFd<'_>| waiter.wait(&mut [Watch::readable(bell)], Some(until)).map(drop);
            let addresses = egress.admit(&hop.target, &hop.method, &mut pause)?;
            hop.send(egress, addresses, Arc::clone(&waiter), until)
        })?;
        // What is held for the guest counts while it is held; it is handed over and let go at once.
        let held = u64::try_from(response.body.len()).unwrap_or(u64::MAX);
        self.ledger.charge(Limit::HostBuffer, held)?;
        self.ledger.release(Limit::HostBuffer, held);
        Ok(response)
    }
}

impl Hop {
    fn first(request: &HttpRequest, egress: &Egress) -> std::result::Result<Self, EgressError> {
        let method = &request.method;
        let plain = (1..=20).contains(&method.len()) && method.bytes().all(|byte| byte.is_ascii_uppercase());
        if !plain || matches!(method.as_str(), "CONNECT" | "TRACE") {
            return Err(bad("a method is capitals such as GET or POST, and neither CONNECT nor TRACE"));
        }
        let target = Target::parse(&request.url)?;
        let bytes: usize = request.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        if request.headers.len() > HEADERS_MAX {
            return Err(bad(format!("a request has at most {HEADERS_MAX} headers")));
        }
        let max = egress.limits.http_header_bytes;
        if u64::try_from(bytes).is_ok_and(|bytes| bytes > max) {
            return Err(exceeded(Limit::HttpHeaders, max).into());
        }
        let mut headers = Vec::new();
        for (name, value) in &request.headers {
            let shown = hob_cap::escape_guest_text(name, 60);
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| bad(format!("`{shown}` is no name of a header")))?;
            if REFUSED.contains(&name.as_str()) || name.as_str().starts_with("proxy-") {
                return Err(bad(format!("the header `{shown}` is not a guest's to set")));
            }
            let text =
                value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte) || byte >= 0x80);
            let value = HeaderValue::from_bytes(value.as_bytes()).ok().filter(|_| text);
            headers.push((
                name,
                value.ok_or_else(|| bad(format!("the value of `{shown}` is no text of one line")))?,
            ));
        }
        Ok(Self { method: method.clone(), target, headers, body: request.body.clone() })
    }

    /// The request a redirect asks for. Source: RFC 9110, section 15.4, and what browsers do.
    fn next(mut self, response: &HttpResponse, location: &str) -> std::result::Result<Self, EgressError> {
        let no = |why: String| EgressError::new(EgressErrorKind::Redirect(why));
        let target = self.target.join(location).map_err(|error| no(error.to_string()))?;
        if self.target.scheme == Scheme::Https && target.scheme == Scheme::Http {
            return Err(no(format!("it leads from https to http, at {}", target.shown())));
        }
        let elsewhere = !self.target.same_origin(&target);
        let becomes_get =
            response.status == 303 || (matches!(response.status, 301 | 302) && self.method == "POST");
        if becomes_get && self.method != "HEAD" {
            self.method = "GET".into();
            self.body.clear();
            self.headers.retain(|(name, _)| name != "content-type");
        } else if elsewhere && !self.body.is_empty() {
            return Err(no(format!("it would carry the body of the request to {}", target.shown())));
        }
        if elsewhere {
            self.headers.retain(|(name, _)| CARRIED.contains(&name.as_str()));
        }
        self.target = target;
        Ok(self)
    }

    fn send(
        &self,
        egress: &Egress,
        addresses: Vec<Admitted>,
        waiter: Arc<Waiter>,
        until: Instant,
    ) -> std::result::Result<HttpResponse, EgressError> {
        let limits = &egress.limits;
        let header_max = usize::try_from(limits.http_header_bytes).unwrap_or(usize::MAX);
        let incoming =
            limits.http_body_bytes.saturating_add(limits.http_header_bytes).saturating_add(WRAPPING_BYTES);
        let dial = Dial::new(addresses, waiter, until, incoming, header_max);
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .allow_non_standard_methods(true)
            .max_response_header_size(header_max)
            .user_agent("hob")
            .tls_config(tls(egress))
            .build();
        let connector = dial.clone().chain(RustlsConnector::default()).chain(Whole(dial.clone()));
        let agent = ureq::Agent::with_parts(config, connector, dial.clone());
        let mut request = http::Request::builder().method(self.method.as_str()).uri(self.target.url());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let wrong = |error: http::Error| bad(error.to_string());
        let answered = if self.body.is_empty() && !matches!(self.method.as_str(), "POST" | "PUT" | "PATCH") {
            agent.run(request.body(()).map_err(wrong)?)
        } else {
            agent.run(request.body(self.body.as_slice()).map_err(wrong)?)
        };
        let failed = |error: ureq::Error| explain(error, &dial, egress);
        let mut answered = answered.map_err(failed)?;
        let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
        let headers =
            answered.headers().iter().filter_map(|(name, value)| Some((name.to_string(), text(value)?)));
        let headers: Vec<(String, String)> = headers.collect();
        let mut body = Vec::new();
        let reader = answered.body_mut().as_reader();
        let read = reader.take(limits.http_body_bytes.saturating_add(1)).read_to_end(&mut body);
        read.map_err(|error| explain(error.into(), &dial, egress))?;
        if u64::try_from(body.len()).is_ok_and(|len| len > limits.http_body_bytes) {
            return Err(exceeded(Limit::HttpBody, limits.http_body_bytes).into());
        }
        Ok(HttpResponse { status: answered.status().as_u16(), url: self.target.url(), headers, body })
    }
}

fn tls(egress: &Egress) -> TlsConfig {
    let builder = TlsConfig::builder();
    match &egress.roots {
        None => builder.build(),
        Some(roots) => {
            let roots: Vec<Certificate<'static>> =
                roots.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
            builder.root_certs(RootCerts::new_with_certs(&roots)).build()
        }
    }
}

/// Where a response sends the client on to.
fn redirect(response: &HttpResponse) -> Option<String> {
    let status = StatusCode::from_u16(response.status).ok()?;
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308).then_some(())?;
    response.headers.iter().find(|(name, _)| name == "location").map(|(_, value)| value.clone())
}

fn exceeded(limit: Limit, allowed: u64) -> LimitExceeded {
    LimitExceeded { limit, allowed, used: allowed, asked: 1 }
}

/// What a failure of the client comes to.
fn explain(error: ureq::Error, dial: &Dial, egress: &Egress) -> EgressError {
    let limits = &egress.limits;
    match dial.ended() {
        Some(Ended::Os(OsError::Stopped(reason))) => {
            return EgressError::new(EgressErrorKind::Stopped(reason));
        }
        Some(Ended::Os(error)) => return error.into(),
        Some(Ended::Time) => {
            let allowed = u64::try_from(limits.http_time.as_millis()).unwrap_or(u64::MAX);
            return exceeded(Limit::HttpTime, allowed).into();
        }
        Some(Ended::Cut) => {
            return EgressError::new(EgressErrorKind::Protocol(
                "the connection was cut before its end".into(),
            ));
        }
        Some(Ended::Own(address)) => {
            let why = format!("{address} is this machine; a --net that names the address would allow it");
            return EgressError::new(EgressErrorKind::Address(why));
        }
        Some(Ended::TooMuch) => return exceeded(Limit::HttpBody, limits.http_body_bytes).into(),
        None => {}
    }
    let text = |error: &dyn std::fmt::Display| hob_cap::escape_guest_text(&error.to_string(), 200);
    EgressError::new(match &error {
        ureq::Error::Rustls(inner) => EgressErrorKind::Tls(text(inner)),
        ureq::Error::Tls(inner) => EgressErrorKind::Tls(text(inner)),
        ureq::Error::LargeResponseHeader(..) => {
            return exceeded(Limit::HttpHeaders, limits.http_header_bytes).into();
        }
        ureq::Error::Io(inner) if inner.to_string().contains("certificate") => {
            EgressErrorKind::Tls(text(inner))
        }
        ureq::Error::Io(inner) if inner.kind() == std::io::ErrorKind::InvalidData => {
            EgressErrorKind::Protocol(text(inner))
        }
        ureq::Error::Io(inner) => EgressErrorKind::Connect(text(inner)),
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => EgressErrorKind::Connect(text(&error)),
        _ => EgressErrorKind::Protocol(text(&error)),
    })
}
