//! The types of the protocol, field by field in their order.

use crate::bare::{Map, wire};

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
