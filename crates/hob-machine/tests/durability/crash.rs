//! A process that ends at every moment at which it can: before and after each thing its store does, and before and after each
//! thing its host does. Whatever happened, the client's inputs are taken once, and what the host is asked for has one number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use hob_machine::driver::{EffectId, Input, Machines, Reads};
use hob_machine::journal::{
    Durable, DurableError, JournalEntry, JournalStore, Lost, MemoryJournal, Saved, Setup,
};
use serde_json::{Value, json};

use super::random::{Random, input, limits, machines};

/// The end of the process, at the moment that was chosen.
#[derive(Clone, Debug)]
struct Fate(Arc<Mutex<(u64, u64)>>);

impl Fate {
    fn at(moment: u64) -> Self {
        Self(Arc::new(Mutex::new((0, moment))))
    }

    /// Whether this is the moment.
    fn ends(&self) -> bool {
        let mut fate = self.0.lock().unwrap();
        fate.0 += 1;
        fate.0 - 1 == fate.1
    }

    fn moments(&self) -> u64 {
        self.0.lock().unwrap().0
    }
}

#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the process ended")]
    Ended,
    #[error(transparent)]
    Lost(#[from] Lost),
}

struct Mortal {
    inner: MemoryJournal,
    fate: Fate,
}

impl Mortal {
    fn around<T>(&mut self, work: impl FnOnce(&mut MemoryJournal) -> Result<T, Lost>) -> Result<T, End> {
        if self.fate.ends() {
            return Err(End::Ended);
        }
        let done = work(&mut self.inner)?;
        if self.fate.ends() { Err(End::Ended) } else { Ok(done) }
    }
}

impl JournalStore for Mortal {
    type Error = End;

    fn load(&mut self) -> Result<Saved, End> {
        self.around(MemoryJournal::load)
    }

    fn append(&mut self, at: u64, entries: &[JournalEntry]) -> Result<(), End> {
        self.around(|journal| journal.append(at, entries))
    }

    fn checkpoint(&mut self, at: u64, snapshot: &Value) -> Result<(), End> {
        self.around(|journal| journal.checkpoint(at, snapshot))
    }
}

/// Effects, by their numbers, and how often each was asked for.
type Done = BTreeMap<EffectId, (Value, u32)>;

/// What is outside: it does not end.
#[derive(Default)]
struct World {
    /// What was done, and how often it was asked for.
    done: Done,
    acknowledged: BTreeSet<EffectId>,
    /// How many of the client's inputs were taken, and how often the host has acknowledged since.
    taken: u64,
    rounds: u64,
}

/// How many inputs a client has.
const INPUTS: u64 = 14;

/// How often the host acknowledges between two of them: room for more may be room for ever more.
const ROUNDS: u64 = 2;

struct Run<'a> {
    seed: u64,
    machines: &'a Machines,
    reads: &'a Reads,
    /// Which input is taken, for the dice; `None` when nobody may read.
    reading: &'a Mutex<Option<(u64, u64)>>,
    journal: MemoryJournal,
    fate: Fate,
    world: World,
    /// What was given to the system and not seen to be taken: how many inputs it had before.
    pending: Option<(Owner, u64)>,
}

#[derive(Clone, PartialEq)]
enum Owner {
    Client,
    Host(Vec<EffectId>),
}

type Ended = ();

