//! How much a script may do and keep: its document may be a stranger's.

use std::cell::Cell;
use std::time::Instant;

use serde_json::Value;

use super::content::Run;
use super::part;
use super::run::Env;
use super::value::Js;
use crate::binding::Work;
use crate::effect::Effect;
use crate::weight::{self, Unfit, VALUE_DEPTH_MAX, weigh};

/// How many expressions and statements one evaluation may run.
const STEPS_MAX: u32 = 100_000;

/// After how many steps the clock is looked at.
const CLOCK_STEPS: u32 = 1024;

/// How many bytes a text may have, and how much one value may weigh.
pub(super) const SIZE_MAX: usize = 64 << 10;

/// How much all variables of a machine may weigh, with their names.
const TOTAL_MAX: usize = 256 << 10;

/// How much of a value is copied in one step.
const WEIGHT_A_STEP: usize = 16;

/// How much of what there is is only counted in one step.
const COUNTED_A_STEP: usize = 64;

/// How much one script or element may send, raise and say.
pub(super) const EFFECTS_MAX: usize = 1 << 20;

/// How many bytes of a text are read in one step.
const BYTES_A_STEP: usize = 8;

/// How many bytes of a text are only counted in one step.
const BYTES_COUNTED_A_STEP: usize = 1024;

/// Names that a machine can read and not write.
const SYSTEM: [&str; 6] = ["this", "_event", "_sessionid", "_name", "_ioprocessors", "_x"];

/// Steps that are counted, until a moment.
#[derive(Default)]
pub(super) struct Meter<'c> {
    steps: Cell<u32>,
    deadline: Option<Instant>,
    /// What all scripts of one step of the machine may take together.
    work: Option<&'c Work>,
}

impl<'c> Meter<'c> {
    pub(super) fn within(work: &'c Work, deadline: Option<Instant>) -> Self {
        Self { work: Some(work), deadline, ..Self::default() }
    }

    /// Takes so many steps. Errors: they are more than there may be; the deadline has passed.
    pub(super) fn take(&self, steps: usize) -> Result<(), String> {
        let (before, steps) = (self.steps.get(), u32::try_from(steps).unwrap_or(u32::MAX));
        let after = before.saturating_add(steps);
        self.steps.set(after);
        if after > STEPS_MAX {
            return Err(format!("it takes more than {STEPS_MAX} steps"));
        }
        if let Some(most) = self.work.and_then(|work| work.take(steps).err()) {
            return Err(format!("all scripts of the step take more than {most} steps"));
        }
        if before / CLOCK_STEPS == after / CLOCK_STEPS { Ok(()) } else { self.in_time() }
    }

    /// Takes what reading a text takes.
    pub(super) fn read(&self, text: &str) -> Result<(), String> {
        self.take(text.len() / BYTES_A_STEP)
    }

    /// Takes what counting the characters of a text takes.
    pub(super) fn count(&self, text: &str) -> Result<(), String> {
        self.take(text.len() / BYTES_COUNTED_A_STEP)
    }

    /// Errors: the deadline has passed.
    pub(super) fn in_time(&self) -> Result<(), String> {
        let late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        if late { Err("it is not done by the deadline of the step".into()) } else { Ok(()) }
    }
}

impl Run<'_, '_> {
    /// Wants something done, and pays for what goes with it.
    pub(super) fn push(&mut self, effect: Effect) -> Result<(), String> {
        let left = effect
            .pay(self.room)
            .map_err(|_| format!("what it sends, raises and says weighs more than {EFFECTS_MAX}"))?;
        self.env.meter.take((self.room - left) / WEIGHT_A_STEP)?;
        self.room = left;
        self.effects.push(effect);
        Ok(())
    }
}

