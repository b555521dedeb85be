//! Looking back at vats: `hob vat log`, `at`, `replay` and `diff`. Nothing of it writes.

use std::sync::Arc;

use hob::vat::history::{Difference, History, How, Link, Past, Place as Moment, Recorded, Step};
use hob::vat::record::Stored;
use hob::vat::{Body, Message, Outcome, Report, TurnStore};

use super::args::{AtArgs, DiffArgs, LogArgs, PastArgs, RangeArgs, ReplayVatArgs};
use super::console::shown;
use super::place::Modules;
use super::{failure, json, store};
use crate::report::{Done, Failure, HOST, USAGE, print, print_json};

/// How many messages of a chain are followed.
const FOLLOWED_MAX: usize = 1000;

/// Prints a line; text of guests is escaped.
pub(super) fn say(line: &str) -> Result<(), Failure> {
    print(&format!("{}\n", shown(line)))
}

/// A vat of a store, as it was told about.
pub(super) struct Looked {
    pub(super) store: Arc<dyn TurnStore>,
    pub(super) vat: Recorded,
    json: bool,
}

impl Looked {
    pub(super) fn open(args: &PastArgs) -> Result<Self, Failure> {
        let store = store::past(&args.store)?;
        let vats = History::new(&*store).vats().map_err(failure)?;
        let names: Vec<String> = vats.iter().map(|vat| format!("{:?}", vat.name)).collect();
        let wanted = &args.which.vat;
        let found = vats.into_iter().find(|vat| vat.name == *wanted);
        let vat = found.ok_or_else(|| {
            let there = if names.is_empty() { "no vats".to_owned() } else { names.join(", ") };
            let message = format!("{} has no vat {wanted:?}; it has {there}", args.store.display());
            Failure::new(HOST, message)
        })?;
        Ok(Self { store, vat, json: args.json })
    }

    pub(super) fn history(&self) -> History<'_> {
        History::new(&*self.store)
    }

    /// The vat after so many records.
    pub(super) fn at(&self, records: u64) -> Result<Past, Failure> {
        self.reaches(records)?;
        self.history().at(self.vat.id, records).map_err(failure)
    }

    /// Checks that a vat has so many records.
    fn reaches(&self, records: u64) -> Result<(), Failure> {
        let (name, next) = (&self.vat.name, self.vat.records.next);
        if records <= next {
            return Ok(());
        }
        Err(Failure::new(USAGE, format!("{name} has {next} records, which is less than {records}")))
    }

    /// The records that were asked for; all without that.
    fn range(&self, args: &RangeArgs) -> Result<std::ops::Range<u64>, Failure> {
        let records = self.vat.records;
        let (from, to) = (args.from.unwrap_or(records.first), args.to.unwrap_or(records.next));
        self.reaches(from)?;
        self.reaches(to)?;
        if from > to {
            return Err(Failure::new(
                USAGE,
                format!("no record is from {from} to {to}: --from is at most --to"),
            ));
        }
        Ok(from..to)
    }

    /// Checks that it has a record of this number.
    fn has(&self, record: u64) -> Result<Moment, Failure> {
        let (name, records) = (&self.vat.name, self.vat.records);
        if (records.first..records.next).contains(&record) {
            return Ok(Moment { vat: self.vat.id, record });
        }
        let there = match records.next.checked_sub(1) {
            Some(last) if records.first <= last => format!("it has {} to {last}", records.first),
            _ => "it has none".into(),
        };
        Err(Failure::new(USAGE, format!("{name} has no record {record}; {there}")))
    }

    /// Shows something to a person, or to a program.
    fn show(
        &self,
        text: impl FnOnce() -> String,
        json: impl FnOnce() -> serde_json::Value,
    ) -> Result<(), Failure> {
        if self.json { print_json(&json()) } else { say(&text()) }
    }
}

pub(super) fn log(args: &LogArgs) -> Done {
    let looked = Looked::open(&args.past)?;
    let (history, vat) = (looked.history(), &looked.vat);
    if let Some(record) = args.effects.or(args.causes) {
        let kinds = Modules::open(&args.past.which.module)?.kinds();
        let of = looked.has(record)?;
        let links = match args.effects {
            Some(_) => history.effects(of, None, Some(&kinds), FOLLOWED_MAX),
            None => history.causes(of, None, Some(&kinds), FOLLOWED_MAX),
        };
        let links = links.map_err(failure)?;
        links.iter().try_for_each(|it| looked.show(|| link(it), || json::link(it)))?;
        if links.len() >= FOLLOWED_MAX {
            eprintln!("hob: only the nearest {FOLLOWED_MAX} are shown");
        }
        return Ok(0);
    }
    for entry in history.log(vat.id, looked.range(&args.range)?) {
        let entry = entry.map_err(failure)?;
        if looked.json {
            print_json(&json::entry(vat.id, &entry))?;
            continue;
        }
        say(&entry.to_string())?;
        let record = &entry.record;
        if args.messages {
            record.inputs.iter().try_for_each(|it| say(&format!("  in  {}", told(&it.message))))?;
            record.outbox.iter().try_for_each(|it| say(&format!("  out {}", told(&it.message))))?;
        }
        for failed in &record.failures {
            say(&format!("  turn {} of {} failed: {}", failed.turn, failed.to, failed.reason))?;
        }
    }
    Ok(0)
}

