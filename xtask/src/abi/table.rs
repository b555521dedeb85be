//! The Rust table: every function and variant as a constant.

use std::fmt::Write as _;

use super::GENERATED;
use super::manifest::{Answer, Era, Extent, Function, Manifest, Role};

/// The text of `table.rs`.
pub(super) fn render(manifest: &Manifest) -> String {
    let contract = &manifest.contract;
    let mut out = format!(
        "//! The contract as constants. {GENERATED}\n\n\
         use hob_engine::ValType::{{I32, I64}};\n\n\
         use super::manifest::{{Answer, Cap, Class, Eras, Extent, Function, Grant, Param, Role, Status, Version}};\n\n"
    );
    let mut constant = |doc: &str, line: String| {
        let _ = writeln!(out, "/// {doc}\n{line}\n");
    };
    constant("The name of the contract.", format!("pub const CONTRACT: &str = {:?};", contract.name));
    constant(
        "The version of this table.",
        format!(
            "pub const VERSION: Version = Version {{ major: {}, minor: {} }};",
            contract.major, contract.minor
        ),
    );
    constant(
        "The custom section in which a module says its version.",
        format!("pub const SECTION: &str = {:?};", contract.section),
    );
    constant(
        "The imports a module may have.",
        format!("pub const IMPORTS_MAX: u64 = {};", contract.imports_max),
    );
    constant(
        "The memories a module may have.",
        format!("pub const MEMORIES_MAX: u64 = {};", contract.memories_max),
    );
    out.push_str("/// Other names of modules.\n#[rustfmt::skip]\npub static ALIASES: &[(&str, &str)] = &[\n");
    for alias in &manifest.aliases {
        let _ = writeln!(out, "    ({:?}, {:?}),", alias.module, alias.of);
    }
    out.push_str(
        "];\n\n/// The numbers of errors and their names.\n#[rustfmt::skip]\npub static ERRNOS: &[(u16, &str)] = &[\n",
    );
    for (number, name) in &manifest.errnos {
        let _ = writeln!(out, "    ({number}, {name:?}),");
    }
    out.push_str(
        "];\n\n/// Every function, sorted by module and name.\n#[rustfmt::skip]\npub static FUNCTIONS: &[Function] = &[\n",
    );
    manifest.functions.iter().for_each(|item| function(&mut out, item));
    out.push_str(
        "];\n\n/// The functions that earlier generations have with another type.\n#[rustfmt::skip]\npub static VARIANTS: \
         &[Function] = &[\n",
    );
    manifest.variants.iter().for_each(|item| function(&mut out, item));
    out.push_str("];\n");
    out
}

fn function(out: &mut String, function: &Function) {
    let eras = function.eras.iter().map(|era| match era {
        Era::Wasi | Era::P => "Eras::P",
        Era::S => "Eras::S",
        Era::V1 => "Eras::V1",
    });
    let eras: Vec<&str> = eras.collect();
    let eras = match eras.as_slice() {
        [_, _, _] => "Eras::ALL".into(),
        [one, two] => format!("{one}.or({two})"),
        _ => eras.concat(),
    };
    let answer = match function.result {
        Answer::Errno => "Errno",
        Answer::ScalarI32 => "I32",
        Answer::ScalarI64 => "I64",
        Answer::None => "None",
    };
    let _ = writeln!(out, "    Function {{");
    let _ = writeln!(out, "        module: {:?},", function.module);
    let _ = writeln!(out, "        name: {:?},", function.name);
    if function.params.is_empty() {
        out.push_str("        params: &[],\n");
    } else {
        out.push_str("        params: &[\n");
        for param in &function.params {
            let _ = writeln!(
                out,
                "            Param {{ name: {:?}, ty: {}, role: {} }},",
                param.name,
                param.ty.to_uppercase(),
                role(&param.role)
            );
        }
        out.push_str("        ],\n");
    }
    let _ = writeln!(out, "        result: Answer::{answer},");
    let _ = writeln!(out, "        errnos: &{:?},", function.errnos);
    let _ = writeln!(out, "        class: Class::{:?},", function.class);
    let _ = writeln!(out, "        restartable: {},", function.restartable);
    let _ = writeln!(out, "        grant: Grant::{:?},", function.grant);
    let (major, minor) = function.since;
    let _ = writeln!(out, "        since: Version {{ major: {major}, minor: {minor} }},");
    let _ = writeln!(out, "        status: Status::{:?},", function.status);
    let _ = writeln!(out, "        eras: {eras},");
    if function.limits.is_empty() {
        out.push_str("        limits: &[],\n");
    } else {
        out.push_str("        limits: &[\n");
        for cap in &function.limits {
            let _ = writeln!(
                out,
                "            Cap {{ name: {:?}, max: {}, errno: {:?} }},",
                cap.name, cap.max, cap.errno
            );
        }
        out.push_str("        ],\n");
    }
    let _ = writeln!(out, "        doc: {:?},\n    }},", function.doc);
}

fn role(role: &Role) -> String {
    let name = |word: &str| match word {
        "inout" => "InOut".to_owned(),
        word => word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect(),
    };
    match role {
        Role::Number(word) => format!("Role::{}", name(word)),
        Role::Pointer(word, extent) => {
            let extent = match extent {
                Extent::Bytes(bytes) | Extent::Layout { size: bytes, .. } => {
                    format!("Extent::Bytes({bytes})")
                }
                Extent::Count { param, each, .. } => {
                    format!("Extent::Count {{ param: {param}, each: {each} }}")
                }
                Extent::At { param } => format!("Extent::At {{ param: {param} }}"),
                Extent::Told => "Extent::Told".into(),
            };
            format!("Role::{}({extent})", name(word))
        }
    }
}
