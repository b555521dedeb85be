//! A place for one value, and the two halves of the right to it.

use super::parts::{forward, kind, state_ref};
use crate::kind::{Answer, Me};
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::Value;

kind! {
    /// Cells: `spawn(&CELL, value)`. The state is the value.
    ///
    /// Without arguments a cell answers the value; with one it keeps that instead.
    pub static CELL: Cell = "hob.cell", |_: &mut Turn, me: Me<'_>, args: &[Value]| match args {
        [] => Ok(Answer::from(me.state().clone())),
        [value] => Ok(me.becomes(value.clone())),
        _ => Err(Problem::bad_args("a cell", "nothing, or one value")),
    }
}

kind! {
    /// The right to read a cell. The state is the cell.
    pub(super) static READER: Reader = "hob.cell.reader", |turn: &mut Turn, me: Me<'_>, args: &[Value]| match args {
        [] => forward(turn, state_ref(me)?, &[]).map(Answer::from),
        _ => Err(Problem::bad_args("who may only read a cell", "nothing")),
    }
}

kind! {
    /// The right to write a cell. The state is the cell.
    pub(super) static WRITER: Writer = "hob.cell.writer", |turn: &mut Turn, me: Me<'_>, args: &[Value]| match args {
        [value] => {
            forward(turn, state_ref(me)?, std::slice::from_ref(value))?;
            Ok(Answer::from(()))
        }
        _ => Err(Problem::bad_args("who may only write a cell", "one value")),
    }
}

/// The right to read a cell, without that to write it.
///
/// ```
/// use hob_vat::{Actormap, library};
///
/// let mut map = Actormap::new();
/// let reader = map.poke(|turn| {
///     let cell = turn.spawn(&library::CELL, 5.into())?;
///     library::reader(turn, cell)
/// })?;
/// assert_eq!(map.peek(|turn| turn.call(reader, &[]))?, 5.into());
/// assert!(map.poke(|turn| turn.call(reader, &[6.into()])).is_err());
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`: objects.
pub fn reader(turn: &mut Turn, cell: Ref) -> Result<Ref, Problem> {
    turn.spawn(&READER, cell.into())
}

/// The right to write a cell, without that to read it. What the cell answers stays unseen.
///
/// # Errors
///
/// `limit`: objects.
pub fn writer(turn: &mut Turn, cell: Ref) -> Result<Ref, Problem> {
    turn.spawn(&WRITER, cell.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::tests::Stage;

    #[test]
    fn each_half_is_only_that() {
        let mut stage = Stage::new();
        stage.make(["cell", "read", "write"], |turn| {
            let cell = turn.spawn(&CELL, 1.into())?;
            Ok([cell, reader(turn, cell)?, writer(turn, cell)?])
        });
        stage.run(
            "cell => 1
             read => 1
             write 2 => undefined
             read => 2
             read 3 => !bad-arguments
             write => !bad-arguments
             write 1 2 => !bad-arguments
             cell 1 2 => !bad-arguments
             read => 2",
        );
    }

    #[test]
    fn a_cell_that_is_promised_is_read_when_it_is_there() {
        let mut stage = Stage::new();
        stage.make(["cell", "resolver", "read", "write"], |turn| {
            let (promise, resolver) = turn.promise()?;
            let cell = turn.spawn(&CELL, 1.into())?;
            Ok([cell, resolver, reader(turn, promise)?, writer(turn, promise)?])
        });
        stage.run(
            "read => @later
             write 7 => undefined
             later ?= ?
             resolver 'fulfill $cell => undefined
             later ?= 1
             cell => 7",
        );
    }
}
