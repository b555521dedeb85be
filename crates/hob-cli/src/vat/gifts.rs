//! What `--give` hands over: parts of this machine, as references that lines can name from the start.

use std::sync::Arc;

use hob::powerbox::Powerbox;
use hob::vat::{KindRef, Peer, Problem, Value};
use hob::{AuditLog, AuditSink, Gift, Given, Sink, Source};
use hob_repl::{Powers, words};

use super::args::GiveArgs;
use super::failure;
use super::place::Modules;
use crate::audit::key;
use crate::report::{Failure, HOST};

/// What the speaker of lines may ask of the program, and what it was given of the machine.
pub(super) struct Gifts {
    modules: Modules,
    given: Vec<(String, Value)>,
    powerbox: Option<Powerbox>,
    log: Option<Arc<AuditLog>>,
}

impl Gifts {
    /// `input` is what is read by a console that is given.
    pub(super) fn open(
        args: &GiveArgs,
        peer: &Peer,
        modules: Modules,
        input: Source,
    ) -> Result<Self, Failure> {
        let mut gifts = Self { modules, given: Vec::new(), powerbox: None, log: None };
        if args.give.is_empty() {
            return Ok(gifts);
        }
        let mut builder = Powerbox::builder();
        if let Some(file) = &args.record.audit {
            let log = AuditLog::open(file, &key(&args.record.key)?);
            let log = log
                .map_err(|error| Failure::new(HOST, format!("failed to open the audit log: {}", error.0)))?;
            let log = Arc::new(log);
            builder = builder.audit(Arc::clone(&log) as Arc<dyn AuditSink>);
            gifts.log = Some(log);
        }
        let powerbox = builder.open(peer).map_err(failure)?;
        let mut input = Some(input);
        for given in &args.give {
            let value = gifts.reference(&powerbox, given, &mut input)?;
            gifts.given.push((given.name.clone(), value));
        }
        gifts.powerbox = Some(powerbox);
        Ok(gifts)
    }

    fn reference(
        &self,
        powerbox: &Powerbox,
        given: &Given,
        input: &mut Option<Source>,
    ) -> Result<Value, Failure> {
        let Given { name, gift } = given;
        let failed = |why: String| Failure::new(HOST, format!("failed to give `{name}`: {why}"));
        if words().iter().any(|word| word.name == name) {
            return Err(failed("that is a word of the language; `help` in `hob repl` lists them".into()));
        }
        if self.given.iter().any(|(known, _)| known == name) {
            return Err(failed("it was given already; each name is one thing".into()));
        }
        let made = match gift {
            Gift::Console => match input.take() {
                Some(input) => powerbox.console(input, Sink::Host, Sink::Host),
                None => return Err(failed("there is one console".into())),
            },
            gift => powerbox.give(gift),
        };
        made.map(Value::Ref).map_err(|problem| failed(problem.to_string()))
    }

    /// Ends what was given. A conversation whose log is not whole did not go well.
    pub(super) fn finish(self) -> Result<(), Failure> {
        drop(self.powerbox);
        let Some(log) = &self.log else { return Ok(()) };
        log.finish().map_err(|error| Failure::new(HOST, error))
    }
}

impl Powers for Gifts {
    fn load(&mut self, file: &str) -> Result<KindRef, Problem> {
        self.modules.load(file)
    }

    fn given(&self) -> Vec<(String, Value)> {
        self.given.clone()
    }

    fn outside(&self) -> Option<u64> {
        self.powerbox.as_ref().map_or(Some(0), Powerbox::answered)
    }
}
