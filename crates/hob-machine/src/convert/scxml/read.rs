//! From SCXML to a document.

use super::super::Converted;
use super::super::make::Object;
use super::content::stood;
use super::states::{Fetch, Reader};
use super::xml;
use crate::document::Document;
use crate::json::Json;
use crate::problem::{Problem, Refused};

/// Reads a machine. Errors: text that is no XML, is over the limits, has a document type declaration, or is no `<scxml>`.
///
/// ```
/// use hob_machine::convert::scxml;
///
/// let machine = scxml::import(r#"<scxml xmlns="http://www.w3.org/2005/07/scxml"><state id="a"/></scxml>"#)?;
/// assert!(machine.notes.is_empty());
/// # Ok::<(), hob_machine::Refused>(())
/// ```
pub fn import(text: &str) -> Result<Converted<Document>, Refused> {
    read(text, None)
}

/// As [`import`], with what `<data>`, `<script>` and `<invoke>` name by `src` in its place. `fetch` is given what `src` says and
/// returns the text, or why there is none; that is a note, and the name is kept. What a machine can read is for its caller to
/// decide: nothing is fetched here.
pub fn import_with(
    text: &str,
    mut fetch: impl FnMut(&str) -> Result<String, String>,
) -> Result<Converted<Document>, Refused> {
    read(text, Some(&mut fetch))
}

fn read<'f>(text: &str, fetch: Option<&'f mut Fetch<'f>>) -> Result<Converted<Document>, Refused> {
    let document = xml::parse(text)?;
    let root = document.root_element();
    if xml::name(root) != Some("scxml") {
        let message = format!("the outermost element is <{}> and not <scxml>", root.tag_name().name());
        return Err(Refused(vec![Problem::error("not_scxml", xml::place(root), message)]));
    }
    let mut reader = Reader::new(root, fetch);
    reader.leftover(root, &["initial", "name", "datamodel", "binding", "version"]);
    let mut machine = Object::new();
    machine.put("schemaVersion", "1.0");
    machine.put("name", root.attribute("name").unwrap_or("scxml"));
    machine.put("hasInitial", true);
    machine.meta("hob.semantics", "scxml");
    let mut scripts = Vec::new();
    for child in xml::elements(root) {
        match xml::name(child) {
            Some("state" | "parallel" | "final") => {}
            Some("datamodel") => {
                let data = reader.datamodel(child);
                reader.data.extend(data);
            }
            Some("script") => {
                scripts.push(stood(reader.script(child), child));
                let message = "<script> is kept in meta for a data model, and not run";
                reader.note(Problem::warning("data_model", xml::place(child), message));
            }
            _ => reader.unknown(child),
        }
    }
    let mut initial =
        root.attribute("initial").map(|text| reader.named_targets(root, text)).unwrap_or_default();
    if initial.is_empty() {
        let first = xml::elements(root)
            .find(|child| matches!(xml::name(*child), Some("state" | "parallel" | "final")));
        initial.extend(first.map(|first| reader.name_of(first)));
    }
    machine.put("initial", initial.first().map(String::as_str));
    if initial.len() > 1 {
        machine.meta("hob.initial", initial);
    }
    machine.put("states", reader.states(root));
    let (data, notes) = reader.finish();
    let mut kept = Object::new();
    kept.put("datamodel", root.attribute("datamodel"));
    kept.put("binding", root.attribute("binding"));
    kept.put("data", data);
    kept.put("script", scripts);
    machine.meta("hob.scxml", kept);
    let document = Document::from_json(Json::Object(machine.0))?;
    Ok(Converted { result: document, notes })
}
