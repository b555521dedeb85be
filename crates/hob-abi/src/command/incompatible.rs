//! Why a module is not a command that this host runs: what it asks for, what there is, and what would fit.

use std::fmt;

use hob_engine::FuncType;

use super::CONTRACT;
use super::manifest::{Eras, Function, Version};
use super::section::SectionError;

/// An import by its two names; text of the guest, escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The module.
    pub module: String,
    /// The name in it.
    pub name: String,
}

/// Why a module does not fit the contract. Each variant is one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Incompatible {
    /// Its own section is not as the contract says.
    Section(SectionError),
    /// It was built for a major version this host does not have.
    Major {
        /// The version it was built for.
        asked: Version,
        /// The version this host has.
        supported: Version,
    },
    /// It depends on features this host does not know.
    Features {
        /// Their bits.
        unknown: u32,
    },
    /// It imports a function that is in no version of the contract.
    Missing {
        /// What it imports.
        import: Named,
        /// The type it expects.
        asked: Box<FuncType>,
        /// The function whose name is most like it.
        nearest: Option<&'static Function>,
    },
    /// It imports a function with a type that no generation gives it.
    WrongType {
        /// What it imports.
        import: Named,
        /// The type it expects.
        found: Box<FuncType>,
        /// The types there are.
        expected: Vec<&'static Function>,
    },
    /// It imports functions of generations that exclude each other.
    Mixed {
        /// The first import that does not fit those before it.
        import: Named,
        /// The generations that have it.
        of: Eras,
        /// The import before it that it does not fit.
        other: Named,
        /// The generations that have that one.
        other_of: Eras,
    },
    /// It imports something that is not a function.
    NotAFunction {
        /// What it imports.
        import: Named,
        /// What that is.
        kind: &'static str,
    },
    /// It has more of something than the contract allows.
    OverLimit {
        /// Of what.
        what: &'static str,
        /// How many it has.
        found: u64,
        /// How many it may have.
        max: u64,
    },
}

impl std::error::Error for Incompatible {}

impl From<SectionError> for Incompatible {
    fn from(error: SectionError) -> Self {
        Self::Section(error)
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}.{}`", self.module, self.name)
    }
}

impl fmt::Display for Incompatible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Section(error) => error.fmt(f),
            Self::Major { asked, supported } => write!(
                f,
                "the module was built for {CONTRACT}/{asked}; this host runs {CONTRACT}/{}.x, to be exact {supported}",
                supported.major
            ),
            Self::Features { unknown } => write!(
                f,
                "the module depends on features {unknown:#010x} of {CONTRACT}, which this host does not know"
            ),
            Self::Missing { import, asked, nearest } => {
                write!(f, "the module imports {import} {asked}, which no version of {CONTRACT} has")?;
                match nearest {
                    Some(known) => {
                        write!(f, "; the nearest is `{}.{}` {}", known.module, known.name, known.ty())
                    }
                    None => Ok(()),
                }
            }
            Self::WrongType { import, found, expected } => {
                write!(f, "the module imports {import} as {found}; it is ")?;
                for (place, known) in expected.iter().enumerate() {
                    if place > 0 {
                        f.write_str(" or ")?;
                    }
                    write!(f, "{} ({})", known.ty(), known.eras)?;
                }
                Ok(())
            }
            Self::Mixed { import, of, other, other_of } => write!(
                f,
                "the module mixes generations: {import} with this type is of {of}, {other} of {other_of}"
            ),
            Self::NotAFunction { import, kind } => {
                write!(f, "the module imports the {kind} {import}; only functions may be imported")
            }
            Self::OverLimit { what, found, max } => {
                write!(f, "the module has {found} {what}; {CONTRACT} allows {max}")
            }
        }
    }
}
