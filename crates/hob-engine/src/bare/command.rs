//! A command on the bare engine: the least of preview 1 that lets one program run over its standard input, and every
//! other function answers that it does not exist. There is no kernel, no limit and no interruption to pay for.

use std::fs::File;
use std::io::{Read, Write};

use super::{Result, said};
use crate::backend::compiled::settings;
use crate::config::EngineConfig;

/// The error numbers of preview 1 that are answered.
mod errno {
    pub(super) const BADF: i32 = 8;
    pub(super) const FAULT: i32 = 21;
    pub(super) const IO: i32 = 29;
    pub(super) const NOSYS: i32 = 52;
}

/// A program ready to be run bare.
pub struct BareCommand {
    pre: wasmtime::InstancePre<Host>,
}

/// What a program has.
#[derive(Debug, Default)]
pub(super) struct Host {
    /// Its arguments, each ended by a zero byte.
    args: Vec<u8>,
    stdin: Option<File>,
    stdout: Vec<u8>,
    code: Option<i32>,
}

impl BareCommand {
    /// Compiles a program.
    ///
    /// # Errors
    ///
    /// What Wasmtime says.
    pub fn new(config: &EngineConfig, wasm: &[u8]) -> Result<Self> {
        let engine = wasmtime::Engine::new(&settings(config)).map_err(said)?;
        let module = wasmtime::Module::from_binary(&engine, wasm).map_err(said)?;
        let mut linker = wasmtime::Linker::new(&engine);
        linker.allow_shadowing(true);
        for import in module.imports() {
            if let wasmtime::ExternType::Func(ty) = import.ty() {
                let results: Vec<wasmtime::ValType> = ty.results().collect();
                let answer =
                    move |_: wasmtime::Caller<'_, Host>, _: &[wasmtime::Val], out: &mut [wasmtime::Val]| {
                        for (out, ty) in out.iter_mut().zip(&results) {
                            *out = match ty {
                                wasmtime::ValType::I64 => wasmtime::Val::I64(-1),
                                _ => wasmtime::Val::I32(errno::NOSYS),
                            };
                        }
                        Ok(())
                    };
                linker.func_new(import.module(), import.name(), ty, answer).map_err(said)?;
            }
        }
        preview_1(&mut linker).map_err(said)?;
        Ok(Self { pre: linker.instantiate_pre(&module).map_err(said)? })
    }

    /// Runs it with these arguments and this input, and gives its exit code and what it wrote.
    ///
    /// # Errors
    ///
    /// What Wasmtime says: a trap.
    pub fn run(&self, args: &[&str], stdin: Option<File>) -> Result<(i32, Vec<u8>)> {
        let args = args.iter().flat_map(|arg| arg.bytes().chain([0])).collect();
        let mut store =
            wasmtime::Store::new(self.pre.module().engine(), Host { args, stdin, ..Host::default() });
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = self.pre.instantiate(&mut store).map_err(said)?;
        let start = instance.get_typed_func::<(), ()>(&mut store, "_start").map_err(said)?;
        let ended = start.call(&mut store, ());
        let host = store.into_data();
        match (host.code, ended) {
            (Some(code), _) => Ok((code, host.stdout)),
            (None, Ok(())) => Ok((0, host.stdout)),
            (None, Err(error)) => Err(said(error)),
        }
    }
}

type Caller<'a> = wasmtime::Caller<'a, Host>;

/// The memory of the program and what it has.
fn split<'a>(caller: &'a mut Caller<'_>) -> Option<(&'a mut [u8], &'a mut Host)> {
    let memory = caller.get_export("memory").and_then(wasmtime::Extern::into_memory)?;
    Some(memory.data_and_store_mut(caller))
}

fn range(memory: &mut [u8], at: u32, len: u32) -> Option<&mut [u8]> {
    let (at, len) = (usize::try_from(at).ok()?, usize::try_from(len).ok()?);
    memory.get_mut(at..at.checked_add(len)?)
}

fn put(memory: &mut [u8], at: u32, bytes: &[u8]) -> Option<()> {
    range(memory, at, u32::try_from(bytes.len()).ok()?)?.copy_from_slice(bytes);
    Some(())
}

fn word(memory: &mut [u8], at: u32) -> Option<u32> {
    range(memory, at, 4)?.try_into().ok().map(u32::from_le_bytes)
}

/// Runs a call, and answers what is wrong with a pointer.
fn call(caller: &mut Caller<'_>, f: impl FnOnce(&mut [u8], &mut Host) -> Option<i32>) -> i32 {
    split(caller).and_then(|(memory, host)| f(memory, host)).unwrap_or(errno::FAULT)
}

