//! What goes over the wire: the frames of the protocol `agent-os-sidecar`, version 1, with its tags and the order of its
//! fields.
//!
//! Requests that this sidecar does not answer are known by their tag alone; what they say is left unread.

use crate::bare::{self, Malformed, Map, Reader, Wire, put_uint, wire};

/// The protocol's name, in every frame.
pub const NAME: &str = "agent-os-sidecar";

/// The protocol's version, in every frame.
pub const VERSION: u16 = 1;

/// The version of the contract beyond the frames, which a client names when it authenticates.
pub const BRIDGE_VERSION: u32 = 1;

wire! {
    /// Which protocol.
    struct Schema {
        name: String,
        version: u16,
    }

    /// On whose behalf: a connection.
    struct Connection {
        connection_id: String,
    }

    /// On whose behalf: a session.
    struct InSession {
        connection_id: String,
        session_id: String,
    }

    /// On whose behalf: a machine.
    struct InVm {
        connection_id: String,
        session_id: String,
        vm_id: String,
    }

    /// On whose behalf.
    union Ownership {
        Connection(Connection) = 1,
        Session(InSession) = 2,
        Vm(InVm) = 3,
    }

    /// What a program is made for.
    enum Runtime {
        JavaScript = 1,
        Python = 2,
        WebAssembly = 3,
    }

    /// Why a machine is taken down.
    enum DisposeReason {
        Requested = 1,
        ConnectionClosed = 2,
        HostShutdown = 3,
    }

    /// What is done to a file.
    enum FileOperation {
        ReadFile = 1,
        WriteFile = 2,
        CreateDir = 3,
        Mkdir = 4,
        Exists = 5,
        Stat = 6,
        Lstat = 7,
        ReadDir = 8,
        RemoveFile = 9,
        RemoveDir = 10,
        Rename = 11,
        Realpath = 12,
        Symlink = 13,
        ReadLink = 14,
        Link = 15,
        Chmod = 16,
        Chown = 17,
        Utimes = 18,
        Truncate = 19,
    }

    /// Whether something may be done.
    enum Mode {
        Allow = 1,
        Ask = 2,
        Deny = 3,
    }

    /// A rule: what may be done to which things.
    struct Rule {
        mode: Mode,
        operations: Vec<String>,
        subjects: Vec<String>,
    }

    /// Rules, and what holds where none fits.
    struct RuleSet {
        default: Option<Mode>,
        rules: Vec<Rule>,
    }

    /// One answer for everything, or rules.
    union Scope {
        Mode(Mode) = 1,
        Rules(RuleSet) = 2,
    }

    /// What a machine may do, by subject.
    struct Permissions {
        fs: Option<Scope>,
        network: Option<Scope>,
        child_process: Option<Scope>,
        process: Option<Scope>,
        env: Option<Scope>,
        tool: Option<Scope>,
    }

    /// What an entry of a tree is.
    enum EntryKind {
        File = 1,
        Directory = 2,
        Symlink = 3,
    }

    /// Whether a root is written to.
    enum RootMode {
        Ephemeral = 1,
        ReadOnly = 2,
    }

    /// How bytes are text.
    enum Encoding {
        Utf8 = 1,
        Base64 = 2,
    }

    /// An entry of a tree.
    struct Entry {
        path: String,
        kind: EntryKind,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        content: Option<String>,
        encoding: Option<Encoding>,
        target: Option<String>,
        executable: bool,
    }

    /// A layer with its entries.
    struct SnapshotLower {
        entries: Vec<Entry>,
    }

    /// The layer that is there anyway. Clients write a byte for it although the schema has none.
    struct BaseLower {
        placeholder: bool,
    }

    /// A layer of a root.
    union Lower {
        Snapshot(SnapshotLower) = 1,
        Base(BaseLower) = 2,
    }

    /// A root.
    struct Root {
        mode: RootMode,
        disable_default_base_layer: bool,
        lowers: Vec<Lower>,
        bootstrap_entries: Vec<Entry>,
    }

    /// What is mounted.
    struct MountPlugin {
        id: String,
        config: String,
    }

    /// What is mounted where.
    struct Mount {
        guest_path: String,
        read_only: bool,
        plugin: MountPlugin,
    }

    /// A package of software.
    struct Software {
        package_name: String,
        root: String,
    }

    /// A module for another runtime.
    struct ProjectedModule {
        package_name: String,
        entrypoint: String,
    }

    /// What a command may do.
    enum WireTier {
        Full = 1,
        ReadWrite = 2,
        ReadOnly = 3,
        Isolated = 4,
    }

    /// Which output.
    enum Channel {
        Stdout = 1,
        Stderr = 2,
    }

    /// What a machine is at.
    enum Lifecycle {
        Creating = 1,
        Ready = 2,
        Disposing = 3,
        Disposed = 4,
        Failed = 5,
    }

    /// What a process is at.
    enum ProcessStatus {
        Running = 1,
        Exited = 2,
        Stopped = 3,
    }

    struct Authenticate {
        client_name: String,
        auth_token: String,
        bridge_version: u32,
    }

    struct Shared {
        pool: Option<String>,
    }

    struct Explicit {
        sidecar_id: String,
    }

    union Placement {
        Shared(Shared) = 1,
        Explicit(Explicit) = 2,
    }

    struct OpenSession {
        placement: Placement,
        metadata: Map<String>,
    }

    struct CreateVm {
        runtime: Runtime,
        metadata: Map<String>,
        root: Root,
        permissions: Option<Permissions>,
    }

    struct DisposeVm {
        reason: DisposeReason,
    }

    struct Bootstrap {
        entries: Vec<Entry>,
    }

    struct ConfigureVm {
        mounts: Vec<Mount>,
        software: Vec<Software>,
        permissions: Option<Permissions>,
        module_access_cwd: Option<String>,
        instructions: Vec<String>,
        projected_modules: Vec<ProjectedModule>,
        command_permissions: Map<WireTier>,
        allowed_node_builtins: Vec<String>,
        loopback_exempt_ports: Vec<u16>,
    }

    struct FileCall {
        operation: FileOperation,
        path: String,
        destination_path: Option<String>,
        target: Option<String>,
        content: Option<String>,
        encoding: Option<Encoding>,
        recursive: bool,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        atime_ms: Option<u64>,
        mtime_ms: Option<u64>,
        len: Option<u64>,
    }

    struct Execute {
        process_id: String,
        command: Option<String>,
        runtime: Option<Runtime>,
        entrypoint: Option<String>,
        args: Vec<String>,
        env: Map<String>,
        cwd: Option<String>,
        tier: Option<WireTier>,
    }

    struct WriteStdin {
        process_id: String,
        chunk: String,
    }

    struct OneProcess {
        process_id: String,
    }

    struct Kill {
        process_id: String,
        signal: String,
    }

    struct Nothing {
    }

    struct Authenticated {
        sidecar_id: String,
        connection_id: String,
        max_frame_bytes: u32,
    }

    struct SessionOpened {
        session_id: String,
        owner_connection_id: String,
    }

    struct OneVm {
        vm_id: String,
    }

    struct Bootstrapped {
        entry_count: u32,
    }

    struct Configured {
        applied_mounts: u32,
        applied_software: u32,
    }

    struct FileStat {
        mode: u32,
        size: u64,
        blocks: u64,
        dev: u64,
        rdev: u64,
        is_directory: bool,
        is_symbolic_link: bool,
        atime_ms: u64,
        mtime_ms: u64,
        ctime_ms: u64,
        birthtime_ms: u64,
        ino: u64,
        nlink: u64,
        uid: u32,
        gid: u32,
    }

    struct FileResult {
        operation: FileOperation,
        path: String,
        content: Option<String>,
        encoding: Option<Encoding>,
        entries: Option<Vec<String>>,
        stat: Option<FileStat>,
        exists: Option<bool>,
        target: Option<String>,
    }

    struct RootEntries {
        entries: Vec<Entry>,
    }

    struct Started {
        process_id: String,
        pid: Option<u32>,
    }

    struct Written {
        process_id: String,
        accepted_bytes: u64,
    }

    struct ProcessEntry {
        process_id: String,
        pid: u32,
        ppid: u32,
        pgid: u32,
        sid: u32,
        driver: String,
        command: String,
        args: Vec<String>,
        cwd: String,
        status: ProcessStatus,
        exit_code: Option<i32>,
    }

    struct Processes {
        processes: Vec<ProcessEntry>,
    }

    struct Rejected {
        code: String,
        message: String,
    }

    union Response {
        Authenticated(Authenticated) = 1,
        SessionOpened(SessionOpened) = 2,
        VmCreated(OneVm) = 3,
        VmDisposed(OneVm) = 8,
        Bootstrapped(Bootstrapped) = 9,
        Configured(Configured) = 10,
        File(FileResult) = 17,
        Root(RootEntries) = 18,
        Started(Started) = 19,
        Written(Written) = 20,
        StdinClosed(OneProcess) = 21,
        Killed(OneProcess) = 22,
        Processes(Processes) = 23,
        Rejected(Rejected) = 32,
    }

    struct Changed {
        state: Lifecycle,
    }

    struct ProcessOutput {
        process_id: String,
        channel: Channel,
        chunk: String,
    }

    struct ProcessExited {
        process_id: String,
        exit_code: i32,
    }

    union Event {
        Lifecycle(Changed) = 1,
        Output(ProcessOutput) = 2,
        Exited(ProcessExited) = 3,
    }

    struct ResponseFrame {
        schema: Schema,
        request_id: i64,
        ownership: Ownership,
        payload: Response,
    }

    struct EventFrame {
        schema: Schema,
        ownership: Ownership,
        payload: Event,
    }
}

