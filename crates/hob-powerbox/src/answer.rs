//! What is said of a failure: a rule, what happened to what, and what would be allowed.

use hob_cap::{LimitExceeded, StopReason};
use hob_os::{Errno, OsError};
use hob_vat::Problem;

/// Characters of a path in an error.
const SHOWN_CHARS: usize = 200;

/// Text of an actor, fit to be shown.
pub(crate) fn shown(text: &str) -> String {
    hob_cap::escape_guest_text(text, SHOWN_CHARS)
}

/// Why a path could not be used.
pub(crate) fn failed(path: &str, error: &OsError) -> Problem {
    let at = shown(path);
    let (rule, what) = match error {
        OsError::Stopped(reason) => return stopped(*reason),
        OsError::Limit(limit) => return exceeded(limit),
        OsError::Errno(errno) => match errno {
            Errno::Noent => ("not-found", format!("there is no `{at}` here")),
            Errno::Exist => ("exists", format!("`{at}` is there already")),
            Errno::NotDir => {
                ("not-a-directory", format!("`{at}` is no directory, or leads through what is none"))
            }
            Errno::IsDir => ("is-a-directory", format!("`{at}` is a directory; `open` narrows to it")),
            Errno::NotEmpty => ("not-empty", format!("`{at}` is a directory with something in it")),
            Errno::Busy => ("not-permitted", format!("`{at}` is the root of what was granted")),
            Errno::Perm | Errno::Xdev => (
                "outside",
                format!(
                    "`{at}` leads outside of what was granted, or is neither a file nor a directory; paths are relative and stay below the directory"
                ),
            ),
            Errno::Loop => ("link", format!("`{at}` is a symbolic link that is not followed here")),
            Errno::Acces => {
                ("not-permitted", format!("the host's file system does not let this program use `{at}`"))
            }
            Errno::Rofs | Errno::NotCapable => return read_only(&at),
            Errno::Inval | Errno::Ilseq | Errno::NameTooLong => ("bad-path", format!("`{at}`: {errno}")),
            Errno::Nospc | Errno::Dquot => ("no-room", format!("`{at}`: {errno}")),
            Errno::Mfile | Errno::Nfile => ("limit", format!("`{at}`: {errno}")),
            _ => ("failed", format!("`{at}`: {errno}")),
        },
    };
    Problem::rule(rule, what)
}

/// Something else than a path failed.
pub(crate) fn failed_stream(what: &str, error: &OsError) -> Problem {
    match error {
        OsError::Stopped(reason) => stopped(*reason),
        OsError::Limit(limit) => exceeded(limit),
        OsError::Errno(Errno::NotCapable) => {
            Problem::rule("not-permitted", format!("{what}: it was given without anything to give"))
        }
        OsError::Errno(errno) => Problem::rule("failed", format!("{what}: {errno}")),
    }
}

/// Writing where only reading was granted.
pub(crate) fn read_only(what: &str) -> Problem {
    Problem::rule(
        "not-permitted",
        format!(
            "{what}: this may only be read; a directory that was given with `:rw` and not narrowed to `read-only` may be written"
        ),
    )
}

/// A limit of the machine's side was reached. The flags that its own text names are those of guests.
pub(crate) fn exceeded(limit: &LimitExceeded) -> Problem {
    crate::limits::exceeded(limit.limit.name(), limit.limit.amount(limit.allowed))
}

pub(crate) fn stopped(_: StopReason) -> Problem {
    Problem::rule("revoked", "the right to use this was taken back while it was used".into())
}
