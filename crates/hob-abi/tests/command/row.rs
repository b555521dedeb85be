//! Calls as text: what is called with what, what it answers, and what it writes.
//!
//! ```text
//! < host_fs.fd_setxattr fd=file name="user.a" value="1" => 0          what comes before
//! host_fs.fd_getxattr fd=file name="user.a" capacity=8 => 0 value="1" size=w:1
//! > host_fs.fd_size fd=file => 11                                     what is seen afterwards
//! [root] host_user.setgroups groups=w:7 => 0                          under other circumstances
//! ```
//!
//! A value is a number, the name of a descriptor, or bytes, put together with `+`: `"text"` with `\0`, `\n` and `\"`,
//! `w:1,2` words of 32 bits, `d:1,2` of 64, `x*300` a byte repeated; `iov:"a"|4` pieces of memory with and without
//! content. The length that belongs to bytes need not be given. What is not given is 0; after the arrow it is not looked
//! at.

use hob_abi::command::{ERRNOS, Extent, FUNCTIONS, Function, VARIANTS};

use crate::setup::{CLOSED, NAMES};

/// A value of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    Number(i64),
    Bytes(Vec<u8>),
    Pieces(Vec<Piece>),
}

/// A piece of memory: what is there, and how long it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece(pub(crate) Vec<u8>, pub(crate) u32);

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Answer(i64),
    /// Whatever it is.
    Any,
    /// The program ends.
    Exit,
}

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) function: &'static Function,
    pub(crate) given: Vec<Option<Given>>,
    pub(crate) end: End,
    pub(crate) wrote: Vec<(usize, Vec<u8>)>,
}

/// One row: a call, what comes before it, and what is seen afterwards.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) text: String,
    pub(crate) tags: Vec<String>,
    pub(crate) before: Vec<Call>,
    pub(crate) call: Call,
    pub(crate) after: Vec<Call>,
}

const TEXTS: [&str; 8] = [
    include_str!("rows/wasi.txt"),
    include_str!("rows/process.txt"),
    include_str!("rows/spawn.txt"),
    include_str!("rows/files.txt"),
    include_str!("rows/attributes.txt"),
    include_str!("rows/net.txt"),
    include_str!("rows/user.txt"),
    include_str!("rows/tty.txt"),
];

/// All of them.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut before = Vec::new();
    for line in TEXTS.iter().flat_map(|text| text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(line) = line.strip_prefix('<') {
            before.push(call(line));
        } else if let Some(line) = line.strip_prefix('>') {
            rows.last_mut().unwrap().after.push(call(line));
        } else {
            let (tags, rest) = match line.strip_prefix('[') {
                Some(line) => line.split_once(']').unwrap(),
                None => ("", line),
            };
            let tags = tags.split_whitespace().map(ToOwned::to_owned).collect();
            let before = std::mem::take(&mut before);
            rows.push(Row { text: line.into(), tags, before, call: call(rest), after: Vec::new() });
        }
    }
    rows
}

/// The row that says how a function is used: the first about it.
pub(crate) fn usual(rows: &[Row], function: &Function) -> Row {
    let row = rows.iter().find(|row| row.call.function == function);
    row.unwrap_or_else(|| panic!("{}.{} has no row", function.module, function.name)).clone()
}

fn call(line: &str) -> Call {
    let mut words = words(line).into_iter();
    let name = words.next().unwrap();
    let function = function(&name);
    let mut given = vec![None; function.params.len()];
    let at = |name: &str| {
        let found = function.params.iter().position(|param| param.name == name);
        found.unwrap_or_else(|| panic!("{}.{} has no {name}", function.module, function.name))
    };
    let pair = |word: &str| {
        let (name, value) = word.split_once('=').unwrap_or_else(|| panic!("{word} in {line}"));
        (at(name), value.to_owned())
    };
    for word in words.by_ref().take_while(|word| word != "=>") {
        let (index, text) = pair(&word);
        let value = value(&text);
        if let (Some(Extent::Count { param, each }), Some(len)) =
            (function.params[index].role.extent(), length(&value))
        {
            given[param].get_or_insert(Given::Number(i64::from(len / each)));
        }
        given[index] = Some(value);
    }
    let end = match words.next().unwrap_or_else(|| panic!("no answer in {line}")).as_str() {
        "*" => End::Any,
        "exit" => End::Exit,
        text => End::Answer(answer(text)),
    };
    let wrote = words.map(|word| {
        let (index, text) = pair(&word);
        match value(&text) {
            Given::Bytes(bytes) => (index, bytes),
            other => panic!("{other:?} is not written"),
        }
    });
    let wrote = wrote.collect();
    Call { function, given, end, wrote }
}

