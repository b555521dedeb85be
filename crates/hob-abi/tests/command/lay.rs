//! Laying the values of a call out in memory.

use hob_abi::command::{Extent, Role};
use hob_engine::{ValType, Value};

use crate::row::{Call, Given};

/// Room where how much is written is told by another function.
const TOLD_BYTES: u32 = 1024;

/// A call with its memory.
#[derive(Clone)]
pub(crate) struct Laid {
    /// As it is called.
    pub(crate) values: Vec<Value>,
    /// Where each parameter points, and to how much.
    pub(crate) places: Vec<Option<(u32, u32)>>,
    /// Where the pieces of a parameter are.
    pub(crate) pieces: Vec<(usize, u32, u32)>,
    /// Memory from 0 on.
    pub(crate) memory: Vec<u8>,
}

struct Room(Vec<u8>);

impl Room {
    fn put(&mut self, bytes: &[u8], len: u32) -> u32 {
        let at = self.0.len().next_multiple_of(16);
        self.0.resize(at, 0);
        self.0.extend_from_slice(bytes);
        self.0.resize((at + usize::try_from(len).unwrap()).max(self.0.len()), 0);
        u32::try_from(at).unwrap()
    }
}

pub(crate) fn lay(call: &Call) -> Laid {
    let params = call.function.params;
    let mut room = Room(vec![0; 1024]);
    let mut places = vec![None; params.len()];
    let mut pieces = Vec::new();
    let number = |index: usize| match &call.given[index] {
        Some(Given::Number(number)) => u32::try_from(*number & 0xffff_ffff).unwrap(),
        Some(Given::Bytes(bytes)) => u32::from_le_bytes(bytes[..4].try_into().unwrap()),
        _ => 0,
    };
    for (index, param) in params.iter().enumerate() {
        let Some(extent) = param.role.extent() else { continue };
        if let Some(Given::Number(_)) = call.given[index] {
            // The address itself was given.
            continue;
        }
        let len = match extent {
            Extent::Bytes(bytes) => bytes,
            Extent::Count { param, each } => number(param).saturating_mul(each),
            Extent::At { param } => number(param),
            Extent::Told => TOLD_BYTES,
        };
        let at = match &call.given[index] {
            Some(Given::Bytes(bytes)) => room.put(bytes, len.min(1 << 20)),
            Some(Given::Pieces(list)) => {
                let mut records = Vec::new();
                for piece in list {
                    let at = room.put(&piece.0, piece.1);
                    pieces.push((index, at, piece.1));
                    records.extend_from_slice(&at.to_le_bytes());
                    records.extend_from_slice(&piece.1.to_le_bytes());
                }
                room.put(&records, len)
            }
            _ => room.put(&[], len.min(1 << 20)),
        };
        places[index] = Some((at, len));
    }
    let values = params.iter().enumerate().map(|(index, param)| {
        let number = match (&call.given[index], places[index]) {
            (_, Some((at, _))) => i64::from(at),
            (Some(Given::Number(number)), None) => *number,
            _ => 0,
        };
        self::value(param.ty, number)
    });
    Laid { values: values.collect(), places, pieces, memory: room.0 }
}

/// A number as a value of a type; what does not fit is cut.
pub(crate) fn value(ty: ValType, number: i64) -> Value {
    match ty {
        ValType::I64 => Value::I64(number),
        _ => Value::I32(u32::try_from(number & 0xffff_ffff).unwrap().cast_signed()),
    }
}

/// The bytes a call wrote through a parameter: those of its pieces, or those it points to.
pub(crate) fn written(laid: &Laid, index: usize, memory: &[u8], len: usize) -> Vec<u8> {
    let slice = |at: u32, len: usize| {
        let at = usize::try_from(at).unwrap();
        memory[at..at + len].to_vec()
    };
    let of: Vec<_> = laid.pieces.iter().filter(|(of, ..)| *of == index).collect();
    if of.is_empty() {
        return slice(laid.places[index].unwrap().0, len);
    }
    let mut all: Vec<u8> =
        of.iter().flat_map(|(_, at, len)| slice(*at, usize::try_from(*len).unwrap())).collect();
    all.truncate(len);
    all
}

/// Whether a parameter is a number of a descriptor.
pub(crate) fn is_descriptor(role: Role) -> bool {
    matches!(role, Role::Fd | Role::Dirfd)
}
