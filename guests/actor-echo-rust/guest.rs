//! Answers what it was given, through the reader and the writer of the SDK and Rust's standard library.

use hob_actor::{Next, Outcome, Turn, actor};

fn turn(turn: Turn) -> Outcome {
    Ok(Next::Answer(turn.args.into()))
}

actor!(turn);
