//! A writable tree over read-only ones.
