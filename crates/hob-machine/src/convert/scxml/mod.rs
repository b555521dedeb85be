//! State Chart XML, as the W3C recommends it (1 September 2015): the structure, and of what is executed the part that needs no
//! data model.
//!
//! A machine that comes from SCXML steps by the rules of SCXML (`meta["hob.semantics"]`). Its states keep their ids. Each child
//! of a parallel state is a region of the same name with that one state in it. A transition re-enters unless its type is
//! internal; one without target names its own state and is internal.
//!
//! | executable content | here |
//! |---|---|
//! | `raise` | the action `hob.raise` |
//! | `send` of a literal event to the session itself | the action `hob.schedule`, with its delay or none |
//! | the second `onentry` or `onexit` of a state | the action `hob.block` before it |
//! | `cancel` of a literal id | the action `crucible.cancel` |
//! | everything else | an action of the element's name behind `scxml.`, with its attributes as parameters |
//! | `cond` of `In()`, `true`, `false`, `!`, `&&`, `||` | a guard expression |
//! | other `cond` | the guard `scxml.cond` with the text |
//! | `invoke` of a session | an invocation, which the data model starts; of another type, a service of the host |
//! | `datamodel` of a state that is bound late | the action `scxml.data`, first of its entry |
//! | `donedata` | `meta["hob.scxml"]` of the final state |
//! | `datamodel`, `script` at the top | `meta["hob.scxml"]`, for whoever brings a data model |
//!
//! What can fail keeps the line and the column that it stood at, as `hob.at`; an export has no use for it.

mod cond;
mod content;
mod delay;
mod read;
mod states;
mod write;
mod xml;

pub use read::{import, import_with};
pub use write::export;

pub(crate) use delay::parse as delay;

/// The namespace of SCXML.
const NAMESPACE: &str = "http://www.w3.org/2005/07/scxml";

/// The namespace of what SCXML has no element for.
const OWN_NAMESPACE: &str = "urn:hob:machine";
