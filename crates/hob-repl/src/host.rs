//! The console and the powers as the program has them, behind a session.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hob_vat::{Body, FarSide, Kind, KindRef, Kinds, Message, Peer, Problem, Ref, Session, Value, Vat};

use crate::speaker::{BACK, SPAWNER, SPEAKER};

/// Where lines come from and text goes to.
pub trait Console {
    /// A line; None when there are no more. `names` are those that a person could complete to.
    fn read_line(&mut self, names: &[&str]) -> Option<String>;

    /// Shows what came of a line.
    fn write(&mut self, text: &str);

    /// Shows why a line failed.
    fn complain(&mut self, text: &str);
}

/// What a speaker may ask of the program.
pub trait Powers {
    /// The code of a module.
    ///
    /// # Errors
    ///
    /// Why it cannot be had.
    fn load(&mut self, file: &str) -> Result<KindRef, Problem>;

    /// What lines can name from the start.
    fn given(&self) -> Vec<(String, Value)> {
        Vec::new()
    }

    /// How many messages of vats were answered outside of them; None while one is not answered. As long as that goes on, what a line
    /// waits for may still come.
    fn outside(&self) -> Option<u64> {
        Some(0)
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// There were no more lines.
    Done,
    /// A line failed, and a failing line was to be the last.
    Failed,
}

/// The kinds that speakers need in a store, beside the library.
pub fn kinds() -> impl Iterator<Item = KindRef> {
    [KindRef::from(&SPEAKER), KindRef::from(&BACK), KindRef::from(&SPAWNER)].into_iter()
}

/// All that a store with speakers may hold.
#[must_use]
pub(crate) fn all_kinds() -> Kinds {
    kinds().fold(Kinds::library(), Kinds::with)
}

/// How often it is looked whether the vats can still come to something by themselves.
const LOOK: Duration = Duration::from_millis(50);

/// Positions of what is behind the session.
const CONSOLE: u32 = 0;
const POWERS: u32 = 1;

struct Behind(Mutex<Sender<Message>>);

impl Session for Behind {
    fn deliver(&self, messages: Vec<Message>) {
        let send = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for message in messages {
            // Who has stopped reading lines has stopped listening.
            let _ = send.send(message);
        }
    }
}

/// Speaks in a vat until there are no more lines. With `stops` a line that fails is the last.
///
/// What only the conversation knew is gone when it is over. What was left by one whose process ended in the middle is gone when the
/// next begins.
///
/// # Errors
///
/// What is wrong with the vat.
pub fn speak(
    peer: &Peer,
    vat: &Vat,
    console: &mut dyn Console,
    powers: &mut dyn Powers,
    stops: bool,
) -> Result<End, Problem> {
    // What waited for a console of an earlier process is broken when the vat is read.
    vat.collect()?;
    let (send, receive) = channel();
    let far = peer.connect(Arc::new(Behind(Mutex::new(send))))?;
    let mut host = Host { peer, vat, far, console, powers, made: Vec::new() };
    let end = host.converse(&receive, stops);
    let over = Value::error("ended", "nobody reads lines any more");
    peer.sever(far, &over);
    host.made.iter().for_each(|made| vat.release(*made));
    vat.collect()?;
    end
}

struct Host<'a> {
    peer: &'a Peer,
    vat: &'a Vat,
    far: FarSide,
    console: &'a mut dyn Console,
    powers: &'a mut dyn Powers,
    /// What is held until it is over: the speaker, and what makes actors of modules.
    made: Vec<Ref>,
}

