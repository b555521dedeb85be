//! Approves an order that is paid and costs at least 50. A request over 16 KiB traps.

use std::cell::UnsafeCell;

const SIZE: usize = 16 << 10;

struct Buffer(UnsafeCell<[u8; SIZE]>);

// A guest has one thread.
unsafe impl Sync for Buffer {}

static REQUEST: Buffer = Buffer(UnsafeCell::new([0; SIZE]));

#[unsafe(no_mangle)]
extern "C" fn alloc(size: u32) -> *mut u8 {
    assert!(size as usize <= SIZE, "request too large");
    REQUEST.0.get().cast()
}

#[unsafe(no_mangle)]
extern "C" fn eval(at: *const u8, len: u32) -> u64 {
    let request = unsafe { std::slice::from_raw_parts(at, len as usize) };
    let text: String = String::from_utf8_lossy(request).chars().filter(|c| !c.is_whitespace()).collect();
    let amount: i64 = text
        .split("\"amount\":")
        .nth(1)
        .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit() && c != '-').next()?.parse().ok())
        .unwrap_or(0);
    let answer: &'static [u8] = match text.contains("\"status\":\"paid\"") && amount >= 50 {
        true => b"{\"ok\":true}",
        false => b"{\"ok\":false}",
    };
    (answer.as_ptr() as u64) << 32 | answer.len() as u64
}
