//! What the table of the contract is made of: functions, what each parameter is, and how a call may end.
//!
//! The data is in [`FUNCTIONS`] and [`VARIANTS`], which `cargo xtask abi` writes from `command.toml`. Nothing here runs
//! anything: a linker, a test or a document reads it.

use std::fmt;

use hob_engine::{FuncType, ValType};

use super::table::{ALIASES, ERRNOS, FUNCTIONS, VARIANTS};

/// A version of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Grows when a function is removed or changes its type.
    pub major: u16,
    /// Grows when a function is added.
    pub minor: u16,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// One function of the contract.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// The module it is imported from.
    pub module: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// What it takes.
    pub params: &'static [Param],
    /// What it returns.
    pub result: Answer,
    /// The numbers of the errors it may answer with, ascending.
    pub errnos: &'static [u16],
    /// How it runs.
    pub class: Class,
    /// Whether the host begins it again after a signal whose handlers all asked for that.
    pub restartable: bool,
    /// What a command must have been given before it does anything.
    pub grant: Grant,
    /// The version that brought it.
    pub since: Version,
    /// Whether new programs should use it.
    pub status: Status,
    /// The generations that have it with this type.
    pub eras: Eras,
    /// Fixed bounds on what is passed.
    pub limits: &'static [Cap],
    /// One sentence.
    pub doc: &'static str,
}

/// One parameter.
#[derive(Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Its WebAssembly type.
    pub ty: ValType,
    /// What it stands for.
    pub role: Role,
}

/// What a parameter stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A number without a sign.
    Value,
    /// A number with a sign.
    Signed,
    /// A set of bits.
    Flags,
    /// A signal.
    Signal,
    /// A descriptor.
    Fd,
    /// A descriptor of a directory, or all ones for the current one.
    Dirfd,
    /// A process or a group of processes.
    Pid,
    /// A user or a group of users.
    Id,
    /// Signals 1 to 32 of a set.
    Low,
    /// Signals 33 to 64 of a set.
    High,
    /// The bytes or records another parameter points to.
    Len,
    /// Points to a path.
    Path(Extent),
    /// Points to text.
    Text(Extent),
    /// Points to text in which a zero byte ends each item.
    Strings(Extent),
    /// Points to what is read.
    In(Extent),
    /// Points to what is written.
    Out(Extent),
    /// Points to what is read and then written.
    InOut(Extent),
}

impl Role {
    /// How much memory the parameter points to, if it is a pointer.
    #[must_use]
    pub fn extent(self) -> Option<Extent> {
        match self {
            Self::Path(extent)
            | Self::Text(extent)
            | Self::Strings(extent)
            | Self::In(extent)
            | Self::Out(extent)
            | Self::InOut(extent) => Some(extent),
            _ => None,
        }
    }
}

/// How much memory a parameter points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// So many bytes.
    Bytes(u32),
    /// As many records as the parameter at this index says.
    Count {
        /// The index of the parameter.
        param: usize,
        /// Bytes of one record.
        each: u32,
    },
    /// As many bytes as the 32-bit number says that the parameter at this index points to.
    At {
        /// The index of the parameter.
        param: usize,
    },
    /// As many bytes as another function told.
    Told,
}

/// What a function returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 0, or the number of an error.
    Errno,
    /// A 32-bit value of its own.
    I32,
    /// A 64-bit value of its own.
    I64,
    /// Nothing.
    None,
}

/// How a function runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Asked before the program proper begins.
    Bootstrap,
    /// Answered from what the process is.
    Local,
    /// Answered by the host.
    Host,
    /// May block; a signal, or the end of the process, ends it.
    Wait,
    /// Does not return when it succeeds.
    Terminal,
}

/// What a command must have been given before a function does anything for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Nothing.
    None,
    /// A descriptor that reaches what it is about.
    Descriptor,
    /// A terminal among the standard streams.
    Stdio,
    /// A variable.
    Env,
    /// The host's clocks; without them time is virtual.
    Clock,
    /// The host's randomness.
    Random,
    /// A directory.
    Fs,
    /// A directory that may be written.
    FsWrite,
    /// Commands that may be started.
    Children,
    /// A host to reach.
    Net,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "nothing",
            Self::Descriptor => "what a descriptor stands for",
            Self::Stdio => "a terminal",
            Self::Env => "the environment",
            Self::Clock => "the clock",
            Self::Random => "randomness",
            Self::Fs => "files, as the session was granted them",
            Self::FsWrite => "files to change, as the session was granted them",
            Self::Children => "other commands, as the session was granted them",
            Self::Net => "the network, as the session was granted it",
        })
    }
}

/// Whether new programs should use a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Yes.
    Canonical,
    /// It is here for programs that were built before.
    Compatibility,
}

/// A fixed bound on what is passed to a function.
#[derive(Debug, PartialEq, Eq)]
pub struct Cap {
    /// What is bounded.
    pub name: &'static str,
    /// The largest value that is taken.
    pub max: u32,
    /// The error of a larger value; `None` when less is done instead.
    pub errno: Option<u16>,
}

/// A set of the generations P, S and v1.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Eras(u8);

