//! The C header: every function as a declaration, every layout as a structure whose size and offsets the compiler checks.

use std::fmt::Write as _;

use super::GENERATED;
use super::manifest::{Answer, Extent, Function, Layout, Manifest, Param, Role, Shape, Status};

/// The text of `command.h`.
pub(super) fn render(manifest: &Manifest) -> String {
    let mut out = head(manifest);
    out.push_str("\n/* Errors: what a function that returns hob_errno_t answers. */\n\n");
    for (number, name) in &manifest.errnos {
        let _ = writeln!(out, "#define HOB_E{} {number}", name.to_uppercase());
    }
    out.push_str("\n/* Signals. */\n\n");
    for signal in &manifest.signals {
        let _ = writeln!(out, "#define HOB_SIG{} {}", signal.name.to_uppercase(), signal.number);
    }
    for group in &manifest.constants {
        let _ = writeln!(out, "\n/* {}. */\n", group.doc);
        for constant in &group.values {
            let value = if constant.value < 32 {
                constant.value.to_string()
            } else {
                format!("{:#x}u", constant.value)
            };
            let doc =
                if constant.doc.is_empty() { String::new() } else { format!(" /* {} */", constant.doc) };
            let _ = writeln!(out, "#define HOB_{} {value}{doc}", constant.name);
        }
    }
    out.push_str("\n/* Layouts. */\n");
    manifest.layouts.iter().for_each(|item| layout(&mut out, item));
    for module in manifest.modules() {
        let _ = writeln!(out, "\n/* Functions of {module}. */");
        for item in manifest.functions.iter().filter(|function| function.module == module) {
            function(&mut out, manifest, item);
        }
    }
    out.push_str("\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
    out
}

fn head(manifest: &Manifest) -> String {
    let contract = &manifest.contract;
    let (name, section) = (&contract.name, &contract.section);
    let (major, minor) = (contract.major, contract.minor);
    format!(
        r#"/* The contract {name}/{major}.{minor} for C: --target=wasm32-wasi, C11 or C++11.
 *
 * {GENERATED}
 *
 * Put HOB_COMMAND("your tool chain"); into one source file of a program: the host then holds the program to this version of
 * the contract, and does not have to guess.
 */
#ifndef HOB_COMMAND_H
#define HOB_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#define HOB_ASSERT(what) static_assert(what, #what)
#else
#define HOB_ASSERT(what) _Static_assert(what, #what)
#endif

#define HOB_COMMAND_MAJOR {major}
#define HOB_COMMAND_MINOR {minor}
#define HOB_COMMAND_FEATURES 0

#define HOB_TEXT_(x) #x
#define HOB_TEXT(x) HOB_TEXT_(x)

/* The custom section {section}: major and minor version, features, the name of the tool chain. */
#define HOB_COMMAND(toolchain)                                                                     \
    __asm__(".section \".custom_section.{section}\",\"\",@\n"                                   \
            ".int16 " HOB_TEXT(HOB_COMMAND_MAJOR) "\n"                                             \
            ".int16 " HOB_TEXT(HOB_COMMAND_MINOR) "\n"                                             \
            ".int32 " HOB_TEXT(HOB_COMMAND_FEATURES) "\n"                                          \
            ".ascii \"" toolchain "\"\n"                                                           \
            ".text\n")

#define HOB_IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

typedef uint32_t hob_errno_t;
typedef uint32_t hob_fd_t;
typedef int32_t hob_pid_t;
"#
    )
}

fn layout(out: &mut String, layout: &Layout) {
    let name = &layout.name;
    let _ = writeln!(out, "\n/* {} */", layout.doc);
    match &layout.shape {
        Shape::Union(of) => {
            let _ = writeln!(out, "union hob_{name} {{");
            for member in of {
                let _ = writeln!(out, "    struct hob_{member} {member};");
            }
            let _ = writeln!(out, "}};\nHOB_ASSERT(sizeof(union hob_{name}) == {});", layout.size);
        }
        Shape::Fields(fields) => {
            let _ = writeln!(out, "struct hob_{name} {{");
            let mut end = 0;
            for (at, ty, field) in fields {
                pad(out, end, *at);
                let (ty, bytes) = c_field(ty);
                let _ = writeln!(out, "    {ty}{field};");
                end = at + bytes;
            }
            pad(out, end, layout.size);
            let _ = writeln!(out, "}};\nHOB_ASSERT(sizeof(struct hob_{name}) == {});", layout.size);
            for (at, _, field) in fields {
                let _ = writeln!(out, "HOB_ASSERT(offsetof(struct hob_{name}, {field}) == {at});");
            }
            let _ = writeln!(out, "HOB_ASSERT(__alignof__(struct hob_{name}) == {});", layout.align);
        }
    }
}

fn pad(out: &mut String, from: u32, to: u32) {
    if from < to {
        let _ = writeln!(out, "    uint8_t reserved_{from}[{}];", to - from);
    }
}

fn c_field(ty: &str) -> (&'static str, u32) {
    match ty {
        "u8" => ("uint8_t ", 1),
        "u16" => ("uint16_t ", 2),
        "u32" => ("uint32_t ", 4),
        "i32" => ("int32_t ", 4),
        "u64" => ("uint64_t ", 8),
        "i64" => ("int64_t ", 8),
        _ => ("void *", 4),
    }
}

fn function(out: &mut String, manifest: &Manifest, function: &Function) {
    let old = if function.status == Status::Compatibility { " Kept for old programs." } else { "" };
    let _ = write!(out, "\n/* {}{old}", function.doc);
    if !function.errnos.is_empty() {
        let errnos: Vec<&str> = function.errnos.iter().map(|errno| manifest.errno(*errno)).collect();
        let _ = write!(out, "\n * Errors: {}.", errnos.join(" "));
    }
    out.push_str(" */\n");
    let result = match function.result {
        Answer::Errno => "hob_errno_t",
        Answer::ScalarI32 => "uint32_t",
        Answer::ScalarI64 => "int64_t",
        Answer::None if function.name == "proc_exit" => "__attribute__((noreturn)) void",
        Answer::None => "void",
    };
    let params: Vec<String> = function.params.iter().map(c_param).collect();
    let params = if params.is_empty() { "void".into() } else { params.join(", ") };
    let _ = writeln!(out, "HOB_IMPORT({:?}, {:?})", function.module, function.name);
    let _ = writeln!(out, "{result} {}({params});", c_name(&function.module, &function.name));
}

/// `host_tty.get_size` is `hob_tty_get_size`, `host_net.net_send` is `hob_net_send`.
fn c_name(module: &str, name: &str) -> String {
    let stem = module.strip_prefix("host_").unwrap_or("wasi");
    let own = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('_')).unwrap_or(name);
    format!("hob_{stem}_{own}")
}

