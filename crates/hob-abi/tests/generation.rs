//! Generations, told from the import lists of programs that exist, and from mixtures that do not.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

use hob_abi::command::{FUNCTIONS, Generation, Incompatible, SectionError, VARIANTS, Version, find};
use hob_engine::{ExternType, FuncType, Import, ModuleInfo, OwnSection, ValType};

const WASI: &str = "wasi_snapshot_preview1";

const WASI_NAMES: &[&str] = &[
    "args_get",
    "args_sizes_get",
    "environ_get",
    "environ_sizes_get",
    "fd_write",
    "proc_exit",
    "fd_close",
    "fd_read",
    "fd_prestat_get",
    "fd_prestat_dir_name",
    "fd_fdstat_get",
    "path_open",
    "path_filestat_get",
    "random_get",
];

fn import(module: &str, name: &str, ty: FuncType) -> Import {
    Import { module: module.into(), name: name.into(), ty: ExternType::Func(ty) }
}

/// `name` with the type of now, or, when it ends in `/N`, with N parameters of 32 bits.
fn imported(name: &str) -> Import {
    let (path, arity) = name.split_once('/').map_or((name, None), |(path, arity)| (path, Some(arity)));
    let (module, name) = path.split_once('.').unwrap();
    let ty = match arity {
        Some(arity) => {
            FuncType { params: vec![ValType::I32; arity.parse().unwrap()], results: vec![ValType::I32] }
        }
        None => find(module, name).unwrap().ty(),
    };
    import(module, name, ty)
}

fn module(names: &[&str]) -> ModuleInfo {
    let wasi = WASI_NAMES.iter().map(|name| imported(&format!("{WASI}.{name}")));
    ModuleInfo {
        imports: wasi.chain(names.iter().map(|name| imported(name))).collect(),
        ..Default::default()
    }
}

fn is(generation: Generation, names: &[&str]) {
    assert_eq!(Generation::detect(&module(names)), Ok(generation), "{names:?}");
}

fn refused(names: &[&str]) -> String {
    Generation::detect(&module(names)).expect_err("it is refused").to_string()
}

const P_SH: &[&str] = &[
    "host_fs.path_mode/3",
    "host_fs.fd_mode",
    "host_user.isatty",
    "host_process.proc_spawn",
    "host_process.proc_waitpid/3",
    "host_process.fd_pipe",
    "host_process.fd_dup",
    "host_process.proc_getpid",
];

const V1_SH: &[&str] = &[
    "host_net.net_send",
    "host_net.net_recv",
    "host_fs.path_mode",
    "host_fs.path_size",
    "host_fs.set_open_mode",
    "host_fs.fd_mode",
    "host_fs.fd_size",
    "host_user.isatty",
    "host_process.fd_dup",
    "host_process.fd_setfd",
    "host_process.fd_pipe",
    "host_process.proc_signal_mask_v2",
    "host_process.proc_spawn_v3",
    "host_process.proc_waitpid_v2",
    "host_process.proc_kill",
    "host_process.proc_getpid",
    "host_process.fd_dup2",
    "host_process.proc_exec",
    "host_process.umask",
    "host_tty.read",
    "host_tty.set_raw_mode",
];

#[test]
fn programs_of_p() {
    is(Generation::P, P_SH);
    is(Generation::P, &["host_user.isatty", "host_fs.fd_mode", "host_fs.path_mode/3"]);
    is(Generation::P, &["host_fs.path_mode/3"]);
    is(Generation::P, &["host_fs.fd_mode"]);
    is(Generation::P, &["host_fs.path_mode/3", "host_fs.fd_mode", "host_fs.chmod/3"]);
    is(Generation::P, &["host_process.sleep_ms", "host_user.isatty"]);
    is(Generation::P, &["host_user.getpwuid"]);
    is(Generation::P, &["host_process.fd_pipe", "host_process.proc_spawn", "host_process.proc_waitpid/3"]);
}

#[test]
fn programs_of_s() {
    is(Generation::S, &["host_process.proc_spawn", "host_process.proc_waitpid", "host_process.fd_pipe"]);
    is(Generation::S, &["host_net.net_getaddrinfo/6", "host_net.net_socket", "host_net.net_connect"]);
    is(
        Generation::S,
        &["host_net.net_socket", "host_net.net_send", "host_net.net_recv", "host_net.net_close"],
    );
    is(Generation::S, &["host_net.net_tls_connect/4", "host_net.net_socket", "host_net.net_send"]);
    is(Generation::S, &["host_process.proc_sigaction", "host_process.proc_kill"]);
    is(Generation::S, &["host_fs.chmod/3", "host_process.fd_dup_min"]);
    is(Generation::S, &["host_process.pty_open"]);
}

