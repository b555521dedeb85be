//! What passes between a process and its worker: one request, one reply, both JSON.

use serde::{Deserialize, Serialize};

use crate::error::Refusal;
use crate::limits::{ConfigLimit, Limits};
use crate::source::Source;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Is this a contract?
    Contract,
    /// What becomes of the configuration under the contract?
    Check,
}

/// A request, as it is sent.
#[derive(Serialize)]
pub(crate) struct Request<'a> {
    pub(crate) task: Task,
    pub(crate) contract: &'a Source,
    pub(crate) config: Option<&'a Source>,
    pub(crate) grants: &'a [Source],
    pub(crate) limits: Limits,
}

/// A request, as it is read.
#[cfg(feature = "worker")]
#[derive(Deserialize)]
pub(crate) struct Asked {
    pub(crate) task: Task,
    pub(crate) contract: Source,
    pub(crate) config: Option<Source>,
    pub(crate) grants: Vec<Source>,
    pub(crate) limits: Limits,
}

/// A reply.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// The result, as JSON.
    Done(String),
    /// Nickel refused.
    Refused { refusal: Refusal, message: String },
    /// The worker noticed itself that something is too much.
    Limit { limit: ConfigLimit },
}
