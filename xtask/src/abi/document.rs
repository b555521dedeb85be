//! The tables of the document, each between `<!-- table:NAME -->` and `<!-- /table:NAME -->`.

use std::fmt::Write as _;

use super::manifest::{Answer, Class, Function, Grant, Layout, Manifest, Shape, Status};

/// The document with its tables written anew.
pub(super) fn render(manifest: &Manifest, document: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = document;
    while let Some((before, after)) = rest.split_once("<!-- table:") {
        let (name, after) = after.split_once(" -->\n").ok_or("a table has no name")?;
        let end = format!("<!-- /table:{name} -->");
        let (_, after) = after.split_once(&end).ok_or_else(|| format!("table {name} has no end"))?;
        let table = table(manifest, name).ok_or_else(|| format!("there is no table {name}"))?;
        let _ = write!(out, "{before}<!-- table:{name} -->\n{table}{end}");
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn table(manifest: &Manifest, name: &str) -> Option<String> {
    let known = manifest.modules();
    if known.contains(name) {
        let of = manifest.functions.iter().filter(|function| function.module == name);
        return Some(functions(of));
    }
    Some(match name {
        "variants" => variants(manifest),
        "errnos" => {
            let list: Vec<String> =
                manifest.errnos.iter().map(|(number, name)| format!("{number} {name}")).collect();
            format!("{}.\n", list.join(", "))
        }
        "signals" => signals(manifest),
        "layouts" => layouts(&manifest.layouts),
        "limits" => limits(manifest),
        _ => return None,
    })
}

/// Function, what it takes, what it needs, how it runs, what it does.
fn functions<'a>(functions: impl Iterator<Item = &'a Function>) -> String {
    let mut out = String::from("| function | type | needs | runs | meaning |\n|---|---|---|---|---|\n");
    for function in functions {
        let runs = match (function.class, function.restartable) {
            (Class::Wait, true) => "waits, restarts",
            (Class::Wait, false) => "waits",
            (Class::Terminal, _) => "ends",
            _ => "",
        };
        let old = if function.status == Status::Compatibility { " Kept for old programs." } else { "" };
        let _ = writeln!(
            out,
            "| `{}` | `{}` | {} | {runs} | {}{old} |",
            function.name,
            shown_type(function),
            needs(function.grant),
            function.doc
        );
    }
    out
}

/// Parameters by name, `: i64` where they are not 32 bits wide, `→` before what is written.
fn shown_type(function: &Function) -> String {
    let params = function.params.iter().map(|param| {
        let wide = if param.ty == "i64" { ": i64" } else { "" };
        format!("{}{wide}", param.name)
    });
    let result = match function.result {
        Answer::Errno => "",
        Answer::ScalarI32 => " → i32",
        Answer::ScalarI64 => " → i64",
        Answer::None => " → nothing",
    };
    format!("({}){result}", params.collect::<Vec<_>>().join(", "))
}

fn needs(grant: Grant) -> &'static str {
    match grant {
        Grant::None => "",
        Grant::Descriptor => "a descriptor",
        Grant::Stdio => "a terminal",
        Grant::Env => "`env`",
        Grant::Clock => "`clock`",
        Grant::Random => "`random`",
        Grant::Fs => "`fs`",
        Grant::FsWrite => "`fs`, writable",
        Grant::Children => "`children`",
        Grant::Net => "`net`",
    }
}

fn variants(manifest: &Manifest) -> String {
    let mut out = String::from("| function | generations | type | meaning |\n|---|---|---|---|\n");
    for variant in &manifest.variants {
        let eras: Vec<String> = variant.eras.iter().map(|era| format!("{era:?}")).collect();
        let _ = writeln!(
            out,
            "| `{}.{}` | {} | `{}` | {} |",
            variant.module,
            variant.name,
            eras.join(", "),
            shown_type(variant),
            variant.doc
        );
    }
    out
}

fn signals(manifest: &Manifest) -> String {
    let mut out = String::from("| by default | signals |\n|---|---|\n");
    for what in ["ends", "stops", "continues", "ignored"] {
        let of = manifest.signals.iter().filter(|signal| signal.default == what);
        let list: Vec<String> =
            of.map(|signal| format!("{} {}", signal.number, signal.name.to_uppercase())).collect();
        let _ = writeln!(out, "| {what} | {} |", list.join(", "));
    }
    out
}

fn layouts(layouts: &[Layout]) -> String {
    let mut out = String::from("| layout | bytes | fields, each at its offset | what |\n|---|---|---|---|\n");
    for layout in layouts {
        let fields = match &layout.shape {
            Shape::Union(of) => format!("one of {}", of.join(", ")),
            Shape::Fields(fields) => {
                let fields = fields.iter().map(|(at, ty, name)| format!("{at} {name} {ty}"));
                fields.collect::<Vec<_>>().join(", ")
            }
        };
        let _ = writeln!(out, "| {} | {} | {fields} | {} |", layout.name, layout.size, layout.doc);
    }
    out
}

/// Every bound, once, with the functions that have it.
fn limits(manifest: &Manifest) -> String {
    let mut rows: Vec<(String, Vec<&str>)> = Vec::new();
    for function in &manifest.functions {
        for cap in &function.limits {
            let above =
                cap.errno.map_or("fewer are taken".into(), |errno| format!("`{}`", manifest.errno(errno)));
            let row = format!("| {} | {} | {above} |", cap.name, cap.max);
            match rows.iter_mut().find(|(known, _)| *known == row) {
                Some((_, names)) => names.push(&function.name),
                None => rows.push((row, vec![&function.name])),
            }
        }
    }
    let mut out = String::from("| bound | most | above it | functions |\n|---|---|---|---|\n");
    for (row, names) in rows {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(out, "{row} {} |", names.join(", "));
    }
    out
}
