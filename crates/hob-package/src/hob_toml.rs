//! hob's own format: `hob.toml`, a superset of the others. `docs/hob.schema.json` describes it for editors.

use std::collections::BTreeSet;

use hob_abi::plugin::Form;
use hob_abi::tool;
use hob_cap::{
    Access, ClockGrant, EnvGrant, FsGrant, GuestPath, HostObject, Limit, NetGrant, Policy, RandomGrant,
    Request, StdioGrant,
};

use crate::files::{FileError, Files};
use crate::limits::LimitsPatch;
use crate::manifest::{Doc, Field, Section};
use crate::model::{Export, Format, Kind, Package};
use crate::problem::{Problems, shown};
use crate::schema::Schema;
use crate::scoot::harmless;
use crate::{json, module, paths};

pub(crate) const MANIFEST: &str = "hob.toml";

const MANIFEST_BYTES_MAX: u64 = 64 << 10;
const MODULE_BYTES_MAX: u64 = 64 << 20;
const SCHEMA_BYTES_MAX: u64 = 256 << 10;

const KINDS: &str = "tool, compressor, policy, audit, plugin, command or behavior";

struct Reader<'p> {
    problems: &'p mut Problems,
}

impl Reader<'_> {
    fn add(&mut self, rule: &'static str, line: Option<usize>, message: impl Into<String>) {
        self.problems.hob(rule, MANIFEST, line, message);
    }

    fn typed<T>(&mut self, what: &str, field: Field<T>) -> Option<T> {
        if field.is_wrong() {
            self.add("manifest-fields", field.line(), format!("`{what}` has another type than it must have"));
        }
        field.value()
    }

    fn text(&mut self, section: &Section<'_>, key: &'static str) -> Option<String> {
        let field = section.text(key);
        let line = field.line();
        let text = self.typed(key, field)?;
        if text.chars().any(hob_cap::is_hidden) {
            self.add("text-plain", line, format!("`{key}` holds control or invisible characters"));
        }
        Some(text)
    }

    fn needed(&mut self, section: &Section<'_>, key: &'static str) -> Option<String> {
        let text = self.text(section, key);
        if matches!(section.text(key), Field::Missing) {
            self.add("manifest-fields", None, format!("`{key}` is missing"));
        }
        text
    }

    fn unknown(&mut self, section: &Section<'_>) {
        for (key, line) in section.unknown() {
            self.add("unknown-key", Some(line), format!("there is no key `{key}`"));
        }
    }

    fn path(&mut self, section: &Section<'_>, key: &'static str) -> Option<String> {
        let line = section.text(key).line();
        let path = self.text(section, key)?;
        if !paths::is_safe(&path) || path.contains('\\') {
            self.add(
                "safe-path",
                line,
                format!("`{key}` must be a safe relative path, its parts apart by `/`"),
            );
            return None;
        }
        Some(path)
    }
}

