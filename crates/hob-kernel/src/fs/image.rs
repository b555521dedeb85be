//! A read-only tree inside an archive.
