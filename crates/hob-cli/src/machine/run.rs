//! `hob machine run`: a machine and those it starts, events, and time that passes when it is told to.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use hob::Behavior;
use hob::machine::Name;
use hob::machine::driver::{Ask, Drive, Input, Machines, Output, Stepped, System, SystemLimits};
use hob::machine::journal::{Durable, JournalEntry, Setup};
use hob::store::{Journal, Store};
use serde_json::{Value, json};

use super::args::{BindArgs, Rules, RunArgs, SourceArgs};
use super::bind::{self, Bound};
use super::events::{self, Sent};
use crate::report::{Done, Failure, HOST, print, print_json};

/// What the first machine is called in a system.
pub(super) const ROOT: &str = "main";

/// How often a machine may ask for services in answer to services, before that is no progress any more.
const ROUNDS_MAX: usize = 10_000;

pub(crate) fn run(args: &RunArgs) -> Done {
    let bound = bind::bind(&args.source, &args.bind)?;
    let machines = machines(&bound, &args.machine, &args.bind, args.source.semantics)?;
    let mut services = BTreeMap::new();
    for (name, path) in &args.service {
        services.insert(name.as_str(), bind::behavior(path, &args.bind.guest)?);
    }
    let now = if args.store.is_some() { clock()? } else { 0 };
    let mut runner =
        Runner { driven: Driven::open(args, &machines, now)?, services, json: args.json, now, failed: false };
    if runner.driven.system().inputs() == 0 {
        runner.input(&Input::Start { context: bound.context(args.context.as_deref())? })?;
    } else {
        // What became due while nobody looked.
        runner.input(&Input::Time)?;
    }
    for sent in events::all(&args.events) {
        match sent? {
            Sent::Event(event) => runner.input(&Input::Event { to: None, event })?,
            Sent::Time(nanos) => runner.pass(nanos)?,
        }
    }
    Ok(u8::from(runner.failed))
}

/// The machine itself and those it may start, by the names that documents use.
pub(super) fn machines(
    bound: &Bound,
    others: &[(String, String)],
    bind: &BindArgs,
    semantics: Option<Rules>,
) -> Result<Machines, Failure> {
    let mut machines = bound.add_to(Machines::new(), ROOT);
    for (name, file) in others {
        let source = SourceArgs { file: file.into(), semantics };
        machines = bind::bind(&source, bind)?.add_to(machines, name);
    }
    Ok(machines)
}

fn open(path: &Path) -> Result<std::fs::File, Failure> {
    std::fs::File::create(path)
        .map_err(|error| Failure::new(HOST, format!("failed to create {}: {error}", path.display())))
}

/// Nanoseconds since 1970.
fn clock() -> Result<i64, Failure> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| Failure::new(HOST, error))?;
    i64::try_from(since.as_nanos()).map_err(|error| Failure::new(HOST, error))
}

/// A system, and where its inputs are kept.
enum Driven {
    Plain(Box<System>, Option<std::fs::File>),
    Kept(Box<Durable<Journal>>),
}

impl Driven {
    fn open(args: &RunArgs, machines: &Machines, now: i64) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::new(HOST, error);
        if let Some(path) = &args.store {
            let store = Store::open(path).map_err(|error| failed(&error))?;
            let setup = Setup::new(ROOT, machines, ROOT);
            let durable =
                Durable::open(Journal::new(&store, ROOT), setup, now).map_err(|error| failed(&error))?;
            return Ok(Self::Kept(Box::new(durable)));
        }
        let system =
            System::new(ROOT, machines, ROOT, SystemLimits::default()).map_err(|error| failed(&error))?;
        Ok(Self::Plain(Box::new(system), args.journal.as_deref().map(open).transpose()?))
    }

    fn system(&self) -> &System {
        match self {
            Self::Plain(system, _) => system,
            Self::Kept(durable) => durable.system(),
        }
    }

    fn apply(&mut self, input: &Input, now: i64) -> Result<Drive, Failure> {
        match self {
            Self::Plain(system, journal) => {
                let step = system.inputs();
                let drive =
                    system.apply_traced(input, now, true).map_err(|refusal| Failure::new(HOST, refusal))?;
                if let Some(journal) = journal {
                    let entry = JournalEntry::of_input(step, input, now);
                    writeln!(journal, "{}", entry.to_value()).map_err(|error| {
                        Failure::new(HOST, format!("failed to write the journal: {error}"))
                    })?;
                }
                Ok(drive)
            }
            Self::Kept(durable) => {
                durable.apply_traced(input, now, true).map_err(|error| Failure::new(HOST, error))
            }
        }
    }

    fn drain(&mut self) -> Vec<Output> {
        match self {
            Self::Plain(system, _) => system.drain(),
            Self::Kept(durable) => durable.drain(),
        }
    }
}

struct Runner<'a> {
    driven: Driven,
    services: BTreeMap<&'a str, Behavior>,
    json: bool,
    /// Nanoseconds since the machine began, or since 1970 when it is kept.
    now: i64,
    failed: bool,
}

