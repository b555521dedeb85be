//! A program, made of arbitrary bytes: which functions it calls, with what.

use hob::ValType;
use hob::abi::command::{ALIASES, Eras, Extent, FUNCTIONS, Function, Role, VARIANTS};

use crate::input::Input;

/// The most calls of a program, and of its handler.
const CALLS_MAX: usize = 24;
const HANDLER_CALLS_MAX: usize = 2;

/// Where memory holds what, and how many bytes.
const PLACES: [(u32, u32); 14] = [
    (0, 4),
    (16, 1),
    (32, 10),
    (48, 6),
    (64, 14),
    (96, 3),
    (112, 20),
    (160, 24),
    (192, 28),
    (256, 32),
    (320, 96),
    (448, 16),
    (512, 128),
    (1024, 4096),
];

/// The begin of memory. Paths, an address, a vector of strings, actions, buffers, subscriptions, descriptors.
const DATA: &str = r#"
 (data (i32.const 0) "note") (data (i32.const 16) ".") (data (i32.const 32) "/bin/child")
 (data (i32.const 48) "user.a") (data (i32.const 64) "127.0.0.1:4000") (data (i32.const 96) "sub")
 (data (i32.const 112) "guest\00child\00A=b\00/tmp\00")
 (data (i32.const 160) "\02\00\00\00\03\00\00\00\04\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
 (data (i32.const 192) "\03\00\00\00\09\00\00\00\00\00\00\00\00\00\00\04\00\00\00\00\04\00\00\00note")
 (data (i32.const 256) "\00\08\00\00\10\00\00\00\00\09\00\00\40\00\00\00\00\10\00\00\ff\ff\00\00\00\00\00\00\04\00\00\00")
 (data (i32.const 320) "\07\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\05\00\00\00")
 (data (i32.const 368) "\08\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\40\42\0f\00")
 (data (i32.const 448) "\05\00\00\00\01\00\00\00\06\00\00\00\04\00\00\00")"#;

/// The program in the text format, of one generation or another.
pub(super) fn text(input: &mut Input<'_>) -> String {
    let (era, native) = match input.byte() % 4 {
        0 => (Eras::P, false),
        1 => (Eras::S, false),
        _ => (Eras::V1, true),
    };
    let functions = functions(era);
    let mut used: Vec<&Function> = Vec::new();
    // What only one generation has says which it is.
    if !native {
        used.extend(functions.iter().filter(|function| VARIANTS.contains(function)));
    }
    let length = usize::from(input.byte() / 2);
    let memory: String = input.bytes(length).iter().map(|byte| format!("\\{byte:02x}")).collect();
    let handler = calls(input, &functions, &mut used, HANDLER_CALLS_MAX);
    let main = calls(input, &functions, &mut used, CALLS_MAX);
    let imports: String = used.iter().enumerate().map(|(index, function)| import(index, function)).collect();
    let section = if native { r#"(@custom "hob-command" "\01\00\00\00\00\00\00\00")"# } else { "" };
    format!(
        "(module {section} {imports} (memory (export \"memory\") 2)\n{DATA}\n (data (i32.const 512) \"{memory}\")\n \
         (func (export \"__wasi_signal_trampoline\") (param i32) {handler})\n (func (export \"_start\") {main}))"
    )
}

/// The functions of a generation, each name once.
fn functions(era: Eras) -> Vec<&'static Function> {
    let of = |function: &&'static Function| !function.eras.and(era).is_empty();
    let older: Vec<&'static Function> = VARIANTS.iter().filter(of).collect();
    let replaced = |function: &&'static Function| {
        let same = |one: &&'static Function| (one.module, one.name) == (function.module, function.name);
        older.iter().any(same)
    };
    let now = FUNCTIONS.iter().filter(of).filter(|function| !replaced(function));
    now.chain(older.iter().copied()).collect()
}

