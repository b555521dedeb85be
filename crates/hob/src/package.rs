//! Packages: checked before anything of them runs.
//!
//! ```
//! let dir = tempfile::tempdir().unwrap();
//! std::fs::write(dir.path().join("m.wat"), "(module)").unwrap();
//! let checked = hob::package::check(&dir.path().join("m.wat"));
//! assert!(checked.report.valid && checked.report.reaches.is_empty());
//! ```

use std::path::Path;

use crate::error::{Error, ErrorKind};

pub use hob_package::{
    Checked, Export, Format, Kind, LimitsPatch, Origin, Package, Problem, Report, Schema, SchemaError,
    Violation, asks, check,
};

/// Reads a package that has no problems.
///
/// ```
/// let error = hob::package::open("no/such/package").err().unwrap();
/// assert!(matches!(error.kind(), hob::ErrorKind::Package(problems) if problems.len() == 1));
/// ```
///
/// # Errors
///
/// Every problem of the package, when it has any.
pub fn open(path: impl AsRef<Path>) -> Result<Package, Error> {
    let checked = check(path.as_ref());
    checked.package.ok_or_else(|| Error::new(ErrorKind::Package(checked.report.problems)))
}

/// Holds bytes that must be JSON against a schema. Whoever reads the bytes after this reads what was checked: an object
/// that names a key twice is refused.
pub(crate) fn fits(schema: &Schema, bytes: &[u8], input: bool) -> Result<(), Error> {
    let value = hob_package::strict_json(bytes).map_err(|error| {
        Error::new(ErrorKind::Json { input, why: hob_cap::escape_guest_text(&error.to_string(), 200) })
    })?;
    schema.validate(&value).map_err(|violation| Error::new(ErrorKind::Schema { input, violation }))
}