impl Host<'_> {
    /// Whether something may still happen by itself.
    fn goes_on(&self) -> bool {
        // Asked before and after: what was answered outside in between may have given a vat something to do.
        let before = self.powers.outside();
        before.is_none() || !self.peer.settle(Duration::ZERO) || self.powers.outside() != before
    }

    fn converse(&mut self, receive: &Receiver<Message>, stops: bool) -> Result<End, Problem> {
        let (far, given) = (self.far, self.powers.given());
        let speaker = self.vat.run(|turn| {
            let state = Value::fields([
                ("names", Value::fields(given.iter().map(|(name, value)| (name.as_str(), value.clone())))),
                ("console", far.object(CONSOLE, 0).into()),
                ("powers", far.object(POWERS, 0).into()),
                ("stops", stops.into()),
            ]);
            turn.spawn(&SPEAKER, state)
        })?;
        self.made.push(speaker);
        self.vat.send_only(speaker, [Value::symbol("start")])?;
        let mut gave_up = false;
        loop {
            let message = match receive.recv_timeout(LOOK) {
                Ok(message) => message,
                Err(RecvTimeoutError::Disconnected) => return Ok(End::Done),
                // Nothing comes from outside but what is answered here, and what the powers know of. So when no vat has anything
                // to do and nothing was asked, what is waited for will never be, and waiting would not end.
                Err(RecvTimeoutError::Timeout) if self.goes_on() => continue,
                Err(RecvTimeoutError::Timeout) => match receive.try_recv() {
                    Ok(message) => message,
                    Err(_) if gave_up => {
                        return Err(Problem::rule("silent", "the speaker asks for nothing any more".into()));
                    }
                    Err(_) => {
                        gave_up = true;
                        let reason =
                            Value::error("waits-for-ever", "nobody is left who could keep this promise");
                        self.vat.send_only(speaker, [Value::symbol("give-up"), reason])?;
                        continue;
                    }
                },
            };
            gave_up = false;
            if let Some(ended) = self.handle(message)? {
                return Ok(ended);
            }
        }
    }

    /// Does what a message asks for; says how it ended, when it did.
    fn handle(&mut self, message: Message) -> Result<Option<End>, Problem> {
        let Message { to, body, resolver } = message;
        let Body::Args(args) = &body else { return Ok(None) };
        let result = match (self.far.position(to), args.first().and_then(Value::as_name)) {
            (Some((CONSOLE, _)), Some("end")) => {
                let failed = args.get(1).and_then(Value::as_i64) != Some(0);
                return Ok(Some(if failed { End::Failed } else { End::Done }));
            }
            (Some((CONSOLE, _)), Some(method)) => self.console(method, args),
            (Some((POWERS, _)), Some(method)) => self.power(method, args),
            // A message to what an answer will be: the answer is known by now, so it goes there.
            (None, _) => {
                self.peer.deliver(self.far, Message { to, body, resolver })?;
                return Ok(None);
            }
            _ => Err(Problem::no_method(args, &["read-line", "write", "complain"])),
        };
        if let Some(to) = resolver {
            if let Ok(answer) = &result {
                self.peer.introduce(self.far, answer)?;
            }
            let body = match result {
                Ok(value) => Body::Fulfill(value),
                Err(problem) => Body::Break(problem.reason()),
            };
            self.peer.deliver(self.far, Message { to, body, resolver: None })?;
        }
        Ok(None)
    }

    fn console(&mut self, method: &str, args: &[Value]) -> Result<Value, Problem> {
        match (method, args) {
            ("read-line", [_, names]) => {
                let names: Vec<&str> =
                    names.as_list().unwrap_or_default().iter().filter_map(Value::as_str).collect();
                Ok(self.console.read_line(&names).map_or(Value::Undefined, Value::from))
            }
            ("write", [_, Value::Str(text)]) => {
                self.console.write(text);
                Ok(Value::Undefined)
            }
            ("complain", [_, Value::Str(text)]) => {
                self.console.complain(text);
                Ok(Value::Undefined)
            }
            _ => Err(Problem::no_method(args, &["read-line names", "write text", "complain text"])),
        }
    }

    fn power(&mut self, method: &str, args: &[Value]) -> Result<Value, Problem> {
        match (method, args) {
            ("load", [_, Value::Str(file)]) => {
                let kind = self.powers.load(file)?;
                let made = self.vat.run(|turn| turn.spawn(hob_vat::maker(kind), ().into()))?;
                self.made.push(made);
                Ok(made.into())
            }
            ("vat", [_, Value::Str(name)]) => spawner(&self.peer.vat(name)?).map(Value::Ref),
            ("publish", [_, Value::Str(name), Value::Ref(to)]) => {
                self.vat.publish(name, *to).map(Value::from)
            }
            ("find", [_, Value::Str(name)]) => Ok(self.vat.find(name)?.map_or(Value::Undefined, Ref::into)),
            _ => Err(Problem::no_method(args, &["load FILE", "vat NAME", "publish NAME ACTOR", "find NAME"])),
        }
    }
}

/// What makes actors of the library in a vat: one for all, and for all runs.
fn spawner(vat: &Vat) -> Result<Ref, Problem> {
    if let Some(known) = vat.find(SPAWNER.name())? {
        return Ok(known);
    }
    let made = vat.run(|turn| turn.spawn(&SPAWNER, ().into()))?;
    let published = vat.publish(SPAWNER.name(), made);
    vat.release(made);
    published.map(|()| made)
}

/// A peer with all that speakers need and nothing behind it.
///
/// # Errors
///
/// Threads that cannot be had.
pub fn peer() -> Result<Peer, Problem> {
    Peer::builder().threads(1).kinds(all_kinds()).build()
}
