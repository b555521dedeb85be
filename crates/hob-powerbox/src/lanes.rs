//! Lanes: work in order, on few threads, where what waits holds up nobody else.
//!
//! A lane does one job at a time, in the order in which they came. Lanes of a class share its threads, which are started when there is
//! work for them and end when there has been none for a while. Stops: a slow answer of the network that holds up files; a person
//! who types nothing.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a thread without work stays.
const IDLE: Duration = Duration::from_millis(500);

/// What a job waits for, if anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// Nothing that lasts: files, clocks, randomness.
    Quick,
    /// The network.
    Request,
    /// A person. Who has a console has a thread for each of its directions.
    Line,
}

/// The number of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LaneId(pub(crate) u64);

pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// All lanes of a powerbox.
pub(crate) struct Lanes(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    more: Condvar,
    requests: usize,
}

#[derive(Default)]
struct State {
    lanes: HashMap<LaneId, Lane>,
    ready: HashMap<Class, VecDeque<LaneId>>,
    threads: HashMap<Class, Threads>,
    handles: Vec<JoinHandle<()>>,
    stopped: bool,
}

#[derive(Default)]
struct Threads {
    alive: usize,
    idle: usize,
}

#[derive(Default)]
struct Lane {
    jobs: VecDeque<Job>,
    /// It is in line, or at work.
    busy: bool,
}

impl Lanes {
    /// Lanes of which so many make requests at once; one also where there are none, for what else is asked of who makes them.
    pub(crate) fn new(requests: usize) -> Self {
        Self(Arc::new(Shared { state: Mutex::default(), more: Condvar::new(), requests: requests.max(1) }))
    }

    /// Puts a job at the end of a lane. False, and nothing is done, when there is no thread for it and none can be had, or when they
    /// were stopped.
    pub(crate) fn push(&self, lane: LaneId, class: Class, job: Job) -> bool {
        let mut state = self.0.lock();
        if state.stopped || !self.0.staff(&mut state, class, lane) {
            return false;
        }
        let at = state.lanes.entry(lane).or_default();
        at.jobs.push_back(job);
        if !std::mem::replace(&mut at.busy, true) {
            state.ready.entry(class).or_default().push_back(lane);
            self.0.more.notify_all();
        }
        true
    }

    /// What waits is not done any more; threads end when they have done what they are at.
    pub(crate) fn stop(&self) {
        let dropped = {
            let mut state = self.0.lock();
            state.stopped = true;
            state.ready.clear();
            self.0.more.notify_all();
            std::mem::take(&mut state.lanes)
        };
        drop(dropped);
    }

