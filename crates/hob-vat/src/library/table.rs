//! Tables: values by value, for many entries. Nodes are actors of their own, so that a change touches a few of them whatever the size.
//!
//! A node is a leaf with some entries, or a branch with 64 nodes; a leaf that grows too large becomes a branch. Places are by a hash
//! with a key. Nodes are never given away.

use super::parts::{bad_state, item, kind, method, part, part_int, part_ref};
use super::sip::{Key, hash};
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::Value;

/// Entries of a leaf, each a hash, a key and a value.
const LEAF_ENTRIES: usize = 24;
const ENTRY: usize = 3;
const BITS: i64 = 6;
const CHILDREN: usize = 1 << 6;
/// Levels that 60 bits of hash are enough for. A leaf there grows.
const LEVELS: i64 = 10;

kind! {
    /// Tables. The state is `[root key-word key-word size]`.
    ///
    /// | method | answers |
    /// |---|---|
    /// | `get key` | the value, undefined when there is none |
    /// | `has key` | whether there is one |
    /// | `set key value` | whether the key is new |
    /// | `remove key` | whether it was there |
    /// | `size` | how many entries there are |
    /// | `entries` | a list of `[key value]`, in no order that means anything |
    pub static TABLE: Table = "hob.table", table_call
}

kind! {
    /// A node. The state is a list: of entries after `true`, or of nodes after `false`.
    pub(super) static NODE: Node = "hob.table.node", node_call
}

fn word(word: u64) -> i64 {
    i64::from_ne_bytes(word.to_ne_bytes())
}

fn key_of(me: Me<'_>) -> Result<Key, Problem> {
    Ok([part_int(me, 1)?, part_int(me, 2)?].map(|word| u64::from_ne_bytes(word.to_ne_bytes())))
}

fn table_call(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let (root, size) = (part_ref(me, 0)?, part_int(me, 3)?);
    let sized = |size: i64| {
        let words = me.state().as_list().unwrap_or_default().iter().take(3).cloned();
        me.becomes(Value::list(words.chain([size.into()])))
    };
    let place =
        |key: &Value| -> Result<Value, Problem> { Ok((word(hash(key_of(me)?, key)) & i64::MAX >> 3).into()) };
    let ask = |turn: &mut Turn, op: &str, key: &Value, value: Option<&Value>| {
        let start = [Value::symbol(op), 0.into(), place(key)?, key.clone()];
        let args: Vec<Value> = start.into_iter().chain(value.cloned()).collect();
        turn.call(root, &args)
    };
    match method(args) {
        (Some("get"), [key]) => {
            Ok(item(&ask(turn, "get", key, None)?, 0).cloned().unwrap_or_default().into())
        }
        (Some("has"), [key]) => {
            Ok((!ask(turn, "get", key, None)?.as_list().unwrap_or_default().is_empty()).into())
        }
        (Some("set"), [key, value]) => {
            let new = ask(turn, "set", key, Some(value))?;
            if new == true.into() { Ok(sized(size + 1).saying(new)) } else { Ok(new.into()) }
        }
        (Some("remove"), [key]) => {
            let was = ask(turn, "remove", key, None)?;
            if was == true.into() { Ok(sized(size - 1).saying(was)) } else { Ok(was.into()) }
        }
        (Some("size"), []) => Ok(size.into()),
        (Some("entries"), []) => {
            let found = turn.call(root, &[Value::symbol("all")])?;
            let entries = found.as_list().unwrap_or_default().chunks(ENTRY);
            Ok(Value::list(entries.map(|entry| Value::list(entry.iter().skip(1).cloned()))).into())
        }
        // Takes some entries out, all when there are few: for who must not do too much at once.
        (Some("take"), []) => {
            let found = turn.call(root, &[Value::symbol("take")])?;
            let entries: Vec<Value> = found
                .as_list()
                .unwrap_or_default()
                .chunks(ENTRY)
                .map(|entry| Value::list(entry.iter().skip(1).cloned()))
                .collect();
            let left = size - i64::try_from(entries.len()).unwrap_or(i64::MAX);
            Ok(sized(left).saying(Value::list(entries)))
        }
        _ => Err(Problem::no_method(args, &["get", "has", "set", "remove", "size", "entries", "take"])),
    }
}

