//! The values that a field of the context may still have, after some comparisons said what they said.
//!
//! The rules are those of [`crate::guard::value`]: numbers compare as floating point; two strings that are both lengths of time
//! compare as such, other strings byte by byte; what is of another kind is not equal and in no order. A comparison that has no
//! answer says neither yes nor no, so either answer means that it had one. What is kept may be more than is possible and is
//! never less: a domain that is empty is surely so.

use serde_json::{Number, Value};

use super::range::Range;
use crate::document::model::{FieldKind, SchemaField};
use crate::guard::duration;
use crate::guard::value::{Compare, Operand, equal};

/// What lengths of time begin with lies between these two.
const DURATION_TEXT: (&str, &str) = ("+", ":");

/// Values that are left.
#[derive(Clone, Debug)]
pub(crate) struct Domain {
    /// When there are few, these, and the rest does not count.
    finite: Option<Vec<Value>>,
    null: bool,
    truth: Range<bool>,
    /// Lists and objects.
    other: bool,
    number: Range<f64>,
    integer: bool,
    /// Strings that are lengths of time, by their nanoseconds.
    duration: Range<i64>,
    /// The same, as they compare with strings that are none.
    duration_text: Range<String>,
    /// Strings that are none.
    text: Range<String>,
}

impl Domain {
    /// Anything.
    pub(crate) fn any() -> Self {
        Self {
            finite: None,
            null: true,
            truth: Range::all(),
            other: true,
            number: Range::all(),
            integer: false,
            duration: Range::all(),
            duration_text: Range::all(),
            text: Range::all(),
        }
    }

    fn nothing() -> Self {
        Self {
            null: false,
            truth: Range::nothing(),
            other: false,
            number: Range::nothing(),
            duration: Range::nothing(),
            text: Range::nothing(),
            ..Self::any()
        }
    }

    /// What a schema says that a field holds.
    pub(crate) fn of(field: Option<&SchemaField>) -> Self {
        let Some(field) = field else { return Self::any() };
        let none = Self { null: field.nullable, ..Self::nothing() };
        let null = field.nullable.then_some(Value::Null);
        match field.kind {
            FieldKind::Any => Self::any(),
            FieldKind::Int => Self { number: Range::all(), integer: true, ..none },
            FieldKind::Float => Self { number: Range::all(), ..none },
            FieldKind::Duration => Self { duration: Range::all(), ..none },
            FieldKind::String | FieldKind::Time => {
                Self { duration: Range::all(), text: Range::all(), ..none }
            }
            FieldKind::Enum if field.choices.is_empty() => {
                Self { duration: Range::all(), text: Range::all(), ..none }
            }
            FieldKind::Enum => {
                let choices = field.choices.iter().map(|choice| Value::from(choice.as_str()));
                Self { finite: Some(choices.chain(null).collect()), ..Self::nothing() }
            }
            FieldKind::Bool => {
                let values = [Value::Bool(false), Value::Bool(true)];
                Self { finite: Some(values.into_iter().chain(null).collect()), ..Self::nothing() }
            }
            FieldKind::Object | FieldKind::List | FieldKind::Map => Self { other: true, ..none },
        }
    }

    /// The field, compared with a value, gave this answer.
    pub(crate) fn compared(&mut self, op: Compare, with: &Value, answer: bool) {
        if let Some(values) = &mut self.finite {
            values.retain(|value| op.holds(Operand::of(value), Operand::of(with)) == Ok(answer));
            return;
        }
        match (op, answer) {
            (Compare::Eq, true) | (Compare::Ne, false) => self.among(std::slice::from_ref(with)),
            (Compare::Eq, false) | (Compare::Ne, true) => self.without(with),
            (Compare::Lt, true) | (Compare::Ge, false) => self.ordered(with, true, false),
            (Compare::Le, true) | (Compare::Gt, false) => self.ordered(with, true, true),
            (Compare::Gt, true) | (Compare::Le, false) => self.ordered(with, false, false),
            (Compare::Ge, true) | (Compare::Lt, false) => self.ordered(with, false, true),
        }
    }

    /// Whether the field is one of these had this answer.
    pub(crate) fn one_of(&mut self, set: &[Value], answer: bool) {
        if let Some(values) = &mut self.finite {
            let is_one = |value: &Value| set.iter().any(|each| equal(Operand::of(value), Operand::of(each)));
            values.retain(|value| is_one(value) == answer);
        } else if answer {
            self.among(set);
        } else {
            set.iter().for_each(|value| self.without(value));
        }
    }

    fn among(&mut self, set: &[Value]) {
        let mut only = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for value in set {
            match (Operand::of(value), value.as_str().and_then(duration::parse)) {
                (Operand::Number(number), _) => only.0.push(number),
                (_, Some(nanos)) => only.1.push(nanos),
                (Operand::Text(text), None) => only.2.push(text.to_owned()),
                (Operand::Bool(value), _) => only.3.push(value),
                // Null, lists and objects equal nothing.
                (Operand::Null | Operand::Other(_), _) => {}
            }
        }
        self.number.among(&only.0);
        self.duration.among(&only.1);
        self.text.among(&only.2);
        self.truth.among(&only.3);
        (self.null, self.other) = (false, false);
    }

    fn without(&mut self, value: &Value) {
        match (Operand::of(value), value.as_str().and_then(duration::parse)) {
            (Operand::Number(number), _) => self.number.without(&number),
            (_, Some(nanos)) => self.duration.without(&nanos),
            (Operand::Text(text), None) => self.text.without(&text.to_owned()),
            (Operand::Bool(value), _) => self.truth.without(&value),
            (Operand::Null | Operand::Other(_), _) => {}
        }
    }

