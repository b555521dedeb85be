//! Snapshots of one version of a machine made into snapshots of another.
//!
//! A migration is a function from one version to the next; several are applied one after the other until the snapshot is of
//! the version that is wanted. Where a function comes from makes no difference: a closure, or a module in a sandbox.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::binding::Failure;

/// Makes a snapshot of one version into one of another. It gets all of the snapshot, as JSON.
pub type Migration = dyn Fn(Value) -> Result<Value, Failure> + Send + Sync;

/// Why a snapshot was not migrated. It is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// Nothing leads on.
    #[error("no migration of machine {machine:?} leads from version {from:?} on; version {to:?} is wanted")]
    NoWay {
        /// Which machine.
        machine: String,
        /// How far it came.
        from: String,
        /// What was wanted.
        to: String,
    },
    /// A migration has no answer.
    #[error("the migration of machine {machine:?} from version {from:?} to {to:?} failed: {cause}")]
    Failed {
        /// Which machine.
        machine: String,
        /// From where.
        from: String,
        /// To where.
        to: String,
        /// Why.
        cause: String,
    },
}

#[derive(Clone)]
struct Way {
    machine: String,
    from: String,
    to: String,
    apply: Arc<Migration>,
}

/// Migrations, by machine and version.
///
/// ```
/// use hob_machine::snapshot::Migrations;
/// use serde_json::json;
///
/// let migrations = Migrations::new().step("door", "1", "2", |mut snapshot| {
///     snapshot["configuration"] = json!(["closed"]);
///     Ok(snapshot)
/// });
/// let old = json!({"machine": "door", "machineVersion": "1", "configuration": ["shut"]});
/// let new = migrations.apply(old, "2")?;
/// assert_eq!(new["configuration"], json!(["closed"]));
/// assert_eq!(new["machineVersion"], "2");
/// # Ok::<(), hob_machine::snapshot::MigrationError>(())
/// ```
#[derive(Clone, Default)]
pub struct Migrations {
    ways: Vec<Way>,
}

impl Migrations {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one. A second from the same version takes the place of the first.
    #[must_use]
    pub fn step(
        mut self,
        machine: impl Into<String>,
        from: impl Into<String>,
        to: impl Into<String>,
        apply: impl Fn(Value) -> Result<Value, Failure> + Send + Sync + 'static,
    ) -> Self {
        let way = Way { machine: machine.into(), from: from.into(), to: to.into(), apply: Arc::new(apply) };
        self.ways.retain(|old| (&old.machine, &old.from) != (&way.machine, &way.from));
        self.ways.push(way);
        self
    }

    /// Whether there is one for a machine.
    pub(crate) fn concern(&self, machine: &str) -> bool {
        self.ways.iter().any(|way| way.machine == machine)
    }

    /// Makes a snapshot one of version `to`. A snapshot without a version is of the version "".
    pub fn apply(&self, snapshot: Value, to: &str) -> Result<Value, MigrationError> {
        let text = |key: &str| snapshot.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (machine, mut version) = (text("machine"), text("machineVersion"));
        let mut snapshot = snapshot;
        // Every migration is used at most once, so that a circle of them ends.
        for _ in 0..=self.ways.len() {
            if version == to {
                return Ok(snapshot);
            }
            let Some(way) = self.ways.iter().find(|way| way.machine == machine && way.from == version) else {
                break;
            };
            snapshot = (way.apply)(snapshot).map_err(|failure| MigrationError::Failed {
                machine: machine.clone(),
                from: way.from.clone(),
                to: way.to.clone(),
                cause: failure.to_string(),
            })?;
            let Value::Object(fields) = &mut snapshot else {
                return Err(MigrationError::Failed {
                    machine,
                    from: way.from.clone(),
                    to: way.to.clone(),
                    cause: "what it returned is no object".into(),
                });
            };
            fields.insert("machineVersion".into(), json!(way.to));
            version.clone_from(&way.to);
        }
        Err(MigrationError::NoWay { machine, from: version, to: to.into() })
    }
}

impl fmt::Debug for Migrations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ways = self.ways.iter().map(|way| format!("{} {} -> {}", way.machine, way.from, way.to));
        f.debug_list().entries(ways).finish()
    }
}
