//! Running what was parsed, on a context, for so many steps and no more.

use std::cell::OnceCell;
use std::collections::HashMap;

use serde_json::{Map, Value};

use super::bounds::{Meter, bounded, writable};
use super::call::unknown;
use super::globals::{Globals, event};
use super::parse::{Expr, Function, Statement, expression, script};
use super::part::{self, Part};
use super::value::{Js, binary};
use crate::binding::{Call, Here, Work};

/// How deep an evaluation may nest, calls and all: without optimisation, too, it fits the stack of a thread.
const DEPTH_MAX: usize = 128;

/// What stands for what has no value.
static NOTHING: Value = Value::Null;

/// Where in a context the scripts stand that declare functions.
pub(super) const SCRIPTS: &str = "hob.scripts";

/// What an evaluation works on.
pub(super) struct Env<'c> {
    pub(super) globals: Globals<'c>,
    /// What is asked for; `None` before the first step.
    call: Option<Call<'c>>,
    pub(super) functions: HashMap<String, Function>,
    pub(super) locals: Vec<HashMap<String, Js>>,
    pub(super) meter: Meter<'c>,
    /// The event, once it was looked at.
    event: OnceCell<Value>,
    /// What is left for variables, once that was found out.
    pub(super) room: Option<usize>,
    depth: usize,
}

impl<'c> Env<'c> {
    /// Before the first step.
    pub(super) fn first(globals: &'c mut Map<String, Value>, work: &'c Work) -> Result<Self, String> {
        Self::metered(Globals::Own(globals), None, Meter::within(work, None))
    }

    /// Errors: a script that declares functions cannot be read; there are no steps left, or no time.
    pub(super) fn new(globals: Globals<'c>, call: &Call<'c>) -> Result<Self, String> {
        Self::metered(globals, Some(call), Meter::within(call.work, call.deadline))
    }

    fn metered(globals: Globals<'c>, call: Option<&Call<'c>>, meter: Meter<'c>) -> Result<Self, String> {
        let mut env = Self {
            globals,
            call: call.copied(),
            functions: HashMap::new(),
            locals: Vec::new(),
            meter,
            event: OnceCell::new(),
            room: None,
            depth: 0,
        };
        let scripts: Vec<String> = match env.globals.get(SCRIPTS) {
            Some(Value::Array(scripts)) => {
                scripts.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        env.meter.in_time()?;
        for text in scripts {
            env.meter.read(&text)?;
            env.declare(script(&text)?);
        }
        Ok(env)
    }

    /// What is active; `None` before the first step.
    pub(super) fn here(&self) -> Option<Here<'c>> {
        self.call.map(|call| call.here)
    }

    /// Reads an expression, which takes steps as well.
    pub(super) fn read(&mut self, text: &str) -> Result<Expr, String> {
        self.meter.read(text)?;
        expression(text)
    }

    fn declare(&mut self, statements: Vec<Statement>) {
        for statement in statements {
            if let Statement::Function(name, function) = statement {
                self.functions.insert(name, function);
            }
        }
    }

    /// Runs a script at the top: its variables are the machine's.
    pub(super) fn script(&mut self, text: &str) -> Result<(), String> {
        self.meter.read(text)?;
        let statements = script(text)?;
        if statements.iter().any(|statement| matches!(statement, Statement::Function(..))) {
            self.declare(statements.clone());
            if let Value::Array(scripts) =
                self.globals.to_mut().entry(SCRIPTS).or_insert_with(|| Value::Array(Vec::new()))
                && !scripts.iter().any(|script| script == text)
            {
                scripts.push(text.into());
            }
        }
        self.block(&statements).map(drop)
    }

    /// `Some` when something was returned.
    pub(super) fn block(&mut self, statements: &[Statement]) -> Result<Option<Js>, String> {
        self.deeper(|env| env.statements(statements))
    }

    /// Does something one level deeper.
    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        if self.depth >= DEPTH_MAX {
            return Err(format!("it nests deeper than {DEPTH_MAX}"));
        }
        self.depth += 1;
        let done = work(self);
        self.depth -= 1;
        done
    }

