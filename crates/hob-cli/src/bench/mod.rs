//! `hob bench`: hob beside the bare engine in the same process, and the ratio. A figure without what it was measured beside
//! means little, so every row has both; a machine that is busy with other things slows both.

mod calls;
mod cycles;
mod machine;
mod measure;
mod overshoot;
mod packages;
mod shell;
mod start;
mod vat;

use crate::args::{BenchArgs, Measured};
use crate::report::{Done, Failure, HOST, print, print_json};

/// One row of the table.
#[derive(serde::Serialize)]
struct Row {
    row: &'static str,
    /// What hob took.
    hob: f64,
    /// What the bare engine took, or what else stands beside.
    bare: Option<f64>,
    unit: &'static str,
    ratio: Option<f64>,
    target: String,
    met: bool,
}

impl Row {
    /// A row whose target is a ratio.
    fn ratio(row: &'static str, hob: f64, bare: f64, unit: &'static str, at_most: f64) -> Self {
        let ratio = hob / bare;
        let target = format!("at most {at_most} x bare");
        Self { row, hob, bare: Some(bare), unit, ratio: Some(ratio), target, met: ratio <= at_most }
    }

    /// A row whose target is an amount.
    fn amount(row: &'static str, hob: f64, unit: &'static str, at_most: f64) -> Self {
        let target = format!("at most {at_most} {unit}");
        Self { row, hob, bare: None, unit, ratio: None, target, met: hob <= at_most }
    }

    /// Beside something that is not the bare engine.
    fn beside(mut self, what: &str) -> Self {
        self.target = self.target.replace("bare", what);
        self
    }
}

type Rows = Result<Vec<Row>, String>;

pub(crate) fn run(args: &BenchArgs) -> Done {
    type Group<'a> = Box<dyn Fn(bool) -> Rows + 'a>;
    let groups: Vec<Group<'_>> = match args.what {
        Some(Measured::Shell) => vec![Box::new(|quick| shell::rows(&args.bin, quick))],
        Some(Measured::Machine) => vec![Box::new(|quick| machine::rows(&args.bin, quick))],
        Some(Measured::Vat) => vec![Box::new(|quick| vat::rows(&args.bin, quick))],
        None => vec![
            Box::new(calls::rows),
            Box::new(start::rows),
            Box::new(packages::rows),
            Box::new(overshoot::rows),
            Box::new(cycles::rows),
        ],
    };
    if !args.json {
        print(&format!("{:<50} {:>12} {:>12} {:>7}  target\n", "", "hob", "bare", "ratio"))?;
    }
    for group in groups {
        for row in
            group(args.quick).map_err(|error| Failure::new(HOST, format!("failed to measure: {error}")))?
        {
            if args.json { print_json(&row)? } else { print(&line(&row))? }
        }
    }
    Ok(0)
}

fn line(row: &Row) -> String {
    let amount = |value: f64| format!("{value:.3} {}", row.unit);
    let bare = row.bare.map(amount).unwrap_or_default();
    let ratio = row.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
    let met = if row.met { "met" } else { "MISSED" };
    format!("{:<50} {:>12} {:>12} {:>7}  {}: {met}\n", row.row, amount(row.hob), bare, ratio, row.target)
}
