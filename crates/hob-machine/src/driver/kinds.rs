//! The machines that a system may run, by the names that documents use for them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::binding::{Failure, Machine};

type Begin = dyn Fn(&Map<String, Value>) -> Result<Value, Failure> + Send + Sync;
type End = dyn Fn(&Value) -> Value + Send + Sync;

/// A machine that can be started.
#[derive(Clone)]
pub(crate) struct Startable {
    pub(crate) machine: Arc<Machine>,
    begin: Arc<Begin>,
    end: Arc<End>,
}

impl Startable {
    pub(crate) fn context(&self, input: &Map<String, Value>) -> Result<Value, Failure> {
        (self.begin)(input)
    }

    pub(crate) fn output(&self, context: &Value) -> Value {
        (self.end)(context)
    }
}

/// Machines by name. One that is started begins with its input as its context and ends with its context as its output,
/// unless something else is said.
#[derive(Clone, Default)]
pub struct Machines {
    by_name: BTreeMap<String, Startable>,
}

impl Machines {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    #[must_use]
    pub fn with(self, name: impl Into<String>, machine: &Arc<Machine>) -> Self {
        self.with_mapping(name, machine, |input| Ok(Value::Object(input.clone())), Value::clone)
    }

    /// Adds one, and says which context comes of an input, and which output of a context.
    #[must_use]
    pub fn with_mapping(
        mut self,
        name: impl Into<String>,
        machine: &Arc<Machine>,
        context: impl Fn(&Map<String, Value>) -> Result<Value, Failure> + Send + Sync + 'static,
        output: impl Fn(&Value) -> Value + Send + Sync + 'static,
    ) -> Self {
        let startable =
            Startable { machine: Arc::clone(machine), begin: Arc::new(context), end: Arc::new(output) };
        self.by_name.insert(name.into(), startable);
        self
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Startable> {
        self.by_name.get(name)
    }

    /// Their names, for an error.
    pub(crate) fn known(&self) -> String {
        let names: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
        if names.is_empty() { "there are none".into() } else { format!("there are {}", names.join(", ")) }
    }
}

impl fmt::Debug for Machines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}
