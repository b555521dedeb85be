//! What the page is looking at: a machine that is played with, or what is wrong with the one that was to be.

use hob_machine::convert::{self, Converted};
use hob_machine::render::{self, Svg};
use hob_machine::{Chart, Problem, Refused};
use serde_json::Value;

use super::play::Play;

/// The one session of a server.
pub(super) struct Session {
    /// The machine that is played with; what was loaded last and is no machine does not end it.
    pub(super) play: Option<Play>,
    /// What is wrong with what was loaded last.
    pub(super) problems: Vec<Problem>,
    /// The chart of the machine, drawn once: the page marks what is active.
    pub(super) chart: String,
    /// Goes up with each machine, so that the page knows when to fetch the chart.
    pub(super) machines: u64,
    context: Value,
}

impl Session {
    pub(super) fn new(text: &str, context: Value) -> Self {
        let mut session =
            Self { play: None, problems: Vec::new(), chart: String::new(), machines: 0, context };
        session.load(text);
        session
    }

    /// Loads another machine, if it is one; whether it is.
    pub(super) fn load(&mut self, text: &str) -> bool {
        let loaded = convert::read(text).and_then(|(_, Converted { result: document, notes })| {
            let warnings = notes.into_iter().chain(document.read().1).collect::<Vec<_>>();
            Chart::load(&document).map(|chart| (chart, document, warnings))
        });
        let (chart, document, warnings) = match loaded {
            Ok(loaded) => loaded,
            Err(Refused(problems)) => {
                self.problems = problems;
                return false;
            }
        };
        let drawn = render::svg(&chart, &[], Svg { style: false });
        match Play::start(chart, document, self.context.clone()) {
            Ok(play) => {
                self.problems = warnings;
                self.chart = drawn.unwrap_or_else(|too_large| {
                    self.problems.push(Problem::warning("not_drawn", "", too_large.to_string()));
                    String::new()
                });
                self.play = Some(play);
                self.machines += 1;
                true
            }
            Err(problems) => {
                self.problems = problems;
                false
            }
        }
    }

    /// Starts the machine again, with this context from now on.
    pub(super) fn restart(&mut self, context: Value) -> Result<(), String> {
        if let Some(play) = &mut self.play {
            play.restart(context.clone())?;
        }
        self.context = context;
        Ok(())
    }
}