/// Who asks what: what a request begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which protocol the client speaks.
    pub schema: Schema,
    /// What the answer is to carry.
    pub request_id: i64,
    /// On whose behalf.
    pub ownership: Ownership,
}

macro_rules! requests {
    ($($name:ident($type:ty) = $tag:literal,)*) => {
        /// What is asked.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the protocol's own names")]
        pub enum Request {
            $($name($type),)*
            /// Something the protocol has and this sidecar does not; by its tag.
            Other(u64),
        }

        impl Wire for Request {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$name(value) => {
                        put_uint($tag, out);
                        value.put(out);
                    })*
                    Self::Other(tag) => put_uint(*tag, out),
                }
            }

            fn take(from: &mut Reader<'_>) -> bare::Result<Self> {
                match from.uint()? {
                    $($tag => <$type>::take(from).map(Self::$name),)*
                    tag if usize::try_from(tag).is_ok_and(|tag| NAMES.get(tag.wrapping_sub(1)).is_some()) => {
                        from.leave();
                        Ok(Self::Other(tag))
                    }
                    _ => Err(Malformed::Tag("request")),
                }
            }
        }

        #[cfg(test)]
        impl crate::sample::Sample for Request {
            fn sample(dice: &mut crate::sample::Dice) -> Self {
                let all: &[fn(&mut crate::sample::Dice) -> Self] =
                    &[$(|dice| Self::$name(crate::sample::Sample::sample(dice)),)*];
                all[dice.below(all.len())](dice)
            }
        }
    };
}