fn node_call(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let is_leaf = *part(me, 0)? == true.into();
    let contents = me.state().as_list().and_then(|parts| parts.get(1..)).ok_or_else(bad_state)?;
    match (args, is_leaf) {
        ([op, level, place, key, value @ ..], true) => {
            leaf(turn, me, contents, (op, level, place, key, value))
        }
        ([op, level, place, _, ..], false) => {
            let level = level.as_i64().ok_or_else(bad_state)?;
            let at = child_at(place, level)?;
            let child = contents.get(at).and_then(Value::as_ref);
            match (op.as_name(), child) {
                (_, Some(child)) => {
                    let mut args = args.to_vec();
                    if let Some(deeper) = args.get_mut(1) {
                        *deeper = (level + 1).into();
                    }
                    turn.call(child, &args).map(Answer::from)
                }
                (Some("get"), None) => Ok(Value::list([]).into()),
                (Some("remove"), None) => Ok(false.into()),
                _ => {
                    let [_, _, place, key, value] = args else { return Err(bad_state()) };
                    let entry = [true.into(), place.clone(), key.clone(), value.clone()];
                    let child = turn.spawn(&NODE, Value::list(entry))?;
                    let mut next = me.state().as_list().unwrap_or_default().to_vec();
                    if let Some(slot) = next.get_mut(at + 1) {
                        *slot = child.into();
                    }
                    Ok(me.becomes(Value::list(next)).saying(true))
                }
            }
        }
        ([op], _) => whole(turn, me, contents, is_leaf, op.as_name() == Some("take")),
        _ => Err(bad_state()),
    }
}

fn child_at(place: &Value, level: i64) -> Result<usize, Problem> {
    let bits = place.as_i64().ok_or_else(bad_state)? >> (level * BITS);
    usize::try_from(bits & ((1 << BITS) - 1)).map_err(|_| bad_state())
}

type Asked<'a> = (&'a Value, &'a Value, &'a Value, &'a Value, &'a [Value]);

fn leaf(
    turn: &mut Turn,
    me: Me<'_>,
    contents: &[Value],
    (op, level, place, key, value): Asked<'_>,
) -> Result<Answer, Problem> {
    let entries = || contents.chunks(ENTRY);
    let found = entries().position(|entry| matches!(entry, [at, have, _] if at == place && have == key));
    let keep = |entries: Vec<Value>| me.becomes(Value::list([true.into()].into_iter().chain(entries)));
    match (op.as_name(), found, value) {
        (Some("get"), found, _) => {
            let value = found.and_then(|at| contents.get(at * ENTRY + 2));
            Ok(Value::list(value.cloned()).into())
        }
        (Some("remove"), Some(at), _) => {
            let others = entries().enumerate().filter(|(other, _)| *other != at);
            Ok(keep(others.flat_map(|(_, entry)| entry.to_vec()).collect()).saying(true))
        }
        (Some("remove"), None, _) => Ok(false.into()),
        (Some("set"), Some(at), [value]) => {
            let mut next = contents.to_vec();
            if let Some(slot) = next.get_mut(at * ENTRY + 2) {
                *slot = value.clone();
            }
            Ok(keep(next).saying(false))
        }
        (Some("set"), None, [value]) => {
            let mut next = contents.to_vec();
            next.extend([place.clone(), key.clone(), value.clone()]);
            let level = level.as_i64().ok_or_else(bad_state)?;
            if next.len() <= LEAF_ENTRIES * ENTRY || level >= LEVELS {
                return Ok(keep(next).saying(true));
            }
            let mut groups = vec![vec![Value::from(true)]; CHILDREN];
            for entry in next.chunks(ENTRY) {
                let at = child_at(entry.first().ok_or_else(bad_state)?, level)?;
                if let Some(group) = groups.get_mut(at) {
                    group.extend_from_slice(entry);
                }
            }
            let mut branch = vec![Value::from(false)];
            for group in groups {
                branch.push(match group.len() {
                    1 => Value::Undefined,
                    _ => turn.spawn(&NODE, Value::list(group))?.into(),
                });
            }
            Ok(me.becomes(Value::list(branch)).saying(true))
        }
        _ => Err(bad_state()),
    }
}

