//! How many messages were taken: each counts once, whatever becomes of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod common;

use common::{SOON, Setting, says, setting, with_text};
use hob_cap::{Access, ClockGrant};
use hob_vat::{Problem, Turn, library};

/// How many messages a turn is to the powerbox.
fn check(it: &Setting, want: u64, turn: impl FnOnce(&mut Turn) -> Result<(), Problem>) {
    it.quiet();
    let before = it.powerbox.answered().unwrap();
    it.vat.run(turn).unwrap();
    assert!(it.peer.settle(SOON));
    it.quiet();
    assert!(it.peer.settle(SOON));
    assert_eq!(it.powerbox.answered().map(|after| after - before), Some(want));
}

#[test]
fn each_message_counts_once() {
    let it = setting();
    it.put("a", "text");
    let (root, clock) = (it.directory(Access::Read), it.powerbox.clock(ClockGrant::Real).unwrap());
    let gone = it.powerbox.clock(ClockGrant::Real).unwrap();
    it.powerbox.revoke(gone);
    assert_eq!(it.powerbox.answered(), Some(0), "who gives sends nothing");
    check(&it, 0, |_| Ok(()));
    check(&it, 1, |turn| turn.send(clock, says("now")).map(drop));
    check(&it, 1, |turn| turn.send_only(clock, says("now")));
    check(&it, 3, |turn| (0..3).try_for_each(|_| turn.send_only(clock, says("now"))));
    // Refused, by an object and for want of one.
    check(&it, 1, |turn| turn.send(clock, says("fly")).map(drop));
    check(&it, 1, |turn| turn.send(gone, says("now")).map(drop));
    // It waits behind another one, or not any more.
    check(&it, 2, |turn| {
        let below = turn.send(root, with_text("open", "."))?;
        turn.send(below, with_text("text", "a")).map(drop)
    });
    // Who asks an object what it is; what is said to it as if it were a promise.
    check(&it, 1, |turn| {
        let cell = turn.spawn(&library::CELL, ().into())?;
        turn.listen(clock, cell, false)
    });
    check(&it, 1, |turn| turn.fulfill(clock, 1));
    check(&it, 1, |turn| turn.break_with(clock, "for no reason"));
}