impl Run<'_> {
    /// One process, from its beginning to its end. The state when it came to the end of the script.
    fn process(&mut self) -> Result<Value, Ended> {
        let store = Mortal { inner: self.journal.clone(), fate: self.fate.clone() };
        let setup = Setup {
            limits: limits(),
            reads: Some(self.reads.clone()),
            ..Setup::new("it", self.machines, "a")
        };
        *self.reading.lock().unwrap() = None;
        let mut durable = ended(Durable::open(store, setup, 0))?;
        // What was under way when the last process ended was taken, or it was not: the system knows.
        if let Some((owner, before)) = self.pending.take()
            && durable.system().inputs() > before
        {
            self.was_taken(owner);
        }
        loop {
            // What nobody has acknowledged is handed out, again if need be.
            let outputs = if self.world.rounds < ROUNDS { durable.drain() } else { Vec::new() };
            let mut ids = Vec::new();
            for output in outputs {
                assert!(!self.world.acknowledged.contains(&output.id), "{} was acknowledged", output.id);
                self.moment()?;
                let done = self.world.done.entry(output.id.clone()).or_insert((output.to_value(), 0));
                assert_eq!(done.0, output.to_value(), "one number, two effects");
                done.1 += 1;
                ids.push(output.id);
                self.moment()?;
            }
            if !ids.is_empty() {
                let input = Input::Acknowledge { ids: ids.clone() };
                self.give(&mut durable, &input, self.now(), Owner::Host(ids))?;
                // There may be more now that there is room.
                continue;
            }
            if self.world.taken == INPUTS {
                return Ok(durable.system().snapshot().unwrap().to_value());
            }
            let number = self.world.taken;
            let mut now = self.now();
            let input = match number {
                0 => Input::Start { context: json!({"log": []}) },
                _ => input(&mut Random::new(self.seed ^ (number << 32)), durable.system(), &mut now),
            };
            // The host acknowledges for itself.
            let input = if matches!(input, Input::Acknowledge { .. }) { Input::Time } else { input };
            self.give(&mut durable, &input, now, Owner::Client)?;
            if number % 5 == 4 {
                ended(durable.checkpoint())?;
            }
        }
    }

    fn now(&self) -> i64 {
        1000 + 10 * self.world.taken as i64
    }

    fn give(
        &mut self,
        durable: &mut Durable<Mortal>,
        input: &Input,
        now: i64,
        owner: Owner,
    ) -> Result<(), Ended> {
        self.pending = Some((owner.clone(), durable.system().inputs()));
        let of = 2 * self.world.taken + u64::from(owner == Owner::Client);
        *self.reading.lock().unwrap() = Some((of, 0));
        match durable.apply(input, now) {
            Ok(_) => {}
            // A client that is told no goes on.
            Err(DurableError::Refused(_)) => {}
            Err(DurableError::Store(End::Ended)) => return Err(()),
            Err(other) => panic!("{other}"),
        }
        self.pending = None;
        self.was_taken(owner);
        Ok(())
    }

    fn was_taken(&mut self, owner: Owner) {
        match owner {
            Owner::Client => {
                self.world.taken += 1;
                self.world.rounds = 0;
            }
            Owner::Host(ids) => {
                self.world.rounds += 1;
                self.world.acknowledged.extend(ids);
            }
        }
    }

    fn moment(&self) -> Result<(), Ended> {
        if self.fate.ends() { Err(()) } else { Ok(()) }
    }
}

fn ended<T>(result: Result<T, DurableError<End>>) -> Result<T, Ended> {
    match result {
        Ok(done) => Ok(done),
        Err(DurableError::Store(End::Ended)) => Err(()),
        Err(other) => panic!("{other}"),
    }
}

/// The whole script, with processes that end at `moment`. What came of it, what was done, and how many moments there were.
fn run(seed: u64, moment: u64) -> Option<(Value, Done, u64)> {
    let reading = Arc::new(Mutex::new(None));
    let source = Arc::clone(&reading);
    let reads = Reads::new(move |_| match &mut *source.lock().unwrap() {
        Some((input, count)) => {
            *count += 1;
            Ok(json!([*input, *count]))
        }
        None => panic!("a replay asked the world"),
    });
    let machines = machines(seed, &reads);
    let fresh = hob_machine::driver::System::new("it", &machines, "a", limits()).unwrap();
    *reading.lock().unwrap() = Some((0, 0));
    if fresh.clone().start(json!({"log": []}), 1000).is_err() {
        return None;
    }
    let mut run = Run {
        seed,
        machines: &machines,
        reads: &reads,
        reading: &reading,
        journal: MemoryJournal::new(),
        fate: Fate::at(moment),
        world: World::default(),
        pending: None,
    };
    for _ in 0..3 {
        if let Ok(state) = run.process() {
            assert_eq!(run.world.taken, INPUTS);
            let done: BTreeSet<_> = run.world.done.keys().cloned().collect();
            assert_eq!(done, run.world.acknowledged, "everything was done, and is known to be");
            return Some((state, run.world.done, run.fate.moments()));
        }
    }
    panic!("one end needs two processes");
}

#[test]
fn a_process_that_ends_anywhere_loses_nothing_and_does_nothing_twice() {
    let (mut ends, mut again, mut scripts) = (0, 0, 0);
    for seed in 0..20 {
        let Some((state, done, moments)) = run(seed, u64::MAX) else { continue };
        scripts += 1;
        assert!(done.values().all(|(_, times)| *times == 1));
        for moment in 0..moments {
            let (other, effects, _) = run(seed, moment).unwrap();
            assert_eq!(other, state, "seed {seed}, moment {moment}");
            assert!(effects.keys().eq(done.keys()), "seed {seed}, moment {moment}");
            assert!(effects.values().map(|(effect, _)| effect).eq(done.values().map(|(effect, _)| effect)));
            ends += 1;
            again += effects.values().filter(|(_, times)| *times > 1).count();
        }
    }
    // The test has seen what it is about: scripts of many moments, and effects that were asked for again.
    assert!(scripts > 12 && ends > 700 && again > 50, "{scripts} scripts, {ends} ends, {again} again");
}