    /// Waits for the threads.
    pub(crate) fn join(&self) {
        let handles = std::mem::take(&mut self.0.lock().handles);
        let me = std::thread::current().id();
        // A panic of a job was caught in it.
        handles
            .into_iter()
            .filter(|handle| handle.thread().id() != me)
            .for_each(|handle| drop(handle.join()));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn threads_max(&self, class: Class) -> usize {
        match class {
            Class::Quick => 2,
            Class::Request => self.requests,
            Class::Line => usize::MAX,
        }
    }

    /// Sees to it that somebody works for the class.
    fn staff(self: &Arc<Self>, state: &mut State, class: Class, lane: LaneId) -> bool {
        let waiting = state.ready.get(&class).map_or(0, VecDeque::len);
        let busy = state.lanes.get(&lane).is_some_and(|lane| lane.busy);
        let threads = state.threads.entry(class).or_default();
        if busy || threads.idle > waiting || threads.alive >= self.threads_max(class) {
            return true;
        }
        let shared = Arc::clone(self);
        let started =
            std::thread::Builder::new().name("hob-powerbox".into()).spawn(move || shared.work(class));
        match started {
            Ok(handle) => {
                threads.alive += 1;
                state.handles.retain(|handle| !handle.is_finished());
                state.handles.push(handle);
                true
            }
            Err(_) => threads.alive > 0,
        }
    }

    fn work(&self, class: Class) {
        let mut state = self.lock();
        loop {
            if let Some(lane) = state.ready.get_mut(&class).and_then(VecDeque::pop_front) {
                let job = state.lanes.get_mut(&lane).and_then(|lane| lane.jobs.pop_front());
                drop(state);
                if let Some(job) = job {
                    // Whoever asked is answered by the job, however it ends.
                    let _ = catch_unwind(AssertUnwindSafe(job));
                }
                state = self.lock();
                self.put_back(&mut state, class, lane);
                continue;
            }
            if state.stopped {
                break;
            }
            state.threads.entry(class).or_default().idle += 1;
            let (woken, waited) = self.more.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            let threads = state.threads.entry(class).or_default();
            threads.idle = threads.idle.saturating_sub(1);
            let nothing = state.ready.get(&class).is_none_or(VecDeque::is_empty);
            if waited.timed_out() && nothing {
                break;
            }
        }
        let threads = state.threads.entry(class).or_default();
        threads.alive = threads.alive.saturating_sub(1);
    }

    fn put_back(&self, state: &mut State, class: Class, lane: LaneId) {
        let Some(at) = state.lanes.get_mut(&lane) else { return };
        if at.jobs.is_empty() {
            state.lanes.remove(&lane);
        } else {
            state.ready.entry(class).or_default().push_back(lane);
            self.more.notify_all();
        }
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_lane_keeps_the_order_and_another_does_not_wait_for_it() {
        let lanes = Lanes::new(1);
        let (told, hear) = channel();
        let (open, gate) = channel::<()>();
        let say = |what: u32| {
            let told = told.clone();
            Box::new(move || assert!(told.send(what).is_ok())) as Job
        };
        assert!(lanes.push(
            LaneId(1),
            Class::Line,
            Box::new(move || {
                let _ = gate.recv();
            })
        ));
        for number in 0..100 {
            assert!(lanes.push(LaneId(1), Class::Line, say(number)));
        }
        assert!(lanes.push(LaneId(2), Class::Line, say(1000)));
        assert!(lanes.push(LaneId(3), Class::Quick, say(2000)));
        let mut first = [hear.recv().unwrap(), hear.recv().unwrap()];
        first.sort_unstable();
        assert_eq!(first, [1000, 2000]);
        open.send(()).unwrap();
        assert_eq!((0..100).map(|_| hear.recv().unwrap()).collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn so_many_requests_are_made_at_once_and_no_more() {
        let lanes = Lanes::new(2);
        let (told, hear) = channel();
        let (open, gate) = channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        for number in 0..3 {
            let (told, gate) = (told.clone(), Arc::clone(&gate));
            let job = Box::new(move || {
                assert!(told.send(number).is_ok());
                let _ = gate.lock().unwrap().recv();
            });
            assert!(lanes.push(LaneId(number), Class::Request, job));
        }
        let mut first = [hear.recv().unwrap(), hear.recv().unwrap()];
        first.sort_unstable();
        assert_eq!(first, [0, 1]);
        assert_eq!(lanes.0.lock().threads[&Class::Request].alive, 2, "the third waits");
        open.send(()).unwrap();
        assert_eq!(hear.recv(), Ok(2));
        drop(open);
        lanes.stop();
        lanes.join();
    }

    #[test]
    fn a_job_that_panics_ends_itself_alone() {
        let lanes = Lanes::new(1);
        let (told, hear) = channel();
        assert!(lanes.push(LaneId(1), Class::Quick, Box::new(|| panic!("on purpose"))));
        assert!(lanes.push(LaneId(1), Class::Quick, Box::new(move || assert!(told.send(()).is_ok()))));
        assert_eq!(hear.recv(), Ok(()));
    }

    #[test]
    fn what_was_stopped_takes_nothing_and_lets_go_of_what_waits() {
        let lanes = Lanes::new(1);
        let (open, gate) = channel::<()>();
        let (told, hear) = channel::<()>();
        assert!(lanes.push(
            LaneId(1),
            Class::Request,
            Box::new(move || {
                let _ = gate.recv();
            })
        ));
        assert!(lanes.push(LaneId(1), Class::Request, Box::new(move || assert!(told.send(()).is_ok()))));
        lanes.stop();
        assert!(hear.recv().is_err(), "it was dropped and not done");
        assert!(!lanes.push(LaneId(2), Class::Quick, Box::new(|| {})));
        drop(open);
        lanes.join();
    }
}
