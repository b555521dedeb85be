//! Where actors live, and the modules they may be made of.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use hob::Host;
use hob::vat::{KindRef, Kinds, Limits, Peer, Problem, Vat};
use hob_repl::Powers;

use super::args::WhereArgs;
use super::{failure, store};
use crate::report::Failure;

/// A peer with one vat in use, and the modules that were loaded.
pub(super) struct Place {
    pub(super) peer: Peer,
    pub(super) vat: Vat,
    pub(super) modules: Modules,
}

/// Modules by the names of their kinds.
#[derive(Clone)]
pub(super) struct Modules {
    host: Arc<Host>,
    known: Arc<Mutex<BTreeMap<String, KindRef>>>,
}

impl Place {
    pub(super) fn open(args: &WhereArgs) -> Result<Self, Failure> {
        let modules = Modules::open(&args.which.module)?;
        let kinds = modules.kinds();
        let mut limits = Limits::default();
        limits.fuel_per_turn = args.fuel.unwrap_or(limits.fuel_per_turn);
        let mut builder = Peer::builder().limits(limits).kinds(kinds);
        if let Some(file) = &args.store {
            builder = builder.store(store::open(file)?);
        }
        let peer = builder.build().map_err(failure)?;
        let vat = peer.vat(&args.which.vat).map_err(failure)?;
        Ok(Self { peer, vat, modules })
    }
}

impl Modules {
    pub(super) fn open(files: &[PathBuf]) -> Result<Self, Failure> {
        let mut modules = Self { host: Arc::new(Host::builder().actors().build()?), known: Arc::default() };
        for file in files {
            modules.load(&file.display().to_string()).map_err(failure)?;
        }
        Ok(modules)
    }

    /// The code of all that a store may hold.
    pub(super) fn kinds(&self) -> Kinds {
        let found = self.clone();
        hob_repl::kinds().fold(Kinds::library(), Kinds::with).or_else(move |name| found.find(name))
    }

    fn find(&self, name: &str) -> Option<KindRef> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

impl Powers for Modules {
    fn load(&mut self, file: &str) -> Result<KindRef, Problem> {
        let actor = self.host.load(file).and_then(|loaded| loaded.actor());
        let kind = KindRef::from(actor.map_err(|error| Problem::rule("not-loaded", error.to_string()))?);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(kind.name().to_owned(), kind.clone());
        Ok(kind)
    }
}
