//! Streams of records that survive: what was appended and committed is there after the process has ended, whatever ended it.
//!
//! A stream is a name and records, numbered from 0 without gaps. Who wants to write claims it; whoever claimed it before can
//! write no more. An append says how many records it expects: of two that write at the same place one is refused. A
//! snapshot stands for the records before it, which are forgotten then. Several streams can be written in one [`Batch`],
//! which is durable as a whole or not at all: one wait for the disk serves all of them.
//!
//! Stops: two processes that write one stream, a record that is lost between others, and a half-written append.
//!
//! ```
//! use hob_store::Store;
//!
//! let store = Store::in_memory()?;
//! let fence = store.claim("orders/17")?;
//! store.append(&fence, 0, &[b"paid".as_slice(), b"sent"])?;
//! assert_eq!(store.read("orders/17", 1, 10)?, [b"sent".to_vec()]);
//! let other = store.claim("orders/17")?;
//! assert!(store.append(&fence, 2, &[b"lost".as_slice()]).is_err());
//! store.append(&other, 2, &[b"kept".as_slice()])?;
//! # Ok::<(), hob_store::Error>(())
//! ```

mod batch;
mod error;
mod machine;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod turns;

pub use batch::Batch;
pub use error::Error;
pub use machine::{Journal, JournalError};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
pub use store::{Fence, NAME_MAX, RECORD_MAX, RECORDS_MAX, Store, Stream};
