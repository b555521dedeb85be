//! The machines that a system may run, by the names that documents use for them.
//!
//! Sessions of SCXML may stand in the machine that starts them, as text. Such a machine is compiled from its text whenever it
//! is needed, so that a snapshot which holds the text holds the machine.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::binding::{Failure, Machine};
use crate::document::model::Ref;

/// What a session whose text is given is called.
pub(crate) const INLINE: &str = "scxml";
/// Its text, among the parameters.
pub(crate) const TEXT: &str = "text";

/// How many machines that were compiled from text are kept.
const COMPILED_MAX: usize = 64;

type Begin = dyn Fn(&Map<String, Value>, &str) -> Result<Value, Failure> + Send + Sync;
type End = dyn Fn(&Value) -> Value + Send + Sync;
type Compile = dyn Fn(&str) -> Result<Session, String> + Send + Sync;

/// A machine that can be started.
#[derive(Clone)]
pub struct Session {
    pub(crate) machine: Arc<Machine>,
    begin: Arc<Begin>,
    end: Arc<End>,
}

impl Session {
    /// One that is told its input and what it is called, and says what its context is then; and which output comes of a
    /// context.
    #[must_use]
    pub fn new(
        machine: &Arc<Machine>,
        context: impl Fn(&Map<String, Value>, &str) -> Result<Value, Failure> + Send + Sync + 'static,
        output: impl Fn(&Value) -> Value + Send + Sync + 'static,
    ) -> Self {
        Self { machine: Arc::clone(machine), begin: Arc::new(context), end: Arc::new(output) }
    }

    pub(crate) fn context(&self, input: &Map<String, Value>, name: &str) -> Result<Value, Failure> {
        (self.begin)(input, name)
    }

    pub(crate) fn output(&self, context: &Value) -> Value {
        (self.end)(context)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("machine", &self.machine).finish_non_exhaustive()
    }
}

/// What makes machines of text, and those that it made.
struct Compiler {
    compile: Box<Compile>,
    made: Mutex<HashMap<String, Session>>,
}

impl Compiler {
    fn of(&self, text: &str) -> Result<Session, String> {
        let kept = || self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = kept().get(text) {
            return Ok(session.clone());
        }
        let session = (self.compile)(text)?;
        let mut made = kept();
        if made.len() >= COMPILED_MAX {
            made.clear();
        }
        made.insert(text.to_owned(), session.clone());
        Ok(session)
    }
}

/// Machines by name. One that is started begins with its input as its context and ends with its context as its output,
/// unless something else is said.
#[derive(Clone, Default)]
pub struct Machines {
    by_name: BTreeMap<String, Session>,
    compiler: Option<Arc<Compiler>>,
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
        self,
        name: impl Into<String>,
        machine: &Arc<Machine>,
        context: impl Fn(&Map<String, Value>) -> Result<Value, Failure> + Send + Sync + 'static,
        output: impl Fn(&Value) -> Value + Send + Sync + 'static,
    ) -> Self {
        self.with_session(name, Session::new(machine, move |input, _| context(input), output))
    }

    /// Adds one that is told what it is called.
    #[must_use]
    pub fn with_session(mut self, name: impl Into<String>, session: Session) -> Self {
        self.by_name.insert(name.into(), session);
        self
    }

    /// Makes machines of the text that another one holds. What comes of a text must depend on nothing else. Errors of it: why
    /// the text is no machine.
    #[must_use]
    pub fn with_compiler(
        mut self,
        compile: impl Fn(&str) -> Result<Session, String> + Send + Sync + 'static,
    ) -> Self {
        self.compiler = Some(Arc::new(Compiler { compile: Box::new(compile), made: Mutex::default() }));
        self
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Session> {
        self.by_name.get(name)
    }

    /// What is to be started. Errors: that there is none, for people.
    pub(crate) fn of(&self, src: &Ref) -> Result<Session, String> {
        if let Some(found) = self.named(&src.name) {
            return Ok(found.clone());
        }
        match (&self.compiler, src.params.get(TEXT).and_then(Value::as_str)) {
            (Some(compiler), Some(text)) if src.name == INLINE => compiler.of(text),
            _ => Err(format!("there is no machine {:?}; {}", src.name, self.known())),
        }
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
