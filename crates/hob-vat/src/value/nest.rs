//! Walks of values that are nested, however deep: comparing, dropping, visiting, showing for debugging.
//!
//! Native code can nest values as deep as memory allows, and a function that calls itself for each level would end the process:
//! a stack cannot be caught when it overflows. So what is to be done is kept in a list here. Values without a level cost no more
//! for it, and the few levels that are common are dropped as the compiler does it.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use super::{List, Sealed, Struct, Tagged, Value};
use crate::reference::Ref;

/// Levels that are dropped one within the other.
pub(super) const DEPTH_DROPPED: u32 = 64;

/// Levels that are shown for debugging.
const DEPTH_SHOWN: u32 = 128;

/// Whether a value holds others.
pub(super) fn nests(value: &Value) -> bool {
    matches!(value, Value::List(_) | Value::Struct(_) | Value::Tagged(_) | Value::Sealed(_))
}

/// Drops values one level at a time.
pub(super) fn drop_all(mut todo: Vec<Value>) {
    while let Some(mut value) = todo.pop() {
        match &mut value {
            Value::List(list) => list.gut(&mut todo),
            Value::Struct(fields) => fields.gut(&mut todo),
            Value::Tagged(tagged) => {
                if let Some(tagged) = Arc::get_mut(tagged) {
                    todo.push(std::mem::take(&mut tagged.value));
                }
            }
            Value::Sealed(sealed) => {
                if let Some(sealed) = Arc::get_mut(sealed) {
                    todo.push(std::mem::take(&mut sealed.content));
                }
            }
            _ => {}
        }
        // What is dropped here has nothing left in it that holds others, unless somebody else has it too.
    }
}

impl Drop for Tagged {
    fn drop(&mut self) {
        if self.meta.depth > DEPTH_DROPPED {
            drop_all(vec![std::mem::take(&mut self.value)]);
        }
    }
}

impl Drop for Sealed {
    fn drop(&mut self) {
        if self.meta.depth > DEPTH_DROPPED {
            drop_all(vec![std::mem::take(&mut self.content)]);
        }
    }
}

impl Value {
    /// Calls `visit` with every reference in it, those inside boxes and their brands too.
    pub fn visit_refs(&self, visit: &mut dyn FnMut(Ref)) {
        self.visit_some(true, visit);
    }

    /// Calls `visit` with every reference in it that is not in a box.
    pub(crate) fn visit_bare(&self, visit: &mut dyn FnMut(Ref)) {
        self.visit_some(false, visit);
    }

    fn visit_some(&self, boxes: bool, visit: &mut dyn FnMut(Ref)) {
        let mut todo = Vec::new();
        let mut at = self;
        loop {
            match at {
                Self::Ref(reference) => visit(*reference),
                _ if !at.meta().refs => {}
                Self::List(list) if list.meta().depth == 1 => {
                    list.iter().filter_map(Self::as_ref).for_each(&mut *visit);
                }
                // Backwards, because the last is taken first.
                Self::List(list) => todo.extend(list.iter().rev().filter(|item| item.meta().refs)),
                Self::Struct(fields) => {
                    todo.extend(fields.values().rev().filter(|value| value.meta().refs));
                }
                Self::Tagged(tagged) => todo.push(&tagged.value),
                Self::Sealed(sealed) if boxes => {
                    visit(sealed.brand);
                    todo.push(&sealed.content);
                }
                _ => {}
            }
            let Some(next) = todo.pop() else { return };
            at = next;
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        let mut todo = Vec::new();
        same(self, other, &mut todo) && all_same(todo)
    }
}

impl Eq for Value {}

pub(super) fn same_items(a: &List, b: &List) -> bool {
    let mut todo = Vec::new();
    items(a, b, &mut todo) && all_same(todo)
}

pub(super) fn same_fields(a: &Struct, b: &Struct) -> bool {
    let mut todo = Vec::new();
    fields(a, b, &mut todo) && all_same(todo)
}

type Pairs<'a> = Vec<(&'a Value, &'a Value)>;

fn all_same(mut todo: Pairs<'_>) -> bool {
    while let Some((a, b)) = todo.pop() {
        if !same(a, b, &mut todo) {
            return false;
        }
    }
    true
}

/// Whether two values are the same as far as their first level goes; what is below is still to be compared.
fn same<'a>(a: &'a Value, b: &'a Value, todo: &mut Pairs<'a>) -> bool {
    match (a, b) {
        (Value::Undefined, Value::Undefined) | (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a.total_cmp(b) == Ordering::Equal || (a.is_nan() && b.is_nan()),
        (Value::Str(a), Value::Str(b)) | (Value::Symbol(a), Value::Symbol(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::List(a), Value::List(b)) => items(a, b, todo),
        (Value::Struct(a), Value::Struct(b)) => fields(a, b, todo),
        (Value::Tagged(a), Value::Tagged(b)) => {
            Arc::ptr_eq(a, b) || (a.tag == b.tag && next(&a.value, &b.value, todo))
        }
        (Value::Error(a), Value::Error(b)) => a == b,
        (Value::Ref(a), Value::Ref(b)) => a == b,
        (Value::Sealed(a), Value::Sealed(b)) => {
            Arc::ptr_eq(a, b) || (a.brand == b.brand && next(&a.content, &b.content, todo))
        }
        _ => false,
    }
}

fn items<'a>(a: &'a List, b: &'a List, todo: &mut Pairs<'a>) -> bool {
    a.is(b)
        || (a.meta() == b.meta()
            && a.len() == b.len()
            && a.iter().zip(b.iter()).all(|(a, b)| next(a, b, todo)))
}

fn fields<'a>(a: &'a Struct, b: &'a Struct, todo: &mut Pairs<'a>) -> bool {
    let mut both = a.iter().zip(b.iter());
    a.is(b)
        || (a.meta() == b.meta()
            && a.len() == b.len()
            && both.all(|((name, a), (other, b))| name == other && next(a, b, todo)))
}

/// What holds others is compared later.
fn next<'a>(a: &'a Value, b: &'a Value, todo: &mut Pairs<'a>) -> bool {
    if nests(a) && nests(b) {
        todo.push((a, b));
        true
    } else {
        same(a, b, todo)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.depth() > DEPTH_SHOWN {
            return fmt::Display::fmt(self, f);
        }
        match self {
            Self::Undefined => f.write_str("Undefined"),
            Self::Null => f.write_str("Null"),
            Self::Bool(it) => f.debug_tuple("Bool").field(it).finish(),
            Self::Int(it) => f.debug_tuple("Int").field(it).finish(),
            Self::Float(it) => f.debug_tuple("Float").field(it).finish(),
            Self::Str(it) => f.debug_tuple("Str").field(it).finish(),
            Self::Symbol(it) => f.debug_tuple("Symbol").field(it).finish(),
            Self::Bytes(it) => f.debug_tuple("Bytes").field(it).finish(),
            Self::List(it) => f.debug_tuple("List").field(it).finish(),
            Self::Struct(it) => f.debug_tuple("Struct").field(it).finish(),
            Self::Tagged(it) => {
                f.debug_tuple("Tagged").field(&format_args!("{}", it.tag)).field(&it.value).finish()
            }
            Self::Error(it) => f.debug_tuple("Error").field(it).finish(),
            Self::Ref(it) => f.debug_tuple("Ref").field(it).finish(),
            Self::Sealed(it) => f.debug_tuple("Sealed").field(it).finish(),
        }
    }
}
