//! Queues: first in, first out; and rings, which keep the last few.
//!
//! The queue itself keeps a few dozen values at either end. What is between is in actors of a few dozen values each, of which one
//! knows the next. Adding and taking touch at most two actors, and no value grows deeper.

use super::parts::{bad_state, item, kind, method, natural, part, part_int, part_ref};
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::Value;

/// Values that are kept together.
const CHUNK: usize = 64;

kind! {
    /// Queues. The state is `[[front …] taken first last [back …] size]`: values to be taken, how many of them were, the first and the
    /// last chunk between, values that came last, how many there are.
    pub(super) static QUEUE: Queue = "hob.queue", queue_call
}

kind! {
    /// Values between the ends of a queue. The state is `[[value …] next]`. Without arguments it answers that; with one that is the
    /// next.
    pub(super) static MIDDLE: Middle = "hob.queue.chunk", |_: &mut Turn, me: Me<'_>, args: &[Value]| match args {
        [] => Ok(Answer::from(me.state().clone())),
        [next] => Ok(me.becomes(Value::list([part(me, 0)?.clone(), next.clone()]))),
        _ => Err(bad_state()),
    }
}

kind! {
    /// Rings. The state is `[queue capacity]`.
    pub(super) static RING: Ring = "hob.ring", ring_call
}

fn queue_call(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let [front, taken, first, last, back, size] = me.state().as_list().ok_or_else(bad_state)? else {
        return Err(bad_state());
    };
    let (front_items, back_items) =
        (front.as_list().ok_or_else(bad_state)?, back.as_list().ok_or_else(bad_state)?);
    let at = usize::try_from(part_int(me, 1)?).map_err(|_| bad_state())?;
    let count = part_int(me, 5)?;
    match method(args) {
        (Some("push"), [value]) => {
            let size = Value::from(count + 1);
            if back_items.len() < CHUNK {
                let back = back_items.iter().cloned().chain([value.clone()]);
                let state = [
                    front.clone(),
                    taken.clone(),
                    first.clone(),
                    last.clone(),
                    Value::list(back),
                    size.clone(),
                ];
                return Ok(me.becomes(Value::list(state)).saying(size));
            }
            let chunk = Value::Ref(turn.spawn(&MIDDLE, Value::list([back.clone(), Value::Undefined]))?);
            if let Some(last) = last.as_ref() {
                turn.call(last, std::slice::from_ref(&chunk))?;
            }
            let first = if first.as_ref().is_some() { first.clone() } else { chunk.clone() };
            let state =
                [front.clone(), taken.clone(), first, chunk, Value::list([value.clone()]), size.clone()];
            Ok(me.becomes(Value::list(state)).saying(size))
        }
        (Some("peek"), []) => {
            let next = match (front_items.get(at), first.as_ref()) {
                (Some(next), _) => Some(next.clone()),
                (None, Some(first)) => Some(item(item(&turn.call(first, &[])?, 0)?, 0)?.clone()),
                (None, None) => back_items.first().cloned(),
            };
            next.map(Answer::from).ok_or_else(empty)
        }
        (Some("pop"), []) => {
            let size = Value::from(count - 1);
            if let Some(next) = front_items.get(at) {
                // What was taken is not kept longer than the last of its chunk.
                let (front, taken) = if at + 1 == front_items.len() {
                    (Value::list([]), 0.into())
                } else {
                    (front.clone(), Value::from(part_int(me, 1)? + 1))
                };
                let state = [front, taken, first.clone(), last.clone(), back.clone(), size];
                return Ok(me.becomes(Value::list(state)).saying(next.clone()));
            }
            let (front, first, last, back) = match first.as_ref() {
                Some(first) => {
                    let chunk = turn.call(first, &[])?;
                    let next = item(&chunk, 1)?.clone();
                    let last = if next == Value::Undefined { Value::Undefined } else { last.clone() };
                    (item(&chunk, 0)?.clone(), next, last, back.clone())
                }
                None => (back.clone(), Value::Undefined, Value::Undefined, Value::list([])),
            };
            let next = front.as_list().and_then(<[Value]>::first).cloned().ok_or_else(empty)?;
            let state = [front, 1.into(), first, last, back, size];
            Ok(me.becomes(Value::list(state)).saying(next))
        }
        (Some("size"), []) => Ok(size.clone().into()),
        (Some("items"), []) => {
            let mut items = front_items.get(at..).unwrap_or_default().to_vec();
            let mut chunk = first.clone();
            while let Some(middle) = chunk.as_ref() {
                let between = turn.call(middle, &[])?;
                items.extend_from_slice(item(&between, 0)?.as_list().unwrap_or_default());
                chunk = item(&between, 1)?.clone();
            }
            items.extend_from_slice(back_items);
            Ok(Value::list(items).into())
        }
        _ => Err(Problem::no_method(args, &["push", "pop", "peek", "size", "items"])),
    }
}

