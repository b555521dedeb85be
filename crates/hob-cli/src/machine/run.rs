//! `hob machine run`: a machine and those it starts, events, and time that passes when it is told to.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use hob::Behavior;
use hob::machine::driver::{Ask, Drive, Input, Machines, Output, Stepped, System, SystemLimits};
use hob::machine::journal::JournalEntry;
use hob::machine::{Machine, Name};
use serde_json::{Value, json};

use super::args::{BindArgs, Rules, RunArgs, SourceArgs};
use super::bind;
use super::events::{self, Sent};
use crate::report::{Done, Failure, HOST, print, print_json};

/// What the first machine is called in a system.
pub(super) const ROOT: &str = "main";

/// How often a machine may ask for services in answer to services, before that is no progress any more.
const ROUNDS_MAX: usize = 10_000;

pub(crate) fn run(args: &RunArgs) -> Done {
    let machine = bind::bind(&args.source, &args.bind)?;
    let machines = machines(&machine, &args.machine, &args.bind, args.source.semantics)?;
    let mut services = BTreeMap::new();
    for (name, path) in &args.service {
        services.insert(name.as_str(), bind::behavior(path, &args.bind.guest)?);
    }
    let system = System::new(ROOT, &machines, ROOT, SystemLimits::default());
    let mut runner = Runner {
        system: system.map_err(|refusal| Failure::new(HOST, refusal))?,
        services,
        journal: args.journal.as_deref().map(open).transpose()?,
        json: args.json,
        now: 0,
        failed: false,
    };
    runner.input(&Input::Start { context: events::context(args.context.as_deref())? })?;
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
    machine: &Arc<Machine>,
    others: &[(String, String)],
    bind: &BindArgs,
    semantics: Option<Rules>,
) -> Result<Machines, Failure> {
    let mut machines = Machines::new().with(ROOT, machine);
    for (name, file) in others {
        let source = SourceArgs { file: file.into(), semantics };
        machines = machines.with(name, &bind::bind(&source, bind)?);
    }
    Ok(machines)
}

fn open(path: &Path) -> Result<std::fs::File, Failure> {
    std::fs::File::create(path)
        .map_err(|error| Failure::new(HOST, format!("failed to create {}: {error}", path.display())))
}

struct Runner<'a> {
    system: System,
    services: BTreeMap<&'a str, Behavior>,
    journal: Option<std::fs::File>,
    json: bool,
    /// Nanoseconds since the machine began.
    now: i64,
    failed: bool,
}

impl Runner<'_> {
    /// Gives the system an input, and does what it asks for until it asks for nothing more.
    fn input(&mut self, input: &Input) -> Result<(), Failure> {
        let mut next = Some(input.clone());
        for _ in 0..ROUNDS_MAX {
            let Some(input) = next.take() else { return Ok(()) };
            let step = self.system.inputs();
            let drive = self.system.apply_traced(&input, self.now, true);
            let drive = drive.map_err(|refusal| Failure::new(HOST, refusal))?;
            self.keep(&JournalEntry::of_input(step, &input, self.now))?;
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
        while let Some(due) = self.system.next_deadline().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            self.input(&Input::Time)?;
        }
        self.now = end;
        Ok(())
    }

    /// Does what was asked for. Returns what a service came to, or that everything else was done.
    fn serve(&mut self) -> Result<Option<Input>, Failure> {
        let outputs = self.system.drain();
        for output in &outputs {
            self.tell(output)?;
        }
        let running = self.system.services().find(|(_, running)| !running.settled);
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

    fn keep(&mut self, entry: &JournalEntry) -> Result<(), Failure> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        writeln!(journal, "{}", entry.to_value())
            .map_err(|error| Failure::new(HOST, format!("failed to write the journal: {error}")))
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
                .system
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
        let timers = self.system.timers();
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
