//! A place for one value.

use crate::kind::{Answer, Kind, Me};
use crate::problem::Problem;
use crate::turn::Turn;
use crate::value::Value;

/// The kind of cells. The state is the value.
///
/// Without arguments it answers the value; with one it keeps that instead.
#[derive(Debug)]
pub struct Cell;

/// Cells: `spawn(&CELL, value)`.
pub static CELL: Cell = Cell;

impl Kind for Cell {
    fn name(&self) -> &str {
        "hob.cell"
    }

    fn call(&self, _: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        match args {
            [] => Ok(me.state().clone().into()),
            [value] => Ok(me.becomes(value.clone())),
            _ => Err(Problem::bad_args("a cell", "nothing, or one value")),
        }
    }
}
