//! Processes as files.
