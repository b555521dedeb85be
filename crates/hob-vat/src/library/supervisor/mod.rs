//! Children that are made again when they fail, behind references that stay the same.
//!
//! A turn that fails leaves its actor as it was, so an actor does not break by failing once. A child has failed when its *life*
//! does: a promise that its maker gives with it, and that breaks when what the child stands for is over (a session that was lost, a
//! task that cannot go on). A child that is *watched* has failed when a message to it fails, too; that is for children whose callers are
//! trusted not to fail them on purpose.
//!
//! A maker is a near actor that is called without arguments and answers the child, or `[child life]`. A maker that fails is a failure of
//! its child. After more failures in a time than are allowed the supervisor gives up: its references lead to `gave-up`, and its own life
//! breaks, which a supervisor above it may act upon. Children that are replaced though they did not fail are sent `['stop]` first.

mod known;
#[cfg(test)]
mod tests;

use super::cell::CELL;
use super::parts::{bad_state, item, kind, method, part, part_ref, state_ref};
use super::swap::swappable;
use crate::kind::{Answer, Me};
use crate::on::On;
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::Value;
use known::{CURRENT, GENERATION, Known, REFERENCE};

/// Who is made again when one child fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// The child that failed.
    OneForOne,
    /// All.
    OneForAll,
    /// The child that failed and those that were added after it.
    RestForOne,
}

/// When a supervisor gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Failures that are made good within the time.
    pub failures: u32,
    /// The time, in units of the clock.
    pub units: u32,
}

kind! {
    /// A supervisor. The state is the core.
    pub(super) static SUPERVISOR: Supervisor = "hob.supervisor", front
}

kind! {
    /// What supervisor, watches and reporters share: the code. The state is a cell with what is known of the children.
    ///
    /// It is a cell so that a maker that calls the supervisor finds what is so, and that it is busy.
    pub(super) static CORE: Core = "hob.supervisor.core", core
}

kind! {
    /// Tells the core that a child failed or ended. The state is `[core index generation]`; it listens to a life.
    pub(super) static WATCH: Watch = "hob.supervisor.watch", |turn: &mut Turn, me: Me<'_>, args: &[Value]| {
        let news = match method(args) {
            (Some("break"), [_]) => "failed",
            (Some("fulfill"), [_]) => "ended",
            _ => return Err(Problem::no_method(args, &["fulfill", "break"])),
        };
        turn.send_only(part_ref(me, 0)?, [Value::symbol(news), part(me, 1)?.clone(), part(me, 2)?.clone()])?;
        Ok(Answer::from(()))
    }
}

kind! {
    /// Stands for a watched child. The state is `[proxy core index]`.
    pub(super) static WATCHED: Watched = "hob.supervisor.watched", |turn: &mut Turn, me: Me<'_>, args: &[Value]| {
        let core = part_ref(me, 1)?;
        let index = part(me, 2)?;
        let generation = turn.call(core, &[Value::symbol("generation"), index.clone()])?;
        let reporter = turn.spawn(&REPORTER, Value::list([core.into(), index.clone(), generation]))?;
        let answer = turn.send(part_ref(me, 0)?, args)?;
        turn.on_only(answer, On::default().or_broken(reporter))?;
        Ok(Answer::from(answer))
    }
}

kind! {
    /// Told of a message that failed. The state is `[core index generation]`.
    pub(super) static REPORTER: Reporter = "hob.supervisor.reporter", |turn: &mut Turn, me: Me<'_>, _: &[Value]| {
        turn.send_only(part_ref(me, 0)?, [Value::symbol("failed"), part(me, 1)?.clone(), part(me, 2)?.clone()])?;
        Ok(Answer::from(()))
    }
}

fn front(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    match method(args) {
        (Some("add" | "watch"), [Value::Ref(_)]) | (Some("children" | "failures" | "life"), []) => {
            turn.call(state_ref(me)?, args).map(Answer::from)
        }
        (Some("add" | "watch"), _) => Err(Problem::bad_args("a child", "one maker")),
        _ => Err(Problem::no_method(args, &["add", "watch", "children", "failures", "life"])),
    }
}

