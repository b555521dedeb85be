//! Putting an instance back to what it was.
//!
//! A module from [`Engine::load_resettable`](crate::Engine::load_resettable) notes which blocks of memory it changes. With
//! [`Instance::mark`] the present state is kept; [`Instance::reset`] copies back the blocks that changed since, and the
//! globals. That is exact or it is refused: an instance whose memory grew, whose tables or segments changed, or that ended
//! in a way that may have left something half-done is not put back but replaced.
//!
//! A mark is also how a guest that lives through many turns keeps what a turn did: marking again copies only the blocks
//! that changed, and [`Instance::dirty`] says which those are. [`Instance::restore`] makes a fresh instance into one that
//! was kept elsewhere.

use std::ops::Range;

use crate::backend::LiveGuest;
use crate::bounds::{Bounds, Deadlines};
use crate::fault::{Fault, FaultKind};
use crate::instance::{Instance, with_guest};
use crate::module::{BLOCK_BYTES, MAP_BYTES, OVERHANG_BYTES};

/// Bytes of a page of memory.
const PAGE_BYTES: usize = 65_536;

/// A state that an instance can be put back to.
pub(crate) struct Mark {
    memory: Vec<u8>,
    globals: Vec<u128>,
    /// Used again by every reset.
    dirty: Vec<Range<usize>>,
}

impl<T: 'static> Instance<T> {
    /// Keeps the present state, for [`Instance::reset`] to go back to. Says whether that could be done: the module must come
    /// from [`Engine::load_resettable`](crate::Engine::load_resettable) and lend itself to it, the instance must not have
    /// ended, and nobody may be listening at its boundary. The second time copies only what changed since the first.
    pub fn mark(&mut self) -> bool {
        if self.ended || !self.prepare() {
            return false;
        }
        let old = self.mark.take();
        let marked = with_guest!(&mut self.guest, guest => guest.kept(old));
        self.portable &= marked.portable;
        self.mark = Some(marked.mark);
        true
    }

    /// Goes back to the last [`Instance::mark`], also after a fault that left the instance whole: a trap, a limit, a
    /// deadline, an exit, a broken contract. Runs no guest code. Says whether that could be done: if not, the instance is as
    /// it was before, and must be replaced.
    ///
    /// Bounds and data stay what they are: see [`Instance::renew`] and [`Instance::data_mut`].
    pub fn reset(&mut self) -> bool {
        if self.ended && !self.recoverable {
            return false;
        }
        let Some(kept) = &mut self.mark else { return false };
        if !with_guest!(&mut self.guest, guest => guest.put_back(kept)) {
            return false;
        }
        self.ended = false;
        true
    }

    /// Waits to be used again: of a pool it takes no slot while it does, and must not be called until [`Instance::renew`].
    /// `false` when [`IDLE_MAX`](crate::IDLE_MAX) instances wait already; then it should be dropped.
    pub fn rest(&mut self) -> bool {
        self.place.rest()
    }

    /// The bounds of what comes next: a ledger, which is charged with what the instance holds, a deadline, fuel.
    ///
    /// # Errors
    ///
    /// When the ledger has no room for what the instance holds, or the pool has no slot for one that has waited. The old
    /// bounds then stay.
    pub fn renew(&mut self, bounds: Bounds) -> Result<(), Fault> {
        self.place.wake()?;
        with_guest!(&mut self.guest, guest => guest.renew(bounds))
    }

    /// As [`Instance::renew`] on the same ledger, with deadlines of its own that only they stop: whoever held the old token
    /// holds nothing any more.
    ///
    /// # Errors
    ///
    /// When the pool has no slot for one that has waited.
    pub fn restart(&mut self, until: Deadlines, fuel: Option<u64>) -> Result<(), Fault> {
        self.place.wake()?;
        with_guest!(&mut self.guest, guest => guest.restart(until, fuel))
    }

    /// What may have changed in memory since the last mark: offset and length in bytes, in order, apart from each other.
    /// `None` without a mark. What this names is a little more than what was written.
    pub fn dirty(&mut self) -> Option<impl Iterator<Item = (u64, u64)>> {
        self.mark.as_ref()?;
        let mut found = Vec::new();
        with_guest!(&mut self.guest, guest => guest.changed(&mut found));
        let size = with_guest!(&mut self.guest, guest => guest.noted_size());
        let wide = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
        let clip = move |range: Range<usize>| range.start.min(size)..range.end.min(size);
        Some(
            found
                .into_iter()
                .map(clip)
                .filter(|range| !range.is_empty())
                .map(move |range| (wide(range.start), wide(range.len()))),
        )
    }

    /// The bits of every global that can change, in the order of the module; those that hold references are not among them.
    /// `None` when the module is not resettable.
    pub fn globals(&mut self) -> Option<Vec<u128>> {
        if !self.prepare() {
            return None;
        }
        let mut globals = Vec::new();
        with_guest!(&mut self.guest, guest => guest.noted_globals(&mut globals));
        Some(globals)
    }

    /// Whether memory and globals are all there is to keep of this instance: nothing else changed since it was made.
    pub fn is_portable(&mut self) -> bool {
        self.prepare() && self.portable && !with_guest!(&mut self.guest, guest => guest.noted_flag())
    }

    /// Makes a fresh instance into one whose memory and globals were kept elsewhere, and marks it. Memory grows if it has
    /// to. Says whether that could be done: not when the module is not resettable, when there are fewer or more globals, or
    /// when memory would have to shrink.
    ///
    /// # Errors
    ///
    /// When memory may not grow as far.
    pub fn restore(&mut self, memory: &[u8], globals: &[u128]) -> Result<bool, Fault> {
        if self.ended || !self.prepare() || self.globals().is_none_or(|have| have.len() != globals.len()) {
            return Ok(false);
        }
        let have = with_guest!(&mut self.guest, guest => guest.noted_size());
        let Some(missing) = memory.len().checked_sub(have).filter(|bytes| bytes % PAGE_BYTES == 0) else {
            return Ok(false);
        };
        if missing > 0 {
            let pages = u64::try_from(missing / PAGE_BYTES).unwrap_or(u64::MAX);
            with_guest!(&mut self.guest, guest => guest.grow(pages))?;
        }
        let done = with_guest!(&mut self.guest, guest => {
            guest.touched().all();
            if let Some(place) = guest.noted_memory() {
                place.copy_from_slice(memory);
            }
            guest.set_noted_globals(globals)
        });
        Ok(done && self.mark())
    }

    /// Finds what the module notes; once for an instance.
    fn prepare(&mut self) -> bool {
        let Some(tracks) = self.module.inner.tracks.as_ref() else { return false };
        with_guest!(&mut self.guest, guest => guest.prepare(tracks))
    }

    /// Remembers how the last call ended.
    #[inline]
    pub(crate) fn note_end<R>(&mut self, result: &Result<R, Fault>) {
        if let Err(fault) = result {
            self.ended = true;
            self.recoverable = leaves_whole(fault.kind());
        }
    }
}