pub(crate) fn read(files: &mut Files, problems: &mut Problems) -> Option<Package> {
    let bytes = match files.take(MANIFEST, MANIFEST_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) => {
            problems.hob("manifest-file", MANIFEST, None, describe(&error, "64 KiB"));
            return None;
        }
    };
    let doc = match Doc::parse(&bytes) {
        Ok(doc) => doc,
        Err(error) => {
            problems.hob("manifest-toml", MANIFEST, error.line, error.what);
            return None;
        }
    };
    let root = doc.root();
    let mut reader = Reader { problems };
    let r = &mut reader;
    let field = root.section("package");
    if matches!(field, Field::Missing) {
        r.add("manifest-fields", None, "the table [package] is missing");
    }
    let section = r.typed("package", field)?;
    let head = head(&section, r);
    let mut request = policy(&root, "request", r).unwrap_or_else(|| (harmless(), BTreeSet::new()));
    let mut granted = match policy(&root, "policy", r) {
        Some(granted) => granted,
        None => (harmless().attenuate(&request.0), BTreeSet::new()),
    };
    if head.as_ref().is_some_and(|head| head.kind == Some(Kind::Plugin)) {
        // A plugin answers by its functions, and has no streams.
        (request.0.stdio, granted.0.stdio) = Default::default();
    }
    for key in granted.1.difference(&request.1) {
        let message =
            format!("[policy] grants the configuration `{}`, which [request] does not ask for", shown(key));
        r.add("policy-within-request", None, message);
    }
    if !request.0.allows(&granted.0) {
        for verdict in request.0.check(&Request(granted.0.clone())).iter().filter(|verdict| !verdict.granted)
        {
            r.add(
                "policy-within-request",
                None,
                format!("[policy] grants `{}`, which [request] does not ask for", verdict.asked),
            );
        }
    }
    let limits = limits(&root, r);
    let declared = exports(&root, r);
    r.unknown(&root);
    let head = head?;
    let kind = head.kind?;
    let module_path = head.module?;
    let mut exports: Vec<Export> = Vec::new();
    for export in declared {
        let schema = |path: &Option<String>, problems: &mut Problems, files: &mut Files| {
            path.as_ref().and_then(|path| schema(files, path, problems))
        };
        let input = schema(&export.input, reader.problems, files);
        let output = schema(&export.output, reader.problems, files);
        exports.push(Export {
            name: export.name,
            description: export.description,
            form: export.form,
            input,
            output,
        });
    }
    let input = head.input.and_then(|path| schema(files, &path, reader.problems));
    let output = head.output.and_then(|path| schema(files, &path, reader.problems));
    let bytes = match files.take(&module_path, MODULE_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) => {
            reader.problems.hob("module-file", &module_path, None, describe(&error, "64 MiB"));
            return None;
        }
    };
    let (module, info) = module::read(&bytes, &module_path, reader.problems)?;
    module::check_exports(&info, kind, &head.entry, &mut exports, &module_path, reader.problems);
    module::check_imports(&info, &request.0, &module_path, reader.problems);
    Some(Package {
        format: Format::Hob,
        kind,
        name: head.name?,
        version: head.version,
        description: head.description,
        module_path,
        module,
        info,
        entry: head.entry,
        input,
        output,
        exports,
        request: Request(request.0),
        policy: granted.0,
        limits,
        config: request.1,
        capabilities: Vec::new(),
        digest: String::new(),
    })
}

struct Head {
    name: Option<String>,
    version: Option<String>,
    description: String,
    kind: Option<Kind>,
    module: Option<String>,
    entry: String,
    input: Option<String>,
    output: Option<String>,
}

fn head(section: &Section<'_>, r: &mut Reader<'_>) -> Option<Head> {
    let name = r.needed(section, "name");
    if let Some(name) = &name
        && !(is_word(name) && name.starts_with(|c: char| c.is_ascii_alphanumeric()))
    {
        let message = "a name is 1 to 64 letters, digits, `.`, `_` or `-`, and begins with a letter or digit";
        r.add("name", section.text("name").line(), message);
    }
    let version = r.needed(section, "version");
    if let Some(version) = &version
        && semver::Version::parse(version).is_err()
    {
        let line = section.text("version").line();
        r.add("version", line, format!("`{}` is no version such as 1.2.3", shown(version)));
    }
    let kind = r.needed(section, "kind").and_then(|kind| {
        let found = match kind.as_str() {
            "plugin" => Some(Kind::Plugin),
            "command" => Some(Kind::Command),
            "behavior" => Some(Kind::Behavior),
            other => tool::Kind::ALL.into_iter().find(|kind| kind.name() == other).map(Kind::Tool),
        };
        if found.is_none() {
            let line = section.text("kind").line();
            r.add("kind", line, format!("`{}` is no kind; there are {KINDS}", shown(&kind)));
        }
        found
    });
    let description = r.text(section, "description").unwrap_or_default();
    for key in ["license", "homepage"] {
        r.text(section, key);
    }
    let field = section.texts("authors");
    r.typed("authors", field);
    let module = r.path(section, "module");
    if matches!(section.text("module"), Field::Missing) {
        r.add("manifest-fields", None, "`module` is missing");
    }
    if let Some(path) = &module
        && !(path.ends_with(".wasm") || path.ends_with(".wat"))
    {
        let message = format!("`{}` ends neither in .wasm nor in .wat", shown(path));
        r.add("module-file", section.text("module").line(), message);
    }
    let entry = r.text(section, "entry").unwrap_or_else(|| "_start".into());
    if !is_word(&entry) {
        let message = "an entry is 1 to 64 letters, digits, `.`, `_` or `-`";
        r.add("entry", section.text("entry").line(), message);
    }
    let input = r.path(section, "input-schema");
    let output = r.path(section, "output-schema");
    r.unknown(section);
    Some(Head { name, version, description, kind, module, entry, input, output })
}

fn is_word(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=64).contains(&text.len()) && text.chars().all(plain)
}

struct Declared {
    name: String,
    description: String,
    form: Option<Form>,
    input: Option<String>,
    output: Option<String>,
}

