//! From a file to a chart: which format it is in is found in the file.

use std::io::Read;
use std::path::Path;

use hob::machine::convert::{self, Converted};
use hob::machine::{Chart, Document, Problem, Refused, Semantics};

use super::args::{Format, Rules, SourceArgs};
use crate::report::{Failure, HOST};

/// How many bytes a file may have.
const BYTES_MAX: u64 = 8 << 20;

/// A document, and what did not map when it was converted.
pub(super) struct Source {
    pub(super) document: Document,
    pub(super) format: Format,
    pub(super) notes: Vec<Problem>,
}

pub(super) fn text(file: &Path) -> Result<String, Failure> {
    let failed =
        |error: std::io::Error| Failure::new(127, format!("failed to read {}: {error}", file.display()));
    let mut text = String::new();
    let mut reader: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).map_err(failed)?)
    };
    reader.by_ref().take(BYTES_MAX + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > BYTES_MAX {
        return Err(Failure::new(HOST, format!("{} has more than {BYTES_MAX} bytes", file.display())));
    }
    Ok(text)
}

pub(super) fn read(file: &Path) -> Result<Source, Failure> {
    parse(&text(file)?).map_err(|refused| refusal(file, &refused))
}

pub(super) fn parse(text: &str) -> Result<Source, Refused> {
    let (format, Converted { result, notes }) = convert::read(text)?;
    let format = match format {
        convert::Format::Crucible => Format::Crucible,
        convert::Format::Scxml => Format::Scxml,
        convert::Format::Xstate => Format::Xstate,
    };
    Ok(Source { document: result, format, notes })
}

/// The chart of a file, by the rules that were asked for.
pub(super) fn chart(args: &SourceArgs) -> Result<Chart, Failure> {
    let source = read(&args.file)?;
    load(&source.document, args.semantics).map_err(|refused| refusal(&args.file, &refused))
}

pub(super) fn load(document: &Document, rules: Option<Rules>) -> Result<Chart, Refused> {
    match rules {
        None => Chart::load(document),
        Some(rules) => Chart::load_as(
            document,
            match rules {
                Rules::Hob => Semantics::Hob,
                Rules::Crucible => Semantics::Crucible,
                Rules::Scxml => Semantics::Scxml,
            },
        ),
    }
}

/// Every error, one on a line.
pub(super) fn refusal(file: &Path, refused: &Refused) -> Failure {
    let errors = refused.0.iter().filter(|problem| problem.is_error());
    let mut text: String = errors.map(|problem| format!("\n  {}", shown(problem))).collect();
    if refused.0.iter().any(|problem| problem.code == "unbound") {
        text += "\nname what is not bound: --guard NAME=MODULE|true|false, --assign NAME=MODULE|none";
    }
    Failure::new(HOST, format!("{} is refused:{text}", file.display()))
}

/// A problem, with what a document says made harmless.
pub(super) fn shown(problem: &Problem) -> String {
    hob::escape_guest_text(&problem.to_string(), 2000)
}
