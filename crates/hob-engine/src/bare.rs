//! The bare engine, with none of ours around it: what hob's overhead is measured against, and nothing else.
//!
//! The settings are those of [`Engine`](crate::Engine): the same pool, the same epoch checks, the same stack. What is
//! missing is the ledger, the stop token, the ticker, the containment of panics, and every check of a contract.

mod command;

pub use command::BareCommand;

use crate::backend::compiled::settings;
use crate::config::EngineConfig;

/// A module ready to be run bare. Its one import, if any, is `h.f: (i32) -> (i32)`, which adds one.
pub struct Bare {
    pre: wasmtime::InstancePre<()>,
}

/// A live bare instance.
pub struct BareInstance {
    store: wasmtime::Store<()>,
    instance: wasmtime::Instance,
}

type Result<T> = std::result::Result<T, String>;

impl Bare {
    /// Compiles a module in the binary or text format.
    ///
    /// # Errors
    ///
    /// What Wasmtime says.
    pub fn new(config: &EngineConfig, module: &[u8]) -> Result<Self> {
        let wasm = crate::module::wasm_from_text(module).map_err(|error| error.to_string())?;
        let engine = wasmtime::Engine::new(&settings(config)).map_err(said)?;
        let module = wasmtime::Module::from_binary(&engine, &wasm).map_err(said)?;
        let mut linker = wasmtime::Linker::new(&engine);
        linker.func_wrap("h", "f", |_: wasmtime::Caller<'_, ()>, n: i32| n.wrapping_add(1)).map_err(said)?;
        Ok(Self { pre: linker.instantiate_pre(&module).map_err(said)? })
    }

    /// Makes an instance.
    ///
    /// # Errors
    ///
    /// What Wasmtime says.
    pub fn instantiate(&self) -> Result<BareInstance> {
        let mut store = wasmtime::Store::new(self.pre.module().engine(), ());
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = self.pre.instantiate(&mut store).map_err(said)?;
        Ok(BareInstance { store, instance })
    }
}

impl BareInstance {
    /// Calls the export `run` with one number.
    ///
    /// # Errors
    ///
    /// What Wasmtime says.
    pub fn run(&mut self, n: i32) -> Result<i32> {
        let run = self.instance.get_typed_func::<i32, i32>(&mut self.store, "run").map_err(said)?;
        run.call(&mut self.store, n).map_err(said)
    }

    /// A call of the json contract, without its checks: `alloc`, copy, `eval`, copy.
    ///
    /// # Errors
    ///
    /// What Wasmtime says, or that there is no memory.
    pub fn eval(&mut self, request: &[u8]) -> Result<Vec<u8>> {
        let length = u32::try_from(request.len()).map_err(|error| error.to_string())?;
        let memory = self.instance.get_memory(&mut self.store, "memory").ok_or("no memory")?;
        let alloc = self.instance.get_typed_func::<u32, u32>(&mut self.store, "alloc").map_err(said)?;
        let eval = self.instance.get_typed_func::<(u32, u32), u64>(&mut self.store, "eval").map_err(said)?;
        let at = alloc.call(&mut self.store, length).map_err(said)?;
        memory
            .write(&mut self.store, usize::try_from(at).unwrap_or(0), request)
            .map_err(|error| error.to_string())?;
        let packed = eval.call(&mut self.store, (at, length)).map_err(said)?;
        let [a, b, c, d, e, f, g, h] = packed.to_be_bytes();
        let (at, length) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
        let mut response = vec![0; usize::try_from(length).unwrap_or(0)];
        memory
            .read(&self.store, usize::try_from(at).unwrap_or(0), &mut response)
            .map_err(|error| error.to_string())?;
        Ok(response)
    }
}

fn said(error: wasmtime::Error) -> String {
    format!("{error:#}")
}
