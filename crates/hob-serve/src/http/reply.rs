//! Answers, all with the headers that keep a page to itself.

use http_body_util::Full;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

/// The body of an answer.
pub(crate) type Bytes = Full<hyper::body::Bytes>;

/// A page may load what this server has and nothing else, be framed by nobody, and send nothing elsewhere.
const HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
];

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    kind: &'static str,
    body: Vec<u8>,
}

impl Reply {
    /// A part of a page.
    pub(crate) fn page(kind: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: StatusCode::OK, kind, body: body.into() }
    }

    /// A value.
    pub(crate) fn json(status: StatusCode, value: &Value) -> Self {
        Self { status, kind: "application/json", body: value.to_string().into_bytes() }
    }

    /// What is wrong.
    pub(crate) fn problem(status: StatusCode, message: &str) -> Self {
        Self::json(status, &json!({"error": message}))
    }
}

impl From<Reply> for Response<Bytes> {
    fn from(reply: Reply) -> Self {
        let mut response = Self::new(Bytes::from(reply.body));
        *response.status_mut() = reply.status;
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static(reply.kind));
        for (name, value) in HEADERS {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        response
    }
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is for another server.
    Host,
    /// It comes from another page.
    Origin,
    /// It does not say that it is JSON.
    ContentType,
    /// It is neither GET nor POST.
    Method,
    /// It does not know the secret word, or asks for nothing that there is.
    Token,
}

pub(super) fn refused(why: Refusal) -> Reply {
    let (status, message) = match why {
        Refusal::Host => (
            StatusCode::MISDIRECTED_REQUEST,
            "the Host header names another server; open the address that was printed",
        ),
        Refusal::Origin => (StatusCode::FORBIDDEN, "only the page of this server may ask"),
        Refusal::ContentType => {
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "the Content-Type must be application/json")
        }
        Refusal::Method => (StatusCode::METHOD_NOT_ALLOWED, "GET and POST are answered"),
        Refusal::Token => {
            (StatusCode::NOT_FOUND, "there is nothing here; open the address that was printed, all of it")
        }
    };
    Reply::problem(status, message)
}
