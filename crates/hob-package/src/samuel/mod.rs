//! Samuel plugins: `samuel-plugin.toml` and a module.
//!
//! Upstream's reader takes much that its documents forbid; hob takes what the documents describe. A rule that only hob
//! holds says so in its origin.

mod grants;

use std::collections::BTreeSet;
use std::time::Duration;

use hob_abi::plugin;
use hob_cap::Request;

use crate::files::{FileError, Files};
use crate::limits::LimitsPatch;
use crate::manifest::{Doc, Field, Section};
use crate::model::{Export, Format, Kind, Package};
use crate::problem::{Problem, Problems, shown};
use crate::{module, paths};
use grants::grants;

pub(crate) const MANIFEST: &str = "samuel-plugin.toml";

const MANIFEST_BYTES_MAX: u64 = 64 << 10;
const MODULE_BYTES_MAX: u64 = 64 << 20;

/// Names upstream's own command line uses.
const VERBS: [&str; 13] = [
    "init",
    "install",
    "uninstall",
    "update",
    "search",
    "info",
    "ls",
    "list",
    "run",
    "doctor",
    "sync",
    "version",
    "new",
];

const MEMORY_MIB_DEFAULT: u32 = 64;
const MEMORY_MIB_MAX: u32 = 4096;
const TIMEOUT: Duration = Duration::from_secs(5);
const HARD_TIMEOUT: Duration = Duration::from_secs(30);
const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The one folder that may be read without asking anyone, as upstream's own prompt has it.
const SAFE: &str = "/workspace";

/// The limits and grants a manifest names, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestCaps {
    /// Memory, in MiB.
    pub memory_mib: u32,
    /// The soft timeout.
    pub timeout: Duration,
    /// The hard timeout.
    pub hard_timeout: Duration,
    /// Folders to read.
    pub read: Vec<String>,
    /// Folders to write.
    pub write: Vec<String>,
    /// Environment variables, in order, each once.
    pub env: Vec<String>,
    /// Hosts.
    pub hosts: Vec<String>,
}

struct Manifest {
    name: String,
    version: String,
    summary: String,
    kind: String,
    module: String,
    exports: Vec<String>,
    caps: ManifestCaps,
}

/// Checks the text of a manifest alone. The caps are there when the manifest could be read.
#[must_use]
pub fn check_manifest(text: &[u8]) -> (Option<ManifestCaps>, Vec<Problem>) {
    let mut problems = Problems::default();
    let caps = manifest(text, &mut problems).map(|manifest| {
        grants(&manifest.caps, &mut problems);
        manifest.caps
    });
    (caps, problems.into_vec())
}

/// Reads a package; problems are noted, and with any there is none.
pub(crate) fn read(files: &mut Files, problems: &mut Problems) -> Option<Package> {
    let bytes = match files.take(MANIFEST, MANIFEST_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) => {
            let why = match error {
                FileError::Missing => "there is none".to_owned(),
                FileError::TooLarge => format!("it is larger than {MANIFEST_BYTES_MAX} bytes"),
                FileError::Escapes => "it is a link that leads out of the package".into(),
                other => format!("{other:?}"),
            };
            problems.hob("manifest-file", MANIFEST, None, why);
            return None;
        }
    };
    let manifest = manifest(&bytes, problems)?;
    let (request, policy) = grants(&manifest.caps, problems);
    if manifest.kind != "wasm" {
        let message =
            format!("a plugin of kind `{}` holds no module that could run here", shown(&manifest.kind));
        problems.hob("kind-runs", MANIFEST, None, message);
        return None;
    }
    let (module, info) = read_module(files, &manifest.module, problems)?;
    let mut exports: Vec<Export> = manifest
        .exports
        .iter()
        .map(|name| Export {
            name: name.clone(),
            description: String::new(),
            form: None,
            input: None,
            output: None,
        })
        .collect();
    module::check_exports(&info, Kind::Plugin, "", &mut exports, &manifest.module, problems);
    module::check_imports(&info, &request, &manifest.module, problems);
    let caps = &manifest.caps;
    Some(Package {
        format: Format::Samuel,
        kind: Kind::Plugin,
        name: manifest.name,
        version: Some(manifest.version),
        description: manifest.summary,
        module_path: manifest.module,
        module,
        info,
        entry: String::new(),
        input: None,
        output: None,
        exports,
        request: Request(request),
        policy,
        limits: LimitsPatch {
            memory_bytes: Some(u64::from(caps.memory_mib) << 20),
            soft_deadline: Some(caps.timeout),
            hard_deadline: Some(caps.hard_timeout),
            ..LimitsPatch::default()
        },
        config: BTreeSet::new(),
        capabilities: Vec::new(),
        digest: String::new(),
    })
}

