//! One client: who may ask what of whom, in which order.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::Arc;

use hob::Shell;

use crate::bare::Malformed;
use crate::frame;
use crate::out::Out;
use crate::protocol::{
    Authenticate, Authenticated, BRIDGE_VERSION, Changed, Connection, CreateVm, DisposeVm, Event, Header,
    InVm, Incoming, Lifecycle, NAME, OneVm, Ownership, Request, Response, SessionOpened, TO_HOST, VERSION,
    name,
};
use crate::refusal::Refusal;
use crate::vm::Vm;

/// Connections, sessions and machines of one client.
const CONNECTIONS_MAX: usize = 16;
const SESSIONS_MAX: usize = 64;
const VMS_MAX: usize = 64;

/// Where programs begin when nobody says otherwise.
const HOME: &str = "/home/user";

/// What of a frame is not content: identifiers, schema, numbers.
const HEADER_BYTES: u32 = 8 << 10;

/// How a client is served.
pub struct Config {
    /// What makes its machines: commands, granted directories that are mounted on request, the network, limits.
    pub shell: Shell,
    /// What it must say to be served; anything when there is none.
    pub token: Option<String>,
    /// The most bytes of a frame.
    pub frame_bytes: u32,
    /// The directory programs begin in when the client names none; the home of the user without it.
    pub cwd: Option<String>,
}

