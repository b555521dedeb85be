//! Mermaid's `stateDiagram-v2`.
//!
//! States are named `s1`, `s2`, …, and called what they are called by labels, in which everything that is not plain is written
//! as a character code. Mermaid has no history states: they are states whose label begins with `(H)` or `(H*)`.

use super::sketch::{Arrow, From, Shape, Sketch};
use crate::chart::Kind;
use crate::document::model::History;

pub(super) fn write(sketch: &Sketch) -> String {
    let mut writer = Writer { sketch, starts: vec![Vec::new(); sketch.shapes.len()], text: String::new() };
    for arrow in &sketch.arrows {
        if let From::Start(shape) = arrow.from
            && let Some(starts) = writer.starts.get_mut(shape)
        {
            starts.push(arrow.to);
        }
    }
    writer.text.push_str("stateDiagram-v2\n");
    writer.inside(0, 1);
    for arrow in &sketch.arrows {
        writer.arrow(arrow);
    }
    let numbered = (1..).zip(sketch.shapes.iter().skip(1));
    let active = numbered.filter(|(_, shape)| shape.active && shape.kind != Kind::Region);
    let active: Vec<String> = active.map(|(number, _)| format!("s{number}")).collect();
    if !active.is_empty() {
        writer.line(1, "classDef active fill:#dcfce7,stroke:#16a34a,stroke-width:2px,color:#14532d");
        writer.line(1, &format!("class {} active", active.join(",")));
    }
    writer.text
}

struct Writer<'a> {
    sketch: &'a Sketch,
    /// Where each shape begins.
    starts: Vec<Vec<usize>>,
    text: String,
}

impl Writer<'_> {
    fn line(&mut self, depth: usize, line: &str) {
        self.text.push_str(&"  ".repeat(depth));
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// What is inside a shape. How deep shapes nest is bounded by the document.
    fn inside(&mut self, shape: usize, depth: usize) {
        let sketch = self.sketch;
        for start in self.starts.get(shape).cloned().unwrap_or_default() {
            self.line(depth, &format!("[*] --> s{start}"));
        }
        let children = sketch.shapes.get(shape).map(|shape| shape.children.as_slice()).unwrap_or_default();
        for (place, number) in children.iter().enumerate() {
            let Some(child) = sketch.shapes.get(*number) else { continue };
            if child.kind == Kind::Region {
                if place > 0 {
                    self.line(depth, "--");
                }
                self.line(depth, &format!("%% region {}", escape(&child.name)));
                self.inside(*number, depth);
                continue;
            }
            self.line(depth, &format!("state \"{}\" as s{number}", title(child)));
            if child.kind == Kind::Final {
                self.line(depth, &format!("s{number} --> [*]"));
            }
            if !child.children.is_empty() {
                self.line(depth, &format!("state s{number} {{"));
                self.inside(*number, depth + 1);
                self.line(depth, "}");
            }
        }
    }

    fn arrow(&mut self, arrow: &Arrow) {
        let From::Shape(from) = arrow.from else { return };
        let to = arrow.to;
        if arrow.labels.is_empty() {
            let label = if arrow.default { " : default" } else { "" };
            self.line(1, &format!("s{from} --> s{to}{label}"));
        }
        for label in &arrow.labels {
            self.line(1, &format!("s{from} --> s{to} : {}", escape(&label.line())));
        }
    }
}

/// What a state is called, and what it does.
fn title(shape: &Shape) -> String {
    let mark = match shape.kind {
        Kind::History(History::Shallow) => "(H) ",
        Kind::History(History::Deep) => "(H*) ",
        _ => "",
    };
    let mut title = format!("{mark}{}", escape(&shape.name));
    // A state with others inside has one line.
    if shape.children.is_empty() {
        for line in &shape.lines {
            title.push_str("<br/>");
            title.push_str(&escape(line));
        }
    }
    title
}

/// Letters, digits and a few signs as they are, everything else by its number.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            ' ' | '_' | '.' | ',' | '(' | ')' | '/' | '=' | '*' | '\u{2026}' => escaped.push(char),
            _ if char.is_alphanumeric() => escaped.push(char),
            _ if char.is_control() => escaped.push('\u{fffd}'),
            _ => escaped.push_str(&format!("#{};", u32::from(char))),
        }
    }
    escaped
}
