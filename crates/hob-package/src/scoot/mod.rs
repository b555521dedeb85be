//! Scoot tool packages: `manifest.toml`, `policy.toml`, two schemas, a component.
//!
//! The rules of upstream are checked in its order and said in its words, so that whoever knows them finds them again.
//! What hob demands beyond them has rules of its own.

mod w0;

pub use w0::{Structure, structure};

use hob_abi::tool;
use hob_cap::{ClockGrant, Policy, RandomGrant, Request, StdioGrant};

use crate::files::{FileError, Files};
use crate::limits::LimitsPatch;
use crate::manifest::{Doc, Field, Section};
use crate::model::{Format, Kind, Package};
use crate::problem::{Problems, shown};
use crate::schema::Schema;
use crate::{json, module, paths};

/// The sizes upstream allows; its limit for manifests excludes the limit itself.
const MANIFEST_BYTES_MAX: u64 = (64 << 10) - 1;
const COMPONENT_BYTES_MAX: u64 = 16 << 20;
const SCHEMA_BYTES_MAX: u64 = 256 << 10;

const CAPABILITIES: [&str; 5] = ["compute", "read", "write", "net_read", "net_write"];

const MANIFEST: &str = "manifest.toml";
const POLICY: &str = "policy.toml";

struct Manifest {
    name: String,
    description: String,
    entry: String,
    component: String,
    input: String,
    output: String,
    kind: String,
    capabilities: Vec<String>,
}

/// Reads a package; problems are noted, and with any there is none.
pub(crate) fn read(files: &mut Files, problems: &mut Problems) -> Option<Package> {
    let manifest = manifest(files, problems)?;
    let kind = tool::Kind::ALL.into_iter().find(|kind| kind.name() == manifest.kind);
    if kind.is_none() {
        problems.upstream("kind", MANIFEST, None, "kind must be `tool`, `compressor`, `policy`, or `audit`");
    }
    check_names(&manifest, problems);
    let policy = policy(files, &manifest, problems);
    let component = component(files, &manifest, problems);
    let input = schema(files, &manifest.input, "input", problems);
    let output = schema(files, &manifest.output, "output", problems);
    let (module, info) = component?;
    let kind = Kind::Tool(kind?);
    module::check_exports(&info, kind, &manifest.entry, &mut [], &manifest.component, problems);
    module::check_imports(&info, &harmless(), &manifest.component, problems);
    let policy = policy?;
    let granted = |capability: &String| (capability.clone(), policy.contains(capability));
    Some(Package {
        format: Format::Scoot,
        kind,
        name: manifest.name,
        version: None,
        description: manifest.description,
        module_path: manifest.component,
        module,
        info,
        entry: manifest.entry,
        input: Some(input?),
        output: Some(output?),
        exports: Vec::new(),
        request: Request(harmless()),
        policy: harmless(),
        limits: LimitsPatch {
            hard_deadline: Some(tool::DEADLINE),
            output_bytes: Some(tool::OUTPUT_BYTES_MAX),
            ..LimitsPatch::default()
        },
        config: Default::default(),
        capabilities: manifest.capabilities.iter().map(granted).collect(),
        digest: String::new(),
    })
}

/// What every package may have: it tells nothing about the host and reaches nothing of it.
pub(crate) fn harmless() -> Policy {
    Policy {
        clock: ClockGrant::Virtual,
        random: RandomGrant::Seeded(0),
        stdio: StdioGrant::all(),
        log: true,
        ..Policy::none()
    }
}

