//! One function body: a mark before each store, a flag before what cannot be put back.

use wasm_encoder::{BlockType, Encode, Instruction as I, MemArg, ValType};
use wasmparser::{FunctionBody, Operator};

use super::range::{Helpers, Kind};
use super::{BLOCK_BITS, MAP_BYTES, Shape};
use crate::error::LoadError;
use crate::module::bulk::append;
use crate::module::info::invalid;

/// Locals that a function may have: the limit of the validator.
const LOCALS_MAX: u32 = 50_000;

pub(super) struct Rewriter<'a> {
    shape: &'a Shape<'a>,
    helpers: &'a mut Helpers,
    /// The locals appended to this function: where an address is kept, and a value of each type.
    more: Vec<ValType>,
    first: u32,
    /// Whether anything sets the flag.
    pub(super) flags: bool,
}

impl<'a> Rewriter<'a> {
    pub(super) fn new(shape: &'a Shape<'a>, helpers: &'a mut Helpers) -> Self {
        Self { shape, helpers, more: Vec::new(), first: 0, flags: false }
    }

    /// The bytes of the body; `None` when it would have too many locals.
    pub(super) fn rewrite(
        &mut self,
        wasm: &[u8],
        body: &FunctionBody<'_>,
        params: Option<u32>,
    ) -> Result<Option<Vec<u8>>, LoadError> {
        let whole = body.range();
        let mut locals = params.unwrap_or(0);
        for group in body.get_locals_reader().map_err(invalid)? {
            locals = locals.saturating_add(group.map_err(invalid)?.0);
        }
        self.first = locals;
        let mut operators = body.get_operators_reader().map_err(invalid)?;
        let begin = operators.original_position();
        let (mut out, mut copied) = (Vec::with_capacity(whole.len()), begin);
        while !operators.eof() {
            let start = operators.original_position();
            let operator = operators.read().map_err(invalid)?;
            let action = self.action(&operator);
            if matches!(action, Action::Keep) {
                continue;
            }
            out.extend_from_slice(wasm.get(copied..start).unwrap_or_default());
            copied = start;
            match action {
                Action::Keep => {}
                Action::Mark { value, offset } => self.mark(&mut out, value, offset),
                Action::Flag => {
                    self.flags = true;
                    I::I32Const(1).encode(&mut out);
                    I::GlobalSet(self.shape.flag()).encode(&mut out);
                }
                Action::Call(kind) => {
                    I::Call(self.helpers.index(kind, self.shape.map())).encode(&mut out);
                    copied = operators.original_position();
                }
            }
        }
        out.extend_from_slice(wasm.get(copied..whole.end).unwrap_or_default());
        let more = u32::try_from(self.more.len()).unwrap_or(u32::MAX);
        if locals.saturating_add(more) > LOCALS_MAX {
            return Ok(None);
        }
        let mut groups = Vec::new();
        for ty in &self.more {
            1_u32.encode(&mut groups);
            ty.encode(&mut groups);
        }
        let declared = wasm.get(whole.start..begin).unwrap_or_default();
        let mut rewritten = append(declared, self.more.len(), &groups)?;
        rewritten.append(&mut out);
        Ok(Some(rewritten))
    }

    fn action(&self, operator: &Operator<'_>) -> Action {
        let mark = |value, memarg: &wasmparser::MemArg| Action::Mark { value, offset: memarg.offset };
        match operator {
            Operator::I32Store { memarg }
            | Operator::I32Store8 { memarg }
            | Operator::I32Store16 { memarg } => mark(ValType::I32, memarg),
            Operator::I64Store { memarg }
            | Operator::I64Store8 { memarg }
            | Operator::I64Store16 { memarg }
            | Operator::I64Store32 { memarg } => mark(ValType::I64, memarg),
            Operator::F32Store { memarg } => mark(ValType::F32, memarg),
            Operator::F64Store { memarg } => mark(ValType::F64, memarg),
            Operator::V128Store { memarg }
            | Operator::V128Store8Lane { memarg, .. }
            | Operator::V128Store16Lane { memarg, .. }
            | Operator::V128Store32Lane { memarg, .. }
            | Operator::V128Store64Lane { memarg, .. } => mark(ValType::V128, memarg),
            Operator::MemoryFill { .. } => Action::Call(Kind::Fill),
            Operator::MemoryCopy { .. } => Action::Call(Kind::Copy),
            Operator::MemoryInit { data_index, .. } => Action::Call(Kind::Init(*data_index)),
            Operator::TableSet { .. }
            | Operator::TableGrow { .. }
            | Operator::TableFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. }
            | Operator::ElemDrop { .. }
            | Operator::DataDrop { .. } => Action::Flag,
            Operator::GlobalSet { global_index } if self.shape.references.contains(global_index) => {
                Action::Flag
            }
            _ => Action::Keep,
        }
    }

    /// Marks the block that a store begins in; its operands stay where they are.
    fn mark(&mut self, out: &mut Vec<u8>, value: ValType, offset: u64) {
        let (value, address) = (self.local(value, 1), self.local(ValType::I32, 0));
        let emit = |out: &mut Vec<u8>, list: &[I<'_>]| list.iter().for_each(|i| i.encode(out));
        emit(out, &[I::LocalSet(value), I::LocalTee(address), I::LocalGet(address)]);
        if let Some(offset) = u32::try_from(offset).ok().filter(|offset| *offset != 0) {
            // A sum that wraps marks something; the store itself traps.
            emit(out, &[I::I32Const(offset.cast_signed()), I::I32Add]);
        }
        emit(out, &block());
        emit(out, &[I::I32Const(1), set(self.shape.map()), I::LocalGet(value)]);
    }

    /// The local for the `nth` value of a type that is kept at once.
    fn local(&mut self, ty: ValType, nth: usize) -> u32 {
        // The address is an i32 as well, so there may be two of those.
        let nth = if ty == ValType::I32 { nth } else { 0 };
        loop {
            let mut of_type = self.more.iter().enumerate().filter(|(_, have)| **have == ty);
            if let Some((at, _)) = of_type.nth(nth) {
                return self.first.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
            }
            self.more.push(ty);
        }
    }
}

/// What becomes of an instruction.
enum Action {
    Keep,
    /// A store of a value of this type, at this offset.
    Mark {
        value: ValType,
        offset: u64,
    },
    /// Something that cannot be put back.
    Flag,
    /// An operation on a range, in a function of its own.
    Call(Kind),
}

/// Turns an address into the place of its block in the map.
pub(super) fn block() -> [I<'static>; 4] {
    let mask = i32::try_from(MAP_BYTES - 1).unwrap_or(0);
    [I::I32Const(BLOCK_BITS), I::I32ShrU, I::I32Const(mask), I::I32And]
}

/// Sets a byte of the map.
pub(super) fn set(map: u32) -> I<'static> {
    I::I32Store8(MemArg { offset: 0, align: 0, memory_index: map })
}

/// An `if` without results.
pub(super) const IF: I<'static> = I::If(BlockType::Empty);
