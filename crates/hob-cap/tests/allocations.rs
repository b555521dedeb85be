//! Looking up a handle, charging the ledger, asking a token and deciding about a path allocate nothing.

#![allow(
    unsafe_code,
    clippy::unwrap_used,
    reason = "an allocator that counts is unsafe to write, and a test may fail loudly"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use hob_cap::{FsGrant, GuestPath, HandleRights, HandleTable, Ledger, Limit, Limits, Policy, StopToken};

struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator as it comes.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: our caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: our caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl Fn()) -> u64 {
    let before = COUNT.with(Cell::get);
    (0..100).for_each(|_| work());
    COUNT.with(Cell::get) - before
}

#[test]
fn hot_paths_allocate_nothing() {
    assert!(allocations(|| drop(black_box(Box::new(1)))) >= 100, "the counter counts");
    let mut table = HandleTable::new(10);
    let handle = table.insert(7, HandleRights::new(1)).unwrap();
    assert_eq!(
        allocations(|| {
            assert!(black_box(table.get(handle, HandleRights::new(1))).is_ok());
        }),
        0
    );
    assert_eq!(
        allocations(|| {
            assert!(black_box(table.get(handle, HandleRights::new(2))).is_err());
        }),
        0
    );
    let ledger = Ledger::new(&Limits::default());
    assert_eq!(
        allocations(|| {
            assert!(black_box(ledger.charge(Limit::Memory, 1)).is_ok());
        }),
        0
    );
    assert_eq!(
        allocations(|| {
            assert!(black_box(ledger.charge(Limit::Memory, u64::MAX)).is_err());
        }),
        0
    );
    let token = StopToken::new(None, Some(std::time::Instant::now()));
    assert_eq!(
        allocations(|| {
            black_box(token.check_at(std::time::Instant::now()));
        }),
        0
    );
    let fs = ["a::/a:rw", "b::/a/b"].map(|text| FsGrant::parse(text).unwrap()).to_vec();
    let policy = Policy { fs, ..Policy::none() };
    let path = GuestPath::new("/a/b/c").unwrap();
    assert_eq!(
        allocations(|| {
            black_box(policy.access(&path));
        }),
        0
    );
}
