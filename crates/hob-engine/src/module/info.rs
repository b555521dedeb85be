//! The shape of a module: imports, exports and sections, read without looking at function bodies.

use std::fmt;

use wasmparser::{ExternalKind, Parser, Payload, TypeRef};

use super::features::features;
use crate::error::LoadError;
use crate::value::ValType;

/// Bytes of a page of memory.
const PAGE_BYTES: u64 = 65_536;

/// The type of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FuncType {
    /// What it takes.
    pub params: Vec<ValType>,
    /// What it returns.
    pub results: Vec<ValType>,
}

/// The type of an import or export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternType {
    /// A function.
    Func(FuncType),
    /// A memory: its first and its largest size, in pages of 64 KiB.
    Memory {
        /// Pages at the start.
        min: u64,
        /// Pages at the most, if the module says.
        max: Option<u64>,
    },
    /// A table.
    Table,
    /// A global.
    Global,
    /// An exception tag.
    Tag,
}

/// One import. Both names are text of the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The module name.
    pub module: String,
    /// The name within it.
    pub name: String,
    /// What it must be.
    pub ty: ExternType,
}

/// One export. The name is text of the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// The name.
    pub name: String,
    /// What it is.
    pub ty: ExternType,
}

/// One section of the binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// `code`, `data`, …, or `custom "name"`; the quoted part is text of the guest.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A custom section that is meant for this host: its name begins with `hob-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnSection {
    /// The whole name; text of the guest.
    pub name: String,
    /// What it holds, cut after [`OWN_SECTION_BYTES_MAX`] bytes.
    pub data: Vec<u8>,
}

/// What the names of custom sections for this host begin with.
const OWN_SECTION_PREFIX: &str = "hob-";

/// Bytes that are kept of an [`OwnSection`]. No contract uses as many, so one that was cut is refused by its reader.
pub const OWN_SECTION_BYTES_MAX: usize = 4096;

/// The shape of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModuleInfo {
    /// What it imports, in order; a name may come twice.
    pub imports: Vec<Import>,
    /// What it exports.
    pub exports: Vec<Export>,
    /// Its sections.
    pub sections: Vec<Section>,
    /// Its custom sections for this host, with what they hold.
    pub own_sections: Vec<OwnSection>,
    /// The memories it imports or defines.
    pub memories: u64,
    /// Whether a start function runs when an instance is made.
    pub has_start: bool,
    /// The functions it defines.
    pub functions: u64,
    /// The bytes of its largest function body.
    pub largest_function_bytes: u64,
    /// The bytes of all its memories at the start, together.
    pub memory_bytes_min: u64,
    /// The bytes of the whole.
    pub bytes: u64,
}

impl ModuleInfo {
    /// The type of the export `name`, if there is one.
    #[must_use]
    pub fn export(&self, name: &str) -> Option<&ExternType> {
        self.exports.iter().find(|export| export.name == name).map(|export| &export.ty)
    }

    /// The type of the exported function `name`, if there is one.
    #[must_use]
    pub fn exported_func(&self, name: &str) -> Option<&FuncType> {
        match self.export(name) {
            Some(ExternType::Func(ty)) => Some(ty),
            _ => None,
        }
    }

    /// Whether a memory is exported as `memory`.
    #[must_use]
    pub fn exports_memory(&self) -> bool {
        matches!(self.export("memory"), Some(ExternType::Memory { .. }))
    }

    /// Reads the shape of a binary module. Function bodies are skipped; validation is another step.
    pub(crate) fn read(wasm: &[u8]) -> Result<Self, LoadError> {
        let mut reader = Reader::default();
        reader.info.bytes = len(wasm.len());
        let mut parser = Parser::new(0);
        parser.set_features(features());
        for payload in parser.parse_all(wasm) {
            reader.payload(payload.map_err(invalid)?)?;
        }
        reader.info.memories = len(reader.memories.len());
        Ok(reader.info)
    }
}

#[derive(Default)]
struct Reader {
    info: ModuleInfo,
    types: Vec<Option<FuncType>>,
    funcs: Vec<u32>,
    memories: Vec<(u64, Option<u64>)>,
}

