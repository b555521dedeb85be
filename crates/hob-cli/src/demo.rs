//! Being written.

use crate::args::DemoArgs;
use crate::report::Done;

pub(crate) fn run(_args: &DemoArgs) -> Done {
    Ok(0)
}
