//! Machines that survive, over random machines and random inputs: restored they go on as if nothing had been, replayed they do
//! the same again, and a process that ends anywhere loses nothing and does nothing twice.
#![allow(missing_docs, reason = "tests")]

mod crash;
mod properties;
mod random;
