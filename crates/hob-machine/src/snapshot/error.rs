//! Why a snapshot is not taken for an instance.

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// It is not JSON.
    #[error("the snapshot is not JSON: {0}")]
    NotJson(String),
    /// A field is not what it has to be.
    #[error("at {at}: {message}")]
    Field {
        /// Where: a JSON pointer.
        at: String,
        /// What is there, and what would be allowed.
        message: String,
    },
    /// It nests too deeply to be read again.
    #[error("the snapshot nests deeper than {limit}")]
    Deep {
        /// How deep it may.
        limit: usize,
    },
    /// It is of another machine.
    #[error("at /machine: the snapshot is of machine {snapshot:?}; this is {machine:?}")]
    Machine {
        /// Whose it is.
        snapshot: String,
        /// What it was to be restored as.
        machine: String,
    },
    /// It is of a machine with another id.
    #[error(
        "at /machineId: the snapshot is of the machine with the id {snapshot:?}; this one's is {machine:?}"
    )]
    MachineId {
        /// The snapshot's.
        snapshot: String,
        /// The machine's.
        machine: String,
    },
    /// It is of another version of the machine.
    #[error(
        "at /machineVersion: the snapshot is of version {snapshot:?} and the machine of {machine:?}; migrate the \
         snapshot first"
    )]
    MachineVersion {
        /// The snapshot's.
        snapshot: String,
        /// The machine's.
        machine: String,
    },
    /// It is of another format.
    #[error(
        "at /snapshotVersion: {snapshot} is of another major version; {major}000 to {major}999 are read here"
    )]
    SnapshotVersion {
        /// What it says.
        snapshot: u64,
        /// What is read.
        major: u64,
    },
    /// It names a state that the machine has not.
    #[error("at {at}: the machine has no state {state:?}")]
    NoState {
        /// Where.
        at: String,
        /// The state.
        state: String,
    },
    /// It calls a state active that has states inside.
    #[error("at {at}: {state:?} is no leaf; a configuration lists the states that have nothing inside")]
    NoLeaf {
        /// Where.
        at: String,
        /// The state.
        state: String,
    },
    /// Its states cannot be active together.
    #[error("at {at}: no configuration: {why}")]
    Illegal {
        /// Where.
        at: String,
        /// Which states, and why not.
        why: String,
    },
    /// It remembers what was never so.
    #[error("at {at}: no history: {why}")]
    History {
        /// Where.
        at: String,
        /// Why not.
        why: String,
    },
}

impl RestoreError {
    /// The rule, as one word that does not change.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "not_json",
            Self::Field { .. } => "wrong_type",
            Self::Deep { .. } => "nesting",
            Self::Machine { .. } => "machine",
            Self::MachineId { .. } => "machine_id",
            Self::MachineVersion { .. } => "machine_version",
            Self::SnapshotVersion { .. } => "snapshot_version",
            Self::NoState { .. } => "no_state",
            Self::NoLeaf { .. } => "no_leaf",
            Self::Illegal { .. } => "illegal_configuration",
            Self::History { .. } => "history",
        }
    }

    pub(crate) fn field(at: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Field { at: at.into(), message: message.into() }
    }

    /// The same, of a snapshot that stands inside another.
    #[must_use]
    pub(crate) fn inside(mut self, around: &str) -> Self {
        match &mut self {
            Self::Field { at, .. }
            | Self::NoState { at, .. }
            | Self::NoLeaf { at, .. }
            | Self::Illegal { at, .. }
            | Self::History { at, .. } => at.insert_str(0, around),
            _ => {}
        }
        self
    }
}
