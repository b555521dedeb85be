//! Errors of a kernel, as the facade tells them.

use hob_engine::Fault;
use hob_os::OsError;

use crate::error::{Error, ErrorKind};

/// What failed to be done to what, and why.
pub(super) fn failed(what: &str, error: OsError) -> Error {
    match error {
        OsError::Stopped(reason) => Fault::from(reason).into(),
        OsError::Limit(limit) => Fault::from(limit).into(),
        OsError::Errno(errno) => Error::new(ErrorKind::Shell { what: what.into(), errno }),
    }
}
