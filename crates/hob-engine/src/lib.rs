//! Compile, instantiate, call, interrupt and meter WebAssembly. The only crate that names a Wasm engine.
//!
//! Bird's eye, top to bottom; data flows one way:
//!
//! ```text
//! bytes ──Engine::load──▶ Module ──Engine::link(HostTable)──▶ Linked ──instantiate(data, Bounds)──▶ Instance ──call──▶ Result<_, Fault>
//! ```
//!
//! * [`Engine`] holds two back ends, Wasmtime (compiles) and wasmi (starts at once), and decides which one runs a module.
//! * [`Module`] is bytes that were validated against the accepted feature set and the compile limits.
//! * [`HostTable`] is the list of host functions a guest *may* import, each written once for both back ends. What is not
//!   in the table cannot be linked, so the table is the guest's authority.
//! * [`Linked`] is a module whose imports are all resolved and type-checked; it is `Send + Sync` and makes instances.
//! * [`Instance`] is one guest. A [`Fault`] ends it; one of a resettable module can be put back to where it was marked
//!   ([`Instance::reset`]).
//!
//! What this crate must not know: descriptors, files, clocks, contracts. It hands a host function the guest's memory and
//! the data the instance was made with, nothing else.
//!
//! The attacks it stops: a guest that does not return ([`Bounds::stop`]), a guest that takes more memory than it was
//! given (all memories and tables are charged to one ledger), a host function that panics (caught at the call), a
//! compile that does not end ([`CompileLimits`]), and native code in the cache that this user did not compile
//! ([`Cache`]).

mod backend;
pub mod bare;
mod boundary;
mod bounds;
mod cache;
mod config;
mod ctx;
mod engine;
mod error;
mod fault;
mod host;
mod instance;
mod limiter;
mod linked;
mod memory;
mod module;
mod places;
mod private;
mod reset;
mod ticker;
mod touched;
mod value;

pub use backend::BackendKind;
pub use boundary::{Listener, Player, Recorder, Step};
pub use bounds::{Bounds, Deadlines};
pub use cache::{Cache, CacheStats};
pub use config::{Allocation, Choice, EngineConfig, IDLE_MAX};
pub use ctx::Ctx;
pub use engine::Engine;
pub use error::{LinkError, LoadError};
pub use fault::{Fault, FaultKind, Trap};
pub use host::{HostFn, HostFunc, HostRet, HostTable, HostVal, Reach};
pub use instance::{Func, Instance, Params, Results};
pub use linked::Linked;
pub use memory::{Memory, OutOfBounds};
pub use module::{
    CompileLimits, Export, ExternType, FuncType, Import, Module, ModuleInfo, OWN_SECTION_BYTES_MAX,
    OwnSection, Section, accepted_features, wasm_from_text,
};
pub use private::{PrivateError, UserKey};
pub use value::{ValType, Value};
