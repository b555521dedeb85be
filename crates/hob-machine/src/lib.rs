//! Statecharts whose decisions are sandboxed.
//!
//! A machine is a [`Document`]: data that can be read, checked, compared, drawn and converted. Loaded it is a [`Chart`], with
//! every problem named by its place; bound to the functions it names it is a [`Machine`]; started it is an [`Instance`], of
//! which there may be many. A step takes an event and returns [`Effect`]s, which are data too.
//!
//! This crate knows no clock, no input or output and no WebAssembly. Time comes in as numbers, and what a machine wants done
//! goes out as effects; guards, actions and changes of the context are functions that somebody else brings.
//!
//! ```
//! use hob_machine::{Chart, Document, Instance, Machine, Registry};
//! use serde_json::json;
//!
//! let document = Document::parse(r#"{"name": "door", "initial": "shut", "hasInitial": true, "states": [
//!     {"name": "shut", "transitions": [{"from": "shut", "to": "open", "on": "push", "guards": [{"name": "unlocked"}]}]},
//!     {"name": "open", "transitions": [{"from": "open", "to": "shut", "on": "pull"}]}]}"#)?;
//! let registry = Registry::new().guard("unlocked", |call| Ok(call.context["locked"] == false));
//! let machine = Machine::bind(Chart::load(&document)?, &registry)?;
//! let (mut door, _) = Instance::start(&machine, json!({"locked": false}))?;
//! door.fire(&"push".into())?;
//! assert_eq!(door.configuration(), ["open".into()]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod analysis;
mod binding;
mod builtin;
pub mod chart;
pub mod convert;
pub mod diff;
pub mod document;
pub mod driver;
pub mod ecmascript;
mod effect;
mod error;
pub mod guard;
mod instance;
pub mod journal;
pub mod json;
mod name;
mod origin;
mod position;
mod problem;
pub mod render;
pub mod snapshot;
mod step;
mod trace;
mod weight;

pub use binding::{Action, Assign, Call, Content, ContentFailure, Failure, Guard, Here, Machine, Registry};
pub use builtin::is_reserved;
pub use chart::{Chart, Semantics};
pub use document::Document;
pub use effect::{Effect, Sending, Start};
pub use error::StepError;
pub use instance::Instance;
pub use name::Name;
pub use origin::{EventKind, Origin};
pub use position::Position;
pub use problem::{Problem, Refused, Severity};
pub use step::{Event, Failed, Limits, Step};
pub use trace::{Outcome, Trace};
pub use weight::VALUE_DEPTH_MAX;
