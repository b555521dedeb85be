//! Calling functions: those of a machine, and the few that are there.

use serde_json::Value;

use super::bounds::bounded;
use super::parse::{Expr, Function, function};
use super::run::Env;
use super::value::{Js, strictly_equal};

/// How deep calls may nest.
const CALLS_MAX: usize = 32;

/// How many bytes of a function are read in one step.
const READ_IN_A_STEP: usize = 8;

impl Env<'_> {
    pub(super) fn call(&mut self, function: &Expr, args: &[Expr]) -> Result<Js, String> {
        let args = self.args(args)?;
        let first = args.first().cloned().unwrap_or(Js::Undefined);
        match function {
            Expr::Name(name) => {
                if let Some(function) = self.function(name)? {
                    return self.run(&function, args, None).map(|(returned, _)| returned);
                }
                match name.as_str() {
                    "In" => {
                        let here = self.here().ok_or("nothing is active before the first step")?;
                        Ok(Js::bool(here.is_in(&first.show().as_str().into())))
                    }
                    "isNaN" => Ok(Js::bool(first.as_number().is_nan())),
                    "String" => bounded(Js::text(first.show())),
                    "Number" => Ok(Js::number(first.as_number())),
                    name => Err(unknown(name)),
                }
            }
            Expr::Member(of, key) => {
                let key = self.eval(key)?.show();
                match (&**of, key.as_str()) {
                    (Expr::Name(name), "pow") if name == "Math" => {
                        let exponent = args.get(1).map_or(f64::NAN, Js::as_number);
                        return Ok(Js::number(power(first.as_number(), exponent)));
                    }
                    (Expr::Name(name), "stringify") if name == "JSON" => {
                        return bounded(Js::text(first.into_json().to_string()));
                    }
                    _ => {}
                }
                match (self.eval(of)?, key.as_str()) {
                    (Js::Json(Value::Array(mut items)), "concat") => {
                        for arg in args {
                            match arg {
                                Js::Json(Value::Array(more)) => items.extend(more),
                                other => items.push(other.into_json()),
                            }
                        }
                        self.fit(Js::Json(Value::Array(items)))
                    }
                    (Js::Json(Value::Array(items)), "indexOf") => {
                        let mut found = -1.0;
                        for (index, item) in items.iter().enumerate() {
                            if strictly_equal(&Js::stored(item), &first)? {
                                found = index as f64;
                                break;
                            }
                        }
                        Ok(Js::number(found))
                    }
                    (Js::Json(Value::String(text)), "indexOf") => {
                        let before = text.split_once(&first.show()).map(|(before, _)| before.chars().count());
                        Ok(Js::number(before.map_or(-1.0, |place| place as f64)))
                    }
                    (Js::Json(Value::String(text)), "slice") => {
                        let length = text.chars().count();
                        let (from, to) = (place(args.first(), 0, length), place(args.get(1), length, length));
                        Ok(Js::text(
                            text.chars().skip(from).take(to.saturating_sub(from)).collect::<String>(),
                        ))
                    }
                    (_, key) => Err(format!("the function {key:?} is not understood")),
                }
            }
            Expr::Function(text) => {
                let function = self.written(text)?;
                self.run(&function, args, None).map(|(returned, _)| returned)
            }
            _ => Err("only a function can be called".into()),
        }
    }

    pub(super) fn args(&mut self, args: &[Expr]) -> Result<Vec<Js>, String> {
        args.iter().map(|arg| self.eval(arg)).collect()
    }

    /// A function by its name: one that is the value of a variable, else one that a script declared.
    pub(super) fn function(&mut self, name: &str) -> Result<Option<Function>, String> {
        match self.name(name)?.as_ref().and_then(Js::as_function) {
            Some(text) => self.written(text).map(Some),
            None => Ok(self.functions.get(name).cloned()),
        }
    }

    /// A function, read once more: that takes steps, too.
    fn written(&mut self, text: &str) -> Result<Function, String> {
        self.meter.take(1 + text.len() / READ_IN_A_STEP)?;
        function(text)
    }

    /// Runs a function: what it returns, and what `this` is then.
    pub(super) fn run(
        &mut self,
        function: &Function,
        args: Vec<Js>,
        this: Option<Js>,
    ) -> Result<(Js, Option<Js>), String> {
        if self.locals.len() >= CALLS_MAX {
            return Err(format!("calls nest deeper than {CALLS_MAX}"));
        }
        let (params, body) = &**function;
        let given = args.into_iter().chain(std::iter::repeat(Js::Undefined));
        let this = this.map(|this| ("this".to_owned(), this));
        self.locals.push(params.iter().cloned().zip(given).chain(this).collect());
        let returned = self.block(body);
        let this = self.locals.pop().and_then(|mut locals| locals.remove("this"));
        Ok((returned?.unwrap_or(Js::Undefined), this))
    }
}

/// `Math.pow`: the same on every machine, and where it differs from C, as ECMAScript has it.
fn power(base: f64, exponent: f64) -> f64 {
    if exponent.is_nan() { f64::NAN } else { libm::pow(base, exponent) }
}

pub(super) fn unknown(name: &str) -> String {
    format!("{name} is not defined, or no function that is understood")
}

/// A place in a text, as `slice` has it: below 0 it counts from the end.
fn place(given: Option<&Js>, otherwise: usize, length: usize) -> usize {
    let Some(number) = given.map(Js::as_number).filter(|number| !number.is_nan()) else { return otherwise };
    let length_f64 = length as f64;
    let place = if number < 0.0 { length_f64 + number } else { number };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and a length"
    )]
    let place = place.clamp(0.0, length_f64) as usize;
    place
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::binding::Work;

    #[test]
    fn functions_that_are_there() {
        let check = |text: &str, expected: Value| {
            let mut globals = Map::new();
            let work = Work::of(u32::MAX);
            let mut env = Env::first(&mut globals, &work).unwrap();
            env.script(&format!("x = {text};")).unwrap();
            assert_eq!(globals.get("x"), Some(&expected), "{text}");
        };
        check("Math.pow(2, 10)", json!(1024));
        check("Math.pow(2, -1)", json!(0.5));
        check("Math.pow(0, 0)", json!(1));
        // What is no number is null in JSON.
        check("Math.pow(1)", json!(null));
        check("'\u{e4}\u{1f600}b'.indexOf('b')", json!(2));
        check("'ab'.indexOf('')", json!(0));
        check("'ab'.indexOf('c')", json!(-1));
        check("[1, 'b', 2].indexOf(2)", json!(2));
        check("[1].indexOf('1')", json!(-1));
        check("[1].concat([2, [3]], 4)", json!([1, 2, [3], 4]));
        check("'h\u{e4}llo'.slice(1, -1)", json!("\u{e4}ll"));
    }
}
