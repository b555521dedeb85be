//! Hosts of the network as an actor. What may be reached is decided by `hob_os::egress` and nowhere else; what is narrowed has a world
//! of its own with fewer grants in it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use hob_cap::{HostPattern, NetGrant, Scheme, StopReason, StopToken};
use hob_os::World;
use hob_os::egress::{Egress, EgressError, EgressErrorKind, HttpRequest, HttpResponse, Resolver};
use hob_vat::{Problem, Struct, Value};

use crate::answer::{exceeded, shown, stopped};
use crate::clock::stopped_by;
use crate::desk::{Desk, wrong};
use crate::lanes::{Class, LaneId};
use crate::limits;
use crate::object::{Ask, Done, Reply, Thing, data};

/// How names are resolved and whom servers are trusted by, for all that is outbound.
#[derive(Clone, Default)]
pub(crate) struct Network {
    pub(crate) resolver: Option<Arc<dyn Resolver>>,
    pub(crate) roots: Option<Vec<Vec<u8>>>,
}

pub(crate) struct Outbound {
    grants: Vec<NetGrant>,
    world: Mutex<World>,
    stop: StopToken,
    lane: LaneId,
    /// Whether a request is made at all. Where the limit is 0 what was given can still be narrowed.
    may_ask: bool,
}

const METHODS: &[&str] = &[
    "request {url method headers body}",
    "get URL",
    "only HOST[:PORT]",
    "only-methods [METHOD …]",
    "methods",
    "end",
];

impl Outbound {
    pub(crate) fn new(desk: &Desk, grants: Vec<NetGrant>) -> Result<Self, Problem> {
        if let Some(grant) = grants.iter().find(|grant| matches!(grant.scheme, Scheme::Tcp | Scheme::Udp)) {
            let message = format!("`{grant}` is a connection; requests are made by http and https");
            return Err(Problem::rule("not-permitted", message));
        }
        let mut egress = Egress::new(grants.clone(), &desk.limits.ledger());
        if let Some(resolver) = &desk.network.resolver {
            egress = egress.resolver(Arc::clone(resolver));
        }
        if let Some(roots) = &desk.network.roots {
            egress = egress.roots(roots.clone());
        }
        let stop = StopToken::never();
        let world = stopped_by(desk, &stop, |world| world.egress(egress))?;
        let may_ask = desk.limits.requests > 0;
        Ok(Self { grants, world: Mutex::new(world), stop, lane: desk.lane(), may_ask })
    }

    fn ask(&self, request: &HttpRequest) -> Done {
        if !self.may_ask {
            return Err(limits::exceeded("requests", 0));
        }
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.http(request).map(|response| answer(&response).into()).map_err(|error| refused(&error))
    }

    fn granted(&self) -> String {
        let all: Vec<String> = self.grants.iter().map(ToString::to_string).collect();
        if all.is_empty() { "nothing".into() } else { all.join(", ") }
    }

    fn wider(&self, what: &str) -> Problem {
        let message = format!("{what} is more than there is to narrow; granted: {}", self.granted());
        Problem::rule("wider", message)
    }

    /// What of the grants is about one host, or one port of it.
    fn only(&self, text: &str) -> Result<Vec<NetGrant>, Problem> {
        let bad =
            |why: &str| Problem::rule("bad-arguments", format!("`{}` is no HOST[:PORT]: {why}", shown(text)));
        let (host, port) = match text.rsplit_once(':') {
            // The colons of an IPv6 address are inside of its brackets.
            Some((host, port)) if !port.contains(']') => {
                let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
                let port: Option<u16> = port.parse().ok().filter(|port| digits && *port > 0);
                (host, Some(port.ok_or_else(|| bad("a port is 1 to 65535"))?))
            }
            _ => (text, None),
        };
        let host = HostPattern::parse(host).map_err(|why| bad(&why))?;
        let asked = |grant: &NetGrant| NetGrant {
            scheme: grant.scheme,
            host: host.clone(),
            port: port.or(grant.port),
            methods: grant.methods.clone(),
        };
        let covered = self.grants.iter().filter(|grant| grant.covers(&asked(grant)));
        let narrow: Vec<NetGrant> = covered.filter_map(|grant| grant.meet(&asked(grant))).collect();
        if narrow.is_empty() { Err(self.wider(&format!("`{}`", shown(text)))) } else { Ok(narrow) }
    }

