//! The stop token: one reason, the first; every waker once; a deadline strikes at its instant and not before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use hob_cap::{StopReason, StopToken};

fn counter() -> (Arc<AtomicU32>, Arc<dyn Fn() + Send + Sync>) {
    let count = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&count);
    (
        count,
        Arc::new(move || {
            seen.fetch_add(1, Ordering::SeqCst);
        }),
    )
}

#[test]
fn the_first_reason_stays_and_wakes_once() {
    let (count, wake) = counter();
    let token = StopToken::never();
    let _kept = token.on_stop(Arc::clone(&wake));
    drop(token.on_stop(wake));
    token.stop(StopReason::Killed);
    token.clone().stop(StopReason::HostShutdown);
    assert_eq!((token.reason(), count.load(Ordering::SeqCst)), (Some(StopReason::Killed), 1));
    let (late, wake) = counter();
    let _kept = token.on_stop(wake);
    assert_eq!(late.load(Ordering::SeqCst), 1);
}

#[test]
fn a_deadline_strikes_at_its_instant() {
    let hard = Instant::now() + Duration::from_secs(3600);
    let token = StopToken::new(None, Some(hard));
    assert_eq!(token.check_at(hard - Duration::from_nanos(1)), None);
    assert_eq!(token.check_at(hard), Some(StopReason::HardDeadline));
    assert_eq!(token.reason(), Some(StopReason::HardDeadline));
}

#[test]
fn a_stop_that_races_with_a_waiter_wakes_it() {
    for _ in 0..2000 {
        let (count, wake) = counter();
        let token = StopToken::never();
        std::thread::scope(|scope| {
            scope.spawn(|| token.stop(StopReason::Killed));
            let kept = token.on_stop(wake);
            while count.load(Ordering::SeqCst) == 0 {
                std::thread::yield_now();
            }
            drop(kept);
        });
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn what_befalls_a_child_is_its_own_and_what_befalls_its_parent_is_shared() {
    let (soft, hard) = (Instant::now(), Instant::now() + Duration::from_secs(3600));
    let parent = StopToken::new(Some(soft), Some(hard));
    let made: Vec<_> = (0..4).map(|_| parent.child()).collect();
    let [one, paused, last, untied] = [0, 1, 2, 3].map(|index: usize| made[index].0.clone());
    assert_eq!((one.soft_deadline(), one.hard_deadline()), (Some(soft), Some(hard)));

    one.stop(StopReason::Killed);
    paused.pause();
    assert_eq!((parent.reason(), parent.is_paused()), (None, false));
    assert_eq!((last.reason(), last.is_paused()), (None, false));

    let wakes: Vec<_> = made.into_iter().take(3).map(|(_, wake)| wake).collect();
    parent.stop(StopReason::HostShutdown);
    let reasons = [&one, &paused, &last, &untied].map(StopToken::reason);
    let shut = Some(StopReason::HostShutdown);
    assert_eq!(reasons, [Some(StopReason::Killed), shut, shut, None], "the first reason stays");
    assert_eq!(parent.child().0.reason(), shut, "who is late is stopped at once");
    drop(wakes);
}

#[test]
fn a_paused_guest_stands_still_until_resumed_stopped_or_late() {
    let check = |token: StopToken, end: fn(&StopToken), want: Option<StopReason>| {
        token.pause();
        let waits = std::thread::spawn({
            let token = token.clone();
            move || token.pass_at(Instant::now())
        });
        std::thread::sleep(Duration::from_millis(20));
        assert!(!waits.is_finished());
        end(&token);
        assert_eq!(waits.join().unwrap(), want);
    };
    check(StopToken::never(), StopToken::resume, None);
    check(StopToken::never(), |token| token.stop(StopReason::Killed), Some(StopReason::Killed));
    let soon = StopToken::new(None, Some(Instant::now() + Duration::from_millis(60)));
    check(soon, |_| {}, Some(StopReason::HardDeadline));
}