impl Env<'_> {
    /// Pays for a value that is made, which may be neither too large nor too deep.
    pub(super) fn fit(&mut self, value: Js) -> Result<Js, String> {
        if let Js::Json(inner) = &value {
            self.fits(inner, VALUE_DEPTH_MAX)?;
        }
        Ok(value)
    }

    /// Text between tags: JSON when it is, else the text with its spaces made one.
    pub(super) fn literal(&mut self, text: &str) -> Result<Js, String> {
        self.meter.read(text)?;
        match serde_json::from_str(text) {
            Ok(value) => self.fit(Js::Json(value)),
            Err(_) => bounded(Js::text(text.split_whitespace().collect::<Vec<_>>().join(" "))),
        }
    }

    /// As [`Env::fit`], of a value that may nest so deep. Returns what it weighs.
    fn fits(&mut self, value: &Value, depth: usize) -> Result<usize, String> {
        let left = weigh(value, depth, SIZE_MAX).map_err(|unfit| match unfit {
            Unfit::Heavy => format!("a value grows beyond {SIZE_MAX}"),
            Unfit::Deep => format!("a value nests deeper than {VALUE_DEPTH_MAX}"),
        })?;
        self.meter.take((SIZE_MAX - left) / WEIGHT_A_STEP)?;
        Ok(SIZE_MAX - left)
    }

    /// Pays for a copy of what is there, whatever it is: the host may have given more than a script may make.
    pub(super) fn copied(&self, value: &Value) -> Result<Js, String> {
        self.paid(value)?;
        Ok(Js::stored(value))
    }

    pub(super) fn paid(&self, value: &Value) -> Result<(), String> {
        self.meter.take(weight_of(value) / WEIGHT_A_STEP)
    }

    /// Writes a part of a variable where it is. What is too much changes nothing.
    pub(super) fn put(&mut self, name: &str, keys: &[String], value: Value) -> Result<(), String> {
        writable(name)?;
        let depth = VALUE_DEPTH_MAX
            .checked_sub(keys.len())
            .ok_or_else(|| format!("a value nests deeper than {VALUE_DEPTH_MAX}"))?;
        let after = self.fits(&value, depth)?;
        let whole = self.globals.get(name).ok_or_else(|| format!("{name} is not defined"))?;
        let (before, more) = part::cost(whole, keys)?;
        self.take_room(before, after.saturating_add(more))?;
        match self.globals.to_mut().get_mut(name) {
            Some(whole) => part::put(whole, keys, value),
            None => Ok(()),
        }
    }

    /// Keeps a value among all there are.
    pub(super) fn keep(&mut self, name: &str, value: Value) -> Result<(), String> {
        let of = |value: &Value| weight_of(value).saturating_add(name_weight(name));
        let before = self.globals.get(name).map_or(0, of);
        self.take_room(before, of(&value))?;
        self.globals.to_mut().insert(name.to_owned(), value);
        Ok(())
    }

    /// Makes room for what weighs so much in the place of what weighed that.
    fn take_room(&mut self, before: usize, after: usize) -> Result<(), String> {
        let room = match self.room {
            Some(room) => room,
            None => {
                let weights = self.globals.iter().map(|(name, value)| weight_of(value) + name_weight(name));
                let all = weights.fold(0, usize::saturating_add);
                self.meter.take(all / COUNTED_A_STEP)?;
                TOTAL_MAX.saturating_sub(all)
            }
        };
        let left = room.saturating_add(before).checked_sub(after);
        self.room = Some(left.ok_or_else(|| format!("all variables together grow beyond {TOTAL_MAX}"))?);
        Ok(())
    }
}

/// What a value weighs, whatever it is.
fn weight_of(value: &Value) -> usize {
    weigh(value, usize::MAX, usize::MAX).map_or(usize::MAX, |left| usize::MAX - left)
}

fn name_weight(name: &str) -> usize {
    weight::name(name, usize::MAX).map_or(usize::MAX, |left| usize::MAX - left)
}

/// Whether a machine may write what has this name.
pub(super) fn writable(name: &str) -> Result<(), String> {
    let own = SYSTEM.contains(&name) || name.starts_with("hob.");
    if own { Err(format!("{name} cannot be written")) } else { Ok(()) }
}