fn link(link: &Link) -> String {
    let place = |place: &Option<Moment>| {
        place
            .map_or_else(|| "outside".to_owned(), |place| format!("record {} of {}", place.record, place.vat))
    };
    let sure = if link.certain { "" } else { " (perhaps)" };
    format!("{} -> {}{sure}: {}", place(&link.from), place(&link.to), told(&link.sent.message))
}

fn told(message: &Message) -> String {
    let said = match &message.body {
        Body::Args(args) => hob::vat::Value::List(args.clone()).to_string(),
        Body::Fulfill(value) => format!("fulfill {value}"),
        Body::Break(reason) => format!("break {reason}"),
        Body::Listen { listener, .. } => format!("listen {listener}"),
    };
    format!("{} {said}", message.to)
}

pub(super) fn at(args: &AtArgs) -> Done {
    let looked = Looked::open(&args.past)?;
    let records = args.records.unwrap_or(looked.vat.records.next);
    let past = looked.at(records)?;
    if let Some([name, said]) = args.call.as_deref() {
        let actor = past.find(name).ok_or_else(|| {
            let names = past.names().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
            let there =
                if names.is_empty() { "nothing was".to_owned() } else { format!("these were: {names}") };
            Failure::new(HOST, format!("nothing was published as {name:?}; {there}"))
        })?;
        let said = hob_repl::values(said).map_err(failure)?;
        let message = Message { to: actor, body: Body::Args(said.into()), resolver: None };
        let kinds = Modules::open(&args.past.which.module)?.kinds();
        let reports = looked.history().peek(looked.vat.id, records, message, &kinds).map_err(failure)?;
        reports.iter().try_for_each(|it| looked.show(|| report(it), || json::report(it)))?;
        return Ok(0);
    }
    if !looked.json {
        say(&format!("{} after {records} records, {} turns", looked.vat.name, past.turns()))?;
    }
    for (what, is) in past.places() {
        looked.show(|| format!("{what} {}", stored(is)), || json::thing(what, is))?;
    }
    past.queue().try_for_each(|it| looked.show(|| format!("waits: {}", told(it)), || json::waits(it)))?;
    Ok(0)
}

fn report(report: &Report) -> String {
    let came = match &report.outcome {
        Outcome::Done(value) => value.to_string(),
        Outcome::Passed => "…".to_owned(),
        Outcome::Failed(problem) => format!("failed: {problem}"),
    };
    format!("{} -> {came}", told(&report.message))
}

fn stored(what: &Stored) -> String {
    match what {
        Stored::Object { kind, version, state } => format!("{kind} {version}: {state}"),
        Stored::Promise(_) => "not kept yet".to_owned(),
        Stored::Link(to) => format!("kept: {to}"),
        Stored::Encased(value) => format!("kept: {value}"),
        Stored::Broken(reason) => format!("broken: {reason}"),
    }
}

/// Exit code 1 when something else came of it.
pub(super) fn replay(args: &ReplayVatArgs) -> Done {
    let looked = Looked::open(&args.past)?;
    let kinds = Modules::open(&args.past.which.module)?.kinds();
    let std::ops::Range { start: from, end: to } = looked.range(&args.range)?;
    let (mut same, mut applied) = (0_u64, 0_u64);
    for step in looked.history().replay(looked.vat.id, from, to, &kinds).map_err(failure)? {
        let step = step.map_err(failure)?;
        if looked.json {
            print_json(&json::step(&step))?;
        }
        match step {
            Step::Same(_) => same += 1,
            Step::Applied(_) => applied += 1,
            Step::Differs(_) if looked.json => return Ok(1),
            Step::Differs(found) => {
                say(&format!(
                    "record {}: {} was {} and is {}",
                    found.record, found.what, found.then, found.now
                ))?;
                return Ok(1);
            }
        }
    }
    if !looked.json {
        say(&format!(
            "{same} records came to the same again, {applied} were of the program and taken as they are"
        ))?;
    }
    Ok(0)
}

pub(super) fn diff(args: &DiffArgs) -> Done {
    let looked = Looked::open(&args.past)?;
    if args.after < args.before {
        let message = format!("BEFORE is {} and AFTER is {}, which is before it", args.before, args.after);
        return Err(Failure::new(USAGE, message));
    }
    looked.reaches(args.after)?;
    let found = looked.history().diff(looked.vat.id, args.before, args.after).map_err(failure)?;
    found.iter().try_for_each(|it| looked.show(|| difference(it), || json::difference(it)))?;
    Ok(0)
}

fn difference(Difference { what, how }: &Difference) -> String {
    match how {
        How::Born(now) => format!("+ {what} {}", stored(now)),
        How::Collected(then) => format!("- {what} {}", stored(then)),
        How::Changed { before, after } | How::Settled { before, after } => {
            format!("* {what} {} -> {}", stored(before), stored(after))
        }
    }
}
