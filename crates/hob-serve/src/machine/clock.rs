//! What a machine is waiting for: timers on a clock that the person turns, and what it has started.

use std::sync::Arc;

use hob_machine::{Effect, Name, Start};

/// An event that will come by itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Timer {
    pub(super) id: Arc<str>,
    pub(super) due_nanos: i64,
    pub(super) event: Name,
    pub(super) state: Name,
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
                    self.timers.retain(|timer| timer.id != *id);
                    let due_nanos = self.now_nanos.saturating_add(*delay_nanos);
                    // Those that are due first stand first; of two at once the one that was set first.
                    let place = self.timers.partition_point(|timer| timer.due_nanos <= due_nanos);
                    let (id, event, state) = (Arc::clone(id), event.clone(), state.clone());
                    self.timers.insert(place, Timer { id, due_nanos, event, state });
                }
                Effect::CancelScheduled { id } => self.timers.retain(|timer| timer.id != *id),
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
}
