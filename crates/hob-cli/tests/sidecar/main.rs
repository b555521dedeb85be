//! `hob sidecar agentos` as clients use it: a client in another language, written from the schema, and clients that send
//! what they should not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use hob_sidecar::bare::Map;
use hob_sidecar::frame::{self, FRAME_BYTES};
use hob_sidecar::protocol::{
    Authenticate, BRIDGE_VERSION, ConfigureVm, Connection, CreateVm, Event, Execute, FileCall, FileOperation,
    Header, InSession, InVm, Incoming, Kill, Mode, Mount, MountPlugin, Nothing, OpenSession, Outgoing,
    Ownership, Permissions, Placement, Request, Response, Root, RootMode, Runtime, Schema, Scope, Shared,
    Software, WriteStdin,
};

fn commands() -> PathBuf {
    let bin = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/commands/p/node_modules");
    assert!(bin.is_dir(), "{} is missing; run `cargo xtask commands`", bin.display());
    bin
}

struct Client {
    child: Child,
    to: Option<ChildStdin>,
    from: ChildStdout,
    id: i64,
    events: Vec<Event>,
    cache: tempfile::TempDir,
}

impl Client {
    fn start(flags: &[&str]) -> Self {
        let cache = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_hob"))
            .args(["sidecar", "agentos", "--bin"])
            .arg(commands())
            .args(flags)
            .env("HOB_CACHE_DIR", cache.path())
            .env_remove("HOB_SIDECAR_TOKEN")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take(), child.stdout.take().unwrap());
        Self { child, to, from, id: 0, events: Vec::new(), cache }
    }

    /// A client with a machine that may do everything.
    fn with_vm(flags: &[&str]) -> (Self, Ownership) {
        let mut client = Self::start(flags);
        let session = client.session();
        let vm = client.vm(&session, &permissions(Mode::Allow), RootMode::Ephemeral);
        (client, vm)
    }

    fn session(&mut self) -> Ownership {
        let connection_id = match self.authenticate("") {
            Response::Authenticated(authenticated) => authenticated.connection_id,
            other => panic!("{other:?}"),
        };
        let owner = Ownership::Connection(Connection { connection_id: connection_id.clone() });
        let placement = Placement::Shared(Shared { pool: None });
        match self.ask(&owner, Request::OpenSession(OpenSession { placement, metadata: Map(Vec::new()) })) {
            Response::SessionOpened(opened) => {
                Ownership::Session(InSession { connection_id, session_id: opened.session_id })
            }
            other => panic!("{other:?}"),
        }
    }

    fn authenticate(&mut self, token: &str) -> Response {
        let owner = Ownership::Connection(Connection { connection_id: "hint".into() });
        let request = Authenticate {
            client_name: "test".into(),
            auth_token: token.into(),
            bridge_version: BRIDGE_VERSION,
        };
        self.ask(&owner, Request::Authenticate(request))
    }

    fn vm(&mut self, session: &Ownership, permissions: &Permissions, mode: RootMode) -> Ownership {
        let Ownership::Session(InSession { connection_id, session_id }) = session.clone() else { panic!() };
        let root = Root {
            mode,
            disable_default_base_layer: false,
            lowers: Vec::new(),
            bootstrap_entries: Vec::new(),
        };
        let request = CreateVm {
            runtime: Runtime::WebAssembly,
            metadata: Map(Vec::new()),
            root,
            permissions: Some(permissions.clone()),
        };
        match self.ask(session, Request::CreateVm(request)) {
            Response::VmCreated(vm) => Ownership::Vm(InVm { connection_id, session_id, vm_id: vm.vm_id }),
            other => panic!("{other:?}"),
        }
    }

    fn send(&mut self, owner: &Ownership, request: &Request) -> i64 {
        self.id += 1;
        let header = Header { schema: Schema::own(), request_id: self.id, ownership: owner.clone() };
        frame::write(&Incoming::request(&header, request), self.to.as_mut().unwrap()).unwrap();
        self.id
    }

    fn ask(&mut self, owner: &Ownership, request: Request) -> Response {
        let id = self.send(owner, &request);
        self.answer(id)
    }

    fn answer(&mut self, id: i64) -> Response {
        loop {
            match self.read() {
                Some(Outgoing::Response(response)) if response.request_id == id => return response.payload,
                Some(Outgoing::Event(event)) => self.events.push(event.payload),
                other => panic!("{other:?}"),
            }
        }
    }

    fn read(&mut self) -> Option<Outgoing> {
        let bytes = frame::read(&mut self.from, FRAME_BYTES).unwrap()?;
        Some(Outgoing::read(&bytes).unwrap())
    }

    /// Waits until a process has ended.
    fn ended(&mut self, process_id: &str) -> i32 {
        loop {
            let ended = self.events.iter().find_map(|event| match event {
                Event::Exited(exited) if exited.process_id == process_id => Some(exited.exit_code),
                _ => None,
            });
            if let Some(code) = ended {
                return code;
            }
            match self.read() {
                Some(Outgoing::Event(event)) => self.events.push(event.payload),
                other => panic!("{other:?}"),
            }
        }
    }

    fn code(&mut self, owner: &Ownership, request: Request) -> String {
        code(self.ask(owner, request))
    }

    /// Says nothing more, and waits for the end of the sidecar: its exit code and what it said.
    fn end(mut self) -> (Option<i32>, String) {
        drop(self.to.take());
        let output = self.child.wait_with_output().unwrap();
        drop(self.cache);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn code(response: Response) -> String {
    match response {
        Response::Rejected(rejected) => rejected.code,
        _ => "ok".into(),
    }
}

fn permissions(mode: Mode) -> Permissions {
    let scope = || Some(Scope::Mode(mode));
    Permissions {
        fs: scope(),
        network: scope(),
        child_process: scope(),
        process: scope(),
        env: scope(),
        tool: scope(),
    }
}

fn execute(process_id: &str, command: &str, args: &[&str]) -> Request {
    Request::Execute(Execute {
        process_id: process_id.into(),
        command: Some(command.into()),
        runtime: None,
        entrypoint: None,
        args: args.iter().map(ToString::to_string).collect(),
        env: Map(Vec::new()),
        cwd: None,
        tier: None,
    })
}

fn file(operation: FileOperation, path: &str, content: Option<&str>) -> Request {
    Request::File(FileCall {
        operation,
        path: path.into(),
        destination_path: None,
        target: None,
        content: content.map(Into::into),
        encoding: None,
        recursive: false,
        mode: None,
        uid: None,
        gid: None,
        atime_ms: None,
        mtime_ms: None,
        len: None,
    })
}

fn configuration() -> ConfigureVm {
    ConfigureVm {
        mounts: Vec::new(),
        software: Vec::new(),
        permissions: None,
        module_access_cwd: None,
        instructions: Vec::new(),
        projected_modules: Vec::new(),
        command_permissions: Map(Vec::new()),
        allowed_node_builtins: Vec::new(),
        loopback_exempt_ports: Vec::new(),
    }
}

#[test]
fn a_client_of_another_hand_is_served() {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sidecar/client.mjs");
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new("node")
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_hob"))
        .arg(commands())
        .arg(dir.path())
        .env("HOB_CACHE_DIR", dir.path().join("cache"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b"served\n"[..]), "{said}");
    assert_eq!(std::fs::read(dir.path().join("said")).unwrap(), b"hello you\n");
}

#[test]
fn a_token_is_asked_for() {
    let mut client = Client::start(&["--token", "right"]);
    assert_eq!(code(client.authenticate("wrong")), "unauthorized");
    assert_eq!(code(client.authenticate("")), "unauthorized");
    assert_eq!(code(client.authenticate("right")), "ok");
    assert_eq!(client.end(), (Some(0), String::new()));
}

#[test]
fn what_is_no_frame_ends_the_conversation() {
    let check = |bytes: &[u8], said: &str| {
        let mut client = Client::start(&[]);
        client.to.as_mut().unwrap().write_all(bytes).unwrap();
        let (code, stderr) = client.end();
        assert!(code == Some(126) && stderr.contains(said), "{code:?} {stderr}");
    };
    check(&[0xff; 4], "a frame of 4294967295 bytes");
    check(&[0, 0, 0, 1, 9], "unknown frame");
    check(&[0, 0, 0, 9, 1], "");
}

#[test]
fn another_protocol_is_refused_by_name() {
    let mut client = Client::start(&[]);
    let ownership = Ownership::Connection(Connection { connection_id: "c".into() });
    let schema = Schema { name: "agent-os-sidecar".into(), version: 2 };
    let header = Header { schema, request_id: 1, ownership };
    let bytes = Incoming::request(&header, &Request::Processes(Nothing {}));
    frame::write(&bytes, client.to.as_mut().unwrap()).unwrap();
    assert_eq!(code(client.answer(1)), "protocol_version_mismatch");
}

#[test]
fn a_client_reaches_its_own_machines_only() {
    let (mut client, vm) = Client::with_vm(&[]);
    let other = client.session();
    let (Ownership::Vm(mine), Ownership::Session(theirs)) = (&vm, &other) else { panic!() };
    let list = || Request::Processes(Nothing {});
    assert_eq!(client.code(&vm, list()), "ok");
    let InVm { connection_id, session_id, vm_id } = mine.clone();
    for wrong in [
        InVm {
            connection_id: theirs.connection_id.clone(),
            session_id: session_id.clone(),
            vm_id: vm_id.clone(),
        },
        InVm { connection_id: theirs.connection_id.clone(), session_id: theirs.session_id.clone(), vm_id },
        InVm { connection_id: connection_id.clone(), session_id, vm_id: "vm-99".into() },
    ] {
        assert_eq!(client.code(&Ownership::Vm(wrong), list()), "invalid_state");
    }
    assert_eq!(client.code(&other, list()), "invalid_state");
    assert_eq!(client.code(&Ownership::Connection(Connection { connection_id }), list()), "invalid_state");
}

#[test]
fn nothing_is_had_that_the_flags_do_not_grant() {
    let dir = tempfile::tempdir().unwrap();
    let granted = dir.path().join("granted");
    std::fs::create_dir_all(granted.join("inner")).unwrap();
    std::fs::create_dir(dir.path().join("secret")).unwrap();
    std::os::unix::fs::symlink("../secret", granted.join("out")).unwrap();
    let (mut client, vm) = Client::with_vm(&["--dir", granted.to_str().unwrap()]);
    let mount = |path: &str, host: PathBuf, read_only| {
        let config = format!("{{\"hostPath\":{:?}}}", host.display().to_string());
        let plugin = MountPlugin { id: "host_dir".into(), config };
        let mounts = vec![Mount { guest_path: path.into(), read_only, plugin }];
        Request::ConfigureVm(ConfigureVm { mounts, ..configuration() })
    };
    assert_eq!(client.code(&vm, mount("/a", granted.join("inner"), true)), "ok");
    assert_eq!(client.code(&vm, mount("/b", granted.clone(), false)), "not_granted");
    assert_eq!(client.code(&vm, mount("/c", dir.path().into(), true)), "not_granted");
    assert_eq!(client.code(&vm, mount("/d", granted.join("out"), true)), "not_granted");
    assert_eq!(client.code(&vm, mount("/e", granted.join("../secret"), true)), "not_granted");
    assert_eq!(client.code(&vm, mount("/f", granted.join("nothing"), true)), "not_granted");
    assert_eq!(client.code(&vm, mount("/proc", granted.clone(), true)), "invalid_argument");
    assert_eq!(client.code(&vm, file(FileOperation::WriteFile, "/a/x", Some("x"))), "kernel_error");
    let software = vec![Software { package_name: "x".into(), root: granted.display().to_string() }];
    let request = ConfigureVm { software, ..configuration() };
    assert_eq!(client.code(&vm, Request::ConfigureVm(request)), "not_granted");
    let request = ConfigureVm { loopback_exempt_ports: vec![80], ..configuration() };
    assert_eq!(client.code(&vm, Request::ConfigureVm(request)), "not_granted");
}

#[test]
fn a_machine_does_what_its_permissions_allow() {
    let mut client = Client::start(&[]);
    let session = client.session();
    let none = client.vm(&session, &permissions(Mode::Deny), RootMode::Ephemeral);
    assert_eq!(client.code(&none, file(FileOperation::ReadFile, "/etc/hostname", None)), "permission_denied");
    assert_eq!(client.code(&none, execute("p", "true", &[])), "permission_denied");
    assert_eq!(client.code(&none, Request::Processes(Nothing {})), "permission_denied");
    let fixed = client.vm(&session, &permissions(Mode::Allow), RootMode::ReadOnly);
    assert_eq!(client.code(&fixed, file(FileOperation::ReadFile, "/etc/hostname", None)), "ok");
    assert_eq!(client.code(&fixed, file(FileOperation::WriteFile, "/tmp/x", Some("x"))), "kernel_error");
    assert_eq!(client.code(&fixed, execute("q", "touch", &["/tmp/x"])), "ok");
    assert_eq!(client.ended("q"), 1);
}

#[test]
fn an_answer_that_is_too_long_is_refused() {
    let (mut client, vm) = Client::with_vm(&["--max-frame", "64KiB"]);
    let long = "x".repeat(40_000);
    assert_eq!(client.code(&vm, file(FileOperation::WriteFile, "/tmp/a", Some(&long))), "ok");
    assert_eq!(client.code(&vm, file(FileOperation::ReadFile, "/tmp/a", None)), "ok");
    let script = "cat /tmp/a /tmp/a >/tmp/b";
    assert_eq!(client.code(&vm, execute("p", "sh", &["-c", script])), "ok");
    assert_eq!(client.ended("p"), 0);
    assert_eq!(client.code(&vm, file(FileOperation::ReadFile, "/tmp/b", None)), "kernel_error");
}

#[test]
fn who_does_not_read_keeps_only_its_own_programs_waiting() {
    let (mut client, vm) = Client::with_vm(&[]);
    assert_eq!(client.code(&vm, execute("y", "yes", &["some words to fill pipes with"])), "ok");
    std::thread::sleep(Duration::from_millis(500));
    let id = client.send(&vm, &Request::Kill(Kill { process_id: "y".into(), signal: "SIGKILL".into() }));
    assert_eq!(code(client.answer(id)), "ok");
    assert_eq!(client.ended("y"), 137);
    let bytes: usize = client
        .events
        .iter()
        .map(|event| match event {
            Event::Output(output) => output.chunk.len(),
            _ => 0,
        })
        .sum();
    assert!((1..1 << 20).contains(&bytes), "{bytes}");
}

#[test]
fn who_does_not_read_its_input_bounds_what_waits() {
    let (mut client, vm) = Client::with_vm(&[]);
    assert_eq!(client.code(&vm, execute("s", "sleep", &["1000"])), "ok");
    let chunk = "x".repeat(900_000);
    let write = || Request::WriteStdin(WriteStdin { process_id: "s".into(), chunk: chunk.clone() });
    // What is beyond a megabyte is answered when it is read, or the process is gone.
    let ids: Vec<i64> = (0..25).map(|_| client.send(&vm, &write())).collect();
    assert_eq!(code(client.answer(ids[0])), "ok");
    // Those that wait are not answered; the first one beyond all bounds is refused at once.
    let refused = match client.read() {
        Some(Outgoing::Response(response)) => response,
        other => panic!("{other:?}"),
    };
    assert!(refused.request_id > 15, "{}", refused.request_id);
    assert_eq!(code(refused.payload), "limit_exceeded");
}

#[test]
fn nothing_outlives_its_client() {
    let (mut client, vm) = Client::with_vm(&[]);
    assert_eq!(client.code(&vm, execute("s", "sh", &["-c", "sleep 1000 & sleep 1000"])), "ok");
    let began = Instant::now();
    assert_eq!(client.end().0, Some(0));
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}
