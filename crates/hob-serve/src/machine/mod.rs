//! A page on which a person runs one machine: sees its chart, clicks events, steps back, loads another.
//!
//! The page only shows. What an event does is decided by `hob-machine`; what is not bound, guards, actions and changes of the
//! context, is decided by the person or shown as what would have happened. Of SCXML the scripts run that `hob_machine::ecmascript` knows, within
//! their bounds; nothing else is run, and nothing is written.

mod clock;
mod play;
mod routes;
mod session;
mod view;

use std::io;

use serde_json::Value;

use crate::http::Bound;
use session::Session;

/// What is served, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// The machine: a document. When it cannot be loaded, the page says why.
    pub text: String,
    /// What the machine knows when it starts.
    pub context: Value,
    /// The port on 127.0.0.1; any free one when it is 0.
    pub port: u16,
}

/// A server that has its port and has answered nobody yet.
pub struct Server {
    bound: Bound,
    session: Session,
}

impl Server {
    /// Takes the port. Errors: the port is taken, or there is no randomness.
    pub fn bind(options: &Options) -> io::Result<Self> {
        let session = Session::new(&options.text, options.context.clone());
        Ok(Self { bound: Bound::new(options.port)?, session })
    }

    /// Where the page is. The address has a secret in it: whoever knows it can use the page.
    #[must_use]
    pub fn url(&self) -> String {
        self.bound.url()
    }

    /// Answers for as long as the process lives. Errors: what is wrong with the socket.
    pub fn run(self) -> io::Result<()> {
        self.bound.run(routes::Routes::new(self.session))
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the address: it would be in a log.
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

/// Serves a machine; `opened` is told where the page is once it can be opened.
pub fn serve(options: &Options, opened: impl FnOnce(&str)) -> io::Result<()> {
    let server = Server::bind(options)?;
    opened(&server.url());
    server.run()
}
