//! Syrup, the concrete syntax of OCapN: bytes to values and back.
//!
//! A [`Reader`] pulls tokens out of bytes without copying them, or reads field by field what a protocol says comes next. A
//! [`Writer`] emits the one canonical form of a value: what it writes is balanced, and keys are sorted and unique, whatever
//! it is told. A [`Framer`] cuts a stream of bytes into messages. A [`Datum`] is a value as a tree, for tests and tools.
//!
//! Stops: messages that claim more than is there, nest without end, hold integers of a million digits or one key twice; a
//! second spelling of a value that was signed; and text of a peer that reaches a terminal as it came.
//!
//! It must not know what a reference means, who sent the bytes, or what becomes of a value.
//!
//! ```
//! use hob_syrup::{Limits, Mode, Reader, encode};
//!
//! let bytes = encode(|w| {
//!     w.record("op:deliver", |w| {
//!         w.record("desc:export", |w| w.int(0));
//!         w.list(|w| {
//!             w.symbol("greet");
//!             w.str("Ada");
//!         });
//!         w.bool(false);
//!         w.bool(false);
//!     });
//! })?;
//! assert_eq!(bytes, b"<10'op:deliver<11'desc:export0+>[5'greet3\"Ada]ff>");
//!
//! let mut r = Reader::new(&bytes, Mode::Liberal, Limits::default());
//! r.expect_record("op:deliver")?;
//! r.expect_record("desc:export")?;
//! assert_eq!(r.u64()?, 0);
//! r.end()?;
//! r.list()?;
//! assert_eq!((r.symbol()?, r.str()?), ("greet", "Ada"));
//! r.end()?;
//! assert_eq!(r.optional(|r| r.u64())?, None);
//! r.skip_value()?;
//! r.end()?;
//! r.finish()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is read
//!
//! | value | bytes | canonical mode refuses |
//! |---|---|---|
//! | true, false | `t`, `f` | |
//! | integer | digits, then `+` or `-` | |
//! | float | `D`, then 8 bytes | a NaN that is not `7ff8000000000000`; `F` and 4 bytes |
//! | byte array | length `:` bytes | |
//! | string, symbol | length `"` or `'` UTF-8 | |
//! | list | `[` values `]` | |
//! | struct | `{` keys and values `}` | keys that do not ascend |
//! | record | `<` label, values `>` | |
//! | set | `#` values `$` | sets |
//!
//! Numbers with leading zeros, `0-`, text that is not UTF-8 and a key that comes twice are refused in either mode. A key of
//! a struct and the label of a record is a boolean, an integer, a byte array, a string or a symbol: nobody sends others, and
//! whether two of those are the same shows in their bytes. Elements of a set are not compared.

mod datum;
mod error;
mod escape;
mod framing;
mod grammar;
mod key;
mod limits;
mod notation;
mod reader;
mod token;
mod writer;

pub use datum::{Atom, Datum, Float};
pub use error::{Error, ErrorKind, WriteError};
pub use framing::{Framer, Framing};
pub use key::Key;
pub use limits::{DEPTH_MAX, Limits, Mode};
pub use notation::notation;
pub use reader::{Mark, Raw, Reader};
pub use token::{IntToken, Kind, Token};
pub use writer::{Entries, Writer, encode};
