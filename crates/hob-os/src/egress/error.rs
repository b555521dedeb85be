//! Why a request was not made, or not answered.

use std::fmt;

use hob_cap::{LimitExceeded, StopReason};

use crate::{Errno, OsError};

/// Why a request was not made, or not answered. One pointer wide.
#[derive(Clone, Debug, PartialEq)]
pub struct EgressError(Box<EgressErrorKind>);

/// The kinds of failure.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EgressErrorKind {
    /// No grant covers it. The text says what, and the flag that would allow it.
    Denied(String),
    /// A grant covers the name, and it leads to an address that is not public and that no grant names.
    Address(String),
    /// The request is malformed.
    BadRequest(String),
    /// The name does not resolve.
    NotFound(String),
    /// No connection came about, or it broke.
    Connect(String),
    /// The machine refused.
    Os(Errno),
    /// The server could not prove who it is, or TLS failed otherwise.
    Tls(String),
    /// The server did not speak HTTP as it must.
    Protocol(String),
    /// A redirect that is not followed.
    Redirect(String),
    /// A limit was reached.
    Limit(LimitExceeded),
    /// The guest was stopped.
    Stopped(StopReason),
    /// The use of authority could not be written down, so it was not made.
    Unrecorded,
}

impl EgressError {
    pub(crate) fn new(kind: EgressErrorKind) -> Self {
        Self(Box::new(kind))
    }

    /// What happened.
    #[must_use]
    pub fn kind(&self) -> &EgressErrorKind {
        &self.0
    }

    /// Whether it was refused, rather than tried and failed.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        matches!(*self.0, EgressErrorKind::Denied(_) | EgressErrorKind::Address(_))
    }

    /// The error as the rest of the world knows it.
    #[must_use]
    pub fn os(&self) -> OsError {
        match &*self.0 {
            EgressErrorKind::Denied(_) | EgressErrorKind::Address(_) => Errno::NotCapable.into(),
            EgressErrorKind::BadRequest(_) => Errno::Inval.into(),
            EgressErrorKind::NotFound(_) => Errno::Noent.into(),
            EgressErrorKind::Connect(_) => Errno::ConnRefused.into(),
            EgressErrorKind::Os(errno) => (*errno).into(),
            EgressErrorKind::Tls(_) | EgressErrorKind::Protocol(_) | EgressErrorKind::Redirect(_) => {
                Errno::Proto.into()
            }
            EgressErrorKind::Limit(limit) => OsError::Limit(*limit),
            EgressErrorKind::Stopped(reason) => OsError::Stopped(*reason),
            EgressErrorKind::Unrecorded => Errno::Io.into(),
        }
    }
}

impl std::error::Error for EgressError {}

impl fmt::Display for EgressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            EgressErrorKind::Denied(text) | EgressErrorKind::Address(text) => f.write_str(text),
            EgressErrorKind::BadRequest(why) => write!(f, "the request is malformed: {why}"),
            EgressErrorKind::NotFound(name) => write!(f, "the name `{name}` does not resolve"),
            EgressErrorKind::Connect(why) => write!(f, "the connection failed: {why}"),
            EgressErrorKind::Os(errno) => write!(f, "the connection failed: {errno}"),
            EgressErrorKind::Tls(why) => write!(f, "the server could not be trusted: {why}"),
            EgressErrorKind::Protocol(why) => write!(f, "the server did not speak HTTP as it must: {why}"),
            EgressErrorKind::Redirect(why) => write!(f, "a redirect is not followed: {why}"),
            EgressErrorKind::Limit(limit) => limit.fmt(f),
            EgressErrorKind::Stopped(reason) => write!(f, "the guest was stopped: {reason:?}"),
            EgressErrorKind::Unrecorded => {
                f.write_str("the request could not be written to the audit log, so it was not made")
            }
        }
    }
}

impl From<LimitExceeded> for EgressError {
    fn from(limit: LimitExceeded) -> Self {
        Self::new(EgressErrorKind::Limit(limit))
    }
}

impl From<OsError> for EgressError {
    fn from(error: OsError) -> Self {
        Self::new(match error {
            OsError::Stopped(reason) => EgressErrorKind::Stopped(reason),
            OsError::Limit(limit) => EgressErrorKind::Limit(limit),
            OsError::Errno(errno) => EgressErrorKind::Os(errno),
        })
    }
}

pub(crate) fn bad(why: impl Into<String>) -> EgressError {
    EgressError::new(EgressErrorKind::BadRequest(why.into()))
}
