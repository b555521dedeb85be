//! Descriptors on their way through a socket.
//!
//! What is passed is opaque here: a shared thing that lives while it is under way. All of it is kept in one table of the
//! session, and messages hold only its number, for two reasons. It is counted there, so that a program that passes
//! descriptors and never receives them comes to an end at [`PASSED_SESSION_MAX`]. And what nobody can receive any more,
//! such as a socket that was passed through itself and closed, can be found and let go of ([`Transit::sweep`]).

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex};

use hob_os::{Errno, Result};

use super::socket::Socket;
use crate::limits::{PASSED_MAX, PASSED_SESSION_MAX};
use crate::wait::lock;

/// Something that is passed.
pub type Passed = Arc<dyn Any + Send + Sync>;

/// Everything that is under way in one session.
#[derive(Default)]
pub(super) struct Transit(Mutex<Table>);

#[derive(Default)]
struct Table {
    parcels: BTreeMap<u64, Vec<Passed>>,
    next: u64,
    count: usize,
    closed: bool,
}

impl Transit {
    /// Takes what is passed with one message; nothing is no parcel. Errors: [`Errno::Inval`] for more than
    /// [`PASSED_MAX`]; [`Errno::Nobufs`] past [`PASSED_SESSION_MAX`].
    pub(super) fn take(self: &Arc<Self>, passed: &[Passed]) -> Result<Option<Parcel>> {
        if passed.is_empty() {
            return Ok(None);
        }
        if passed.len() > PASSED_MAX {
            return Err(Errno::Inval.into());
        }
        let mut table = lock(&self.0);
        let count = table.count + passed.len();
        if count > PASSED_SESSION_MAX || table.closed {
            return Err(Errno::Nobufs.into());
        }
        let key = table.next;
        table.next += 1;
        table.count = count;
        table.parcels.insert(key, passed.to_vec());
        Ok(Some(Parcel { transit: Arc::clone(self), key }))
    }

    /// How much is under way.
    pub(super) fn count(&self) -> usize {
        lock(&self.0).count
    }

    /// Lets go of everything, for ever.
    pub(super) fn close(&self) {
        let mut table = lock(&self.0);
        table.closed = true;
        table.count = 0;
        let all = std::mem::take(&mut table.parcels);
        // What is let go of may be sockets, which come back here.
        drop(table);
        drop(all);
    }

    /// Lets go of what waits only at sockets that are themselves under way there: nobody can receive it. `socket` says
    /// which socket a thing is. Returns whether there was any.
    ///
    /// A thing is out of sight when all who hold it are parcels. Nobody can come to hold it but by receiving, and so not
    /// while the sockets at which its parcels wait are out of sight, too: what is found here stays so.
    pub(super) fn sweep(&self, socket: impl Fn(&Passed) -> Option<Arc<Socket>>) -> bool {
        let number = |passed: &Passed| Arc::as_ptr(passed).cast::<()>().addr();
        // Under one lock: what each parcel holds, and which sockets nobody else does.
        let (parcels, hidden) = {
            let table = lock(&self.0);
            let mut times = HashMap::<usize, (usize, &Passed)>::new();
            for passed in table.parcels.values().flatten() {
                times.entry(number(passed)).or_insert((0, passed)).0 += 1;
            }
            let hidden: HashMap<usize, Arc<Socket>> = times
                .iter()
                .filter(|(_, (times, passed))| Arc::strong_count(passed) == *times)
                .filter_map(|(number, (_, passed))| Some((*number, socket(passed)?)))
                .collect();
            let parcels: BTreeMap<u64, Vec<usize>> =
                table.parcels.iter().map(|(key, all)| (*key, all.iter().map(number).collect())).collect();
            (parcels, hidden)
        };
        let waiting: HashMap<usize, Vec<u64>> =
            hidden.iter().map(|(number, socket)| (*number, socket.parcels())).collect();
        let mut lost: std::collections::BTreeSet<u64> =
            waiting.values().flatten().copied().filter(|key| parcels.contains_key(key)).collect();
        // A parcel that somebody can receive brings back what waits at the sockets in it.
        let mut found: Vec<u64> = parcels.keys().copied().filter(|key| !lost.contains(key)).collect();
        while let Some(key) = found.pop() {
            let sockets = parcels.get(&key).into_iter().flatten();
            let again = sockets.filter_map(|number| waiting.get(number)).flatten();
            found.extend(again.copied().filter(|key| lost.remove(key)));
        }
        drop(hidden);
        let any = !lost.is_empty();
        // What is let go of may be sockets, which come back here.
        let gone: Vec<Vec<Passed>> = lost.into_iter().map(|key| self.remove(key)).collect();
        drop(gone);
        any
    }

    fn remove(&self, key: u64) -> Vec<Passed> {
        let mut table = lock(&self.0);
        let passed = table.parcels.remove(&key).unwrap_or_default();
        table.count = table.count.saturating_sub(passed.len());
        passed
    }
}

impl fmt::Debug for Transit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transit").field("count", &self.count()).finish()
    }
}

/// What was passed with one message. Let go of, so is everything in it; never do that under a lock of a socket.
#[derive(Debug)]
pub(super) struct Parcel {
    transit: Arc<Transit>,
    key: u64,
}

impl Parcel {
    /// Takes everything out.
    pub(super) fn open(self) -> Vec<Passed> {
        self.transit.remove(self.key)
    }

    /// Its number.
    pub(super) fn key(&self) -> u64 {
        self.key
    }

    /// What is in it.
    pub(super) fn look(&self) -> Vec<Passed> {
        lock(&self.transit.0).parcels.get(&self.key).cloned().unwrap_or_default()
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        drop(self.transit.remove(self.key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_is_counted_and_let_go_of() {
        let transit = Arc::<Transit>::default();
        let thing: Passed = Arc::new(1);
        let many = vec![Arc::clone(&thing); PASSED_MAX];
        assert!(transit.take(&[]).is_ok_and(|parcel| parcel.is_none()));
        let too_many = vec![Arc::clone(&thing); PASSED_MAX + 1];
        assert_eq!(transit.take(&too_many).err(), Some(Errno::Inval.into()));
        let parcels: Vec<_> = (0..PASSED_SESSION_MAX / PASSED_MAX).map(|_| transit.take(&many)).collect();
        assert!(parcels.iter().all(|parcel| parcel.is_ok()));
        assert_eq!(transit.take(&many).err(), Some(Errno::Nobufs.into()));
        drop(parcels);
        assert_eq!((transit.count(), Arc::strong_count(&thing)), (0, PASSED_MAX * 2 + 2));
        let parcel = transit.take(&many).unwrap().unwrap();
        assert_eq!((parcel.look().len(), parcel.open().len(), transit.count()), (PASSED_MAX, PASSED_MAX, 0));
        let left = transit.take(&many).unwrap().unwrap();
        transit.close();
        assert_eq!((left.look().len(), Arc::strong_count(&thing)), (0, PASSED_MAX * 2 + 2));
        assert_eq!(transit.take(&many).err(), Some(Errno::Nobufs.into()));
    }
}