/// A text that is not too long.
pub(super) fn bounded(value: Js) -> Result<Js, String> {
    let size = match &value {
        Js::Json(Value::String(text)) => text.len(),
        _ => 0,
    };
    if size > SIZE_MAX { Err(format!("a value grows beyond {SIZE_MAX}")) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn errors(script: &str, globals: &mut Map<String, Value>) -> Option<String> {
        let work = Work::of(u32::MAX);
        Env::first(globals, &work).unwrap().script(script).err()
    }

    /// A list that weighs so much.
    fn list(weight: usize) -> Value {
        json!(vec![0; weight - 1])
    }

    #[test]
    fn a_value_weighs_so_much_and_no_more() {
        let check = |list: Value, expected: Option<&str>| {
            let mut globals = Map::from_iter([("y".into(), list)]);
            let error = errors("x = [y];", &mut globals);
            assert_eq!(error.as_deref(), expected);
            assert_eq!(globals.contains_key("x"), expected.is_none());
        };
        check(list(SIZE_MAX - 1), None);
        check(list(SIZE_MAX), Some("a value grows beyond 65536"));
    }

    #[test]
    fn a_value_nests_so_deep_and_no_deeper() {
        let check = |depth: usize, expected: Option<&str>| {
            let deep = (0..depth).fold(json!(1), |value, _| json!([value]));
            let mut globals = Map::from_iter([("y".into(), deep)]);
            assert_eq!(errors("x = [y];", &mut globals).as_deref(), expected);
            assert_eq!(errors("y['0'] = y;", &mut globals).is_some(), depth + 1 > VALUE_DEPTH_MAX);
        };
        check(VALUE_DEPTH_MAX - 1, None);
        check(VALUE_DEPTH_MAX, Some("a value nests deeper than 64"));
    }

    #[test]
    fn all_variables_weigh_so_much_and_no_more() {
        // Three of the largest that there may be, and what is left, with a name each.
        let last = |weight: usize| {
            let mut globals = Map::from_iter([("y".into(), list(SIZE_MAX)), ("z".into(), list(weight))]);
            let error = errors("a = y;", &mut globals).or_else(|| errors("b = y;", &mut globals));
            error.or_else(|| errors("c = 1; c = 2; var d;", &mut globals))
        };
        // Names of y, z, a, b, c and d, and the values of the last two.
        let rest = TOTAL_MAX - 3 * SIZE_MAX - 8;
        assert_eq!(last(rest), None);
        assert_eq!(last(rest + 1).as_deref(), Some("all variables together grow beyond 262144"));
    }

    #[test]
    fn what_is_the_models_own_is_not_written() {
        for name in ["hob.sends", "_sessionid", "_event", "this"] {
            assert_eq!(writable(name), Err(format!("{name} cannot be written")));
        }
        assert_eq!(writable("hobby"), Ok(()));
    }

    #[test]
    fn steps_end_at_their_number_and_at_the_deadline() {
        let meter = Meter::default();
        meter.take(100_000).unwrap();
        assert_eq!(meter.take(1).as_ref().map_err(String::as_str), Err("it takes more than 100000 steps"));
        assert!(Meter::default().take(usize::MAX).is_err());
        let work = Work::of(150_000);
        let shared = || Meter { work: Some(&work), ..Meter::default() };
        shared().take(100_000).unwrap();
        shared().take(50_000).unwrap();
        let all = "all scripts of the step take more than 150000 steps";
        assert_eq!(shared().take(1).as_ref().map_err(String::as_str), Err(all));
        let late = Meter { deadline: Some(Instant::now()), ..Meter::default() };
        late.take(1023).unwrap();
        let late = late.take(1);
        assert_eq!(late.as_ref().map_err(String::as_str), Err("it is not done by the deadline of the step"));
    }
}
