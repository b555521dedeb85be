//! How much a script may do and keep: its document may be a stranger's.

use std::time::Instant;

use serde_json::Value;

use super::run::Env;
use super::value::Js;
use crate::binding::{Call, Work};
use crate::weight::{self, Unfit, weigh};

/// How many expressions and statements one evaluation may run.
const STEPS_MAX: u32 = 100_000;

/// After how many steps the clock is looked at.
const CLOCK_STEPS: u32 = 1024;

/// How many bytes a text may have, and how much one value may weigh.
pub(super) const SIZE_MAX: usize = 64 << 10;

/// How deep a value may nest: what is kept must be readable again.
const VALUE_DEPTH_MAX: usize = 100;

/// How much all variables of a machine may weigh, with their names.
const TOTAL_MAX: usize = 256 << 10;

/// How much of a value is copied or looked through in one step.
const WEIGHT_A_STEP: usize = 16;

/// How many bytes of a script are read in one step.
const BYTES_A_STEP: usize = 32;

/// Names that a machine can read and not write.
const SYSTEM: [&str; 6] = ["this", "_event", "_sessionid", "_name", "_ioprocessors", "_x"];

/// Steps that are counted, until a moment.
#[derive(Default)]
pub(super) struct Meter<'c> {
    steps: u32,
    deadline: Option<Instant>,
    /// What all scripts of one step of the machine may take together.
    work: Option<&'c Work>,
}

impl<'c> Meter<'c> {
    pub(super) fn of(call: Option<&Call<'c>>) -> Self {
        let (deadline, work) = (call.and_then(|call| call.deadline), call.map(|call| call.work));
        Self { steps: 0, deadline, work }
    }

    /// Takes so many steps. Errors: they are more than there may be; the deadline has passed.
    pub(super) fn take(&mut self, steps: usize) -> Result<(), String> {
        let before = self.steps / CLOCK_STEPS;
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        self.steps = self.steps.saturating_add(steps);
        if self.steps > STEPS_MAX {
            return Err(format!("it takes more than {STEPS_MAX} steps"));
        }
        if let Some(most) = self.work.and_then(|work| work.take(steps).err()) {
            return Err(format!("all scripts of the step take more than {most} steps"));
        }
        if self.steps / CLOCK_STEPS == before { Ok(()) } else { self.in_time() }
    }

    /// Takes what reading a text takes.
    pub(super) fn read(&mut self, text: &str) -> Result<(), String> {
        self.take(text.len() / BYTES_A_STEP)
    }

    /// Errors: the deadline has passed.
    pub(super) fn in_time(&self) -> Result<(), String> {
        let late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        if late { Err("it is not done by the deadline of the step".into()) } else { Ok(()) }
    }
}

impl Env<'_> {
    /// Pays for looking through a value, which may be neither too large nor too deep.
    pub(super) fn fit(&mut self, value: Js) -> Result<Js, String> {
        if let Js::Json(inner) = &value {
            let left = weigh(inner, VALUE_DEPTH_MAX, SIZE_MAX).map_err(|unfit| match unfit {
                Unfit::Heavy => format!("a value grows beyond {SIZE_MAX}"),
                Unfit::Deep => format!("a value nests deeper than {VALUE_DEPTH_MAX}"),
            })?;
            self.meter.take((SIZE_MAX - left) / WEIGHT_A_STEP)?;
        }
        Ok(value)
    }

    /// Keeps a value among all there are.
    pub(super) fn keep(&mut self, name: &str, value: Value) -> Result<(), String> {
        // What was too deep for a script came from outside, and weighs what there is.
        let of = |name: &str, value: &Value| {
            let room = weight::name(name, TOTAL_MAX).and_then(|room| weigh(value, usize::MAX, room));
            room.map_or(TOTAL_MAX, |room| TOTAL_MAX - room)
        };
        let room = match self.room {
            Some(room) => room,
            None => {
                let weights = self.globals.iter().map(|(name, value)| of(name, value));
                TOTAL_MAX.saturating_sub(weights.fold(0, usize::saturating_add))
            }
        };
        let before = self.globals.get(name).map_or(0, |value| of(name, value));
        let left = (room + before).checked_sub(of(name, &value));
        self.room = Some(left.ok_or_else(|| format!("all variables together grow beyond {TOTAL_MAX}"))?);
        self.globals.to_mut().insert(name.to_owned(), value);
        Ok(())
    }
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
        Env::first(globals).unwrap().script(script).err()
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
            assert_eq!(errors("y['0'] = {a: y};", &mut globals).is_some(), depth + 1 > VALUE_DEPTH_MAX - 1);
        };
        check(VALUE_DEPTH_MAX - 1, None);
        check(VALUE_DEPTH_MAX, Some("a value nests deeper than 100"));
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
        let mut meter = Meter::default();
        meter.take(100_000).unwrap();
        assert_eq!(meter.take(1).as_ref().map_err(String::as_str), Err("it takes more than 100000 steps"));
        assert!(Meter::default().take(usize::MAX).is_err());
        let work = Work::of(150_000);
        let shared = || Meter { work: Some(&work), ..Meter::default() };
        shared().take(100_000).unwrap();
        shared().take(50_000).unwrap();
        let all = "all scripts of the step take more than 150000 steps";
        assert_eq!(shared().take(1).as_ref().map_err(String::as_str), Err(all));
        let mut late = Meter { deadline: Some(Instant::now()), ..Meter::default() };
        late.take(1023).unwrap();
        let late = late.take(1);
        assert_eq!(late.as_ref().map_err(String::as_str), Err("it is not done by the deadline of the step"));
    }
}
