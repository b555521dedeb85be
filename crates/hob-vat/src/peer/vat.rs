//! A vat as the program sees it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use super::cell::Cell;
use super::commit::{Ticket, ended};
use super::{Replies, Shared};
use crate::actormap::Holds;
use crate::kind::KindRef;
use crate::message::{Body, Message};
use crate::problem::Problem;
use crate::reference::{Facet, Ref, VatId};
use crate::turn::Turn;
use crate::value::{List, Value};

/// A vat of a peer. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Vat {
    shared: Arc<Shared>,
    cell: Arc<Cell>,
}

impl Vat {
    pub(super) fn new(shared: &Arc<Shared>, cell: Arc<Cell>) -> Self {
        Self { shared: Arc::clone(shared), cell }
    }

    /// Its number within the peer.
    #[must_use]
    pub fn id(&self) -> VatId {
        self.cell.id
    }

    /// Its name; empty for one that ends with the process.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.cell.name
    }

    /// Runs `f` as a turn, on this thread, and then the turns that follow from it in this vat. What it returns is durable when it
    /// returns, if the vat is. The references in what it returns are held from then on, until [`Vat::release`].
    ///
    /// # Errors
    ///
    /// What `f` says; nothing it did remains then. `store`: what was done could not be kept; the vat has halted.
    pub fn run<R: Holds>(&self, f: impl FnOnce(&mut Turn) -> Result<R, Problem>) -> Result<R, Problem> {
        let (told, wait) = sync_channel(1);
        let (done, more) = {
            let mut core = self.cell.core();
            let done = core.awake(&self.cell, &self.shared)?.poke(f)?;
            let mut found = Vec::new();
            done.visit_refs(&mut |reference| found.push(reference));
            for reference in found {
                let held = core.held.entry(reference).or_default();
                *held = held.saturating_add(1);
            }
            core.poked();
            core.churn();
            let committed = core.commit(&self.cell, &self.shared, Some(Ticket(told)), false);
            self.cell.note(core.queued());
            (committed.map(|_| done), !core.is_quiet())
        };
        let done = done.inspect_err(|problem| self.cell.halt(problem.clone(), &self.shared))?;
        if more {
            self.shared.ready.schedule(&self.cell);
        }
        let durable = self.shared.wait(&wait, None, || self.shared.commit_some());
        self.shared.drowse();
        durable.unwrap_or_else(|| Err(ended())).map(|()| done)
    }

    /// Runs `f` as a turn and takes back all it did.
    ///
    /// # Errors
    ///
    /// What `f` says; why the vat could not be read.
    pub fn peek<R>(&self, f: impl FnOnce(&mut Turn) -> Result<R, Problem>) -> Result<R, Problem> {
        let done = self.cell.core().awake(&self.cell, &self.shared)?.peek(f);
        self.shared.drowse();
        done
    }

    /// Sends a message from the program.
    ///
    /// # Errors
    ///
    /// `limit`: mailbox, when the receiver has too many already.
    pub fn send_only(&self, to: Ref, args: impl Into<List>) -> Result<(), Problem> {
        self.shared.hand_in(Replies::VAT, Message { to, body: Body::Args(args.into()), resolver: None })
    }

    /// Sends a message and waits for what comes of it: until a promise among the answers is settled too.
    ///
    /// # Errors
    ///
    /// What the promise was broken with; `deadline`; `limit`: mailbox; why the vat that should answer has halted, when that is known.
    pub fn ask(&self, to: Ref, args: impl Into<List>, within: Duration) -> Result<Value, Problem> {
        let args = args.into();
        let (resolver, receive) = self.shared.replies.promise(self.cell.id);
        let asked = self.run(|turn| {
            let promise = turn.send(to, args)?;
            turn.listen(promise, resolver, false)
        });
        if let Err(problem) = asked {
            self.shared.replies.forget(resolver);
            return Err(problem);
        }
        match self.shared.wait(&receive, Some(within), || self.shared.step(0)) {
            Some(reply) => reply,
            None => {
                self.shared.replies.forget(resolver);
                let halted = self.shared.cell(to.vat()).and_then(|cell| cell.halted());
                Err(halted
                    .unwrap_or_else(|| Problem::rule("deadline", format!("no answer within {within:?}"))))
            }
        }
    }

    /// Gives a reference a name, by which it is found after a restart.
    ///
    /// # Errors
    ///
    /// As [`Vat::run`].
    pub fn publish(&self, name: &str, to: Ref) -> Result<(), Problem> {
        let args = [Value::symbol("set"), name.into(), to.into()];
        self.run(|turn| turn.call(roots(self.cell.id), &args)).map(|_| ())
    }

    /// The reference of a name.
    ///
    /// # Errors
    ///
    /// As [`Vat::run`].
    pub fn find(&self, name: &str) -> Result<Option<Ref>, Problem> {
        let args = [Value::symbol("get"), name.into()];
        self.peek(|turn| turn.call(roots(self.cell.id), &args)).map(|value| value.as_ref())
    }

    /// Takes a name away.
    ///
    /// # Errors
    ///
    /// As [`Vat::run`].
    pub fn withdraw(&self, name: &str) -> Result<(), Problem> {
        let args = [Value::symbol("remove"), name.into()];
        self.run(|turn| turn.call(roots(self.cell.id), &args)).map(|_| ())
    }

    /// A reference that [`Vat::run`] returned is held once less. What nobody holds and nobody reaches is collected.
    pub fn release(&self, reference: Ref) {
        let mut core = self.cell.core();
        if let Some(held) = core.held.get_mut(&reference) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                core.held.remove(&reference);
            }
        }
    }

    /// Collects what nobody reaches, after what waits in front of the vat was taken in. Returns how many actors and promises it were.
    ///
    /// # Errors
    ///
    /// As [`Vat::run`].
    pub fn collect(&self) -> Result<usize, Problem> {
        let freed = {
            let mut core = self.cell.core();
            core.wake(&self.cell, &self.shared)?;
            core.begin();
            self.cell.take(&self.shared).into_iter().for_each(|inbound| core.accept(inbound));
            core.churn();
            let freed = core.commit(&self.cell, &self.shared, None, true);
            self.cell.note(core.queued());
            freed
        };
        if self.cell.has_work() {
            self.shared.ready.schedule(&self.cell);
        }
        freed.inspect_err(|problem| self.cell.halt(problem.clone(), &self.shared))
    }

    /// Actors and promises in it; 0 when it cannot be read.
    #[must_use]
    pub fn population(&self) -> usize {
        self.cell.core().awake(&self.cell, &self.shared).map_or(0, |map| map.population())
    }

    /// Whether it is in its store and not in memory, until somebody wants something of it.
    #[must_use]
    pub fn is_asleep(&self) -> bool {
        self.cell.asleep.load(Ordering::SeqCst)
    }

    /// Replaces the kind and the state of an actor in place: its references stay good.
    ///
    /// # Errors
    ///
    /// `not-callable`: it is no actor of this vat; what the upgrade says.
    pub fn upgrade(&self, actor: Ref, kind: impl Into<KindRef>) -> Result<(), Problem> {
        let kind = kind.into();
        self.run(|turn| turn.upgrade(actor, kind))
    }

    /// The same for all actors of the vat whose kind `to` names a successor of, in one turn: all of them or none. Who makes actors
    /// of such a kind ([`maker`](crate::maker)) makes them of its successor from then on. Returns how many it were.
    ///
    /// What would become of each can be seen before: [`Past::upgraded`](crate::history::Past::upgraded).
    ///
    /// # Errors
    ///
    /// What the upgrade says, and of which actor; as [`Vat::run`].
    pub fn upgrade_all(&self, to: impl Fn(&str) -> Option<KindRef>) -> Result<usize, Problem> {
        let mut many = 0;
        self.run(|turn| {
            many = turn.upgrade_all(&to)?;
            Ok(())
        })?;
        Ok(many)
    }
}

/// The first place of every vat of a peer.
pub(super) fn roots(vat: VatId) -> Ref {
    Ref::new(vat, 0, 0, Facet::Object)
}
