//! TOML manifests, read so that every message can name its line, and every key nobody asked for is found.

use std::cell::RefCell;
use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A manifest that was parsed.
pub(crate) struct Doc<'a> {
    text: &'a str,
    root: Spanned<DeTable<'a>>,
}

/// One table of a manifest, and which of its keys were asked for.
pub(crate) struct Section<'d> {
    text: &'d str,
    name: String,
    table: &'d DeTable<'d>,
    asked: RefCell<BTreeSet<&'static str>>,
}

/// What stands under a key.
#[derive(Debug, PartialEq)]
pub(crate) enum Field<T> {
    Missing,
    /// The value, and its line.
    Is(T, usize),
    /// Something of another type, at this line.
    Wrong(usize),
}

impl<T> Field<T> {
    pub(crate) fn line(&self) -> Option<usize> {
        match self {
            Self::Missing => None,
            Self::Is(_, line) | Self::Wrong(line) => Some(*line),
        }
    }

    pub(crate) fn is_wrong(&self) -> bool {
        matches!(self, Self::Wrong(_))
    }

    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Is(value, _) => Some(value),
            Self::Missing | Self::Wrong(_) => None,
        }
    }
}

/// Why a text is no TOML: the line, and what is wrong there.
pub(crate) struct NotToml {
    pub(crate) line: Option<usize>,
    pub(crate) what: String,
}

impl<'a> Doc<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, NotToml> {
        let no = |line, what: &str| NotToml { line, what: what.into() };
        let text = std::str::from_utf8(bytes).map_err(|_| no(None, "it is not UTF-8"))?;
        if text.starts_with('\u{feff}') {
            return Err(no(Some(1), "it begins with a byte order mark"));
        }
        let root = DeTable::parse(text).map_err(|error| NotToml {
            line: error.span().map(|span| line_of(text, span.start)),
            what: hob_cap::escape_guest_text(error.message(), 200),
        })?;
        Ok(Self { text, root })
    }

    pub(crate) fn root(&self) -> Section<'_> {
        Section {
            text: self.text,
            name: String::new(),
            table: self.root.get_ref(),
            asked: RefCell::default(),
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

impl<'d> Section<'d> {
    fn get<T>(&self, key: &'static str, read: impl FnOnce(&'d DeValue<'d>) -> Option<T>) -> Field<T> {
        self.asked.borrow_mut().insert(key);
        match self.table.get(key) {
            None => Field::Missing,
            Some(value) => {
                let line = line_of(self.text, value.span().start);
                read(value.get_ref()).map_or(Field::Wrong(line), |value| Field::Is(value, line))
            }
        }
    }

    pub(crate) fn text(&self, key: &'static str) -> Field<String> {
        self.get(key, |value| value.as_str().map(str::to_owned))
    }

    pub(crate) fn flag(&self, key: &'static str) -> Field<bool> {
        self.get(key, DeValue::as_bool)
    }

    pub(crate) fn number(&self, key: &'static str) -> Field<i64> {
        self.get(key, |value| {
            let number = value.as_integer()?;
            i64::from_str_radix(number.as_str(), number.radix()).ok()
        })
    }

    pub(crate) fn texts(&self, key: &'static str) -> Field<Vec<String>> {
        self.get(key, |value| {
            value.as_array()?.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
        })
    }

    pub(crate) fn section(&self, key: &'static str) -> Field<Section<'d>> {
        let name = if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) };
        self.get(key, |value| {
            let table = value.as_table()?;
            Some(Section { text: self.text, name, table, asked: RefCell::default() })
        })
    }

    pub(crate) fn sections(&self, key: &'static str) -> Field<Vec<Section<'d>>> {
        let section = |item: &'d Spanned<DeValue<'d>>| {
            let table = item.get_ref().as_table()?;
            Some(Section { text: self.text, name: key.to_owned(), table, asked: RefCell::default() })
        };
        self.get(key, |value| value.as_array()?.iter().map(section).collect())
    }

    /// Every key with its text; `Wrong` when a value is no text.
    pub(crate) fn entries(&self) -> Vec<(String, Field<String>)> {
        let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
            let key: &std::borrow::Cow<'_, str> = key.get_ref();
            let line = line_of(self.text, value.span().start);
            let text = value.get_ref().as_str();
            (key.to_string(), text.map_or(Field::Wrong(line), |text| Field::Is(text.to_owned(), line)))
        };
        self.table.iter().map(entry).collect()
    }

    /// Marks a key as known without reading it.
    pub(crate) fn skip(&self, key: &'static str) {
        self.asked.borrow_mut().insert(key);
    }

    /// Keys nobody asked for, each with its line.
    pub(crate) fn unknown(&self) -> Vec<(String, usize)> {
        let asked = self.asked.borrow();
        let unknown = self.table.keys().filter(|key| !asked.contains(key.get_ref().as_ref()));
        unknown
            .map(|key| {
                let shown = hob_cap::escape_guest_text(key.get_ref(), 80);
                let full = if self.name.is_empty() { shown } else { format!("{}.{shown}", self.name) };
                (full, line_of(self.text, key.span().start))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_types_lines_and_unknown_keys_are_told_apart() {
        let text = b"name = \"x\"\nnumber = 0x10\nlist = [\"a\", \"b\"]\nbogus = 1\n[inner]\nflag = true\n[inner.more]\n";
        let doc = Doc::parse(text).unwrap_or_else(|error| panic!("{}", error.what));
        let root = doc.root();
        assert_eq!(root.text("name"), Field::Is("x".into(), 1));
        assert_eq!(root.number("name"), Field::Wrong(1));
        assert_eq!(root.number("number"), Field::Is(16, 2));
        assert_eq!(root.texts("list"), Field::Is(vec!["a".into(), "b".into()], 3));
        assert_eq!(root.text("none"), Field::Missing);
        let inner = root.section("inner").value().unwrap_or_else(|| panic!("inner"));
        assert_eq!(inner.flag("flag"), Field::Is(true, 6));
        assert_eq!(root.unknown(), [("bogus".to_owned(), 4)]);
        assert_eq!(inner.unknown(), [("inner.more".to_owned(), 7)]);
    }

    #[test]
    fn what_is_no_toml_says_where() {
        let line = |text: &str| Doc::parse(text.as_bytes()).err().and_then(|error| error.line);
        assert_eq!(line("a = 1\nb = \n"), Some(2));
        assert_eq!(line("a = 1\na = 2\n"), Some(2));
        assert_eq!(line("\u{feff}a = 1"), Some(1));
        assert!(Doc::parse(b"\xff").is_err());
    }
}