    /// What of the grants is about these methods.
    fn only_methods(&self, methods: &[Value]) -> Result<Vec<NetGrant>, Problem> {
        let names = methods.iter().map(|method| method.as_name().map(str::to_ascii_uppercase));
        let asked: Option<BTreeSet<String>> = names.collect();
        let word = |name: &String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase());
        let asked = asked.filter(|asked| !asked.is_empty() && asked.iter().all(word)).ok_or_else(|| {
            Problem::rule("bad-arguments", "only-methods takes a list of methods such as GET".into())
        })?;
        let has = |name: &String| {
            self.grants.iter().any(|grant| grant.methods.is_empty() || grant.methods.contains(name))
        };
        if let Some(name) = asked.iter().find(|name| !has(name)) {
            return Err(self.wider(name));
        }
        let narrow = self
            .grants
            .iter()
            .filter_map(|grant| grant.meet(&NetGrant { methods: asked.clone(), ..grant.clone() }));
        Ok(narrow.collect())
    }
}

impl Thing for Outbound {
    fn methods(&self) -> &'static [&'static str] {
        METHODS
    }

    fn lane(&self) -> (LaneId, Class) {
        (self.lane, Class::Request)
    }

    fn call(&self, ask: &Ask, method: &str, args: &[Value]) -> Done {
        let narrowed = |grants| Ok(Reply::Narrowed(Arc::new(Self::new(&ask.desk, grants)?)));
        match (method, args) {
            ("request", [Value::Struct(fields)]) => self.ask(&request(fields)?),
            ("get", [Value::Str(url)]) => self.ask(&HttpRequest {
                method: "GET".into(),
                url: url.to_string(),
                ..HttpRequest::default()
            }),
            ("only", [Value::Str(host)]) => narrowed(self.only(host)?),
            ("only-methods", [Value::List(methods)]) => narrowed(self.only_methods(methods)?),
            _ => Err(wrong()),
        }
    }

    fn end(&self) {
        self.stop.stop(StopReason::Killed);
    }
}

/// A request as an actor writes it.
fn request(fields: &Struct) -> Result<HttpRequest, Problem> {
    let bad = |why: String| Problem::rule("bad-arguments", why);
    let mut made = HttpRequest { method: "GET".into(), ..HttpRequest::default() };
    for (name, value) in fields.iter() {
        let text = || value.as_name().map(str::to_owned).ok_or_else(|| bad(format!("{name} is text")));
        match name.as_str() {
            "url" => made.url = text()?,
            "method" => made.method = text()?,
            "body" => made.body = data(value, "body")?.to_vec(),
            "headers" => made.headers = headers(value)?,
            other => return Err(bad(format!("{} is none of url, method, headers, body", shown(other)))),
        }
    }
    if made.url.is_empty() { Err(bad("the url is missing".into())) } else { Ok(made) }
}

/// Headers: a struct of text, or a list of `[name value]` where order or repetition matters.
fn headers(value: &Value) -> Result<Vec<(String, String)>, Problem> {
    let bad = || Problem::rule("bad-arguments", "headers are {name: text} or [[name text] …]".into());
    let pair = |name: &str, value: &Value| Ok((name.to_owned(), value.as_str().ok_or_else(bad)?.to_owned()));
    match value {
        Value::Struct(fields) => fields.iter().map(|(name, value)| pair(name, value)).collect(),
        Value::List(items) => {
            let each = items.iter().map(|item| match item.as_list() {
                Some([name, value]) => pair(name.as_str().ok_or_else(bad)?, value),
                _ => Err(bad()),
            });
            each.collect()
        }
        _ => Err(bad()),
    }
}

fn answer(response: &HttpResponse) -> Value {
    let headers = response.headers.iter();
    let headers = headers.map(|(name, value)| Value::list([name.as_str().into(), value.as_str().into()]));
    Value::fields([
        ("status", u32::from(response.status).into()),
        ("url", response.url.as_str().into()),
        ("headers", Value::list(headers)),
        ("body", Value::bytes(&response.body)),
    ])
}

fn refused(error: &EgressError) -> Problem {
    let rule = match error.kind() {
        EgressErrorKind::Denied(_) | EgressErrorKind::Address(_) => "not-permitted",
        EgressErrorKind::BadRequest(_) => "bad-arguments",
        EgressErrorKind::NotFound(_) => "not-found",
        EgressErrorKind::Connect(_) | EgressErrorKind::Os(_) => "unreachable",
        EgressErrorKind::Tls(_) => "untrusted",
        EgressErrorKind::Protocol(_) => "protocol",
        EgressErrorKind::Redirect(_) => "redirect",
        EgressErrorKind::Limit(limit) => return exceeded(limit),
        EgressErrorKind::Stopped(reason) => return stopped(*reason),
        _ => "failed",
    };
    Problem::rule(rule, error.to_string())
}