/// Whether a guest that ended so has nothing half-done in engine or host: its own code stopped between two instructions,
/// or a host function returned.
fn leaves_whole(kind: &FaultKind) -> bool {
    match kind {
        FaultKind::Trap { .. }
        | FaultKind::Exit(_)
        | FaultKind::Limit(_)
        | FaultKind::Stopped(_)
        | FaultKind::Contract(_) => true,
        FaultKind::HostPanic(_) | FaultKind::Host(_) | FaultKind::Ended => false,
    }
}

struct Marked {
    mark: Mark,
    portable: bool,
}

/// The same for both engines.
trait PutBack<T>: LiveGuest<T> + Sized {
    fn kept(&mut self, old: Option<Mark>) -> Marked {
        mark(self, old)
    }

    fn put_back(&mut self, kept: &mut Mark) -> bool {
        reset(self, kept)
    }

    fn changed(&mut self, dirty: &mut Vec<Range<usize>>) {
        collect(self, dirty);
    }
}

impl<T, G: LiveGuest<T>> PutBack<T> for G {}

fn mark<T, G: LiveGuest<T>>(guest: &mut G, old: Option<Mark>) -> Marked {
    let portable = !guest.noted_flag();
    let mut mark = old.unwrap_or_else(|| Mark { memory: Vec::new(), globals: Vec::new(), dirty: Vec::new() });
    collect(guest, &mut mark.dirty);
    if let Some(memory) = guest.noted_memory() {
        if mark.memory.len() == memory.len() {
            for range in &mark.dirty {
                copy(&mut mark.memory, memory, range);
            }
        } else {
            mark.memory = image(memory);
        }
    }
    mark.globals.clear();
    guest.noted_globals(&mut mark.globals);
    clear(guest, &mark.dirty);
    Marked { mark, portable }
}

fn reset<T, G: LiveGuest<T>>(guest: &mut G, kept: &mut Mark) -> bool {
    let size = guest.noted_size();
    if size != kept.memory.len() || guest.noted_flag() {
        return false;
    }
    collect(guest, &mut kept.dirty);
    if !kept.dirty.is_empty()
        && let Some(memory) = guest.noted_memory()
    {
        for range in &kept.dirty {
            copy(memory, &kept.memory, range);
        }
    }
    if !guest.set_noted_globals(&kept.globals) {
        return false;
    }
    clear(guest, &kept.dirty);
    guest.settle();
    true
}

/// Copies a range, as far as it lies in both.
fn copy(to: &mut [u8], from: &[u8], range: &Range<usize>) {
    let end = range.end.min(to.len()).min(from.len());
    let range = range.start.min(end)..end;
    if let (Some(to), Some(from)) = (to.get_mut(range.clone()), from.get(range)) {
        to.copy_from_slice(from);
    }
}

