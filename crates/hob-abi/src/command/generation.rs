//! Which generation of the contract a module was built for, told from its imports alone.
//!
//! Four generations of commands exist that give the same names other types and other meanings. A module that declares its
//! version in a custom section is believed and held to it. Any other says what it is by what it imports:
//!
//! 1. Each import leaves the generations that have a function of that module, name and type. No generation left: the
//!    module mixes two of them, and is refused.
//! 2. One left: that one.
//! 3. Sockets are used and S and v1 are left: v1 when it sends or receives but never makes a socket, because the C library
//!    of v1 links `net_send` into every program and that of S only into programs that also make sockets; else S.
//! 4. P and S are left, or all three and something beyond WASI is imported: P.
//! 5. Nothing but WASI: a plain WASI program.
//!
//! The attack this stops is a guest that calls a function whose arguments the host reads in another order.

use hob_cap::escape_guest_text;
use hob_engine::{ExternType, FuncType, Import, ModuleInfo};

use super::incompatible::{Incompatible, Named};
use super::manifest::{self, Eras, Function, Version};
use super::section::Declared;
use super::table::{FUNCTIONS, IMPORTS_MAX, MEMORIES_MAX, VARIANTS, VERSION};

/// The generation of the contract a module was built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// It says so itself.
    Native(Version),
    /// Commands since June 2026.
    V1,
    /// C programs of spring 2026.
    S,
    /// Commands of early 2026.
    P,
    /// A program that needs nothing but WASI preview 1.
    Wasi,
}

impl Generation {
    /// Tells the generation of a module, and that everything it imports is there with the type it expects.
    ///
    /// # Errors
    ///
    /// When its own section is not one, it needs another major version, or an import is not of its generation.
    pub fn detect(info: &ModuleInfo) -> Result<Self, Incompatible> {
        bounded("imports", u64::try_from(info.imports.len()).unwrap_or(u64::MAX), IMPORTS_MAX)?;
        bounded("memories", info.memories, MEMORIES_MAX)?;
        match Declared::read(info)? {
            Some(declared) => native(info, &declared),
            None => implied(info),
        }
    }

    /// The function that an import of this module, name and type means to a module of this generation. The type decides
    /// where one generation has two.
    #[must_use]
    pub fn function(self, module: &str, name: &str, ty: &FuncType) -> Option<&'static Function> {
        let era = match self {
            Self::Native(_) | Self::V1 | Self::Wasi => Eras::V1,
            Self::S => Eras::S,
            Self::P => Eras::P,
        };
        known(module, name).find(|function| !function.eras.and(era).is_empty() && function.ty() == *ty)
    }
}

/// Every function of this module and name, of whatever type.
fn known(module: &str, name: &str) -> impl Iterator<Item = &'static Function> {
    manifest::find(module, name).into_iter().chain(manifest::variants(module, name))
}

fn bounded(what: &'static str, found: u64, max: u64) -> Result<(), Incompatible> {
    if found > max { Err(Incompatible::OverLimit { what, found, max }) } else { Ok(()) }
}

/// A module that says its version is held to it.
fn native(info: &ModuleInfo, declared: &Declared) -> Result<Generation, Incompatible> {
    if declared.version.major != VERSION.major {
        return Err(Incompatible::Major { asked: declared.version, supported: VERSION });
    }
    if declared.features != 0 {
        return Err(Incompatible::Features { unknown: declared.features });
    }
    for import in &info.imports {
        let ty = func(import)?;
        let now = manifest::find(&import.module, &import.name).ok_or_else(|| missing(import, ty))?;
        if now.ty() != *ty {
            return Err(wrong_type(import, ty, vec![now]));
        }
    }
    Ok(Generation::Native(declared.version))
}

