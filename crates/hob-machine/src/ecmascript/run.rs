//! Running what was parsed, on a context, for so many steps and no more.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::bounds::{Meter, SIZE_MAX, bounded, writable};
use super::call::unknown;
use super::globals::{Globals, event};
use super::parse::{Expr, Function, Statement, expression, script};
use super::value::{Js, binary};
use crate::binding::{Call, Here};

/// How deep an evaluation may nest, calls and all: without optimisation, too, it fits the stack of a thread.
const DEPTH_MAX: usize = 128;

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
    /// What is left for variables, once that was found out.
    pub(super) room: Option<usize>,
    depth: usize,
}

impl<'c> Env<'c> {
    /// Before the first step.
    pub(super) fn first(globals: &'c mut Map<String, Value>) -> Result<Self, String> {
        Self::new(Globals::Own(globals), None)
    }

    /// Errors: a script that declares functions cannot be read; there are no steps left, or no time.
    pub(super) fn new(globals: Globals<'c>, call: Option<&Call<'c>>) -> Result<Self, String> {
        let mut env = Self {
            globals,
            call: call.copied(),
            functions: HashMap::new(),
            locals: Vec::new(),
            meter: Meter::of(call),
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
            if let Statement::Function(name, params, body) = statement {
                self.functions.insert(name, (params, body));
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
        if self.depth >= DEPTH_MAX {
            return Err(format!("it nests deeper than {DEPTH_MAX}"));
        }
        self.depth += 1;
        let value = self.eval_one(expr);
        self.depth -= 1;
        value
    }

    fn eval_one(&mut self, expr: &Expr) -> Result<Js, String> {
        Ok(match expr {
            Expr::Number(number) => Js::number(*number),
            Expr::Text(text) => Js::text(text.as_str()),
            Expr::Bool(value) => Js::bool(*value),
            Expr::Null => Js::Json(Value::Null),
            Expr::Undefined => Js::Undefined,
            Expr::Name(name) => {
                let value = self.name(name)?.ok_or_else(|| format!("{name} is not defined"))?;
                self.fit(value)?
            }
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
            Expr::Member(of, key) => {
                let (of, key) = (self.eval(of)?, self.eval(key)?);
                member(&of, &key)?
            }
            Expr::Call(function, args) => self.call(function, args)?,
            Expr::Function(text) => Js::function(text),
            Expr::New(name, args) => {
                let args = self.args(args)?;
                let (params, body) = self.function(name)?.ok_or_else(|| unknown(name))?;
                let this = Some(Js::Json(Value::Object(Map::new())));
                let (returned, this) = self.run(params, &body, args, this)?;
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
                bounded(binary(op, &left, &right)?)?
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
                    value = bounded(binary(op, &self.eval(to)?, &value)?)?;
                }
                self.assign(to, value.clone())?;
                value
            }
        })
    }

    pub(super) fn name(&self, name: &str) -> Result<Option<Js>, String> {
        if let Some(value) = self.locals.last().and_then(|locals| locals.get(name)) {
            return Ok(Some(value.clone()));
        }
        if name == "_event" {
            let event = self.call.as_ref().and_then(event);
            return Ok(Some(event.map_or(Js::Undefined, Js::Json)));
        }
        Ok(self.globals.get(name).map(Js::stored))
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
        let mut whole = self.name(name)?.ok_or_else(|| format!("{name} is not defined"))?.into_json();
        let mut place = &mut whole;
        for key in keys.iter().rev() {
            place = match place {
                Value::Object(fields) => fields.entry(key.show()).or_insert(Value::Null),
                Value::Array(items) => {
                    let index: usize =
                        key.show().parse().map_err(|_| "an array has numbers for keys".to_owned())?;
                    if index >= SIZE_MAX {
                        return Err(format!("an array has at most {SIZE_MAX} items"));
                    }
                    while items.len() <= index {
                        items.push(Value::Null);
                    }
                    items.get_mut(index).ok_or("an array has no such place")?
                }
                _ => return Err(format!("{:?} cannot be written: what it is of is no object", key.show())),
            };
        }
        *place = value.into_json();
        match local {
            true => {
                let whole = self.fit(Js::Json(whole))?;
                self.locals.last_mut().map(|locals| locals.insert(name.clone(), whole));
                Ok(())
            }
            false => self.set_global(name, Js::Json(whole)),
        }
    }
}

fn member(of: &Js, key: &Js) -> Result<Js, String> {
    let shown = key.show();
    Ok(match of {
        Js::Json(Value::Object(fields)) => fields.get(&shown).map_or(Js::Undefined, Js::stored),
        Js::Json(Value::Array(items)) if shown == "length" => Js::number(items.len() as f64),
        Js::Json(Value::String(text)) if shown == "length" => Js::number(text.chars().count() as f64),
        Js::Json(Value::Array(items)) => {
            shown.parse().ok().and_then(|index: usize| items.get(index)).map_or(Js::Undefined, Js::stored)
        }
        Js::Undefined | Js::Json(Value::Null) => return Err(format!("{shown:?} is read of {}", of.show())),
        _ => Js::Undefined,
    })
}
