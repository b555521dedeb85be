//! SVG, from a layout.
//!
//! Boxes first, those around before those inside, then arrows, then dots; what is drawn later is on top. No `style` attributes,
//! no scripts, no references: the picture is shown where a strict content policy forbids all of these.

mod path;
mod style;
mod xml;

use super::layout::{LOOP, Layout, Line, Point, Rect};
use super::sketch::{Arrow, From, Shape, Sketch};
use super::words::{LINE, Part, Pill, SPACE, Words};
use super::{Svg, label};
use crate::chart::Kind;
use crate::document::model::History;
use xml::{Writer, number};

pub use style::STYLE;

/// Around everything.
const MARGIN: f64 = 8.0;
/// How many characters of something are told on hovering.
const TITLE_MAX: usize = 600;

pub(super) fn write(sketch: &Sketch, words: &Words, layout: &Layout, how: Svg) -> String {
    let canvas = layout.boxes.first().copied().unwrap_or_default();
    let (w, h) = (canvas.w + 2.0 * MARGIN, canvas.h + 2.0 * MARGIN);
    let mut svg = Writer::new();
    let box_of = format!("{} {} {} {}", number(-MARGIN), number(-MARGIN), number(w), number(h));
    svg.open(
        "svg",
        &[
            ("xmlns", "http://www.w3.org/2000/svg"),
            ("class", "hob-chart"),
            ("viewBox", &box_of),
            ("width", &number(w)),
            ("height", &number(h)),
            ("role", "img"),
        ],
    );
    let name = sketch.shapes.first().map(|shape| shape.name.as_str()).unwrap_or_default();
    svg.text("title", &[], &label::shorten(name, TITLE_MAX));
    if how.style {
        svg.text("style", &[], STYLE);
    }
    let ground = Rect { x: -MARGIN, y: -MARGIN, w, h };
    rect(&mut svg, "canvas", ground, 0.0);
    svg.text("text", &[("class", "machine"), ("x", "18"), ("y", "22")], words.name(0));
    let parts = Parts { sketch, words, layout };
    for shape in 1..sketch.shapes.len() {
        parts.shape(&mut svg, shape);
    }
    for (number, (arrow, line)) in sketch.arrows.iter().zip(&layout.lines).enumerate() {
        parts.arrow(&mut svg, number, arrow, line);
    }
    for (_, dot) in &layout.dots {
        let (x, y) = (number(dot.x), number(dot.y));
        svg.leaf("circle", &[("class", "start"), ("cx", &x), ("cy", &y), ("r", "6")]);
    }
    svg.close("svg");
    svg.finish()
}

struct Parts<'a> {
    sketch: &'a Sketch,
    words: &'a Words,
    layout: &'a Layout,
}

