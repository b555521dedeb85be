//! Actors whose memory and globals stay from turn to turn.
//!
//! What they keep is part of their state ([`super::image`]). A live instance is only a copy of it that is ready to run: it is
//! used when its image is the very one that the state has, and otherwise one is made from the image. So there is nothing that
//! a turn that failed, a fork or a look into the past would have to put back.

use std::ops::Range;

use hob_abi::actor::{Answered, problem_of};
use hob_vat::{Answer, KindRef, Me, Problem, Ref, Turn, Value};

use super::image::{self, Image};
use super::nest::{self, Nest};
use super::pool::{Chair, Pool, Waiting, renew};

/// What an image costs a turn in fuel: a unit for so many bytes of memory, whether it had to be unfolded or not, and a unit for so
/// many bytes that were written.
const BYTES_PER_FUEL: u64 = 64;
const WRITTEN_BYTES_PER_FUEL: u64 = 4;

/// Instances that are ready to go on.
const LIVE_MAX: usize = 16;

/// An instance that is what an image says.
pub(super) struct Live<S: Chair> {
    object: Ref,
    image: Image,
    waiting: Waiting<S>,
}

impl<S: Chair> Pool<S> {
    /// Handles one message of an actor that stays.
    pub(super) fn resident_turn(
        &self,
        turn: &mut Turn,
        own: KindRef,
        me: Me<'_>,
        args: &[Value],
    ) -> Result<Answer, Problem> {
        let (state, before) = image::split(me.state());
        let allowed = turn.limits().fuel_per_turn;
        nest::within(self.limits(), |nest| {
            let size = before.as_ref().and_then(Image::size).and_then(|size| u64::try_from(size).ok());
            turn.spend(size.unwrap_or(0) / BYTES_PER_FUEL)?;
            let mut waiting = self.wake(nest, turn, me.itself(), before.as_ref())?;
            waiting.ready.seat().write_turn(turn, me.itself(), state, args)?;
            let fuel = turn.fuel();
            renew(&mut waiting, nest.bounds(fuel)).map_err(|fault| problem_of(&fault, allowed))?;
            let answered = match waiting.ready.turn(turn, own, fuel) {
                Ok(Answered::Fail(reason)) => Err(Problem::refused(reason)),
                other => other,
            };
            let (next, value) = match answered {
                Ok(Answered::Become { state, value }) => (state, value),
                Ok(Answered::Answer(value)) => (state.clone(), value),
                Ok(Answered::Fail(reason)) => return Err(Problem::refused(reason)),
                Err(problem) => {
                    if let Some(before) = before
                        && waiting.ready.instance().reset()
                    {
                        self.lay_down(Live { object: me.itself(), image: before, waiting });
                    }
                    return Err(problem);
                }
            };
            let after = keep(&mut waiting, before.as_ref(), turn)?;
            self.lay_down(Live { object: me.itself(), image: after.clone(), waiting });
            Ok(me.becomes(image::join(next, after)).saying(value))
        })
    }

    /// An instance that is as the image says, marked there; without an image one as it is made.
    fn wake(
        &self,
        nest: &Nest,
        turn: &mut Turn,
        object: Ref,
        image: Option<&Image>,
    ) -> Result<Waiting<S>, Problem> {
        let allowed = turn.limits().fuel_per_turn;
        let told = |fault| problem_of(&fault, allowed);
        if let Some(image) = image {
            let mut live = self.live();
            // Images that are the same value are told apart from others without looking into them.
            if let Some(at) = live.iter().position(|it| it.object == object && it.image == *image) {
                return Ok(live.swap_remove(at).waiting);
            }
        }
        // What it takes to make one was paid in the actor's first turn.
        let mut waiting = self.take(nest, turn.fuel()).map_err(told)?;
        match image {
            None => {
                turn.spend(waiting.beginning)?;
                if !waiting.marked && !waiting.ready.instance().mark() {
                    return Err(lost());
                }
            }
            Some(image) => {
                let (memory, globals) = image.unfold()?;
                let instance = waiting.ready.instance();
                instance.renew(nest.bounds(turn.fuel())).map_err(told)?;
                if !instance.restore(&memory, &globals).map_err(told)? {
                    return Err(Problem::rule("bad-state", "the image is not of this module".into()));
                }
            }
        }
        Ok(waiting)
    }

    fn lay_down(&self, mut live: Live<S>) {
        if !live.waiting.ready.instance().rest() {
            return;
        }
        let mut all = self.live();
        // Of two of one actor the newer is more likely to be asked for.
        all.retain(|it| it.object != live.object);
        if all.len() >= LIVE_MAX {
            all.remove(0);
        }
        all.push(live);
    }
}

/// The image of what an instance is after a turn, which is what it is put back to from now on.
fn keep<S: Chair>(
    waiting: &mut Waiting<S>,
    before: Option<&Image>,
    turn: &mut Turn,
) -> Result<Image, Problem> {
    let instance = waiting.ready.instance();
    let near = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let dirty: Vec<Range<usize>> = match instance.dirty() {
        Some(dirty) => dirty.map(|(at, length)| near(at)..near(at.saturating_add(length))).collect(),
        None => return Err(lost()),
    };
    let written: usize = dirty.iter().map(|range| range.end.saturating_sub(range.start)).sum();
    turn.spend(u64::try_from(written).unwrap_or(u64::MAX) / WRITTEN_BYTES_PER_FUEL)?;
    if !instance.mark() || !instance.is_portable() {
        return Err(lost());
    }
    let globals = instance.globals().ok_or_else(lost)?;
    let mut memory = instance.view().ok_or_else(lost)?;
    let size = memory.size();
    let bytes = memory.bytes(0, u32::try_from(size).map_err(|_| lost())?).map_err(|_| lost())?;
    Ok(Image::of(bytes, &globals, before, &dirty))
}

#[cold]
fn lost() -> Problem {
    let what = "the module changed what cannot be kept: tables, or segments that it dropped";
    Problem::rule("not-kept", what.into())
}
