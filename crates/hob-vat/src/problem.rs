//! Why a call failed, and what a promise is broken with.

use crate::reference::Ref;
use crate::value::Value;

/// Why a call failed. It ends the turn unless the caller deals with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(Box<Kind>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// A rule of the kernel, and what happened.
    Rule { rule: &'static str, message: String },
    /// What an actor, or whoever broke a promise, said.
    Said(Value),
}

impl Problem {
    /// An actor refuses, with a reason of its own. The reason is what promises are broken with.
    #[must_use]
    pub fn refused(reason: impl Into<Value>) -> Self {
        Self(Box::new(Kind::Said(reason.into())))
    }

    /// A rule was broken: its name, and what happened.
    ///
    /// ```
    /// let problem = hob_vat::Problem::rule("not-open", "the door is locked".into());
    /// assert_eq!(problem.to_string(), "not-open: the door is locked");
    /// ```
    #[must_use]
    pub fn rule(rule: &'static str, message: String) -> Self {
        Self(Box::new(Kind::Rule { rule, message }))
    }

    #[cold]
    pub(crate) fn not_callable(what: &str) -> Self {
        Self::rule("not-callable", format!("{what} cannot be called"))
    }

    #[cold]
    pub(crate) fn far(target: Ref) -> Self {
        Self::rule("not-near", format!("{target} is not in this vat: send to it instead of calling it"))
    }

    #[cold]
    pub(crate) fn stale(target: Ref) -> Self {
        Self::rule("stale-reference", format!("what {target} referred to is gone"))
    }

    #[cold]
    pub(crate) fn limit(name: &'static str, allowed: u64) -> Self {
        Self::rule("limit", format!("{name} limit exceeded: {allowed} allowed"))
    }

    /// The same, said of an actor.
    pub(crate) fn of_actor(self, actor: Ref) -> Self {
        match *self.0 {
            Kind::Rule { rule, message } => Self::rule(rule, format!("{actor}: {message}")),
            Kind::Said(reason) => Self::rule("refused", format!("{actor}: {reason}")),
        }
    }

    /// What was asked for is not what this actor does.
    #[must_use]
    pub fn no_method(args: &[Value], methods: &[&str]) -> Self {
        let asked = args.first().map_or_else(|| "nothing".to_owned(), ToString::to_string);
        Self::rule("no-method", format!("{asked} is not a method here: {}", methods.join(", ")))
    }

    /// The method exists and takes other arguments.
    #[must_use]
    pub fn bad_args(method: &str, takes: &str) -> Self {
        Self::rule("bad-arguments", format!("{method} takes {takes}"))
    }

    /// The name of the rule that was broken, when it was one of the kernel's or the library's.
    #[must_use]
    pub fn rule_name(&self) -> Option<&str> {
        match &*self.0 {
            Kind::Rule { rule, .. } => Some(rule),
            Kind::Said(Value::Error(error)) => Some(&error.rule),
            Kind::Said(_) => None,
        }
    }

    /// What a promise is broken with.
    #[must_use]
    pub fn reason(&self) -> Value {
        match &*self.0 {
            Kind::Rule { rule, message } => Value::error(rule, message),
            Kind::Said(value) => value.clone(),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &*self.0 {
            Kind::Rule { rule, message } => write!(f, "{rule}: {message}"),
            Kind::Said(Value::Error(error)) => write!(f, "{}: {}", error.rule, error.message),
            Kind::Said(value) => value.fmt(f),
        }
    }
}

impl std::error::Error for Problem {}
