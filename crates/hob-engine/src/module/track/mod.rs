//! Rewrites a module so that it notes which of its memory it changes, and so can be put back cheaply.
//!
//! Neither engine says what a guest wrote. Here each store first sets a byte in a map, one byte for each [`BLOCK_BYTES`] of
//! memory; the map is a memory of its own behind the guest's, which no instruction of the guest can name. A store marks
//! only the block it begins in: whoever reads the map takes [`OVERHANG_BYTES`] more of each marked block. A map shorter
//! than the memory is used again from its beginning, so a mark may stand for several blocks; that costs copies, never
//! truth. Marking comes before the store, so that a store that traps half-way is marked too.
//!
//! Globals that can change and hold numbers are exported under names that the guest does not use, for the host to read and
//! write. What cannot be put back (tables, dropped segments, globals that hold references) sets a flag. Memory that grew
//! shows in its size. No index of the module moves: everything is appended.
//!
//! A module that this cannot be done for is left alone: see [`track`].

mod body;
mod range;

use std::borrow::Cow;

use wasm_encoder::{
    CodeSection, ConstExpr, Encode, ExportKind, ExportSection, GlobalSection, GlobalType, MemorySection,
    MemoryType, RawSection, SectionId, ValType,
};
use wasmparser::{FunctionBody, Parser, Payload, TypeRef};

use super::bulk::append;
use super::info::invalid;
use crate::error::LoadError;
use body::Rewriter;
use range::Helpers;

/// Bytes of memory that one byte of the map stands for.
pub(crate) const BLOCK_BYTES: usize = 1 << BLOCK_BITS;
pub(super) const BLOCK_BITS: i32 = 10;

/// How far a store may reach into the block behind the one it marks: 16 bytes from the last byte of a block on.
pub(crate) const OVERHANG_BYTES: usize = 15;

/// Bytes of the map.
pub(crate) const MAP_BYTES: usize = 1 << 16;

/// The largest body that is still rewritten to; engines refuse larger ones than a little over 7 million bytes.
const BODY_BYTES_MAX: usize = 7_000_000;

/// Where the host finds what it needs to put an instance back.
#[derive(Clone, Debug)]
pub(crate) struct Tracks {
    prefix: String,
    /// Whether there is a memory, and so a map.
    pub(crate) memory: bool,
    /// Whether any instruction sets the flag.
    pub(crate) flag: bool,
    /// How many globals are exported.
    pub(crate) globals: usize,
}

impl Tracks {
    pub(crate) fn memory_export(&self) -> String {
        format!("{}memory", self.prefix)
    }

    pub(crate) fn map_export(&self) -> String {
        format!("{}map", self.prefix)
    }

    pub(crate) fn flag_export(&self) -> String {
        format!("{}flag", self.prefix)
    }

    pub(crate) fn global_export(&self, at: usize) -> String {
        format!("{}global:{at}", self.prefix)
    }
}

/// The module rewritten, and where to look. `None` for a module with several memories, with imports other than functions
/// (which nothing meets anyway), or with a function that would become too large. `wasm` must be valid.
pub(crate) fn track(wasm: &[u8]) -> Result<Option<(Vec<u8>, Tracks)>, LoadError> {
    let shape = Shape::read(wasm)?;
    if shape.foreign || shape.memories > 1 {
        return Ok(None);
    }
    let mut helpers = Helpers::new(shape.functions);
    let mut code = CodeSection::new();
    let mut flag = false;
    for (at, body) in shape.bodies.iter().enumerate() {
        let mut rewriter = Rewriter::new(&shape, &mut helpers);
        let Some(bytes) = rewriter.rewrite(wasm, body, shape.params(at))? else { return Ok(None) };
        if bytes.len() > BODY_BYTES_MAX {
            return Ok(None);
        }
        flag |= rewriter.flags;
        code.raw(&bytes);
    }
    for body in helpers.bodies() {
        code.function(&body);
    }
    let tracks = Tracks {
        prefix: shape.fresh_prefix(),
        memory: shape.memories == 1,
        flag,
        globals: shape.numbers.len(),
    };
    let rewritten = Assembly { wasm, shape: &shape, helpers: &helpers, tracks: &tracks, code: &code };
    Ok(Some((rewritten.module()?, tracks)))
}