impl Reader {
    fn payload(&mut self, payload: Payload<'_>) -> Result<(), LoadError> {
        match payload {
            Payload::Version { encoding: wasmparser::Encoding::Component, .. } => {
                return Err(LoadError::Component);
            }
            Payload::TypeSection(section) => {
                self.section("type", section.range());
                for group in section {
                    for sub in group.map_err(invalid)?.into_types() {
                        self.types.push(func_type(&sub));
                    }
                }
            }
            Payload::ImportSection(section) => {
                self.section("import", section.range());
                for import in section.into_imports() {
                    let import = import.map_err(invalid)?;
                    let ty = self.import_type(import.ty)?;
                    self.info.imports.push(Import {
                        module: import.module.into(),
                        name: import.name.into(),
                        ty,
                    });
                }
            }
            Payload::FunctionSection(section) => {
                self.section("function", section.range());
                self.info.functions = u64::from(section.count());
                for index in section {
                    self.funcs.push(index.map_err(invalid)?);
                }
            }
            Payload::MemorySection(section) => {
                self.section("memory", section.range());
                for memory in section {
                    let memory = memory.map_err(invalid)?;
                    self.memories.push((memory.initial, memory.maximum));
                    let bytes = memory.initial.saturating_mul(PAGE_BYTES);
                    self.info.memory_bytes_min = self.info.memory_bytes_min.saturating_add(bytes);
                }
            }
            Payload::ExportSection(section) => {
                self.section("export", section.range());
                for export in section {
                    let export = export.map_err(invalid)?;
                    let ty = self.export_type(export.kind, export.index)?;
                    self.info.exports.push(Export { name: export.name.into(), ty });
                }
            }
            Payload::StartSection { range, .. } => {
                self.section("start", range);
                self.info.has_start = true;
            }
            Payload::CodeSectionStart { range, .. } => self.section("code", range),
            Payload::CodeSectionEntry(body) => {
                let bytes = len(body.range().len());
                self.info.largest_function_bytes = self.info.largest_function_bytes.max(bytes);
            }
            Payload::TableSection(section) => self.section("table", section.range()),
            Payload::GlobalSection(section) => self.section("global", section.range()),
            Payload::ElementSection(section) => self.section("element", section.range()),
            Payload::DataSection(section) => self.section("data", section.range()),
            Payload::CustomSection(section) => {
                let name = hob_cap::escape_guest_text(section.name(), 64);
                let bytes = len(section.data().len());
                self.info.sections.push(Section { name: format!("custom \"{name}\""), bytes });
                if section.name().starts_with(OWN_SECTION_PREFIX) {
                    let data = section.data().iter().take(OWN_SECTION_BYTES_MAX).copied().collect();
                    self.info.own_sections.push(OwnSection { name: section.name().into(), data });
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn section(&mut self, name: &str, range: std::ops::Range<usize>) {
        self.info.sections.push(Section { name: name.into(), bytes: len(range.len()) });
    }

    fn import_type(&mut self, ty: TypeRef) -> Result<ExternType, LoadError> {
        Ok(match ty {
            TypeRef::Func(index) | TypeRef::FuncExact(index) => {
                self.funcs.push(index);
                ExternType::Func(self.type_at(index)?)
            }
            TypeRef::Memory(memory) => {
                self.memories.push((memory.initial, memory.maximum));
                ExternType::Memory { min: memory.initial, max: memory.maximum }
            }
            TypeRef::Table(_) => ExternType::Table,
            TypeRef::Global(_) => ExternType::Global,
            TypeRef::Tag(_) => ExternType::Tag,
        })
    }

    fn export_type(&self, kind: ExternalKind, index: u32) -> Result<ExternType, LoadError> {
        let at = usize::try_from(index).map_err(|_| out_of_range("export"))?;
        Ok(match kind {
            ExternalKind::Func | ExternalKind::FuncExact => {
                let ty = self.funcs.get(at).ok_or_else(|| out_of_range("function"))?;
                ExternType::Func(self.type_at(*ty)?)
            }
            ExternalKind::Memory => {
                let (min, max) = *self.memories.get(at).ok_or_else(|| out_of_range("memory"))?;
                ExternType::Memory { min, max }
            }
            ExternalKind::Table => ExternType::Table,
            ExternalKind::Global => ExternType::Global,
            ExternalKind::Tag => ExternType::Tag,
        })
    }

    fn type_at(&self, index: u32) -> Result<FuncType, LoadError> {
        let at = usize::try_from(index).map_err(|_| out_of_range("type"))?;
        self.types.get(at).cloned().flatten().ok_or_else(|| out_of_range("type"))
    }
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |types: &[ValType]| types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        write!(f, "({}) -> ({})", list(&self.params), list(&self.results))
    }
}

fn func_type(sub: &wasmparser::SubType) -> Option<FuncType> {
    match &sub.composite_type.inner {
        wasmparser::CompositeInnerType::Func(ty) => Some(FuncType {
            params: ty.params().iter().map(val_type).collect(),
            results: ty.results().iter().map(val_type).collect(),
        }),
        _ => None,
    }
}

fn val_type(ty: &wasmparser::ValType) -> ValType {
    match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        _ => ValType::Other,
    }
}

pub(super) fn invalid(error: wasmparser::BinaryReaderError) -> LoadError {
    LoadError::Invalid {
        offset: len(error.offset()),
        message: hob_cap::escape_guest_text(error.message(), 400),
    }
}

fn out_of_range(what: &str) -> LoadError {
    LoadError::Invalid { offset: 0, message: format!("{what} index out of range") }
}

pub(super) fn len(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