/// A module that does not say is what its imports leave.
fn implied(info: &ModuleInfo) -> Result<Generation, Incompatible> {
    let mut left = Eras::ALL;
    let mut seen: Vec<(&Import, Eras)> = Vec::new();
    for import in &info.imports {
        let of = eras(import)?;
        if left.and(of).is_empty() {
            return Err(mixed(&seen, import, of));
        }
        left = left.and(of);
        seen.push((import, of));
    }
    let imports = |names: &[&str]| {
        let mut of_net = info.imports.iter().filter(|import| import.module == "host_net");
        of_net.any(|import| names.contains(&import.name.as_str()))
    };
    let beyond = info.imports.iter().any(|import| manifest::canonical(&import.module) != WASI);
    Ok(if left == Eras::V1 {
        Generation::V1
    } else if left == Eras::S {
        Generation::S
    } else if left == Eras::S.or(Eras::V1) {
        let streams_only = imports(&["net_send", "net_recv"]) && !imports(&["net_socket"]);
        if streams_only { Generation::V1 } else { Generation::S }
    } else if beyond {
        Generation::P
    } else {
        Generation::Wasi
    })
}

/// The module of the functions that are not of this contract alone.
const WASI: &str = "wasi_snapshot_preview1";

fn func(import: &Import) -> Result<&FuncType, Incompatible> {
    match &import.ty {
        ExternType::Func(ty) => Ok(ty),
        other => Err(Incompatible::NotAFunction {
            import: named(import),
            kind: match other {
                ExternType::Func(_) => "function",
                ExternType::Memory { .. } => "memory",
                ExternType::Table => "table",
                ExternType::Global => "global",
                ExternType::Tag => "tag",
            },
        }),
    }
}

/// The generations that have what is imported.
fn eras(import: &Import) -> Result<Eras, Incompatible> {
    let ty = func(import)?;
    let known: Vec<&'static Function> = known(&import.module, &import.name).collect();
    if known.is_empty() {
        return Err(missing(import, ty));
    }
    match known.iter().find(|function| function.ty() == *ty) {
        Some(function) => Ok(function.eras),
        None => Err(wrong_type(import, ty, known)),
    }
}

fn mixed(seen: &[(&Import, Eras)], import: &Import, of: Eras) -> Incompatible {
    // Generations stand in a row and each import leaves neighbours, so what conflicts conflicts with one of those before.
    let other = seen.iter().find(|(_, before)| before.and(of).is_empty());
    let (other, before) = other.map_or((import, of), |(other, before)| (*other, *before));
    Incompatible::Mixed { import: named(import), of, other: named(other), other_of: before }
}

fn missing(import: &Import, ty: &FuncType) -> Incompatible {
    let nearest = nearest(&import.module, &import.name);
    Incompatible::Missing { import: named(import), asked: Box::new(ty.clone()), nearest }
}

fn wrong_type(import: &Import, ty: &FuncType, known: Vec<&'static Function>) -> Incompatible {
    Incompatible::WrongType { import: named(import), found: Box::new(ty.clone()), expected: known }
}

fn named(import: &Import) -> Named {
    Named { module: escape_guest_text(&import.module, 64), name: escape_guest_text(&import.name, 64) }
}

/// Longer names are nobody's misspelling.
const NAME_BYTES_MAX: usize = 64;

/// The function whose name is most like the one that is not there.
fn nearest(module: &str, name: &str) -> Option<&'static Function> {
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let distances = FUNCTIONS.iter().chain(VARIANTS).map(|function| {
        let elsewhere = usize::from(manifest::canonical(module) != function.module);
        (distance(name.as_bytes(), function.name.as_bytes()) * 2 + elsewhere, function)
    });
    let (away, function) = distances.min_by_key(|(away, _)| *away)?;
    // More than a third of the letters differ: it is another word.
    (away / 2 * 3 <= name.len()).then_some(function)
}

/// How many letters to add, remove or replace to make one name the other.
fn distance(from: &[u8], to: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (count, letter) in (1..).zip(from) {
        let mut before = count - 1;
        let mut left = count;
        if let Some(first) = row.first_mut() {
            *first = count;
        }
        for (cell, other) in row.iter_mut().skip(1).zip(to) {
            let replaced = before + usize::from(letter != other);
            before = *cell;
            left = replaced.min(before + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_edits() {
        let check = |from: &str, to: &str, want| assert_eq!(distance(from.as_bytes(), to.as_bytes()), want);
        check("", "", 0);
        check("kitten", "sitting", 3);
        check("abc", "", 3);
        check("", "abc", 3);
        check("fd_dup", "fd_dup2", 1);
    }
}
