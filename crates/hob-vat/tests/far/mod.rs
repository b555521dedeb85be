//! The far side of sessions in tests: what is handed over is kept.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses a part of it, and a test may fail loudly"
)]

use std::sync::{Arc, Mutex};

use hob_vat::{Body, FarSide, Message, Peer, Problem, Ref, Session};

/// Keeps what it is handed.
#[derive(Default)]
pub(crate) struct Taken(pub(crate) Mutex<Vec<Message>>);

impl Session for Taken {
    fn deliver(&self, messages: Vec<Message>) {
        self.0.lock().unwrap().extend(messages);
    }
}

impl Taken {
    pub(crate) fn take(&self) -> Vec<Message> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// The one thing that it was told, as text.
    pub(crate) fn told(&self) -> Option<(Ref, String)> {
        let mut messages = self.take();
        assert!(messages.len() < 2, "{messages:?}");
        messages.pop().map(|message| match message.body {
            Body::Break(reason) => (message.to, Problem::refused(reason).to_string()),
            other => (message.to, format!("{other:?}")),
        })
    }
}

/// A session that keeps what it is handed.
pub(crate) fn open(peer: &Peer) -> (FarSide, Arc<Taken>) {
    let taken = Arc::new(Taken::default());
    (peer.connect(Arc::clone(&taken) as _).unwrap(), taken)
}
