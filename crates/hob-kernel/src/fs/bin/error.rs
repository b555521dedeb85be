//! Why a path gives no commands, or no image.

use std::path::PathBuf;

use hob_os::OsError;

use crate::fs::image::ImageError;

/// What is allowed, in the words of every message that says that something else was given.
pub(super) const ALLOWED: &str = "name a folder of wasm modules, an installed npm package of commands, \
    a `node_modules` with such packages, an `.aospkg` file or a `.wasm` file";

/// Why a path gives no commands, or no image.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The host does not have it, or does not let it be read.
    #[error("cannot open `{}`: {source}", path.display())]
    Open {
        /// What was to be opened.
        path: PathBuf,
        /// What the host said.
        source: OsError,
    },
    /// It is a device, a pipe or an interface of the kernel.
    #[error("`{}` is neither an ordinary file nor a folder of them; {allowed}", path.display())]
    Special {
        /// What was to be opened.
        path: PathBuf,
        /// What it may be.
        allowed: &'static str,
    },
    /// There is nothing in it that could be used.
    #[error("`{}` has no commands; {allowed}", path.display())]
    Nothing {
        /// Where.
        path: PathBuf,
        /// What it may be.
        allowed: &'static str,
    },
    /// It is an archive, but not a good one.
    #[error("`{}` cannot be used: {source}", path.display())]
    Image {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: ImageError,
    },
    /// What describes a package is not as npm has it.
    #[error("`{}` cannot be used: {why}", path.display())]
    Manifest {
        /// Which file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// A command cannot be called that.
    #[error("`{}`: `{name}` cannot be the name of a command: {rule}", path.display())]
    Name {
        /// Where.
        path: PathBuf,
        /// The name, bounded and escaped.
        name: String,
        /// Which rule it breaks.
        rule: &'static str,
    },
    /// Two files of one folder or package are one command.
    #[error("`{}` has two files for the command `{name}`; remove or rename one", path.display())]
    Twice {
        /// Where.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// A limit.
    #[error("`{}` has more than {max} {what}", path.display())]
    TooMany {
        /// Where.
        path: PathBuf,
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        max: usize,
    },
}