fn import(index: usize, function: &Function) -> String {
    let ty = function.ty();
    let list = |word: &str, all: &[ValType]| {
        let all: String = all.iter().map(|ty| format!(" {ty}")).collect();
        if all.is_empty() { all } else { format!("({word}{all})") }
    };
    let alias = ALIASES.iter().find(|(_, of)| *of == function.module).filter(|_| index % 7 == 3);
    let module = alias.map_or(function.module, |(alias, _)| *alias);
    let (params, results) = (list("param", &ty.params), list("result", &ty.results));
    format!("(import \"{module}\" \"{}\" (func $f{index} {params} {results}))\n", function.name)
}

fn calls(
    input: &mut Input<'_>,
    functions: &[&'static Function],
    used: &mut Vec<&'static Function>,
    max: usize,
) -> String {
    let mut calls = String::new();
    for _ in 0..max {
        if input.is_empty() {
            break;
        }
        let Some(function) = input.pick(functions) else { break };
        // What ends the program does nothing more; let most go on.
        if ["proc_exit", "proc_exec", "proc_fexec", "proc_raise"].contains(&function.name)
            && input.byte() > 32
        {
            continue;
        }
        let index = used.iter().position(|one| *one == function).unwrap_or_else(|| {
            used.push(function);
            used.len() - 1
        });
        let args = arguments(input, function);
        let pushed: String = function
            .params
            .iter()
            .zip(args)
            .map(|(param, number)| match param.ty {
                ValType::I64 => format!("(i64.const {number})"),
                _ => format!("(i32.const {})", cut(number)),
            })
            .collect();
        let call = format!("(call $f{index} {pushed})");
        calls += &if function.ty().results.is_empty() { call } else { format!("(drop {call})\n") };
    }
    calls
}

/// The lower half of a number.
fn cut(number: i64) -> i32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

fn arguments(input: &mut Input<'_>, function: &Function) -> Vec<i64> {
    let mut lengths: Vec<Option<i64>> = vec![None; function.params.len()];
    let mut args = Vec::new();
    for (index, param) in function.params.iter().enumerate() {
        // One in eight is anything.
        let wild = input.byte().is_multiple_of(8);
        let number = match param.role {
            _ if wild => number(input),
            Role::Fd => i64::from(input.byte() % 24),
            Role::Dirfd => [4, -1, 0x4000_0003, 3].get(usize::from(input.byte() % 4)).copied().unwrap_or(0),
            Role::Pid | Role::Signed => i64::from(input.byte() % 6) - 2,
            Role::Len => match lengths.get(index).copied().flatten() {
                Some(len) => len,
                None => i64::from(input.byte() % 64),
            },
            role => match role.extent() {
                Some(extent) => {
                    let (at, len) = input.pick(&PLACES).unwrap_or((0, 0));
                    if let Extent::Count { param, each } = extent
                        && let Some(slot) = lengths.get_mut(param)
                    {
                        *slot = Some(i64::from(len / each.max(1)));
                    }
                    i64::from(at)
                }
                None => i64::from(input.byte() % 8),
            },
        };
        args.push(number);
    }
    // A length can come before what it is of.
    for (arg, (param, len)) in args.iter_mut().zip(function.params.iter().zip(lengths)) {
        if param.role == Role::Len
            && let Some(len) = len.filter(|_| *arg < 64)
        {
            *arg = len;
        }
    }
    args
}

/// A number that is often an edge.
fn number(input: &mut Input<'_>) -> i64 {
    match input.byte() % 8 {
        0 => i64::from(input.byte()),
        1 => i64::from(input.u32() % 0x2_0000),
        2 => 0x2_0000 - i64::from(input.byte() % 64),
        3 => -1 - i64::from(input.byte() % 8),
        4 => 0x4000_0000 + i64::from(input.byte() % 8),
        5 => i64::MIN + i64::from(input.byte() % 4),
        6 => i64::MAX - i64::from(input.byte() % 4),
        _ => input.u64().cast_signed(),
    }
}
