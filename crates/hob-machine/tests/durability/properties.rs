//! Restoring, replaying, rolling back.

use hob_machine::driver::{Fault, Input, Output, System};
use hob_machine::journal::{Durable, JournalStore, MemoryJournal, Setup};
use hob_machine::snapshot::{Migrations, Snapshot};
use hob_machine::{Event, Instance, Limits, Step};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::random::{Random, dice, input, limits, machines, one_machine};

const NAME: &str = "it";

fn state(system: &System) -> Value {
    system.snapshot().map(|snapshot| snapshot.to_value()).unwrap_or_default()
}

/// The system of a snapshot, once it has been text.
fn restored(system: &System, machines: &hob_machine::driver::Machines) -> System {
    let text = system.snapshot().unwrap().to_text().unwrap();
    let value = Snapshot::parse(&text).unwrap().to_value();
    // A moment that must not count: every deadline is in the snapshot.
    System::load(NAME, machines, "a", limits(), value, &Migrations::new(), 1 << 60).unwrap()
}

/// What an input led to, without what is the same by nature.
fn told(result: &Result<hob_machine::driver::Drive, hob_machine::driver::Refusal>) -> String {
    format!("{result:?}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_restored_system_goes_on_as_if_nothing_had_been(seed: u64) {
        let reads = hob_machine::driver::Reads::new(|_| Ok(json!(4)));
        let machines = machines(seed, &reads);
        let mut random = Random::new(!seed);
        let mut system = System::new(NAME, &machines, "a", limits()).unwrap();
        let mut now = 1000;
        if system.start(json!({"log": []}), now).is_err() {
            prop_assert_eq!(state(&system), Value::Null);
            return Ok(());
        }
        let mut other = restored(&system, &machines);
        for _ in 0..60 {
            let next = input(&mut random, &system, &mut now);
            let (one, two) = (system.apply(&next, now), other.apply(&next, now));
            prop_assert_eq!(told(&one), told(&two));
            prop_assert_eq!(state(&system), state(&other));
            prop_assert_eq!(system.next_deadline(), other.next_deadline());
            let ids = |system: &System| system.outputs().map(Output::to_value).collect::<Vec<_>>();
            prop_assert_eq!(ids(&system), ids(&other));
            if random.one_in(3) {
                other = restored(&other, &machines);
            }
        }
    }

    #[test]
    fn a_replayed_journal_leads_to_the_same(seed: u64) {
        let reads = dice();
        let machines = machines(seed, &reads);
        let setup = || Setup { limits: limits(), reads: Some(reads.clone()), ..Setup::new(NAME, &machines, "a") };
        let journal = MemoryJournal::new();
        let mut random = Random::new(!seed);
        let mut durable = Durable::open(journal.clone(), setup(), 0).unwrap();
        let mut now = 1000;
        let mut handed = Vec::new();
        let _ = durable.start(json!({"log": []}), now);
        for _ in 0..40 {
            if durable.system().inputs() == 0 {
                break;
            }
            let next = input(&mut random, durable.system(), &mut now);
            let _ = durable.apply(&next, now);
            handed.extend(durable.drain().into_iter().map(|output| output.id));
            if random.one_in(15) {
                durable.checkpoint().unwrap();
            }
        }
        let mut unique = handed.clone();
        unique.sort();
        unique.dedup();
        prop_assert_eq!(unique.len(), handed.len(), "an effect was handed out twice");
        let before = state(durable.system());
        let waiting: Vec<Value> = durable.system().outputs().map(Output::to_value).collect();
        drop(durable);
        let mut again = Durable::open(journal.clone(), setup(), 0).unwrap();
        prop_assert_eq!(state(again.system()), before);
        prop_assert_eq!(again.drain().iter().map(Output::to_value).collect::<Vec<_>>(), waiting);
    }

    #[test]
    fn a_step_that_fails_leaves_nothing(seed: u64) {
        let machine = one_machine(seed);
        let mut random = Random::new(!seed);
        let limits = Limits { microsteps: 20, effects: 12, ..Limits::default() };
        let Ok((mut instance, _)) =
            Instance::start_with(&machine, json!({"log": []}), None, &limits, false) else { return Ok(()) };
        for _ in 0..80 {
            let before = instance.clone();
            let event = Event { name: format!("e{}", random.below(5)).as_str().into(), data: Some(json!(1)) };
            let done = instance.fire_with(&event, &limits, false);
            let mut same = Instance::restore(&machine, &before.snapshot()).unwrap();
            match (done, same.fire_with(&event, &limits, false)) {
                (Ok(Step { effects: one, .. }), Ok(Step { effects: two, .. })) => prop_assert_eq!(one, two),
                (Err(one), Err(two)) => {
                    prop_assert_eq!(one.error, two.error);
                    prop_assert_eq!(instance.snapshot(), before.snapshot());
                }
                (one, two) => prop_assert!(false, "{one:?} is not {two:?}"),
            }
            prop_assert_eq!(instance.snapshot(), same.snapshot());
        }
    }

    #[test]
    fn a_step_past_a_limit_does_not_happen(seed: u64) {
        let reads = hob_machine::driver::Reads::new(|_| Ok(json!(4)));
        let machines = machines(seed, &reads);
        let mut random = Random::new(!seed);
        let mut system = System::new(NAME, &machines, "a", limits()).unwrap();
        let mut now = 1000;
        let _ = system.start(json!({"log": []}), now);
        for _ in 0..60 {
            if system.inputs() == 0 {
                break;
            }
            let before = system.root().map(Instance::snapshot);
            let next = input(&mut random, &system, &mut now);
            let Ok(drive) = system.apply(&next, now) else { continue };
            // Only the first machine moved, and its one step passed a limit.
            if let [only] = drive.steps.as_slice()
                && matches!(only.fault, Some(Fault::Exceeded(_)))
                && &*only.machine == NAME
            {
                prop_assert_eq!(system.root().map(Instance::snapshot), before);
            }
            prop_assert!(system.instances().count() <= limits().machines);
            prop_assert!(drive.steps.len() <= limits().steps);
        }
    }
}

#[test]
fn a_journal_of_json_is_the_same_journal() {
    let reads = dice();
    for seed in 0..50 {
        let machines = machines(seed, &reads);
        let setup =
            Setup { limits: limits(), reads: Some(reads.clone()), ..Setup::new(NAME, &machines, "a") };
        let mut journal = MemoryJournal::new();
        let mut durable = Durable::open(journal.clone(), setup, 0).unwrap();
        let (mut random, mut now) = (Random::new(!seed), 0);
        let _ = durable.start(json!({"log": []}), now);
        for _ in 0..20 {
            if durable.system().inputs() > 0 {
                let next: Input = input(&mut random, durable.system(), &mut now);
                let _ = durable.apply(&next, now);
            }
        }
        for entry in journal.load().unwrap().entries {
            let text = entry.to_value().to_string();
            let again = serde_json::from_str(&text).unwrap();
            assert_eq!(hob_machine::journal::JournalEntry::from_value(again), Ok(entry));
        }
    }
}
