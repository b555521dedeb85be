//! A data model for machines that come from SCXML: a small part of ECMAScript, as functions of the host.
//!
//! The kernel knows nothing of it: [`register`] adds the guard `scxml.cond` and the executable content whose names begin with
//! `scxml.` to a registry, and [`begin`] works out the first context from what the import kept. All values are JSON, so a
//! context can be kept and compared as any other; `undefined` and `null` are the same once they are stored.
//!
//! There is: numbers, strings, booleans, arrays, objects, the operators, assignment, `var`, `if`, functions that return a
//! value, `In()`, `instanceof Array` and `Object`, `Math.pow`, `JSON.stringify`, `isNaN`, `concat`, `indexOf`. A function
//! is a value that is stored as it is written; `new` runs one with an object as `this`. There is not: prototypes, closures, loops,
//! exceptions, regular expressions, dates, and anything that reaches the world. What is not there
//! is an error, which SCXML makes an event of.
//!
//! Stops: an expression that does not end, grows without bound, or nests too deeply; variables that grow together without
//! bound; writing what is the model's own.

mod begin;
mod bounds;
mod call;
mod content;
mod globals;
mod lex;
mod parse;
mod part;
mod run;
mod send;
mod session;
mod value;

use serde_json::Value;

use crate::chart::Chart;
use crate::document::Document;

pub use begin::{begin, begin_session, begin_with};
pub use content::register;
pub use session::{bound_session, session, sessions};

/// Whether a guard or an action of this name is the data model's.
#[must_use]
pub fn is_own(name: &str) -> bool {
    name.starts_with("scxml.")
}

/// Whether a machine came from SCXML and says something in its data model. Then it begins with [`begin`], and its names are
/// bound with [`register`].
#[must_use]
pub fn is_used(chart: &Chart, document: &Document) -> bool {
    let (machine, _) = document.read();
    let kept = machine.meta.get("hob.scxml");
    let holds =
        |key| kept.and_then(|kept| kept.get(key)).and_then(Value::as_array).is_some_and(|it| !it.is_empty());
    holds("data") || holds("script") || chart.guard_names().chain(chart.action_names()).any(is_own)
}
