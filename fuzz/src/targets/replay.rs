//! A record is refused or played; a changed one never makes the host fall over, and never reaches the world.

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};

use hob::{Choice, Host, Recorder, Replay, Sink};

const GUEST: &[u8] = br#"(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (memory (export "memory") 1) (data (i32.const 0) "\40\00\00\00\08\00\00\00")
    (func (export "_start") (drop (call $random (i32.const 64) (i32.const 8)))
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

pub(crate) fn run(bytes: &[u8]) -> Result<(), String> {
    // Seeds are whole records; what was made of them keeps its head more often than not.
    if let Ok(replay) = Replay::open(bytes, None) {
        // Whatever it comes to, it comes to an end: the record names no grants, and gets none.
        drop(replay.play(Choice::Wasmi, Sink::Discard, Sink::Discard));
    }
    Ok(())
}

#[derive(Clone, Default)]
struct File(Arc<Mutex<Vec<u8>>>);

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if let Ok(mut file) = self.0.lock() {
            file.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn record() -> Option<Vec<u8>> {
    let host = Host::builder()
        .stdio()
        .random(hob::RandomGrant::Seeded(1))
        .recordable()
        .engine(Choice::Wasmi)
        .build();
    let command = host.ok()?.load_bytes("guest", GUEST).ok()?.command().ok()?;
    let file = File::default();
    command.start().record(Recorder::new(file.clone())).wait().ok()?;
    let bytes = file.0.lock().ok()?.clone();
    Some(bytes)
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    static RECORD: OnceLock<Option<Vec<u8>>> = OnceLock::new();
    RECORD.get_or_init(record).clone().into_iter().collect()
}