fn ring_call(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let (queue, capacity) = (part_ref(me, 0)?, part_int(me, 1)?);
    match method(args) {
        (Some("push"), [_]) => {
            let size = turn.call(queue, args)?.as_i64().ok_or_else(bad_state)?;
            if size > capacity {
                turn.call(queue, &[Value::symbol("pop")]).map(Answer::from)
            } else {
                Ok(().into())
            }
        }
        (Some("items" | "size"), []) => turn.call(queue, args).map(Answer::from),
        (Some("capacity"), []) => Ok(capacity.into()),
        (Some("resize"), [wanted]) => {
            let wanted = natural(wanted)
                .ok_or_else(|| Problem::bad_args("a capacity", "an integer that is 0 or more"))?;
            let mut gone = Vec::new();
            let mut size = turn.call(queue, &[Value::symbol("size")])?.as_i64().ok_or_else(bad_state)?;
            while size > wanted {
                gone.push(turn.call(queue, &[Value::symbol("pop")])?);
                size -= 1;
            }
            Ok(me.becomes(Value::list([queue.into(), wanted.into()])).saying(Value::list(gone)))
        }
        _ => Err(Problem::no_method(args, &["push", "items", "size", "capacity", "resize"])),
    }
}

#[cold]
fn empty() -> Problem {
    Problem::rule("empty", "nothing is in the queue".into())
}

/// An empty queue.
///
/// | method | answers |
/// |---|---|
/// | `push value` | how many there are |
/// | `pop` | the one that was there longest, and takes it out; `empty` is a failure |
/// | `peek` | the same without taking it out |
/// | `size` | how many there are |
/// | `items` | all, the oldest first |
///
/// ```
/// use hob_vat::{Actormap, Value, library};
///
/// let mut map = Actormap::new();
/// let queue = map.poke(library::queue)?;
/// map.poke(|turn| turn.call(queue, &[Value::symbol("push"), "a".into()]))?;
/// map.poke(|turn| turn.call(queue, &[Value::symbol("push"), "b".into()]))?;
/// assert_eq!(map.poke(|turn| turn.call(queue, &[Value::symbol("pop")]))?, "a".into());
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`: objects.
pub fn queue(turn: &mut Turn) -> Result<Ref, Problem> {
    let none = || Value::list([]);
    turn.spawn(&QUEUE, Value::list([none(), 0.into(), Value::Undefined, Value::Undefined, none(), 0.into()]))
}

/// An empty ring that keeps the last `capacity` values.
///
/// | method | answers |
/// |---|---|
/// | `push value` | what had to go, undefined if there was room |
/// | `items` | all, the oldest first |
/// | `size`, `capacity` | how many there are, and can be |
/// | `resize capacity` | a list of what had to go |
///
/// ```
/// use hob_vat::{Actormap, Value, library};
///
/// let mut map = Actormap::new();
/// let ring = map.poke(|turn| library::ring(turn, 2))?;
/// for number in 1..4 {
///     map.poke(|turn| turn.call(ring, &[Value::symbol("push"), number.into()]))?;
/// }
/// assert_eq!(map.peek(|turn| turn.call(ring, &[Value::symbol("items")]))?, Value::list([2.into(), 3.into()]));
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`: objects.
pub fn ring(turn: &mut Turn, capacity: u32) -> Result<Ref, Problem> {
    let queue = queue(turn)?;
    turn.spawn(&RING, Value::list([queue.into(), capacity.into()]))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;
    use crate::library::tests::Stage;

    #[test]
    fn first_in_first_out() {
        let mut stage = Stage::new();
        stage.make(["q", "r"], |turn| Ok([queue(turn)?, ring(turn, 2)?]));
        stage.run(
            "q 'pop => !empty
             q 'peek => !empty
             q 'push 1 => 1
             q 'push [$q] => 2
             q 'peek => 1
             q 'items => [1 [$q]]
             q 'pop => 1
             q 'pop => [$q]
             q 'pop => !empty
             q 'size => 0
             q 'push => !no-method
             r 'push 1 => undefined
             r 'push 2 => undefined
             r 'push 3 => 1
             r 'items => [2 3]
             r 'resize -1 => !bad-arguments
             r 'resize 1 => [2]
             r 'push 4 => 3
             r 'resize 0 => [4]
             r 'push 5 => 5
             r 'size => 0
             r 'capacity => 0",
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn it_is_a_queue(steps in prop::collection::vec((0_u8..9, 1_usize..200), 1..40)) {
            let mut stage = Stage::new();
            let [queue] = stage.make(["q"], |turn| Ok([queue(turn)?]));
            let mut model: VecDeque<Value> = VecDeque::new();
            let mut call = |args: &[Value]| stage.map.poke(|turn| turn.call(queue, args));
            let mut next = 0;
            for (what, times) in steps {
                for _ in 0..times {
                    if what % 2 == 0 {
                        next += 1;
                        model.push_back(next.into());
                        prop_assert_eq!(call(&[Value::symbol("push"), next.into()]).unwrap().as_i64(), i64::try_from(model.len()).ok());
                    } else {
                        prop_assert_eq!(call(&[Value::symbol("peek")]).ok(), model.front().cloned());
                        prop_assert_eq!(call(&[Value::symbol("pop")]).ok(), model.pop_front());
                    }
                }
                prop_assert_eq!(call(&[Value::symbol("items")]).unwrap(), Value::list(model.iter().cloned()));
            }
            for slot in &stage.map.turn.core.space.slots {
                if let crate::message::Content::Object { state, .. } = &slot.content {
                    prop_assert!(state.depth() <= 2 && state.weight() < 5000);
                }
            }
        }
    }
}
