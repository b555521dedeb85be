//! The vocabulary of authority.
//!
//! Everything a guest may do is a *grant*, and a grant is a value: it can be named, shown, narrowed, passed on, counted,
//! revoked and recorded. This crate holds those values and the algebra over them. It opens no file and reads no clock,
//! and it knows no engine, so that every other crate can speak of authority without gaining any.
//!
//! * Grants: [`FsGrant`], [`EnvGrant`], [`NetGrant`], [`ClockGrant`], [`RandomGrant`], [`StdioGrant`], [`HostObject`].
//! * [`Gift`]: one of them, in the words of a flag, for who is given objects instead of a world.
//! * [`Policy`] is what a guest is granted, [`Request`] what it asks for; [`Policy::attenuate`] narrows, [`diff`] says what
//!   widened.
//! * [`HandleTable`]: capabilities held by number, derived narrower, revoked together.
//! * Limits: [`Limit`] names each, [`Limits`] sets them, [`Ledger`] counts what is taken, [`LimitExceeded`] says what would
//!   have sufficed.
//! * [`StopToken`]: the one way to end a guest.
//! * [`AuditEvent`]: the record that each use of authority leaves.

mod audit;
mod diff;
mod flag;
mod gift;
mod grant;
mod handle;
mod lattice;
mod ledger;
mod limits;
mod net;
mod path;
mod permit;
mod policy;
mod scoped;
mod stop;

pub use audit::{
    AuditError, AuditEvent, AuditSink, Outcome, escape_guest_bytes, escape_guest_text, is_hidden,
};
pub use diff::{PolicyDiff, diff};
pub use gift::{Gift, Given};
pub use grant::{Access, ClockGrant, EnvGrant, FsGrant, GrantError, HostObject, RandomGrant, StdioGrant};
pub use handle::{Handle, HandleError, HandleRights, HandleTable};
pub use ledger::{Ledger, LimitExceeded};
pub use limits::{Limit, LimitTooHigh, Limits, Unit, format_bytes, parse_bytes, parse_duration};
pub use net::{HostPattern, NetGrant, Scheme};
pub use path::{GUEST_PATH_BYTES_MAX, GuestPath, GuestPathError};
pub use permit::{Children, Connections, Files, Permit, Tier};
pub use policy::{Policy, Request, Verdict};
pub use scoped::ScopedHandles;
pub use stop::{StopReason, StopToken, Wake};