/// The bytes of one of the two manifests.
fn read_toml(files: &mut Files, name: &str, problems: &mut Problems) -> Option<Vec<u8>> {
    match files.take(name, MANIFEST_BYTES_MAX) {
        Ok(bytes) => return Some(bytes),
        Err(FileError::Missing) => problems.upstream("manifest-file", name, None, format!("missing {name}")),
        Err(FileError::TooLarge) => {
            problems.upstream("manifest-file", name, None, format!("cannot read {name}: StreamTooLong"));
        }
        Err(FileError::Escapes) => problems.hob(
            "manifest-link",
            name,
            None,
            format!("{name} is a link that leads out of the package"),
        ),
        Err(FileError::IsDir) => {
            problems.upstream("manifest-file", name, None, format!("cannot read {name}: IsDir"))
        }
        Err(FileError::Loop) => {
            problems.upstream("manifest-file", name, None, format!("cannot read {name}: SymLinkLoop"));
        }
        Err(FileError::BadName) => {
            problems.upstream("manifest-file", name, None, format!("cannot read {name}"))
        }
        Err(FileError::Other(why)) => {
            problems.upstream("manifest-file", name, None, format!("cannot read {name}: {why}"));
        }
    }
    None
}

fn not_toml(name: &str, error: &crate::manifest::NotToml, problems: &mut Problems) {
    problems.upstream("manifest-toml", name, error.line, format!("{name} is not valid supported TOML"));
    problems.hob("manifest-toml", name, error.line, error.what.clone());
}

fn unknown(section: &Section<'_>, name: &str, problems: &mut Problems) {
    for (key, line) in section.unknown() {
        problems.hob("unknown-key", name, Some(line), format!("there is no key `{key}`"));
    }
}

fn manifest(files: &mut Files, problems: &mut Problems) -> Option<Manifest> {
    let bytes = read_toml(files, MANIFEST, problems)?;
    let doc = match Doc::parse(&bytes) {
        Ok(doc) => doc,
        Err(error) => {
            not_toml(MANIFEST, &error, problems);
            return None;
        }
    };
    let root = doc.root();
    let text = |key| root.text(key);
    let or = |field: Field<String>, default: &str| match field {
        Field::Missing => Some(default.to_owned()),
        field => field.value(),
    };
    let read = (|| {
        Some(Manifest {
            name: text("name").value()?,
            description: text("description").value()?,
            entry: text("entry").value()?,
            input: text("input_schema").value()?,
            output: text("output_schema").value()?,
            capabilities: root.texts("capabilities").value()?,
            kind: or(text("kind"), "tool")?,
            component: or(text("component"), "component.wasm")?,
        })
    })();
    if read.is_none() {
        let message = format!("{MANIFEST} is missing required fields or has invalid field types");
        problems.upstream("manifest-fields", MANIFEST, None, message);
    } else {
        unknown(&root, MANIFEST, problems);
    }
    read
}

fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=64).contains(&text.len()) && text.chars().all(plain)
}

fn check_names(manifest: &Manifest, problems: &mut Problems) {
    let mut upstream = |rule, message: String| problems.upstream(rule, MANIFEST, None, message);
    if !is_name(&manifest.name) {
        upstream("name", "name must use only ASCII letters, digits, '.', '_' or '-'".into());
    }
    if manifest.description.is_empty() {
        upstream("description", "description must not be empty".into());
    }
    if !is_name(&manifest.entry) {
        upstream("entry", "entry must be a non-empty ASCII identifier".into());
    }
    if !paths::is_safe(&manifest.component) {
        upstream("component-path", "component path must be a safe relative path".into());
    } else if !manifest.component.ends_with(".wasm") {
        upstream("component-path", "component path must end with .wasm".into());
    }
    for (path, which) in [(&manifest.input, "input_schema"), (&manifest.output, "output_schema")] {
        if !paths::is_safe(path) {
            upstream("schema-path", format!("{which} must be a safe relative path"));
        }
    }
    check_capabilities(&manifest.capabilities, "manifest", MANIFEST, problems);
    let odd = |text: &str| text.starts_with(['.', '-']);
    if is_name(&manifest.name) && odd(&manifest.name) {
        problems.hob("name-start", MANIFEST, None, "a name begins with a letter, a digit or `_`");
    }
    if is_name(&manifest.entry) && odd(&manifest.entry) {
        problems.hob("entry-start", MANIFEST, None, "an entry begins with a letter, a digit or `_`");
    }
    if manifest.description.chars().any(char::is_control) || manifest.description.trim().is_empty() {
        problems.hob("text-plain", MANIFEST, None, "the description is text without control characters");
    }
}