/// Bytes in memory at the pointer itself, if the value is some.
fn length(value: &Given) -> Option<u32> {
    match value {
        Given::Number(_) => None,
        Given::Bytes(bytes) => u32::try_from(bytes.len()).ok(),
        Given::Pieces(pieces) => u32::try_from(pieces.len() * 8).ok(),
    }
}

fn function(name: &str) -> &'static Function {
    let (name, variant) = name.split_once('/').map_or((name, false), |(name, _)| (name, true));
    let (module, name) = name.split_once('.').unwrap();
    let module = if module == "wasi" { "wasi_snapshot_preview1" } else { module };
    let list = if variant { VARIANTS } else { FUNCTIONS };
    let found = list.iter().find(|function| (function.module, function.name) == (module, name));
    found.unwrap_or_else(|| panic!("there is no {module}.{name}"))
}

fn answer(text: &str) -> i64 {
    let errno = ERRNOS.iter().find(|(_, name)| *name == text).map(|(number, _)| i64::from(*number));
    errno.unwrap_or_else(|| number(text))
}

fn number(text: &str) -> i64 {
    let named = NAMES.iter().find(|(name, _)| *name == text).map(|(_, fd)| i64::from(*fd));
    if let Some(fd) = named {
        return fd;
    }
    if text == "closed" {
        return CLOSED.into();
    }
    if let Some(text) = text.strip_prefix('-') {
        return -number(text);
    }
    let parsed = match text.get(..2) {
        Some("0x") => i64::from_str_radix(&text[2..], 16),
        Some("0o") => i64::from_str_radix(&text[2..], 8),
        _ => text.parse(),
    };
    parsed.unwrap_or_else(|_| panic!("{text} is no number"))
}

fn value(text: &str) -> Given {
    if let Some(list) = text.strip_prefix("iov:") {
        let pieces = split(list, '|').into_iter().map(|piece| {
            if piece.starts_with('"') {
                let bytes = bytes(&piece);
                let len = u32::try_from(bytes.len()).unwrap();
                Piece(bytes, len)
            } else {
                Piece(Vec::new(), number(&piece).try_into().unwrap())
            }
        });
        return Given::Pieces(pieces.collect());
    }
    let is_bytes = text.starts_with(['"', 'w', 'd', 'h']) && text.contains(['"', ':']) || text.contains('*');
    if is_bytes { Given::Bytes(bytes(text)) } else { Given::Number(number(text)) }
}

fn bytes(text: &str) -> Vec<u8> {
    let mut all = Vec::new();
    for part in split(text, '+') {
        let list = |text: &str| text.split(',').map(number).collect::<Vec<_>>();
        if let Some(quoted) = part.strip_prefix('"') {
            let text = quoted.strip_suffix('"').unwrap();
            let text = text.replace("\\0", "\0").replace("\\n", "\n").replace("\\\"", "\"");
            all.extend_from_slice(text.as_bytes());
        } else if let Some(words) = part.strip_prefix("w:") {
            list(words).iter().for_each(|word| all.extend_from_slice(&word.to_le_bytes()[..4]));
        } else if let Some(halves) = part.strip_prefix("h:") {
            list(halves).iter().for_each(|word| all.extend_from_slice(&word.to_le_bytes()[..2]));
        } else if let Some(longs) = part.strip_prefix("d:") {
            list(longs).iter().for_each(|word| all.extend_from_slice(&word.to_le_bytes()));
        } else if let Some((byte, times)) = part.split_once('*') {
            all.resize(all.len() + usize::try_from(number(times)).unwrap(), byte.as_bytes()[0]);
        } else {
            panic!("{part} is no bytes");
        }
    }
    all
}

/// Text split at a character outside of quotes.
fn split(text: &str, at: char) -> Vec<String> {
    let (mut parts, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for one in text.chars() {
        if one == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = one == '\\' && !escaped;
        if one == at && !quoted {
            parts.push(String::new());
        } else {
            parts.last_mut().unwrap().push(one);
        }
    }
    parts
}

fn words(line: &str) -> Vec<String> {
    split(line.trim(), ' ').into_iter().filter(|word| !word.is_empty()).collect()
}
