//! Waiting for several things at once.

use hob_engine::{Ctx, HostTable, Memory};
use hob_os::{Errno, SUBSCRIPTIONS_MAX};

use super::errno::Result;
use super::types::{EVENT_BYTES, SUBSCRIPTION_BYTES, event, put_u32, size, subscription};
use super::{HasSystem, Reaches, System, with_once};

pub(super) fn add_to<T: HasSystem>(table: &mut HostTable<T>, module: &'static str, reach: &Reaches) {
    table.func(
        module,
        "poll_oneoff",
        reach.descriptors.clone(),
        |ctx: &mut Ctx<'_, T>, subscriptions: u32, events: u32, count: u32, out: u32| {
            with_once(ctx, |mem, world| poll(mem, world, subscriptions, events, count, out))
        },
    );
}

fn poll(
    mem: &mut Memory<'_>,
    world: &mut impl System,
    input: u32,
    output: u32,
    count: u32,
    out: u32,
) -> Result<()> {
    let too_many = usize::try_from(count).is_ok_and(|count| count > SUBSCRIPTIONS_MAX);
    if count == 0 || too_many {
        return Err(Errno::Inval.into());
    }
    mem.check(out, 4)?;
    let at = |base: u32, index: u32, bytes: u32| {
        index.checked_mul(bytes).and_then(|offset| base.checked_add(offset)).ok_or(Errno::Fault)
    };
    let mut subscriptions = Vec::new();
    for index in 0..count {
        let raw = mem.array::<48>(at(input, index, SUBSCRIPTION_BYTES)?)?;
        subscriptions.push(subscription(&raw)?);
        mem.check(at(output, index, EVENT_BYTES)?, EVENT_BYTES)?;
    }
    let mut events = Vec::new();
    world.poll(&subscriptions, &mut events)?;
    for (index, happened) in (0..count).zip(&events) {
        mem.write(at(output, index, EVENT_BYTES)?, &event(happened))?;
    }
    put_u32(mem, out, size(events.len())?.min(count))
}
