//! Randomness as an actor.

use std::sync::{Mutex, PoisonError};

use hob_cap::RandomGrant;
use hob_os::World;
use hob_vat::{Problem, Value};

use crate::answer::failed_stream;
use crate::clock::bare;
use crate::desk::{Desk, wrong};
use crate::lanes::{Class, LaneId};
use crate::limits::exceeded;
use crate::object::{Ask, Done, Thing, whole};

pub(crate) struct Entropy {
    world: Mutex<World>,
    lane: LaneId,
    most: u64,
}

impl Entropy {
    pub(crate) fn new(desk: &Desk, grant: RandomGrant) -> Result<Self, Problem> {
        let world = bare(desk, |world| world.random(grant))?;
        Ok(Self { world: Mutex::new(world), lane: desk.lane(), most: desk.limits.random_bytes })
    }
}

impl Thing for Entropy {
    fn methods(&self) -> &'static [&'static str] {
        &["bytes COUNT", "methods"]
    }

    fn lane(&self) -> (LaneId, Class) {
        (self.lane, Class::Quick)
    }

    fn call(&self, _: &Ask, method: &str, args: &[Value]) -> Done {
        let ("bytes", [count]) = (method, args) else { return Err(wrong()) };
        let count = whole(count, "COUNT")?;
        let most = || exceeded("random-bytes", self.most);
        let count = usize::try_from(count).ok().filter(|_| count <= self.most).ok_or_else(most)?;
        let mut bytes = vec![0; count];
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.random_fill(&mut bytes).map_err(|error| failed_stream("randomness", &error))?;
        Ok(Value::bytes(&bytes).into())
    }

    fn end(&self) {}
}
