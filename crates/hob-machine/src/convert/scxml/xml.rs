//! XML as it comes from others: bounded, and without anything from outside the text.
//!
//! A document type declaration is refused, and with it every entity that expands; a parser that is asked for a file does
//! not exist here. Stops: entity bombs, reading of files, nesting that exhausts the stack.

use roxmltree::{Document, Node, ParsingOptions};

use super::super::{BYTES_MAX, DEPTH_MAX};
use super::{NAMESPACE, OWN_NAMESPACE};
use crate::problem::{Problem, Refused};

/// How many nodes a document may have.
const NODES_MAX: u32 = 1_000_000;

/// Parses. Errors: text that is too large, that is not well formed, or that has a document type declaration.
pub(super) fn parse(text: &str) -> Result<Document<'_>, Refused> {
    let refused = |code, at: String, message: String| Refused(vec![Problem::error(code, at, message)]);
    if text.len() > BYTES_MAX {
        let message = format!("the text has {} bytes; {BYTES_MAX} are allowed", text.len());
        return Err(refused("too_large", String::new(), message));
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::DtdDetected => {
            let message = "a document type declaration is not read: it could define entities";
            refused("dtd", String::new(), message.into())
        }
        error => {
            let place = error.pos();
            refused("not_xml", format!("{}:{}", place.row, place.col), error.to_string())
        }
    })?;
    let mut depth = 0_usize;
    let mut node = document.root();
    // Without recursion: how deep it goes is what is being found out.
    loop {
        if let Some(child) = node.first_child() {
            depth += 1;
            node = child;
        } else {
            while node.next_sibling().is_none() {
                let Some(parent) = node.parent() else { return Ok(document) };
                depth -= 1;
                node = parent;
            }
            let Some(next) = node.next_sibling() else { return Ok(document) };
            node = next;
        }
        if depth > DEPTH_MAX {
            let message = format!("elements nest deeper than {DEPTH_MAX}");
            return Err(refused("nesting", place(node), message));
        }
    }
}

/// Where a node stands: a line and a column.
pub(super) fn place(node: Node<'_, '_>) -> String {
    let place = node.document().text_pos_at(node.range().start);
    format!("{}:{}", place.row, place.col)
}

/// The name of an element of SCXML.
pub(super) fn name<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    let tag = node.is_element().then(|| node.tag_name())?;
    matches!(tag.namespace(), None | Some(NAMESPACE)).then(|| tag.name())
}

/// The name of an element of ours.
pub(super) fn own_name<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    let tag = node.is_element().then(|| node.tag_name())?;
    (tag.namespace() == Some(OWN_NAMESPACE)).then(|| tag.name())
}

/// The elements right inside.
pub(super) fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

/// What stands between the tags, as it was written.
pub(super) fn inner<'i>(node: Node<'_, 'i>) -> &'i str {
    let (Some(first), Some(last)) = (node.first_child(), node.last_child()) else { return "" };
    node.document().input_text().get(first.range().start..last.range().end).unwrap_or_default()
}

/// The text inside, entities and CDATA read.
pub(super) fn text(node: Node<'_, '_>) -> String {
    node.children().filter(Node::is_text).filter_map(|child| child.text()).collect()
}

/// Whether text can stand between two tags as it is.
pub(super) fn is_fragment(text: &str) -> bool {
    // Prefixes that others declare further out are not known here; such text is escaped.
    parse(&format!("<hob:a xmlns:hob=\"{OWN_NAMESPACE}\" xmlns=\"{NAMESPACE}\">{text}</hob:a>"))
        .is_ok_and(|document| document.root().children().count() == 1)
}

/// Text as it stands between quotes in an attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\r' | '\t' => escaped.push_str(&format!("&#{};", u32::from(c))),
            // No XML can hold the others that are no characters of it.
            c if u32::from(c) < 0x20 || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
