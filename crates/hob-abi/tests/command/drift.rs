//! The functions that there are against those the manifest says there are: for each generation the same names with the
//! same types, none missing and none besides.

use std::collections::BTreeMap;

use hob_abi::command::{ALIASES, Eras, FUNCTIONS, Function, Functions, Generation, VARIANTS, VERSION};
use hob_engine::{ExternType, FuncType, Import, ModuleInfo};

type Types = BTreeMap<(String, String), FuncType>;

fn importing(function: &Function) -> ModuleInfo {
    let import = Import {
        module: function.module.into(),
        name: function.name.into(),
        ty: ExternType::Func(function.ty()),
    };
    ModuleInfo { imports: vec![import], ..ModuleInfo::default() }
}

fn offered(functions: &Functions, generation: Generation, info: &ModuleInfo) -> Types {
    let table = functions.of(generation, info);
    table.iter().map(|(module, name, func)| ((module.into(), name.into()), func.ty().clone())).collect()
}

/// What the manifest says, with the names that are aliases. Functions that came later are there for older generations,
/// too: a table has them all, and what a module is decides before it is linked.
fn said(era: Eras) -> Types {
    let older = VARIANTS.iter().filter(|function| !function.eras.and(era).is_empty());
    let mut types = Types::new();
    for function in FUNCTIONS.iter().chain(older.filter(|function| !both(function, era))) {
        types.insert((function.module.into(), function.name.into()), function.ty());
        for (alias, _) in ALIASES.iter().filter(|(_, of)| *of == function.module) {
            types.insert(((*alias).into(), function.name.into()), function.ty());
        }
    }
    types
}

/// Whether a generation has the type of now besides.
fn both(variant: &Function, era: Eras) -> bool {
    let same = |one: &&Function| (one.module, one.name) == (variant.module, variant.name);
    FUNCTIONS.iter().find(same).is_some_and(|now| !now.eras.and(era).is_empty())
}

const GENERATIONS: [(Generation, Eras); 5] = [
    (Generation::P, Eras::P),
    (Generation::S, Eras::S),
    (Generation::V1, Eras::V1),
    (Generation::Wasi, Eras::V1),
    (Generation::Native(VERSION), Eras::V1),
];

#[test]
fn each_generation_has_the_functions_of_the_manifest() {
    let functions = Functions::new();
    for (generation, era) in GENERATIONS {
        let (there, said) = (offered(&functions, generation, &ModuleInfo::default()), said(era));
        for (name, ty) in &said {
            assert_eq!(there.get(name), Some(ty), "{name:?} of {generation:?}");
        }
        let besides: Vec<_> = there.keys().filter(|name| !said.contains_key(*name)).collect();
        assert!(besides.is_empty(), "{generation:?} has {besides:?} besides");
    }
}

#[test]
fn what_a_module_imports_is_there_with_its_type() {
    let functions = Functions::new();
    for function in FUNCTIONS.iter().chain(VARIANTS) {
        let info = importing(function);
        for (generation, era) in GENERATIONS {
            if function.eras.and(era).is_empty() {
                continue;
            }
            let table = functions.of(generation, &info);
            assert!(
                table.resolve(&info.imports[0]).is_ok(),
                "{}.{} of {generation:?}",
                function.module,
                function.name
            );
        }
        let generation = Generation::detect(&info).unwrap();
        assert!(functions.of(generation, &info).resolve(&info.imports[0]).is_ok(), "{}", function.name);
    }
}
