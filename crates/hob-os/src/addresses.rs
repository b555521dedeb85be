//! What this process may reserve: addresses, which cost no memory but which a limit of the host (`ulimit -v`) may count.
//! Stops: a guest that cannot start because room was kept for others that never came.

use rustix::process::{Resource, getrlimit};

/// Whether there is a limit on the addresses of this process.
#[must_use]
pub fn addresses_are_limited() -> bool {
    getrlimit(Resource::As).current.is_some()
}
