//! DOT, for Graphviz.
//!
//! A state with others inside, and a region, is a cluster with an invisible point in it: arrows that begin or end at the state
//! itself begin or end at the point, and are clipped at the cluster.

use super::sketch::{From, Shape, Sketch};
use crate::chart::Kind;
use crate::document::model::History;

pub(super) fn write(sketch: &Sketch) -> String {
    let name = sketch.shapes.first().map(|shape| shape.name.as_str()).unwrap_or_default();
    let mut writer = Writer { sketch, starts: vec![false; sketch.shapes.len()], text: String::new() };
    for arrow in &sketch.arrows {
        if let From::Start(shape) = arrow.from
            && let Some(start) = writer.starts.get_mut(shape)
        {
            *start = true;
        }
    }
    writer.line(0, &format!("digraph \"{}\" {{", escape(name)));
    writer.line(1, "compound=true");
    writer.line(1, "fontname=\"Helvetica\"");
    writer.line(1, "node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"Helvetica\"]");
    writer.line(1, "edge [fontname=\"Helvetica\", fontsize=10]");
    writer.inside(0, 1);
    for arrow in &sketch.arrows {
        let (from, tail) = match arrow.from {
            From::Start(shape) => (format!("start{shape}"), None),
            From::Shape(shape) => {
                (format!("s{shape}"), Some(shape).filter(|shape| writer.is_cluster(*shape)))
            }
        };
        let head = Some(arrow.to).filter(|shape| writer.is_cluster(*shape));
        let labels: Vec<String> = arrow.labels.iter().map(|label| escape(&label.line())).collect();
        let mut attributes = Vec::new();
        if !labels.is_empty() {
            attributes.push(format!("label=\"{}\"", labels.join("\\n")));
        }
        // An arrow from a state to itself or to what is inside it, or back, cannot be clipped at it.
        let inside = |inner: usize, outer: usize| sketch.is_within(inner, outer);
        if let Some(tail) = tail.filter(|tail| !inside(arrow.to, *tail)) {
            attributes.push(format!("ltail=cluster_s{tail}"));
        }
        let (From::Shape(source) | From::Start(source)) = arrow.from;
        if let Some(head) = head.filter(|head| !inside(source, *head)) {
            attributes.push(format!("lhead=cluster_s{head}"));
        }
        if arrow.default {
            attributes.push("style=dashed".into());
        }
        let attributes =
            if attributes.is_empty() { String::new() } else { format!(" [{}]", attributes.join(", ")) };
        writer.line(1, &format!("{from} -> s{}{attributes}", arrow.to));
    }
    writer.line(0, "}");
    writer.text
}

struct Writer<'a> {
    sketch: &'a Sketch,
    /// Whether a shape says where it begins.
    starts: Vec<bool>,
    text: String,
}

impl Writer<'_> {
    fn line(&mut self, depth: usize, line: &str) {
        self.text.push_str(&"  ".repeat(depth));
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn is_cluster(&self, shape: usize) -> bool {
        self.sketch.shapes.get(shape).is_some_and(|shape| !shape.children.is_empty())
    }

    /// What is inside a shape. How deep shapes nest is bounded by the document.
    fn inside(&mut self, shape: usize, depth: usize) {
        let sketch = self.sketch;
        if self.starts.get(shape) == Some(&true) {
            self.line(
                depth,
                &format!("start{shape} [shape=point, width=0.15, style=filled, fillcolor=black, label=\"\"]"),
            );
        }
        let children = sketch.shapes.get(shape).map(|shape| shape.children.as_slice()).unwrap_or_default();
        for number in children {
            let Some(child) = sketch.shapes.get(*number) else { continue };
            let title = title(child);
            let colour = if child.active { ", color=\"#16a34a\", penwidth=2" } else { "" };
            if child.children.is_empty() {
                let fill = if child.active { ", fillcolor=\"#dcfce7\"" } else { "" };
                let shape = match child.kind {
                    Kind::Final => ", peripheries=2",
                    Kind::History(_) => ", shape=circle",
                    _ => "",
                };
                self.line(depth, &format!("s{number} [label=\"{title}\"{shape}{colour}{fill}]"));
                continue;
            }
            self.line(depth, &format!("subgraph cluster_s{number} {{"));
            let style = if child.kind == Kind::Region { "dashed" } else { "rounded" };
            self.line(depth + 1, &format!("graph [label=\"{title}\", style={style}{colour}]"));
            self.line(depth + 1, &format!("s{number} [shape=point, style=invis, label=\"\"]"));
            self.inside(*number, depth + 1);
            self.line(depth, "}");
        }
    }
}

fn title(shape: &Shape) -> String {
    let name = escape(&shape.name);
    let mut title = match shape.kind {
        Kind::History(History::Shallow) => format!("H\\n{name}"),
        Kind::History(History::Deep) => format!("H*\\n{name}"),
        _ => name,
    };
    for line in &shape.lines {
        title.push_str("\\n");
        title.push_str(&escape(line));
    }
    title
}

/// For a quoted string: a backslash begins an escape there, and an ampersand an entity.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '&' => escaped.push_str("&amp;"),
            _ if char.is_control() => escaped.push('\u{fffd}'),
            _ => escaped.push(char),
        }
    }
    escaped
}
