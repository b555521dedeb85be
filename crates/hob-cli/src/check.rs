//! `hob check`: a package on one screen, and everything that is wrong with it. Runs nothing.

use hob::package::{Report, check};

use crate::args::CheckArgs;
use crate::report::{Done, print, print_json};

pub(crate) fn run(args: &CheckArgs) -> Done {
    let report = check(&args.path).report;
    if args.json {
        print_json(&report)?;
    } else {
        print(&show(&report))?;
    }
    Ok(if report.valid { 0 } else { 1 })
}

const NOTHING: &str = "nothing beyond streams, the log, a virtual clock and seeded randomness";

/// A package as a reviewer wants to see it.
pub(crate) fn show(report: &Report) -> String {
    let mut out = match (&report.name, report.kind) {
        (Some(name), Some(kind)) => {
            let version = report.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
            format!("{name}{version}: {}, of kind {kind}\n", report.format)
        }
        _ => format!("{}: {}, with problems\n", report.path, report.format),
    };
    if let Some(description) = report.description.as_ref().filter(|text| !text.is_empty()) {
        out += &format!("  says of itself: {description}\n");
    }
    for (what, digest) in [("digest", &report.digest), ("module sha256", &report.module_sha256)] {
        if let Some(digest) = digest {
            out += &format!("{what} {digest}\n");
        }
    }
    if report.valid {
        let list = |items: &[String], none: &str| {
            if items.is_empty() { none.to_owned() } else { items.join("\n  ") }
        };
        let contracts: Vec<String> = report.contracts.iter().map(ToString::to_string).collect();
        out += &format!("\ncontract\n  {}\n", list(&contracts, "none that hob knows"));
        if !report.exports.is_empty() {
            out += &format!("\nfunctions\n  {}\n", report.exports.join("\n  "));
        }
        out += &format!("\nasks for\n  {}\n", list(&report.asks, NOTHING));
        out += &format!("\nis granted\n  {}\n", list(&report.granted, NOTHING));
        out += &format!("\ncan therefore reach\n  {}\n", list(&report.reaches, "nothing outside itself"));
        out += &format!("\nlimits\n  {}\n", list(&report.limits, "those of the host"));
        out += "\nvalid\n";
    } else {
        let count = report.problems.len();
        out += &format!("\n{count} problem{}\n", if count == 1 { "" } else { "s" });
        for problem in &report.problems {
            out += &format!("  {problem}\n");
        }
        out += "\ninvalid\n";
    }
    out
}
