//! Lists and structs: one allocation each, with what is known of all that is inside.

use std::fmt;
use std::ops::Deref;

use arcstr::ArcStr;
use triomphe::ThinArc;

use super::Value;
use super::nest::{DEPTH_DROPPED, drop_all, nests, same_fields, same_items};

/// Bytes that a container takes for itself, and for each item beside the item's own weight.
const OWN_BYTES: u32 = 8;

/// What is known of a value without walking it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) weight: u32,
    pub(crate) depth: u32,
    pub(crate) refs: bool,
}

impl Meta {
    pub(crate) fn flat(bytes: usize) -> Self {
        Self { weight: u32::try_from(bytes).unwrap_or(u32::MAX), depth: 0, refs: false }
    }

    /// Of a value one level up that takes so many bytes for itself.
    pub(crate) fn inside(self, bytes: usize) -> Self {
        let own = u32::try_from(bytes).unwrap_or(u32::MAX);
        Self {
            weight: self.weight.saturating_add(own).saturating_add(OWN_BYTES),
            depth: self.depth.saturating_add(1),
            refs: self.refs,
        }
    }

    fn empty() -> Self {
        Self { weight: OWN_BYTES, depth: 1, refs: false }
    }

    fn add(&mut self, item: Self, name_bytes: usize) {
        let name = u32::try_from(name_bytes).unwrap_or(u32::MAX);
        self.weight = self.weight.saturating_add(item.weight).saturating_add(name).saturating_add(OWN_BYTES);
        self.depth = self.depth.max(item.depth.saturating_add(1));
        self.refs |= item.refs;
    }
}

/// Values in order. Derefs to a slice.
///
/// ```
/// let list: hob_vat::List = [1.into(), 2.into()].into_iter().collect();
/// assert_eq!(list.len(), 2);
/// ```
#[derive(Clone)]
pub struct List(ThinArc<Meta, Value>);

impl List {
    /// No values.
    #[must_use]
    pub fn empty() -> Self {
        static EMPTY: std::sync::LazyLock<List> = std::sync::LazyLock::new(|| List::from(Vec::new()));
        EMPTY.clone()
    }

    pub(crate) fn meta(&self) -> Meta {
        self.0.header.header
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self.0.ptr(), other.0.ptr())
    }

    /// Takes the items out, when nobody else has the list.
    pub(super) fn gut(&mut self, into: &mut Vec<Value>) {
        self.0.with_arc_mut(|list| {
            if let Some(list) = triomphe::Arc::get_mut(list) {
                into.extend(list.slice_mut().iter_mut().filter(|item| nests(item)).map(std::mem::take));
            }
        });
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if self.meta().depth > DEPTH_DROPPED {
            let mut todo = Vec::new();
            self.gut(&mut todo);
            drop_all(todo);
        }
    }
}

impl Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0.slice
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        // What a list weighs is known when its items are, so they are gathered first. A few need no heap for that.
        let items: Vec<Value> = items.into_iter().collect();
        Self::from(items)
    }
}

impl From<Vec<Value>> for List {
    fn from(items: Vec<Value>) -> Self {
        let meta = measure(&items);
        Self(ThinArc::from_header_and_iter(meta, items.into_iter()))
    }
}

impl<const N: usize> From<[Value; N]> for List {
    /// Needs no heap but the list's own.
    fn from(items: [Value; N]) -> Self {
        if N == 0 {
            return Self::empty();
        }
        let meta = measure(&items);
        Self(ThinArc::from_header_and_iter(meta, items.into_iter()))
    }
}

impl From<&[Value]> for List {
    fn from(items: &[Value]) -> Self {
        Self(ThinArc::from_header_and_iter(measure(items), items.iter().cloned()))
    }
}

fn measure(items: &[Value]) -> Meta {
    let mut meta = Meta::empty();
    items.iter().for_each(|item| meta.add(item.meta(), 0));
    meta
}

impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        same_items(self, other)
    }
}

impl Eq for List {}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Values by name; names are unique and in the order of their bytes.
///
/// ```
/// let point: hob_vat::Struct = [("y".into(), 2.into()), ("x".into(), 1.into())].into_iter().collect();
/// assert_eq!(point.get("x"), Some(&1.into()));
/// assert_eq!(point.with("x", 5.into()).get("x"), Some(&5.into()));
/// ```
#[derive(Clone)]
pub struct Struct(ThinArc<Meta, (ArcStr, Value)>);

impl Struct {
    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let entries = &self.0.slice;
        let at = entries.binary_search_by(|(have, _)| have.as_str().cmp(name)).ok()?;
        entries.get(at).map(|(_, value)| value)
    }

    /// Names and values, in the order of the names' bytes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&ArcStr, &Value)> {
        self.0.slice.iter().map(|(name, value)| (name, value))
    }

    /// The values, in the order of their names.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> + DoubleEndedIterator {
        self.0.slice.iter().map(|(_, value)| value)
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.slice.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.slice.is_empty()
    }

    /// The same with one field more, or another value for it. Copies the fields.
    #[must_use]
    pub fn with(&self, name: &str, value: Value) -> Self {
        let mut entries = self.0.slice.to_vec();
        match entries.binary_search_by(|(have, _)| have.as_str().cmp(name)) {
            Ok(at) => {
                if let Some(entry) = entries.get_mut(at) {
                    entry.1 = value;
                }
            }
            Err(at) => entries.insert(at, (name.into(), value)),
        }
        Self::sorted(entries)
    }

    /// The same without a field. Copies the fields.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        Self::sorted(self.0.slice.iter().filter(|(have, _)| have != name).cloned().collect())
    }

    pub(crate) fn meta(&self) -> Meta {
        self.0.header.header
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self.0.ptr(), other.0.ptr())
    }

    /// Takes the values out, when nobody else has the struct.
    pub(super) fn gut(&mut self, into: &mut Vec<Value>) {
        self.0.with_arc_mut(|fields| {
            if let Some(fields) = triomphe::Arc::get_mut(fields) {
                let values = fields.slice_mut().iter_mut().map(|(_, value)| value);
                into.extend(values.filter(|value| nests(value)).map(std::mem::take));
            }
        });
    }

    fn sorted(entries: Vec<(ArcStr, Value)>) -> Self {
        let mut meta = Meta::empty();
        entries.iter().for_each(|(name, value)| meta.add(value.meta(), name.len()));
        Self(ThinArc::from_header_and_iter(meta, entries.into_iter()))
    }
}

impl Drop for Struct {
    fn drop(&mut self) {
        if self.meta().depth > DEPTH_DROPPED {
            let mut todo = Vec::new();
            self.gut(&mut todo);
            drop_all(todo);
        }
    }
}

impl FromIterator<(ArcStr, Value)> for Struct {
    /// Of two fields of one name the last counts.
    fn from_iter<I: IntoIterator<Item = (ArcStr, Value)>>(fields: I) -> Self {
        let mut entries: Vec<_> = fields.into_iter().collect();
        entries.reverse();
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        entries.dedup_by(|(later, _), (kept, _)| later == kept);
        Self::sorted(entries)
    }
}

impl PartialEq for Struct {
    fn eq(&self, other: &Self) -> bool {
        same_fields(self, other)
    }
}

impl Eq for Struct {}

impl fmt::Debug for Struct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_fields_of_one_name_the_last_counts() {
        let made: Struct =
            [("a".into(), 1.into()), ("b".into(), 2.into()), ("a".into(), 3.into())].into_iter().collect();
        assert_eq!(made.len(), 2);
        assert_eq!(made.get("a"), Some(&3.into()));
        assert_eq!(made.without("a").get("a"), None);
        assert_eq!(made.with("c", 4.into()).len(), 3);
    }
}
