//! Outbound requests of a plugin: Samuel's `net_outbound`, which names only a host, and hob's own `http`, which says the
//! whole of a request and hands over the whole of a response.
//!
//! | function | type | answer |
//! |---|---|---|
//! | `samuel.net_outbound` | `(host, body: ptr len) -> i32` | 0 sent and answered below 400, 1 failed, 2 denied |
//! | `hob.http` | `(request: ptr len) -> i64` | `length << 32 | pointer` of the response as JSON, or 0 when there is no room |
//!
//! `net_outbound` sends the body with POST, or nothing with GET, to `/` of the host, with the scheme and port under which
//! the host is granted. A request of `http` is `{"method", "url", "headers": [[name, value]], "body" | "body_base64"}`; its
//! response `{"status", "url", "headers", "body" | "body_base64"}`, or `{"error": {"kind", "message"}}`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hob_cap::{Policy, Scheme};
use hob_engine::{Ctx, Fault, HostTable, Reach};
use hob_os::egress::{EgressError, EgressErrorKind, HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Value, json};

use super::host::{DENIED, DONE, FAILED, HasDesk, MODULE, hand_over};
use super::text;

/// The module name of hob's own functions.
pub const HOB_MODULE: &str = "hob";

/// The longest request of `http`, in bytes.
const REQUEST_BYTES_MAX: u32 = 4 << 20;

/// Adds the functions, if anything is granted that they could reach.
pub(super) fn add_to<T: HasDesk>(table: &mut HostTable<T>, policy: &Policy) {
    let granted = policy.net.iter().filter(|grant| matches!(grant.scheme, Scheme::Http | Scheme::Https));
    let granted: Vec<String> = granted.map(ToString::to_string).collect();
    if granted.is_empty() {
        return;
    }
    let reach = Reach::Granted(granted.join(", "));
    table.func(MODULE, "net_outbound", reach.clone(), net_outbound::<T>);
    table.func(HOB_MODULE, "http", reach, http::<T>);
}

fn net_outbound<T: HasDesk>(
    ctx: &mut Ctx<'_, T>,
    at: u32,
    len: u32,
    body_at: u32,
    body_len: u32,
) -> Result<i32, Fault> {
    let (mut memory, data) = ctx.split()?;
    let host = text::name(&mut memory, at, len).and_then(|host| String::from_utf8(host).ok());
    // A host is a name or an address: no port, no path, no user, nothing that could be read as one.
    let plain = |host: &String| !host.is_empty() && !host.contains(['/', '@', '\\', '?', '#']);
    let Some(host) = host.filter(plain) else { return Ok(DENIED) };
    let Ok(body) = memory.bytes(body_at, body_len) else { return Ok(FAILED) };
    let Some((scheme, port)) = data.world().egress().origin_of(&host) else { return Ok(DENIED) };
    let request = HttpRequest {
        method: if body.is_empty() { "GET" } else { "POST" }.into(),
        url: format!("{scheme}://{host}:{port}/"),
        headers: Vec::new(),
        body: body.to_vec(),
    };
    match data.world().http(&request) {
        Ok(response) if response.status < 400 => Ok(DONE),
        Ok(_) => Ok(FAILED),
        Err(error) => {
            stopped(&error)?;
            Ok(if error.is_denied() { DENIED } else { FAILED })
        }
    }
}

fn http<T: HasDesk>(ctx: &mut Ctx<'_, T>, at: u32, len: u32) -> Result<i64, Fault> {
    let (mut memory, data) = ctx.split()?;
    let answer = match memory.bytes(at, len.min(REQUEST_BYTES_MAX)) {
        Err(wrong) => failure("bad-request", &wrong.to_string()),
        Ok(_) if len > REQUEST_BYTES_MAX => failure("bad-request", "the request is larger than 4 MiB"),
        Ok(bytes) => match read(bytes) {
            Err(why) => failure("bad-request", &why),
            Ok(request) => match data.world().http(&request) {
                Ok(response) => write(&response),
                Err(error) => {
                    stopped(&error)?;
                    failure(kind(&error), &error.to_string())
                }
            },
        },
    };
    hand_over(ctx, answer.to_string().as_bytes())
}

/// Ends a guest that was stopped while it waited.
fn stopped(error: &EgressError) -> Result<(), Fault> {
    match error.kind() {
        EgressErrorKind::Stopped(reason) => Err((*reason).into()),
        EgressErrorKind::Unrecorded => Err(Fault::host(error.to_string())),
        _ => Ok(()),
    }
}

fn kind(error: &EgressError) -> &'static str {
    match error.kind() {
        EgressErrorKind::Denied(_) | EgressErrorKind::Address(_) => "denied",
        EgressErrorKind::BadRequest(_) => "bad-request",
        EgressErrorKind::NotFound(_) => "not-found",
        EgressErrorKind::Connect(_) => "connect",
        EgressErrorKind::Tls(_) => "tls",
        EgressErrorKind::Redirect(_) => "redirect",
        EgressErrorKind::Limit(_) => "limit",
        _ => "protocol",
    }
}

fn failure(kind: &str, message: &str) -> Value {
    json!({"error": {"kind": kind, "message": message}})
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default = "get")]
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: Option<String>,
    body_base64: Option<String>,
}

fn get() -> String {
    "GET".into()
}

fn read(bytes: &[u8]) -> Result<HttpRequest, String> {
    let asked: Asked =
        serde_json::from_slice(bytes).map_err(|error| hob_cap::escape_guest_text(&error.to_string(), 200))?;
    let body = match (asked.body, asked.body_base64) {
        (Some(_), Some(_)) => return Err("a request has one body".into()),
        (Some(text), None) => text.into_bytes(),
        (None, Some(text)) => STANDARD.decode(text).map_err(|_| "body_base64 is not base64".to_owned())?,
        (None, None) => Vec::new(),
    };
    Ok(HttpRequest { method: asked.method, url: asked.url, headers: asked.headers, body })
}

fn write(response: &HttpResponse) -> Value {
    let (key, body) = match std::str::from_utf8(&response.body) {
        Ok(text) => ("body", text.to_owned()),
        Err(_) => ("body_base64", STANDARD.encode(&response.body)),
    };
    json!({"status": response.status, "url": response.url, "headers": response.headers, key: body})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_strictly() {
        let check = |text: &str, fits| assert_eq!(read(text.as_bytes()).is_ok(), fits, "{text}");
        check(r#"{"url":"https://x"}"#, true);
        check(r#"{"method":"POST","url":"https://x","headers":[["a","b"]],"body":"c"}"#, true);
        check(r#"{"url":"https://x","body_base64":"AAE="}"#, true);
        check(r#"{"url":"https://x","body_base64":"A"}"#, false);
        check(r#"{"url":"https://x","body":"a","body_base64":"AAE="}"#, false);
        check(r#"{"url":"https://x","proxy":"y"}"#, false);
        check(r#"{"method":"GET"}"#, false);
        check("[]", false);
    }
}
