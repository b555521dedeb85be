//! Programs in the text format, with everything of the contract imported that they call.
//!
//! `@"text"` in a body stands for two numbers: where the text lies and how long it is; `\0` in it is a zero byte.

use std::fmt::Write as _;

use hob::ValType;
use hob::abi::command::{Answer, FUNCTIONS};

/// Where texts lie; arguments and buffers come above.
const TEXTS: usize = 0x1000;

/// What every program has.
///
/// | at | what |
/// |---|---|
/// | 0–12 | the one buffer of a write, and how much was written |
/// | 16 | the number that a call answered: a descriptor, a child, an amount |
/// | 20, 24 | another one; after waiting, the status and whose it is |
/// | 64 | a number being written |
/// | 0x1000 | texts |
/// | 0x4000 | arguments |
/// | 0x10000 | for the program's own use |
const PRELUDE: &str = r#"
    (memory (export "memory") 4)
    (@custom "hob-command" "\01\00\00\00\00\00\00\00text")
    (func $write_to (param $fd i32) (param $at i32) (param $len i32) (result i32)
        (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $len))
        (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
    (func $read_from (param $fd i32) (param $at i32) (param $len i32) (result i32)
        (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $len))
        (call $fd_read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
    (func $number (param $n i32) (local $at i32)
        (local.set $at (i32.const 96))
        (i32.store8 (i32.const 96) (i32.const 10))
        (loop $more
            (local.set $at (i32.sub (local.get $at) (i32.const 1)))
            (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
            (br_if $more (local.tee $n (i32.div_u (local.get $n) (i32.const 10)))))
        (drop (call $write_to (i32.const 1) (local.get $at) (i32.sub (i32.const 97) (local.get $at)))))
    (func $say (param $at i32) (param $len i32) (param $n i32)
        (drop (call $write_to (i32.const 1) (local.get $at) (local.get $len))) (call $number (local.get $n)))
    (func $spawn_with (param $argv i32) (param $len i32) (param $actions i32) (param $actions_len i32) (param $flags i32)
        (result i32) (local $name i32)
        (block $end (loop $more
            (br_if $end (i32.ge_u (local.get $name) (local.get $len)))
            (br_if $end (i32.eqz (i32.load8_u (i32.add (local.get $argv) (local.get $name)))))
            (local.set $name (i32.add (local.get $name) (i32.const 1))) (br $more)))
        (call $proc_spawn_v4 (local.get $argv) (local.get $name) (local.get $argv) (local.get $len)
            (i32.const 0) (i32.const 0) (local.get $actions) (local.get $actions_len) (i32.const 0) (i32.const 0)
            @"/bin" (local.get $flags) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.const 16)))
    (func $spawn (param $argv i32) (param $len i32) (result i32)
        (call $spawn_with (local.get $argv) (local.get $len) (i32.const 0) (i32.const 0) (i32.const 0)))
    (func $wait_for (param $pid i32) (param $options i32) (result i32)
        (call $proc_waitpid_v3 (local.get $pid) (local.get $options) (i32.const 20) (i32.const 24)))
    (func $text (param $index i32) (result i32 i32) (local $at i32) (local $len i32)
        (drop (call $args_get (i32.const 0x4000) (i32.const 0x4100)))
        (local.set $at (i32.load (i32.add (i32.const 0x4000) (i32.shl (local.get $index) (i32.const 2)))))
        (block $end (loop $more
            (br_if $end (i32.eqz (i32.load8_u (i32.add (local.get $at) (local.get $len)))))
            (local.set $len (i32.add (local.get $len) (i32.const 1))) (br $more)))
        (local.get $at) (local.get $len))
    (func $argument (param $index i32) (result i32) (local $at i32) (local $n i32) (local $digit i32)
        (call $text (local.get $index)) (drop) (local.set $at)
        (block $end (loop $more
            (local.set $digit (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
            (br_if $end (i32.gt_u (local.get $digit) (i32.const 9)))
            (local.set $n (i32.add (i32.mul (local.get $n) (i32.const 10)) (local.get $digit)))
            (local.set $at (i32.add (local.get $at) (i32.const 1))) (br $more)))
        (local.get $n))
    (func $open_at (param $at i32) (param $len i32) (param $how i32) (param $rights i64) (result i32)
        (call $path_open (i32.const 0x40000003) (i32.const 1) (local.get $at) (local.get $len) (local.get $how)
            (local.get $rights) (i64.const 0) (i32.const 0) (i32.const 16)))
"#;

/// The bytes of a program.
pub fn program(body: &str) -> Vec<u8> {
    let whole = format!("{PRELUDE}{body}");
    let (mut code, mut data, mut rest) = (String::new(), Vec::new(), whole.as_str());
    while let Some((before, after)) = rest.split_once("@\"") {
        let (text, after) = after.split_once('"').expect("a text has an end");
        let bytes = text.replace("\\0", "\0").into_bytes();
        write!(code, "{before}(i32.const {}) (i32.const {})", TEXTS + data.len(), bytes.len()).unwrap();
        data.extend(bytes);
        rest = after;
    }
    code.push_str(rest);
    assert!(TEXTS + data.len() <= 0x4000, "too many texts");
    let texts: String = data.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let text = format!("(module {} (data (i32.const {TEXTS}) \"{texts}\") {code})", imports(&code));
    let wasm = hob::engine::wasm_from_text(text.as_bytes());
    wasm.unwrap_or_else(|error| panic!("{error}\n{text}")).into_owned()
}

/// What is called of the contract.
fn imports(code: &str) -> String {
    let mut imports = String::new();
    for function in FUNCTIONS {
        let name = function.name;
        let called = code
            .match_indices(&format!("(call ${name}"))
            .any(|(at, found)| code[at + found.len()..].starts_with([' ', ')', '\n']));
        if !called || imports.contains(&format!(" \"{name}\" ")) {
            continue;
        }
        let ty = |ty: &ValType| if *ty == ValType::I64 { "i64" } else { "i32" };
        let params: Vec<&str> = function.params.iter().map(|param| ty(&param.ty)).collect();
        let result = match function.result {
            Answer::None => "",
            Answer::I64 => "(result i64)",
            _ => "(result i32)",
        };
        let (module, params) = (function.module, params.join(" "));
        writeln!(imports, "(import \"{module}\" \"{name}\" (func ${name} (param {params}) {result}))")
            .unwrap();
    }
    imports
}