/// Why a client is no longer served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The stream failed, or what came is longer than a frame.
    #[error("failed to read a frame: {0}")]
    Stream(#[from] std::io::Error),
    /// What came is no frame: whatever follows means nothing.
    #[error("the client does not speak {NAME} version {VERSION}: {0}")]
    Malformed(#[from] Malformed),
}

/// Serves a client until it is gone. Everything it started has ended then.
///
/// # Errors
///
/// When it sends what is no frame.
pub fn serve(config: Config, mut from: impl Read, to: impl Write + Send + 'static) -> Result<(), ServeError> {
    let out = Arc::new(Out::new(Box::new(to), config.frame_bytes));
    let max = config.frame_bytes;
    let mut server = Server { config, out, serial: 0, connections: BTreeMap::new(), vms: BTreeMap::new() };
    let done = server.run(&mut from, max);
    server.vms.into_values().for_each(Vm::close);
    done
}

struct Server {
    config: Config,
    out: Arc<Out>,
    serial: u64,
    /// Sessions, by connection.
    connections: BTreeMap<String, Vec<String>>,
    vms: BTreeMap<(String, String, String), Vm>,
}

impl Server {
    fn run(&mut self, from: &mut impl Read, max: u32) -> Result<(), ServeError> {
        while let Some(bytes) = frame::read(from, max)? {
            match Incoming::read(&bytes)? {
                // Nothing is asked of clients, so no answer means anything.
                Incoming::Answer => {}
                Incoming::Request(header, request) => {
                    if !self.respond(*header, request) {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether the client still listens.
    fn respond(&mut self, header: Header, request: Result<Request, Malformed>) -> bool {
        let (id, mut owner) = (header.request_id, header.ownership.clone());
        let mut events = Vec::new();
        let answer = check(&header)
            .and_then(|()| request.map_err(|error| Refusal::malformed_request(error.to_string())))
            .and_then(|request| self.answer(id, &mut owner, request, &mut events));
        let answer = match answer {
            Ok(None) => return true,
            Ok(Some(answer)) => answer,
            Err(refusal) => refusal.response(),
        };
        self.out.answer(id, owner, answer)
            && events
                .into_iter()
                .all(|(owner, state)| self.out.tell(owner, Event::Lifecycle(Changed { state })))
    }

    /// The answer; `None` when it comes later.
    fn answer(
        &mut self,
        id: i64,
        owner: &mut Ownership,
        request: Request,
        events: &mut Vec<(Ownership, Lifecycle)>,
    ) -> Result<Option<Response>, Refusal> {
        let answer = match request {
            Request::Authenticate(request) => self.authenticate(owner, &request)?,
            Request::OpenSession(_) => self.open_session(owner)?,
            Request::CreateVm(request) => {
                let (vm, answer) = self.create_vm(owner, &request)?;
                events.extend([(vm.clone(), Lifecycle::Creating), (vm, Lifecycle::Ready)]);
                answer
            }
            Request::DisposeVm(DisposeVm { .. }) => {
                let key = self.key(owner)?;
                let answer = Response::VmDisposed(OneVm { vm_id: key.2.clone() });
                if let Some(vm) = self.vms.remove(&key) {
                    vm.close();
                }
                events.extend([(owner.clone(), Lifecycle::Disposing), (owner.clone(), Lifecycle::Disposed)]);
                answer
            }
            Request::Bootstrap(request) => self.vm(owner)?.bootstrap(&request.entries)?,
            Request::ConfigureVm(request) => self.vm(owner)?.configure(&request)?,
            Request::File(request) => self.vm(owner)?.file(&request)?,
            Request::SnapshotRoot(_) => self.vm(owner)?.entries()?,
            Request::Execute(request) => {
                let vm = self.vm(owner)?;
                return vm.execute(request, id).map(|()| None);
            }
            Request::WriteStdin(request) => return self.vm(owner)?.write_stdin(request, id),
            Request::CloseStdin(request) => self.vm(owner)?.close_stdin(request)?,
            Request::Kill(request) => self.vm(owner)?.kill(request)?,
            Request::Processes(_) => self.vm(owner)?.processes()?,
            Request::Other(tag) if TO_HOST.contains(&tag) => {
                return Err(Refusal::unsupported_direction(format!("{} is asked of clients", name(tag))));
            }
            Request::Other(tag) => return Err(Refusal::unsupported(format!("{} is not offered", name(tag)))),
        };
        Ok(Some(answer))
    }

    fn authenticate(&mut self, owner: &mut Ownership, request: &Authenticate) -> Result<Response, Refusal> {
        connection(owner)?;
        if self
            .config
            .token
            .as_ref()
            .is_some_and(|token| !same(token.as_bytes(), request.auth_token.as_bytes()))
        {
            return Err(Refusal::unauthorized("the token is another one"));
        }
        if request.bridge_version != BRIDGE_VERSION {
            let why =
                format!("the bridge has version {BRIDGE_VERSION}, and the client {}", request.bridge_version);
            return Err(Refusal::bridge_version_mismatch(why));
        }
        if self.connections.len() >= CONNECTIONS_MAX {
            return Err(Refusal::limit_exceeded(format!("there are {CONNECTIONS_MAX} connections")));
        }
        let connection_id = self.number("conn");
        self.connections.insert(connection_id.clone(), Vec::new());
        *owner = Ownership::Connection(Connection { connection_id: connection_id.clone() });
        let max_frame_bytes = self.config.frame_bytes;
        Ok(Response::Authenticated(Authenticated {
            sidecar_id: "hob".into(),
            connection_id,
            max_frame_bytes,
        }))
    }

    fn open_session(&mut self, owner: &Ownership) -> Result<Response, Refusal> {
        let connection_id = connection(owner)?.to_owned();
        let session_id = self.number("session");
        let sessions = self.sessions(&connection_id)?;
        if sessions.len() >= SESSIONS_MAX {
            return Err(Refusal::limit_exceeded(format!("the connection has {SESSIONS_MAX} sessions")));
        }
        sessions.push(session_id.clone());
        Ok(Response::SessionOpened(SessionOpened { session_id, owner_connection_id: connection_id }))
    }

    fn create_vm(&mut self, owner: &Ownership, request: &CreateVm) -> Result<(Ownership, Response), Refusal> {
        let Ownership::Session(session) = owner else {
            return Err(Refusal::invalid_state("a machine is made in a session"));
        };
        self.owns(&session.connection_id, &session.session_id)?;
        if self.vms.len() >= VMS_MAX {
            return Err(Refusal::limit_exceeded(format!("there are {VMS_MAX} machines")));
        }
        let vm_id = self.number("vm");
        let (connection_id, session_id) = (session.connection_id.clone(), session.session_id.clone());
        let key = (connection_id.clone(), session_id.clone(), vm_id.clone());
        let owner = Ownership::Vm(InVm { connection_id, session_id, vm_id: vm_id.clone() });
        let max = u64::from(self.config.frame_bytes.saturating_sub(HEADER_BYTES));
        let cwd = self.config.cwd.as_deref().unwrap_or(HOME);
        let vm = Vm::new(&self.config.shell, &self.out, owner.clone(), request, (cwd, max))?;
        self.vms.insert(key, vm);
        Ok((owner, Response::VmCreated(OneVm { vm_id })))
    }

    /// The machine that a request is about.
    fn vm(&mut self, owner: &Ownership) -> Result<&mut Vm, Refusal> {
        let key = self.key(owner)?;
        self.vms.get_mut(&key).ok_or_else(|| unknown("machine", &key.2))
    }

    fn key(&mut self, owner: &Ownership) -> Result<(String, String, String), Refusal> {
        let Ownership::Vm(vm) = owner else {
            return Err(Refusal::invalid_state("the request is about a machine"));
        };
        self.owns(&vm.connection_id, &vm.session_id)?;
        let key = (vm.connection_id.clone(), vm.session_id.clone(), vm.vm_id.clone());
        if self.vms.contains_key(&key) { Ok(key) } else { Err(unknown("machine", &key.2)) }
    }

    fn owns(&mut self, connection_id: &str, session_id: &str) -> Result<(), Refusal> {
        let sessions = self.sessions(connection_id)?;
        if sessions.iter().any(|id| id == session_id) { Ok(()) } else { Err(unknown("session", session_id)) }
    }

    fn sessions(&mut self, connection_id: &str) -> Result<&mut Vec<String>, Refusal> {
        let shown = hob::escape_guest_text(connection_id, 80);
        let unknown = || Refusal::invalid_state(format!("the connection {shown} has not authenticated"));
        self.connections.get_mut(connection_id).ok_or_else(unknown)
    }

    fn number(&mut self, what: &str) -> String {
        self.serial += 1;
        format!("{what}-{}", self.serial)
    }
}

fn check(header: &Header) -> Result<(), Refusal> {
    let schema = &header.schema;
    if schema.name != NAME || schema.version != VERSION {
        let theirs = hob::escape_guest_text(&schema.name, 80);
        let why =
            format!("the protocol is {NAME} version {VERSION}, and not {theirs} version {}", schema.version);
        return Err(Refusal::protocol_version_mismatch(why));
    }
    if header.request_id <= 0 {
        return Err(Refusal::invalid_argument("the number of a request is positive"));
    }
    Ok(())
}

fn connection(owner: &Ownership) -> Result<&str, Refusal> {
    match owner {
        Ownership::Connection(connection) => Ok(&connection.connection_id),
        _ => Err(Refusal::invalid_state("the request is about a connection")),
    }
}

fn unknown(what: &str, id: &str) -> Refusal {
    Refusal::invalid_state(format!("there is no {what} {} here", hob::escape_guest_text(id, 80)))
}

/// Whether two secrets are one, in a time that says nothing of where they differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}