    fn statements(&mut self, statements: &[Statement]) -> Result<Option<Js>, String> {
        for statement in statements {
            self.step()?;
            match statement {
                Statement::Expr(expr) => drop(self.eval(expr)?),
                Statement::Function(..) => {}
                Statement::Var(names) => {
                    for (name, value) in names {
                        let known = match self.locals.last() {
                            Some(locals) => locals.contains_key(name),
                            None => self.is_declared(name),
                        };
                        let value = match value {
                            Some(value) => self.eval(value)?,
                            None if known => continue,
                            None => Js::Undefined,
                        };
                        match self.locals.last_mut() {
                            Some(locals) => drop(locals.insert(name.clone(), value)),
                            None => self.set_global(name, value)?,
                        }
                    }
                }
                Statement::If(cond, then, other) => {
                    let block = if self.eval(cond)?.truthy() { then } else { other };
                    if let Some(returned) = self.block(block)? {
                        return Ok(Some(returned));
                    }
                }
                Statement::Return(value) => {
                    return match value {
                        Some(value) => self.eval(value).map(Some),
                        None => Ok(Some(Js::Undefined)),
                    };
                }
            }
        }
        Ok(None)
    }

    pub(super) fn step(&mut self) -> Result<(), String> {
        self.meter.take(1)
    }

    /// The value of an expression.
    pub(super) fn eval(&mut self, expr: &Expr) -> Result<Js, String> {
        self.step()?;
        self.deeper(|env| env.eval_one(expr))
    }

    fn eval_one(&mut self, expr: &Expr) -> Result<Js, String> {
        Ok(match expr {
            Expr::Number(number) => Js::number(*number),
            Expr::Text(text) => bounded(Js::text(text.as_str()))?,
            Expr::Bool(value) => Js::bool(*value),
            Expr::Null => Js::Json(Value::Null),
            Expr::Undefined => Js::Undefined,
            Expr::Name(name) => self.name(name)?.ok_or_else(|| format!("{name} is not defined"))?,
            Expr::List(items) => {
                let items: Result<Vec<Value>, String> =
                    items.iter().map(|item| self.eval(item).map(Js::into_json)).collect();
                self.fit(Js::Json(Value::Array(items?)))?
            }
            Expr::Object(fields) => {
                let mut object = Map::new();
                for (key, value) in fields {
                    object.insert(key.clone(), self.eval(value)?.into_json());
                }
                self.fit(Js::Json(Value::Object(object)))?
            }
            Expr::Member(..) => self.member(expr)?,
            Expr::Call(function, args) => self.call(function, args)?,
            Expr::Function(text) => Js::function(text),
            Expr::New(name, args) => {
                let args = self.args(args)?;
                let function = self.function(name)?.ok_or_else(|| unknown(name))?;
                let this = Some(Js::Json(Value::Object(Map::new())));
                let (returned, this) = self.run(&function, args, this)?;
                let whole = matches!(returned, Js::Json(Value::Object(_) | Value::Array(_)));
                if whole { returned } else { this.unwrap_or(Js::Undefined) }
            }
            Expr::Unary("typeof", inner) => match &**inner {
                Expr::Name(name) => Js::text(self.name(name)?.unwrap_or(Js::Undefined).type_of()),
                inner => Js::text(self.eval(inner)?.type_of()),
            },
            Expr::Unary(op, inner) => {
                let value = self.eval(inner)?;
                match *op {
                    "!" => Js::bool(!value.truthy()),
                    "-" => Js::number(-value.as_number()),
                    _ => Js::number(value.as_number()),
                }
            }
            Expr::Binary("&&", left, right) => {
                let left = self.eval(left)?;
                if left.truthy() { self.eval(right)? } else { left }
            }
            Expr::Binary("||", left, right) => {
                let left = self.eval(left)?;
                if left.truthy() { left } else { self.eval(right)? }
            }
            Expr::Binary("instanceof", left, right) => {
                let left = self.eval(left)?;
                match &**right {
                    Expr::Name(name) if name == "Array" => {
                        Js::bool(matches!(left, Js::Json(Value::Array(_))))
                    }
                    Expr::Name(name) if name == "Object" => {
                        Js::bool(matches!(left, Js::Json(Value::Array(_) | Value::Object(_))))
                    }
                    _ => return Err("\"instanceof\" asks for Array or Object".into()),
                }
            }
            Expr::Binary(op, left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                self.binary(op, &left, &right)?
            }
            Expr::Choice(cond, then, other) => {
                if self.eval(cond)?.truthy() {
                    self.eval(then)?
                } else {
                    self.eval(other)?
                }
            }
            Expr::Assign(to, op, value) => {
                let mut value = self.eval(value)?;
                if !op.is_empty() {
                    let before = self.eval(to)?;
                    value = self.binary(op, &before, &value)?;
                }
                self.assign(to, value.clone())?;
                value
            }
        })
    }

