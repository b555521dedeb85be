//! What a module is and what it could reach: computed from the table it would be linked against.

use hob_abi::{Contract, actor};
use hob_engine::{ExternType, HostTable, LinkError, Module, Reach};
use serde::Serialize;

/// A module as a reviewer wants to see it. Text of the guest is escaped and bounded.
///
/// ```
/// let host = hob::Host::builder().build()?;
/// let seen = host.load_bytes("m", br#"(module (import "env" "f" (func)))"#)?.inspect();
/// assert!(!seen.linkable);
/// assert!(seen.problems[0].contains("env.f"));
/// # Ok::<(), hob::Error>(())
/// ```
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// The name it was loaded under.
    pub name: String,
    /// Its size in bytes, as a binary.
    pub bytes: u64,
    /// SHA-256 of the binary, in hexadecimal.
    pub sha256: String,
    /// The contracts its exports fit, by name and version.
    pub contracts: Vec<&'static str>,
    /// Whether every import is met.
    pub linkable: bool,
    /// Why not.
    pub problems: Vec<String>,
    /// What it could reach: each thing once.
    pub reaches: Vec<String>,
    /// Its imports.
    pub imports: Vec<ImportInfo>,
    /// Its exports, with their types.
    pub exports: Vec<String>,
    /// Its sections, with their sizes in bytes.
    pub sections: Vec<String>,
    /// Whether code runs as soon as an instance is made.
    pub has_start: bool,
    /// How many functions it defines.
    pub functions: u64,
}

/// One import, and what it lets the guest reach.
///
/// ```
/// let host = hob::Host::builder().build()?;
/// let module = br#"(module (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32))))"#;
/// let import = &host.load_bytes("m", module)?.inspect().imports[0];
/// assert_eq!((import.reach, import.detail.as_str()), (hob::ReachKind::Inert, "--random"));
/// # Ok::<(), hob::Error>(())
/// ```
#[derive(Clone, Debug, Serialize)]
pub struct ImportInfo {
    /// The module name.
    pub module: String,
    /// The name within it.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: String,
    /// What kind of reach it has.
    pub reach: ReachKind,
    /// What it reaches; for an inert one, the flag that would make it reach something.
    pub detail: String,
}

/// What kind of reach an import has.
///
/// ```
/// assert_eq!(serde_json::to_string(&hob::ReachKind::Granted).unwrap(), "\"granted\"");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReachKind {
    /// Nothing outside the guest.
    Nothing,
    /// What a grant names.
    Granted,
    /// It links and always refuses.
    Inert,
    /// It cannot be linked.
    Unlinkable,
}

impl Inspection {
    pub(crate) fn of<T: 'static>(name: &str, module: &Module, table: &HostTable<T>) -> Self {
        let info = module.info();
        // An actor is linked against these, whatever the host grants.
        let mut actors = HostTable::<actor::Seat>::new();
        actor::add_to(&mut actors);
        let imports: Vec<(ImportInfo, Option<LinkError>)> = info
            .imports
            .iter()
            .map(|import| {
                let resolved = if import.module == actor::MODULE {
                    actors.resolve(import).map(|func| func.reach().clone())
                } else {
                    table.resolve(import).map(|func| func.reach().clone())
                };
                let (reach, detail) = match &resolved {
                    Ok(Reach::Nothing) => (ReachKind::Nothing, String::new()),
                    Ok(Reach::Granted(what)) => (ReachKind::Granted, what.clone()),
                    Ok(Reach::Inert(flag)) => (ReachKind::Inert, flag.clone()),
                    Err(_) => (ReachKind::Unlinkable, String::new()),
                };
                let shown = ImportInfo {
                    module: hob_cap::escape_guest_text(&import.module, 128),
                    name: hob_cap::escape_guest_text(&import.name, 128),
                    ty: describe(&import.ty),
                    reach,
                    detail,
                };
                (shown, resolved.err())
            })
            .collect();
        let problems: Vec<String> =
            imports.iter().filter_map(|(_, error)| Some(error.as_ref()?.to_string())).collect();
        let mut reaches: Vec<String> = Vec::new();
        for (import, _) in &imports {
            if import.reach == ReachKind::Granted && !reaches.contains(&import.detail) {
                reaches.push(import.detail.clone());
            }
        }
        let exports = info.exports.iter().map(|export| {
            format!("{}: {}", hob_cap::escape_guest_text(&export.name, 128), describe(&export.ty))
        });
        Self {
            name: hob_cap::escape_guest_text(name, 128),
            bytes: info.bytes,
            sha256: module.digest().iter().map(|byte| format!("{byte:02x}")).collect(),
            contracts: Contract::detect(info).into_iter().map(Contract::name).collect(),
            linkable: problems.is_empty(),
            problems,
            reaches,
            imports: imports.into_iter().map(|(import, _)| import).collect(),
            exports: exports.collect(),
            sections: info
                .sections
                .iter()
                .map(|section| format!("{}: {}", section.name, section.bytes))
                .collect(),
            has_start: info.has_start,
            functions: info.functions,
        }
    }
}

fn describe(ty: &ExternType) -> String {
    match ty {
        ExternType::Func(ty) => format!("func {ty}"),
        ExternType::Memory { min, max: Some(max) } => format!("memory {min}..{max} pages"),
        ExternType::Memory { min, max: None } => format!("memory {min}.. pages"),
        ExternType::Table => "table".into(),
        ExternType::Global => "global".into(),
        ExternType::Tag => "tag".into(),
    }
}
