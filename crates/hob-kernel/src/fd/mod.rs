//! Descriptors: small numbers for open file descriptions.

pub mod stream;

pub use stream::{Caller, Ready, Stream};
