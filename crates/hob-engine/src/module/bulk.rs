//! Cuts long bulk memory operations into pieces, so that a deadline can strike between two of them.
//!
//! `memory.fill` of 4 GiB is one instruction, and neither engine looks at anything while it runs: it takes seconds, most
//! of them page faults. Each `memory.fill`, `memory.copy` and `memory.init` therefore becomes a call to a small function,
//! appended to the module, that does the same in pieces of 1 MiB in a loop; engines do look in loops. What the operation
//! means does not change: the whole range is checked before the first byte is written, and overlapping copies run in
//! the direction that keeps them right. Operations of a constant, short length stay as they are.
//!
//! Only instructions are replaced; no index of the module moves. `memory.grow` needs none of this (Wasmtime maps, and the
//! interpreter pays for it in advance), nor do table operations, whose limit keeps them short.

use std::borrow::Cow;

use wasm_encoder::{
    BlockType, CodeSection, Encode, Function, Instruction as I, MemArg, RawSection, SectionId, ValType,
};
use wasmparser::{FunctionBody, Operator, Parser, Payload};

use super::info::invalid;
use crate::error::LoadError;

/// Bytes of one piece.
const PIECE: u32 = 1 << 20;

/// The module with its bulk memory operations cut into pieces; unchanged when it has none. `wasm` must be valid.
pub(crate) fn cut_bulk(wasm: &[u8]) -> Result<Cow<'_, [u8]>, LoadError> {
    let shape = Shape::read(wasm)?;
    let mut helpers = Helpers { first: shape.functions, kinds: Vec::new() };
    let mut code = CodeSection::new();
    for body in &shape.bodies {
        code.raw(&rewrite(wasm, body, &mut helpers)?);
    }
    if helpers.kinds.is_empty() {
        return Ok(wasm.into());
    }
    for kind in &helpers.kinds {
        code.function(&kind.body());
    }
    assemble(wasm, &shape, &helpers, &code).map(Cow::Owned)
}

/// One operation on one memory: what a helper function stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Fill { memory: u32 },
    Copy { to: u32, from: u32 },
    Init { memory: u32, data: u32 },
}

struct Helpers {
    first: u32,
    kinds: Vec<Kind>,
}

struct Shape<'a> {
    types: u32,
    /// Functions, imported and defined.
    functions: u32,
    bodies: Vec<FunctionBody<'a>>,
}

impl<'a> Shape<'a> {
    fn read(wasm: &'a [u8]) -> Result<Self, LoadError> {
        let mut shape = Self { types: 0, functions: 0, bodies: Vec::new() };
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.map_err(invalid)? {
                Payload::TypeSection(section) => {
                    for group in section {
                        let members = group.map_err(invalid)?.into_types().count();
                        shape.types = shape.types.saturating_add(u32::try_from(members).unwrap_or(u32::MAX));
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        if matches!(import.map_err(invalid)?.ty, wasmparser::TypeRef::Func(_)) {
                            shape.functions = shape.functions.saturating_add(1);
                        }
                    }
                }
                Payload::FunctionSection(section) => {
                    shape.functions = shape.functions.saturating_add(section.count())
                }
                Payload::CodeSectionEntry(body) => shape.bodies.push(body),
                _ => {}
            }
        }
        Ok(shape)
    }
}

impl Helpers {
    fn index(&mut self, kind: Kind) -> u32 {
        let at = self.kinds.iter().position(|have| *have == kind).unwrap_or_else(|| {
            self.kinds.push(kind);
            self.kinds.len() - 1
        });
        self.first.saturating_add(u32::try_from(at).unwrap_or(u32::MAX))
    }
}

