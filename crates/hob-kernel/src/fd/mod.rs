//! Descriptors: small numbers for open file descriptions.

mod description;
pub mod lock;
pub mod stream;
mod table;

pub use description::{Description, Flags, Object, Room, file_type};
pub use stream::{Caller, Ready, Stream};
pub use table::{Descriptor, Descriptors};
