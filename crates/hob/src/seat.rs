//! Where a guest sits: its world, and the grants opened once for all guests of a host.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use hob_abi::plugin::{Desk, HasDesk};
use hob_abi::wasi_p1::HasWorld;
use hob_cap::{AuditSink, ClockGrant, EnvGrant, FsGrant, Ledger, Limits, Policy, RandomGrant, StopToken};
use hob_engine::{Bounds, Deadlines, Fault};
use hob_os::egress::Egress;
use hob_os::{HostDir, OsError, Sink, Source, World};

use crate::error::{Error, ErrorKind};

/// The grants of a policy, opened: what every world of this host is built from.
pub(crate) struct Opened {
    dirs: Vec<(HostDir, FsGrant)>,
    env: Vec<(Vec<u8>, Vec<u8>)>,
    clock: ClockGrant,
    random: RandomGrant,
    audit: Option<Arc<dyn AuditSink>>,
    config: Arc<BTreeMap<String, String>>,
    egress: Egress,
}

/// The streams and arguments of one guest.
#[derive(Default)]
pub(crate) struct Streams {
    pub(crate) args: Vec<Vec<u8>>,
    pub(crate) stdin: Source,
    pub(crate) stdout: Sink,
    pub(crate) stderr: Sink,
}

/// The data of an instance: its world, and the desk of the host functions that keep something for it.
pub(crate) struct Seat {
    world: World,
    desk: Desk,
}

impl HasWorld for Seat {
    fn world(&mut self) -> &mut World {
        &mut self.world
    }
}

impl HasDesk for Seat {
    fn desk(&mut self) -> &mut Desk {
        &mut self.desk
    }
}

impl Opened {
    pub(crate) fn new(
        policy: &Policy,
        audit: Option<Arc<dyn AuditSink>>,
        config: BTreeMap<String, String>,
        egress: Egress,
    ) -> Result<Self, Error> {
        let refuse = |why: String| Error::new(ErrorKind::Grant(why));
        if let Some(path) = policy.hidden.first() {
            return Err(refuse(format!(
                "hiding `{path}` inside a granted directory is not available; grant its siblings"
            )));
        }
        if let Some(object) = policy.objects.first() {
            return Err(refuse(format!("no host object named `{}` was handed in", object.0)));
        }
        let open = |grant: &FsGrant| {
            let dir = hob_os::open_grant(grant).map_err(|error| refuse(error.to_string()))?;
            Ok((dir, grant.clone()))
        };
        Ok(Self {
            dirs: policy.fs.iter().map(open).collect::<Result<_, Error>>()?,
            env: policy.env.iter().filter_map(variable).collect(),
            clock: policy.clock,
            random: policy.random,
            audit,
            config: Arc::new(config),
            egress,
        })
    }

    /// Whether a guest is handed what may be a secret.
    pub(crate) fn has_secrets(&self) -> bool {
        !self.env.is_empty() || !self.config.is_empty()
    }

    /// The granted directories, open.
    pub(crate) fn dirs(&self) -> &[(HostDir, FsGrant)] {
        &self.dirs
    }

    /// The granted variables.
    pub(crate) fn env(&self) -> &[(Vec<u8>, Vec<u8>)] {
        &self.env
    }

    /// The way outside.
    pub(crate) fn egress(&self) -> &Egress {
        &self.egress
    }

    /// Where uses of authority are recorded.
    pub(crate) fn audit(&self) -> Option<&Arc<dyn AuditSink>> {
        self.audit.as_ref()
    }

    pub(crate) fn seat(&self, streams: Streams, bounds: &Bounds) -> Result<Seat, Error> {
        let mut builder = World::builder()
            .args(streams.args)
            .env(self.env.iter().cloned())
            .stdin(streams.stdin)
            .stdout(streams.stdout)
            .stderr(streams.stderr)
            .clock(self.clock)
            .random(self.random)
            .egress(self.egress.clone())
            .ledger(Arc::clone(&bounds.ledger))
            .stop(bounds.stop.clone());
        for (dir, grant) in &self.dirs {
            let dir = dir
                .try_clone()
                .map_err(|error| Fault::host(format!("failed to open {grant} again: {error}")))?;
            builder = builder.preopen(dir, grant);
        }
        if let Some(audit) = &self.audit {
            builder = builder.audit(Arc::clone(audit));
        }
        let world = builder.build().map_err(|error| match error {
            OsError::Stopped(reason) => Error::from(Fault::from(reason)),
            OsError::Limit(limit) => Fault::from(limit).into(),
            OsError::Errno(errno) => {
                Error::new(ErrorKind::Grant(format!("failed to give the guest its grants: {errno}")))
            }
        })?;
        let desk = Desk::new(Arc::clone(&self.config), Arc::clone(&bounds.ledger));
        Ok(Seat { world, desk })
    }
}

/// The bounds of one call: a new ledger, a deadline from now on.
pub(crate) fn bounds(limits: &Limits, stop: Option<&StopToken>) -> Bounds {
    let stop = stop.cloned().unwrap_or_else(|| {
        let until = deadlines(limits, Instant::now(), None);
        StopToken::new(until.soft, until.hard)
    });
    Bounds { ledger: Arc::new(Ledger::new(limits)), stop, fuel: limits.fuel }
}

/// When a call that begins now is over: by the limits, or at `deadline` if that is earlier.
pub(crate) fn deadlines(limits: &Limits, now: Instant, deadline: Option<Instant>) -> Deadlines {
    let at = |time: Option<std::time::Duration>| time.and_then(|time| now.checked_add(time));
    let hard = match (at(limits.hard_deadline), deadline) {
        (Some(hard), Some(deadline)) => Some(hard.min(deadline)),
        (hard, deadline) => hard.or(deadline),
    };
    Deadlines { soft: at(limits.soft_deadline), hard }
}

/// The bounds of one call that is over then: a new ledger, a token of its own.
pub(crate) fn until(limits: &Limits, until: Deadlines) -> Bounds {
    bounds(limits, Some(&StopToken::new(until.soft, until.hard)))
}

/// A variable's value: the grant's own, or the host's. One the host does not have is not passed on.
fn variable(grant: &EnvGrant) -> Option<(Vec<u8>, Vec<u8>)> {
    use std::os::unix::ffi::OsStringExt;
    let value = match &grant.value {
        Some(value) => value.clone().into_bytes(),
        None => std::env::var_os(&grant.key)?.into_vec(),
    };
    Some((grant.key.clone().into_bytes(), value))
}
