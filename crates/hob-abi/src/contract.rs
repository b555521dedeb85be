//! Which contract a module fits, and what exactly does not fit when it does not.

use std::fmt;

use hob_engine::{ExternType, FuncType, ModuleInfo, ValType};

use crate::{actor, command, json, plugin};

/// A contract between guest and host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contract {
    /// A program: `_start`, arguments, standard streams, an exit code.
    Command,
    /// A decision: `alloc` and `eval`, JSON in, JSON out.
    Json,
    /// Named functions that extend an application.
    Plugin,
    /// An actor of a vat: `alloc` and `turn`, messages in, answers out.
    Actor,
}

impl Contract {
    /// Every contract a module's exports fit, the likeliest first.
    #[must_use]
    pub fn detect(info: &ModuleInfo) -> Vec<Self> {
        let mut fits = Vec::new();
        if plugin::check(info).is_ok() {
            fits.push(Self::Plugin);
        }
        if command::check(info).is_ok() {
            fits.push(Self::Command);
        }
        if json::check(info).is_ok() {
            fits.push(Self::Json);
        }
        if actor::check(info).is_ok() {
            fits.push(Self::Actor);
        }
        fits
    }

    /// The name and version, as documentation and `inspect` write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Command => command::NAME,
            Self::Json => json::NAME,
            Self::Plugin => plugin::NAME,
            Self::Actor => actor::NAME,
        }
    }
}

/// One export that a contract needs and a module does not have as needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The export.
    pub export: &'static str,
    /// What the contract needs it to be.
    pub need: String,
    /// What it is; `None` when it is missing.
    pub have: Option<String>,
}

impl Mismatch {
    pub(crate) fn wrong_type(export: &'static str, need: &FuncType, have: &ExternType) -> Self {
        Self { export, need: format!("a function {need}"), have: Some(describe(have)) }
    }
}

impl Mismatch {
    /// The export that does not fit.
    #[must_use]
    pub fn export(&self) -> &'static str {
        self.export
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.have {
            None => write!(f, "export `{}` is missing; it must be {}", self.export, self.need),
            Some(have) => write!(f, "export `{}` is {have}; it must be {}", self.export, self.need),
        }
    }
}

pub(crate) fn expect_func(
    info: &ModuleInfo,
    export: &'static str,
    params: &[ValType],
    results: &[ValType],
    wrong: &mut Vec<Mismatch>,
) {
    let need = FuncType { params: params.to_vec(), results: results.to_vec() };
    match info.export(export) {
        None => wrong.push(Mismatch { export, need: format!("a function {need}"), have: None }),
        Some(ExternType::Func(ty)) if *ty == need => {}
        Some(have) => wrong.push(Mismatch::wrong_type(export, &need, have)),
    }
}

pub(crate) fn expect_optional_func(
    info: &ModuleInfo,
    export: &'static str,
    params: &[ValType],
    results: &[ValType],
    wrong: &mut Vec<Mismatch>,
) {
    if info.export(export).is_some() {
        expect_func(info, export, params, results, wrong);
    }
}

pub(crate) fn expect_memory(info: &ModuleInfo, wrong: &mut Vec<Mismatch>) {
    let mismatch = |have| Mismatch { export: "memory", need: "a memory".into(), have };
    match info.export("memory") {
        None => wrong.push(mismatch(None)),
        Some(ExternType::Memory { .. }) => {}
        Some(have) => wrong.push(mismatch(Some(describe(have)))),
    }
}

fn describe(ty: &ExternType) -> String {
    match ty {
        ExternType::Func(ty) => format!("a function {ty}"),
        ExternType::Memory { .. } => "a memory".into(),
        ExternType::Table => "a table".into(),
        ExternType::Global => "a global".into(),
        ExternType::Tag => "a tag".into(),
    }
}
