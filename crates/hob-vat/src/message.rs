//! Messages: what waits in queues, between vats, and in front of promises.

use crate::kind::KindRef;
use crate::limits::{Limits, cost};
use crate::problem::Problem;
use crate::reference::{Facet, Ref, VatId};
use crate::value::{List, Value};

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who gets it.
    pub to: Ref,
    /// What it says.
    pub body: Body,
    /// Who is told what came of it, if anybody.
    pub resolver: Option<Ref>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A call with arguments.
    Args(List),
    /// To a resolver or a listener: this is the value. A listener that is an actor sees `['fulfill value]`.
    Fulfill(Value),
    /// To a resolver or a listener: there will be no value, for this reason. An actor sees `['break reason]`.
    Break(Value),
    /// To a promise: tell `listener` what comes of you.
    Listen {
        /// Who is told.
        listener: Ref,
        /// Also when the promise was resolved to another promise.
        partial: bool,
    },
}

impl Message {
    /// Whether what it carries is within limits.
    pub(crate) fn check(&self, limits: &Limits) -> Result<(), Problem> {
        let meta = match &self.body {
            Body::Args(args) => args.meta(),
            Body::Fulfill(value) | Body::Break(value) => value.meta(),
            Body::Listen { .. } => return Ok(()),
        };
        limits.check_message(meta.weight, meta.depth)
    }

    /// What it takes in a record, at most.
    pub(crate) fn cost(&self) -> u64 {
        let weight = match &self.body {
            Body::Args(args) => args.meta().weight,
            Body::Fulfill(value) | Body::Break(value) => value.weight(),
            Body::Listen { .. } => 16,
        };
        cost::MESSAGE + cost::of_weight(weight)
    }

    pub(crate) fn visit_refs(&self, visit: &mut dyn FnMut(Ref)) {
        self.visit_frame(visit);
        self.values().iter().for_each(|value| value.visit_refs(visit));
    }

    /// The same without what is in sealed boxes.
    pub(crate) fn visit_bare(&self, visit: &mut dyn FnMut(Ref)) {
        self.visit_frame(visit);
        self.values().iter().for_each(|value| value.visit_bare(visit));
    }

    /// References of the message itself.
    fn visit_frame(&self, visit: &mut dyn FnMut(Ref)) {
        visit(self.to);
        if let Some(resolver) = self.resolver {
            visit(resolver);
        }
        if let Body::Listen { listener, .. } = &self.body {
            visit(*listener);
        }
    }

    fn values(&self) -> &[Value] {
        match &self.body {
            Body::Args(args) => args,
            Body::Fulfill(value) | Body::Break(value) => std::slice::from_ref(value),
            Body::Listen { .. } => &[],
        }
    }

    /// Who waits to be told what comes of it.
    pub(crate) fn waits(&self) -> Option<Ref> {
        match self.body {
            Body::Listen { listener, .. } => Some(listener),
            _ => self.resolver,
        }
    }

    /// Whether it says, or may say, what has become of a promise, so that somebody waits for it.
    pub(crate) fn is_answer(&self) -> bool {
        let settles = matches!(self.to.facet(), Facet::Resolver | Facet::Follower);
        settles && self.waits().is_none()
    }
}

/// What is at a place of the actormap.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Nothing.
    Free,
    Object {
        kind: KindRef,
        state: Value,
    },
    /// A promise of which nothing final is known.
    Promise(Pending),
    /// A promise that stands for an object.
    Link(Ref),
    /// A promise that stands for a value.
    Encased(Value),
    /// A promise that will not be kept.
    Broken(Value),
}

/// A promise that is not settled. One that nobody waits for and nobody said anything of takes no room.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pending(Option<Box<Waiting>>);

/// What waits for a promise, and how far it got.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) stage: Stage,
    pub(crate) messages: Vec<Message>,
    pub(crate) listeners: Vec<Listener>,
}