/// What has to be known of a module before its bodies are rewritten.
#[derive(Default)]
struct Shape<'a> {
    /// The number of parameters of each type.
    types: Vec<Option<u32>>,
    /// Functions, imported and defined.
    functions: u32,
    /// The type of each defined function.
    defined: Vec<u32>,
    memories: u32,
    globals: u32,
    /// The globals that can change and hold a number, and those that can change and hold a reference.
    numbers: Vec<u32>,
    references: Vec<u32>,
    /// Whether something is imported that is not a function.
    foreign: bool,
    exports: Vec<&'a str>,
    bodies: Vec<FunctionBody<'a>>,
}

impl<'a> Shape<'a> {
    fn read(wasm: &'a [u8]) -> Result<Self, LoadError> {
        let mut shape = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            shape.payload(payload.map_err(invalid)?)?;
        }
        Ok(shape)
    }

    fn payload(&mut self, payload: Payload<'a>) -> Result<(), LoadError> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    for sub in group.map_err(invalid)?.into_types() {
                        self.types.push(match &sub.composite_type.inner {
                            wasmparser::CompositeInnerType::Func(ty) => u32::try_from(ty.params().len()).ok(),
                            _ => None,
                        });
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    match import.map_err(invalid)?.ty {
                        TypeRef::Func(_) => self.functions = self.functions.saturating_add(1),
                        _ => self.foreign = true,
                    }
                }
            }
            Payload::FunctionSection(section) => {
                self.functions = self.functions.saturating_add(section.count());
                for ty in section {
                    self.defined.push(ty.map_err(invalid)?);
                }
            }
            Payload::MemorySection(section) => self.memories = section.count(),
            Payload::GlobalSection(section) => {
                for global in section {
                    let ty = global.map_err(invalid)?.ty;
                    if ty.mutable && matches!(ty.content_type, wasmparser::ValType::Ref(_)) {
                        self.references.push(self.globals);
                    } else if ty.mutable {
                        self.numbers.push(self.globals);
                    }
                    self.globals = self.globals.saturating_add(1);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    self.exports.push(export.map_err(invalid)?.name);
                }
            }
            Payload::CodeSectionEntry(body) => self.bodies.push(body),
            _ => {}
        }
        Ok(())
    }

    /// The number of parameters of a defined function.
    fn params(&self, defined: usize) -> Option<u32> {
        let ty = usize::try_from(*self.defined.get(defined)?).ok()?;
        *self.types.get(ty)?
    }

    /// What no export of the guest begins with.
    fn fresh_prefix(&self) -> String {
        let mut number = 0_u32;
        loop {
            let prefix = format!("\u{0}hob:track:{number}:");
            if !self.exports.iter().any(|name| name.starts_with(&prefix)) {
                return prefix;
            }
            number = number.wrapping_add(1);
        }
    }

    /// The global that is the flag.
    fn flag(&self) -> u32 {
        self.globals
    }

    /// The memory that is the map.
    fn map(&self) -> u32 {
        self.memories
    }
}

/// Puts the module together again.
struct Assembly<'a> {
    wasm: &'a [u8],
    shape: &'a Shape<'a>,
    helpers: &'a Helpers,
    tracks: &'a Tracks,
    code: &'a CodeSection,
}

