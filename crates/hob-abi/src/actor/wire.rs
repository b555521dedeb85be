//! Messages and answers as bytes: what is written for a guest, and what is read from one.
//!
//! What is read is bounded before it is made: a value takes at least two bytes and the room of three words, so reading no
//! more values than the limit on their weight allows bounds what the host holds for a guest.

use hob_syrup::{DEPTH_MAX, Limits, Mode, Reader, Writer};
use hob_vat::{Names, Problem, Ref, Value, not_syrup, read_value, write_list, write_value};

use super::handles::Handles;
use super::problem::contract;

/// What a guest answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The caller is told this.
    Answer(Value),
    /// The actor keeps a state, and the caller is told a value.
    Become {
        /// What it keeps.
        state: Value,
        /// What the caller is told.
        value: Value,
    },
    /// The turn never happened, for this reason.
    Fail(Value),
}

/// Writes `<turn self state [args]>`.
///
/// # Errors
///
/// `limit`: handles.
pub fn write_turn(
    out: &mut Vec<u8>,
    handles: &mut Handles,
    itself: Ref,
    state: &Value,
    args: &[Value],
) -> Result<(), Problem> {
    write(out, "turn", |w| {
        handles.write(&Value::Ref(itself), w)?;
        write_value(state, handles, w)?;
        write_list(args, handles, w)
    })
}

/// Writes `<upgrade from-version state>`.
///
/// # Errors
///
/// `limit`: handles.
pub fn write_upgrade(
    out: &mut Vec<u8>,
    handles: &mut Handles,
    from: u32,
    state: &Value,
) -> Result<(), Problem> {
    write(out, "upgrade", |w| {
        w.int(from);
        write_value(state, handles, w)
    })
}

fn write(
    out: &mut Vec<u8>,
    label: &str,
    body: impl FnOnce(&mut Writer<'_>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    out.clear();
    let mut w = Writer::new(out);
    w.record(label, body)?;
    w.finish().map_err(|error| Problem::rule("not-encodable", error.to_string()))
}

/// What may be read at once.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// What it may weigh, as limits of a vat count it.
    pub weight: u32,
    /// How deep a value may be.
    pub depth: u32,
}

/// Reads an answer.
///
/// # Errors
///
/// `not-syrup`, `not-a-value`, `unknown-handle`, `stale-handle`, `limit`, and `contract` when it is none of the three answers.
pub fn read_answer(bytes: &[u8], handles: &mut Handles, room: Room) -> Result<Answered, Problem> {
    let mut r = reader(bytes, room)?;
    let read = |r: &mut Reader<'_>, handles: &mut Handles| read_value(r, handles);
    let answered = match r.record().map_err(not_syrup)? {
        "answer" => Answered::Answer(read(&mut r, handles)?),
        "become" => {
            let state = read(&mut r, handles)?;
            Answered::Become { state, value: read(&mut r, handles)? }
        }
        "fail" => Answered::Fail(read(&mut r, handles)?),
        _ => return Err(contract("a turn answers <answer value>, <become state value> or <fail reason>")),
    };
    r.end().map_err(not_syrup)?;
    r.finish().map_err(not_syrup)?;
    Ok(answered)
}

/// Reads the values of a list, as host functions take them.
///
/// # Errors
///
/// As [`read_answer`]; `bad-arguments` when there are not exactly `N`.
pub fn read_message<const N: usize>(
    bytes: &[u8],
    handles: &mut Handles,
    room: Room,
) -> Result<[Value; N], Problem> {
    let mut r = reader(bytes, room)?;
    let mut values = [const { Value::Undefined }; N];
    r.list().map_err(not_syrup)?;
    for value in &mut values {
        if !r.more().map_err(not_syrup)? {
            return Err(wrong_number(N));
        }
        *value = read_value(&mut r, handles)?;
    }
    if r.more().map_err(not_syrup)? {
        return Err(wrong_number(N));
    }
    r.end().map_err(not_syrup)?;
    r.finish().map_err(not_syrup)?;
    Ok(values)
}

/// Reads one value.
pub(super) fn read_one(bytes: &[u8], handles: &mut Handles, room: Room) -> Result<Value, Problem> {
    let mut r = reader(bytes, room)?;
    let value = read_value(&mut r, handles)?;
    r.finish().map_err(not_syrup)?;
    Ok(value)
}

#[cold]
fn wrong_number(count: usize) -> Problem {
    Problem::rule("bad-arguments", format!("this function takes a list of {count} values"))
}

/// A value of a list or a record weighs at least this much, and takes at least two bytes; what is written with more bytes than
/// it weighs has four times as many at most.
const VALUE_WEIGHT_MIN: usize = 8;
const BYTES_PER_WEIGHT: usize = 4;

/// What is around a value: the list of a message, or the record of an answer. What is one level deeper the kernel refuses.
const DEPTH_AROUND: usize = 1;

/// Values and bytes that a small message may have in any case: labels and handles count as several.
const VALUES_MIN: usize = 64;
const BYTES_MIN: usize = 1024;

fn reader(bytes: &[u8], room: Room) -> Result<Reader<'_>, Problem> {
    let weight = usize::try_from(room.weight).unwrap_or(usize::MAX);
    let depth = usize::try_from(room.depth).unwrap_or(usize::MAX).saturating_add(DEPTH_AROUND);
    let limits = Limits {
        bytes: weight.saturating_mul(BYTES_PER_WEIGHT).saturating_add(BYTES_MIN),
        depth: depth.min(DEPTH_MAX),
        // A reference is a record, its label and a number: three, and weighs as much.
        values: (weight / VALUE_WEIGHT_MIN).saturating_mul(2).saturating_add(VALUES_MIN),
        ..Limits::default()
    };
    if bytes.len() > limits.bytes {
        return Err(Problem::rule(
            "limit",
            format!("message-bytes limit exceeded: {} allowed", limits.bytes),
        ));
    }
    Ok(Reader::new(bytes, Mode::Liberal, limits))
}
