//! Says lane stores of vectors in two steps: take the lane, store it.
//!
//! wasmi 2.0.0 executes `v128.store8_lane` and `v128.store16_lane` through a wild pointer when their offset is 65536 or more,
//! or their memory is not the first: a guest could end the process, or worse. `i8x16.extract_lane_u` and `i32.store8` mean
//! the same together, and so for the other widths, so the interpreter is never given a lane store. Nothing else changes.

use std::borrow::Cow;

use wasm_encoder::{CodeSection, Encode, Instruction as I, MemArg, RawSection, SectionId};
use wasmparser::{FunctionBody, Operator, Parser, Payload};

use super::info::invalid;
use crate::error::LoadError;

/// The module without lane stores; unchanged when it has none. `wasm` must be valid.
pub(crate) fn split_lane_stores(wasm: &[u8]) -> Result<Cow<'_, [u8]>, LoadError> {
    let mut code = CodeSection::new();
    let mut found = false;
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::CodeSectionEntry(body) = payload.map_err(invalid)? {
            let (bytes, changed) = rewrite(wasm, &body)?;
            found |= changed;
            code.raw(&bytes);
        }
    }
    if !found {
        return Ok(wasm.into());
    }
    let mut out = wasm_encoder::Module::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let Some((id, range)) = payload.map_err(invalid)?.as_section() else { continue };
        if id == u8::from(SectionId::Code) {
            out.section(&code);
        } else {
            let data = wasm.get(range).ok_or(LoadError::NotWasm)?;
            out.section(&RawSection { id, data });
        }
    }
    Ok(out.finish().into())
}

/// The bytes of a body, and whether any of them changed.
fn rewrite(wasm: &[u8], body: &FunctionBody<'_>) -> Result<(Vec<u8>, bool), LoadError> {
    let whole = body.range();
    let mut out = Vec::with_capacity(whole.len());
    let mut copied = whole.start;
    let mut operators = body.get_operators_reader().map_err(invalid)?;
    while !operators.eof() {
        let start = operators.original_position();
        if let Some(steps) = steps(&operators.read().map_err(invalid)?) {
            out.extend_from_slice(wasm.get(copied..start).unwrap_or_default());
            steps.iter().for_each(|step| step.encode(&mut out));
            copied = operators.original_position();
        }
    }
    out.extend_from_slice(wasm.get(copied..whole.end).unwrap_or_default());
    Ok((out, copied != whole.start))
}

fn steps(operator: &Operator<'_>) -> Option<[I<'static>; 2]> {
    let at = |memarg: &wasmparser::MemArg| MemArg {
        offset: memarg.offset,
        align: u32::from(memarg.align),
        memory_index: memarg.memory,
    };
    Some(match operator {
        Operator::V128Store8Lane { memarg, lane } => [I::I8x16ExtractLaneU(*lane), I::I32Store8(at(memarg))],
        Operator::V128Store16Lane { memarg, lane } => {
            [I::I16x8ExtractLaneU(*lane), I::I32Store16(at(memarg))]
        }
        Operator::V128Store32Lane { memarg, lane } => [I::I32x4ExtractLane(*lane), I::I32Store(at(memarg))],
        Operator::V128Store64Lane { memarg, lane } => [I::I64x2ExtractLane(*lane), I::I64Store(at(memarg))],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_lane_store_is_left_and_the_module_stays_valid() {
        let check = |body: &str, changed: bool| {
            let text =
                format!("(module (memory 1) (memory 1) (func (param i32) (local v128) {body}) (data \"x\"))");
            let wasm = wat::parse_str(text).unwrap();
            let split = split_lane_stores(&wasm).unwrap();
            super::super::validate(&split).unwrap();
            assert_eq!(matches!(split, Cow::Owned(_)), changed, "{body}");
            assert!(matches!(split_lane_stores(&split).unwrap(), Cow::Borrowed(_)), "{body}");
        };
        check("(v128.store (local.get 0) (local.get 1))", false);
        check("(v128.store8_lane 1 offset=70000 15 (local.get 0) (local.get 1))", true);
        check("(v128.store16_lane align=2 7 (local.get 0) (local.get 1))", true);
        check("(v128.store32_lane align=1 3 (local.get 0) (local.get 1))", true);
        check("(v128.store64_lane 1 1 (local.get 0) (local.get 1)) (drop (i32.load8_u (i32.const 0)))", true);
    }
}