/// All entries below a node, or, to take them out, those of one leaf.
fn whole(
    turn: &mut Turn,
    me: Me<'_>,
    contents: &[Value],
    is_leaf: bool,
    take: bool,
) -> Result<Answer, Problem> {
    if is_leaf {
        let all = Value::list(contents.to_vec());
        return Ok(if take { me.becomes(Value::list([true.into()])).saying(all) } else { all.into() });
    }
    let mut found = Vec::new();
    let mut left = contents.to_vec();
    for child in &mut left {
        let Some(node) = child.as_ref() else { continue };
        let op = Value::symbol(if take { "take" } else { "all" });
        let below = turn.call(node, &[op])?;
        found.extend_from_slice(below.as_list().unwrap_or_default());
        if take && !found.is_empty() {
            break;
        }
        if take {
            *child = Value::Undefined;
        }
    }
    let found = Value::list(found);
    if !take {
        return Ok(found.into());
    }
    Ok(me.becomes(Value::list([false.into()].into_iter().chain(left))).saying(found))
}

/// An empty table, whose places are by a hash with this key. Where keys come from people who would like to make it slow, the key is a
/// secret.
///
/// ```
/// use hob_vat::{Actormap, Value, library};
///
/// let mut map = Actormap::new();
/// let table = map.poke(|turn| library::table(turn, [0, 0]))?;
/// map.poke(|turn| turn.call(table, &[Value::symbol("set"), "a".into(), 1.into()]))?;
/// assert_eq!(map.peek(|turn| turn.call(table, &[Value::symbol("get"), "a".into()]))?, 1.into());
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`: objects.
pub fn table(turn: &mut Turn, key: [u64; 2]) -> Result<Ref, Problem> {
    let root = turn.spawn(&NODE, Value::list([true.into()]))?;
    let [a, b] = key.map(|half| word(half).into());
    turn.spawn(&TABLE, Value::list([root.into(), a, b, 0.into()]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::library::tests::Stage;

    #[test]
    fn values_by_value() {
        let mut stage = Stage::new();
        stage.make(["t"], |turn| Ok([table(turn, [1, 2])?]));
        stage.run(
            "t 'get 1 => undefined
             t 'set 1 [2] => true
             t 'set 1 3 => false
             t 'set [$t] 'x => true
             t 'get [$t] => 'x
             t 'has 1 => true
             t 'has 1.0 => false
             t 'size => 2
             t 'remove 1 => true
             t 'remove 1 => false
             t 'entries => [[[$t] 'x]]
             t 'take => [[[$t] 'x]]
             t 'take => []
             t 'size => 0
             t 'nothing => !no-method
             t 'get => !no-method",
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        /// Keys share their hashes in the last case: a leaf that cannot split any more grows.
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((0_u8..4, 0_i64..2000, any::<i8>()), 1..1500)) {
            let mut stage = Stage::new();
            let [it] = stage.make(["t"], |turn| Ok([table(turn, [7, 8])?]));
            let mut model = BTreeMap::new();
            let mut call = |args: &[Value]| stage.map.poke(|turn| turn.call(it, args)).unwrap();
            for (what, key, value) in steps {
                let value = i64::from(value);
                match what {
                    0 => prop_assert_eq!(call(&[Value::symbol("remove"), key.into()]), model.remove(&key).is_some().into()),
                    1 => prop_assert_eq!(call(&[Value::symbol("get"), key.into()]), model.get(&key).copied().map_or(Value::Undefined, Value::from)),
                    _ => prop_assert_eq!(call(&[Value::symbol("set"), key.into(), value.into()]), model.insert(key, value).is_none().into()),
                }
            }
            prop_assert_eq!(call(&[Value::symbol("size")]).as_i64(), i64::try_from(model.len()).ok());
            let mut taken = BTreeMap::new();
            loop {
                let some = call(&[Value::symbol("take")]);
                let some = some.as_list().unwrap();
                if some.is_empty() {
                    break;
                }
                prop_assert!(some.len() <= LEAF_ENTRIES);
                for entry in some {
                    let pair = entry.as_list().unwrap();
                    taken.insert(pair[0].as_i64().unwrap(), pair[1].as_i64().unwrap());
                }
            }
            prop_assert_eq!(taken, model);
        }
    }

    #[test]
    fn keys_of_one_hash_are_told_apart() {
        let mut stage = Stage::new();
        let [node] = stage.make(["n"], |turn| Ok([turn.spawn(&NODE, Value::list([true.into()]))?]));
        for key in 0..100 {
            stage
                .map
                .poke(|turn| {
                    turn.call(node, &[Value::symbol("set"), 0.into(), 5.into(), key.into(), key.into()])
                })
                .unwrap();
        }
        for key in 0..100 {
            let args = [Value::symbol("get"), 0.into(), 5.into(), key.into()];
            assert_eq!(stage.map.peek(|turn| turn.call(node, &args)).unwrap(), Value::list([key.into()]));
        }
    }
}
