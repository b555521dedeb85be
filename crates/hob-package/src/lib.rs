//! Packages: read, checked, and described, before anything of them runs.
//!
//! A package is what people exchange: a module, what it is for, what it asks for, and what it takes and gives. Three
//! formats are read (Scoot's, Samuel's and hob's own) and a module alone; all become one [`Package`].
//!
//! ```text
//! a path ──files──▶ bytes, each read once ──scoot | samuel | hob_toml | bare──▶ Package + Problems ──module, schema──▶ Report
//! ```
//!
//! Promises:
//!
//! * Nothing is run, and nothing outside the package is read: names are resolved inside the open directory, and a link
//!   that leads out is refused.
//! * Every file is read once. What was checked is what is used.
//! * All problems are found, each with file, line and rule; a package has none of them.
//! * A package is granted at most what it asks for.
//!
//! What this crate must not know: how guests run, where packages come from, the command line.

mod bare;
mod digest;
mod files;
mod hob_toml;
mod json;
mod limits;
mod manifest;
mod model;
mod module;
mod paths;
mod problem;
mod report;
mod samuel;
mod schema;
mod scoot;

pub use json::strict as strict_json;
pub use limits::LimitsPatch;
pub use model::{Export, Format, Kind, Package};
pub use problem::{Origin, Problem, Rule};
pub use report::{Checked, Report, asks, check};
pub use samuel::{ManifestCaps, check_manifest as check_samuel_manifest};
pub use schema::{Schema, SchemaError, Violation};
pub use scoot::{Structure, structure};