fn read_module(
    files: &mut Files,
    file: &str,
    problems: &mut Problems,
) -> Option<(Vec<u8>, hob_engine::ModuleInfo)> {
    if !paths::is_safe(file) {
        return None;
    }
    match files.take(file, MODULE_BYTES_MAX) {
        Ok(bytes) => module::read(&bytes, file, problems),
        Err(error) => {
            let why = match error {
                FileError::Missing => "the module is missing".to_owned(),
                FileError::TooLarge => "the module is larger than 64 MiB".into(),
                FileError::Escapes => "the module is a link that leads out of the package".into(),
                other => format!("the module cannot be read: {other:?}"),
            };
            problems.hob("module-file", file, None, why);
            None
        }
    }
}

/// Collects problems of one manifest.
struct Reader<'p> {
    problems: &'p mut Problems,
    typed: bool,
}

impl Reader<'_> {
    fn upstream(&mut self, rule: &'static str, line: Option<usize>, message: impl Into<String>) {
        self.problems.upstream(rule, MANIFEST, line, message);
    }

    fn hob(&mut self, rule: &'static str, line: Option<usize>, message: impl Into<String>) {
        self.problems.hob(rule, MANIFEST, line, message);
    }

    /// The value of a field; another type is a problem.
    fn typed<T>(&mut self, name: &str, field: Field<T>) -> Option<T> {
        if field.is_wrong() {
            self.typed = false;
            self.upstream(
                "manifest-toml",
                field.line(),
                format!("`{name}` has another type than it must have"),
            );
        }
        field.value()
    }

    fn unknown(&mut self, section: &Section<'_>) {
        for (key, line) in section.unknown() {
            self.hob("unknown-key", Some(line), format!("there is no key `{key}`"));
        }
    }

    fn text(&mut self, section: &Section<'_>, key: &'static str) -> String {
        let field = section.text(key);
        let line = field.line();
        let text = self.typed(key, field).unwrap_or_default();
        if text.chars().any(char::is_control) {
            self.hob("text-plain", line, format!("`{key}` holds control characters"));
        }
        text
    }

    fn texts(&mut self, section: &Section<'_>, key: &'static str) -> Vec<String> {
        let field = section.texts(key);
        self.typed(key, field).unwrap_or_default()
    }
}

