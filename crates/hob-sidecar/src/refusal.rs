//! Why a request is rejected: a code for programs, a sentence for people.

use hob::{Errno, Error, ErrorKind};

use crate::protocol::{Rejected, Response};

/// A request that is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    code: &'static str,
    message: String,
}

macro_rules! codes {
    ($($name:ident: $doc:literal,)*) => {
        impl Refusal {
            $(
                #[doc = $doc]
                pub(crate) fn $name(message: impl Into<String>) -> Self {
                    Self { code: stringify!($name), message: message.into() }
                }
            )*
        }
    };
}

codes! {
    bridge_version_mismatch: "The client is made for another version.",
    command_not_found: "There is no such command.",
    execution_error: "A command could not be started.",
    frame_too_large: "The answer does not fit into a frame.",
    invalid_argument: "A field says what it cannot.",
    invalid_state: "What is asked does not go with what was asked before.",
    kernel_error: "A file or process is not as it would have to be; the message begins with the name of the error.",
    limit_exceeded: "There is no room for it.",
    malformed_request: "The payload is no value of its type.",
    not_granted: "The flags of this program do not allow it.",
    permission_denied: "The permissions that the client chose do not allow it.",
    protocol_version_mismatch: "Another protocol, or another version of it.",
    unauthorized: "The token is another one.",
    unsupported: "It is part of the protocol and not offered here.",
    unsupported_direction: "Only a sidecar may ask this.",
}

impl Refusal {
    /// The answer.
    pub(crate) fn response(self) -> Response {
        Response::Rejected(Rejected { code: self.code.into(), message: self.message })
    }

    /// What a file operation says.
    pub(crate) fn of_file(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Shell { errno, .. } => Self::kernel_error(format!("{}: {error}", errno_name(*errno))),
            ErrorKind::Fault(_) => Self::limit_exceeded(error.to_string()),
            ErrorKind::Grant(_) => Self::not_granted(error.to_string()),
            _ => Self::kernel_error(error.to_string()),
        }
    }

    /// What starting a command says.
    pub(crate) fn of_start(command: &str, error: &Error) -> Self {
        let command = hob::escape_guest_text(command, 200);
        match error.kind() {
            ErrorKind::Shell { errno: Errno::Noent, .. } => Self::command_not_found(format!(
                "ENOENT: command not found: {command}; `--bin` adds commands"
            )),
            ErrorKind::Shell { errno: Errno::Acces | Errno::Perm, .. } => {
                Self::permission_denied(format!("EACCES: {command} may not be started"))
            }
            ErrorKind::Fault(_) | ErrorKind::Shell { errno: Errno::Again, .. } => {
                Self::limit_exceeded(format!("no room for {command}: {error}"))
            }
            _ => Self::execution_error(format!("{command}: {error}")),
        }
    }
}

/// The name that POSIX has for an error.
fn errno_name(errno: Errno) -> String {
    format!("E{}", format!("{errno:?}").to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_named_as_posix_names_them() {
        let check = |errno, name| assert_eq!(errno_name(errno), name);
        check(Errno::Noent, "ENOENT");
        check(Errno::NotEmpty, "ENOTEMPTY");
        check(Errno::IsDir, "EISDIR");
        check(Errno::Rofs, "EROFS");
    }
}
