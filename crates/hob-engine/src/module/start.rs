//! Moves a module's start function to an export, so that it can be called like any other.
//!
//! wasmi runs a start function inside instantiation, where it can neither be paused nor resumed: a loop there would
//! never end. Without a start section and with the function exported under [`START_EXPORT`], instantiation runs no guest
//! code, and the host calls the start function itself, under the deadline. Only sections are moved; no code changes.

use std::borrow::Cow;

use wasm_encoder::{ExportKind, ExportSection, RawSection, SectionId};
use wasmparser::{ExternalKind, Parser, Payload};

use super::info::invalid;
use crate::error::LoadError;

/// The export that stands for the start function. A module that exports this name itself is refused.
pub(crate) const START_EXPORT: &str = "\u{0}hob:start";

/// The module with its start function exported instead of started; unchanged when it has none.
pub(crate) fn export_start(wasm: &[u8]) -> Result<Cow<'_, [u8]>, LoadError> {
    let Some(start) = find_start(wasm)? else { return Ok(wasm.into()) };
    let mut out = wasm_encoder::Module::new();
    let mut exports_written = false;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(invalid)?;
        match &payload {
            Payload::StartSection { .. } | Payload::CodeSectionEntry(_) => continue,
            Payload::ExportSection(reader) => {
                let mut exports = ExportSection::new();
                for export in reader.clone() {
                    let export = export.map_err(invalid)?;
                    exports.export(export.name, kind(export.kind), export.index);
                }
                exports.export(START_EXPORT, ExportKind::Func, start);
                out.section(&exports);
                exports_written = true;
                continue;
            }
            _ => {}
        }
        let Some((id, range)) = payload.as_section() else { continue };
        // Sections come in order of their meaning; elements, code and data stand behind the exports.
        let behind_exports = id == u8::from(SectionId::Element)
            || id == u8::from(SectionId::DataCount)
            || id == u8::from(SectionId::Code)
            || id == u8::from(SectionId::Data);
        if behind_exports && !exports_written {
            let mut exports = ExportSection::new();
            exports.export(START_EXPORT, ExportKind::Func, start);
            out.section(&exports);
            exports_written = true;
        }
        let data = wasm.get(range).ok_or(LoadError::NotWasm)?;
        out.section(&RawSection { id, data });
    }
    if !exports_written {
        let mut exports = ExportSection::new();
        exports.export(START_EXPORT, ExportKind::Func, start);
        out.section(&exports);
    }
    Ok(out.finish().into())
}

fn find_start(wasm: &[u8]) -> Result<Option<u32>, LoadError> {
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::StartSection { func, .. } = payload.map_err(invalid)? {
            return Ok(Some(func));
        }
    }
    Ok(None)
}

fn kind(kind: ExternalKind) -> ExportKind {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func,
        ExternalKind::Table => ExportKind::Table,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Global => ExportKind::Global,
        ExternalKind::Tag => ExportKind::Tag,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, has_start: bool) {
        let wasm = wat::parse_str(text).unwrap();
        let moved = export_start(&wasm).unwrap();
        super::super::validate(&moved).unwrap();
        let info = crate::ModuleInfo::read(&moved).unwrap();
        assert!(!info.has_start);
        assert_eq!(info.exported_func(START_EXPORT).is_some(), has_start, "{text}");
    }

    #[test]
    fn the_start_function_becomes_an_export_whatever_sections_there_are() {
        check("(module)", false);
        check("(module (func $s) (start $s))", true);
        check(
            "(module (memory (export \"memory\") 1) (func $s) (start $s) (data (i32.const 0) \"x\"))",
            true,
        );
        check("(module (table 1 funcref) (func $s) (start $s) (elem (i32.const 0) $s))", true);
        check("(module (import \"m\" \"f\" (func $s)) (start $s))", true);
    }
}
