//! What can be asked of the page's server: its parts, and one request for each thing a person can do.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hob_machine::Name;
use hob_machine::document::BYTES_MAX;
use hob_machine::render::STYLE;
use hyper::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::play::known;
use super::session::Session;
use super::view;
use crate::http::{Reply, Service, Verb};

/// How many bytes may come with anything but a machine.
const REQUEST_MAX: usize = 1 << 20;

pub(super) struct Routes {
    session: Mutex<Session>,
}

impl Routes {
    pub(super) fn new(session: Session) -> Self {
        Self { session: Mutex::new(session) }
    }

    /// Steps are whole or not at all, so a session that somebody broke off with is whole.
    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fire {
    event: Name,
    data: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Guard {
    name: String,
    yes: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Go {
    to: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    /// As far as the next timer when there is none.
    nanos: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restart {
    context: Value,
}

impl Service for Routes {
    fn bytes_max(&self, path: &str) -> usize {
        // One more than a document may have, so that the document's own error is told.
        if path == "load" { BYTES_MAX + 1 } else { REQUEST_MAX }
    }

    fn answer(&self, verb: Verb, path: &str, body: &[u8]) -> Reply {
        let answer = match (verb, path) {
            (Verb::Get, "") => Ok(Reply::page("text/html; charset=utf-8", include_str!("page/index.html"))),
            (Verb::Get, "page.js") => {
                Ok(Reply::page("text/javascript; charset=utf-8", include_str!("page/page.js")))
            }
            (Verb::Get, "page.css") => {
                Ok(Reply::page("text/css; charset=utf-8", include_str!("page/page.css")))
            }
            (Verb::Get, "chart.css") => Ok(Reply::page("text/css; charset=utf-8", STYLE)),
            (Verb::Get, "chart.svg") => Ok(Reply::page("image/svg+xml", self.session().chart.clone())),
            (Verb::Get, "state") => Ok(self.seen(StatusCode::OK)),
            (Verb::Post, "fire") => self.change(body, |session, fire: Fire| {
                if let Some(play) = &mut session.play {
                    play.fire(fire.event, fire.data);
                }
                Ok(())
            }),
            (Verb::Post, "guard") => self.change(body, guard),
            (Verb::Post, "go") => self.change(body, |session, go: Go| {
                let there = session.play.as_mut().is_some_and(|play| play.go(go.to));
                if there { Ok(()) } else { Err(format!("there is no step {}", go.to)) }
            }),
            (Verb::Post, "advance") => self.change(body, |session, advance: Advance| {
                match (&mut session.play, advance.nanos) {
                    (Some(play), Some(nanos)) => play.advance(nanos),
                    (Some(play), None) => play.advance_to_next(),
                    (None, _) => {}
                }
                Ok(())
            }),
            (Verb::Post, "restart") => {
                self.change(body, |session, restart: Restart| session.restart(restart.context))
            }
            (Verb::Post, "load") => {
                let loaded = std::str::from_utf8(body).map(|text| self.session().load(text));
                match loaded {
                    Ok(true) => Ok(self.seen(StatusCode::OK)),
                    Ok(false) => Ok(self.seen(StatusCode::UNPROCESSABLE_ENTITY)),
                    Err(error) => Err(format!("a machine is UTF-8: {error}")),
                }
            }
            _ => return Reply::problem(StatusCode::NOT_FOUND, "there is nothing here"),
        };
        answer.unwrap_or_else(|message| Reply::problem(StatusCode::BAD_REQUEST, &message))
    }
}

fn guard(session: &mut Session, guard: Guard) -> Result<(), String> {
    let Some(play) = &session.play else { return Ok(()) };
    match known(&play.answers).get_mut(&guard.name) {
        Some(answer) => *answer = guard.yes,
        None => return Err(format!("the machine has no guard {:?}", guard.name)),
    }
    Ok(())
}

impl Routes {
    /// Reads what is asked for, does it, and tells how things are then.
    fn change<T: DeserializeOwned>(
        &self,
        body: &[u8],
        change: impl FnOnce(&mut Session, T) -> Result<(), String>,
    ) -> Result<Reply, String> {
        let asked = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        change(&mut self.session(), asked)?;
        Ok(self.seen(StatusCode::OK))
    }

    fn seen(&self, status: StatusCode) -> Reply {
        Reply::json(status, &view::of(&self.session()))
    }
}
