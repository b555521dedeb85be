//! What a machine is waiting for: timers on a clock that the person turns, and what it has started.

use std::sync::Arc;

use hob_machine::{Effect, Name, Start};
use serde_json::Value;

/// An event that will come by itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Timer {
    pub(super) id: Arc<str>,
    pub(super) due_nanos: i64,
    pub(super) event: Name,
    pub(super) data: Option<Value>,
    /// The state that waits for it; `None` of what the machine sends itself, of which there may be several of one id.
    pub(super) state: Option<Name>,
}

/// The time, and what is under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    pub(super) now_nanos: i64,
    pub(super) timers: Vec<Timer>,
    /// Services and other machines that were started and not stopped.
    pub(super) started: Vec<Arc<Start>>,
}

impl Clock {
    /// Does what effects say about time and services.
    pub(super) fn heed(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::ScheduleAfter { id, delay_nanos, event, state } => {
                    self.timers.retain(|timer| timer.state.is_none() || timer.id != *id);
                    let (id, event, state) = (Arc::clone(id), event.clone(), Some(state.clone()));
                    self.set(*delay_nanos, Timer { id, due_nanos: 0, event, data: None, state });
                }
                // To the machine itself. What is for others is shown.
                Effect::Send(send) if send.target.is_empty() => {
                    let (id, event) = (send.id.clone().unwrap_or_default(), send.event.clone());
                    let timer = Timer { id, due_nanos: 0, event, data: send.data.clone(), state: None };
                    self.set(send.delay_nanos, timer);
                }
                Effect::CancelScheduled { id } => {
                    let is = |timer: &Timer| timer.id == *id && (timer.state.is_some() || !id.is_empty());
                    self.timers.retain(|timer| !is(timer));
                }
                Effect::StartService(start) | Effect::SpawnActor(start) => {
                    self.started.retain(|other| other.id != start.id);
                    self.started.push(Arc::clone(start));
                }
                Effect::StopService { id } | Effect::StopActor { id } => {
                    self.started.retain(|start| start.id != *id);
                }
                _ => {}
            }
        }
    }

    /// Those that are due first stand first; of two at once the one that was set first.
    fn set(&mut self, delay_nanos: i64, timer: Timer) {
        let due_nanos = self.now_nanos.saturating_add(delay_nanos.max(0));
        let place = self.timers.partition_point(|timer| timer.due_nanos <= due_nanos);
        self.timers.insert(place, Timer { due_nanos, ..timer });
    }

    /// The next timer that is due until then. The time is that of the timer afterwards.
    pub(super) fn ring(&mut self, until_nanos: i64) -> Option<Timer> {
        let due = self.timers.first().is_some_and(|timer| timer.due_nanos <= until_nanos);
        if !due {
            return None;
        }
        let timer = self.timers.remove(0);
        self.now_nanos = self.now_nanos.max(timer.due_nanos);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use hob_machine::Sending;

    use super::*;

    fn after(id: &str, delay_nanos: i64) -> Effect {
        Effect::ScheduleAfter { id: id.into(), delay_nanos, event: id.into(), state: "s".into() }
    }

    #[test]
    fn timers_ring_in_order() {
        let mut clock = Clock::default();
        clock.heed(&[after("c", 30), after("a", 10), after("b", 10), after("d", i64::MAX)]);
        clock.heed(&[Effect::CancelScheduled { id: "c".into() }, after("e", 15)]);
        let mut rung = Vec::new();
        while let Some(timer) = clock.ring(100) {
            rung.push((timer.id.to_string(), clock.now_nanos));
        }
        assert_eq!(rung, [("a".into(), 10), ("b".into(), 10), ("e".into(), 15)]);
        clock.heed(&[after("f", i64::MAX)]);
        assert_eq!(clock.timers.len(), 2);
    }

    #[test]
    fn what_is_sent_waits_and_is_cancelled_all_of_one_id() {
        let send = |id: Option<&str>, target: &str, delay_nanos| {
            let (id, target) = (id.map(Into::into), target.into());
            Effect::Send(Sending { target, event: "e".into(), data: None, delay_nanos, id }.into())
        };
        let cancel = |id: &str| Effect::CancelScheduled { id: id.into() };
        let mut clock = Clock::default();
        clock.heed(&[
            send(Some("i"), "", 10),
            send(Some("i"), "", 20),
            send(None, "", 30),
            send(None, "", 0),
        ]);
        clock.heed(&[send(None, "#_parent", 0), after("i", 40)]);
        assert_eq!(clock.timers.iter().map(|timer| timer.due_nanos).collect::<Vec<_>>(), [0, 10, 20, 30, 40]);
        clock.heed(&[cancel(""), cancel("i")]);
        assert_eq!(clock.timers.iter().map(|timer| timer.due_nanos).collect::<Vec<_>>(), [0, 30]);
    }
}