impl Assembly<'_> {
    fn module(&self) -> Result<Vec<u8>, LoadError> {
        let mut out = wasm_encoder::Module::new();
        let (mut globals_done, mut exports_done) = (false, false);
        for payload in Parser::new(0).parse_all(self.wasm) {
            let payload = payload.map_err(invalid)?;
            let Some((id, range)) = payload.as_section() else { continue };
            let data = self.wasm.get(range).ok_or(LoadError::NotWasm)?;
            // A section that is not there is written where it would be.
            if behind(id, SectionId::Global) && !globals_done {
                globals_done = true;
                self.section(&mut out, SectionId::Global, EMPTY)?;
            }
            if behind(id, SectionId::Export) && !exports_done {
                exports_done = true;
                self.section(&mut out, SectionId::Export, EMPTY)?;
            }
            globals_done |= id == u8::from(SectionId::Global);
            exports_done |= id == u8::from(SectionId::Export);
            if id == u8::from(SectionId::Code) {
                out.section(self.code);
            } else {
                let (items, more) = self.more(id);
                let data = if items == 0 { Cow::Borrowed(data) } else { append(data, items, &more)?.into() };
                out.section(&RawSection { id, data: &data });
            }
        }
        for (id, done) in [(SectionId::Global, globals_done), (SectionId::Export, exports_done)] {
            if !done {
                self.section(&mut out, id, EMPTY)?;
            }
        }
        Ok(out.finish())
    }

    /// A section that the module did not have, if anything belongs in it.
    fn section(&self, out: &mut wasm_encoder::Module, id: SectionId, empty: &[u8]) -> Result<(), LoadError> {
        let (items, more) = self.more(u8::from(id));
        if items > 0 {
            let data = append(empty, items, &more)?;
            out.section(&RawSection { id: u8::from(id), data: &data });
        }
        Ok(())
    }

    /// The items that are appended to a section.
    fn more(&self, id: u8) -> (usize, Vec<u8>) {
        let (shape, tracks) = (self.shape, self.tracks);
        let helpers = self.helpers.count();
        let none = (0, Vec::new());
        if id == u8::from(SectionId::Type) && helpers > 0 {
            (1, range::TYPE.to_vec())
        } else if id == u8::from(SectionId::Function) && helpers > 0 {
            let ty = u32::try_from(shape.types.len()).unwrap_or(u32::MAX);
            let mut more = Vec::new();
            (0..helpers).for_each(|_| ty.encode(&mut more));
            (helpers, more)
        } else if id == u8::from(SectionId::Memory) && tracks.memory {
            let mut map = MemorySection::new();
            let pages = u64::try_from(MAP_BYTES >> 16).unwrap_or(1);
            let (minimum, maximum) = (pages, Some(pages));
            map.memory(MemoryType { minimum, maximum, memory64: false, shared: false, page_size_log2: None });
            (1, items(&map))
        } else if id == u8::from(SectionId::Global) && tracks.flag {
            let mut flag = GlobalSection::new();
            flag.global(
                GlobalType { val_type: ValType::I32, mutable: true, shared: false },
                &ConstExpr::i32_const(0),
            );
            (1, items(&flag))
        } else if id == u8::from(SectionId::Export) {
            self.exports()
        } else {
            none
        }
    }

    fn exports(&self) -> (usize, Vec<u8>) {
        let (shape, tracks) = (self.shape, self.tracks);
        let mut exports = ExportSection::new();
        let mut count = shape.numbers.len();
        if tracks.memory {
            exports.export(&tracks.memory_export(), ExportKind::Memory, 0);
            exports.export(&tracks.map_export(), ExportKind::Memory, shape.map());
            count += 2;
        }
        if tracks.flag {
            exports.export(&tracks.flag_export(), ExportKind::Global, shape.flag());
            count += 1;
        }
        for (at, index) in shape.numbers.iter().enumerate() {
            exports.export(&tracks.global_export(at), ExportKind::Global, *index);
        }
        (count, items(&exports))
    }
}

/// A section without items.
const EMPTY: &[u8] = &[0];

/// Whether a section stands behind where another would be. Custom sections stand anywhere.
fn behind(id: u8, other: SectionId) -> bool {
    let place = |id: u8| ORDER.iter().position(|section| u8::from(*section) == id);
    place(id).zip(place(u8::from(other))).is_some_and(|(id, other)| id > other)
}

