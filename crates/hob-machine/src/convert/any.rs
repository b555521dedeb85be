//! Text whose format is found in it.

use super::{Converted, scxml, xstate};
use crate::document::Document;
use crate::json::Json;
use crate::problem::Refused;

/// A format that machines are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The machine JSON that hob runs.
    Crucible,
    /// SCXML.
    Scxml,
    /// The JSON of XState, version 5.
    Xstate,
}

impl Format {
    /// XML is SCXML; JSON whose states are an object is XState's.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
            return Self::Scxml;
        }
        match Json::parse(text) {
            Ok(Json::Object(fields)) if matches!(fields.get("states"), Some(Json::Object(_))) => Self::Xstate,
            _ => Self::Crucible,
        }
    }
}

/// Reads a machine in any of the formats, and says which it was. Errors: those of the format.
///
/// ```
/// use hob_machine::convert::{self, Format};
///
/// let text = "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0'><state id='on'/></scxml>";
/// let (format, machine) = convert::read(text)?;
/// assert_eq!((format, machine.notes.len()), (Format::Scxml, 0));
/// # Ok::<(), hob_machine::Refused>(())
/// ```
pub fn read(text: &str) -> Result<(Format, Converted<Document>), Refused> {
    let format = Format::of(text);
    let read = match format {
        Format::Crucible => Document::parse(text).map(|result| Converted { result, notes: Vec::new() }),
        Format::Scxml => scxml::import(text),
        Format::Xstate => xstate::import(text),
    };
    read.map(|read| (format, read))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_apart() {
        let check = |text: &str, expected: Format| assert_eq!(Format::of(text), expected, "{text:?}");
        check("<scxml/>", Format::Scxml);
        check("\u{feff}\n <?xml version='1.0'?>", Format::Scxml);
        check(r#"{"states": {"a": {}}}"#, Format::Xstate);
        check(r#"{"states": [{"name": "a"}]}"#, Format::Crucible);
        check(r#"{"name": "m"}"#, Format::Crucible);
        check("no machine", Format::Crucible);
        check("", Format::Crucible);
    }
}