#[test]
fn programs_of_v1() {
    is(Generation::V1, V1_SH);
    is(Generation::V1, &["host_net.net_send"]);
    is(Generation::V1, &["host_net.net_send", "host_net.net_recv", "host_user.isatty"]);
    is(Generation::V1, &["host_net.net_send", "host_process.sleep_ms"]);
    is(Generation::V1, &["host_net.net_send", "host_user.getuid", "host_user.getgroups"]);
    is(Generation::V1, &["host_process.proc_waitpid", "host_fs.path_mode"]);
    is(Generation::V1, &["host_net.net_getaddrinfo", "host_net.net_socket"]);
    is(Generation::V1, &["host_tty.get_attr"]);
    is(Generation::V1, &["host_system.get_identity"]);
}

#[test]
fn programs_of_plain_wasi() {
    is(Generation::Wasi, &[]);
    is(Generation::Wasi, &["wasi_unstable.fd_write", "wasi_snapshot_preview1.sock_accept"]);
    assert_eq!(Generation::detect(&ModuleInfo::default()), Ok(Generation::Wasi));
}

#[test]
fn mixtures_name_both_sides() {
    assert_eq!(
        refused(&["host_process.proc_waitpid/3", "host_process.proc_spawn_v3"]),
        "the module mixes generations: `host_process.proc_spawn_v3` with this type is of v1, \
         `host_process.proc_waitpid` of P"
    );
    assert_eq!(
        refused(&["host_fs.path_mode/3", "host_fs.chmod"]),
        "the module mixes generations: `host_fs.chmod` with this type is of v1, `host_fs.path_mode` of P, S"
    );
    assert_eq!(
        refused(&["host_fs.path_mode", "host_fs.path_mode/3"]),
        "the module mixes generations: `host_fs.path_mode` with this type is of P, S, `host_fs.path_mode` of v1"
    );
    assert_eq!(
        refused(&["host_process.proc_waitpid/3", "host_net.net_getaddrinfo/6"]),
        "the module mixes generations: `host_net.net_getaddrinfo` with this type is of S, \
         `host_process.proc_waitpid` of P"
    );
}

#[test]
fn every_pair_of_sides_conflicts_with_one_import() {
    let all: Vec<String> = FUNCTIONS
        .iter()
        .map(|function| format!("{}.{}", function.module, function.name))
        .chain(
            VARIANTS
                .iter()
                .map(|function| format!("{}.{}/{}", function.module, function.name, function.params.len())),
        )
        .collect();
    for first in &all {
        for second in &all {
            let info = module(&[first, second]);
            match Generation::detect(&info) {
                Ok(_) => {}
                Err(Incompatible::Mixed { of, other_of, .. }) => assert!(of.and(other_of).is_empty()),
                Err(other) => unreachable!("{first} and {second}: {other}"),
            }
        }
    }
}

#[test]
fn what_no_generation_has_is_named_with_the_nearest() {
    let ty = || FuncType { params: vec![ValType::I64], results: vec![] };
    let of = |module: &str, name: &str| {
        let info = ModuleInfo { imports: vec![import(module, name, ty())], ..Default::default() };
        Generation::detect(&info).expect_err("it is refused").to_string()
    };
    assert_eq!(
        of("host_process", "proc_getpids"),
        "the module imports `host_process.proc_getpids` (i64) -> (), which no version of hob-command has; the nearest \
         is `host_process.proc_getpid` (i32) -> (i32)"
    );
    assert_eq!(
        of("wasi", "thread-spawn"),
        "the module imports `wasi.thread-spawn` (i64) -> (), which no version of hob-command has"
    );
    assert!(of("host_tty", "getuid").ends_with("the nearest is `host_user.getuid` (i32) -> (i32)"));
    assert!(of("host_fs\u{1b}[2J", &"x".repeat(100_000)).len() < 300);
    assert_eq!(
        of("host_fs", "path_mode"),
        "the module imports `host_fs.path_mode` as (i64) -> (); it is (i32, i32, i32, i32) -> (i32) (v1) or \
         (i32, i32, i32) -> (i32) (P, S)"
    );
    assert_eq!(
        of("wasi_unstable", "fd_close"),
        "the module imports `wasi_unstable.fd_close` as (i64) -> (); it is (i32) -> (i32) (P, S, v1)"
    );
}

