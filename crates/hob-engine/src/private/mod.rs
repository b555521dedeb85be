//! What belongs to this user alone: directories that nobody else writes, and the key in them.

mod dir;
mod key;

pub use dir::PrivateError;
pub(crate) use dir::{failed, owned, temporary};
pub use key::UserKey;
