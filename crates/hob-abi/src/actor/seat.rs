//! Where a guest sits while it handles a message: the turn, the handles, and the last answer of the host.

use hob_syrup::Writer;
use hob_vat::{KindRef, Problem, Ref, Turn, Value, write_value};

use super::handles::Handles;
use super::host::pay_turn;
use super::problem::contract;
use super::wire;

/// Bytes that a seat keeps room for between turns.
const BUFFER_BYTES_KEPT: usize = 64 << 10;

/// What the host functions of one guest work on.
///
/// Outside of a turn it is empty, and every host function refuses: what a guest does while it is made concerns nobody.
#[derive(Debug)]
pub struct Seat {
    pub(super) handles: Handles,
    /// What `take` copies out.
    pub(super) reply: Vec<u8>,
    /// The message, as long as it is written.
    pub(super) message: Vec<u8>,
    sitting: Option<(Turn, KindRef)>,
}

/// Data of an instance that has a seat.
pub trait HasSeat: 'static {
    /// The seat of this guest.
    fn seat(&mut self) -> &mut Seat;
}

impl HasSeat for Seat {
    fn seat(&mut self) -> &mut Seat {
        self
    }
}

impl Seat {
    /// An empty seat, for at most so many handles in one turn.
    #[must_use]
    pub fn new(handles_max: u32) -> Self {
        Self { handles: Handles::new(handles_max), reply: Vec::new(), message: Vec::new(), sitting: None }
    }

    /// Writes the message that the guest will be given, with handles for this turn, and lets the turn pay for it.
    ///
    /// # Errors
    ///
    /// `limit`: handles, fuel-per-turn.
    pub fn write_turn(
        &mut self,
        turn: &mut Turn,
        itself: Ref,
        state: &Value,
        args: &[Value],
    ) -> Result<(), Problem> {
        self.handles.begin(turn.stamp());
        self.reply.clear();
        wire::write_turn(&mut self.message, &mut self.handles, itself, state, args)?;
        pay_turn(turn, self.message.len())
    }

    /// Writes what a guest is given that shall upgrade a state.
    ///
    /// # Errors
    ///
    /// `limit`: handles.
    pub fn write_upgrade(&mut self, from: u32, state: &Value) -> Result<(), Problem> {
        self.handles.begin(1);
        self.reply.clear();
        wire::write_upgrade(&mut self.message, &mut self.handles, from, state)
    }

    /// Forgets what handles stand for, and gives up room that few messages need.
    pub(super) fn clear(&mut self) {
        self.handles.begin(1);
        for buffer in [&mut self.message, &mut self.reply] {
            buffer.clear();
            buffer.shrink_to(BUFFER_BYTES_KEPT);
        }
    }

    /// A turn begins: `kind` is what the guest can make more of.
    pub(super) fn sit(&mut self, turn: Turn, kind: KindRef) {
        self.sitting = Some((turn, kind));
    }

    /// The turn is over for this guest: gives it back, and ends every handle.
    pub(super) fn rise(&mut self) -> Option<Turn> {
        let (turn, _) = self.sitting.take()?;
        self.clear();
        Some(turn)
    }

    /// The turn, the kind of the actor, and the handles.
    pub(super) fn parts(&mut self) -> Result<(&mut Turn, &KindRef, &mut Handles), Problem> {
        match &mut self.sitting {
            Some((turn, kind)) => Ok((turn, kind, &mut self.handles)),
            None => Err(contract("a function of `hob_actor` was called outside of a turn")),
        }
    }

    /// Keeps a value for `take`. Returns how many bytes it has.
    pub(super) fn reply(&mut self, value: &Value) -> Result<i64, Problem> {
        self.reply.clear();
        let mut w = Writer::new(&mut self.reply);
        let written = write_value(value, &mut self.handles, &mut w)
            .and_then(|()| w.finish().map_err(|error| Problem::rule("not-encodable", error.to_string())));
        match written {
            Ok(()) => Ok(i64::try_from(self.reply.len()).unwrap_or(i64::MAX)),
            Err(problem) => {
                self.reply.clear();
                Err(problem)
            }
        }
    }

    /// Keeps a reason for `take`. Returns how many bytes it has, negated.
    pub(super) fn refuse(&mut self, problem: &Problem) -> i64 {
        // A reason for which there is no handle left is told by the rule that says so, which needs none.
        let length = self.reply(&problem.reason()).or_else(|problem| self.reply(&problem.reason()));
        -length.unwrap_or(1)
    }
}