fn manifest(bytes: &[u8], problems: &mut Problems) -> Option<Manifest> {
    let doc = match Doc::parse(bytes) {
        Ok(doc) => doc,
        Err(error) => {
            problems.upstream(
                "manifest-toml",
                MANIFEST,
                error.line,
                format!("manifest is not valid TOML: {}", error.what),
            );
            return None;
        }
    };
    let root = doc.root();
    let mut reader = Reader { problems, typed: true };
    let r = &mut reader;
    let name = r.text(&root, "name");
    let version = r.text(&root, "version");
    let kind = r.text(&root, "kind");
    let summary = r.text(&root, "summary");
    for key in ["homepage", "license"] {
        r.text(&root, key);
    }
    r.texts(&root, "authors");
    root.skip("metadata");
    let missing = |text: &str, key: &str, r: &mut Reader<'_>| {
        if text.trim().is_empty() {
            r.upstream("required", None, format!("manifest missing required field '{key}'"));
        }
        text.trim().is_empty()
    };
    if !missing(&name, "name", r) && !is_name(&name) {
        r.upstream("name", root.text("name").line(), format!("invalid plugin name \"{}\"", shown(&name)));
    }
    if !missing(&version, "version", r) && semver::Version::parse(&version).is_err() {
        let line = root.text("version").line();
        r.hob("version", line, format!("`{}` is no version such as 1.2.3", shown(&version)));
    }
    if !missing(&kind, "kind", r) && !["skill", "wasm", "oci", "meta"].contains(&kind.as_str()) {
        r.upstream("kind", root.text("kind").line(), format!("invalid plugin kind \"{}\"", shown(&kind)));
    }
    read_ranges(&root, r);
    let requires = read_lists(&root, r);
    if kind == "meta" && requires == 0 {
        r.upstream("requires", None, "meta manifest must require at least one plugin");
    }
    let (module, exports) = read_exports(&root, &kind, r);
    let caps = read_caps(&root, r);
    read_oci(&root, &kind, r);
    r.unknown(&root);
    let typed = reader.typed;
    typed.then_some(Manifest { name, version, summary, kind, module, exports, caps })
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (2..=64).contains(&name.len())
        && name.chars().all(|c| plain(c) || c == '-')
        && name.starts_with(plain)
        && name.ends_with(plain)
}

/// `[samuel]`: version ranges.
fn read_ranges(root: &Section<'_>, r: &mut Reader<'_>) {
    let field = root.section("samuel");
    let Some(samuel) = r.typed("samuel", field) else { return };
    for key in ["framework", "protocol"] {
        let line = samuel.text(key).line();
        let range = r.text(&samuel, key);
        if range.is_empty() {
            continue;
        }
        let plausible = |part: &str| {
            part.trim()
                .starts_with(|c: char| c.is_ascii_digit() || matches!(c, '^' | '~' | '=' | '<' | '>' | '*'))
        };
        if !range.split(',').all(plausible) {
            let message =
                format!("invalid samuel.{key} version range: unrecognized range syntax: {}", shown(&range));
            r.upstream("version-range", line, message);
            continue;
        }
        match semver::VersionReq::parse(&range) {
            Err(_) => r.hob("version-range", line, format!("`{}` is no range of versions", shown(&range))),
            Ok(range) if key == "protocol" && !range.matches(&semver::Version::new(1, 0, 0)) => {
                r.hob("protocol-range", line, "the plugin asks for another protocol than 1");
            }
            Ok(_) => {}
        }
    }
    r.unknown(&samuel);
}

/// `[provides]` and `[requires]`; how many plugins are required.
fn read_lists(root: &Section<'_>, r: &mut Reader<'_>) -> usize {
    let field = root.section("provides");
    if let Some(provides) = r.typed("provides", field) {
        for key in ["skills", "commands", "methodology", "hooks"] {
            r.texts(&provides, key);
        }
        r.unknown(&provides);
    }
    let field = root.section("requires");
    let Some(requires) = r.typed("requires", field) else { return 0 };
    let entries = requires.entries();
    for (name, range) in &entries {
        if range.is_wrong() {
            let message = format!("requires.{} has another type than it must have", shown(name));
            r.upstream("manifest-toml", range.line(), message);
        }
    }
    entries.len()
}

