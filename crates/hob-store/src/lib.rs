//! Streams of records.
