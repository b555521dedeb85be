//! The inside of a parallel state: regions side by side, of one height.

use super::geometry::{Point, Rect, Wish, spread};
use super::route::{Role, Side};
use super::{PAD, Work};

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
        let h = regions.iter().map(|region| self.boxes[*region].h).fold(0.0, f64::max);
        let mut w = 0.0;
        let natural: Vec<f64> = regions.iter().map(|region| self.boxes[*region].h).collect();
        let missing = head_w + 2.0 * PAD - regions.iter().map(|region| self.boxes[*region].w).sum::<f64>();
        for (number, region) in regions.iter().enumerate() {
            let rect = &mut self.boxes[*region];
            // A long name makes the last region wider.
            let wider = if number + 1 == regions.len() { missing.max(0.0) } else { 0.0 };
            *rect = Rect { x: w, y: top, w: rect.w + wider, h };
            w = rect.right();
        }
        let bottom = top + h + if between { STRIP } else { 0.0 };
        let ends = self.past_name(&parts, head_w);
        for (number, part) in parts.iter().enumerate() {
            let x_of = |end: usize, region: Option<usize>| {
                let inside = self.ports[part.arrow][end].unwrap_or(PAD);
                region.map_or(inside, |region| self.boxes[region].x + inside)
            };
            let depth = |region: Option<usize>| {
                let place = region.and_then(|region| regions.binary_search(&region).ok());
                top + place.map_or(h, |place| natural[place])
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
                    let end = ends[number].unwrap_or(x);
                    w = w.max(end + PAD);
                    vec![Point::new(end, 0.0), Point::new(end, head_h), Point::new(x, top)]
                }
                (role, Side::Bottom) => {
                    let (end, region) = if role == Role::Out { (0, part.source) } else { (1, part.target) };
                    let x = x_of(end, region);
                    vec![Point::new(x, depth(region)), Point::new(x, bottom)]
                }
            };
            self.keep(shape, part, points, None);
        }
        if let Some(last) = regions.last() {
            let rect = &mut self.boxes[*last];
            rect.w = w - rect.x;
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
                let x = self.boxes[region].x + self.ports[part.arrow][end].unwrap_or(PAD);
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
