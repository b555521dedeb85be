//! HTTP/1.1 on this machine: accepting, bounds on everything that comes in, answers.
//!
//! Stops: slow and endless requests, too many at once. What a request means is decided by a [`Service`]; who may ask by `admit`.

mod admit;
mod reply;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

pub(crate) use reply::{Bytes, Reply};

/// How many connections there may be at once; more wait.
const CONNECTIONS_MAX: usize = 32;
/// How long the head of a request may take, and its body.
const REQUEST_TIME: Duration = Duration::from_secs(10);

/// What a server does.
pub(crate) trait Service: Send + Sync + 'static {
    /// How many bytes may come with a request to this path.
    fn bytes_max(&self, path: &str) -> usize;
    /// The answer to a request that may be made. The path is what comes after the secret word.
    fn answer(&self, method: Verb, path: &str, body: &[u8]) -> Reply;
}

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
}

/// A server that has its port.
pub(crate) struct Bound {
    listener: std::net::TcpListener,
    address: SocketAddr,
    token: String,
}

impl Bound {
    /// Takes a port of 127.0.0.1; any free one when it is 0.
    pub(crate) fn new(port: u16) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        let token = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { listener, address, token })
    }

    /// Where the page is. Whoever knows it may use it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/{}/", self.address, self.token)
    }

    /// Answers until something is wrong with the socket.
    pub(crate) fn run(self, service: impl Service) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        runtime.block_on(async move {
            let listener = TcpListener::from_std(self.listener)?;
            let rules = Arc::new(admit::Rules::new(self.address, self.token));
            let service = Arc::new(service);
            let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
            loop {
                let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
                let stream = match listener.accept().await {
                    Ok((stream, _)) => stream,
                    // Too many open files, or a peer that is gone already.
                    Err(_) => {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                };
                let (rules, service) = (Arc::clone(&rules), Arc::clone(&service));
                tokio::spawn(async move {
                    let each = service_fn(|request| {
                        let (rules, service) = (Arc::clone(&rules), Arc::clone(&service));
                        async move { Ok::<_, Infallible>(answer(&rules, &*service, request).await) }
                    });
                    let mut http = hyper::server::conn::http1::Builder::new();
                    http.timer(TokioTimer::new()).header_read_timeout(REQUEST_TIME).max_buf_size(32 << 10);
                    // A connection that breaks is the peer's affair.
                    let _ = http.serve_connection(TokioIo::new(stream), each).await;
                    drop(place);
                });
            }
        })
    }
}

async fn answer(rules: &admit::Rules, service: &impl Service, request: Request<Incoming>) -> Response<Bytes> {
    let path = match rules.path(request.method(), request.uri(), request.headers()) {
        Ok(path) => path.to_owned(),
        Err(refused) => return reply::refused(refused).into(),
    };
    let verb = if request.method() == Method::POST { Verb::Post } else { Verb::Get };
    let max = service.bytes_max(&path);
    let body = request.into_body();
    let declared = body.size_hint().lower();
    let too_large = || {
        let message = format!("the body is too large: {max} bytes are allowed here");
        Reply::problem(StatusCode::PAYLOAD_TOO_LARGE, &message)
    };
    if usize::try_from(declared).map_or(true, |declared| declared > max) {
        return too_large().into();
    }
    let body = tokio::time::timeout(REQUEST_TIME, Limited::new(body, max).collect()).await;
    match body {
        Ok(Ok(body)) => service.answer(verb, &path, &body.to_bytes()).into(),
        Ok(Err(_)) => too_large().into(),
        Err(_) => Reply::problem(StatusCode::REQUEST_TIMEOUT, "the body took too long").into(),
    }
}
