//! Whether what a step asks for is within the limits, before any of it is done.
//!
//! Nearly every step is far below each limit, which the first look finds out by counting; only near one it is worked out what
//! a step stops, too.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::System;
use super::actor::{Actor, Body, Key, Letter, Sender};
use super::limits::{Exceeded, within};
use super::output::Ask;
use super::sends::Reached;
use crate::effect::Effect;
use crate::weight::weigh;

/// So much goes with what a step asks for, and what waits is not looked through for it.
const UNCOUNTED: usize = 64;

impl System {
    pub(super) fn afford(&self, key: Key, sender: Sender, effects: &[Effect]) -> Result<(), Exceeded> {
        let Some(actor) = self.actors.get(&key) else { return Ok(()) };
        let of = |wanted: fn(&Effect) -> bool| effects.iter().filter(|effect| wanted(effect)).count();
        let timers = of(|effect| match effect {
            Effect::Send(send) => send.delay_nanos > 0,
            effect => matches!(effect, Effect::ScheduleAfter { .. }),
        });
        if timers > 0 && actor.timers.len() + timers > self.limits.timers {
            self.afford_timers(actor, effects)?;
        }
        let services = of(|effect| matches!(effect, Effect::StartService(_)));
        if services > 0 && actor.services.len() + services > self.limits.services {
            let mut ids: BTreeSet<&str> = actor.services.iter().map(|service| &*service.start.id).collect();
            for effect in effects {
                match effect {
                    Effect::StartService(start) => drop(ids.insert(&start.id)),
                    Effect::StopService { id } => drop(ids.remove(&**id)),
                    _ => {}
                }
                within("services", ids.len(), self.limits.services)?;
            }
        }
        let spawns = of(|effect| matches!(effect, Effect::SpawnActor(_)));
        if spawns > 0 {
            within("depth", actor.depth + 1, self.limits.depth)?;
            if self.speaks(key) {
                // Each that runs sends one event more, when it ends.
                let ends = actor.children.len() + spawns;
                within("mailbox", actor.mailbox.len() + ends, self.limits.mailbox)?;
            }
            if self.actors.len() + spawns > self.limits.machines {
                self.afford_machines(key, effects)?;
            }
        }
        self.afford_data(effects)?;
        self.afford_letters(key, sender, effects)
    }

    /// What goes with events and effects waits with them, of all machines together. It is counted when a step adds much: that little
    /// goes with very many is what the numbers are for.
    fn afford_data(&self, effects: &[Effect]) -> Result<(), Exceeded> {
        let most = self.limits.data;
        self.data_left(effects, most).map(drop).ok_or(Exceeded { name: "data", allowed: most })
    }

    /// What is left of an allowance; `None` when it is too little.
    fn data_left(&self, effects: &[Effect], most: usize) -> Option<usize> {
        let left = effects.iter().try_fold(most, |left, effect| effect.pay(left).ok())?;
        if most - left <= UNCOUNTED {
            return Some(left);
        }
        let data = |value: Option<&Value>, left| {
            value.map_or(Some(left), |value| weigh(value, usize::MAX, left).ok())
        };
        let letter = |left, letter: &Letter| match &letter.body {
            Body::Event(_, value) => data(value.as_ref(), left),
            Body::Service(_, Ok(value) | Err(value)) | Body::Child(_, Ok(value) | Err(value)) => {
                data(Some(value), left)
            }
            Body::Begin => Some(left),
        };
        let left = self.actors.values().try_fold(left, |left, actor| {
            let mut sends = actor.timers.iter().filter_map(|timer| timer.send.as_ref());
            let left = sends.try_fold(left, |left, send| data(send.data.as_ref(), left))?;
            actor.mailbox.iter().try_fold(left, letter)
        })?;
        self.outbox.iter().try_fold(left, |left, output| match &output.ask {
            Ask::Action { value, .. } | Ask::Message { event: value } => data(Some(value), left),
            _ => Some(left),
        })
    }

