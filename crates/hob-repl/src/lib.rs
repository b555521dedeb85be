//! A language of lines for people who talk to actors, and an actor that speaks it.
//!
//! A line says what shall be done: `counter = spawn counter 0`, `counter add 2`, `[lent end] = caretaker counter`. Each is a turn: it
//! happens as a whole or, if it fails, not at all. Who speaks it is an actor like any other, made with two references and
//! nothing else: a *console*, which reads lines and writes text, and *powers*, which load modules and open vats. Both are behind
//! a session, as another machine would be, so the actor that reads a person's lines has what it was handed and no more.
//!
//! ```text
//! person ◀──▶ Console (host) ◀── session ──▶ the speaker: read ─▶ parse ─▶ words ─▶ turn
//!             Powers  (host) ◀──┘
//! ```
//!
//! What this crate must not know: terminals, files, WebAssembly. It knows `hob-vat` alone.

mod host;
mod read;
mod said;
mod speaker;
mod syntax;
mod words;

pub use host::{Console, End, Powers, kinds, peer, speak};
pub use read::values;
pub use words::{Word, words};
