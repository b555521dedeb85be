//! The way back to the client: one stream that answers and events share, whole frames in the order they are sent.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use crate::frame;
use crate::protocol::{Event, Outgoing, Ownership, Response};
use crate::refusal::Refusal;

/// Where frames go. A client that does not read keeps whoever sends waiting, and with them the programs that write.
pub(crate) struct Out {
    /// `None` once the client is gone.
    to: Mutex<Option<Box<dyn Write + Send>>>,
    frame_bytes: usize,
}

impl Out {
    pub(crate) fn new(to: Box<dyn Write + Send>, frame_bytes: u32) -> Self {
        Self { to: Mutex::new(Some(to)), frame_bytes: usize::try_from(frame_bytes).unwrap_or(usize::MAX) }
    }

    /// Sends an answer. One that does not fit into a frame is a refusal.
    pub(crate) fn answer(&self, request_id: i64, ownership: Ownership, response: Response) -> bool {
        let frame = Outgoing::response(request_id, ownership.clone(), response).write();
        if frame.len() <= self.frame_bytes {
            return self.send(&frame);
        }
        let why = format!("the answer has {} bytes; a frame has {}", frame.len(), self.frame_bytes);
        let refusal = Refusal::frame_too_large(why).response();
        self.send(&Outgoing::response(request_id, ownership, refusal).write())
    }

    /// Tells of something that happened.
    pub(crate) fn tell(&self, ownership: Ownership, event: Event) -> bool {
        self.send(&Outgoing::event(ownership, event).write())
    }

    /// Whether the client still listens.
    fn send(&self, frame: &[u8]) -> bool {
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = to.as_mut().is_some_and(|to| frame::write(frame, to).is_ok());
        if !sent {
            *to = None;
        }
        sent
    }
}