fn exports(root: &Section<'_>, r: &mut Reader<'_>) -> Vec<Declared> {
    let field = root.sections("export");
    let mut seen = BTreeSet::new();
    let mut list = Vec::new();
    for section in r.typed("export", field).unwrap_or_default() {
        let name = r.needed(&section, "name").unwrap_or_default();
        let line = section.text("name").line();
        if hob_abi::plugin::RESERVED.contains(&name.as_str())
            || name.trim().is_empty()
            || !seen.insert(name.clone())
        {
            r.add(
                "export-name",
                line,
                format!("`{}` is empty, belongs to the contract, or stands twice", shown(&name)),
            );
        }
        let form = match r.text(&section, "abi").as_deref() {
            None => None,
            Some("none") => Some(Form::Plain),
            Some("json") => Some(Form::Json),
            Some(other) => {
                let line = section.text("abi").line();
                r.add("export-abi", line, format!("`{}` is no abi; there are none and json", shown(other)));
                None
            }
        };
        let description = r.text(&section, "description").unwrap_or_default();
        let input = r.path(&section, "input");
        let output = r.path(&section, "output");
        if form == Some(Form::Plain) && (input.is_some() || output.is_some()) {
            r.add("export-abi", line, "a function without JSON has no schemas");
        }
        r.unknown(&section);
        list.push(Declared { name, description, form, input, output });
    }
    list
}

/// A table of grants, and the keys of configuration it names.
fn policy(root: &Section<'_>, key: &'static str, r: &mut Reader<'_>) -> Option<(Policy, BTreeSet<String>)> {
    let mut policy = harmless();
    let field = root.section(key);
    let section = r.typed(key, field)?;
    let field = section.sections("fs");
    for folder in r.typed("fs", field).unwrap_or_default() {
        let line = folder.text("path").line();
        let path = r.needed(&folder, "path");
        let access = match r.text(&folder, "access").as_deref() {
            None | Some("ro") => Access::Read,
            Some("rw") => Access::ReadWrite,
            Some(other) => {
                r.add(
                    "fs-access",
                    folder.text("access").line(),
                    format!("`{}` is neither ro nor rw", shown(other)),
                );
                Access::Read
            }
        };
        r.unknown(&folder);
        match path.map(|path| GuestPath::new(&path)) {
            Some(Ok(guest)) if guest.as_str().contains(hob_cap::is_hidden) => {
                r.add(
                    "fs-path",
                    line,
                    format!("`{}` holds control or invisible characters", shown(guest.as_str())),
                );
            }
            Some(Ok(guest)) if guest.as_str().contains(['*', '?', '[', ']', '{', '}']) => {
                r.add(
                    "fs-path",
                    line,
                    format!("`{}` is no folder: patterns are not granted", shown(guest.as_str())),
                );
            }
            Some(Ok(guest)) => policy.fs.push(FsGrant { host: guest.as_str().into(), guest, access }),
            Some(Err(error)) => r.add("fs-path", line, error.to_string()),
            None => {}
        }
    }
    let field = section.texts("env");
    let line = field.line();
    for key in r.typed("env", field).unwrap_or_default() {
        let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        match EnvGrant::new(&key, None) {
            Ok(grant) if plain && !key.starts_with(|c: char| c.is_ascii_digit()) => policy.env.push(grant),
            _ => {
                let message = format!(
                    "`{}` is no name of a variable: letters, digits and `_`, the first no digit",
                    shown(&key)
                );
                r.add("env-key", line, message);
            }
        }
    }
    let field = section.texts("net");
    let line = field.line();
    for pattern in r.typed("net", field).unwrap_or_default() {
        match NetGrant::parse(&pattern) {
            Ok(grant) => policy.net.push(grant),
            Err(error) => r.add("net-pattern", line, error.to_string()),
        }
    }
    clocks(&section, &mut policy, r);
    let field = section.texts("objects");
    policy.objects = r.typed("objects", field).unwrap_or_default().into_iter().map(HostObject).collect();
    let field = section.texts("config");
    let config: BTreeSet<String> = r.typed("config", field).unwrap_or_default().into_iter().collect();
    let objects = policy.objects.iter().map(|object: &HostObject| object.0.as_str());
    for name in objects.chain(config.iter().map(|key: &String| key.as_str())) {
        if !is_word(name) {
            let message = format!("`{}` is no name: 1 to 64 letters, digits, `.`, `_` or `-`", shown(name));
            r.add("grant-name", None, message);
        }
    }
    r.unknown(&section);
    Some((policy, config))
}

