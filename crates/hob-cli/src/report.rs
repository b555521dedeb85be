//! How a failure is said: one line on standard error, and an exit code.

use std::fmt::Display;

/// A failure of the host: its message and its exit code.
pub(crate) struct Failure {
    message: String,
    code: u8,
}

pub(crate) type Done = Result<u8, Failure>;

/// Exit code of wrong usage.
pub(crate) const USAGE: u8 = 2;

/// Exit code of a host that could not do its own work, such as writing its output.
pub(crate) const HOST: u8 = 126;

impl Failure {
    pub(crate) fn new(code: u8, message: impl Display) -> Self {
        Self { message: message.to_string(), code }
    }

    /// The message.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Prints the message and gives the exit code.
    pub(crate) fn print(self) -> u8 {
        eprintln!("hob: {}", self.message);
        self.code
    }
}

impl From<hob::Error> for Failure {
    fn from(error: hob::Error) -> Self {
        Self::new(error.exit_code(), &error)
    }
}

/// Prints lines to standard output; a reader that went away ends the program quietly.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    write_bytes(text.as_bytes())
}

/// Writes bytes to standard output, as [`print`].
pub(crate) fn write_bytes(bytes: &[u8]) -> Result<(), Failure> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(HOST, format!("failed to write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// A value as one line of JSON.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let line = serde_json::to_string(value);
    let line = line.map_err(|error| Failure::new(HOST, format!("failed to write JSON: {error}")))?;
    print(&format!("{line}\n"))
}
