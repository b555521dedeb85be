//! Reading a message allocates nothing, unless it holds a struct; writing one into a buffer that is large enough neither.

#![allow(
    unsafe_code,
    clippy::unwrap_used,
    reason = "an allocator that counts is unsafe to write, and a test may fail loudly"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use hob_syrup::{Limits, Mode, Reader, Writer};

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

fn allocations(work: impl FnOnce()) -> u64 {
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

const MESSAGE: &[u8] =
    b"<10'op:deliver<11'desc:export0+>[5'fetch3:abcD?\xf8\0\0\0\0\0\x003\"foo12-]f<18'desc:import-object7+>>";

#[test]
fn a_message_costs_no_allocation() {
    assert_eq!(allocations(|| drop(black_box(Box::new(1)))), 1, "the counter counts");
    for mode in [Mode::Canonical, Mode::Liberal] {
        let skipped = allocations(|| {
            Reader::new(black_box(MESSAGE), mode, Limits::default()).skip_value().unwrap();
        });
        assert_eq!(skipped, 0);
        let read = allocations(|| {
            let mut r = Reader::new(black_box(MESSAGE), mode, Limits::default());
            r.expect_record("op:deliver").unwrap();
            r.skip_value().unwrap();
            r.list().unwrap();
            black_box((r.symbol().unwrap(), r.bytes().unwrap(), r.f64().unwrap()));
            black_box((r.str().unwrap(), r.int().unwrap().to_i128()));
            r.end().unwrap();
            black_box((r.optional(Reader::u64).unwrap(), r.raw_value().unwrap()));
            r.end().unwrap();
            r.finish().unwrap();
        });
        assert_eq!(read, 0);
        let entries = allocations(|| {
            Reader::new(black_box(b"{1\"a{1\"bt}1\"c{}}"), mode, Limits::default()).skip_value().unwrap();
        });
        assert!(entries <= 2, "one list of keys, for however many structs, that may grow: {entries}");
    }
    let mut out = Vec::with_capacity(MESSAGE.len());
    let written = allocations(|| {
        let mut w = Writer::new(&mut out);
        w.record("op:deliver", |w| {
            w.record("desc:export", |w| w.int(0));
            w.list(|w| {
                w.symbol("fetch");
                w.bytes(b"abc");
                w.f64(1.5);
                w.str("foo");
                w.int(-12);
            });
            w.bool(false);
            w.record("desc:import-object", |w| w.int(7));
        });
        w.finish().unwrap();
    });
    assert_eq!((written, out.as_slice()), (0, MESSAGE));
}
