//! What a supervisor knows of its children, and what it does when one fails.

use super::super::clock::now;
use super::super::parts::{bad_state, item, item_int, item_ref, state_ref};
use super::WATCH;
use crate::kind::Me;
use crate::problem::Problem;
use crate::reference::Ref;
use crate::turn::Turn;
use crate::value::{Struct, Value};

/// What is known of one child: `[maker reference swap current generation]`. The current one is undefined after it failed or was stopped, and
/// null after it ended by itself.
pub(super) const MAKER: usize = 0;
pub(super) const REFERENCE: usize = 1;
pub(super) const SWAP: usize = 2;
pub(super) const CURRENT: usize = 3;
pub(super) const GENERATION: usize = 4;

/// What the cell holds, while it is worked with.
pub(super) struct Known {
    core: Ref,
    cell: Ref,
    pub(super) fields: Struct,
    pub(super) children: Vec<Value>,
}

impl Known {
    pub(super) fn read(turn: &mut Turn, me: Me<'_>) -> Result<Self, Problem> {
        let cell = state_ref(me)?;
        let known = turn.call(cell, &[])?;
        let fields = known.as_struct().ok_or_else(bad_state)?.clone();
        let children = fields.get("children").and_then(Value::as_list).ok_or_else(bad_state)?.to_vec();
        Ok(Self { core: me.itself(), cell, fields, children })
    }

    pub(super) fn write(&self, turn: &mut Turn, busy: bool) -> Result<(), Problem> {
        let fields =
            self.fields.with("children", Value::list(self.children.clone())).with("busy", busy.into());
        turn.call(self.cell, &[fields.into()]).map(|_| ())
    }

    pub(super) fn field(&self, name: &str) -> Result<&Value, Problem> {
        self.fields.get(name).ok_or_else(bad_state)
    }

    pub(super) fn int(&self, name: &str) -> Result<i64, Problem> {
        self.field(name)?.as_i64().ok_or_else(bad_state)
    }

    pub(super) fn check_idle(&self) -> Result<(), Problem> {
        if *self.field("busy")? == true.into() {
            return Err(Problem::rule("busy", "a child is being made".into()));
        }
        if *self.field("over")? == true.into() { Err(gave_up()) } else { Ok(()) }
    }

    pub(super) fn set(&mut self, index: usize, part: usize, value: Value) {
        if let Some(child) = self.children.get_mut(index) {
            let mut parts = child.as_list().unwrap_or_default().to_vec();
            if let Some(slot) = parts.get_mut(part) {
                *slot = value;
            }
            *child = Value::list(parts);
        }
    }

    fn child(&self, index: usize) -> Result<&Value, Problem> {
        self.children.get(index).ok_or_else(bad_state)
    }

    /// Makes a child, and lets its reference lead to it.
    pub(super) fn start(&mut self, turn: &mut Turn, index: usize) -> Result<(), Problem> {
        self.write(turn, true)?;
        let child = self.child(index)?.clone();
        let made = turn.call(item_ref(&child, MAKER)?, &[])?;
        let (current, life) = match made.as_list() {
            Some([Value::Ref(current), Value::Ref(life)]) => (*current, Some(*life)),
            None if made.as_ref().is_some() => (made.as_ref().ok_or_else(bad_state)?, None),
            _ => {
                return Err(Problem::rule(
                    "not-a-child",
                    "a maker answers a child, or a child and its life".into(),
                ));
            }
        };
        let generation = item_int(&child, GENERATION)? + 1;
        if let Some(life) = life {
            let at = u64::try_from(index).unwrap_or(u64::MAX);
            let watch = turn.spawn(&WATCH, Value::list([self.core.into(), at.into(), generation.into()]))?;
            turn.listen(life, watch, false)?;
        }
        turn.call(item_ref(&child, SWAP)?, &[current.into()])?;
        self.set(index, CURRENT, current.into());
        self.set(index, GENERATION, generation.into());
        Ok(())
    }

    /// Stops a child that may still be there. What becomes of it is no news any more.
    fn stop(&mut self, turn: &mut Turn, index: usize) -> Result<(), Problem> {
        let child = self.child(index)?.clone();
        if let Some(current) = item(&child, CURRENT)?.as_ref() {
            turn.send_only(current, [Value::symbol("stop")])?;
        }
        self.set(index, CURRENT, Value::Undefined);
        self.set(index, GENERATION, (item_int(&child, GENERATION)? + 1).into());
        Ok(())
    }

    pub(super) fn failed(&mut self, turn: &mut Turn, failed: usize) -> Result<(), Problem> {
        let mut failed = failed;
        loop {
            self.set(failed, CURRENT, Value::Undefined);
            if !self.has_patience(turn)? {
                return self.give_up(turn);
            }
            let policy = self.field("restart")?.as_name();
            let (from, to) = match policy {
                Some("one-for-all") => (0, self.children.len()),
                Some("rest-for-one") => (failed, self.children.len()),
                _ => (failed, failed + 1),
            };
            // Those that ended by themselves stay ended; the last to come goes first.
            let again: Vec<usize> = (from..to).filter(|at| self.is_wanted(*at)).collect();
            for at in again.iter().rev() {
                self.stop(turn, *at)?;
            }
            let mut failure = None;
            for at in again {
                if self.start(turn, at).is_err() {
                    failure = Some(at);
                    break;
                }
            }
            match failure {
                Some(at) => failed = at,
                None => return Ok(()),
            }
        }
    }

    pub(super) fn is_wanted(&self, index: usize) -> bool {
        self.children
            .get(index)
            .and_then(|child| item(child, CURRENT).ok())
            .is_some_and(|it| *it != Value::Null)
    }

    /// Counts a failure, and whether it is one too many.
    fn has_patience(&mut self, turn: &mut Turn) -> Result<bool, Problem> {
        let time = now(turn, item_ref(self.field("clock")?, 0)?)?;
        let since = time.saturating_sub(self.int("units")?);
        let recent = self.field("recent")?.as_list().unwrap_or_default();
        let recent = recent.iter().filter(|at| at.as_i64().is_some_and(|at| at > since)).cloned();
        let recent: Vec<Value> = recent.chain([time.into()]).collect();
        let is_fine = i64::try_from(recent.len()).unwrap_or(i64::MAX) <= self.int("patience")?;
        let total = self.int("failures")? + 1;
        self.fields = self.fields.with("recent", Value::list(recent)).with("failures", total.into());
        Ok(is_fine)
    }

    fn give_up(&mut self, turn: &mut Turn) -> Result<(), Problem> {
        let (nothing, resolver) = turn.promise()?;
        turn.break_with(resolver, gave_up().reason())?;
        for index in (0..self.children.len()).rev() {
            self.stop(turn, index)?;
            turn.call(item_ref(self.child(index)?, SWAP)?, &[nothing.into()])?;
        }
        turn.break_with(item_ref(self.field("life")?, 1)?, gave_up().reason())?;
        self.fields = self.fields.with("over", true.into());
        Ok(())
    }
}

#[cold]
fn gave_up() -> Problem {
    Problem::rule("gave-up", "its children failed too often".into())
}