    /// The field is below or above a value, so it is in an order with it.
    fn ordered(&mut self, with: &Value, below: bool, inclusive: bool) {
        fn narrow<T: PartialOrd + Clone>(range: &mut Range<T>, end: &T, below: bool, inclusive: bool) {
            if below { range.below(end, inclusive) } else { range.above(end, inclusive) }
        }
        let kept = match (Operand::of(with), with.as_str().and_then(duration::parse)) {
            (Operand::Number(end), _) => {
                narrow(&mut self.number, &end, below, inclusive);
                Self { number: self.number.clone(), integer: self.integer, ..Self::nothing() }
            }
            (Operand::Text(end), nanos) => {
                let end = end.to_owned();
                narrow(&mut self.text, &end, below, inclusive);
                match nanos {
                    Some(nanos) => narrow(&mut self.duration, &nanos, below, inclusive),
                    None => narrow(&mut self.duration_text, &end, below, inclusive),
                }
                Self {
                    text: self.text.clone(),
                    duration: self.duration.clone(),
                    duration_text: self.duration_text.clone(),
                    ..Self::nothing()
                }
            }
            _ => Self::nothing(),
        };
        *self = kept;
    }

    /// Whether surely nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.finite {
            Some(values) => values.is_empty(),
            None => {
                !self.null
                    && !self.other
                    && ![false, true].iter().any(|value| self.truth.has(value))
                    && self.no_number()
                    && self.no_duration()
                    && self.no_text()
            }
        }
    }

    fn no_number(&self) -> bool {
        if self.number.is_empty() {
            return true;
        }
        // Between two ends there may be no integer, or only such as are excepted.
        let (true, Some((low, _)), Some((high, _))) = (self.integer, &self.number.low, &self.number.high)
        else {
            return false;
        };
        let (first, last) = (low.ceil(), high.floor());
        #[expect(clippy::cast_precision_loss, reason = "a short list")]
        let few = last - first <= self.number.except.len() as f64 + 2.0;
        few && first.abs() < 1e15
            && last.abs() < 1e15
            && !self.steps(first, last).any(|n| self.number.has(&n))
    }

    fn steps(&self, first: f64, last: f64) -> impl Iterator<Item = f64> + use<> {
        std::iter::successors(Some(first), |number| Some(number + 1.0))
            .take_while(move |number| *number <= last)
    }

    fn no_duration(&self) -> bool {
        let (first, past) = DURATION_TEXT;
        let low = self.duration_text.low.as_ref();
        let high = self.duration_text.high.as_ref();
        self.duration.is_empty()
            || self.duration_text.is_empty()
            || low.is_some_and(|(low, _)| low.as_str() >= past)
            || high.is_some_and(|(high, _)| high.as_str() < first)
    }

    fn no_text(&self) -> bool {
        let below_all = |(high, inclusive): &(String, bool)| high.is_empty() && !inclusive;
        self.text.is_empty() || self.text.high.as_ref().is_some_and(below_all)
    }

    /// One that is left, as far as one is easily found.
    pub(crate) fn pick(&self) -> Option<Value> {
        if let Some(values) = &self.finite {
            return values.first().cloned();
        }
        self.pick_number()
            .or_else(|| self.pick_text())
            .or_else(|| self.pick_duration())
            .or_else(|| [false, true].into_iter().find(|value| self.truth.has(value)).map(Value::Bool))
            .or_else(|| self.null.then_some(Value::Null))
            .or_else(|| self.other.then(|| Value::Array(Vec::new())))
    }

    fn pick_number(&self) -> Option<Value> {
        let range = &self.number;
        let (low, high) = (range.low.as_ref().map(|end| end.0), range.high.as_ref().map(|end| end.0));
        let only = range.only.iter().flatten().copied();
        let near = low.into_iter().chain(high).flat_map(|end| {
            [end, end + 1.0, end - 1.0, end.floor() + 1.0, end.ceil() - 1.0, end + 0.5, end - 0.5]
        });
        let between = low.zip(high).map(|(low, high)| low + (high - low) / 2.0);
        let beside = range.except.iter().map(|number| number + 1.0);
        let found =
            [0.0, 1.0].into_iter().chain(only).chain(near).chain(between).chain(beside).find(|number| {
                range.has(number) && number.is_finite() && (!self.integer || *number == number.trunc())
            })?;
        #[expect(clippy::cast_possible_truncation, reason = "it is an integer of less than 53 bits")]
        let whole = (found == found.trunc() && found.abs() < 1e15).then_some(found as i64);
        whole.map(Value::from).or_else(|| Number::from_f64(found).map(Value::Number))
    }

    fn pick_text(&self) -> Option<Value> {
        let range = &self.text;
        let ends = range.low.iter().chain(&range.high).map(|(end, _)| end).chain(&range.except);
        let near = ends.flat_map(|end| [end.clone(), format!("{end}a"), format!("{end}\0")]);
        let only = range.only.iter().flatten().cloned();
        let found = ["x".to_owned(), String::new()].into_iter().chain(only).chain(near);
        found.into_iter().find(|text| range.has(text) && duration::parse(text).is_none()).map(Value::from)
    }

    fn pick_duration(&self) -> Option<Value> {
        let range = &self.duration;
        let ends = range.low.iter().chain(&range.high).map(|(end, _)| end).chain(&range.except);
        let near = ends.flat_map(|end| [*end, end.saturating_add(1), end.saturating_sub(1)]);
        let only = range.only.iter().flatten().copied();
        let nanos = [0].into_iter().chain(only).chain(near).filter(|nanos| range.has(nanos));
        let mut texts = nanos.flat_map(|nanos| [format!("{nanos}ns"), format!("+{nanos}ns")]);
        texts.find(|text| self.duration_text.has(text)).map(Value::from)
    }
}
