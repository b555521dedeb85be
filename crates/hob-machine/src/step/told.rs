//! What a machine is told of what failed, by the W3C's rules: an event whose data say why, and where in the source.

use serde_json::{Map, Value};

use super::raised::Raised;
use super::{Stepper, Stepping};
use crate::binding::ContentFailure;
use crate::error::StepError;
use crate::name::Name;
use crate::origin::{EventKind, Origin};
use crate::position::Position;

/// Raised when a guard has no answer, and when something that a state or a transition lists fails.
const ERROR_EXECUTION: &str = "error.execution";

/// What failed: its element, and where it stood.
pub(super) type Failing<'t> = (&'t str, Option<Position>);

impl ContentFailure {
    /// An `error.execution`. `tag` is the element that failed.
    #[must_use]
    pub fn execution(reason: String, tag: &str, position: Option<Position>) -> Self {
        let mut data = Map::new();
        data.insert("reason".into(), reason.as_str().into());
        data.insert("tagname".into(), tag.into());
        if let Some(Position { line, column }) = position {
            data.insert("line".into(), line.into());
            data.insert("column".into(), column.into());
        }
        Self { reason, event: Name::from(ERROR_EXECUTION), data: Value::Object(data), send_id: None }
    }
}

impl Stepper<'_> {
    /// Whether something failed; that is an event then.
    pub(super) fn is_told(&mut self, done: Stepping, failing: Failing<'_>) -> Stepping<bool> {
        match done {
            Ok(()) => Ok(false),
            Err(StepError::ActionFailed { cause, .. } | StepError::AssignFailed { cause, .. }) => {
                self.tell(cause, failing);
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// Raises the event for a failure: what the content itself says of it, else the cause. Of a machine whose source nobody
    /// knows, the cause is all there is.
    pub(super) fn tell(&mut self, cause: String, (tag, position): Failing<'_>) {
        let failure = self.failure.take().map(|failure| *failure);
        let ContentFailure { event, data, send_id, .. } = match failure {
            Some(failure) => failure,
            None if position.is_none() => ContentFailure {
                data: cause.as_str().into(),
                ..ContentFailure::execution(cause, tag, position)
            },
            None => ContentFailure::execution(cause, tag, position),
        };
        self.note(|_| format!("raise.{event}"));
        let origin = Origin { send_id, ..Origin::of_kind(EventKind::Platform) };
        self.raised.push(Raised { event, data: Some(data), origin });
    }
}
