//! What is made from a manifest of one function, and that what is checked in is made.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::*;

fn manifest() -> Manifest {
    let text = fs::read_to_string(crate::root().join(MANIFEST)).unwrap();
    let (head, functions) = text.split_once("[[function]]").unwrap();
    let wanted = functions.split("[[function]]").find(|text| text.contains("\"net_recvfrom\"")).unwrap();
    let wanted = wanted.split("\n# --").next().unwrap();
    let variant = text.split("[[variant]]").nth(1).unwrap();
    Manifest::parse(&format!("{head}[[function]]{wanted}\n[[variant]]{variant}")).unwrap()
}

#[test]
fn what_is_checked_in_is_what_the_manifest_says() {
    check(&crate::root()).unwrap();
}

#[test]
fn a_function_in_the_table() {
    let table = table::render(&manifest());
    let (_, function) = table.split_once("FUNCTIONS: &[Function] = &[\n").unwrap();
    let (function, _) = function.split_once("];").unwrap();
    assert_eq!(
        function,
        r#"    Function {
        module: "host_net",
        name: "net_recvfrom",
        params: &[
            Param { name: "fd", ty: I32, role: Role::Fd },
            Param { name: "buf", ty: I32, role: Role::Out(Extent::Count { param: 2, each: 1 }) },
            Param { name: "buf_len", ty: I32, role: Role::Len },
            Param { name: "flags", ty: I32, role: Role::Flags },
            Param { name: "received", ty: I32, role: Role::Out(Extent::Bytes(4)) },
            Param { name: "addr", ty: I32, role: Role::Out(Extent::At { param: 6 }) },
            Param { name: "addr_len", ty: I32, role: Role::InOut(Extent::Bytes(4)) },
        ],
        result: Answer::Errno,
        errnos: &[6, 8, 15, 21, 27, 28, 29, 48, 53, 57, 58, 73, 76],
        class: Class::Wait,
        restartable: true,
        grant: Grant::Descriptor,
        since: Version { major: 1, minor: 0 },
        status: Status::Canonical,
        eras: Eras::S.or(Eras::V1),
        limits: &[],
        doc: "Receives one datagram, and says from where.",
    },
"#
    );
}

#[test]
fn a_function_in_the_header() {
    let header = header::render(&manifest());
    let (_, function) = header.split_once("/* Functions of host_net. */\n\n").unwrap();
    let (function, _) = function.split_once("\n\n").unwrap();
    assert_eq!(
        function,
        "/* Receives one datagram, and says from where.\n \
         * Errors: again badf connreset fault intr inval io nomem notconn notsock notsup timedout notcapable. */\n\
         HOB_IMPORT(\"host_net\", \"net_recvfrom\")\n\
         hob_errno_t hob_net_recvfrom(hob_fd_t fd, void *buf, size_t buf_len, uint32_t flags, uint32_t *received, \
         void *addr, uint32_t *addr_len);"
    );
    assert!(
        header.contains(
            "struct hob_pollfd {\n    int32_t fd;\n    uint16_t events;\n    uint16_t revents;\n};\n"
        )
    );
    assert!(header.contains("    uint8_t type;\n    uint8_t reserved_21[3];\n};\n"));
}

#[test]
fn a_function_in_its_fixture() {
    let fixtures = fixtures::render(&manifest());
    let names: Vec<&str> = fixtures.iter().map(|(name, _)| name.as_str()).collect();
    let folder = fixtures::FOLDER;
    assert_eq!(
        names,
        [format!("{folder}/host_net.net_recvfrom.wat"), format!("{folder}/host_process.proc_waitpid.p.wat")]
    );
    let (_, text) = fixtures.first().unwrap();
    assert_eq!(
        text.split_once("(module\n").unwrap().1,
        r#"  (@custom "hob-command" "\01\00\00\00\00\00\00\00")
  (type $type (func (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "host_net" "net_recvfrom" (func $function (type $type)))
  (memory (export "memory") 32)
  (func (export "_start"))
  (func (export "call") (type $type)
    (call $function (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6))))
"#
    );
}

#[test]
fn tables_stand_between_their_marks() {
    let document = "a\n<!-- table:host_net -->\nold\n<!-- /table:host_net -->\nb\n";
    let made = document::render(&manifest(), document).unwrap();
    assert_eq!(
        made,
        "a\n<!-- table:host_net -->\n| function | type | needs | runs | meaning |\n|---|---|---|---|---|\n\
         | `net_recvfrom` | `(fd, buf, buf_len, flags, received, addr, addr_len)` | a descriptor | waits, restarts | \
         Receives one datagram, and says from where. |\n<!-- /table:host_net -->\nb\n"
    );
    assert_eq!(document::render(&manifest(), &made).unwrap(), made);
    let wrong = |text: &str| document::render(&manifest(), text).unwrap_err();
    assert_eq!(wrong("<!-- table:x -->\n<!-- /table:x -->"), "there is no table x");
    assert_eq!(wrong("<!-- table:errnos -->\n"), "table errnos has no end");
}
