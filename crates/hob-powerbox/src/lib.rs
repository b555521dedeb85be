//! What a machine has, as actors: directories, clocks, randomness, consoles, outbound hosts.
//!
//! An actor has no world. What it may use of a machine is given to it as references, like anything else: it can keep them, pass them on,
//! lend less of them, and lose them when they are taken back. A [`Powerbox`] makes such references from grants. Its objects are behind a
//! *session*, as another machine would be: a message to one goes out when the turn that sent it is committed, and the answer comes in
//! as a message and is recorded. So turns stay deterministic, and looking back never touches the machine.
//!
//! ```text
//! grant ──▶ Powerbox ──▶ Ref ──▶ an actor ──▶ message ──▶ session ──▶ lane ──▶ hob-os ──▶ the machine
//!                                                 answer ◀── entrance ◀──┘
//! ```
//!
//! Vocabulary: an *object* is what a reference of the powerbox stands for. It is *given* by the program, or *narrowed* from another
//! one by a method that answers it; who narrowed and who was narrowed make a tree, and what is *revoked* ends with all below it. A *lane*
//! does the work of an object in the order in which it was asked for; lanes do not wait for each other.
//!
//! | object | methods |
//! |---|---|
//! | directory | `list`, `page FROM [COUNT]`, `stat PATH`, `read PATH [OFFSET LENGTH]`, `text PATH`, `write PATH DATA`, `append PATH DATA`, `make-directory PATH`, `remove PATH`, `rename FROM TO`; narrowed: `open PATH`, `file PATH`, `read-only` |
//! | file | `stat`, `size`, `read [OFFSET LENGTH]`, `text`, `write DATA`, `append DATA`, `truncate SIZE`; narrowed: `read-only` |
//! | clock | `now`, `monotonic`, `after NANOSECONDS`, `until NANOSECONDS` |
//! | entropy | `bytes COUNT` |
//! | console | `read-line`, `write TEXT`, `complain TEXT`; narrowed: `read-only`, `write-only`, `prefixed TEXT` |
//! | outbound | `request {url method headers body}`, `get URL`; narrowed: `only HOST[:PORT]`, `only-methods [METHOD …]` |
//! | each of them | `methods`; what was narrowed also `end` |
//!
//! What it promises: nothing is reached but what was granted, and what is narrowed is never wider; every use goes through `hob-os`, so it is
//! recorded before it takes effect, and counted; every message that wants an answer gets one, also when something is revoked, at a
//! limit, or when the powerbox ends. A message is handled once or, when the process ends first, not at all.
//!
//! What this crate must not know: engines, contracts, guests, flags, terminals.

mod answer;
mod builder;
mod clock;
mod console;
mod desk;
mod directory;
mod entropy;
mod file;
mod lanes;
mod limits;
mod object;
mod outbound;
mod paths;
mod powerbox;
mod timers;
mod tree;

pub use builder::PowerboxBuilder;
pub use limits::Limits;
pub use powerbox::Powerbox;
