//! Values: what messages carry and what actors keep. One immutable type for OCapN's model.
//!
//! A clone costs a count, whatever its size. What a value weighs, how deep it is and whether it holds references is known when
//! it is made, so that limits and collection need not walk it. Two values are equal as OCapN's model has it: by content, and
//! references by identity; every NaN is the same, and -0.0 is not 0.0.

mod int;
mod list;
mod nest;
mod show;

use std::sync::Arc;

use arcstr::ArcStr;

pub use int::Int;
pub use list::{List, Struct};

use crate::reference::Ref;
use list::Meta;

/// A value of OCapN's model.
///
/// ```
/// use hob_vat::Value;
///
/// let order = Value::list([Value::symbol("order"), Value::from(17), Value::from("two chairs")]);
/// assert_eq!(order.to_string(), "['order 17 \"two chairs\"]");
/// ```
#[derive(Clone, Default)]
pub enum Value {
    /// No value: what a method answers that has nothing to say.
    #[default]
    Undefined,
    /// The absence of an object.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer of any size.
    Int(Int),
    /// An IEEE 754 double.
    Float(f64),
    /// Text.
    Str(ArcStr),
    /// A name: methods are selected by one. Also called a selector.
    Symbol(ArcStr),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// Values in order.
    List(List),
    /// Values by name; names are unique and in the order of their bytes.
    Struct(Struct),
    /// A value with a tag.
    Tagged(Arc<Tagged>),
    /// What went wrong, as data: making one fails nothing.
    Error(Arc<ErrorValue>),
    /// A reference: the right to send to what it refers to.
    Ref(Ref),
    /// A value in a box that only its unsealer opens.
    Sealed(Arc<Sealed>),
}

/// A value with a tag. [`Value::tagged`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// What kind of value it is, to who knows the tag.
    pub tag: ArcStr,
    /// The value.
    pub value: Value,
    meta: Meta,
}

/// An error as data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorValue {
    /// The rule that was broken, as one word: `not-callable`, `limit`, `stale-reference`.
    pub rule: ArcStr,
    /// What happened, for people.
    pub message: ArcStr,
}

/// A sealed value. Only a turn that is given the brand opens it: see [`Turn::unseal`](crate::Turn::unseal).
#[derive(Clone)]
pub struct Sealed {
    pub(crate) brand: Ref,
    pub(crate) content: Value,
    meta: Meta,
}

impl Value {
    /// A symbol.
    #[must_use]
    pub fn symbol(name: &str) -> Self {
        Self::Symbol(name.into())
    }

