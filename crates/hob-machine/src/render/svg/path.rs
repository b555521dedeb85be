//! Lines: straight where they go down, smooth where they go sideways, with a head at the end.

use super::super::layout::Point;
use super::xml::{Writer, number};

/// How long the head of an arrow is, and half its width.
const HEAD: (f64, f64) = (8.0, 4.0);

/// An arrow along points, each reached going up or down.
pub(super) fn line(svg: &mut Writer, points: &[Point]) {
    let [.., before, last] = points else { return };
    let Some(first) = points.first() else { return };
    // Which way it arrives.
    let down = if (last.y - before.y).abs() < 0.5 { -1.0 } else { (last.y - before.y).signum() };
    let neck = Point::new(last.x, last.y - down * (HEAD.0 - 1.0));
    let mut data = format!("M{} {}", number(first.x), number(first.y));
    let mut from = *first;
    for (place, pair) in points.windows(2).enumerate() {
        let [before, to] = pair else { continue };
        // Between two points of one height: below, and up again.
        let flat = (to.y - before.y).abs() < 0.5;
        let to = if place + 2 == points.len() { neck } else { *to };
        segment(&mut data, from, to, flat);
        from = to;
    }
    svg.leaf("path", &[("class", "way"), ("d", &data)]);
    head(svg, *last, Point::new(0.0, down));
}

fn segment(data: &mut String, from: Point, to: Point, flat: bool) {
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    if dx.abs() < 0.5 {
        data.push_str(&format!("V{}", number(to.y)));
        return;
    }
    let bend = if flat { (32.0, 32.0) } else { (dy / 2.0, -dy / 2.0) };
    let curve = [Point::new(from.x, from.y + bend.0), Point::new(to.x, to.y + bend.1), to];
    let curve: Vec<String> =
        curve.iter().map(|point| format!("{} {}", number(point.x), number(point.y))).collect();
    data.push_str(&format!("C{}", curve.join(" ")));
}

/// Out of the right side of a box and back into it.
pub(super) fn round(svg: &mut Writer, x: f64, y: f64, reach: f64) {
    let (above, below) = (y - 8.0, y + 8.0);
    let out = x + reach + 6.0;
    let data = format!(
        "M{x} {top}C{out} {up} {out} {down} {end} {bottom}",
        x = number(x),
        top = number(above),
        out = number(out),
        up = number(above - 8.0),
        down = number(below + 8.0),
        end = number(x + HEAD.0 - 1.0),
        bottom = number(below),
    );
    svg.leaf("path", &[("class", "way"), ("d", &data)]);
    head(svg, Point::new(x, below), Point::new(-1.0, 0.0));
}

/// A head whose tip is here, and that points this way.
fn head(svg: &mut Writer, tip: Point, way: Point) {
    let back = Point::new(tip.x - way.x * HEAD.0, tip.y - way.y * HEAD.0);
    let (side_x, side_y) = (way.y * HEAD.1, way.x * HEAD.1);
    let data = format!(
        "M{} {}L{} {}L{} {}Z",
        number(tip.x),
        number(tip.y),
        number(back.x + side_x),
        number(back.y + side_y),
        number(back.x - side_x),
        number(back.y - side_y)
    );
    svg.leaf("path", &[("class", "head"), ("d", &data)]);
}
