//! The module of a package: validated, its exports held against what is declared, its imports against what is asked for.

use hob_abi::plugin::Form;
use hob_abi::{Mismatch, Offered, command, json, plugin, tool};
use hob_cap::Policy;
use hob_engine::{CompileLimits, FuncType, LoadError, ModuleInfo, wasm_from_text};

use crate::model::{Export, Kind};
use crate::problem::{Problems, shown};

/// A module in the binary format, and its shape. Problems are noted; `None` when it cannot be read at all.
pub(crate) fn read(bytes: &[u8], file: &str, problems: &mut Problems) -> Option<(Vec<u8>, ModuleInfo)> {
    let checked = wasm_from_text(bytes).and_then(|wasm| {
        let info = ModuleInfo::check(&wasm, &CompileLimits::default())?;
        Ok((wasm.into_owned(), info))
    });
    match checked {
        Ok(both) => Some(both),
        Err(LoadError::Limit(limit)) => {
            problems.hob("module-limits", file, None, limit.to_string());
            None
        }
        Err(error) => {
            problems.hob("module-valid", file, None, error.to_string());
            None
        }
    }
}

/// Checks the exports a kind of package needs.
pub(crate) fn check_exports(
    info: &ModuleInfo,
    kind: Kind,
    entry: &str,
    exports: &mut [Export],
    file: &str,
    problems: &mut Problems,
) {
    let checked = match kind {
        Kind::Plugin => plugin::check(info),
        Kind::Behavior => json::check(info),
        Kind::Tool(_) | Kind::Command if entry == "_start" => match kind {
            Kind::Command => command::check(info),
            _ => tool::check(info),
        },
        Kind::Tool(_) | Kind::Command => {
            let fits = info.exported_func(entry).is_some_and(is_entry);
            if !fits {
                let why = match info.export(entry) {
                    None => "is not exported".to_owned(),
                    Some(_) => "is exported, and is no function `() -> ()`".to_owned(),
                };
                problems.hob("entry-export", file, None, format!("the entry `{}` {why}", shown(entry)));
            }
            Ok(())
        }
        Kind::Module => Ok(()),
    };
    for mismatch in checked.err().unwrap_or_default() {
        problems.hob(rule_of(&mismatch), file, None, mismatch.to_string());
    }
    for export in exports {
        check_declared(info, kind, export, file, problems);
    }
}

fn check_declared(info: &ModuleInfo, kind: Kind, export: &mut Export, file: &str, problems: &mut Problems) {
    let name = shown(&export.name);
    let Some(ty) = info.exported_func(&export.name) else {
        problems.hob(
            "declared-export",
            file,
            None,
            format!("`{name}` is declared, and is no exported function"),
        );
        return;
    };
    if kind != Kind::Plugin {
        return;
    }
    let by_type = Form::of(ty);
    let declared = export.form;
    match (declared, by_type) {
        (_, None) => problems.hob(
            "declared-export",
            file,
            None,
            format!("`{name}` is {ty}; a function takes nothing, or (i32, i32) and returns i64"),
        ),
        (Some(declared), Some(real)) if declared != real => problems.hob(
            "declared-export",
            file,
            None,
            format!("`{name}` is declared as another form than its type {ty} is"),
        ),
        _ => export.form = by_type,
    }
}

fn is_entry(ty: &FuncType) -> bool {
    ty.params.is_empty() && ty.results.is_empty()
}

fn rule_of(mismatch: &Mismatch) -> &'static str {
    match mismatch.export() {
        "_start" => "entry-export",
        _ => "contract-export",
    }
}

/// Checks that every import is there when everything that is asked for is granted.
pub(crate) fn check_imports(info: &ModuleInfo, request: &Policy, file: &str, problems: &mut Problems) {
    let offered = Offered::new(request);
    for import in &info.imports {
        if let Err(error) = offered.reach(import) {
            let hint = match (import.module.as_str(), import.name.as_str()) {
                ("samuel", "fs_read") => "; ask for a folder under filesystem.read",
                ("samuel", "fs_write") => "; ask for a folder under filesystem.write",
                ("samuel", "net_outbound") => "; ask for a host under network.hosts",
                ("samuel", "log") => "; ask for the log",
                _ => "",
            };
            problems.hob("import-needs-grant", file, None, format!("{error}{hint}"));
        }
    }
}