fn preview_1(linker: &mut wasmtime::Linker<Host>) -> wasmtime::Result<()> {
    const MODULE: &str = "wasi_snapshot_preview1";
    linker.func_wrap(MODULE, "args_sizes_get", |mut caller: Caller<'_>, count: u32, bytes: u32| {
        call(&mut caller, |memory, host| {
            let all = u32::try_from(host.args.iter().filter(|byte| **byte == 0).count()).ok()?;
            put(memory, count, &all.to_le_bytes())?;
            put(memory, bytes, &u32::try_from(host.args.len()).ok()?.to_le_bytes())?;
            Some(0)
        })
    })?;
    linker.func_wrap(MODULE, "args_get", |mut caller: Caller<'_>, pointers: u32, bytes: u32| {
        call(&mut caller, |memory, host| {
            let (mut to, mut at) = (pointers, bytes);
            for arg in host.args.split_inclusive(|byte| *byte == 0) {
                put(memory, to, &at.to_le_bytes())?;
                put(memory, at, arg)?;
                to = to.checked_add(4)?;
                at = at.checked_add(u32::try_from(arg.len()).ok()?)?;
            }
            Some(0)
        })
    })?;
    linker.func_wrap(MODULE, "environ_sizes_get", |mut caller: Caller<'_>, count: u32, bytes: u32| {
        call(&mut caller, |memory, _| {
            put(memory, count, &[0; 4])?;
            put(memory, bytes, &[0; 4])?;
            Some(0)
        })
    })?;
    linker.func_wrap(MODULE, "environ_get", |_: u32, _: u32| 0)?;
    linker.func_wrap(MODULE, "fd_prestat_get", |_: u32, _: u32| errno::BADF)?;
    linker.func_wrap(MODULE, "fd_fdstat_get", |mut caller: Caller<'_>, fd: u32, out: u32| {
        call(&mut caller, |memory, _| {
            let mut stat = [0xff; 24];
            // A character device with all rights and no flags.
            stat.get_mut(..8)?.copy_from_slice(&[2, 0, 0, 0, 0, 0, 0, 0]);
            if fd > 2 {
                return Some(errno::BADF);
            }
            put(memory, out, &stat)?;
            Some(0)
        })
    })?;
    linker.func_wrap(MODULE, "clock_time_get", |mut caller: Caller<'_>, _: u32, _: u64, out: u32| {
        call(&mut caller, |memory, _| {
            put(memory, out, &1u64.to_le_bytes())?;
            Some(0)
        })
    })?;
    linker.func_wrap(MODULE, "random_get", |_: u32, _: u32| 0)?;
    linker.func_wrap(MODULE, "proc_exit", |mut caller: Caller<'_>, code: i32| -> wasmtime::Result<()> {
        caller.data_mut().code = Some(code);
        Err(wasmtime::Error::msg("exit"))
    })?;
    linker.func_wrap(
        MODULE,
        "fd_read",
        |mut caller: Caller<'_>, fd: u32, buffers: u32, count: u32, out: u32| {
            call(&mut caller, |memory, host| {
                let Some(stdin) = host.stdin.as_mut().filter(|_| fd == 0) else { return Some(errno::BADF) };
                let mut all = 0u32;
                for index in 0..count {
                    let at = buffers.checked_add(index.checked_mul(8)?)?;
                    let (at, len) = (word(memory, at)?, word(memory, at.checked_add(4)?)?);
                    let Ok(read) = stdin.read(range(memory, at, len)?) else { return Some(errno::IO) };
                    let read = u32::try_from(read).ok()?;
                    all = all.checked_add(read)?;
                    if read < len {
                        break;
                    }
                }
                put(memory, out, &all.to_le_bytes())?;
                Some(0)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_write",
        |mut caller: Caller<'_>, fd: u32, buffers: u32, count: u32, out: u32| {
            call(&mut caller, |memory, host| {
                let mut all = 0u32;
                for index in 0..count {
                    let at = buffers.checked_add(index.checked_mul(8)?)?;
                    let (at, len) = (word(memory, at)?, word(memory, at.checked_add(4)?)?);
                    let bytes = range(memory, at, len)?;
                    if fd == 1 && host.stdout.write_all(bytes).is_err() {
                        return Some(errno::IO);
                    }
                    all = all.checked_add(len)?;
                }
                put(memory, out, &all.to_le_bytes())?;
                Some(0)
            })
        },
    )?;
    Ok(())
}
