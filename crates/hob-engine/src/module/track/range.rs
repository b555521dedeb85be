//! Bulk memory operations, each in a function that marks the range first.
//!
//! The operation itself stays in there whole; where it is cut into pieces that happens afterwards.

use wasm_encoder::{Function, Instruction as I, ValType};

use super::body::{IF, block, set};
use super::{BLOCK_BITS, BLOCK_BYTES, MAP_BYTES};

/// The type of every helper: `(i32, i32, i32) -> ()`.
pub(super) const TYPE: &[u8] = &[0x60, 3, 0x7f, 0x7f, 0x7f, 0];

/// Which operation a helper stands for. There is one memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Fill,
    Copy,
    Init(u32),
}

/// The helpers of one module.
pub(super) struct Helpers {
    first: u32,
    map: u32,
    kinds: Vec<Kind>,
}

impl Helpers {
    /// Helpers whose indices begin at `first`.
    pub(super) fn new(first: u32) -> Self {
        Self { first, map: 0, kinds: Vec::new() }
    }

    /// The function that stands for an operation.
    pub(super) fn index(&mut self, kind: Kind, map: u32) -> u32 {
        self.map = map;
        let at = self.kinds.iter().position(|have| *have == kind).unwrap_or_else(|| {
            self.kinds.push(kind);
            self.kinds.len() - 1
        });
        self.first.saturating_add(u32::try_from(at).unwrap_or(u32::MAX))
    }

    pub(super) fn count(&self) -> usize {
        self.kinds.len()
    }

    pub(super) fn bodies(&self) -> Vec<Function> {
        self.kinds.iter().map(|kind| kind.body(self.map)).collect()
    }
}

/// The parameters, in the order of the operation's operands, and locals of our own: the first block, and how many more.
const TO: u32 = 0;
const FROM: u32 = 1;
const LEN: u32 = 2;
const FIRST: u32 = 3;
const MORE: u32 = 4;

impl Kind {
    fn operation(self) -> I<'static> {
        match self {
            Self::Fill => I::MemoryFill(0),
            Self::Copy => I::MemoryCopy { src_mem: 0, dst_mem: 0 },
            Self::Init(data) => I::MemoryInit { mem: 0, data_index: data },
        }
    }

    fn body(self, map: u32) -> Function {
        let mut f = Function::new([(2, ValType::I32)]);
        let mut emit = |list: &[I<'static>]| {
            for i in list {
                f.instruction(i);
            }
        };
        let signed = |value: usize| I::I32Const(i32::try_from(value).unwrap_or(i32::MAX));
        let whole = [I::I32Const(0), I::I32Const(1), signed(MAP_BYTES), I::MemoryFill(map)];
        emit(&[I::LocalGet(LEN), IF]);
        // Longer than the map reaches: everything. Below that no sum here wraps.
        emit(&[I::LocalGet(LEN), signed((MAP_BYTES - 2) * BLOCK_BYTES), I::I32GtU, IF]);
        emit(&whole);
        emit(&[I::Else, I::LocalGet(TO)]);
        emit(&block());
        emit(&[I::LocalSet(FIRST), I::LocalGet(TO), signed(BLOCK_BYTES - 1), I::I32And]);
        emit(&[I::LocalGet(LEN), I::I32Add, I::I32Const(1), I::I32Sub, I::I32Const(BLOCK_BITS), I::I32ShrU]);
        emit(&[I::LocalTee(MORE), I::LocalGet(FIRST), I::I32Add, signed(MAP_BYTES), I::I32GeU, IF]);
        // Around the end of the map: everything, for simplicity.
        emit(&whole);
        emit(&[I::Else, I::LocalGet(MORE), I::I32Const(1), I::I32GtU, IF]);
        emit(&[I::LocalGet(FIRST), I::I32Const(1), I::LocalGet(MORE), I::I32Const(1), I::I32Add]);
        emit(&[I::MemoryFill(map), I::Else]);
        emit(&[I::LocalGet(FIRST), I::I32Const(1), set(map)]);
        emit(&[I::LocalGet(FIRST), I::LocalGet(MORE), I::I32Add, I::I32Const(1), set(map)]);
        emit(&[I::End, I::End, I::End, I::End]);
        emit(&[I::LocalGet(TO), I::LocalGet(FROM), I::LocalGet(LEN), self.operation(), I::End]);
        f
    }
}
