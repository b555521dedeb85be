//! Values: what messages carry and what actors keep.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// A reference, as this turn calls it. One reference has one handle in a turn, so two are equal when they are the same.
///
/// It is good for this turn only. What shall be had in later turns is kept as [`Value::Cap`] in the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap(pub(crate) u64);

/// A value of OCapN's model. Integers have 128 bits here.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value.
    Undefined,
    /// The absence of an object.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// A double.
    Float(f64),
    /// Text.
    Str(String),
    /// A name.
    Symbol(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Values in order.
    List(Vec<Value>),
    /// Values by name.
    Struct(Vec<(String, Value)>),
    /// A value with a tag.
    Tagged(String, Box<Value>),
    /// What went wrong, as data.
    Error {
        /// The rule that was broken.
        rule: String,
        /// What happened.
        message: String,
    },
    /// A reference, or a sealed box.
    Cap(Cap),
}

impl Value {
    /// A symbol.
    pub fn symbol(name: &str) -> Self {
        Self::Symbol(name.into())
    }

    /// The integer, when it is one of 64 bits.
    pub fn as_int(&self) -> Option<i64> {
        if let Self::Int(it) = self { i64::try_from(*it).ok() } else { None }
    }

    /// The reference, when it is one.
    pub fn as_cap(&self) -> Option<Cap> {
        if let Self::Cap(it) = self { Some(*it) } else { None }
    }

    /// The name, when it is a symbol or a string.
    pub fn as_name(&self) -> Option<&str> {
        match self {
            Self::Symbol(it) | Self::Str(it) => Some(it),
            _ => None,
        }
    }

    /// The items, when it is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Self::List(it) = self { Some(it) } else { None }
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
    i32 => |it| Self::Int(it.into());
    i64 => |it| Self::Int(it.into());
    u64 => |it| Self::Int(it.into());
    f64 => |it| Self::Float(it);
    &str => |it| Self::Str(it.into());
    String => |it| Self::Str(it);
    Vec<Value> => |it| Self::List(it);
    Cap => |it| Self::Cap(it);
}
