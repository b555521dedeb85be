//! Who was narrowed from whom. What is taken back ends with all below it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use hob_vat::VatId;

use crate::object::Thing;

/// Which promise: see [`hob_vat::Ref::place`].
pub(crate) type Place = (VatId, u32, u64);

/// The number of an object. It is not used again.
pub(crate) type Position = u32;

/// All objects there are.
#[derive(Default)]
pub(crate) struct Tree {
    objects: BTreeMap<Position, Object>,
    next: Position,
    /// The promises whose answers are objects here.
    born: HashMap<Place, Position>,
}

pub(crate) struct Object {
    pub(crate) thing: Arc<dyn Thing>,
    parent: Option<Position>,
    children: Vec<Position>,
    born: Option<Place>,
}

impl Tree {
    /// A new object. None when there are no numbers left, or who it was narrowed from is gone.
    pub(crate) fn add(&mut self, thing: Arc<dyn Thing>, parent: Option<Position>) -> Option<Position> {
        let position = self.next;
        let next = position.checked_add(1)?;
        if let Some(parent) = parent {
            self.objects.get_mut(&parent)?.children.push(position);
        }
        self.next = next;
        self.objects.insert(position, Object { thing, parent, children: Vec::new(), born: None });
        Some(position)
    }

    pub(crate) fn get(&self, position: Position) -> Option<&Object> {
        self.objects.get(&position)
    }

    /// Whether there was such an object once.
    pub(crate) fn was(&self, position: Position) -> bool {
        position < self.next
    }

    pub(crate) fn is_given(&self, position: Position) -> bool {
        self.get(position).is_some_and(|object| object.parent.is_none())
    }

    /// An object is what a promise came to: messages that went to the promise are for it.
    pub(crate) fn answers(&mut self, place: Place, position: Position) {
        if let Some(object) = self.objects.get_mut(&position) {
            object.born = Some(place);
            self.born.insert(place, position);
        }
    }

    pub(crate) fn answer_to(&self, place: &Place) -> Option<Position> {
        self.born.get(place).copied()
    }

    /// Takes an object out, and all that was narrowed from it.
    pub(crate) fn take(&mut self, position: Position) -> Vec<(Position, Arc<dyn Thing>)> {
        let parent = self.get(position).and_then(|object| object.parent);
        if let Some(parent) = parent.and_then(|parent| self.objects.get_mut(&parent)) {
            parent.children.retain(|child| *child != position);
        }
        let (mut todo, mut taken) = (vec![position], Vec::new());
        while let Some(position) = todo.pop() {
            let Some(object) = self.objects.remove(&position) else { continue };
            if let Some(born) = object.born {
                self.born.remove(&born);
            }
            todo.extend(object.children);
            taken.push((position, object.thing));
        }
        taken
    }

    /// The objects that the program gave.
    pub(crate) fn given(&self) -> Vec<Position> {
        self.objects
            .iter()
            .filter(|(_, object)| object.parent.is_none())
            .map(|(position, _)| *position)
            .collect()
    }
}
