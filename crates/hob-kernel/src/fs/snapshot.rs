//! A tree as bytes, and back.