impl Runner<'_> {
    /// Gives the system an input, and does what it asks for until it asks for nothing more.
    fn input(&mut self, input: &Input) -> Result<(), Failure> {
        let mut next = Some(input.clone());
        for _ in 0..ROUNDS_MAX {
            let Some(input) = next.take() else { return Ok(()) };
            let drive = self.driven.apply(&input, self.now)?;
            self.report(&drive)?;
            next = self.serve()?.or_else(|| drive.more.then_some(Input::Time));
        }
        Err(Failure::new(
            HOST,
            format!("the machine asked for services more than {ROUNDS_MAX} times without coming to rest"),
        ))
    }

    /// Lets time pass, from one timer to the next.
    fn pass(&mut self, nanos: i64) -> Result<(), Failure> {
        let end = self.now.saturating_add(nanos);
        while let Some(due) = self.driven.system().next_deadline().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            self.input(&Input::Time)?;
        }
        self.now = end;
        Ok(())
    }

    /// Does what was asked for. Returns what a service came to, or that everything else was done.
    fn serve(&mut self) -> Result<Option<Input>, Failure> {
        let outputs = self.driven.drain();
        for output in &outputs {
            self.tell(output)?;
        }
        let running = self.driven.system().services().find(|(_, running)| !running.settled);
        if let Some((_, running)) = running {
            let name = running.start.src.name.as_str();
            let result = match self.services.get(name) {
                Some(behavior) => behavior.serve(&running.start, None).map_err(|failure| json!(failure.0)),
                // One that nobody brought goes on until the machine leaves its state.
                None => return Ok(self.acknowledge(&outputs)),
            };
            return Ok(Some(Input::Service { run: running.run.clone(), result }));
        }
        Ok(self.acknowledge(&outputs))
    }

    fn acknowledge(&self, outputs: &[Output]) -> Option<Input> {
        let ids: Vec<_> = outputs.iter().map(|output| output.id.clone()).collect();
        (!ids.is_empty()).then_some(Input::Acknowledge { ids })
    }

    fn tell(&self, output: &Output) -> Result<(), Failure> {
        let what = match &output.ask {
            Ask::Message { event } => format!("says {event}"),
            Ask::Failed { id, src, error } => format!("{id} ({src}) failed: {error}"),
            Ask::StartService(start) if !self.services.contains_key(start.src.name.as_str()) => {
                format!("waits for service {:?}, which is not bound; bind it with --service", start.src.name)
            }
            _ => return Ok(()),
        };
        if self.json { Ok(()) } else { print(&format!("  {}\n", hob::escape_guest_text(&what, 2000))) }
    }

    fn report(&mut self, drive: &Drive) -> Result<(), Failure> {
        for stepped in &drive.steps {
            self.failed |= stepped.fault.is_some();
            let instance = self
                .driven
                .system()
                .instances()
                .find(|(name, _)| **name == *stepped.machine)
                .map(|(_, instance)| instance);
            let configuration = instance.map(|instance| instance.configuration()).unwrap_or_default();
            let context = instance.map(|instance| instance.context().clone()).unwrap_or_default();
            if self.json {
                print_json(&json!({
                    "machine": stepped.machine,
                    "event": stepped.event,
                    "configuration": configuration,
                    "context": context,
                    "effects": stepped.effects,
                    "trace": stepped.trace,
                    "error": stepped.fault.as_ref().map(ToString::to_string),
                    "done": instance.is_none_or(|instance| instance.is_done()),
                    "timers": self.timers(),
                }))?;
            } else {
                print(&self.line(stepped, &configuration, &context))?;
            }
        }
        Ok(())
    }

    fn timers(&self) -> Vec<Value> {
        let timers = self.driven.system().timers();
        timers
            .map(|(due, machine, id, event)| json!({"at": due, "machine": machine, "id": id, "event": event}))
            .collect()
    }

    fn line(&self, stepped: &Stepped, configuration: &[Name], context: &Value) -> String {
        let who = if *stepped.machine == *ROOT { String::new() } else { format!("[{}] ", stepped.machine) };
        let event = stepped.event.as_ref().map_or_else(|| "start".into(), Name::to_string);
        let names: Vec<String> = configuration.iter().map(Name::to_string).collect();
        let mut line =
            format!("{who}{event} -> {}", if names.is_empty() { "done".into() } else { names.join(" ") });
        if let Some(fault) = &stepped.fault {
            line += &format!("  error: {fault}");
        }
        let mut out = hob::escape_guest_text(&line, 4000) + "\n";
        for effect in &stepped.effects {
            out += &format!("  effect {}\n", hob::escape_guest_text(&effect.to_string(), 4000));
        }
        if *context != json!({}) && !context.is_null() {
            out += &format!("  context {}\n", hob::escape_guest_text(&context.to_string(), 4000));
        }
        out
    }
}