#[derive(Clone, Debug, Default)]
pub(crate) enum Stage {
    /// Nobody said anything.
    #[default]
    Naive,
    /// It is the answer to a message to another machine, behind this session: messages to it go there at once. Or to a vat that
    /// may end before the one that asks: messages to it wait.
    Question(VatId),
    /// It was resolved to another promise. Those it came past are kept, to notice circles.
    Closer { to: Ref, history: Vec<Ref> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listener {
    pub(crate) who: Ref,
    pub(crate) partial: bool,
}

impl Pending {
    pub(crate) fn stage(&self) -> &Stage {
        self.0.as_ref().map_or(&Stage::Naive, |waiting| &waiting.stage)
    }

    /// Nobody waits for it, and nobody said anything of it.
    pub(crate) fn is_bare(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn stage_mut(&mut self) -> Option<&mut Stage> {
        self.0.as_mut().map(|waiting| &mut waiting.stage)
    }

    pub(crate) fn messages(&self) -> &[Message] {
        self.0.as_ref().map_or(&[], |waiting| &waiting.messages)
    }

    pub(crate) fn listeners(&self) -> &[Listener] {
        self.0.as_ref().map_or(&[], |waiting| &waiting.listeners)
    }

    pub(crate) fn waiting(&mut self) -> &mut Waiting {
        self.0.get_or_insert_default()
    }

    /// No more waits than did. It takes no room again when nothing does.
    pub(crate) fn truncate(&mut self, messages: usize, listeners: usize) {
        let Some(waiting) = &mut self.0 else { return };
        waiting.messages.truncate(messages);
        waiting.listeners.truncate(listeners);
        if messages + listeners == 0 && matches!(waiting.stage, Stage::Naive) {
            self.0 = None;
        }
    }

    pub(crate) fn cloned(&self) -> Waiting {
        self.0.as_deref().cloned().unwrap_or_default()
    }
}

impl From<Waiting> for Pending {
    fn from(waiting: Waiting) -> Self {
        Self(Some(Box::new(waiting)))
    }
}

impl Content {
    /// What it takes in a record, at most.
    pub(crate) fn cost(&self) -> u64 {
        match self {
            Self::Free => 0,
            Self::Object { state, .. } => cost::ACTOR + cost::of_weight(state.weight()),
            Self::Link(_) => cost::PROMISE + cost::REFERENCE,
            Self::Encased(value) | Self::Broken(value) => cost::PROMISE + cost::of_weight(value.weight()),
            Self::Promise(pending) if pending.is_bare() => cost::PROMISE,
            Self::Promise(pending) => {
                let steps = match pending.stage() {
                    Stage::Naive => 0,
                    Stage::Question(_) => 1,
                    Stage::Closer { history, .. } => 1 + history.len(),
                };
                let refs = u64::try_from(steps.saturating_add(pending.listeners().len())).unwrap_or(u64::MAX);
                let refs = cost::PROMISE.saturating_add(refs.saturating_mul(cost::REFERENCE));
                pending.messages().iter().map(Message::cost).fold(refs, u64::saturating_add)
            }
        }
    }

    /// What the messages take that wait here.
    pub(crate) fn waiting_cost(&self) -> u64 {
        match self {
            Self::Promise(pending) => {
                pending.messages().iter().map(Message::cost).fold(0, u64::saturating_add)
            }
            _ => 0,
        }
    }

    pub(crate) fn visit_refs(&self, visit: &mut dyn FnMut(Ref)) {
        match self {
            Self::Free => {}
            Self::Object { state, .. } => state.visit_refs(visit),
            Self::Promise(waiting) => {
                waiting.messages().iter().for_each(|message| message.visit_refs(visit));
                waiting.listeners().iter().for_each(|listener| visit(listener.who));
                if let Stage::Closer { to, history } = waiting.stage() {
                    visit(*to);
                    history.iter().for_each(|past| visit(*past));
                }
            }
            Self::Link(to) => visit(*to),
            Self::Encased(value) | Self::Broken(value) => value.visit_refs(visit),
        }
    }
}
