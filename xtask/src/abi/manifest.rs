//! The manifest of the command contract: read from `command.toml`, every name in it resolved, every rule of it checked.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// The manifest.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) contract: Contract,
    pub(super) aliases: Vec<Alias>,
    pub(super) errnos: Vec<(u16, String)>,
    pub(super) signals: Vec<Signal>,
    pub(super) layouts: Vec<Layout>,
    pub(super) constants: Vec<Constants>,
    pub(super) functions: Vec<Function>,
    pub(super) variants: Vec<Function>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contract {
    pub(super) name: String,
    pub(super) major: u16,
    pub(super) minor: u16,
    pub(super) section: String,
    pub(super) imports_max: u64,
    pub(super) memories_max: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Alias {
    pub(super) module: String,
    pub(super) of: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signal {
    pub(super) number: u8,
    pub(super) name: String,
    pub(super) default: String,
}

#[derive(Debug)]
pub(super) struct Layout {
    pub(super) name: String,
    pub(super) size: u32,
    pub(super) align: u32,
    pub(super) shape: Shape,
    pub(super) doc: String,
}

#[derive(Debug)]
pub(super) enum Shape {
    /// Offset, type and name of each field, ascending.
    Fields(Vec<(u32, String, String)>),
    /// One of these layouts.
    Union(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Constants {
    pub(super) doc: String,
    pub(super) values: Vec<Constant>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Constant {
    pub(super) name: String,
    pub(super) value: u32,
    #[serde(default)]
    pub(super) doc: String,
}

#[derive(Debug)]
pub(super) struct Function {
    pub(super) module: String,
    pub(super) name: String,
    pub(super) params: Vec<Param>,
    pub(super) result: Answer,
    /// Numbers, ascending.
    pub(super) errnos: Vec<u16>,
    pub(super) class: Class,
    pub(super) restartable: bool,
    pub(super) grant: Grant,
    pub(super) since: (u16, u16),
    pub(super) status: Status,
    /// Of P, S and v1.
    pub(super) eras: BTreeSet<Era>,
    pub(super) limits: Vec<Cap>,
    pub(super) doc: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Era {
    #[serde(rename = "wasi")]
    Wasi,
    P,
    S,
    #[serde(rename = "v1")]
    V1,
}

#[derive(Debug)]
pub(super) struct Param {
    pub(super) name: String,
    pub(super) ty: String,
    pub(super) role: Role,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A number: the word of the manifest.
    Number(&'static str),
    /// A pointer: the word, and to how much.
    Pointer(&'static str, Extent),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Extent {
    Bytes(u32),
    Layout { name: String, size: u32 },
    Count { param: usize, each: u32, layout: Option<String> },
    At { param: usize },
    Told,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    Errno,
    ScalarI32,
    ScalarI64,
    None,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Class {
    Bootstrap,
    Local,
    Host,
    Wait,
    Terminal,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Grant {
    None,
    Descriptor,
    Stdio,
    Env,
    Clock,
    Random,
    Fs,
    FsWrite,
    Children,
    Net,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Status {
    Canonical,
    Compatibility,
}

#[derive(Debug)]
pub(super) struct Cap {
    pub(super) name: String,
    pub(super) max: u32,
    pub(super) errno: Option<u16>,
}

/// The words of roles that are numbers, and of those that are pointers.
const NUMBERS: [&str; 11] =
    ["value", "signed", "flags", "signal", "fd", "dirfd", "pid", "id", "low", "high", "len"];
const POINTERS: [&str; 6] = ["path", "text", "strings", "in", "out", "inout"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawManifest {
    contract: Contract,
    alias: Vec<Alias>,
    errno_group: BTreeMap<String, Vec<String>>,
    errno: BTreeMap<String, u16>,
    signal: Vec<Signal>,
    layout: Vec<RawLayout>,
    constants: Vec<Constants>,
    function: Vec<RawFunction>,
    variant: Vec<RawFunction>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLayout {
    name: String,
    size: u32,
    align: u32,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    union: Vec<String>,
    doc: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFunction {
    module: String,
    name: String,
    params: Vec<String>,
    result: Answer,
    #[serde(default)]
    errnos: Vec<String>,
    class: Class,
    #[serde(default)]
    restartable: bool,
    grant: Grant,
    since: String,
    status: Status,
    generation: Option<Era>,
    #[serde(default)]
    generations: BTreeSet<Era>,
    #[serde(default)]
    limits: Vec<RawCap>,
    doc: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCap {
    name: String,
    max: u32,
    errno: Option<String>,
}

impl Manifest {
    /// Reads the text of `command.toml`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let raw: RawManifest = toml::from_str(text).map_err(|error| error.to_string())?;
        let layouts: Vec<Layout> = raw.layout.into_iter().map(layout).collect::<Result<_, _>>()?;
        let names = Names { errno: &raw.errno, group: &raw.errno_group, layouts: &layouts };
        let all = |functions: Vec<RawFunction>| -> Result<Vec<Function>, String> {
            let mut functions: Vec<Function> = functions
                .into_iter()
                .map(|function| {
                    let shown = format!("{}.{}", function.module, function.name);
                    names.function(function).map_err(|why| format!("{shown}: {why}"))
                })
                .collect::<Result<_, _>>()?;
            functions.sort_by(|a, b| (&a.module, &a.name).cmp(&(&b.module, &b.name)));
            Ok(functions)
        };
        let functions = all(raw.function)?;
        let variants = all(raw.variant)?;
        let mut errnos: Vec<(u16, String)> =
            raw.errno.iter().map(|(name, number)| (*number, name.clone())).collect();
        errnos.sort();
        Ok(Self {
            contract: raw.contract,
            aliases: raw.alias,
            errnos,
            signals: raw.signal,
            layouts,
            constants: raw.constants,
            functions,
            variants,
        })
    }

    /// The name of an error number.
    pub(super) fn errno(&self, number: u16) -> &str {
        self.errnos.iter().find(|(errno, _)| *errno == number).map_or("", |(_, name)| name)
    }

    /// The modules functions are imported from, in the order of their names.
    pub(super) fn modules(&self) -> BTreeSet<&str> {
        self.functions.iter().map(|function| function.module.as_str()).collect()
    }
}

impl Function {
    /// The WebAssembly types of the parameters.
    pub(super) fn param_types(&self) -> Vec<&str> {
        self.params.iter().map(|param| param.ty.as_str()).collect()
    }

    /// The WebAssembly type of the result.
    pub(super) fn result_type(&self) -> Option<&'static str> {
        match self.result {
            Answer::Errno | Answer::ScalarI32 => Some("i32"),
            Answer::ScalarI64 => Some("i64"),
            Answer::None => None,
        }
    }
}

/// What names in the manifest stand for.
struct Names<'a> {
    errno: &'a BTreeMap<String, u16>,
    group: &'a BTreeMap<String, Vec<String>>,
    layouts: &'a [Layout],
}

impl Names<'_> {
    fn function(&self, raw: RawFunction) -> Result<Function, String> {
        let split: Vec<(&str, &str, &str)> =
            raw.params.iter().map(|text| split(text)).collect::<Result<_, _>>()?;
        let all: Vec<&str> = split.iter().map(|(name, _, _)| *name).collect();
        let params: Vec<Param> = split
            .iter()
            .map(|(name, ty, role)| {
                let role = self.role(role, &all).map_err(|why| format!("parameter {name}: {why}"))?;
                Ok(Param { name: (*name).into(), ty: (*ty).into(), role })
            })
            .collect::<Result<_, String>>()?;
        let limits = raw.limits.into_iter().map(|cap| {
            let errno = cap.errno.map(|name| self.number(&name)).transpose()?;
            Ok(Cap { name: cap.name, max: cap.max, errno })
        });
        let function = Function {
            module: raw.module,
            name: raw.name,
            params,
            result: raw.result,
            errnos: self.numbers(&raw.errnos)?,
            class: raw.class,
            restartable: raw.restartable,
            grant: raw.grant,
            since: version(&raw.since)?,
            status: raw.status,
            eras: eras(raw.generation, raw.generations)?,
            limits: limits.collect::<Result<_, String>>()?,
            doc: raw.doc,
        };
        self.rules(&function)?;
        Ok(function)
    }

    fn number(&self, name: &str) -> Result<u16, String> {
        self.errno.get(name).copied().ok_or_else(|| format!("`{name}` is no error"))
    }

    fn numbers(&self, names: &[String]) -> Result<Vec<u16>, String> {
        let mut numbers = BTreeSet::new();
        for name in names {
            match name.strip_prefix('@') {
                None => {
                    numbers.insert(self.number(name)?);
                }
                Some(group) => {
                    let group =
                        self.group.get(group).ok_or_else(|| format!("no group of errors `{name}`"))?;
                    for name in group {
                        numbers.insert(self.number(name)?);
                    }
                }
            }
        }
        Ok(numbers.into_iter().collect())
    }

    fn role(&self, text: &str, params: &[&str]) -> Result<Role, String> {
        let word = |words: &[&'static str], text: &str| words.iter().copied().find(|word| *word == text);
        match text.split_once('[') {
            None => word(&NUMBERS, text).map(Role::Number).ok_or_else(|| format!("`{text}` is no role")),
            Some((role, rest)) => {
                let role =
                    word(&POINTERS, role).ok_or_else(|| format!("`{role}` is no role of a pointer"))?;
                let extent = rest.strip_suffix(']').ok_or("a `]` is missing")?;
                Ok(Role::Pointer(role, self.extent(extent, params)?))
            }
        }
    }

    fn extent(&self, text: &str, params: &[&str]) -> Result<Extent, String> {
        let param = |name: &str| params.iter().position(|param| *param == name);
        let layout = |name: &str| self.layouts.iter().find(|layout| layout.name == name);
        let missing = || format!("`{text}` is neither a parameter, a layout nor a number");
        if text == "told" {
            return Ok(Extent::Told);
        }
        if let Some(name) = text.strip_prefix('*') {
            return Ok(Extent::At { param: param(name).ok_or_else(missing)? });
        }
        if let Some((name, each)) = text.split_once('*') {
            let param = param(name).ok_or_else(missing)?;
            return Ok(match (layout(each), each.parse()) {
                (Some(layout), _) => {
                    Extent::Count { param, each: layout.size, layout: Some(layout.name.clone()) }
                }
                (None, Ok(each)) => Extent::Count { param, each, layout: None },
                (None, Err(_)) => return Err(missing()),
            });
        }
        match (param(text), layout(text), text.parse()) {
            (Some(param), _, _) => Ok(Extent::Count { param, each: 1, layout: None }),
            (None, Some(layout), _) => Ok(Extent::Layout { name: layout.name.clone(), size: layout.size }),
            (None, None, Ok(bytes)) => Ok(Extent::Bytes(bytes)),
            _ => Err(missing()),
        }
    }

    /// What must hold of every function, so that what is made from the manifest can rely on it.
    fn rules(&self, function: &Function) -> Result<(), String> {
        let answers = |name: &str| self.number(name).map(|number| function.errnos.contains(&number));
        let pointers = || function.params.iter().filter(|param| matches!(param.role, Role::Pointer(..)));
        if let Some(param) = pointers().find(|param| param.ty != "i32") {
            return Err(format!("parameter {}: a pointer is an i32", param.name));
        }
        for param in &function.params {
            if let Role::Pointer(_, Extent::Count { param: at, .. }) = &param.role {
                let counts = function.params.get(*at).is_some_and(|len| len.role == Role::Number("len"));
                if !counts {
                    return Err(format!("parameter {}: its length is not a `len`", param.name));
                }
            }
        }
        if function.result != Answer::Errno {
            return if function.errnos.is_empty() {
                Ok(())
            } else {
                Err("it answers with no error number, so it has no errors".into())
            };
        }
        if pointers().next().is_some() && !answers("fault")? {
            return Err("it takes a pointer, so it may answer `fault`".into());
        }
        let reaches = function.params.iter().any(|param| matches!(param.role, Role::Number("fd" | "dirfd")));
        if reaches && !answers("badf")? {
            return Err("it takes a descriptor, so it may answer `badf`".into());
        }
        if function.class == Class::Wait && !answers("intr")? {
            return Err("it may wait, so it may answer `intr`".into());
        }
        if let Some(cap) = function
            .limits
            .iter()
            .find(|cap| cap.errno.is_some_and(|errno| !function.errnos.contains(&errno)))
        {
            return Err(format!("limit {}: its error is not one of the function's", cap.name));
        }
        Ok(())
    }
}

fn layout(raw: RawLayout) -> Result<Layout, String> {
    let fields = raw.fields.iter().map(|text| {
        let mut words = text.split(' ');
        match (words.next().and_then(|at| at.parse().ok()), words.next(), words.next(), words.next()) {
            (Some(at), Some(ty), Some(name), None) => Ok((at, ty.to_owned(), name.to_owned())),
            _ => Err(format!("layout {}: `{text}` is not \"OFFSET TYPE NAME\"", raw.name)),
        }
    });
    let fields: Vec<_> = fields.collect::<Result<_, _>>()?;
    let shape = if raw.union.is_empty() { Shape::Fields(fields) } else { Shape::Union(raw.union) };
    Ok(Layout { name: raw.name, size: raw.size, align: raw.align, shape, doc: raw.doc })
}

/// "NAME: TYPE ROLE".
fn split(text: &str) -> Result<(&str, &str, &str), String> {
    let (name, rest) = text.split_once(": ").ok_or_else(|| format!("`{text}` is not \"NAME: TYPE ROLE\""))?;
    match rest.split_once(' ') {
        Some((ty @ ("i32" | "i64"), role)) => Ok((name, ty, role)),
        _ => Err(format!("`{text}` is not \"NAME: TYPE ROLE\"")),
    }
}

fn version(text: &str) -> Result<(u16, u16), String> {
    text.split_once('.')
        .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)))
        .ok_or_else(|| format!("`{text}` is no version"))
}

/// A function stays from its first generation on; a variant is in those it names.
fn eras(first: Option<Era>, named: BTreeSet<Era>) -> Result<BTreeSet<Era>, String> {
    match (first, named.is_empty()) {
        (Some(first), true) => {
            Ok([Era::P, Era::S, Era::V1].into_iter().filter(|era| *era >= first).collect())
        }
        (None, false) => Ok(named),
        _ => Err("a function says `generation`, a variant `generations`".into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    const HEAD: &str = r#"
signal = []
constants = []
variant = []
[contract]
name = "c"
major = 1
minor = 0
section = "c"
imports_max = 1
memories_max = 1
[[alias]]
module = "b"
of = "a"
[errno_group]
fd = ["badf"]
[errno]
badf = 8
fault = 21
intr = 27
[[layout]]
name = "pair"
size = 8
align = 4
fields = ["0 ptr buf", "4 u32 len"]
doc = ""
"#;

    fn function(params: &str, more: &str) -> Result<Function, String> {
        let text = format!(
            "{HEAD}[[function]]\nmodule = \"m\"\nname = \"f\"\nparams = [{params}]\nresult = \"errno\"\n\
             grant = \"none\"\nsince = \"1.0\"\nstatus = \"canonical\"\ndoc = \"\"\n{more}"
        );
        Manifest::parse(&text).map(|manifest| manifest.functions.into_iter().next().unwrap())
    }

    const HOST: &str = "class = \"host\"\ngeneration = \"S\"\nerrnos = [\"fault\"]\n";

    #[test]
    fn a_parameter_points_to_what_it_names() {
        let extent = |role: &str| {
            let params = format!("\"p: i32 {role}\", \"n: i32 len\", \"m: i32 inout[4]\"");
            function(&params, HOST).map(|function| match &function.params.first().unwrap().role {
                Role::Pointer(_, extent) => format!("{extent:?}"),
                Role::Number(word) => (*word).into(),
            })
        };
        let check = |role, want: &str| assert_eq!(extent(role).unwrap(), want, "{role}");
        check("out[7]", "Bytes(7)");
        check("out[pair]", "Layout { name: \"pair\", size: 8 }");
        check("path[n]", "Count { param: 1, each: 1, layout: None }");
        check("in[n*4]", "Count { param: 1, each: 4, layout: None }");
        check("in[n*pair]", "Count { param: 1, each: 8, layout: Some(\"pair\") }");
        check("out[*m]", "At { param: 2 }");
        check("out[told]", "Told");
        check("signal", "signal");
        assert_eq!(
            extent("out[x]").unwrap_err(),
            "m.f: parameter p: `x` is neither a parameter, a layout nor a number"
        );
        assert_eq!(extent("out[m]").unwrap_err(), "m.f: parameter p: its length is not a `len`");
        assert_eq!(extent("thing").unwrap_err(), "m.f: parameter p: `thing` is no role");
    }

    #[test]
    fn errors_follow_from_what_a_function_takes() {
        let check = |params, more: &str, want: &str| assert_eq!(function(params, more).unwrap_err(), want);
        let none = "class = \"host\"\ngeneration = \"S\"\n";
        check("\"p: i32 out[4]\"", none, "m.f: it takes a pointer, so it may answer `fault`");
        check("\"p: i32 fd\"", none, "m.f: it takes a descriptor, so it may answer `badf`");
        check("", "class = \"wait\"\ngeneration = \"S\"\n", "m.f: it may wait, so it may answer `intr`");
        let group = format!("{none}errnos = [\"@fd\", \"intr\"]\n");
        assert_eq!(function("\"p: i32 fd\"", &group).unwrap().errnos, [8, 27]);
    }

    #[test]
    fn a_function_stays_from_its_first_generation_on() {
        assert_eq!(function("", HOST).unwrap().eras, BTreeSet::from([Era::S, Era::V1]));
        let wrong = function("", "class = \"host\"\n").unwrap_err();
        assert_eq!(wrong, "m.f: a function says `generation`, a variant `generations`");
    }
}
