//! The fixed limits of a kernel, each with the error that names it to a guest. Those that differ between sessions are
//! accounts of the session's ledger instead.

/// Bytes of a path, the NUL of C included: `nametoolong`.
pub const PATH_BYTES_MAX: usize = 4096;

/// Bytes of one name in a path: `nametoolong`.
pub const NAME_BYTES_MAX: usize = 255;

/// How deep a tree is walked: `nametoolong`. A working directory in a granted directory holds one descriptor of the host
/// for each level.
pub const DEPTH_MAX: usize = 512;

/// Symbolic links followed in one walk: `loop`.
pub const LINKS_MAX: u32 = 40;

/// Bytes of all arguments, or of the whole environment: `2big`.
pub const ARGUMENT_BYTES_MAX: usize = 1 << 20;

/// Bytes a pipe holds.
pub const PIPE_BYTES: usize = 64 << 10;

/// Bytes that are written to a pipe whole or not at all.
pub const PIPE_ATOMIC_BYTES: usize = 4096;

/// Bytes one read or write transfers; a longer one is short.
pub const TRANSFER_BYTES_MAX: usize = 1 << 20;

/// Descriptors of one process: `mfile`.
pub const DESCRIPTORS_MAX: u32 = 1024;

/// Supplementary groups: `inval`.
pub const GROUPS_MAX: usize = 64;

/// Bytes of an extended attribute: `2big`.
pub const ATTRIBUTE_BYTES_MAX: usize = 64 << 10;

/// Bytes of the name of an extended attribute: `inval`.
pub const ATTRIBUTE_NAME_BYTES_MAX: usize = 255;

/// Bytes of the first line of a script, `#!` included: `noexec`.
pub const INTERPRETER_LINE_BYTES_MAX: usize = 256;

/// Scripts that name scripts as their interpreter: `loop`.
pub const INTERPRETERS_MAX: u32 = 4;

/// Bytes of a program: `noexec`.
pub const PROGRAM_BYTES_MAX: u64 = 256 << 20;

/// Bytes of a line in a terminal that edits lines.
pub const LINE_BYTES_MAX: usize = 4096;

/// Terminals of one session: `nospc`.
pub const TERMINALS_MAX: u32 = 128;

/// Sockets of one session: `nfile`.
pub const SOCKETS_MAX: usize = 256;

/// Connections that wait to be accepted at one socket.
pub const BACKLOG_MAX: usize = 128;

/// Bytes on their way in one direction of a connection.
pub const SOCKET_BYTES: usize = 64 << 10;

/// Datagrams that wait at one socket.
pub const DATAGRAMS_MAX: usize = 1024;

/// Bytes of datagrams that wait at one socket.
pub const DATAGRAM_QUEUE_BYTES_MAX: usize = 256 << 10;

/// Bytes of datagrams that wait in one session, with [`DATAGRAM_OVERHEAD_BYTES`] for each.
pub const DATAGRAM_SESSION_BYTES_MAX: usize = 4 << 20;

/// What a datagram counts besides its bytes, so that empty ones are not free.
pub const DATAGRAM_OVERHEAD_BYTES: usize = 128;

/// Bytes of one datagram: `msgsize`.
pub const DATAGRAM_BYTES_MAX: usize = 65_507;

/// Bytes of the name of a socket outside the tree of files: `inval`.
pub const UNIX_NAME_BYTES_MAX: usize = 107;

/// Descriptors passed with one message: `inval`.
pub const PASSED_MAX: usize = 253;

/// Descriptors of one session that were passed and not received yet: `nobufs`.
pub const PASSED_SESSION_MAX: usize = 1024;

/// How often an alarm comes again at most: the thread that keeps alarms is nobody's, and nothing would end its work.
pub const ALARM_INTERVAL_MIN: std::time::Duration = std::time::Duration::from_millis(1);

/// Signal handlers run at one safe point.
pub const HANDLERS_MAX: u32 = 64;

/// Commands of one source: it is refused.
pub const COMMANDS_MAX: usize = 4096;

/// Names in one folder that commands are looked for in: the source is refused.
pub const SOURCE_NAMES_MAX: usize = 1 << 16;

/// Bytes of the manifest of a package, or of its `package.json`: the source is refused.
pub const MANIFEST_BYTES_MAX: u64 = 1 << 20;

/// Objects in one image, directories that it implies included: it is refused.
pub const IMAGE_OBJECTS_MAX: usize = 1 << 20;

/// Bytes of all names and targets of links in one image, and of the index of a package: it is refused.
pub const IMAGE_NAME_BYTES_MAX: u64 = 64 << 20;