requests! {
    Authenticate(Authenticate) = 1,
    OpenSession(OpenSession) = 2,
    CreateVm(CreateVm) = 3,
    DisposeVm(DisposeVm) = 8,
    Bootstrap(Bootstrap) = 9,
    ConfigureVm(ConfigureVm) = 10,
    File(FileCall) = 17,
    SnapshotRoot(Nothing) = 18,
    Execute(Execute) = 19,
    WriteStdin(WriteStdin) = 20,
    CloseStdin(OneProcess) = 21,
    Kill(Kill) = 22,
    Processes(Nothing) = 23,
}

/// Every request of the protocol, by its tag less one.
const NAMES: [&str; 32] = [
    "Authenticate",
    "OpenSession",
    "CreateVm",
    "CreateSession",
    "Session",
    "GetSessionState",
    "CloseAgentSession",
    "DisposeVm",
    "BootstrapRootFilesystem",
    "ConfigureVm",
    "RegisterToolkit",
    "CreateLayer",
    "SealLayer",
    "ImportSnapshot",
    "ExportSnapshot",
    "CreateOverlay",
    "GuestFilesystemCall",
    "SnapshotRootFilesystem",
    "Execute",
    "WriteStdin",
    "CloseStdin",
    "KillProcess",
    "GetProcessSnapshot",
    "FindListener",
    "FindBoundUdp",
    "GetSignalState",
    "GetZombieTimerCount",
    "HostFilesystemCall",
    "Permission",
    "PersistenceLoad",
    "PersistenceFlush",
    "VmFetch",
];

