//! Writing XML: elements that are closed, text and attributes that are nothing but text.

/// Elements, one after the other.
pub(super) struct Writer {
    text: String,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self { text: String::new() }
    }

    pub(super) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.begin(name, attributes);
        self.text.push('>');
    }

    pub(super) fn close(&mut self, name: &str) {
        self.text.push_str(&format!("</{name}>\n"));
    }

    /// An element without anything inside.
    pub(super) fn leaf(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.begin(name, attributes);
        self.text.push_str("/>\n");
    }

    /// An element with text inside.
    pub(super) fn text(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.open(name, attributes);
        escape(text, &mut self.text);
        self.text.push_str(&format!("</{name}>"));
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    fn begin(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.text.push_str(&format!("<{name}"));
        for (key, value) in attributes {
            self.text.push_str(&format!(" {key}=\""));
            escape(value, &mut self.text);
            self.text.push('"');
        }
    }
}

/// Marks are written as entities. What XML does not allow, and what would turn the direction of the text around, is
/// written as the sign for that.
fn escape(text: &str, out: &mut String) {
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => {
                out.push('\u{fffd}')
            }
            _ if char.is_control() => out.push('\u{fffd}'),
            _ => out.push(char),
        }
    }
}

/// A number with at most one digit behind the point.
pub(super) fn number(value: f64) -> String {
    let text = format!("{:.1}", value + 0.0);
    match text.strip_suffix(".0") {
        Some("-0") => "0".into(),
        Some(whole) => whole.into(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_nothing_but_text() {
        let check = |text: &str, expected: &str| {
            let mut out = String::new();
            escape(text, &mut out);
            assert_eq!(out, expected);
        };
        check("a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#39;");
        check("a\u{0}\u{1b}\u{202e}\u{ffff}b", "a\u{fffd}\u{fffd}\u{fffd}\u{fffd}b");
        check("\u{e9}\u{72b6}\n", "\u{e9}\u{72b6}\n");
    }

    #[test]
    fn numbers() {
        for (value, expected) in [(1.0, "1"), (-0.04, "0"), (2.25, "2.2"), (-3.5, "-3.5"), (10.04, "10")] {
            assert_eq!(number(value), expected);
        }
    }
}