fn clocks(section: &Section<'_>, policy: &mut Policy, r: &mut Reader<'_>) {
    match r.text(section, "clock").as_deref() {
        None | Some("virtual") => {}
        Some("none") => policy.clock = ClockGrant::None,
        Some("coarse") => policy.clock = ClockGrant::Coarse,
        Some("real") => policy.clock = ClockGrant::Real,
        Some(other) => {
            let line = section.text("clock").line();
            r.add("clock", line, format!("`{}` is none of none, virtual, coarse, real", shown(other)));
        }
    }
    match r.text(section, "random").as_deref() {
        None | Some("seeded") => {}
        Some("none") => policy.random = RandomGrant::None,
        Some("real") => policy.random = RandomGrant::Real,
        Some(other) => {
            let line = section.text("random").line();
            r.add("random", line, format!("`{}` is none of none, seeded, real", shown(other)));
        }
    }
    let field = section.flag("log");
    policy.log = r.typed("log", field).unwrap_or(true);
    let field = section.flag("stdio");
    if r.typed("stdio", field) == Some(false) {
        policy.stdio = StdioGrant::default();
    }
}

fn limits(root: &Section<'_>, r: &mut Reader<'_>) -> LimitsPatch {
    let mut patch = LimitsPatch::default();
    let field = root.section("limits");
    let Some(section) = r.typed("limits", field) else { return patch };
    let bytes = |key: &'static str, limit: Limit, r: &mut Reader<'_>| {
        let line = section.text(key).line();
        let text = r.text(&section, key)?;
        let read = hob_cap::parse_bytes(&text);
        check_limit(read, limit, line, r)
    };
    patch.memory_bytes = bytes("memory", Limit::Memory, r);
    patch.output_bytes = bytes("output", Limit::Output, r);
    let time = |key: &'static str, limit: Limit, r: &mut Reader<'_>| {
        let line = section.text(key).line();
        let text = r.text(&section, key)?;
        let read = hob_cap::parse_duration(&text);
        let millis = read.as_ref().map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        check_limit(millis.map_err(Clone::clone), limit, line, r)?;
        read.ok()
    };
    patch.hard_deadline = time("timeout", Limit::HardDeadline, r);
    patch.soft_deadline = time("soft-timeout", Limit::SoftDeadline, r);
    if patch.soft_deadline.zip(patch.hard_deadline).is_some_and(|(soft, hard)| soft > hard) {
        r.add(
            "timeouts",
            section.text("soft-timeout").line(),
            "the soft timeout is longer than the hard one",
        );
    }
    let field = section.number("fuel");
    let line = field.line();
    if let Some(fuel) = r.typed("limits.fuel", field) {
        patch.fuel = u64::try_from(fuel).ok();
        if patch.fuel.is_none() {
            r.add("limit-value", line, "fuel is not negative");
        }
    }
    r.unknown(&section);
    patch
}

fn check_limit<E: std::fmt::Display>(
    read: Result<u64, E>,
    limit: Limit,
    line: Option<usize>,
    r: &mut Reader<'_>,
) -> Option<u64> {
    match read {
        Ok(value) if value > 0 && value <= limit.max_value() => Some(value),
        Ok(_) => {
            r.add(
                "limit-value",
                line,
                format!("{limit} is above 0 and at most {}", limit.amount(limit.max_value())),
            );
            None
        }
        Err(error) => {
            r.add("limit-value", line, error.to_string());
            None
        }
    }
}

fn schema(files: &mut Files, file: &str, problems: &mut Problems) -> Option<Schema> {
    let bytes = match files.take(file, SCHEMA_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) => {
            problems.hob("schema-file", file, None, describe(&error, "256 KiB"));
            return None;
        }
    };
    let value = match json::strict(&bytes) {
        Ok(value) => value,
        Err(error) => {
            problems.hob("schema-json", file, Some(error.line()), error.to_string());
            return None;
        }
    };
    Schema::new(&value, file)
        .map_err(|error| problems.hob("schema-valid", file, None, error.to_string()))
        .ok()
}

fn describe(error: &FileError, bound: &str) -> String {
    match error {
        FileError::Missing => "it is missing".into(),
        FileError::Escapes => "it is a link that leads out of the package".into(),
        FileError::IsDir => "it is a directory".into(),
        FileError::Loop => "its links lead in a circle".into(),
        FileError::TooLarge => format!("it is larger than {bound}"),
        FileError::BadName => "its name holds a NUL byte".into(),
        FileError::Other(why) => format!("it cannot be read: {why}"),
    }
}
