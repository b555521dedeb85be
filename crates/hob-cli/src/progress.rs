//! Says what takes long: one line on standard error after a second, and only to a person.

use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// How long something may take before it is worth a line.
const QUIET: Duration = Duration::from_secs(1);

/// Does `work`, and says `what` if it takes long.
pub(crate) fn during<R>(what: &str, work: impl FnOnce() -> R) -> R {
    if !std::io::stderr().is_terminal() {
        return work();
    }
    std::thread::scope(|scope| {
        let (done, wait) = channel::<()>();
        scope.spawn(move || {
            if wait.recv_timeout(QUIET) == Err(RecvTimeoutError::Timeout) {
                eprintln!("hob: {what} …");
            }
        });
        let result = work();
        drop(done);
        result
    })
}
