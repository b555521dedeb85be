//! Values as Syrup, and back: what guests see and what stores keep.
//!
//! References and sealed boxes mean something only to who holds them, so whoever encodes says how they are named ([`Names`]):
//! a store by vat, place and birth, a guest by handles of its own. All else is written as OCapN has it:
//!
//! | value | Syrup |
//! |---|---|
//! | undefined, null | `<void>`, `<null>` |
//! | booleans, integers, floats, strings, symbols, bytes, lists, structs | as they are |
//! | tagged | `<desc:tagged 'tag value>` |
//! | error | `<desc:error "message" 'rule>`; without a rule when read from others |

use arcstr::ArcStr;
use hob_syrup::{DEPTH_MAX, Kind, Limits, Mode, Reader, Token, Writer};

use crate::problem::Problem;
use crate::value::{List, Value};

/// Characters of a label that errors show: it is whatever the sender likes.
const LABEL_CHARS_SHOWN: usize = 40;

/// How references and sealed boxes are named in bytes.
pub trait Names {
    /// Writes the name of a reference or a sealed box.
    ///
    /// # Errors
    ///
    /// What cannot be named.
    fn write(&mut self, value: &Value, w: &mut Writer<'_>) -> Result<(), Problem>;

    /// Reads the fields of a record with this label, up to but without its end; None when the label is none of its own.
    ///
    /// # Errors
    ///
    /// A name of nothing, or not a name.
    fn read(&mut self, label: &str, r: &mut Reader<'_>) -> Result<Option<Value>, Problem>;
}

/// Names nothing: for values that may hold no references.
#[derive(Clone, Copy, Debug)]
pub struct NoNames;

impl Names for NoNames {
    fn write(&mut self, _: &Value, _: &mut Writer<'_>) -> Result<(), Problem> {
        Err(Problem::rule("no-references", "references mean nothing here".into()))
    }

    fn read(&mut self, _: &str, _: &mut Reader<'_>) -> Result<Option<Value>, Problem> {
        Ok(None)
    }
}

/// Levels of a value that can be written. One less than a reader takes, because what has no levels may still be a record.
pub const ENCODED_DEPTH_MAX: u32 = 127;
const _: () = assert!(DEPTH_MAX == 128);

/// A value as bytes.
///
/// ```
/// use hob_vat::{NoNames, Value, decode, encode};
///
/// let value = Value::list([Value::symbol("inc"), 1.into()]);
/// let bytes = encode(&value, &mut NoNames)?;
/// assert_eq!(bytes, b"[3'inc1+]");
/// assert_eq!(decode(&bytes, &mut NoNames)?, value);
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// What `names` cannot name; `not-encodable`: a value of more than [`ENCODED_DEPTH_MAX`] levels.
pub fn encode(value: &Value, names: &mut dyn Names) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::with_capacity(usize::try_from(value.weight()).unwrap_or_default().min(1 << 16));
    let mut w = Writer::new(&mut out);
    write_value(value, names, &mut w)?;
    w.finish().map_err(|error| Problem::rule("not-encodable", error.to_string()))?;
    Ok(out)
}

/// Bytes as a value.
///
/// # Errors
///
/// `not-syrup`: what is wrong with the bytes, and where; what `names` says.
pub fn decode(bytes: &[u8], names: &mut dyn Names) -> Result<Value, Problem> {
    let mut r = Reader::new(
        bytes,
        Mode::Liberal,
        Limits { bytes: usize::MAX, depth: DEPTH_MAX, values: usize::MAX, ..Limits::default() },
    );
    let value = read_value(&mut r, names)?;
    r.finish().map_err(not_syrup)?;
    Ok(value)
}

/// Writes a value where a writer is.
///
/// # Errors
///
/// As [`encode`].
pub fn write_value(value: &Value, names: &mut dyn Names, w: &mut Writer<'_>) -> Result<(), Problem> {
    if value.depth() > ENCODED_DEPTH_MAX {
        let message = format!("a value of {} levels: {ENCODED_DEPTH_MAX} can be written", value.depth());
        return Err(Problem::rule("not-encodable", message));
    }
    match value {
        Value::Undefined => w.record("void", |_| ()),
        Value::Null => w.record("null", |_| ()),
        Value::Bool(it) => w.bool(*it),
        Value::Int(it) => match it.to_i64() {
            Some(small) => w.int(small),
            None => w.bigint(&it.to_bigint()),
        },
        Value::Float(it) => w.f64(*it),
        Value::Str(it) => w.str(it),
        Value::Symbol(it) => w.symbol(it),
        Value::Bytes(it) => w.bytes(it),
        Value::List(items) => write_list(items, names, w)?,
        Value::Struct(fields) => w.entries(|entries| {
            fields
                .iter()
                .try_for_each(|(name, item)| entries.entry(name.as_str(), |w| write_value(item, names, w)))
        })?,
        Value::Tagged(tagged) => w.record("desc:tagged", |w| {
            w.symbol(&tagged.tag);
            write_value(&tagged.value, names, w)
        })?,
        Value::Error(error) => w.record("desc:error", |w| {
            w.str(&error.message);
            w.symbol(&error.rule);
        }),
        Value::Ref(_) | Value::Sealed(_) => names.write(value, w)?,
    }
    Ok(())
}

/// Writes values as a list where a writer is.
///
/// # Errors
///
/// As [`encode`].
pub fn write_list(items: &[Value], names: &mut dyn Names, w: &mut Writer<'_>) -> Result<(), Problem> {
    w.list(|w| items.iter().try_for_each(|item| write_value(item, names, w)))
}

/// Reads a value where a reader is.
///
/// # Errors
///
/// As [`decode`].
pub fn read_value(r: &mut Reader<'_>, names: &mut dyn Names) -> Result<Value, Problem> {
    match r.peek().map_err(not_syrup)? {
        Kind::List => return read_list(r, names).map(Value::List),
        Kind::Struct => {
            r.entries().map_err(not_syrup)?;
            let mut fields = Vec::new();
            while r.more().map_err(not_syrup)? {
                let name = match r.next_token().map_err(not_syrup)? {
                    Token::Str(name) | Token::Symbol(name) => ArcStr::from(name),
                    _ => {
                        return Err(Problem::rule(
                            "not-a-value",
                            "a name in a struct must be a string".into(),
                        ));
                    }
                };
                fields.push((name, read_value(r, names)?));
            }
            r.end().map_err(not_syrup)?;
            return Ok(Value::Struct(fields.into_iter().collect()));
        }
        Kind::Record => {
            let label = r.record().map_err(not_syrup)?;
            let value = read_record(label, r, names)?;
            r.end().map_err(not_syrup)?;
            return Ok(value);
        }
        _ => {}
    }
    Ok(match r.next_token().map_err(not_syrup)? {
        Token::Bool(it) => it.into(),
        Token::Int(it) => match it.to_i64() {
            Some(small) => small.into(),
            None => Value::Int(it.to_bigint().into()),
        },
        Token::F64(it) => it.into(),
        Token::Bytes(it) => Value::bytes(it),
        Token::Str(it) => it.into(),
        Token::Symbol(it) => Value::symbol(it),
        other => return Err(Problem::rule("not-a-value", format!("{:?} is no value", other.kind()))),
    })
}

/// Reads a list of values where a reader is.
///
/// # Errors
///
/// As [`decode`].
pub fn read_list(r: &mut Reader<'_>, names: &mut dyn Names) -> Result<List, Problem> {
    r.list().map_err(not_syrup)?;
    let mut items = Vec::new();
    while r.more().map_err(not_syrup)? {
        items.push(read_value(r, names)?);
    }
    r.end().map_err(not_syrup)?;
    Ok(items.into())
}

fn read_record(label: &str, r: &mut Reader<'_>, names: &mut dyn Names) -> Result<Value, Problem> {
    Ok(match label {
        "void" => Value::Undefined,
        "null" => Value::Null,
        "desc:tagged" => {
            let tag = match r.next_token().map_err(not_syrup)? {
                Token::Symbol(tag) | Token::Str(tag) => tag,
                _ => return Err(Problem::rule("not-a-value", "a tag must be a symbol".into())),
            };
            Value::tagged(tag, read_value(r, names)?)
        }
        "desc:error" => {
            let message = r.str().map_err(not_syrup)?;
            let rule = if r.more().map_err(not_syrup)? { r.symbol().map_err(not_syrup)? } else { "error" };
            Value::error(rule, message)
        }
        label => match names.read(label, r)? {
            Some(value) => value,
            None => {
                let label: String = label.chars().take(LABEL_CHARS_SHOWN).collect();
                let message = format!("<{} …> is no value here", label.escape_debug());
                return Err(Problem::rule("not-a-value", message));
            }
        },
    })
}

/// What is wrong with bytes, as a problem: `not-syrup`, or `limit` with its name.
#[cold]
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "it is used with map_err")]
pub fn not_syrup(error: hob_syrup::Error) -> Problem {
    match error.kind() {
        hob_syrup::ErrorKind::Limit { limit, max } => Problem::rule(
            "limit",
            format!("{limit} limit exceeded at byte {}: {max} allowed", error.offset()),
        ),
        _ => Problem::rule("not-syrup", error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Int;

    #[test]
    fn values_come_back() {
        let check = |value: Value, bytes: &str| {
            let encoded = encode(&value, &mut NoNames).unwrap();
            assert_eq!(String::from_utf8_lossy(&encoded), bytes);
            assert_eq!(decode(&encoded, &mut NoNames).unwrap(), value);
        };
        check(().into(), "<4'void>");
        check(Value::Null, "<4'null>");
        check(Int::from(u64::MAX).into(), "18446744073709551615+");
        check((-7).into(), "7-");
        check(Value::fields([("b", 1.into()), ("aa", Value::symbol("x"))]), "{1\"b1+2\"aa1'x}");
        check(Value::tagged("t", Value::list([true.into()])), "<11'desc:tagged1't[t]>");
        check(Value::error("limit", "no"), "<10'desc:error2\"no5'limit>");
    }

    #[test]
    fn what_is_no_value_is_refused_and_named() {
        let check = |bytes: &str, rule: &str| {
            let problem = decode(bytes.as_bytes(), &mut NoNames).unwrap_err();
            assert_eq!(problem.rule_name(), Some(rule), "{problem}");
        };
        check("<4'what1+>", "not-a-value");
        check("[1+", "not-syrup");
        check("1+1+", "not-syrup");
        check("{1+1+}", "not-a-value");
        check("<10'desc:error1+>", "not-syrup");
    }
}