    /// Bytes.
    #[must_use]
    pub fn bytes(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.into())
    }

    /// A list.
    pub fn list<I>(items: I) -> Self
    where
        I: IntoIterator<Item = Value>,
    {
        Self::List(items.into_iter().collect())
    }

    /// A struct. Of two fields of one name the last counts.
    ///
    /// ```
    /// use hob_vat::Value;
    ///
    /// let point = Value::fields([("y", 2.into()), ("x", 1.into())]);
    /// assert_eq!(point.to_string(), "{\"x\": 1, \"y\": 2}");
    /// ```
    pub fn fields<'a, I>(fields: I) -> Self
    where
        I: IntoIterator<Item = (&'a str, Value)>,
    {
        Self::Struct(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// A value with a tag.
    #[must_use]
    pub fn tagged(tag: &str, value: Value) -> Self {
        let meta = value.meta().inside(tag.len());
        Self::Tagged(Arc::new(Tagged { tag: tag.into(), value, meta }))
    }

    /// A value in a box.
    pub(crate) fn sealed(brand: Ref, content: Self) -> Self {
        let meta = Meta { refs: true, ..content.meta().inside(16) };
        Self::Sealed(Arc::new(Sealed { brand, content, meta }))
    }

    /// An error as data.
    #[must_use]
    pub fn error(rule: &str, message: &str) -> Self {
        Self::Error(Arc::new(ErrorValue { rule: rule.into(), message: message.into() }))
    }

    /// The name, when it is a symbol or a string: peers whose language has no symbols send strings.
    #[must_use]
    pub fn as_name(&self) -> Option<&str> {
        match self {
            Self::Symbol(name) | Self::Str(name) => Some(name),
            _ => None,
        }
    }

    /// The text, when it is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Str(text) = self { Some(text) } else { None }
    }

    /// The integer, when it is one between -2^63 and 2^63 - 1.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        if let Self::Int(int) = self { int.to_i64() } else { None }
    }

    /// The truth value, when it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(it) = self { Some(*it) } else { None }
    }

    /// The bytes, when it is a byte array.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    /// The items, when it is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    /// The struct, when it is one.
    #[must_use]
    pub fn as_struct(&self) -> Option<&Struct> {
        if let Self::Struct(fields) = self { Some(fields) } else { None }
    }

    /// The reference, when it is one.
    #[must_use]
    pub fn as_ref(&self) -> Option<Ref> {
        if let Self::Ref(reference) = self { Some(*reference) } else { None }
    }

    /// Bytes it takes, about: what limits on messages and states count.
    #[must_use]
    pub fn weight(&self) -> u32 {
        self.meta().weight
    }

    /// Levels of lists, structs, tags and boxes: 0 for a number.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.meta().depth
    }

    pub(crate) fn meta(&self) -> Meta {
        let flat = |bytes: usize| Meta::flat(bytes);
        match self {
            Self::Undefined | Self::Null | Self::Bool(_) => flat(1),
            Self::Float(_) => flat(8),
            Self::Int(int) => flat(int.weight()),
            Self::Str(text) | Self::Symbol(text) => flat(text.len()),
            Self::Bytes(bytes) => flat(bytes.len()),
            Self::List(list) => list.meta(),
            Self::Struct(fields) => fields.meta(),
            Self::Error(error) => flat(error.rule.len().saturating_add(error.message.len())),
            Self::Ref(_) => Meta { weight: 16, depth: 0, refs: true },
            Self::Tagged(tagged) => tagged.meta,
            Self::Sealed(sealed) => sealed.meta,
        }
    }
}

impl Sealed {
    /// What is in the box stays unseen.
    fn opaque() -> &'static str {
        "<sealed>"
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(Self::opaque())
    }
}

macro_rules! from {
    ($($from:ty => |$it:ident| $value:expr;)*) => {$(
        impl From<$from> for Value {
            fn from($it: $from) -> Self {
                $value
            }
        }
    )*};
}

from! {
    () => |_it| Self::Undefined;
    bool => |it| Self::Bool(it);
    i32 => |it| Self::Int(i64::from(it).into());
    u32 => |it| Self::Int(i64::from(it).into());
    i64 => |it| Self::Int(it.into());
    u64 => |it| Self::Int(it.into());
    Int => |it| Self::Int(it);
    f64 => |it| Self::Float(it);
    &str => |it| Self::Str(it.into());
    String => |it| Self::Str(it.into());
    ArcStr => |it| Self::Str(it);
    Ref => |it| Self::Ref(it);
    List => |it| Self::List(it);
    Struct => |it| Self::Struct(it);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_three_words() {
        assert_eq!(size_of::<Value>(), 24);
    }

    #[test]
    fn equality_is_of_content() {
        assert_eq!(Value::from(1.0), Value::from(1.0));
        assert_eq!(Value::from(f64::NAN), Value::from(-f64::NAN));
        assert_ne!(Value::from(0.0), Value::from(-0.0));
        assert_ne!(Value::from("a"), Value::symbol("a"));
        assert_ne!(Value::from(1), Value::from(1.0));
        assert_eq!(Value::list([1.into()]), Value::list([1.into()]));
    }

    #[test]
    fn weight_and_depth_are_known() {
        let inner = Value::list([Value::from("abcd"), Value::bytes(b"ef")]);
        assert_eq!((inner.weight(), inner.depth()), (4 + 2 + 2 * 8 + 8, 1));
        let outer = Value::tagged("t", Value::list([inner]));
        assert_eq!(outer.depth(), 3);
    }

    #[test]
    fn what_is_shown_for_debugging_names_the_case() {
        let value = Value::list([1.into(), Value::tagged("t", Value::symbol("s")), Value::Null]);
        assert_eq!(format!("{value:?}"), "List([Int(1), Tagged(t, Symbol(\"s\")), Null])");
    }
}
