//! What a powerbox is made with.

use std::sync::Arc;

use hob_cap::AuditSink;
use hob_os::egress::Resolver;
use hob_vat::{Peer, Problem};

use crate::desk::{Desk, Door};
use crate::limits::Limits;
use crate::outbound::Network;
use crate::powerbox::Powerbox;

/// What a powerbox is made with.
///
/// ```
/// use hob_powerbox::{Limits, Powerbox};
/// use hob_vat::Peer;
///
/// let peer = Peer::builder().build()?;
/// let powerbox = Powerbox::builder().limits(Limits { objects: 16, ..Limits::default() }).open(&peer)?;
/// assert_eq!(powerbox.answered(), Some(0));
/// # Ok::<(), hob_vat::Problem>(())
/// ```
#[derive(Default)]
#[must_use]
pub struct PowerboxBuilder {
    limits: Limits,
    audit: Option<Arc<dyn AuditSink>>,
    network: Network,
}

impl PowerboxBuilder {
    /// What it may use.
    ///
    /// ```
    /// let peer = hob_vat::Peer::builder().build()?;
    /// let limits = hob_powerbox::Limits { objects: 0, ..Default::default() };
    /// let powerbox = hob_powerbox::Powerbox::builder().limits(limits).open(&peer)?;
    /// let refused = powerbox.clock(hob_cap::ClockGrant::Real).unwrap_err();
    /// assert_eq!(refused.to_string(), "limit: objects limit exceeded: 0 allowed");
    /// # Ok::<(), hob_vat::Problem>(())
    /// ```
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Where each use of authority is recorded before it takes effect; nowhere without it.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use hob_cap::{AuditError, AuditEvent, AuditSink, ClockGrant};
    ///
    /// struct Seen(Mutex<Vec<&'static str>>);
    ///
    /// impl AuditSink for Seen {
    ///     fn record(&self, event: &AuditEvent) -> Result<(), AuditError> {
    ///         self.0.lock().map_err(|error| AuditError(error.to_string()))?.push(event.what);
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let seen = Arc::new(Seen(Mutex::default()));
    /// let peer = hob_vat::Peer::builder().build()?;
    /// let powerbox = hob_powerbox::Powerbox::builder().audit(Arc::clone(&seen) as _).open(&peer)?;
    /// let clock = powerbox.clock(ClockGrant::Real)?;
    /// let soon = std::time::Duration::from_secs(10);
    /// peer.vat("main")?.ask(clock, [hob_vat::Value::symbol("now")], soon)?;
    /// assert_eq!(*seen.0.lock().unwrap(), ["clock"]);
    /// # Ok::<(), hob_vat::Problem>(())
    /// ```
    pub fn audit(mut self, sink: Arc<dyn AuditSink>) -> Self {
        self.audit = Some(sink);
        self
    }

    /// How names of hosts are resolved; by the system without it.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use hob_os::egress::SystemResolver;
    ///
    /// let peer = hob_vat::Peer::builder().build()?;
    /// assert!(hob_powerbox::Powerbox::builder().resolver(Arc::new(SystemResolver)).open(&peer).is_ok());
    /// # Ok::<(), hob_vat::Problem>(())
    /// ```
    pub fn resolver(mut self, resolver: Arc<dyn Resolver>) -> Self {
        self.network.resolver = Some(resolver);
        self
    }

    /// Trusts servers whose certificates these sign, DER each, and no others.
    ///
    /// ```
    /// let peer = hob_vat::Peer::builder().build()?;
    /// assert!(hob_powerbox::Powerbox::builder().tls_roots(Vec::new()).open(&peer).is_ok());
    /// # Ok::<(), hob_vat::Problem>(())
    /// ```
    pub fn tls_roots(mut self, roots: Vec<Vec<u8>>) -> Self {
        self.network.roots = Some(roots);
        self
    }

    /// Connects it to a peer.
    ///
    /// ```
    /// let peer = hob_vat::Peer::builder().build()?;
    /// assert!(hob_powerbox::Powerbox::builder().open(&peer).is_ok());
    /// # Ok::<(), hob_vat::Problem>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Peer::connect`].
    pub fn open(self, peer: &Peer) -> Result<Powerbox, Problem> {
        let desk = Arc::new(Desk::new(self.limits, self.audit, self.network));
        let far = peer.connect(Arc::new(Door(Arc::clone(&desk))))?;
        desk.open(far, peer.entrance(far));
        Ok(Powerbox::new(desk))
    }
}

impl std::fmt::Debug for PowerboxBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PowerboxBuilder").field("limits", &self.limits).finish_non_exhaustive()
    }
}
