//! The figures of other actor systems, from the program that measures them.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Nanoseconds.
pub(super) struct Figures {
    pub(super) actix_send: f64,
    pub(super) actix_spawn: f64,
    pub(super) ractor_send: f64,
    pub(super) ractor_spawn: f64,
}

pub(super) fn measure(program: &Path, quick: bool) -> Result<Figures, String> {
    let mut command = Command::new(program);
    if quick {
        command.arg("--quick");
    }
    let output = command.output().map_err(|error| format!("{}: {error}", program.display()))?;
    if !output.status.success() {
        return Err(format!("{}: {}", program.display(), String::from_utf8_lossy(&output.stderr)));
    }
    let figures: Value = serde_json::from_slice(&output.stdout).map_err(super::text)?;
    let one = |of: &str, what: &str| {
        let figure = figures.get(of).and_then(|of| of.get(what)).and_then(Value::as_f64);
        figure.ok_or_else(|| format!("{} says nothing of {of} {what}", program.display()))
    };
    Ok(Figures {
        actix_send: one("actix", "send")?,
        actix_spawn: one("actix", "spawn")?,
        ractor_send: one("ractor", "send")?,
        ractor_spawn: one("ractor", "spawn")?,
    })
}
