//! A machine with its journal in a store whose power goes off, at every write and at every wait for the disk: what was written
//! since the last wait is gone then, all of it or any part.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly"
)]

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use hob_machine::driver::Machines;
use hob_machine::journal::{Durable, DurableError, Setup};
use hob_machine::{Chart, Document, Machine, Registry};
use hob_store::{Journal, JournalError, Store};
use redb::StorageBackend;
use serde_json::{Value, json};

#[derive(Debug, Default)]
struct Disk {
    /// What is there whatever happens.
    kept: Vec<u8>,
    /// What the process sees.
    seen: Vec<u8>,
    /// What was written since the last wait.
    written: Vec<(u64, Vec<u8>)>,
    moments: u64,
    off_at: u64,
    off: bool,
    /// Of what was written since, every so manieth write was kept after all; 0 for none.
    keeps: usize,
}

impl Disk {
    fn on(&mut self) -> io::Result<()> {
        if self.moments == self.off_at {
            self.off = true;
        }
        self.moments += 1;
        if self.off { Err(io::Error::other("no power")) } else { Ok(()) }
    }

    fn put(bytes: &mut Vec<u8>, offset: u64, data: &[u8]) {
        let (start, end) = (offset as usize, offset as usize + data.len());
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[start..end].copy_from_slice(data);
    }
}

#[derive(Clone, Debug)]
struct Power(Arc<Mutex<Disk>>);

impl Power {
    /// The power is on again.
    fn again(&self) {
        let mut disk = self.0.lock().unwrap();
        let written = std::mem::take(&mut disk.written);
        for (number, (offset, data)) in written.iter().enumerate() {
            if disk.keeps > 0 && number % disk.keeps == 0 {
                Disk::put(&mut disk.kept, *offset, data);
            }
        }
        disk.seen = disk.kept.clone();
        disk.off = false;
    }
}

impl StorageBackend for Power {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let disk = self.0.lock().unwrap();
        let end = offset as usize + out.len();
        out.copy_from_slice(
            disk.seen.get(offset as usize..end).ok_or_else(|| io::Error::other("past the end"))?,
        );
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        disk.on()?;
        // A file's length is as durable as its name here: shorter or longer at once.
        disk.seen.resize(len as usize, 0);
        disk.kept.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        disk.on()?;
        disk.kept = disk.seen.clone();
        disk.written.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        disk.on()?;
        Disk::put(&mut disk.seen, offset, data);
        disk.written.push((offset, data.to_vec()));
        Ok(())
    }
}

fn machines() -> Machines {
    let document = json!({"name": "count", "initial": "a", "hasInitial": true, "states": [{"name": "a", "transitions": [
        {"from": "a", "to": "a", "on": "add", "internal": true,
         "effects": [{"name": "say"}], "assigns": [{"name": "add"}]}]}]});
    let registry =
        Registry::new().action("say", |call| Ok(call.data.cloned())).assign("add", |call, context| {
            let so_far = context["all"].as_array().cloned().unwrap_or_default();
            context["all"] = json!([so_far, vec![call.data.cloned().unwrap_or_default()]].concat());
            Ok(())
        });
    let chart = Chart::load(&Document::parse(&document.to_string()).unwrap()).unwrap();
    Machines::new().with("count", &Machine::bind(chart, &registry).unwrap())
}

const INPUTS: u64 = 8;

/// One process; the power may go off at any moment.
fn process(power: &Power, said: &mut BTreeMap<String, Value>) -> Result<Value, DurableError<JournalError>> {
    let store = Store::on(power.clone()).map_err(|error| DurableError::Store(error.into()))?;
    let mut durable =
        Durable::open(Journal::new(&store, "count"), Setup::new("count", &machines(), "count"), 0)?;
    if durable.system().inputs() == 0 {
        durable.start(json!({"all": []}), 0)?;
    }
    loop {
        let ids: Vec<_> = durable
            .drain()
            .into_iter()
            .map(|output| {
                let what = output.to_value();
                let before = said.insert(output.id.to_string(), what.clone());
                assert!(before.is_none_or(|before| before == what), "one number, two effects");
                output.id
            })
            .collect();
        durable.acknowledge(&ids, 0)?;
        let count = durable.system().root().unwrap().context()["all"].as_array().unwrap().len() as u64;
        if count == INPUTS {
            return Ok(durable.system().root().unwrap().context().clone());
        }
        let event = hob_machine::Event { name: "add".into(), data: Some(json!(count)) };
        durable.send(event, 0)?;
        if count % 3 == 2 {
            durable.checkpoint()?;
        }
    }
}

fn run(off_at: u64, keeps: usize) -> (Value, usize, u64, bool) {
    let disk = Disk { off_at: u64::MAX, keeps, ..Disk::default() };
    let power = Power(Arc::new(Mutex::new(disk)));
    // A file gets its name when the store in it is whole; see `Store::open`.
    drop(Store::on(power.clone()).unwrap());
    power.0.lock().unwrap().off_at = off_at;
    power.0.lock().unwrap().moments = 0;
    let mut said = BTreeMap::new();
    let mut ended = false;
    for _ in 0..2 {
        match process(&power, &mut said) {
            Ok(context) => return (context, said.len(), power.0.lock().unwrap().moments, ended),
            Err(DurableError::Store(_) | DurableError::Poisoned) => ended = true,
            Err(other) => panic!("{other}"),
        }
        power.again();
    }
    panic!("power went off once, and two processes were not enough");
}

#[test]
fn what_was_kept_is_there_when_the_power_is_on_again() {
    let expected = json!({"all": (0..INPUTS).collect::<Vec<_>>()});
    let (context, said, moments, _) = run(u64::MAX, 0);
    assert_eq!((&context, said), (&expected, INPUTS as usize));
    let mut ended = 0;
    for keeps in [0, 1, 2, 3] {
        for off_at in 0..moments {
            let (context, said, _, off) = run(off_at, keeps);
            assert_eq!((&context, said), (&expected, INPUTS as usize), "off at {off_at}, keeps {keeps}");
            ended += u64::from(off);
        }
    }
    assert!(ended > 3 * moments, "{ended} of {moments}");
}
