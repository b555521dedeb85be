//! A granted directory of the host.
use crate::fs::NodeRef;
use hob_os::{Errno, Result};
/// x
pub struct HostFs;
impl HostFs {
    /// x
    pub fn root(_: u64, _: hob_os::HostDir, _: &hob_cap::FsGrant) -> Result<NodeRef> {
        Err(Errno::NotSup.into())
    }
}