impl Parts<'_> {
    fn shape(&self, svg: &mut Writer, number: usize) {
        let (Some(shape), Some(place)) = (self.sketch.shapes.get(number), self.layout.boxes.get(number))
        else {
            return;
        };
        let kind = match shape.kind {
            Kind::Root | Kind::Region => "region",
            Kind::Atomic => "state atomic",
            Kind::Final => "state final",
            Kind::Compound => "state compound",
            Kind::Parallel => "state parallel",
            Kind::History(_) => "state history",
        };
        let class = format!("{kind}{}", if shape.active { " active" } else { "" });
        svg.open("g", &[("class", &class), ("data-at", &shape.at), ("data-name", &shape.name)]);
        svg.text("title", &[], &told(shape));
        let head = self.layout.heads.get(number).copied().unwrap_or_default();
        match shape.kind {
            Kind::Root | Kind::Region => self.region(svg, number, *place, shape.parent),
            Kind::History(history) => self.history(svg, number, *place, history),
            _ => self.state(svg, number, shape, *place, head),
        }
        // Transitions that stay are lines of the box; each has its element all the same.
        for at in &shape.inside {
            svg.leaf("g", &[("class", "transition inside"), ("data-at", at)]);
        }
        svg.close("g");
    }

    fn state(&self, svg: &mut Writer, shape: usize, sketch: &Shape, place: Rect, head: f64) {
        let nested = !sketch.children.is_empty();
        rect(svg, "box", place, if nested { 12.0 } else { 9.0 });
        if sketch.kind == Kind::Final {
            let inner = Rect { x: place.x + 3.0, y: place.y + 3.0, w: place.w - 6.0, h: place.h - 6.0 };
            rect(svg, "inner", inner, 6.5);
        }
        let lines = self.words.lines(shape);
        let middle = place.x + place.w / 2.0;
        let (x, anchor) = if nested { (place.x + 14.0, "name left") } else { (middle, "name") };
        let y = place.y + 21.5;
        let text = self.words.name(shape);
        if sketch.kind == Kind::Final {
            let left = middle - super::text::width(text, super::words::NAME, true) / 2.0;
            bullseye(svg, Point::new(left - 2.0, y - 4.5));
            svg.text("text", &[("class", anchor), ("x", &number(x + 9.0)), ("y", &number(y))], text);
        } else {
            svg.text("text", &[("class", anchor), ("x", &number(x)), ("y", &number(y))], text);
        }
        let rule = |svg: &mut Writer, y: f64| {
            let (x1, x2, y) = (number(place.x), number(place.right()), number(y));
            svg.leaf("line", &[("class", "rule"), ("x1", &x1), ("x2", &x2), ("y1", &y), ("y2", &y)]);
        };
        if !lines.is_empty() {
            rule(svg, place.y + 33.0);
        }
        if nested {
            rule(svg, place.y + head);
        }
        let mut y = place.y + 49.0;
        for line in lines {
            let x = number(place.x + 12.0);
            svg.text("text", &[("class", "line"), ("x", &x), ("y", &number(y))], line);
            y += LINE;
        }
    }

    fn region(&self, svg: &mut Writer, region: usize, place: Rect, parent: usize) {
        let first =
            self.sketch.shapes.get(parent).and_then(|parent| parent.children.first()) == Some(&region);
        if !first {
            let (x, y1, y2) = (number(place.x), number(place.y), number(place.bottom()));
            svg.leaf("line", &[("class", "divide"), ("x1", &x), ("x2", &x), ("y1", &y1), ("y2", &y2)]);
        }
        let (x, y) = (number(place.x + 14.0), number(place.y + 17.0));
        svg.text("text", &[("class", "region-name"), ("x", &x), ("y", &y)], self.words.name(region));
    }

    fn history(&self, svg: &mut Writer, shape: usize, place: Rect, history: History) {
        let (x, y) = (place.x + place.w / 2.0, place.y + place.h / 2.0);
        let (cx, cy, r) = (number(x), number(y), number(place.w / 2.0));
        svg.leaf("circle", &[("class", "box"), ("cx", &cx), ("cy", &cy), ("r", &r)]);
        let mark = if history == History::Deep { "H*" } else { "H" };
        svg.text("text", &[("class", "mark"), ("x", &cx), ("y", &number(y + 4.0))], mark);
        let x = number(place.right() + 6.0);
        let name = self.words.name(shape);
        svg.text("text", &[("class", "line"), ("x", &x), ("y", &number(y + 4.0))], name);
    }

    fn arrow(&self, svg: &mut Writer, number: usize, arrow: &Arrow, line: &Line) {
        let class = match (arrow.from, arrow.default) {
            (From::Start(_), _) => "arrow first",
            (_, true) => "arrow default",
            _ => "arrow",
        };
        svg.open("g", &[("class", class)]);
        if arrow.from == From::Shape(arrow.to) {
            let place = self.layout.boxes.get(arrow.to).copied().unwrap_or_default();
            let height = line.label.map_or(place.y + place.h / 2.0, |label| label.y + label.h / 2.0);
            let height = height.min(place.bottom() - 12.0).max(place.y + 12.0);
            path::round(svg, place.right(), height, LOOP);
        } else {
            path::line(svg, &line.points);
        }
        match (self.words.pill(number), line.label) {
            (Some(pill), Some(place)) => pill_at(svg, arrow, pill, place),
            // There was no room for words.
            _ => {
                for label in &arrow.labels {
                    transition(svg, label);
                    svg.close("g");
                }
            }
        }
        svg.close("g");
    }
}

/// The words of an arrow on a ground of their own.
fn pill_at(svg: &mut Writer, arrow: &Arrow, pill: &Pill, place: Rect) {
    rect(svg, "pill", place, 7.0);
    let mut y = place.y + 14.5;
    let x = number(place.x + place.w / 2.0);
    for (label, rows) in arrow.labels.iter().zip(&pill.labels) {
        transition(svg, label);
        for row in rows {
            svg.open("text", &[("x", &x), ("y", &number(y))]);
            for (place, (part, text)) in row.iter().enumerate() {
                let class = match part {
                    Part::Head => "event",
                    Part::Guard => "guard",
                    Part::Actions => "actions",
                };
                let space = number(SPACE);
                let attributes = [("class", class), ("dx", space.as_str())];
                svg.text("tspan", if place == 0 { &attributes[..1] } else { &attributes }, text);
            }
            svg.close("text");
            y += LINE;
        }
        svg.close("g");
    }
}

/// Opens the element of a transition.
fn transition(svg: &mut Writer, label: &label::Label) {
    let mut attributes = vec![("class", "transition"), ("data-at", label.at.as_str())];
    if let Some(event) = &label.event {
        attributes.push(("data-event", event));
    }
    svg.open("g", &attributes);
    svg.text("title", &[], &label::shorten(&label.line(), TITLE_MAX));
}

fn told(shape: &Shape) -> String {
    let mut text = shape.name.clone();
    for line in &shape.lines {
        text.push('\n');
        text.push_str(line);
        if text.len() > TITLE_MAX {
            break;
        }
    }
    label::shorten(&text, TITLE_MAX)
}

fn rect(svg: &mut Writer, class: &str, place: Rect, round: f64) {
    let Rect { x, y, w, h } = place;
    svg.leaf(
        "rect",
        &[
            ("class", class),
            ("x", &number(x)),
            ("y", &number(y)),
            ("width", &number(w)),
            ("height", &number(h)),
            ("rx", &number(round)),
        ],
    );
}

fn bullseye(svg: &mut Writer, middle: Point) {
    let (x, y) = (number(middle.x), number(middle.y));
    svg.leaf("circle", &[("class", "ring"), ("cx", &x), ("cy", &y), ("r", "5.5")]);
    svg.leaf("circle", &[("class", "eye"), ("cx", &x), ("cy", &y), ("r", "3")]);
}
