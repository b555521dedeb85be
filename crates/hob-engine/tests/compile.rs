//! Compilation is bounded: at each limit a module still loads, one past it is refused with the limit's name.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly"
)]

mod util;

use hob_cap::Limit;
use hob_engine::{Choice, CompileLimits, Engine, EngineConfig, LoadError};

fn load(wasm: &[u8], compile: CompileLimits) -> Result<(), LoadError> {
    Engine::new(EngineConfig { choice: Choice::Wasmi, compile, ..EngineConfig::default() })
        .load(wasm)
        .map(drop)
}

fn refused(result: Result<(), LoadError>) -> Option<(Limit, u64, u64)> {
    match result {
        Err(LoadError::Limit(exceeded)) => Some((exceeded.limit, exceeded.allowed, exceeded.asked)),
        _ => None,
    }
}

#[test]
fn module_size() {
    let wasm = wat::parse_str("(module (func (export \"f\")))").unwrap();
    let size = wasm.len() as u64;
    assert_eq!(load(&wasm, CompileLimits { module_bytes: size, ..CompileLimits::default() }), Ok(()));
    let past = load(&wasm, CompileLimits { module_bytes: size - 1, ..CompileLimits::default() });
    assert_eq!(refused(past), Some((Limit::ModuleSize, size - 1, size)));
}

#[test]
fn function_count() {
    let wasm = wat::parse_str(format!("(module {})", "(func)".repeat(1000))).unwrap();
    assert_eq!(load(&wasm, CompileLimits { functions: 1000, ..CompileLimits::default() }), Ok(()));
    let past = load(&wasm, CompileLimits { functions: 999, ..CompileLimits::default() });
    assert_eq!(refused(past), Some((Limit::FunctionCount, 999, 1000)));
}

#[test]
fn function_size() {
    let wasm = wat::parse_str(format!("(module (func {}))", "nop ".repeat(500))).unwrap();
    assert_eq!(load(&wasm, CompileLimits { function_bytes: 502, ..CompileLimits::default() }), Ok(()));
    let past = load(&wasm, CompileLimits { function_bytes: 501, ..CompileLimits::default() });
    assert_eq!(refused(past), Some((Limit::FunctionSize, 501, 502)));
}

#[test]
fn compile_time() {
    let body = "(drop (i32.mul (local.get 0) (i32.const 3)))".repeat(2000);
    let wasm =
        wat::parse_str(format!("(module {})", format!("(func (param i32) {body})").repeat(20))).unwrap();
    let load = |choice, time| {
        let compile = CompileLimits { time, ..CompileLimits::default() };
        let config = EngineConfig { choice, compile, interpret_bytes_max: 0, ..EngineConfig::default() };
        Engine::new(config).load(&wasm).map(|module| module.backend())
    };
    let nothing = std::time::Duration::ZERO;
    assert!(matches!(load(Choice::Wasmtime, nothing), Err(LoadError::CompileTime { limit_ms: 0 })));
    // Left to choose, the engine interprets what it could not compile in time.
    assert_eq!(load(Choice::Auto, nothing), Ok(hob_engine::BackendKind::Wasmi));
    assert_eq!(
        load(Choice::Auto, std::time::Duration::from_secs(300)),
        Ok(hob_engine::BackendKind::Wasmtime)
    );
}

#[test]
fn bombs_are_refused_or_load_within_their_limits() {
    let nested = format!("(module (func {}{}))", "block ".repeat(100_000), "end ".repeat(100_000));
    let many_locals = format!("(module (func (local {})))", "i32 ".repeat(50_001));
    let wide_table =
        format!("(module (func (param i32) (block (br_table {} (local.get 0)))))", "0 ".repeat(100_000));
    for (what, text) in [("nested", nested), ("locals", many_locals), ("br_table", wide_table)] {
        let Ok(wasm) = wat::parse_str(&text) else { continue };
        // Either answer will do; what must not happen is a crash or a wait.
        let answer = load(&wasm, CompileLimits::default());
        assert!(matches!(answer, Ok(()) | Err(LoadError::Invalid { .. })), "{what}: {answer:?}");
    }
}

#[test]
fn a_custom_section_with_escapes_is_shown_escaped() {
    let mut wasm = wat::parse_str("(module)").unwrap();
    wasm.extend_from_slice(&[0, 6, 5, 0x1b, b'[', b'3', b'1', b'm']);
    let module =
        Engine::new(EngineConfig { choice: Choice::Wasmi, ..EngineConfig::default() }).load(&wasm).unwrap();
    let name = &module.info().sections[0].name;
    assert!(name.starts_with("custom") && !name.contains('\u{1b}'), "{name}");
}