/// `[wasm]` and the exports of `[runtime]`: the module, and the functions that are declared.
fn read_exports(root: &Section<'_>, kind: &str, r: &mut Reader<'_>) -> (String, Vec<String>) {
    let field = root.section("wasm");
    let wasm = r.typed("wasm", field);
    let field = root.section("runtime");
    let runtime = r.typed("runtime", field);
    let (mut module, mut first) = (String::new(), Vec::new());
    let mut line = None;
    if let Some(wasm) = &wasm {
        line = wasm.text("module").line();
        module = r.text(wasm, "module");
        first = r.texts(wasm, "exports");
        r.unknown(wasm);
    }
    let second = runtime.as_ref().map(|runtime| r.texts(runtime, "exports")).unwrap_or_default();
    let (winning, other) = if second.is_empty() { (first, second) } else { (second, first) };
    if kind != "wasm" {
        return (module, winning);
    }
    if module.trim().is_empty() {
        r.upstream("module", line, "wasm manifest missing [wasm] module reference");
    } else if !paths::is_safe(&module) {
        r.hob("module-path", line, "the module is named by a safe relative path");
    }
    if winning.is_empty() {
        r.upstream("exports", None, "wasm manifest declares no exports");
    }
    let reserved = |name: &str| VERBS.contains(&name.trim().to_ascii_lowercase().as_str());
    for name in &winning {
        if reserved(name) {
            r.upstream(
                "reserved-export",
                None,
                format!("export \"{}\" collides with built-in samuel verb", shown(name)),
            );
        }
    }
    for name in other.iter().filter(|name| reserved(name)) {
        r.hob("reserved-export", None, format!("`{}` is reserved, in whichever list it stands", shown(name)));
    }
    let mut seen = BTreeSet::new();
    for name in &winning {
        if name.trim().is_empty() {
            r.hob("export-name", None, "an export has no name");
        } else if plugin::RESERVED.contains(&name.as_str()) {
            r.hob("export-name", None, format!("`{name}` belongs to the contract and is not declared"));
        } else if !seen.insert(name) {
            r.hob("export-name", None, format!("`{}` is declared twice", shown(name)));
        }
    }
    (module, winning)
}

/// `[runtime]` and `[capabilities]`.
fn read_caps(root: &Section<'_>, r: &mut Reader<'_>) -> ManifestCaps {
    let mut caps = ManifestCaps {
        memory_mib: MEMORY_MIB_DEFAULT,
        timeout: TIMEOUT,
        hard_timeout: HARD_TIMEOUT,
        ..ManifestCaps::default()
    };
    let field = root.section("runtime");
    if let Field::Is(runtime, _) = field {
        read_runtime(&runtime, &mut caps, r);
    }
    let field = root.section("capabilities");
    let Some(section) = r.typed("capabilities", field) else { return caps };
    let mut env: Vec<String> = Vec::new();
    for key in r.texts(&section, "env") {
        let key = key.trim().to_owned();
        if !key.is_empty() && !env.contains(&key) {
            env.push(key);
        }
    }
    env.sort();
    caps.env = env;
    let field = section.section("filesystem");
    if let Some(fs) = r.typed("capabilities.filesystem", field) {
        caps.read = r.texts(&fs, "read");
        caps.write = r.texts(&fs, "write");
        r.unknown(&fs);
    }
    let field = section.section("network");
    if let Some(network) = r.typed("capabilities.network", field) {
        caps.hosts = r.texts(&network, "hosts").into_iter().filter(|host| !host.trim().is_empty()).collect();
        for key in ["outbound", "allowed_hosts"] {
            r.texts(&network, key);
        }
        r.unknown(&network);
    }
    let field = section.flag("exec");
    r.typed("capabilities.exec", field);
    for (key, flag) in [("samuel", "api"), ("assistant", "invoke")] {
        let field = section.section(key);
        if let Some(inner) = r.typed(key, field) {
            let field = inner.flag(flag);
            r.typed(flag, field);
            r.unknown(&inner);
        }
    }
    r.unknown(&section);
    caps
}

