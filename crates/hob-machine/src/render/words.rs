//! Words in a picture: what is written where, how large that is, and what is left out when there is too much.

use super::label::{Label, shorten};
use super::sketch::Sketch;
use super::text::width;
use crate::chart::Kind;

/// The size of names.
pub(super) const NAME: f64 = 13.0;
/// The size of everything else.
pub(super) const SMALL: f64 = 11.0;
/// From one line to the next.
pub(super) const LINE: f64 = 15.0;
/// Between two parts of a line.
pub(super) const SPACE: f64 = 4.0;
/// How many characters a line has at most.
const CHARS_MAX: usize = 38;
/// How many lines a box has at most.
const LINES_MAX: usize = 12;
/// How large the circle of a history state is.
const HISTORY: f64 = 26.0;

/// How much is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Detail {
    /// Names of states only.
    States,
    /// And of events.
    Names,
    /// Everything.
    All,
}

/// Which part of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Head,
    Guard,
    Actions,
}

/// A line on an arrow.
pub(super) type Row = Vec<(Part, String)>;

/// The words of an arrow: for each transition its lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Pill {
    pub(super) labels: Vec<Vec<Row>>,
    pub(super) w: f64,
    pub(super) h: f64,
}

/// All words of a picture.
#[derive(Debug)]
pub(super) struct Words {
    names: Vec<String>,
    lines: Vec<Vec<String>>,
    sizes: Vec<(f64, f64)>,
    captions: Vec<f64>,
    pills: Vec<Option<Pill>>,
}

impl Words {
    pub(super) fn new(sketch: &Sketch, detail: Detail) -> Self {
        let mut words = Self {
            names: Vec::new(),
            lines: Vec::new(),
            sizes: Vec::new(),
            captions: Vec::new(),
            pills: Vec::new(),
        };
        for shape in &sketch.shapes {
            let name = shorten(&shape.name, CHARS_MAX);
            let mut lines: Vec<String> = match detail {
                Detail::All => {
                    shape.lines.iter().take(LINES_MAX).map(|line| shorten(line, CHARS_MAX)).collect()
                }
                _ => Vec::new(),
            };
            let more = shape.lines.len() - lines.len();
            if detail == Detail::All && more > 0 {
                lines.push(format!("and {more} more"));
            }
            let longest = lines.iter().map(|line| width(line, SMALL, false)).fold(0.0, f64::max);
            let count = f64::from(u32::try_from(lines.len()).unwrap_or(u32::MAX));
            let caption = width(&name, SMALL, false);
            let (size, caption) = match shape.kind {
                Kind::History(_) => ((HISTORY, HISTORY), caption),
                Kind::Region => ((caption + 4.0, if name.is_empty() { 8.0 } else { 24.0 }), 0.0),
                kind => {
                    let mark = if kind == Kind::Final { 18.0 } else { 0.0 };
                    let w = (width(&name, NAME, true) + mark).max(longest) + 28.0;
                    let below = if lines.is_empty() { 0.0 } else { 8.0 + count * LINE };
                    ((w.max(60.0).ceil(), 34.0 + below), 0.0)
                }
            };
            words.sizes.push(size);
            words.captions.push(caption.ceil());
            words.names.push(name);
            words.lines.push(lines);
        }
        for arrow in &sketch.arrows {
            words.pills.push(pill(&arrow.labels, detail));
        }
        words
    }

    pub(super) fn name(&self, shape: usize) -> &str {
        self.names.get(shape).map(String::as_str).unwrap_or_default()
    }

    pub(super) fn lines(&self, shape: usize) -> &[String] {
        self.lines.get(shape).map(Vec::as_slice).unwrap_or_default()
    }

    /// How large a box is, or, of one that has others inside, its name and its lines.
    pub(super) fn size(&self, shape: usize) -> (f64, f64) {
        self.sizes.get(shape).copied().unwrap_or_default()
    }

    /// How wide the name is that stands beside.
    pub(super) fn caption(&self, shape: usize) -> f64 {
        self.captions.get(shape).copied().unwrap_or_default()
    }

    pub(super) fn pill(&self, arrow: usize) -> Option<&Pill> {
        self.pills.get(arrow).and_then(Option::as_ref)
    }
}

fn pill(labels: &[Label], detail: Detail) -> Option<Pill> {
    if labels.is_empty() || detail == Detail::States {
        return None;
    }
    let mut pill = Pill::default();
    let mut height: f64 = 6.0;
    for label in labels {
        let rows = if pill.labels.len() < LINES_MAX { rows(label, detail) } else { Vec::new() };
        for row in &rows {
            let w: f64 = row.iter().map(|(part, text)| width(text, SMALL, *part == Part::Head)).sum();
            let spaces = f64::from(u32::try_from(row.len()).unwrap_or(u32::MAX)) * SPACE;
            pill.w = pill.w.max((w + spaces).ceil() + 12.0);
            height += LINE;
        }
        pill.labels.push(rows);
    }
    if labels.len() > LINES_MAX {
        let more = format!("and {} more", labels.len() - LINES_MAX);
        pill.w = pill.w.max(width(&more, SMALL, false).ceil() + 16.0);
        height += LINE;
        if let Some(rows) = pill.labels.get_mut(LINES_MAX) {
            rows.push(vec![(Part::Actions, more)]);
        }
    }
    pill.h = height;
    Some(pill)
}

/// One line when it is short, and one for each part otherwise.
fn rows(label: &Label, detail: Detail) -> Vec<Row> {
    let mut parts = vec![(Part::Head, label.head.clone())];
    if detail == Detail::All {
        if !label.guard.is_empty() {
            parts.push((Part::Guard, format!("[{}]", label.guard)));
        }
        if !label.actions.is_empty() {
            parts.push((Part::Actions, format!("/ {}", label.actions)));
        }
    }
    let chars: usize = parts.iter().map(|(_, text)| text.chars().count() + 1).sum();
    if chars <= 24 || parts.len() == 1 {
        return vec![parts.into_iter().map(|(part, text)| (part, shorten(&text, CHARS_MAX))).collect()];
    }
    parts.into_iter().flat_map(|(part, text)| wrapped(part, &text)).collect()
}

/// Two lines when one is too short, broken between words.
fn wrapped(part: Part, text: &str) -> Vec<Row> {
    if text.chars().count() <= CHARS_MAX {
        return vec![vec![(part, text.to_owned())]];
    }
    let fits = text.char_indices().take(CHARS_MAX + 1).filter(|(_, char)| *char == ' ').last();
    match fits.filter(|(place, _)| *place > 0).and_then(|(place, _)| text.split_at_checked(place)) {
        Some((first, second)) => {
            vec![vec![(part, first.to_owned())], vec![(part, shorten(second.trim_start(), CHARS_MAX))]]
        }
        None => vec![vec![(part, shorten(text, CHARS_MAX))]],
    }
}
