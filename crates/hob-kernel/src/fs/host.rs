//! A granted directory of the host.
