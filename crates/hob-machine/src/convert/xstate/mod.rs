//! The JSON of XState machines, version 5: what `createMachine` takes, as far as it is data.
//!
//! A machine that comes from XState steps by the rules of SCXML, which XState's are made after (`meta["hob.semantics"]`). A state
//! is called after its `id`, else its key, else its path when the key is there twice; `meta["hob.key"]` keeps the key. A root
//! that has transitions, actions or regions of its own becomes a state around all others.
//!
//! | in XState | here |
//! |---|---|
//! | guards `{type, params}` | named guards |
//! | guards `xstate.and`, `xstate.or`, `xstate.not` with `guards`, `xstate.stateIn` | guard expressions |
//! | guard `hob.expr` | a guard expression, as it stands under `params.expr` |
//! | actions `xstate.raise`, `sendTo`, `sendParent`, `forwardTo`, `cancel`, `spawnChild`, `stopChild` | the actions every machine has |
//! | `xstate.assign` | a change of the context of that name, which the host has to bind |
//! | `after` of a number, `always`, `onDone`, `invoke` | transitions with the events that XState raises for them |
//! | everything else | kept as it stands under `meta["hob.xstate"]` |

mod actions;
mod guards;
mod names;
mod read;
mod states;
mod tree;
mod write;

pub use read::import;
pub use write::export;

/// The key under XState's `meta` that keeps a name which cannot be an id.
const NAME: &str = "hob.name";
