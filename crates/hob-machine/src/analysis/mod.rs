//! What can be known of a machine before it runs.
//!
//! [`analyze`] looks for what its author hardly meant: states that are never active, transitions that are never taken, guards
//! that decide nothing, transitions that compete, steps and machines that do not end. [`Exploration`] is the graph of all that
//! it can do; it answers a [`Property`] with a trace that shows the answer, and makes sequences of events that go everywhere.
//! [`Guards`] is what can be said of guards alone.
//!
//! Nothing here is a second kernel: configurations are found by stepping instances, with guards that answer what they are told
//! to (`oracle`). What is said never to happen never does; what is said to happen has a trace with the answers it needs. An
//! analysis that came to a limit says so and claims less.
//!
//! ```
//! use hob_machine::analysis::{Answered, Bounds, Exploration, Property};
//! use hob_machine::{Chart, Document};
//!
//! let document = Document::parse(r#"{"name": "door", "initial": "shut", "hasInitial": true, "states": [
//!     {"name": "shut", "transitions": [{"from": "shut", "to": "open", "on": "push", "guards": [{"name": "unlocked"}]}]},
//!     {"name": "open", "transitions": [{"from": "open", "to": "shut", "on": "pull"}]}]}"#)?;
//! let chart = Chart::load(&document)?;
//! let graph = Exploration::of(&chart, &Bounds::default())?;
//! let verdict = graph.check(&Property::parse("never(open)")?)?;
//! assert_eq!(verdict.answered, Answered::Fails);
//! assert_eq!(verdict.witness.map(|witness| witness.to_string()).unwrap_or_default(), "begin -> shut\npush [unlocked] -> open");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod alphabet;
pub(crate) mod atom;
mod check;
mod cover;
mod explore;
mod finding;
mod guards;
mod lint;
mod moments;
mod oracle;
mod possible;
mod property;
pub(crate) mod symbolic;
mod witness;

pub use check::{Answered, NoSuchState, Verdict};
pub use cover::{Cover, Goals};
pub use explore::{Bounds, Exploration, GaveUp};
pub use finding::{Finding, Report};
pub use property::{Condition, Form, Malformed, Property};
pub use symbolic::{Agrees, CLAUSES_MAX, Guards};
pub use witness::{Answer, Taken, Witness};

use crate::chart::Chart;
use crate::problem::Refused;

/// Looks at a whole machine. Errors: none for a chart that was loaded.
pub fn analyze(chart: &Chart, bounds: &Bounds) -> Result<Report, Refused> {
    Ok(report(&Exploration::of(chart, bounds)?))
}

/// As [`analyze`], of a graph that is already there.
#[must_use]
pub fn report(graph: &Exploration<'_>) -> Report {
    let mut findings = Vec::new();
    let mut of_chart = Guards::new(graph.chart);
    lint::find(graph, &of_chart, &mut findings);
    guards::find(graph.chart, &mut of_chart, &mut findings);
    Report {
        findings,
        configurations: graph.configurations(),
        transitions: graph.transitions(),
        gave_up: graph.gave_up(),
    }
}