fn core(turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
    let mut core = Known::read(turn, me)?;
    let child = |core: &Known, index: &Value, generation: &Value| -> Option<usize> {
        let index = usize::try_from(index.as_i64()?).ok()?;
        let child = core.children.get(index)?;
        (item(child, GENERATION).ok()? == generation && core.is_wanted(index)).then_some(index)
    };
    match method(args) {
        (Some("children"), []) => {
            let all: Result<Vec<Value>, Problem> =
                core.children.iter().map(|child| item(child, REFERENCE).cloned()).collect();
            Ok(Value::list(all?).into())
        }
        (Some("failures"), []) => Ok(core.int("failures")?.into()),
        (Some("life"), []) => Ok(item(core.field("life")?, 0)?.clone().into()),
        (Some("generation"), [index]) => {
            let child = index.as_i64().and_then(|at| core.children.get(usize::try_from(at).ok()?));
            Ok(item(child.ok_or_else(bad_state)?, GENERATION)?.clone().into())
        }
        (Some("add" | "watch"), [maker]) => {
            core.check_idle()?;
            let index = u64::try_from(core.children.len()).unwrap_or(u64::MAX);
            let (proxy, swap) = swappable(turn, None)?;
            let is_watched = method(args).0 == Some("watch");
            let reference = if is_watched {
                turn.spawn(&WATCHED, Value::list([proxy.into(), me.itself().into(), index.into()]))?
            } else {
                proxy
            };
            core.children.push(Value::list([
                maker.clone(),
                reference.into(),
                swap.into(),
                Value::Undefined,
                0.into(),
            ]));
            core.start(turn, core.children.len() - 1)?;
            core.write(turn, false)?;
            Ok(reference.into())
        }
        (Some("failed"), [index, generation]) => {
            if let Some(index) = child(&core, index, generation) {
                core.failed(turn, index)?;
                core.write(turn, false)?;
            }
            Ok(().into())
        }
        (Some("ended"), [index, generation]) => {
            if let Some(index) = child(&core, index, generation) {
                core.set(index, CURRENT, Value::Null);
                core.write(turn, false)?;
            }
            Ok(().into())
        }
        _ => Err(bad_state()),
    }
}

/// A supervisor without children.
///
/// | method | answers |
/// |---|---|
/// | `add maker` | a reference that stays with the child |
/// | `watch maker` | the same; messages to it that fail are failures of the child |
/// | `children` | all references, in the order in which they were added |
/// | `failures` | how many there were |
/// | `life` | a promise that breaks when it gives up |
///
/// ```
/// use hob_vat::{Actormap, Value, kind_fn, library};
/// use hob_vat::library::{Patience, Restart};
///
/// let mut map = Actormap::new();
/// let say = Value::symbol;
/// // Makes counters, whose life is a promise that the maker keeps the resolver of.
/// let maker = kind_fn("maker", |turn, me, _| {
///     let (life, resolver) = turn.promise()?;
///     let child = library::counter(turn, 0)?;
///     Ok(me.becomes(resolver.into()).saying(Value::list([child.into(), life.into()])))
/// });
/// let (supervisor, child) = map.poke(|turn| {
///     let (clock, _driver) = library::clock(turn, 0)?;
///     let patience = Patience { failures: 3, units: 60_000 };
///     let supervisor = library::supervisor(turn, clock, Restart::OneForOne, patience)?;
///     let maker = turn.spawn(maker, ().into())?;
///     Ok((supervisor, turn.call(supervisor, &[say("add"), maker.into()])?))
/// })?;
/// let child = child.as_ref().ok_or(hob_vat::Problem::refused("no child"))?;
/// assert_eq!(map.poke(|turn| turn.call(child, &[say("add")]))?, 1.into());
/// # Ok::<(), hob_vat::Problem>(())
/// ```
///
/// # Errors
///
/// `limit`: objects.
pub fn supervisor(turn: &mut Turn, clock: Ref, restart: Restart, patience: Patience) -> Result<Ref, Problem> {
    let (life, resolver) = turn.promise()?;
    let restart = match restart {
        Restart::OneForOne => "one-for-one",
        Restart::OneForAll => "one-for-all",
        Restart::RestForOne => "rest-for-one",
    };
    let known = Value::fields([
        ("busy", false.into()),
        ("children", Value::list([])),
        ("clock", Value::list([clock.into()])),
        ("failures", 0.into()),
        ("life", Value::list([life.into(), resolver.into()])),
        ("over", false.into()),
        ("patience", patience.failures.into()),
        ("recent", Value::list([])),
        ("restart", Value::symbol(restart)),
        ("units", patience.units.into()),
    ]);
    let cell = turn.spawn(&CELL, known)?;
    let core = turn.spawn(&CORE, cell.into())?;
    turn.spawn(&SUPERVISOR, core.into())
}
