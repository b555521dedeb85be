//! Configurations that satisfy a contract: a configuration and a Nickel contract go in, JSON that satisfies the contract
//! comes out, or Nickel's own message that says what does not.
//!
//! ```text
//!  Contract::check ──▶ request on stdin ──▶ worker: bars itself, evaluates ──▶ reply on stdout ──▶ JSON, or why not
//!        │                                     ▲
//!        └── deadline: kill ───────────────────┘
//! ```
//!
//! A contract and a configuration are programs. Nickel counts no steps, keeps part of its work on the machine's stack, and takes
//! the memory it needs: a thread that evaluates could not be stopped, and one that overflows its stack ends its process. So each
//! evaluation is a process of its own, the *worker*: it can be killed, its memory is bounded, and nothing it leaves behind
//! reaches the next one.
//!
//! **Imports.** The import list is the authority: what can be imported, by contract and configuration alike, comes with the request:
//! the two themselves, and what [`Nickel::grant`] named. The worker has given up opening anything before it reads the first byte, so
//! `import "/etc/passwd"` has nothing to find.
//!
//! | feature | what it adds |
//! |---|---|
//! | `worker` (default) | the worker and the program `hob-config` that is one; brings Nickel. Without it, this crate only starts one |
//!
//! What this crate must not know: what a configuration is for, guests, engines, vats.
//!
//! What it promises: what comes out satisfied the contract; every evaluation ends by the deadline; a configuration reads nothing
//! that it was not granted; a message is bounded and moves no cursor.

mod error;
mod limits;
mod process;
mod source;
mod text;
mod wire;
#[cfg(feature = "worker")]
pub mod worker;

use std::path::PathBuf;
use std::sync::Arc;

pub use error::{ConfigError, Refusal};
pub use limits::{ConfigLimit, Limits};
pub use source::{Format, Source};
use wire::{Reply, Request, Task};

/// Where evaluations happen: the program that is the worker, what may be imported, what an evaluation may use.
#[derive(Clone, Debug)]
pub struct Nickel {
    program: PathBuf,
    args: Vec<String>,
    limits: Limits,
    grants: Vec<Source>,
}

impl Nickel {
    /// Evaluations by the program at `program`, which must be `hob-config` or one that calls `worker::main` first.
    ///
    /// A path with a slash, so that no search path decides what runs.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), args: Vec::new(), limits: Limits::default(), grants: Vec::new() }
    }

    /// Evaluations by the program that runs, which calls [`worker::run_if_asked`] first thing in its `main`.
    ///
    /// # Errors
    ///
    /// When the system does not say which program runs.
    #[cfg(feature = "worker")]
    pub fn this_program() -> Result<Self, ConfigError> {
        let program = std::env::current_exe()
            .map_err(|error| ConfigError::Worker(format!("the path of this program is unknown: {error}")))?;
        Ok(Self::new(program).arg(worker::ASKED))
    }

    /// Starts the program with one more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// What an evaluation may use.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Lets contracts and configurations import this source, by its name and in its format.
    #[must_use]
    pub fn grant(mut self, source: Source) -> Self {
        self.grants.push(source);
        self
    }

    /// Reads a contract: it must parse, hold the types it states, and be a value.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Refused`] with Nickel's message; limits; a worker that does not work.
    pub fn contract(&self, source: Source) -> Result<Contract, ConfigError> {
        self.ask(Task::Contract, &source, None)?;
        Ok(Contract { inner: Arc::new(Inner { nickel: self.clone(), source }) })
    }

    fn ask(
        &self,
        task: Task,
        contract: &Source,
        config: Option<&Source>,
    ) -> Result<serde_json::Value, ConfigError> {
        let sources = || self.grants.iter().chain([contract]).chain(config);
        source::check_names(sources())?;
        let bytes = sources().fold(0_u64, |sum, source| sum.saturating_add(source.bytes()));
        self.limits.check(ConfigLimit::Source, bytes)?;
        let request = Request { task, contract, config, grants: &self.grants, limits: self.limits };
        let reply = process::exchange(&self.program, &self.args, &request, &self.limits)?;
        match reply {
            Reply::Done(json) => serde_json::from_str(&json).map_err(|error| self.unreadable(&error)),
            Reply::Refused { refusal, message } => Err(ConfigError::Refused {
                refusal,
                message: text::shown(&message, self.limits.message_bytes_max),
                importable: self.grants.iter().map(|grant| grant.name().to_owned()).collect(),
            }),
            Reply::Limit { limit } => Err(self.limits.exceeded(limit)),
        }
    }

    /// Nickel writes JSON as deep as it likes; what reads it does not.
    fn unreadable(&self, error: &serde_json::Error) -> ConfigError {
        if error.to_string().starts_with("recursion limit") {
            return self.limits.exceeded(ConfigLimit::Depth);
        }
        ConfigError::Worker(format!("the result is no JSON: {error}"))
    }
}

/// A contract that was read. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Contract {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    nickel: Nickel,
    source: Source,
}

impl Contract {
    /// Applies the contract to a configuration, and answers what became of it, defaults filled in.
    ///
    /// ```no_run
    /// use hob_config::{Nickel, Source};
    ///
    /// let contract = Nickel::new("/usr/lib/hob/hob-config").contract(Source::nickel(
    ///     "server.ncl",
    ///     "{ host | String, port | std.number.PosNat | default = 8080 }",
    /// ))?;
    /// let config = contract.check(&Source::json("server.json", r#"{ "host": "localhost" }"#))?;
    /// assert_eq!(config["port"], 8080);
    /// # Ok::<(), hob_config::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError::Refused`] with Nickel's message; limits; a worker that does not work.
    pub fn check(&self, config: &Source) -> Result<serde_json::Value, ConfigError> {
        self.inner.nickel.ask(Task::Check, &self.inner.source, Some(config))
    }

    /// The contract as it was written.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.inner.source
    }
}
