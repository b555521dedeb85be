//! Hostile programs of the command contract: calls of any of its functions with arbitrary numbers, from the program and
//! from its signal handlers, in a process of a kernel that has children to start. No such program makes the host panic,
//! runs past its deadline, or leaves a process, a descriptor or a terminal behind.

mod guest;
mod machine;

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::input::Input;

pub(crate) fn run(bytes: &[u8]) -> Result<(), String> {
    let mut input = Input::new(bytes);
    let interpreted = input.byte().is_multiple_of(2);
    let guest = guest::text(&mut input);
    watch_panics();
    let before = PANICS.load(Ordering::Acquire);
    let left = machine::run(interpreted, guest.as_bytes());
    if PANICS.load(Ordering::Acquire) != before {
        return Err(format!("the host panicked\n{guest}"));
    }
    left.map_err(|why| format!("{why}\n{guest}"))
}

/// Programs that do something.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    (0..8_u8)
        .map(|seed| (0..=255).map(|byte: u8| byte.wrapping_mul(seed | 1).wrapping_add(seed)).collect())
        .collect()
}

/// Panics of threads that run processes; one that is caught at a call counts, too.
static PANICS: AtomicU64 = AtomicU64::new(0);

fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().name().is_some_and(|name| name.starts_with("hob-")) {
                PANICS.fetch_add(1, Ordering::AcqRel);
            }
            usual(panic);
        }));
    });
}