/// Requests that only a sidecar may make.
pub const TO_HOST: std::ops::RangeInclusive<u64> = 28..=31;

/// What a request is called.
#[must_use]
pub fn name(tag: u64) -> &'static str {
    usize::try_from(tag).ok().and_then(|tag| NAMES.get(tag.checked_sub(1)?)).copied().unwrap_or("?")
}

/// A frame from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly every frame is a request, and each is moved once")]
pub enum Incoming {
    /// It asks; what it asks may be malformed though it is known who asks.
    Request(Box<Header>, Result<Request, Malformed>),
    /// It answers a question that was never put.
    Answer,
}

impl Incoming {
    /// Reads a frame.
    ///
    /// # Errors
    ///
    /// It is no frame of a client, or does not say who asks.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        match reader.uint()? {
            1 => {}
            5 => return Ok(Self::Answer),
            _ => return Err(Malformed::Tag("frame")),
        }
        let header = Header {
            schema: Wire::take(&mut reader)?,
            request_id: Wire::take(&mut reader)?,
            ownership: Wire::take(&mut reader)?,
        };
        let request = Request::take(&mut reader).and_then(|request| reader.end().map(|()| request));
        Ok(Self::Request(Box::new(header), request))
    }

    /// The frame of a request, for clients.
    #[must_use]
    pub fn request(header: &Header, request: &Request) -> Vec<u8> {
        let mut out = Vec::new();
        put_uint(1, &mut out);
        header.schema.put(&mut out);
        header.request_id.put(&mut out);
        header.ownership.put(&mut out);
        request.put(&mut out);
        out
    }
}

/// A frame to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// An answer.
    Response(ResponseFrame),
    /// Something happened.
    Event(EventFrame),
}

impl Outgoing {
    /// An answer.
    #[must_use]
    pub fn response(request_id: i64, ownership: Ownership, payload: Response) -> Self {
        Self::Response(ResponseFrame { schema: Schema::own(), request_id, ownership, payload })
    }

    /// Something that happened.
    #[must_use]
    pub fn event(ownership: Ownership, payload: Event) -> Self {
        Self::Event(EventFrame { schema: Schema::own(), ownership, payload })
    }

    /// Its bytes.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Response(frame) => {
                put_uint(2, &mut out);
                frame.put(&mut out);
            }
            Self::Event(frame) => {
                put_uint(3, &mut out);
                frame.put(&mut out);
            }
        }
        out
    }

    /// Reads a frame, for clients.
    ///
    /// # Errors
    ///
    /// It is no frame of a sidecar.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let frame = match reader.uint()? {
            2 => Self::Response(Wire::take(&mut reader)?),
            3 => Self::Event(Wire::take(&mut reader)?),
            _ => return Err(Malformed::Tag("frame")),
        };
        reader.end()?;
        Ok(frame)
    }
}

