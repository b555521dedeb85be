//! What comes of a line, and what is printed of it.

use hob_vat::{Problem, Ref, Standing, Turn, Value};

/// What comes of a line.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// This.
    Value(Value),
    /// What comes of this promise, when that is known.
    Wait(Ref),
    /// Text for the person.
    Text(String),
    /// No more lines.
    Quit,
}

/// What a person is shown of a value; nothing for none.
pub(crate) fn shown(value: &Value) -> Option<String> {
    (*value != Value::Undefined).then(|| value.to_string())
}

/// What a person is told of a reference.
pub(crate) fn standing(turn: &Turn, reference: Ref) -> Result<String, Problem> {
    Ok(match turn.standing(reference)? {
        Standing::Object(object) if object == reference => format!("{reference}, near"),
        Standing::Object(object) => format!("{reference}, kept: {object}, near"),
        Standing::Far(far) if far == reference => format!("{reference}, far"),
        Standing::Far(far) => format!("{reference}, kept: {far}, far"),
        Standing::Unresolved => format!("{reference}, not kept yet"),
        Standing::Value(value) => format!("{reference}, kept: {value}"),
        Standing::Broken(reason) => format!("{reference}, broken: {reason}"),
    })
}
