//! What a test grants, how names resolve for it, and how an answer is looked at.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hob_cap::{Limit, Limits, NetGrant};
use hob_os::World;
use hob_os::egress::{
    Egress, EgressError, EgressErrorKind, FixedResolver, HttpRequest, HttpResponse, Resolver,
};

/// How much later than it should an end may be noticed on a busy machine.
pub(crate) const OVERSHOOT: Duration = Duration::from_secs(2);

/// What a test grants, and how names resolve for it.
pub(crate) struct Net {
    pub(crate) grants: Vec<NetGrant>,
    pub(crate) limits: Limits,
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) roots: Option<Vec<Vec<u8>>>,
}

impl Net {
    pub(crate) fn new(grants: &[&str]) -> Self {
        let grants = grants.iter().map(|grant| NetGrant::parse(grant).unwrap()).collect();
        Self { grants, limits: Limits::default(), resolver: Arc::new(FixedResolver::new()), roots: None }
    }

    pub(crate) fn resolve(mut self, resolver: impl Resolver) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    pub(crate) fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    pub(crate) fn egress(&self) -> Egress {
        let egress = Egress::new(self.grants.clone(), &self.limits).resolver(Arc::clone(&self.resolver));
        match &self.roots {
            Some(roots) => egress.roots(roots.clone()),
            None => egress,
        }
    }

    pub(crate) fn ask(&self, request: &HttpRequest) -> Result<HttpResponse, EgressError> {
        World::builder().egress(self.egress()).build().unwrap().http(request)
    }

    pub(crate) fn get(&self, url: &str) -> Result<HttpResponse, EgressError> {
        self.ask(&get(url))
    }
}

pub(crate) fn get(url: &str) -> HttpRequest {
    HttpRequest { method: "GET".into(), url: url.into(), ..HttpRequest::default() }
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) const HOME: &str = "127.0.0.1";

pub(crate) fn kind(result: Result<HttpResponse, EgressError>) -> EgressErrorKind {
    result.expect_err("it should fail").kind().clone()
}

pub(crate) fn is_denied(result: Result<HttpResponse, EgressError>) -> bool {
    matches!(kind(result), EgressErrorKind::Denied(_))
}

pub(crate) fn limit(result: Result<HttpResponse, EgressError>) -> Limit {
    match kind(result) {
        EgressErrorKind::Limit(exceeded) => exceeded.limit,
        other => panic!("{other:?}"),
    }
}
