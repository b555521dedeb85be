//! Uses of the network, recorded before anything leaves.

use super::error::{EgressError, EgressErrorKind};
use crate::audit::{Audit, Note, Target};

/// What a record is about, as it is shown.
pub(crate) struct Shown(pub(crate) String);

impl Target for Shown {
    fn text(&self) -> String {
        self.0.clone()
    }
}

/// A record under way.
pub(crate) struct Noted<'n, 'a>(&'n Note<'a>);

impl Noted<'_, '_> {
    /// Records that it is allowed, and about to happen. Errors: [`EgressErrorKind::Unrecorded`], and then it must not.
    pub(crate) fn allowed(&self) -> Result<(), EgressError> {
        self.0.allowed().map_err(|_| EgressError::new(EgressErrorKind::Unrecorded))
    }
}

/// Does something that is recorded: when `work` says that it is allowed, and when it fails.
pub(crate) fn recorded<'a, T>(
    audit: &'a Audit,
    what: &'static str,
    shown: &'a Shown,
    grant: Option<&'a str>,
    work: impl FnOnce(&Noted<'_, 'a>) -> Result<T, EgressError>,
) -> Result<T, EgressError> {
    let mut failed = None;
    let mut worked = false;
    let done = audit.watch(what, shown, |note| {
        note.grant(grant);
        let done = work(&Noted(note));
        worked = true;
        done.map_err(|error| {
            let os = error.os();
            failed = Some(error);
            os
        })
    });
    done.map_err(|error| match failed {
        Some(error) => error,
        None if worked => EgressError::new(EgressErrorKind::Unrecorded),
        None => error.into(),
    })
}
