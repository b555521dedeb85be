//! Hostile guests at the boundary: calls of WASI functions with arbitrary numbers, over arbitrary memory, on both engines.
//! No such guest causes a fault of the host, runs past its deadline, or changes anything outside its grants.

use std::path::Path;
use std::time::{Duration, Instant};

use hob::abi::wasi_p1;
use hob::engine::HostTable;
use hob::{Access, Choice, ClockGrant, FaultKind, Host, Limits, Policy, RandomGrant, ValType};

use crate::input::Input;

/// How long a guest may run, and how late that may be noticed on a busy machine.
const DEADLINE: Duration = Duration::from_millis(200);
const SLACK: Duration = Duration::from_secs(3);

/// The most calls of one guest.
const CALLS_MAX: usize = 12;

/// What no guest may change.
const CANARY: &str = "a canary";

struct Data(hob::os::World);

impl wasi_p1::HasWorld for Data {
    fn world(&mut self) -> &mut hob::os::World {
        &mut self.0
    }
}

pub(crate) fn run(bytes: &[u8]) -> Result<(), String> {
    let mut input = Input::new(bytes);
    let guest = guest(&mut input);
    for choice in [Choice::Wasmi, Choice::Wasmtime] {
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let host = host(dir.path(), choice).map_err(|error| format!("the host cannot be built: {error}"))?;
        let loaded =
            host.load_bytes("guest", guest.as_bytes()).map_err(|error| format!("{error}\n{guest}"))?;
        let command = loaded.command().map_err(|error| format!("{error}\n{guest}"))?;
        let began = Instant::now();
        let ended = command.run([b"a".to_vec(), vec![0xff, b'b']]);
        if began.elapsed() > DEADLINE + SLACK {
            return Err(format!("took {:?} on {choice:?}\n{guest}", began.elapsed()));
        }
        if let Some(FaultKind::HostPanic(why)) =
            ended.err().as_ref().and_then(hob::Error::fault).map(hob::Fault::kind)
        {
            return Err(format!("the host panicked on {choice:?}: {why}\n{guest}"));
        }
        check_canary(dir.path()).map_err(|why| format!("{why} on {choice:?}\n{guest}"))?;
    }
    Ok(())
}

fn host(dir: &Path, choice: Choice) -> Result<Host, hob::Error> {
    for (name, file) in [("rw", "a"), ("ro", "b"), ("out", "secret")] {
        drop(std::fs::create_dir(dir.join(name)));
        drop(std::fs::write(dir.join(name).join(file), CANARY));
    }
    drop(std::os::unix::fs::symlink("../out", dir.join("rw/way")));
    let limits =
        Limits { hard_deadline: Some(DEADLINE), memory_bytes: 4 << 20, open_files: 64, ..Limits::default() };
    Host::builder()
        .engine(choice)
        .limits(limits)
        .stdio()
        .clock(ClockGrant::Virtual)
        .random(RandomGrant::Seeded(1))
        .env("KEY", "value")
        .dir(dir.join("rw"), "/rw", Access::ReadWrite)
        .dir(dir.join("ro"), "/ro", Access::Read)
        .build()
}

fn check_canary(dir: &Path) -> Result<(), String> {
    for (folder, file) in [("out", "secret"), ("ro", "b")] {
        let whole = std::fs::read_to_string(dir.join(folder).join(file)).is_ok_and(|text| text == CANARY);
        let count = std::fs::read_dir(dir.join(folder)).map_or(0, Iterator::count);
        if !whole || count != 1 {
            return Err(format!("{folder} was changed"));
        }
    }
    let count = std::fs::read_dir(dir).map_or(0, Iterator::count);
    if count == 3 { Ok(()) } else { Err("something appeared beside the grants".into()) }
}

/// A guest in the text format.
fn guest(input: &mut Input<'_>) -> String {
    let mut table = HostTable::<Data>::new();
    wasi_p1::add_to(&mut table, &Policy::none());
    let functions: Vec<(&str, Vec<ValType>, bool)> = table
        .iter()
        .map(|(_, name, func)| (name, func.ty().params.clone(), !func.ty().results.is_empty()))
        .collect();
    let mut imports = String::new();
    for (index, (name, params, returns)) in functions.iter().enumerate() {
        let params: String = params.iter().map(|ty| format!(" {ty}")).collect();
        let result = if *returns { "(result i32)" } else { "" };
        let params = if params.is_empty() { String::new() } else { format!("(param{params})") };
        imports += &format!("(import \"{}\" \"{name}\" (func $f{index} {params} {result}))", wasi_p1::MODULE);
    }
    let length = usize::from(input.byte() / 2);
    let memory: String = input.bytes(length).iter().map(|byte| format!("\\{byte:02x}")).collect();
    let mut calls = String::new();
    for _ in 0..CALLS_MAX {
        if input.is_empty() {
            break;
        }
        let index = usize::from(input.byte()) % functions.len().max(1);
        let Some((name, params, returns)) = functions.get(index) else { continue };
        // A guest that exits does nothing more; let most go on.
        if *name == "proc_exit" && input.byte() > 8 {
            continue;
        }
        let pushed: String = params.iter().map(|ty| format!("({ty}.const {})", number(input, *ty))).collect();
        let call = format!("(call $f{index} {pushed})");
        calls += &if *returns { format!("(drop {call})") } else { call };
    }
    format!(
        "(module {imports} (memory (export \"memory\") 1)\n (data (i32.const 0) \"a\\00../out/secret/rw/a//way/secret\")\n \
         (data (i32.const 64) \"{memory}\")\n (func (export \"_start\") {calls}))"
    )
}

/// A number that is often a descriptor, a pointer or an edge.
fn number(input: &mut Input<'_>, ty: ValType) -> i64 {
    let wide = ty == ValType::I64;
    match input.byte() % 8 {
        0..=2 => i64::from(input.byte() % 8),
        3 => i64::from(input.byte()),
        4 => i64::from(input.u32() % 65_536),
        5 => 65_536 - i64::from(input.byte() % 64),
        6 => -1 - i64::from(input.byte() % 8),
        _ if wide => input.u64().cast_signed(),
        _ => i64::from(input.u32().cast_signed()),
    }
}
