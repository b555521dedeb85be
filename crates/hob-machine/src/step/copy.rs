//! A copy of a context to change, in the place of one that nobody needs any more.
//!
//! A step changes a copy and leaves the context as it was to whoever still looks at it, and to a step that fails. Making that
//! copy and dropping what it replaced were most of what a small step cost: a context is a map, and each of its names an
//! allocation. But contexts of one machine look alike from step to step. So the last one that was replaced is kept for each
//! thread, and the next copy is written over it: where both have the same names only what differs is written.

use std::cell::Cell;

use serde_json::Value;

use crate::instance::Context;

/// What one that is kept may hold: a unit for each value, one for each name, and one for every 64 bytes of text.
const KEPT_WEIGHT_MAX: usize = 256;

const TEXT_BYTES: usize = 64;

thread_local! {
    static KEPT: Cell<Option<Context>> = const { Cell::new(None) };
}

/// A context that nobody else sees, with what is in it now.
pub(super) fn own(context: &mut Context) -> &mut Value {
    if Context::get_mut(context).is_none()
        && let Some(mut kept) = KEPT.take()
        && let Some(place) = Context::get_mut(&mut kept)
    {
        write(place, context);
        *context = kept;
    }
    // Copies only where nothing was kept.
    Context::make_mut(context)
}

/// Keeps what was replaced, if nobody else sees it and it is small.
pub(super) fn replaced(mut context: Context) {
    if Context::get_mut(&mut context).is_some_and(|context| weigh(context, KEPT_WEIGHT_MAX).is_some()) {
        KEPT.set(Some(context));
    }
}

/// Makes `to` what `from` is.
fn write(to: &mut Value, from: &Value) {
    match (to, from) {
        (Value::Object(to), Value::Object(from)) => {
            let fits = to.len() == from.len()
                && to.iter_mut().zip(from).all(|((have, to), (name, from))| {
                    let same = have == name;
                    if same {
                        write(to, from);
                    }
                    same
                });
            if !fits {
                to.clone_from(from);
            }
        }
        (Value::Array(to), Value::Array(from)) => {
            to.truncate(from.len());
            let (same, more) = from.split_at(to.len());
            to.iter_mut().zip(same).for_each(|(to, from)| write(to, from));
            to.extend_from_slice(more);
        }
        (Value::String(to), Value::String(from)) => to.clone_from(from),
        (to, from) => *to = from.clone(),
    }
}

/// What is left of an allowance, if it is enough.
fn weigh(value: &Value, left: usize) -> Option<usize> {
    let text = |text: &str| 1 + text.len() / TEXT_BYTES;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => left.checked_sub(1),
        // What it has room for is kept as well.
        Value::String(it) => left.checked_sub(1 + it.capacity() / TEXT_BYTES),
        Value::Array(items) => {
            let room = items.capacity() - items.len();
            items.iter().try_fold(left.checked_sub(1 + room)?, |left, item| weigh(item, left))
        }
        Value::Object(fields) => fields.iter().try_fold(left.checked_sub(1)?, |left, (name, value)| {
            weigh(value, left.checked_sub(text(name))?)
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e9..1e9).prop_map(|number: f64| json!(number)),
            "[ab]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ab]{0,2}", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_over_anything_is_what_was_to_be_written(from in value(), over in value()) {
            let mut to = over.clone();
            write(&mut to, &from);
            prop_assert_eq!(&to, &from);

            KEPT.set(Some(Context::new(over)));
            let mut context = Context::new(from.clone());
            let seen = Context::clone(&context);
            *own(&mut context) = json!("changed");
            prop_assert_eq!((&*seen, &*context), (&from, &json!("changed")));
        }
    }

    #[test]
    fn one_that_others_see_is_not_written_over() {
        let (seen, mut context) = (Context::new(json!({"a": 1})), Context::new(json!({"a": 2})));
        let other = Context::clone(&context);
        replaced(Context::clone(&seen));
        own(&mut context)["a"] = json!(3);
        assert_eq!((&*seen, &*other, &*context), (&json!({"a": 1}), &json!({"a": 2}), &json!({"a": 3})));
    }

    #[test]
    fn what_was_replaced_is_used_again_unless_it_is_large() {
        let check = |context: Value, kept: bool| {
            KEPT.set(None);
            replaced(Context::new(context));
            assert_eq!(KEPT.take().is_some(), kept);
        };
        check(json!({"a": 1}), true);
        let list = |length: usize| {
            let mut items = Vec::with_capacity(length);
            items.resize(length, Value::Null);
            Value::Array(items)
        };
        check(list(KEPT_WEIGHT_MAX - 1), true);
        check(list(KEPT_WEIGHT_MAX), false);
        let text = |length: usize| {
            let mut text = String::with_capacity(length);
            text.extend(std::iter::repeat_n('x', length));
            Value::String(text)
        };
        check(text(KEPT_WEIGHT_MAX * TEXT_BYTES - TEXT_BYTES), true);
        check(text(KEPT_WEIGHT_MAX * TEXT_BYTES), false);
        let name = |length: usize| Value::Object([("x".repeat(length), Value::Null)].into_iter().collect());
        check(name((KEPT_WEIGHT_MAX - 3) * TEXT_BYTES), true);
        check(name((KEPT_WEIGHT_MAX - 2) * TEXT_BYTES), false);
    }
}
