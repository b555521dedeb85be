//! The functions of each generation, as a linker takes them.

use std::sync::Arc;

use hob_engine::{ExternType, HostTable, ModuleInfo};

use super::{Guest, attributes, files, machine, process, sockets, spawn, terminal, users};
use crate::command::Generation;

/// The functions of the contract, in a table for each generation. Cheap to clone.
#[derive(Clone)]
pub struct Functions {
    now: Arc<HostTable<Guest>>,
    s: Arc<HostTable<Guest>>,
    /// S, with TLS as its first programs have it.
    s_first: Arc<HostTable<Guest>>,
    p: Arc<HostTable<Guest>>,
}

impl Functions {
    /// Makes the tables.
    #[must_use]
    pub fn new() -> Self {
        let mut s_first = table(Generation::S);
        sockets::add_first_tls(&mut s_first);
        Self {
            now: Arc::new(table(Generation::V1)),
            s: Arc::new(table(Generation::S)),
            s_first: Arc::new(s_first),
            p: Arc::new(table(Generation::P)),
        }
    }

    /// What a module of this generation is linked against. Where the generation has two types of one name, the table has
    /// that which the module imports.
    #[must_use]
    pub fn of(&self, generation: Generation, info: &ModuleInfo) -> &Arc<HostTable<Guest>> {
        match generation {
            Generation::Native(_) | Generation::V1 | Generation::Wasi => &self.now,
            Generation::S if first_tls(info) => &self.s_first,
            Generation::S => &self.s,
            Generation::P => &self.p,
        }
    }
}

impl Default for Functions {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Functions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Functions").finish_non_exhaustive()
    }
}

/// Whether a module imports TLS with flags.
fn first_tls(info: &ModuleInfo) -> bool {
    let is = |ty: &ExternType| matches!(ty, ExternType::Func(ty) if ty.params.len() == 4);
    let mut tls = info.imports.iter().filter(|import| import.name == "net_tls_connect");
    tls.any(|import| import.module == "host_net" && is(&import.ty))
}

fn table(generation: Generation) -> HostTable<Guest> {
    let mut table = HostTable::new();
    crate::wasi_p1::add_all_to(&mut table);
    process::add_to(&mut table);
    spawn::add_to(&mut table, generation);
    files::add_to(&mut table, generation);
    attributes::add_to(&mut table);
    users::add_to(&mut table);
    terminal::add_to(&mut table);
    machine::add_to(&mut table);
    sockets::add_to(&mut table, generation);
    table
}
