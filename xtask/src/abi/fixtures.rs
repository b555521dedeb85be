//! One module for each function: it imports that function and nothing else, and hands on what it is called with.

use super::GENERATED;
use super::manifest::{Era, Function, Manifest};

/// Where the fixtures are.
pub(super) const FOLDER: &str = "crates/hob-abi/tests/fixtures/command";

/// Pages of memory: enough for the largest list of file actions and one byte more.
const PAGES: u32 = 32;

/// Name and text of every fixture.
pub(super) fn render(manifest: &Manifest) -> Vec<(String, String)> {
    let contract = &manifest.contract;
    let section = format!(
        "  (@custom {:?} \"{}{}\\00\\00\\00\\00\")\n",
        contract.section,
        little_endian(contract.major),
        little_endian(contract.minor)
    );
    let mut files: Vec<(String, String)> = manifest
        .functions
        .iter()
        .map(|function| (format!("{}.{}", function.module, function.name), module(function, &section)))
        .collect();
    // A module of an earlier generation does not say so.
    for variant in &manifest.variants {
        let oldest = match variant.eras.first() {
            Some(Era::S) => "s",
            _ => "p",
        };
        files.push((format!("{}.{}.{oldest}", variant.module, variant.name), module(variant, "")));
    }
    files.into_iter().map(|(name, text)| (format!("{FOLDER}/{name}.wat"), text)).collect()
}

fn little_endian(number: u16) -> String {
    number.to_le_bytes().iter().map(|byte| format!("\\{byte:02x}")).collect()
}

fn module(function: &Function, section: &str) -> String {
    let params = function.param_types();
    let mut ty = String::new();
    if !params.is_empty() {
        ty.push_str(&format!(" (param {})", params.join(" ")));
    }
    if let Some(result) = function.result_type() {
        ty.push_str(&format!(" (result {result})"));
    }
    let gets: String = (0..params.len()).map(|index| format!(" (local.get {index})")).collect();
    format!(
        ";; {GENERATED}\n;; {}\n(module\n{section}  (type $type (func{ty}))\n  (import {:?} {:?} (func $function (type $type)))\n  \
         (memory (export \"memory\") {PAGES})\n  (func (export \"_start\"))\n  (func (export \"call\") (type $type)\n    \
         (call $function{gets})))\n",
        function.doc, function.module, function.name
    )
}
