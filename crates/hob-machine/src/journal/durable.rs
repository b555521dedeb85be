//! A system that survives its process.
//!
//! Every input is taken, its entry kept durably, and only then is anything handed out that it led to. A process that ends
//! in between has told nobody anything that is not in the journal. When the store fails nobody knows what it kept, so this
//! takes nothing more: it is opened again.

use serde_json::Value;

use super::replay::entry_of_read;
use super::{JournalEntry, JournalStore, ReplayError, Saved, replay};
use crate::driver::{
    Drive, EffectId, Input, LoadError, Machines, Output, Reads, Refusal, System, SystemLimits,
};
use crate::snapshot::{Migrations, RestoreError, check_depth};
use crate::step::Event;

/// What a durable system is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What it is called; it makes the numbers of its effects.
    pub name: String,
    /// The machines there are.
    pub machines: Machines,
    /// Which of them is the first.
    pub root: String,
    /// What it may hold.
    pub limits: SystemLimits,
    /// What steps read from, when they do.
    pub reads: Option<Reads>,
    /// For snapshots of other versions.
    pub migrations: Migrations,
}

impl Setup {
    /// One with the default limits, and neither reads nor migrations.
    #[must_use]
    pub fn new(name: &str, machines: &Machines, root: &str) -> Self {
        Self {
            name: name.into(),
            machines: machines.clone(),
            root: root.into(),
            limits: SystemLimits::default(),
            reads: None,
            migrations: Migrations::new(),
        }
    }
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DurableError<E: std::error::Error + 'static> {
    /// The input was not taken. Nothing has changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed. Open the system again: it then is where the store left it.
    #[error("the journal was not kept: {0}")]
    Store(#[source] E),
    /// The store failed before.
    #[error("the store failed before; the system has to be opened again")]
    Poisoned,
    /// The snapshot is not taken.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The journal cannot be played back.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The snapshot could not be read again.
    #[error(transparent)]
    Snapshot(#[from] RestoreError),
}

/// A system and its journal.
#[derive(Debug)]
pub struct Durable<S: JournalStore> {
    system: System,
    store: S,
    reads: Option<Reads>,
    position: u64,
    poisoned: bool,
}

impl<S: JournalStore> Durable<S> {
    /// Loads what is kept, and replays it. `now` counts only for a snapshot of another driver. Errors: the store's, and
    /// what cannot be loaded or replayed.
    pub fn open(mut store: S, setup: Setup, now: i64) -> Result<Self, DurableError<S::Error>> {
        let saved = store.load().map_err(DurableError::Store)?;
        let position = saved.position();
        let Saved { snapshot, entries } = saved;
        let Setup { name, machines, root, limits, reads, migrations } = setup;
        let mut system = match snapshot {
            Some((_, snapshot)) => System::load(&name, &machines, &root, limits, snapshot, &migrations, now)?,
            None => System::new(&name, &machines, &root, limits)?,
        };
        replay(&mut system, &entries, reads.as_ref())?;
        Ok(Self { system, store, reads, position, poisoned: false })
    }

    /// The system, as far as its journal is kept.
    #[must_use]
    pub fn system(&self) -> &System {
        &self.system
    }

    /// How many entries are kept, those before the last snapshot among them.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Takes an input and keeps it. Errors: [`DurableError::Refused`] leaves everything as it was; after
    /// [`DurableError::Store`] the system has to be opened again.
    pub fn apply(&mut self, input: &Input, now: i64) -> Result<Drive, DurableError<S::Error>> {
        self.apply_traced(input, now, false)
    }

    /// As [`Durable::apply`], and says what each step did when that is asked for.
    pub fn apply_traced(
        &mut self,
        input: &Input,
        now: i64,
        traced: bool,
    ) -> Result<Drive, DurableError<S::Error>> {
        if self.poisoned {
            return Err(DurableError::Poisoned);
        }
        let step = self.system.inputs();
        if let Some(reads) = &self.reads {
            reads.open(None);
        }
        let done = self.system.apply_traced(input, now, traced);
        let read = self.reads.as_ref().map(|reads| reads.close().0).unwrap_or_default();
        let drive = done?;
        let mut entries = vec![JournalEntry::of_input(step, input, now)];
        entries.extend(read.into_iter().map(|read| entry_of_read(step, read)));
        if let Err(error) = self.store.append(self.position, &entries) {
            self.poisoned = true;
            return Err(DurableError::Store(error));
        }
        self.position = self.position.saturating_add(u64::try_from(entries.len()).unwrap_or(u64::MAX));
        Ok(drive)
    }

    /// Begins.
    pub fn start(&mut self, context: Value, now: i64) -> Result<Drive, DurableError<S::Error>> {
        self.apply(&Input::Start { context }, now)
    }

    /// Sends an event to the first machine.
    pub fn send(&mut self, event: impl Into<Event>, now: i64) -> Result<Drive, DurableError<S::Error>> {
        self.apply(&Input::Event { to: None, event: event.into() }, now)
    }

    /// Lets the time pass.
    pub fn advance(&mut self, now: i64) -> Result<Drive, DurableError<S::Error>> {
        self.apply(&Input::Time, now)
    }

    /// Says what a run of a service came to.
    pub fn service_done(
        &mut self,
        run: &EffectId,
        result: Result<Value, Value>,
        now: i64,
    ) -> Result<Drive, DurableError<S::Error>> {
        self.apply(&Input::Service { run: run.clone(), result }, now)
    }

    /// Says that the host did these: they are never handed out again.
    pub fn acknowledge(&mut self, ids: &[EffectId], now: i64) -> Result<Drive, DurableError<S::Error>> {
        self.apply(&Input::Acknowledge { ids: ids.to_vec() }, now)
    }

    /// What the host has to do and was not told yet since the system was opened. Nothing after the store failed.
    pub fn drain(&mut self) -> Vec<Output> {
        if self.poisoned { Vec::new() } else { self.system.drain() }
    }

    /// Keeps a snapshot, and forgets the journal before it. Nothing to do before the system began.
    pub fn checkpoint(&mut self) -> Result<(), DurableError<S::Error>> {
        if self.poisoned {
            return Err(DurableError::Poisoned);
        }
        let Some(snapshot) = self.system.snapshot() else { return Ok(()) };
        let snapshot = snapshot.to_value();
        check_depth(&snapshot)?;
        self.store.checkpoint(self.position, &snapshot).map_err(|error| {
            self.poisoned = true;
            DurableError::Store(error)
        })
    }
}
