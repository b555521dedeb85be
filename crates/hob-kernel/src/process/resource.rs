//! Resource limits in the manner of `getrlimit`. They are kept and inherited; those the kernel enforces are marked.

use hob_os::{Errno, Result};

use crate::limits::DESCRIPTORS_MAX;

/// No limit.
const UNLIMITED: u64 = u64::MAX;

/// The resource that bounds descriptors, which is enforced.
const DESCRIPTORS: usize = 7;

/// The resource that bounds the size of a file, which is enforced.
const FILE_SIZE: usize = 1;

/// Soft and hard limits of the ten resources that contracts know, by the numbers of Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceLimits([(u64, u64); 10]);

impl Default for ResourceLimits {
    fn default() -> Self {
        let mut limits = [(UNLIMITED, UNLIMITED); 10];
        limits[DESCRIPTORS] = (DESCRIPTORS_MAX.into(), DESCRIPTORS_MAX.into());
        Self(limits)
    }
}

impl ResourceLimits {
    /// The soft and the hard limit of a resource. Errors: [`Errno::Inval`].
    pub fn get(&self, resource: u32) -> Result<(u64, u64)> {
        let index = usize::try_from(resource).map_err(|_| Errno::Inval)?;
        self.0.get(index).copied().ok_or(Errno::Inval.into())
    }

    /// Sets both. Errors: [`Errno::Inval`] for a soft limit above the hard one; [`Errno::Perm`] for a raised hard limit
    /// of anyone but root, and of descriptors above [`DESCRIPTORS_MAX`] of anyone.
    pub fn set(&mut self, resource: u32, soft: u64, hard: u64, root: bool) -> Result<()> {
        let index = usize::try_from(resource).map_err(|_| Errno::Inval)?;
        let place = self.0.get_mut(index).ok_or(Errno::Inval)?;
        if soft > hard {
            return Err(Errno::Inval.into());
        }
        let too_many = index == DESCRIPTORS && hard > DESCRIPTORS_MAX.into();
        if (hard > place.1 && !root) || too_many {
            return Err(Errno::Perm.into());
        }
        *place = (soft, hard);
        Ok(())
    }

    /// How many descriptors.
    #[must_use]
    pub fn descriptors(&self) -> u32 {
        u32::try_from(self.0[DESCRIPTORS].0).unwrap_or(DESCRIPTORS_MAX)
    }

    /// How long a file may become.
    #[must_use]
    pub fn file_size(&self) -> u64 {
        self.0[FILE_SIZE].0
    }
}
