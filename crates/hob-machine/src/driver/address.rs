//! Who is meant.

use super::actor::{FIRST, Key};
use super::{System, actor::Life};

impl System {
    /// For the host: a machine by its name, by what everyone calls it, or by what its parent does.
    pub(super) fn find(&self, address: &str) -> Option<Key> {
        if address == &*self.name {
            return Some(FIRST);
        }
        let serial = address.strip_prefix(&*self.name).and_then(|rest| rest.strip_prefix('#'));
        let named = serial.and_then(|serial| serial.parse().ok()).map(Key);
        named
            .filter(|key| self.lives(*key))
            .or_else(|| self.by_system_id.get(address).copied())
            .or_else(|| self.anyone(address))
    }

    /// For a machine: its own first, then those of the machines around it, then the oldest of that name.
    pub(super) fn resolve(&self, from: Key, target: &str, system_id: &str) -> Option<Key> {
        if target.is_empty() {
            return self.by_system_id.get(system_id).copied();
        }
        let mut around = Some(from);
        while let Some(actor) = around.and_then(|key| self.actors.get(&key)) {
            if let Some(child) = actor.children.get(target) {
                return Some(*child);
            }
            around = actor.parent;
        }
        self.anyone(target)
    }

    fn anyone(&self, id: &str) -> Option<Key> {
        self.actors.iter().find(|(key, actor)| **key != FIRST && &*actor.start.id == id).map(|(key, _)| *key)
    }

    pub(super) fn lives(&self, key: Key) -> bool {
        self.actors.get(&key).is_some_and(|actor| !matches!(actor.life, Life::Ended))
    }

    /// A machine and all that were started below it, those around before those inside.
    pub(super) fn family(&self, key: Key) -> Vec<Key> {
        let mut family = vec![key];
        let mut next = 0;
        while let Some(actor) = family.get(next).and_then(|key| self.actors.get(key)) {
            family.extend(actor.children.values());
            next += 1;
        }
        family
    }
}
