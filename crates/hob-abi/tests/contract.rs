//! The manifest of the command contract against what is there: the fixture of each function, the functions of preview 1.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::path::PathBuf;

use hob_abi::Offered;
use hob_abi::command::{FUNCTIONS, Function, Generation, VARIANTS, VERSION, find};
use hob_cap::Policy;
use hob_engine::{Engine, EngineConfig, ExternType, ModuleInfo};

fn fixture(engine: &Engine, name: &str) -> ModuleInfo {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/command").join(name);
    engine.load(&std::fs::read(&path).unwrap()).unwrap().info().clone()
}

fn has_exactly(info: &ModuleInfo, function: &Function) {
    let ty = ExternType::Func(function.ty());
    let imports: Vec<_> =
        info.imports.iter().map(|import| (&*import.module, &*import.name, &import.ty)).collect();
    assert_eq!(imports, [(function.module, function.name, &ty)]);
    assert_eq!(info.export("call"), Some(&ty));
    assert!(info.exports_memory());
    assert_eq!(hob_abi::command::check(info), Ok(()));
}

fn engine() -> Engine {
    Engine::new(EngineConfig { choice: hob_engine::Choice::Wasmi, ..EngineConfig::default() })
}

#[test]
fn every_function_has_a_fixture_that_says_its_version() {
    let engine = engine();
    for function in FUNCTIONS {
        let info = fixture(&engine, &format!("{}.{}.wat", function.module, function.name));
        has_exactly(&info, function);
        assert_eq!(Generation::detect(&info), Ok(Generation::Native(VERSION)), "{}", function.name);
    }
}

#[test]
fn every_variant_has_a_fixture_of_its_generation() {
    let engine = engine();
    for function in VARIANTS {
        let fixtures = [("p", Generation::P), ("s", Generation::S)].map(|(end, generation)| {
            (format!("{}.{}.{end}.wat", function.module, function.name), generation)
        });
        let there = fixtures.into_iter().filter(|(name, _)| {
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/command").join(name).exists()
        });
        let there: Vec<_> = there.collect();
        assert_eq!(there.len(), 1, "{}", function.name);
        for (name, generation) in there {
            let info = fixture(&engine, &name);
            has_exactly(&info, function);
            assert_eq!(Generation::detect(&info), Ok(generation), "{name}");
        }
    }
}

#[test]
fn preview_1_is_there_as_the_manifest_says() {
    let offered = Offered::new(&Policy::none());
    let wasi: Vec<_> = offered.functions().filter(|(module, _, _)| module.starts_with("wasi_")).collect();
    for (module, name, ty) in &wasi {
        assert_eq!(find(module, name).map(Function::ty).as_ref(), Some(*ty), "{module}.{name}");
    }
    let of_now = wasi.iter().filter(|(module, _, _)| *module == "wasi_snapshot_preview1");
    assert_eq!(of_now.count(), 46);
}