    fn afford_timers(&self, actor: &Actor, effects: &[Effect]) -> Result<(), Exceeded> {
        let named = actor.timers.iter().filter(|timer| timer.send.is_none());
        let mut ids: BTreeSet<&str> = named.map(|timer| &*timer.id).collect();
        // Of one id there may be many sends. Those without cannot be cancelled.
        let mut sends: BTreeMap<&str, usize> = BTreeMap::new();
        let mut sent = 0;
        for timer in actor.timers.iter().filter(|timer| timer.send.is_some()) {
            *sends.entry(&timer.id).or_default() += 1;
            sent += 1;
        }
        for effect in effects {
            match effect {
                Effect::ScheduleAfter { id, .. } => drop(ids.insert(id)),
                Effect::Send(send) if send.delay_nanos > 0 => {
                    *sends.entry(send.id.as_deref().unwrap_or_default()).or_default() += 1;
                    sent += 1;
                }
                Effect::CancelScheduled { id } => {
                    ids.remove(&**id);
                    if !id.is_empty() {
                        sent -= sends.remove(&**id).unwrap_or_default();
                    }
                }
                _ => {}
            }
            within("timers", ids.len() + sent, self.limits.timers)?;
        }
        Ok(())
    }

    fn afford_machines(&self, key: Key, effects: &[Effect]) -> Result<(), Exceeded> {
        let Some(actor) = self.actors.get(&key) else { return Ok(()) };
        let mut count = self.actors.len();
        let mut stopped = BTreeSet::new();
        for effect in effects {
            match effect {
                Effect::StopActor { id } => {
                    if let Some(child) = actor.children.get(id).filter(|child| stopped.insert(**child)) {
                        count = count.saturating_sub(self.family(*child).len());
                    }
                }
                Effect::SpawnActor(_) => count += 1,
                _ => {}
            }
            within("machines", count, self.limits.machines)?;
        }
        Ok(())
    }

    fn afford_letters(&self, key: Key, sender: Sender, effects: &[Effect]) -> Result<(), Exceeded> {
        let Some(actor) = self.actors.get(&key) else { return Ok(()) };
        let mut posted: BTreeMap<(Option<Key>, &str), usize> = BTreeMap::new();
        let (mut spawned, mut stopped, mut called) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for effect in effects {
            let (to, name) = match effect {
                Effect::Send(send) if send.delay_nanos > 0 => continue,
                Effect::Send(send) => match self.reached(key, &send.target) {
                    Reached::Machine(to) => (Some(to), ""),
                    Reached::Host => continue,
                    Reached::Nobody => (Some(key), ""),
                },
                Effect::Forward { target, system_id } => {
                    let name = if target.is_empty() { system_id } else { target };
                    (self.forwarded(key, target, system_id), &**name)
                }
                Effect::SendTo { target, system_id, .. } => {
                    let name = if target.is_empty() { system_id } else { target };
                    // Whoever the step itself starts has no number yet.
                    (self.resolve(key, target, system_id), &**name)
                }
                Effect::SendParent { .. } => (actor.parent, ""),
                Effect::StopActor { id } => {
                    spawned.remove(&**id);
                    stopped.insert(&**id);
                    continue;
                }
                // What cannot be started is told to whoever asked for it.
                Effect::SpawnActor(start) => {
                    let id = &*start.id;
                    let runs = actor.children.contains_key(id) && !stopped.contains(id);
                    let taken = start.system_id.as_deref().is_some_and(|system_id| {
                        !called.insert(system_id) || self.by_system_id.contains_key(system_id)
                    });
                    let fails = runs || taken || !spawned.insert(id) || self.machines.of(&start.src).is_err();
                    if !fails || start.on_error.is_empty() {
                        continue;
                    }
                    (Some(key), "")
                }
                Effect::Respond { .. } => match sender {
                    Sender::Machine(key) => (Some(key), ""),
                    Sender::Host | Sender::Nobody => continue,
                },
                _ => continue,
            };
            let name = if to.is_some() { "" } else { name };
            if to.is_none() && name.is_empty() {
                continue;
            }
            let more = posted.entry((to, name)).or_default();
            *more += 1;
            let waiting = to.and_then(|to| self.actors.get(&to)).map_or(0, |actor| actor.mailbox.len());
            let expected = usize::from(to.is_some() && self.expected == to);
            within("mailbox", waiting + expected + *more, self.limits.mailbox)?;
        }
        Ok(())
    }
}