/// The bytes of a body with each long operation replaced by a call.
fn rewrite(wasm: &[u8], body: &FunctionBody<'_>, helpers: &mut Helpers) -> Result<Vec<u8>, LoadError> {
    let whole = body.range();
    let mut out = Vec::with_capacity(whole.len());
    let mut copied = whole.start;
    let mut operators = body.get_operators_reader().map_err(invalid)?;
    let mut short = false;
    while !operators.eof() {
        let start = operators.original_position();
        let operator = operators.read().map_err(invalid)?;
        let kind = match operator {
            Operator::MemoryFill { mem } => Some(Kind::Fill { memory: mem }),
            Operator::MemoryCopy { dst_mem, src_mem } => Some(Kind::Copy { to: dst_mem, from: src_mem }),
            Operator::MemoryInit { data_index, mem } => Some(Kind::Init { memory: mem, data: data_index }),
            _ => None,
        };
        if let Some(kind) = kind.filter(|_| !short) {
            out.extend_from_slice(wasm.get(copied..start).unwrap_or_default());
            I::Call(helpers.index(kind)).encode(&mut out);
            copied = operators.original_position();
        }
        short = matches!(operator, Operator::I32Const { value } if u32::try_from(value).is_ok_and(|n| n <= PIECE));
    }
    out.extend_from_slice(wasm.get(copied..whole.end).unwrap_or_default());
    Ok(out)
}

/// Puts the module together again: a type more, a function for each helper, the new code.
fn assemble(
    wasm: &[u8],
    shape: &Shape<'_>,
    helpers: &Helpers,
    code: &CodeSection,
) -> Result<Vec<u8>, LoadError> {
    let mut out = wasm_encoder::Module::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(invalid)?;
        let Some((id, range)) = payload.as_section() else { continue };
        let data = wasm.get(range).ok_or(LoadError::NotWasm)?;
        if id == u8::from(SectionId::Type) {
            // (i32, i32, i32) -> ()
            let data = append(data, 1, &[0x60, 3, 0x7f, 0x7f, 0x7f, 0])?;
            out.section(&RawSection { id, data: &data });
        } else if id == u8::from(SectionId::Function) {
            let mut more = Vec::new();
            helpers.kinds.iter().for_each(|_| shape.types.encode(&mut more));
            let data = append(data, helpers.kinds.len(), &more)?;
            out.section(&RawSection { id, data: &data });
        } else if id == u8::from(SectionId::Code) {
            out.section(code);
        } else {
            out.section(&RawSection { id, data });
        }
    }
    Ok(out.finish())
}

/// A section that is a count and that many items, with more items at its end.
pub(super) fn append(section: &[u8], items: usize, more: &[u8]) -> Result<Vec<u8>, LoadError> {
    let mut reader = wasmparser::BinaryReader::new(section, 0);
    let count = reader.read_var_u32().map_err(invalid)?;
    let rest = section.get(reader.original_position()..).unwrap_or_default();
    let mut out = Vec::with_capacity(section.len() + more.len() + 5);
    count.saturating_add(u32::try_from(items).unwrap_or(u32::MAX)).encode(&mut out);
    out.extend_from_slice(rest);
    out.extend_from_slice(more);
    Ok(out)
}

/// The parameters of a helper, in the order of the operation's operands, and a local of our own.
const TO: u32 = 0;
const FROM: u32 = 1;
const LEN: u32 = 2;
const DONE: u32 = 3;

