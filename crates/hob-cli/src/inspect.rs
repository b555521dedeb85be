//! `hob inspect`: a module on one screen. Runs nothing.

use hob::{Choice, Host, ImportInfo, Inspection, ReachKind};

use crate::args::InspectArgs;
use crate::grants;
use crate::report::{Done, print, print_json};
use crate::subject::{self, load};

pub(crate) fn run(args: &InspectArgs) -> Done {
    if subject::is_package(&args.path) {
        return package(args);
    }
    // Interpreting prepares the module fastest, and nothing of it will run.
    let host = Host::builder().engine(Choice::Wasmi).policy(grants::policy(&args.grants)).build()?;
    let seen = load(&host, &args.path)?.inspect();
    if args.json {
        print_json(&seen)?
    } else {
        print(&show(&seen))?
    }
    Ok(if seen.linkable { 0 } else { 126 })
}

/// A package: what it asks for, and its module under what it would be granted.
fn package(args: &InspectArgs) -> Done {
    let checked = hob::package::check(&args.path);
    let Some(package) = checked.package else {
        let shown = crate::check::show(&checked.report);
        if args.json {
            print_json(&checked.report)?
        } else {
            print(&shown)?
        }
        return Ok(126);
    };
    // What is shown here is what the package can reach where its folders exist.
    let policy = subject::policy(&package, &args.grants)?;
    let host = Host::builder().engine(Choice::Wasmi).policy(policy).build()?;
    let seen = host.load_package(package)?.inspect();
    if args.json {
        print_json(&serde_json::json!({"package": checked.report, "module": seen}))?;
    } else {
        print(&format!("{}\n{}", crate::check::show(&checked.report), show(&seen)))?;
    }
    Ok(if seen.linkable { 0 } else { 126 })
}

fn show(seen: &Inspection) -> String {
    let mut out = format!(
        "{}: {} bytes, {} functions\nsha256 {}\n",
        seen.name, seen.bytes, seen.functions, seen.sha256
    );
    let list = |items: &[String], none: &str| if items.is_empty() { none.into() } else { items.join("\n  ") };
    let contracts: Vec<String> = seen.contracts.iter().map(ToString::to_string).collect();
    out += &format!("\ncontract\n  {}\n", list(&contracts, "none that hob knows"));
    if seen.has_start {
        out += "  code runs as soon as an instance is made\n";
    }
    out += &format!("\ncan reach\n  {}\n", list(&seen.reaches, "nothing outside itself"));
    if !seen.problems.is_empty() {
        out += &format!("\ncannot be linked\n  {}\n", list(&seen.problems, ""));
    }
    out += "\nimports\n";
    for import in &seen.imports {
        out += &format!("  {}\n", line(import));
    }
    if seen.imports.is_empty() {
        out += "  none\n";
    }
    out += &format!("\nexports\n  {}\n", list(&seen.exports, "none"));
    out += &format!("\nsections\n  {}\n", list(&seen.sections, "none"));
    out
}

fn line(import: &ImportInfo) -> String {
    let name = format!("{}.{}", import.module, import.name);
    match import.reach {
        ReachKind::Nothing => name,
        ReachKind::Granted => format!("{name}: {}", import.detail),
        ReachKind::Inert => format!("{name}: refuses; {} would change that", import.detail),
        ReachKind::Unlinkable => format!("{name} {}: no grant provides it", import.ty),
    }
}