/// A copy of memory that takes no room for pages that are zero: most of what a guest has it has never used.
fn image(memory: &[u8]) -> Vec<u8> {
    const PIECE: usize = 4096;
    let mut image = vec![0; memory.len()];
    for (to, from) in image.chunks_mut(PIECE).zip(memory.chunks(PIECE)) {
        if from.iter().any(|byte| *byte != 0) {
            to.copy_from_slice(from);
        }
    }
    image
}

/// The ranges that may have changed, in order and apart, as far as the map and the host's own writes say.
fn collect<T, G: LiveGuest<T>>(guest: &mut G, dirty: &mut Vec<Range<usize>>) {
    dirty.clear();
    let size = guest.noted_size();
    if guest.touched().is_all() {
        dirty.push(0..size);
        return;
    }
    let blocks = size.div_ceil(BLOCK_BYTES);
    if let Some(map) = guest.noted_map() {
        // A map that is shorter than memory stands for it several times over.
        let mut lap = 0;
        while lap < blocks {
            let used = map.get(..(blocks - lap).min(MAP_BYTES)).unwrap_or(map);
            scan(used, lap, dirty);
            lap += MAP_BYTES;
        }
    }
    let touched = guest.touched();
    if !touched.ranges().is_empty() {
        dirty.extend(touched.ranges().iter().cloned());
        dirty.sort_unstable_by_key(|range| range.start);
        join(dirty);
    }
}

/// The blocks that are marked in a piece of the map, which begins at block `first`.
fn scan(map: &[u8], first: usize, dirty: &mut Vec<Range<usize>>) {
    let mut push = |at: usize| {
        let start = (first + at) * BLOCK_BYTES;
        let end = start + BLOCK_BYTES + OVERHANG_BYTES;
        match dirty.last_mut() {
            Some(last) if start <= last.end => last.end = end,
            _ => dirty.push(start..end),
        }
    };
    // Most of the map is zero, and is passed over in long steps.
    for (step, bytes) in map.chunks(STEP).enumerate() {
        if bytes.iter().fold(0, |all, byte| all | byte) != 0 {
            let marked = bytes.iter().enumerate().filter(|(_, byte)| **byte != 0);
            marked.for_each(|(at, _)| push(step * STEP + at));
        }
    }
}

/// Bytes of the map that are looked at together.
const STEP: usize = 64;

/// Makes one of ranges that meet. They come in the order of their beginnings.
fn join(ranges: &mut Vec<Range<usize>>) {
    ranges.dedup_by(|next, last| {
        let meets = next.start <= last.end;
        if meets {
            last.end = last.end.max(next.end);
        }
        meets
    });
}

/// Forgets what was noted.
fn clear<T, G: LiveGuest<T>>(guest: &mut G, dirty: &[Range<usize>]) {
    guest.touched().clear();
    guest.clear_noted_flag();
    if dirty.is_empty() {
        return;
    }
    let Some(map) = guest.noted_map() else { return };
    for range in dirty {
        let (first, last) = (range.start / BLOCK_BYTES, range.end.div_ceil(BLOCK_BYTES));
        if last - first >= MAP_BYTES || first / MAP_BYTES != last / MAP_BYTES {
            map.fill(0);
        } else if let Some(blocks) = map.get_mut(first % MAP_BYTES..last % MAP_BYTES) {
            blocks.fill(0);
        }
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "one range is what is meant")]
mod tests {
    use super::*;

    #[test]
    fn marked_blocks_become_ranges_that_reach_over() {
        let check = |marked: &[usize], length: usize, want: &[Range<usize>]| {
            let mut map = vec![0; length];
            marked.iter().for_each(|at| map[*at] = 1);
            let mut dirty = Vec::new();
            scan(&map, 0, &mut dirty);
            assert_eq!(dirty, want, "{marked:?}");
        };
        check(&[], 64, &[]);
        check(&[0], 64, &[0..1039]);
        check(&[63], 64, &[64_512..65_551]);
        check(&[7, 8, 10], 11, &[7168..9231, 10_240..11_279]);
    }

    #[test]
    fn ranges_that_meet_become_one() {
        let mut ranges = vec![0..5, 2..3, 5..6, 8..9];
        join(&mut ranges);
        assert_eq!(ranges, [0..6, 8..9]);
    }

    #[test]
    fn only_ends_that_leave_everything_whole_can_be_undone() {
        assert!(leaves_whole(&FaultKind::Exit(1)));
        assert!(leaves_whole(&FaultKind::Stopped(hob_cap::StopReason::HardDeadline)));
        assert!(!leaves_whole(&FaultKind::HostPanic(String::new())));
        assert!(!leaves_whole(&FaultKind::Host(String::new())));
        assert!(!leaves_whole(&FaultKind::Ended));
    }
}