fn c_param(param: &Param) -> String {
    let name = match param.name.as_str() {
        word @ ("signed" | "default" | "new" | "this") => format!("{word}_"),
        word => word.into(),
    };
    let wide = param.ty == "i64";
    match &param.role {
        Role::Number("fd" | "dirfd") => format!("hob_fd_t {name}"),
        Role::Number("pid") => format!("hob_pid_t {name}"),
        Role::Number("len") => format!("size_t {name}"),
        Role::Number("signed") if wide => format!("int64_t {name}"),
        Role::Number("signed") => format!("int32_t {name}"),
        Role::Number(_) if wide => format!("uint64_t {name}"),
        Role::Number(_) => format!("uint32_t {name}"),
        Role::Pointer(word, extent) => {
            let constant = if matches!(*word, "path" | "text" | "strings" | "in") { "const " } else { "" };
            let to = match (*word, extent) {
                ("path" | "text" | "strings", _) => "char ".into(),
                (_, Extent::Layout { name, .. } | Extent::Count { layout: Some(name), .. }) => c_layout(name),
                (_, Extent::Bytes(2)) => "uint16_t ".into(),
                (_, Extent::Bytes(4) | Extent::Count { each: 4, .. }) => "uint32_t ".into(),
                (_, Extent::Bytes(8)) => "uint64_t ".into(),
                (_, Extent::Bytes(_)) => "uint8_t ".into(),
                (_, Extent::Told | Extent::Count { .. } | Extent::At { .. }) => "void ".into(),
            };
            format!("{constant}{to}*{name}")
        }
    }
}

fn c_layout(name: &str) -> String {
    let kind = if name == "subscription" { "union" } else { "struct" };
    format!("{kind} hob_{name} ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_repeat_their_module() {
        assert_eq!(c_name("host_net", "net_send"), "hob_net_send");
        assert_eq!(c_name("host_process", "proc_kill"), "hob_process_proc_kill");
        assert_eq!(c_name("host_tty", "isatty"), "hob_tty_isatty");
        assert_eq!(c_name("wasi_snapshot_preview1", "fd_read"), "hob_wasi_fd_read");
    }
}