impl Kind {
    fn operation(self) -> I<'static> {
        match self {
            Self::Fill { memory } => I::MemoryFill(memory),
            Self::Copy { to, from } => I::MemoryCopy { src_mem: from, dst_mem: to },
            Self::Init { memory, data } => I::MemoryInit { mem: memory, data_index: data },
        }
    }

    fn body(self) -> Function {
        let mut f = Function::new([(1, ValType::I32)]);
        let whole = [I::LocalGet(TO), I::LocalGet(FROM), I::LocalGet(LEN), self.operation()];
        // Short, or longer than the address space from here on (then it traps): one operation.
        let mut leave_if = |condition: &[I<'static>]| {
            emit(&mut f, condition);
            f.instruction(&I::If(BlockType::Empty));
            emit(&mut f, &whole);
            f.instruction(&I::Return).instruction(&I::End);
        };
        leave_if(&[I::LocalGet(LEN), piece(), I::I32LeU]);
        leave_if(&wraps(TO));
        if !matches!(self, Self::Fill { .. }) {
            leave_if(&wraps(FROM));
        }
        for i in self.probe() {
            f.instruction(&i);
        }
        if let Self::Copy { .. } = self {
            f.instruction(&I::LocalGet(FROM)).instruction(&I::LocalGet(TO)).instruction(&I::I32LtU);
            f.instruction(&I::If(BlockType::Empty));
            self.backward(&mut f);
            f.instruction(&I::Return).instruction(&I::End);
        }
        self.forward(&mut f);
        f.instruction(&I::End);
        f
    }

    /// Traps if the last byte of either range is not there. Nothing has been written yet.
    fn probe(self) -> Vec<I<'static>> {
        let last = |base, memory_index| {
            let at = MemArg { offset: 0, align: 0, memory_index };
            [
                I::LocalGet(base),
                I::LocalGet(LEN),
                I::I32Add,
                I::I32Const(1),
                I::I32Sub,
                I::I32Load8U(at),
                I::Drop,
            ]
        };
        match self {
            Self::Fill { memory } => last(TO, memory).into(),
            Self::Copy { to, from } => [last(TO, to), last(FROM, from)].concat(),
            Self::Init { memory, .. } => {
                let mut probe: Vec<I<'static>> = last(TO, memory).into();
                // A segment cannot be read but by copying: nothing, from where the range ends.
                let end = [I::LocalGet(FROM), I::LocalGet(LEN), I::I32Add];
                probe.push(I::LocalGet(TO));
                probe.extend(end);
                probe.extend([I::I32Const(0), self.operation()]);
                probe
            }
        }
    }

    /// Pieces from the beginning: `DONE` counts up.
    fn forward(self, f: &mut Function) {
        f.instruction(&I::Loop(BlockType::Empty));
        self.one_piece(f, [I::LocalGet(DONE)]);
        for i in [
            I::LocalGet(DONE),
            piece(),
            I::I32Add,
            I::LocalTee(DONE),
            I::LocalGet(LEN),
            I::I32LtU,
            I::BrIf(0),
        ] {
            f.instruction(&i);
        }
        f.instruction(&I::End);
    }

    /// Pieces from the end: `LEN` counts down, and the piece at the beginning is what is left.
    fn backward(self, f: &mut Function) {
        f.instruction(&I::Loop(BlockType::Empty));
        f.instruction(&I::LocalGet(LEN)).instruction(&piece()).instruction(&I::I32GtU);
        f.instruction(&I::If(BlockType::Empty));
        for i in [I::LocalGet(LEN), piece(), I::I32Sub, I::LocalSet(LEN)] {
            f.instruction(&i);
        }
        for base in [TO, FROM] {
            f.instruction(&I::LocalGet(base)).instruction(&I::LocalGet(LEN)).instruction(&I::I32Add);
        }
        f.instruction(&piece()).instruction(&self.operation()).instruction(&I::Br(1)).instruction(&I::End);
        f.instruction(&I::End);
        for i in [I::LocalGet(TO), I::LocalGet(FROM), I::LocalGet(LEN), self.operation()] {
            f.instruction(&i);
        }
    }

    fn one_piece(self, f: &mut Function, offset: [I<'static>; 1]) {
        let add = |f: &mut Function, base| {
            f.instruction(&I::LocalGet(base));
            emit(f, &offset);
            f.instruction(&I::I32Add);
        };
        add(f, TO);
        if matches!(self, Self::Fill { .. }) {
            f.instruction(&I::LocalGet(FROM));
        } else {
            add(f, FROM);
        }
        // The shorter of a piece and what is left.
        let left = [I::LocalGet(LEN), I::LocalGet(DONE), I::I32Sub];
        f.instruction(&piece());
        emit(f, &left);
        f.instruction(&piece());
        emit(f, &left);
        f.instruction(&I::I32LtU).instruction(&I::Select).instruction(&self.operation());
    }
}

fn emit(f: &mut Function, instructions: &[I<'static>]) {
    for i in instructions {
        f.instruction(i);
    }
}

/// Whether the last byte of the range lies beyond the address space.
fn wraps(base: u32) -> [I<'static>; 7] {
    let last = [I::LocalGet(base), I::LocalGet(LEN), I::I32Add, I::I32Const(1), I::I32Sub];
    let [a, b, c, d, e] = last;
    [a, b, c, d, e, I::LocalGet(base), I::I32LtU]
}

fn piece() -> I<'static> {
    I::I32Const(PIECE.cast_signed())
}