const ORDER: [SectionId; 13] = [
    SectionId::Type,
    SectionId::Import,
    SectionId::Function,
    SectionId::Table,
    SectionId::Memory,
    SectionId::Tag,
    SectionId::Global,
    SectionId::Export,
    SectionId::Start,
    SectionId::Element,
    SectionId::DataCount,
    SectionId::Code,
    SectionId::Data,
];

/// The items of a section: what follows the length and the count, which are encoded in front.
fn items(section: &impl Encode) -> Vec<u8> {
    let mut whole = Vec::new();
    section.encode(&mut whole);
    let mut reader = wasmparser::BinaryReader::new(&whole, 0);
    let skipped = reader.read_var_u32().and_then(|_length| reader.read_var_u32());
    let start = skipped.map_or(whole.len(), |_count| reader.original_position());
    whole.split_off(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, tracked: bool) {
        let wasm = wat::parse_str(text).unwrap();
        super::super::validate(&wasm).unwrap();
        let Some((rewritten, tracks)) = track(&wasm).unwrap() else {
            assert!(!tracked, "{text}");
            return;
        };
        assert!(tracked, "{text}");
        super::super::validate(&rewritten).unwrap_or_else(|error| panic!("{text}: {error}"));
        let (before, after) =
            (crate::ModuleInfo::read(&wasm).unwrap(), crate::ModuleInfo::read(&rewritten).unwrap());
        assert_eq!(after.exports.get(..before.exports.len()), Some(&*before.exports), "{text}");
        let hidden = |name: &String| after.export(name).is_some() && before.export(name).is_none();
        assert_eq!(hidden(&tracks.memory_export()), before.memories == 1, "{text}");
        assert_eq!(hidden(&tracks.map_export()), before.memories == 1, "{text}");
        assert_eq!(hidden(&tracks.flag_export()), tracks.flag, "{text}");
        assert!((0..tracks.globals).all(|at| hidden(&tracks.global_export(at))), "{text}");
    }

    #[test]
    fn what_comes_out_is_valid_whatever_sections_there_are() {
        check("(module)", true);
        check("(module (func))", true);
        check("(module (global (mut i64) (i64.const 1)))", true);
        check("(module (global (mut v128) (v128.const i64x2 1 2)) (global i32 (i32.const 1)))", true);
        check("(module (memory 1) (data (i32.const 0) \"x\"))", true);
        check("(module (memory 1) (func (i32.store (i32.const 0) (i32.const 1))))", true);
        check("(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 1) (i32.const 2))))", true);
        check(
            "(module (table 1 funcref) (func $f (table.set (i32.const 0) (ref.func $f))) (elem declare func $f))",
            true,
        );
        check("(module (func $s) (start $s) (memory (export \"memory\") 0))", true);
        check(
            "(module (global $g (mut funcref) (ref.null func)) (func (global.set $g (ref.null func))))",
            true,
        );
        check(
            "(module (import \"m\" \"f\" (func)) (memory 1) (func (param i64) (local f32)
            (v128.store (i32.const 0) (v128.const i64x2 1 2)) (f32.store (i32.const 0) (local.get 1))))",
            true,
        );
    }

    #[test]
    fn a_guest_cannot_take_the_hidden_names() {
        let text = "(module (memory (export \"\\00hob:track:0:map\") 1) (global (export \"\\00hob:track:1:global:0\") i32 (i32.const 0)))";
        check(text, true);
        let tracks = track(&wat::parse_str(text).unwrap()).unwrap().unwrap().1;
        assert_eq!(tracks.map_export(), "\u{0}hob:track:2:map");
    }

    #[test]
    fn what_cannot_be_tracked_is_left_alone() {
        check("(module (memory 1) (memory 1))", false);
        check("(module (import \"m\" \"m\" (memory 1)))", false);
        check("(module (import \"m\" \"g\" (global (mut i32))))", false);
        let locals = |count: usize| {
            format!(
                "(module (memory 1) (func (local {}) (i32.store (i32.const 0) (i32.const 0))))",
                "i32 ".repeat(count)
            )
        };
        check(&locals(49_998), true);
        check(&locals(49_999), false);
    }
}
