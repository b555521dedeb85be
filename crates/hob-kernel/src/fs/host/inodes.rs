//! One number for each object, though they come from several devices of the host.
//!
//! A program takes two objects with one number on one file system for the same, and acts on it: `cp` and `tar` make them
//! hard links, `mv` does nothing. So no two objects share a number, and no object changes its own.
//!
//! ```text
//!   0 iii…                              the granted directory's own device: the host's number, below 2⁶³
//!   1 0 dddddddddddddd iii… (48 bits)   another device, by the order in which they were met
//!   1 1 nnn…                            what fits in neither, by the order in which it was met
//! ```

use std::collections::HashMap;
use std::sync::Mutex;

use hob_os::tree::Identity;
use hob_os::{Errno, Result};

use crate::wait::lock;

const FOREIGN: u64 = 1 << 63;
const ODD: u64 = 3 << 62;
const FOREIGN_INODE_BITS: u32 = 48;
const DEVICES_MAX: u64 = 1 << 14;

/// Objects whose numbers fit nowhere, at most: their table is the only one that grows with what a guest looks at.
const ODD_MAX: u64 = 1 << 20;

/// The numbers of one file system.
#[derive(Debug)]
pub(super) struct Inodes {
    root: u64,
    met: Mutex<Met>,
}

#[derive(Debug, Default)]
struct Met {
    devices: HashMap<u64, u64>,
    odd: HashMap<Identity, u64>,
}

impl Inodes {
    /// With the device of the granted directory itself.
    pub(super) fn new(root: u64) -> Self {
        Self { root, met: Mutex::default() }
    }

    /// The number of an object: always the same, and no other one's. Errors: [`Errno::Overflow`] for one more that fits
    /// nowhere than the table takes.
    pub(super) fn number(&self, object: Identity) -> Result<u64> {
        if object.device == self.root && object.inode < FOREIGN {
            return Ok(object.inode);
        }
        let mut met = lock(&self.met);
        if object.device != self.root
            && object.inode < 1 << FOREIGN_INODE_BITS
            && let Some(device) = next(&mut met.devices, object.device, DEVICES_MAX)
        {
            return Ok(FOREIGN | device << FOREIGN_INODE_BITS | object.inode);
        }
        let number = next(&mut met.odd, object, ODD_MAX).ok_or(Errno::Overflow)?;
        Ok(ODD | number)
    }
}

/// The number of a thing by the order in which things were met, if there is one for it.
fn next<T: Eq + std::hash::Hash>(met: &mut HashMap<T, u64>, thing: T, max: u64) -> Option<u64> {
    let count = u64::try_from(met.len()).unwrap_or(u64::MAX);
    match met.get(&thing) {
        Some(number) => Some(*number),
        None if count < max => {
            met.insert(thing, count);
            Some(count)
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_objects_share_a_number_and_none_changes_its_own() {
        let inodes = Inodes::new(7);
        let edges = [0, 1, (1 << 48) - 1, 1 << 48, (1 << 62) + 5, (1 << 63) - 1, 1 << 63, 3 << 62, u64::MAX];
        let objects: Vec<Identity> = (0..20)
            .flat_map(|device| edges.iter().map(move |inode| Identity { device, inode: *inode }))
            .collect();
        let numbers: Vec<u64> = objects.iter().map(|id| inodes.number(*id).unwrap()).collect();
        assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), objects.len());
        let again: Vec<u64> = objects.iter().map(|id| inodes.number(*id).unwrap()).collect();
        assert_eq!(numbers, again);
        assert_eq!(inodes.number(Identity { device: 7, inode: 42 }), Ok(42));
    }

    #[test]
    fn more_devices_than_have_a_place_still_differ() {
        let inodes = Inodes::new(0);
        let numbers: HashSet<u64> = (1..=DEVICES_MAX + 10)
            .map(|device| inodes.number(Identity { device, inode: 5 }).unwrap())
            .collect();
        assert_eq!(u64::try_from(numbers.len()).unwrap(), DEVICES_MAX + 10);
    }

    #[test]
    fn the_table_of_what_fits_nowhere_is_bounded() {
        let mut met = HashMap::new();
        assert_eq!((next(&mut met, 'a', 2), next(&mut met, 'b', 2)), (Some(0), Some(1)));
        assert_eq!((next(&mut met, 'c', 2), next(&mut met, 'b', 2)), (None, Some(1)));
        assert_eq!(met.len(), 2);
    }
}