impl Eras {
    /// The first: commands of early 2026.
    pub const P: Self = Self(1);
    /// The second: C programs of spring 2026.
    pub const S: Self = Self(2);
    /// The third: commands since June 2026.
    pub const V1: Self = Self(4);
    /// Every generation.
    pub const ALL: Self = Self(7);

    /// The generations in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The generations in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Eras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [(Self::P, "P"), (Self::S, "S"), (Self::V1, "v1")];
        let names = names.iter().filter(|(era, _)| !self.and(*era).is_empty()).map(|(_, name)| *name);
        f.write_str(&names.collect::<Vec<_>>().join(", "))
    }
}

impl fmt::Debug for Eras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

impl Function {
    /// Its WebAssembly type.
    #[must_use]
    pub fn ty(&self) -> FuncType {
        let params = self.params.iter().map(|param| param.ty).collect();
        let results = match self.result {
            Answer::Errno | Answer::I32 => vec![ValType::I32],
            Answer::I64 => vec![ValType::I64],
            Answer::None => Vec::new(),
        };
        FuncType { params, results }
    }

    /// Whether the function may answer with this error.
    #[must_use]
    pub fn may_answer(&self, errno: u16) -> bool {
        self.errnos.binary_search(&errno).is_ok()
    }
}

/// The function of this module and name, as the contract has it now. A module that is an alias stands for the other.
#[must_use]
pub fn find(module: &str, name: &str) -> Option<&'static Function> {
    let module = canonical(module);
    let at = FUNCTIONS.binary_search_by(|function| (function.module, function.name).cmp(&(module, name)));
    FUNCTIONS.get(at.ok()?)
}

/// The functions of this module and name with the types that earlier generations gave them.
pub fn variants(module: &str, name: &str) -> impl Iterator<Item = &'static Function> {
    VARIANTS.iter().filter(move |function| (function.module, function.name) == (module, name))
}

/// The module that `module` is another name of, or itself.
#[must_use]
pub fn canonical(module: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == module).map_or(module, |(_, of)| *of)
}

/// The name of an error number, as preview 1 spells it.
#[must_use]
pub fn errno_name(number: u16) -> Option<&'static str> {
    ERRNOS.iter().find(|(errno, _)| *errno == number).map(|(_, name)| *name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_whole() {
        assert!(FUNCTIONS.is_sorted_by_key(|function| (function.module, function.name)));
        let of = |module| FUNCTIONS.iter().filter(|function| function.module == module).count();
        let modules = [
            ("wasi_snapshot_preview1", 46),
            ("host_process", 36),
            ("host_fs", 38),
            ("host_net", 21),
            ("host_user", 23),
            ("host_tty", 10),
            ("host_system", 1),
        ];
        for (module, count) in modules {
            assert_eq!(of(module), count, "{module}");
        }
        assert_eq!(FUNCTIONS.len(), 175);
    }

    #[test]
    fn every_function_is_found_under_its_name() {
        for function in FUNCTIONS {
            assert_eq!(find(function.module, function.name), Some(function));
        }
        assert_eq!(find("host_fs", "nothing"), None);
        assert_eq!(find("env", "chmod"), None);
        assert_eq!(find("wasi_unstable", "fd_read"), find("wasi_snapshot_preview1", "fd_read"));
    }

    #[test]
    fn a_variant_has_another_type_than_the_function_of_now() {
        for variant in VARIANTS {
            let now = find(variant.module, variant.name).unwrap();
            assert_ne!(variant.ty(), now.ty(), "{}.{}", variant.module, variant.name);
        }
        assert_eq!(variants("host_fs", "path_mode").count(), 1);
    }

    #[test]
    fn an_extent_names_a_parameter_that_counts() {
        for function in FUNCTIONS.iter().chain(VARIANTS) {
            for param in function.params {
                match param.role.extent() {
                    Some(Extent::Count { param, .. }) => assert_eq!(function.params[param].role, Role::Len),
                    Some(Extent::At { param }) => {
                        assert_eq!(function.params[param].role, Role::InOut(Extent::Bytes(4)));
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn types_are_those_of_the_programs_that_are_there() {
        let check = |module, name, ty: &str| assert_eq!(find(module, name).unwrap().ty().to_string(), ty);
        check("host_fs", "path_size", "(i32, i32, i32, i32) -> (i64)");
        check("host_fs", "ftruncate", "(i32, i64) -> (i32)");
        check("host_process", "proc_waitpid_v2", "(i32, i32, i32, i32, i32, i32) -> (i32)");
        check("wasi_unstable", "proc_exit", "(i32) -> ()");
        assert_eq!(find("host_process", "proc_spawn_v3").unwrap().params.len(), 17);
        assert_eq!(find("host_process", "proc_spawn_v4").unwrap().params.len(), 21);
    }

    #[test]
    fn errors_have_names() {
        assert_eq!(errno_name(0), Some("success"));
        assert_eq!(errno_name(76), Some("notcapable"));
        assert_eq!(errno_name(77), None);
        assert_eq!(errno_name(78), Some("nodata"));
        assert!(find("host_fs", "fd_fiemap").unwrap().may_answer(78));
        assert!(!find("host_fs", "fd_mode").unwrap().may_answer(8));
    }
}