impl Schema {
    /// The protocol spoken here.
    #[must_use]
    pub fn own() -> Self {
        Self { name: NAME.into(), version: VERSION }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample::{Dice, Sample};

    fn request(seed: u64) -> (Header, Request, Vec<u8>) {
        let mut dice = Dice::new(seed);
        let header = Header {
            schema: Sample::sample(&mut dice),
            request_id: Sample::sample(&mut dice),
            ownership: Sample::sample(&mut dice),
        };
        let request = Request::sample(&mut dice);
        let bytes = Incoming::request(&header, &request);
        (header, request, bytes)
    }

    fn frame(seed: u64) -> Outgoing {
        let mut dice = Dice::new(seed);
        if dice.below(2) == 0 {
            Outgoing::Response(Sample::sample(&mut dice))
        } else {
            Outgoing::Event(Sample::sample(&mut dice))
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seed: u64) {
            let (header, request, bytes) = request(seed);
            prop_assert_eq!(Incoming::read(&bytes), Ok(Incoming::Request(Box::new(header), Ok(request))));
            let frame = frame(seed);
            prop_assert_eq!(Outgoing::read(&frame.write()), Ok(frame));
        }

        #[test]
        fn a_part_of_a_frame_is_none(seed: u64, cut: prop::sample::Index) {
            let (_, _, bytes) = request(seed);
            let part = &bytes[..cut.index(bytes.len())];
            prop_assert!(!matches!(Incoming::read(part), Ok(Incoming::Request(_, Ok(_)) | Incoming::Answer)));
            let bytes = frame(seed).write();
            prop_assert!(Outgoing::read(&bytes[..cut.index(bytes.len())]).is_err());
        }

        #[test]
        fn whatever_is_read_is_written_the_same(seed: u64, at: prop::sample::Index, bit in 0..8u32) {
            let (_, _, mut bytes) = request(seed);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Ok(Incoming::Request(header, Ok(request))) = Incoming::read(&bytes)
                && !matches!(request, Request::Other(_))
            {
                prop_assert_eq!(Incoming::request(&header, &request), bytes);
            }
        }

        #[test]
        fn no_bytes_do_harm(bytes: Vec<u8>) {
            let _ = Incoming::read(&bytes);
            let _ = Outgoing::read(&bytes);
        }
    }

    #[test]
    fn frames_have_the_bytes_that_clients_send() {
        let header = Header {
            schema: Schema::own(),
            request_id: 7,
            ownership: Ownership::Connection(Connection { connection_id: "c".into() }),
        };
        let request = Request::Authenticate(Authenticate {
            client_name: "n".into(),
            auth_token: "t".into(),
            bridge_version: 1,
        });
        let mut bytes = vec![1, 16];
        bytes.extend_from_slice(b"agent-os-sidecar\x01\0");
        bytes.extend_from_slice(&[7, 0, 0, 0, 0, 0, 0, 0, 1, 1, b'c', 1, 1, b'n', 1, b't', 1, 0, 0, 0]);
        assert_eq!(Incoming::request(&header, &request), bytes);
    }

    #[test]
    fn requests_that_are_not_answered_are_known_by_name() {
        assert_eq!((name(4), name(32), name(0), name(33)), ("CreateSession", "VmFetch", "?", "?"));
        let take = |bytes: &[u8]| Request::take(&mut Reader::new(bytes));
        assert_eq!(take(&[4, 9, 9]), Ok(Request::Other(4)));
        assert_eq!(take(&[33]), Err(Malformed::Tag("request")));
        assert_eq!(take(&[0]), Err(Malformed::Tag("request")));
    }
}
