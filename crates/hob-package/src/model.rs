//! The one model that every format becomes.

use std::collections::BTreeSet;
use std::fmt;

use hob_abi::plugin::Form;
use hob_abi::tool;
use hob_cap::{Policy, Request};
use hob_engine::ModuleInfo;
use serde::Serialize;

use crate::limits::LimitsPatch;
use crate::schema::Schema;

/// The format a package is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A Scoot tool package: `manifest.toml`, `policy.toml`, schemas, a component.
    Scoot,
    /// A Samuel plugin: `samuel-plugin.toml` and a module.
    Samuel,
    /// hob's own: `hob.toml`.
    Hob,
    /// A module alone.
    Module,
}

/// What a package is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A tool of one of the four kinds.
    Tool(tool::Kind),
    /// Named functions.
    Plugin,
    /// A program.
    Command,
    /// A decision.
    Behavior,
    /// A module nobody said anything about.
    Module,
}

impl Kind {
    /// Its name, as manifests write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tool(kind) => kind.name(),
            Self::Plugin => "plugin",
            Self::Command => "command",
            Self::Behavior => "behavior",
            Self::Module => "module",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scoot => "a Scoot tool package",
            Self::Samuel => "a Samuel plugin",
            Self::Hob => "a hob package",
            Self::Module => "a module alone",
        })
    }
}

/// A function a package declares.
#[derive(Clone, Debug)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// How it is called, as declared or by its type.
    pub form: Option<Form>,
    /// What its request must fit.
    pub input: Option<Schema>,
    /// What its response must fit.
    pub output: Option<Schema>,
}

/// A package without problems.
#[derive(Clone, Debug)]
pub struct Package {
    /// The format it is written in.
    pub format: Format,
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its version, where the format has one.
    pub version: Option<String>,
    /// What it says of itself.
    pub description: String,
    /// The module's name within the package.
    pub module_path: String,
    /// The binary module, as it was checked.
    pub module: Vec<u8>,
    /// The module's shape.
    pub info: ModuleInfo,
    /// The function that is its entry, for tools and commands.
    pub entry: String,
    /// What its input must fit.
    pub input: Option<Schema>,
    /// What its output must fit.
    pub output: Option<Schema>,
    /// The functions it declares.
    pub exports: Vec<Export>,
    /// What it asks for.
    pub request: Request,
    /// What it is granted when nobody says otherwise; within the request.
    pub policy: Policy,
    /// The limits it names.
    pub limits: LimitsPatch,
    /// Keys of configuration it asks for.
    pub config: BTreeSet<String>,
    /// Capabilities that a Scoot package declares, and those its policy keeps.
    pub capabilities: Vec<(String, bool)>,
    /// The digest of everything that counts.
    pub digest: String,
}

impl Package {
    /// Name and version, as logs and messages write it.
    #[must_use]
    pub fn title(&self) -> String {
        let name = hob_cap::escape_guest_text(&self.name, 80);
        match &self.version {
            Some(version) => format!("{name}@{}", hob_cap::escape_guest_text(version, 40)),
            None => name,
        }
    }
}