    /// Reading long texts for numbers, comparing and joining them takes steps.
    fn binary(&mut self, op: &str, left: &Js, right: &Js) -> Result<Js, String> {
        for value in [left, right] {
            if let Js::Json(Value::String(text)) = value {
                self.meter.read(text)?;
            }
        }
        bounded(binary(op, left, right)?)
    }

    /// A part of something. Of a variable only that part is copied.
    fn member(&mut self, expr: &Expr) -> Result<Js, String> {
        let (mut at, mut keys) = (expr, Vec::new());
        while let Expr::Member(of, key) = at {
            keys.push(self.eval(key)?.show());
            at = of;
        }
        keys.reverse();
        let made;
        let whole = match at {
            Expr::Name(name) => self.seen(name)?.ok_or_else(|| format!("{name} is not defined"))?,
            other => {
                made = self.eval(other)?.into_json();
                &made
            }
        };
        match part::under(whole, &keys)? {
            Part::There(value) => self.copied(value),
            Part::Count(number) => Ok(Js::number(number as f64)),
            Part::Length(text) => {
                self.meter.count(text)?;
                Ok(Js::number(text.chars().count() as f64))
            }
            Part::Nothing => Ok(Js::Undefined),
        }
    }

    /// A copy of what a name stands for.
    pub(super) fn name(&self, name: &str) -> Result<Option<Js>, String> {
        match self.locals.last().and_then(|locals| locals.get(name)) {
            Some(Js::Undefined) => Ok(Some(Js::Undefined)),
            // What is null in a function stays null until it is kept.
            Some(Js::Json(Value::Null)) => Ok(Some(Js::Json(Value::Null))),
            _ => self.seen(name)?.map(|value| self.copied(value)).transpose(),
        }
    }

    /// What a name stands for.
    fn seen(&self, name: &str) -> Result<Option<&Value>, String> {
        match self.locals.last().and_then(|locals| locals.get(name)) {
            Some(Js::Json(value)) => return Ok(Some(value)),
            Some(Js::Undefined) => return Ok(Some(&NOTHING)),
            None => {}
        }
        if name != "_event" {
            return Ok(self.globals.get(name));
        }
        if self.event.get().is_none() {
            let event = self.call.as_ref().and_then(event).unwrap_or_default();
            self.paid(&event)?;
            return Ok(Some(self.event.get_or_init(|| event)));
        }
        Ok(self.event.get())
    }

    /// Whether a name was declared.
    pub(super) fn is_declared(&self, name: &str) -> bool {
        self.globals.contains_key(name)
    }

    pub(super) fn set_global(&mut self, name: &str, value: Js) -> Result<(), String> {
        writable(name)?;
        let value = self.fit(value)?.into_json();
        self.keep(name, value)
    }

    /// Assigns to a name or to a member of one.
    pub(super) fn assign(&mut self, to: &Expr, value: Js) -> Result<(), String> {
        let mut keys = Vec::new();
        let mut at = to;
        while let Expr::Member(of, key) = at {
            keys.push(self.eval(key)?);
            at = of;
        }
        let Expr::Name(name) = at else { return Err("only a name or a member can be assigned to".into()) };
        let local = self.locals.last().is_some_and(|locals| locals.contains_key(name));
        if keys.is_empty() {
            return match self.locals.last_mut().filter(|_| local) {
                Some(locals) => {
                    locals.insert(name.clone(), value);
                    Ok(())
                }
                None => self.set_global(name, value),
            };
        }
        let keys: Vec<String> = keys.iter().rev().map(Js::show).collect();
        if !local {
            return self.put(name, &keys, value.into_json());
        }
        let mut whole = self.name(name)?.unwrap_or(Js::Undefined).into_json();
        part::cost(&whole, &keys)?;
        part::put(&mut whole, &keys, value.into_json())?;
        let whole = self.fit(Js::Json(whole))?;
        self.locals.last_mut().map(|locals| locals.insert(name.clone(), whole));
        Ok(())
    }
}
