//! What a guest needs that has no standard library: memory, and an end for panics.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;

/// Bytes that are there from the beginning. A guest that needs no more never grows, and its instance is used again.
const ARENA_BYTES: usize = 256 << 10;

const PAGE_BYTES: usize = 65_536;

#[repr(align(16))]
struct Arena(UnsafeCell<[u8; ARENA_BYTES]>);

// A guest has one thread.
unsafe impl Sync for Arena {}

static ARENA: Arena = Arena(UnsafeCell::new([0; ARENA_BYTES]));

/// Gives memory out and takes back only what it gave out last: all of it is put back when the turn is over.
pub struct Bump(UnsafeCell<Free>);

struct Free {
    next: usize,
    end: usize,
}

// A guest has one thread.
unsafe impl Sync for Bump {}

impl Bump {
    /// Nothing was given out.
    pub const fn new() -> Self {
        Self(UnsafeCell::new(Free { next: 0, end: 0 }))
    }

    #[allow(clippy::mut_from_ref)]
    fn free(&self) -> &mut Free {
        let free = unsafe { &mut *self.0.get() };
        if free.end == 0 {
            free.next = ARENA.0.get() as usize;
            free.end = free.next + ARENA_BYTES;
        }
        free
    }
}

impl Default for Bump {
    fn default() -> Self {
        Self::new()
    }
}

unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let free = self.free();
        let aligned = |at: usize| at.checked_next_multiple_of(layout.align());
        let fits = |at: usize, end: usize| at.checked_add(layout.size()).filter(|after| *after <= end);
        if let Some(at) = aligned(free.next)
            && let Some(after) = fits(at, free.end)
        {
            free.next = after;
            return at as *mut u8;
        }
        let pages = layout.size().div_ceil(PAGE_BYTES).max(4);
        let grown = core::arch::wasm32::memory_grow::<0>(pages);
        if grown == usize::MAX {
            return core::ptr::null_mut();
        }
        let at = grown * PAGE_BYTES;
        if at != free.end {
            free.next = at;
        }
        free.end = at + pages * PAGE_BYTES;
        match aligned(free.next) {
            Some(at) if fits(at, free.end).is_some() => {
                free.next = at + layout.size();
                at as *mut u8
            }
            _ => core::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        let free = self.free();
        if at as usize + layout.size() == free.next {
            free.next = at as usize;
        }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let free = self.free();
        let last = at as usize + layout.size() == free.next;
        if last && (at as usize).checked_add(size).is_some_and(|after| after <= free.end) {
            free.next = at as usize + size;
            return at;
        }
        unsafe {
            let to = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !to.is_null() {
                core::ptr::copy_nonoverlapping(at, to, layout.size().min(size));
            }
            to
        }
    }
}

/// Memory and the end of panics for a guest that says `#![no_std]`.
#[macro_export]
macro_rules! bare {
    () => {
        #[global_allocator]
        static HOB_MEMORY: $crate::Bump = $crate::Bump::new();

        // What the compiler expects of a C library, and builds without one lack.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, len: usize) -> i32 {
            let mut at = 0;
            while at < len {
                let (a, b) = unsafe { (*a.add(at), *b.add(at)) };
                if a != b {
                    return i32::from(a) - i32::from(b);
                }
                at += 1;
            }
            0
        }

        #[panic_handler]
        fn hob_panic(_: &core::panic::PanicInfo<'_>) -> ! {
            core::arch::wasm32::unreachable()
        }
    };
}