#[test]
fn only_functions_are_imported() {
    let memory = Import {
        module: "env".into(),
        name: "memory".into(),
        ty: ExternType::Memory { min: 1, max: Some(2) },
    };
    let info = ModuleInfo { imports: vec![memory], ..Default::default() };
    let error = Generation::detect(&info).expect_err("it is refused");
    assert_eq!(
        error.to_string(),
        "the module imports the memory `env.memory`; only functions may be imported"
    );
}

#[test]
fn too_much_is_over_a_limit() {
    let fd_write = imported("wasi_snapshot_preview1.fd_write");
    let of = |imports| Generation::detect(&ModuleInfo { imports, ..Default::default() });
    assert_eq!(of(vec![fd_write.clone(); 16_384]), Ok(Generation::Wasi));
    assert_eq!(
        of(vec![fd_write; 16_385]).expect_err("it is refused").to_string(),
        "the module has 16385 imports; hob-command allows 16384"
    );
    let info = ModuleInfo { memories: 1025, ..Default::default() };
    assert_eq!(
        Generation::detect(&info),
        Err(Incompatible::OverLimit { what: "memories", found: 1025, max: 1024 })
    );
}

fn declaring(names: &[&str], sections: &[&[u8]]) -> Result<Generation, Incompatible> {
    let own = |data: &&[u8]| OwnSection { name: "hob-command".into(), data: data.to_vec() };
    Generation::detect(&ModuleInfo { own_sections: sections.iter().map(own).collect(), ..module(names) })
}

#[test]
fn a_module_that_says_its_version_is_held_to_it() {
    let version = |major, minor| Version { major, minor };
    let one = [1, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(declaring(&[], &[&one]), Ok(Generation::Native(version(1, 0))));
    // What would be P, S and nothing else by its imports alone.
    assert_eq!(declaring(&["host_fs.fd_mode"], &[&one]), Ok(Generation::Native(version(1, 0))));
    assert_eq!(declaring(&["host_process.pty_open"], &[&one]), Ok(Generation::Native(version(1, 0))));
    // A later minor version may only add; what it added and this host lacks would be missing.
    assert_eq!(declaring(&[], &[&[1, 0, 9, 0, 0, 0, 0, 0]]), Ok(Generation::Native(version(1, 9))));
    assert_eq!(
        declaring(&[], &[&[2, 0, 1, 0, 0, 0, 0, 0]]).expect_err("it is refused").to_string(),
        "the module was built for hob-command/2.1; this host runs hob-command/1.x, to be exact 1.0"
    );
    assert_eq!(declaring(&[], &[&[1, 0, 0, 0, 4, 0, 0, 0]]), Err(Incompatible::Features { unknown: 4 }));
    assert_eq!(
        declaring(&["host_fs.path_mode/3"], &[&one]).expect_err("it is refused").to_string(),
        "the module imports `host_fs.path_mode` as (i32, i32, i32) -> (i32); it is (i32, i32, i32, i32) -> (i32) (v1)"
    );
    assert_eq!(declaring(&[], &[&[1, 0, 0]]), Err(Incompatible::Section(SectionError::Short { found: 3 })));
    assert_eq!(declaring(&[], &[&one, &one]), Err(Incompatible::Section(SectionError::Repeated)));
}

#[test]
fn a_generation_gives_a_name_its_meaning() {
    let has = |generation: Generation, name: &str| {
        let import = imported(name);
        let ExternType::Func(ty) = &import.ty else { return false };
        generation.function(&import.module, &import.name, ty).is_some()
    };
    let check = |name: &str, want: [bool; 3]| {
        assert_eq!([Generation::P, Generation::S, Generation::V1].map(|of| has(of, name)), want, "{name}");
    };
    check("host_process.proc_waitpid/3", [true, false, false]);
    check("host_process.proc_waitpid", [false, true, true]);
    check("host_fs.path_mode/3", [true, true, false]);
    check("host_fs.path_mode", [false, false, true]);
    check("host_net.net_tls_connect", [false, true, true]);
    check("host_net.net_tls_connect/4", [false, true, false]);
    check("host_process.proc_spawn_v3", [false, false, true]);
    check("wasi_unstable.fd_close", [true, true, true]);
    assert!(has(Generation::Wasi, "wasi_unstable.fd_close"));
}