fn check_capabilities(list: &[String], which: &str, file: &str, problems: &mut Problems) {
    if list.is_empty() {
        problems.upstream("capabilities", file, None, format!("{which} capabilities must not be empty"));
    }
    for capability in list {
        if !CAPABILITIES.contains(&capability.as_str()) {
            let message =
                format!("{which} capabilities contains unsupported capability `{}`", shown(capability));
            problems.upstream("capabilities", file, None, message);
        }
    }
}

fn policy(files: &mut Files, manifest: &Manifest, problems: &mut Problems) -> Option<Vec<String>> {
    let bytes = read_toml(files, POLICY, problems)?;
    let doc = match Doc::parse(&bytes) {
        Ok(doc) => doc,
        Err(error) => {
            not_toml(POLICY, &error, problems);
            return None;
        }
    };
    let root = doc.root();
    let Some(list) = root.texts("capabilities").value() else {
        let message = format!("{POLICY} is missing required fields or has invalid field types");
        problems.upstream("manifest-fields", POLICY, None, message);
        return None;
    };
    check_capabilities(&list, "policy", POLICY, problems);
    for capability in list.iter().filter(|capability| !manifest.capabilities.contains(capability)) {
        let message = format!("policy capability `{}` is not declared in {MANIFEST}", shown(capability));
        problems.upstream("policy-within-manifest", POLICY, None, message);
    }
    unknown(&root, POLICY, problems);
    Some(list)
}

fn component(
    files: &mut Files,
    manifest: &Manifest,
    problems: &mut Problems,
) -> Option<(Vec<u8>, hob_engine::ModuleInfo)> {
    let file = manifest.component.as_str();
    if !paths::is_safe(file) {
        return None;
    }
    let mut upstream = |message: String| problems.upstream("component-file", file, None, message);
    let bytes = match files.take(file, COMPONENT_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) => {
            upstream(match error {
                FileError::Missing => "component wasm file is missing".into(),
                FileError::Escapes => {
                    "component wasm file resolves outside the package directory (symlink escape)".into()
                }
                FileError::TooLarge => "component wasm file exceeds 16 MiB".into(),
                FileError::BadName => "cannot stat component wasm file: BadPathName".into(),
                FileError::IsDir => "cannot read component wasm file: IsDir".into(),
                FileError::Loop => "cannot read component wasm file: SymLinkLoop".into(),
                FileError::Other(why) => format!("cannot read component wasm file: {why}"),
            });
            return None;
        }
    };
    if bytes.is_empty() {
        upstream("component wasm file is empty".into());
        return None;
    }
    if let Some(why) = w0::problem(&bytes) {
        problems.upstream(
            "component-structure",
            file,
            None,
            format!("component wasm bytecode invalid: {why}"),
        );
        return None;
    }
    module::read(&bytes, file, problems)
}

fn schema(files: &mut Files, file: &str, which: &str, problems: &mut Problems) -> Option<Schema> {
    if !paths::is_safe(file) {
        return None;
    }
    let bytes = match files.take(file, SCHEMA_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = match error {
                FileError::Missing => format!("{which} schema file is missing"),
                FileError::Escapes => {
                    format!("{which} schema resolves outside the package directory (symlink escape)")
                }
                FileError::TooLarge => format!("{which} schema exceeds 256 KiB"),
                FileError::IsDir => format!("cannot read {which} schema: IsDir"),
                FileError::Loop => format!("cannot read {which} schema: SymLinkLoop"),
                FileError::BadName => format!("cannot read {which} schema: BadPathName"),
                FileError::Other(why) => format!("cannot read {which} schema: {why}"),
            };
            problems.upstream("schema-file", file, None, message);
            return None;
        }
    };
    let Ok(value) = json::strict(&bytes) else {
        problems.upstream("schema-json", file, None, format!("{which} schema is not valid JSON"));
        return None;
    };
    Schema::new(&value, file)
        .map_err(|error| problems.hob("schema-valid", file, None, error.to_string()))
        .ok()
}
