//! Records: what a store keeps of a vat. One record is what one commit did: what came in, what changed, what goes out.
//!
//! A record is the whole of it: either all of it happened or none. What goes out is in it, so that it can be sent again after an end
//! of the process; what came in is in it, so that it is not handled twice and can be handled again to see whether the same comes
//! of it.
//!
//! Records are Syrup, so that they can be read without this program.

mod check;
mod read;
mod state;
mod take;
mod write;

use arcstr::ArcStr;

use crate::limits::cost;
use crate::message::Message;
use crate::problem::Problem;
use crate::reference::{Ref, VatId};
use crate::value::Value;

pub(crate) use state::State;

/// The version of the layout of records and snapshots.
const LAYOUT: u64 = 1;

/// What one commit did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TurnRecord {
    /// Turns of the vat until then.
    pub turns: u64,
    /// Births of the vat before the first of these turns: more than after the last record when the program ran a turn that failed.
    pub start: u64,
    /// Births of the vat until then.
    pub births: u64,
    /// Stamps before the first of these turns ([`Turn::stamp`](crate::Turn::stamp)).
    pub stamps_start: u64,
    /// Stamps until then.
    pub stamps: u64,
    /// Whether the program itself ran a turn, which no message tells of.
    pub outside: bool,
    /// What came from other vats, sessions and the program.
    pub inputs: Vec<Input>,
    /// Places that changed or are new, in ascending order.
    pub changes: Vec<Change>,
    /// Places of which a full collection found that nobody reaches them, in the order in which they became free.
    pub collected: Vec<u32>,
    /// How the list of free places changed.
    pub free: Free,
    /// How the queue of messages that wait for a turn changed.
    pub queue: QueueChange,
    /// What goes to other vats.
    pub outbox: Vec<Sent>,
    /// Turns that failed.
    pub failures: Vec<Failure>,
}

/// A message that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// From which vat.
    pub from: VatId,
    /// Its number among the messages of that vat to this one; 0 when it was not numbered.
    pub seq: u64,
    /// The message.
    pub message: Message,
}

/// A message that goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// To which vat.
    pub to: VatId,
    /// Its number among the messages to that vat.
    pub seq: u64,
    /// The message.
    pub message: Message,
}

/// A place after a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which place.
    pub index: u32,
    /// Whose.
    pub birth: u64,
    /// Who outside may refer to it: 8 to what it is, 16 to its resolver; the sum of those that apply.
    pub outside: u8,
    /// What is there.
    pub content: Stored,
}

/// How the queue changed: so many left at its front, and these came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueChange {
    /// How many of those that waited wait no more.
    pub taken: u64,
    /// What waits in front of the others now.
    pub front: Vec<Message>,
    /// What waits behind them.
    pub back: Vec<Message>,
}

/// How many places there are, and how the list of free ones changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Free {
    /// How many places there are, free ones too.
    pub places: u32,
    /// How many of the list were left alone.
    pub kept: u64,
    /// What follows them now; the last is taken first.
    pub tail: Vec<u32>,
}

/// A turn that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The number of the turn.
    pub turn: u64,
    /// Who was to handle the message.
    pub to: Ref,
    /// Why.
    pub reason: Value,
}

impl Failure {
    /// What it takes in a record, at most.
    pub(crate) fn cost(&self) -> u64 {
        cost::MESSAGE + cost::of_weight(self.reason.weight())
    }
}

/// What is at a place, as stores have it: kinds by name.
#[derive(Clone, Debug)]
pub enum Stored {
    /// An actor.
    Object {
        /// The name of its kind.
        kind: ArcStr,
        /// The version of its state.
        version: u32,
        /// Its state.
        state: Value,
    },
    /// A promise that is not settled.
    Promise(Pending),
    /// A promise that stands for an object.
    Link(Ref),
    /// A promise that stands for a value.
    Encased(Value),
    /// A promise that was broken.
    Broken(Value),
}

/// What waits for a promise.
#[derive(Clone, Debug)]
pub struct Pending(pub(crate) crate::message::Pending);

impl PartialEq for Stored {
    fn eq(&self, other: &Self) -> bool {
        // What is kept is what is written: two are the same if their bytes are.
        match (write::stored(self), write::stored(other)) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Stored {}

/// All of a vat at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Turns of the vat.
    pub turns: u64,
    /// Births of the vat.
    pub births: u64,
    /// Stamps of the vat.
    pub stamps: u64,
    /// How many places there are, free ones too.
    pub places: u32,
    /// The number of the last message from each vat.
    pub cursors: Vec<(VatId, u64)>,
    /// The number of the last message to each vat.
    pub sent: Vec<(VatId, u64)>,
    /// Messages of which it is not known whether they arrived.
    pub unacknowledged: Vec<Sent>,
    /// Places that are taken.
    pub contents: Vec<Change>,
    /// Places that are free; the last is taken first.
    pub free: Vec<u32>,
    /// What waits for a turn.
    pub queue: Vec<Message>,
}

impl TurnRecord {
    /// As bytes.
    ///
    /// # Errors
    ///
    /// A value that is too deep.
    pub fn encode(&self) -> Result<Vec<u8>, Problem> {
        write::record(self)
    }

    /// From bytes.
    ///
    /// # Errors
    ///
    /// `not-syrup`, `not-a-record`: what is wrong, and where.
    pub fn decode(bytes: &[u8]) -> Result<Self, Problem> {
        let record = read::record(bytes)?;
        record.check().map(|()| record)
    }
}

impl Snapshot {
    /// As bytes.
    ///
    /// # Errors
    ///
    /// A value that is too deep.
    pub fn encode(&self) -> Result<Vec<u8>, Problem> {
        write::snapshot(self)
    }

    /// From bytes.
    ///
    /// # Errors
    ///
    /// `not-syrup`, `not-a-record`: what is wrong, and where.
    pub fn decode(bytes: &[u8]) -> Result<Self, Problem> {
        let snapshot = read::snapshot(bytes)?;
        snapshot.check().map(|()| snapshot)
    }
}
