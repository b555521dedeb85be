//! Run WebAssembly that nobody has to trust.
//!
//! A guest starts with nothing and gets exactly what it is handed. A [`Host`] holds what is handed out: a [`Policy`] of
//! grants and the [`Limits`] of each guest. It loads a module, checks that its imports and exports fit, and gives back a
//! typed handle.
//!
//! ```
//! let host = hob::Host::builder().build()?;
//! let guard = host.load_bytes("guard", br#"(module
//!     (memory (export "memory") 1)
//!     (data (i32.const 16) "{\"ok\":true}")
//!     (func (export "alloc") (param i32) (result i32) (i32.const 64))
//!     (func (export "eval") (param i32 i32) (result i64) (i64.const 0x100000000b)))"#)?;
//! let answer = guard.behavior()?.eval(br#"{"context":{"amount":50}}"#)?;
//! assert_eq!(answer, br#"{"ok":true}"#);
//! # Ok::<(), hob::Error>(())
//! ```
//!
//! | handle | contract | what it does |
//! |---|---|---|
//! | [`Behavior`] | json | a decision: bytes in, bytes out, a fresh instance for each |
//! | [`Command`] | command | a program: arguments, streams, an exit code |
//! | [`Tool`] | tool | a program for an agent: JSON in, JSON out, held to its schemas |
//! | [`Plugin`] | plugin | named functions, each call in a fresh instance |
//! | [`Actor`] | actor | an object in a vat that holds and passes references |
//!
//! Everything here may be used from many threads. What goes wrong is an [`Error`] that names the rule and what would be
//! allowed; a guest's fault never becomes the host's.

mod actor;
mod audit;
mod behavior;
mod command;
mod decide;
mod error;
mod host;
mod inspect;
mod kept;
mod loaded;
pub mod package;
mod plugin;
mod record;
mod replay;
mod reuse;
mod seat;
mod shell;
mod tool;
mod values;

pub use actor::{Actor, Functions, with_room_for_guests};
pub use audit::{AuditLog, AuditProblem, AuditSummary};
pub use behavior::Behavior;
pub use command::{Command, Output, Run};
pub use decide::Asks;
pub use error::{Error, ErrorKind};
pub use hob_record::{Divergence, Key as RecordKey, ReadError, Stream as OutputStream};
pub use host::{Host, HostBuilder};
pub use inspect::{ImportInfo, Inspection, ReachKind};
pub use loaded::Loaded;
pub use package::Package;
pub use plugin::{Answer, Callback, Called, LogLine, Plugin, PluginForm};
pub use record::Recorder;
pub use replay::{Replay, Replayed};
pub use shell::{DirEntry, Exit, Job, JobEvent, Launch, Session, Shell, ShellBuilder};
pub use tool::{Decision, Tool, ToolAnswer, ToolKind};

pub use hob_abi::Contract;
pub use hob_cap::{
    Access, AuditError, AuditEvent, AuditSink, Children, ClockGrant, Connections, EnvGrant, Files, FsGrant,
    Gift, Given, GrantError, GuestPath, HostObject, Limit, LimitExceeded, LimitTooHigh, Limits, NetGrant,
    Outcome, Permit, Policy, PolicyDiff, RandomGrant, Request, Scheme, StdioGrant, StopReason, StopToken,
    Tier, Verdict, diff, escape_guest_bytes, escape_guest_text, format_bytes, parse_bytes, parse_duration,
};
pub use hob_engine::{
    BackendKind, CacheStats, Choice, CompileLimits, Fault, FaultKind, PrivateError, Trap, UserKey, ValType,
    Value, accepted_features,
};
pub use hob_kernel::fs::{Kind as FileKind, Stat as FileStat};
pub use hob_kernel::process::{Seen as ProcessInfo, Signal, Status};
pub use hob_kernel::{Console, Feed};
/// Statecharts: machines as data, and stepping them.
pub use hob_machine as machine;
pub use hob_os::{Errno, SharedBuffer, Sink, Source};
/// What a machine has, as actors: directories, clocks, consoles, outbound hosts. What an actor of a vat is given of them it can keep,
/// narrow, pass on, and lose.
///
/// ```
/// use hob::powerbox::Powerbox;
/// use hob::vat::{Peer, Value};
///
/// let peer = Peer::builder().build()?;
/// let vat = peer.vat("main")?;
/// let powerbox = Powerbox::open(&peer)?;
/// let clock = powerbox.clock(hob::ClockGrant::Virtual)?;
/// let now = vat.ask(clock, [Value::symbol("monotonic")], std::time::Duration::from_secs(10))?;
/// assert_eq!(now, 0.into());
/// # Ok::<(), hob::vat::Problem>(())
/// ```
pub use hob_powerbox as powerbox;
/// Streams of records that survive, in one file: journals of machines.
pub use hob_store as store;
/// Vats: actors, turns, promises. [`Actor`] is a kind for them whose code is WebAssembly.
pub use hob_vat as vat;

/// The parts beneath the handles, for embedders that bring their own host functions or measure.
///
/// ```
/// use hob::engine::HostTable;
/// assert_eq!(HostTable::<()>::new().iter().count(), 0);
/// ```
pub mod engine {
    pub use hob_cap::Ledger;
    pub use hob_engine::bare;
    pub use hob_engine::{
        Allocation, Bounds, Cache, Ctx, Deadlines, Engine, EngineConfig, Export, ExternType, Func, FuncType,
        HostTable, IDLE_MAX, Import, Instance, LinkError, Linked, LoadError, Memory, Module, ModuleInfo,
        OutOfBounds, Reach, Section, wasm_from_text,
    };
}

/// The contracts, for embedders that drive an instance themselves.
///
/// ```
/// assert_eq!(hob::abi::json::verdict(b"{\"ok\":true}"), Ok(true));
/// ```
pub mod abi {
    pub use hob_abi::{Contract, Mismatch, Offered, actor, command, json, plugin, tool, wasi_p1};
}

/// Capabilities held by number, for embedders that hand their own objects to guests.
///
/// ```
/// use hob::handles::{HandleRights, HandleTable};
/// let mut table = HandleTable::new(8);
/// let handle = table.insert("a file", HandleRights::new(1)).unwrap();
/// assert!(table.get(handle, HandleRights::new(2)).is_err());
/// ```
pub mod handles {
    pub use hob_cap::{Handle, HandleError, HandleRights, HandleTable};
}

/// What a guest sees of a machine, for embedders that build a world themselves.
///
/// ```
/// let world = hob::os::World::builder().build();
/// assert!(world.is_ok());
/// ```
pub mod os {
    pub use hob_os::egress::{
        AddressKind, Egress, EgressError, EgressErrorKind, FixedResolver, HttpRequest, HttpResponse,
        Resolver, SystemResolver,
    };
    pub use hob_os::{Errno, OsError, RawTerminal, Rights, Socket, World, WorldBuilder};
}