fn read_runtime(runtime: &Section<'_>, caps: &mut ManifestCaps, r: &mut Reader<'_>) {
    runtime.skip("exports");
    let field = runtime.number("max_memory");
    let line = field.line();
    if let Some(number) = r.typed("runtime.max_memory", field) {
        match u32::try_from(number) {
            Err(_) => {
                r.typed = false;
                r.upstream("manifest-toml", line, "`runtime.max_memory` does not fit a number of MiB");
            }
            Ok(0) => {}
            Ok(mib) => {
                caps.memory_mib = mib;
                if mib > MEMORY_MIB_MAX {
                    r.hob("memory-limit", line, format!("max_memory is 1 to {MEMORY_MIB_MAX} MiB"));
                }
            }
        }
    }
    let duration = |key: &'static str, r: &mut Reader<'_>| {
        let field = runtime.text(key);
        let line = field.line();
        let text = r.typed(key, field)?;
        let read = go_duration(&text).filter(|time| !time.is_zero() && *time <= TIMEOUT_MAX);
        if read.is_none() {
            let message = format!("`{}` is no duration such as 5s, above 0 and up to 24h", shown(&text));
            r.hob("duration", line, message);
        }
        read
    };
    let (soft, hard) = (duration("timeout", r), duration("hard_timeout", r));
    caps.hard_timeout = hard.unwrap_or(HARD_TIMEOUT);
    // A hard timeout alone bounds the soft one that nobody named.
    caps.timeout = soft.unwrap_or(TIMEOUT.min(caps.hard_timeout));
    if caps.timeout > caps.hard_timeout {
        r.upstream("timeouts", runtime.text("timeout").line(), "wasm: soft timeout exceeds hard timeout");
    }
    r.unknown(runtime);
}

/// `[oci]`.
fn read_oci(root: &Section<'_>, kind: &str, r: &mut Reader<'_>) {
    let field = root.section("oci");
    let Some(oci) = r.typed("oci", field) else {
        if kind == "oci" {
            r.upstream("oci-image", None, "oci manifest missing [oci] image");
        }
        return;
    };
    let line = oci.text("image").line();
    let image = r.text(&oci, "image");
    for key in ["digest", "entrypoint", "workdir", "cpu_quota", "memory_limit"] {
        oci.skip(key);
    }
    r.unknown(&oci);
    if kind != "oci" {
        return;
    }
    match image.split_once("@sha256:") {
        None => r.upstream("oci-image", line, "oci manifest image is not digest-pinned"),
        Some((_, digest)) if digest.len() != 64 || !digest.chars().all(|c| c.is_ascii_hexdigit()) => {
            r.hob("oci-digest", line, "a digest is 64 hexadecimal digits");
        }
        Some(_) => {}
    }
}

/// A duration as Go writes it: `1h15m30.5s`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let number: f64 = number.parse().ok().filter(|_| number.bytes().any(|byte| byte.is_ascii_digit()))?;
        let units =
            [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
        // `ms` begins with `m`, so the longest that fits is meant.
        let (unit, seconds) = units
            .into_iter()
            .filter(|(unit, _)| tail.starts_with(unit))
            .max_by_key(|(unit, _)| unit.len())?;
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = tail.strip_prefix(unit)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let check = |text: &str, want: Option<u64>| {
            assert_eq!(go_duration(text).map(|time| time.as_millis()), want.map(u128::from), "{text}");
        };
        check("5s", Some(5000));
        check("1.5s", Some(1500));
        check("300ms", Some(300));
        check("1h15m30.5s", Some(4_530_500));
        check("1m", Some(60_000));
        check("0", Some(0));
        check("5", None);
        check("5 s", None);
        check("-5s", None);
        check("abc", None);
        check("", None);
        check(".s", None);
        check("99999999999999999999h", None);
    }

    #[test]
    fn a_hard_timeout_alone_bounds_the_soft_one() {
        let text = b"name = \"ab\"\nversion = \"1.0.0\"\nkind = \"wasm\"\n[wasm]\nmodule = \"p.wasm\"\nexports = [\"f\"]\n\
                     [runtime]\nhard_timeout = \"1s\"\n";
        let (caps, problems) = check_manifest(text);
        assert_eq!(problems, []);
        assert_eq!(
            caps.map(|caps| (caps.timeout, caps.hard_timeout)),
            Some((Duration::from_secs(1), Duration::from_secs(1)))
        );
    }
}
