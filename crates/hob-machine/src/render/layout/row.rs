//! The inside of a parallel state: regions side by side, of one height.

use super::geometry::{Point, Rect, Wish, spread};
use super::route::{Role, Side};
use super::{PAD, Work};
use crate::chart::Kind;

/// How high the strip is in which arrows go from one region to another, or past the name.
const STRIP: f64 = 30.0;
/// How far two arrows past the name are apart.
const APART: f64 = 14.0;

impl Work<'_> {
    #[expect(
        clippy::indexing_slicing,
        reason = "shapes and arrows are numbered by their positions in the sketch"
    )]
    pub(super) fn row(&mut self, shape: usize, head_w: f64, head_h: f64) {
        let regions = self.sketch.shapes[shape].children.clone();
        let parts = std::mem::take(&mut self.plan.parts[shape]);
        let past_name = parts.iter().any(|part| part.role != Role::Across && part.side == Side::Top);
        let between = parts.iter().any(|part| part.role == Role::Across);
        let top = head_h + if past_name { STRIP } else { 0.0 };
        let is_region = |child: usize| self.sketch.shapes[child].kind == Kind::Region;
        let sizes: Vec<(f64, f64)> = regions.iter().map(|region| self.footprint(*region)).collect();
        let h = sizes.iter().map(|(_, h)| *h).fold(0.0, f64::max);
        let mut w = 0.0;
        let missing = head_w + 2.0 * PAD - sizes.iter().map(|(w, _)| *w).sum::<f64>();
        for (number, region) in regions.iter().enumerate() {
            let (own_w, own_h) = sizes[number];
            // A long name makes the last region wider.
            let wider = if number + 1 == regions.len() { missing.max(0.0) } else { 0.0 };
            let (rect, right) = if is_region(*region) {
                (Rect { x: w, y: top, w: own_w + wider, h }, w + own_w + wider)
            } else {
                // A history state keeps its size.
                (Rect { x: w + PAD, y: top + PAD, w: self.boxes[*region].w, h: own_h }, w + own_w + 2.0 * PAD)
            };
            self.boxes[*region] = rect;
            w = right;
        }
        w = w.max(head_w + 2.0 * PAD);
        let bottom = top + h + if between { STRIP } else { 0.0 };
        let ends = self.past_name(&parts, head_w);
        for (number, part) in parts.iter().enumerate() {
            let x_of = |end: usize, region: Option<usize>| {
                let middle = region.map_or(PAD, |region| self.boxes[region].w / 2.0);
                let inside = self.ports[part.arrow][end].unwrap_or(middle);
                region.map_or(inside, |region| self.boxes[region].x + inside)
            };
            let depth = |region: Option<usize>| {
                let place = region.and_then(|region| Some((region, regions.binary_search(&region).ok()?)));
                place.map_or(top + h, |(region, place)| self.boxes[region].y + sizes[place].1)
            };
            let points = match (part.role, part.side) {
                (Role::Across, _) => {
                    let (a, b) = (x_of(0, part.source), x_of(1, part.target));
                    let points = [
                        Point::new(a, depth(part.source)),
                        Point::new(a, top + h),
                        Point::new(b, top + h),
                        Point::new(b, depth(part.target)),
                    ];
                    if part.upward { points.into_iter().rev().collect() } else { points.to_vec() }
                }
                (role, Side::Top) => {
                    let x = if role == Role::Out { x_of(0, part.source) } else { x_of(1, part.target) };
                    let region = if role == Role::Out { part.source } else { part.target };
                    let upper = region.map_or(top, |region| self.boxes[region].y);
                    let end = ends[number].unwrap_or(x);
                    w = w.max(end + PAD);
                    vec![
                        Point::new(end, 0.0),
                        Point::new(end, head_h),
                        Point::new(x, top),
                        Point::new(x, upper),
                    ]
                }
                (role, Side::Bottom) => {
                    let (end, region) = if role == Role::Out { (0, part.source) } else { (1, part.target) };
                    let x = x_of(end, region);
                    vec![Point::new(x, depth(region)), Point::new(x, bottom)]
                }
            };
            self.keep(shape, part, points, None);
        }
        if let Some(last) = regions.last().filter(|last| self.sketch.shapes[**last].kind == Kind::Region) {
            self.boxes[*last].w = w - self.boxes[*last].x;
        }
        self.boxes[shape] = Rect { x: 0.0, y: 0.0, w, h: bottom };
        self.heads[shape] = head_h;
    }

    /// Where arrows that come from above go past the name: to the right of it.
    #[expect(
        clippy::indexing_slicing,
        reason = "shapes and arrows are numbered by their positions in the sketch"
    )]
    fn past_name(&self, parts: &[super::route::Part], head_w: f64) -> Vec<Option<f64>> {
        let mut wanted: Vec<(f64, usize)> = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let (end, region) = match part.role {
                Role::Across => continue,
                Role::Out => (0, part.source),
                Role::In => (1, part.target),
            };
            if let (Side::Top, Some(region)) = (part.side, region) {
                let rect = self.boxes[region];
                let x = rect.x + self.ports[part.arrow][end].unwrap_or(rect.w / 2.0);
                wanted.push((x, number));
            }
        }
        wanted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let least = head_w + PAD;
        let wishes: Vec<Wish> =
            wanted.iter().map(|(x, _)| Wish { at: x.max(least), weight: 1.0, gap: APART }).collect();
        let places = spread(&wishes);
        let under = places.first().map_or(0.0, |x| (least - x).max(0.0));
        let mut found = vec![None; parts.len()];
        for ((_, number), x) in wanted.into_iter().zip(places) {
            found[number] = Some((x + under).round());
        }
        found
    }
}
