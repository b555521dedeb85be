//! How wide text is, without a font: a table of widths, so that pictures come out the same everywhere.
//!
//! Source: the published metrics of Helvetica, which Arial and Liberation Sans share, in thousandths of the size. What other
//! fonts do is covered by a margin; what the table does not have counts as one square when it is wide, and as a letter otherwise.

/// From the space to the tilde.
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// For fonts that are wider.
const MARGIN: f64 = 1.08;
/// For bold type.
const BOLD: f64 = 1.08;

/// How wide a line is, at this size.
pub(super) fn width(text: &str, size: f64, bold: bool) -> f64 {
    let thousandths: f64 = text.chars().map(of).sum();
    thousandths * size / 1000.0 * MARGIN * if bold { BOLD } else { 1.0 }
}

fn of(char: char) -> f64 {
    let code = u32::from(char);
    let known = code.checked_sub(32).and_then(|place| WIDTHS.get(usize::try_from(place).ok()?));
    match (known, code) {
        (Some(width), _) => f64::from(*width),
        // Marks that go over another letter.
        (_, 0x300..=0x36f | 0x200b..=0x200f) => 0.0,
        // Scripts of squares, and pictures.
        (_, 0x1100..=0x11ff | 0x2e80..=0xd7ff | 0xf900..=0xfaff | 0xff00..=0xff60 | 0x1f000..) => 1000.0,
        _ => 640.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths() {
        let check = |text: &str, expected: f64| {
            let measured = width(text, 10.0, false);
            assert!((measured - expected * MARGIN).abs() < 0.01, "{text} {measured}");
        };
        check("", 0.0);
        check("i", 2.22);
        check("W~", 15.28);
        check("\u{72b6}\u{614b}", 20.0);
        check("e\u{301}", 5.56);
        assert!(width("a", 10.0, true) > width("a", 10.0, false));
    }
}
