//! Looking back at vats: `hob vat log`, `at`, `replay` and `diff`. Nothing of it writes.

use hob::vat::history::{Difference, History, How, Link, Place as Moment, Recorded, Step};
use hob::vat::record::Stored;
use hob::vat::{Body, Message, Outcome, Ref, Report};

use super::args::{AtArgs, DiffArgs, LogArgs, PastArgs, ReplayVatArgs};
use super::failure;
use super::place::{self, Modules};
use crate::report::{Done, Failure, HOST, print};

/// How many messages of a chain are followed.
const FOLLOWED_MAX: usize = 1000;

/// Prints a line; text of guests is escaped.
fn say(line: &str) -> Result<(), Failure> {
    print(&format!("{}\n", hob::escape_guest_text(line, usize::MAX)))
}

fn vat(history: &History<'_>, args: &PastArgs) -> Result<Recorded, Failure> {
    let vats = history.vats().map_err(failure)?;
    let names: Vec<String> = vats.iter().map(|vat| vat.name.clone()).collect();
    let found = vats.into_iter().find(|vat| vat.name == args.vat);
    found.ok_or_else(|| {
        let message =
            format!("{} has no vat {:?}; it has {}", args.store.display(), args.vat, names.join(", "));
        Failure::new(HOST, message)
    })
}

pub(super) fn log(args: &LogArgs) -> Done {
    let store = place::past(&args.past.store)?;
    let history = History::new(&store);
    let vat = vat(&history, &args.past)?;
    let kinds = Modules::open(&args.past.module)?.kinds();
    let moment = |record| Moment { vat: vat.id, record };
    if let Some(record) = args.effects {
        let links = history.effects(moment(record), None, Some(&kinds), FOLLOWED_MAX).map_err(failure)?;
        return links.iter().try_for_each(link).map(|()| 0);
    }
    if let Some(record) = args.causes {
        let links = history.causes(moment(record), None, Some(&kinds), FOLLOWED_MAX).map_err(failure)?;
        return links.iter().try_for_each(link).map(|()| 0);
    }
    let from = args.from.max(vat.records.first);
    for entry in history.log(vat.id, from..args.to.unwrap_or(u64::MAX)) {
        let entry = entry.map_err(failure)?;
        say(&entry.to_string())?;
        if args.messages {
            entry
                .record
                .inputs
                .iter()
                .try_for_each(|input| say(&format!("  in  {}", shown(&input.message))))?;
            entry
                .record
                .outbox
                .iter()
                .try_for_each(|sent| say(&format!("  out {}", shown(&sent.message))))?;
        }
        for failed in &entry.record.failures {
            say(&format!("  turn {} of {} failed: {}", failed.turn, failed.to, failed.reason))?;
        }
    }
    Ok(0)
}

fn link(link: &Link) -> Result<(), Failure> {
    let place = |place: &Option<Moment>| {
        place
            .map_or_else(|| "outside".to_owned(), |place| format!("record {} of {}", place.record, place.vat))
    };
    let sure = if link.certain { "" } else { " (perhaps)" };
    say(&format!("{} -> {}{sure}: {}", place(&link.from), place(&link.to), shown(&link.sent.message)))
}

fn shown(message: &Message) -> String {
    let said = match &message.body {
        Body::Args(args) => hob::vat::Value::List(args.clone()).to_string(),
        Body::Fulfill(value) => format!("fulfill {value}"),
        Body::Break(reason) => format!("break {reason}"),
        Body::Listen { listener, .. } => format!("listen {listener}"),
    };
    format!("{} {said}", message.to)
}

pub(super) fn at(args: &AtArgs) -> Done {
    let store = place::past(&args.past.store)?;
    let history = History::new(&store);
    let vat = vat(&history, &args.past)?;
    let records = args.records.unwrap_or(vat.records.next);
    let past = history.at(vat.id, records).map_err(failure)?;
    if let Some([name, said]) = args.call.as_deref() {
        let actor =
            past.find(name).ok_or_else(|| Failure::new(HOST, format!("nothing was published as {name}")))?;
        let said = hob_repl::values(said).map_err(failure)?;
        let message = Message { to: actor, body: Body::Args(said.into()), resolver: None };
        let kinds = Modules::open(&args.past.module)?.kinds();
        let reports = history.peek(vat.id, records, message, &kinds).map_err(failure)?;
        reports.iter().try_for_each(report)?;
        return Ok(0);
    }
    say(&format!("{} after {records} records, {} turns", vat.name, past.turns()))?;
    for (reference, what) in past.places() {
        say(&format!("{reference} {}", stored(what)))?;
    }
    past.queue().try_for_each(|message| say(&format!("waits: {}", shown(message))))?;
    Ok(0)
}

fn report(report: &Report) -> Result<(), Failure> {
    let came = match &report.outcome {
        Outcome::Done(value) => value.to_string(),
        Outcome::Passed => "…".to_owned(),
        Outcome::Failed(problem) => format!("failed: {problem}"),
    };
    say(&format!("{} -> {came}", shown(&report.message)))
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
    let store = place::past(&args.past.store)?;
    let history = History::new(&store);
    let vat = vat(&history, &args.past)?;
    let kinds = Modules::open(&args.past.module)?.kinds();
    let from = args.from.max(vat.records.first);
    let to = args.to.unwrap_or(vat.records.next);
    let (mut same, mut applied) = (0_u64, 0_u64);
    for step in history.replay(vat.id, from, to, &kinds).map_err(failure)? {
        match step.map_err(failure)? {
            Step::Same(_) => same += 1,
            Step::Applied(_) => applied += 1,
            Step::Differs(found) => {
                say(&format!(
                    "record {}: {} was {} and is {}",
                    found.record, found.what, found.then, found.now
                ))?;
                return Ok(1);
            }
        }
    }
    say(&format!(
        "{same} records came to the same again, {applied} were of the program and taken as they are"
    ))?;
    Ok(0)
}

pub(super) fn diff(args: &DiffArgs) -> Done {
    let store = place::past(&args.past.store)?;
    let history = History::new(&store);
    let vat = vat(&history, &args.past)?;
    for Difference { what, how } in history.diff(vat.id, args.before, args.after).map_err(failure)? {
        say(&difference(what, &how))?;
    }
    Ok(0)
}

fn difference(what: Ref, how: &How) -> String {
    match how {
        How::Born(now) => format!("+ {what} {}", stored(now)),
        How::Collected(then) => format!("- {what} {}", stored(then)),
        How::Changed { before, after } | How::Settled { before, after } => {
            format!("* {what} {} -> {}", stored(before), stored(after))
        }
    }
}
