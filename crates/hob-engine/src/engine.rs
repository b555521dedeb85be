//! The engine: holds the two back ends and the cache, and decides which back end runs a module.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use sha2::{Digest, Sha256};

use crate::backend::{compiled, interpreted};
use crate::cache::{Cache, CacheKey};
use crate::config::{Allocation, Choice, EngineConfig};
use crate::error::{LinkError, LoadError};
use crate::host::HostTable;
use crate::linked::Linked;
use crate::module::{
    Module, ModuleInfo, ModuleInner, Tracks, check_limits, check_size, track, validate, wasm_from_text,
};
use crate::places::Places;
use crate::ticker::{Running, Ticker};

/// Loads modules and links them. Cheap to clone; one is enough for a process.
///
/// ```
/// use std::sync::Arc;
/// use hob_engine::{Bounds, Engine, EngineConfig, HostTable};
///
/// let engine = Engine::new(EngineConfig::default());
/// let module = engine.load(br#"(module (func (export "add") (param i32 i32) (result i32)
///     local.get 0 local.get 1 i32.add))"#)?;
/// let linked = engine.link(&module, &Arc::new(HostTable::<()>::new()))?;
/// let bounds = Bounds {
///     ledger: Arc::new(hob_cap::Ledger::new(&hob_cap::Limits::default())),
///     stop: hob_cap::StopToken::never(),
///     fuel: None,
/// };
/// let mut instance = linked.instantiate((), bounds)?;
/// assert_eq!(instance.call::<(i32, i32), i32>("add", (2, 3))?, 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    config: EngineConfig,
    compiled: OnceLock<Result<compiled::Backend, String>>,
    interpreted: OnceLock<interpreted::Backend>,
    cache: Option<Cache>,
    ticker: Ticker,
    places: Arc<Places>,
    behind: OnceLock<Option<Mutex<Sender<Job>>>>,
}

struct Job {
    engine: Weak<Inner>,
    module: Weak<ModuleInner>,
    wasm: Vec<u8>,
    key: CacheKey,
}

impl Engine {
    /// Sets up an engine. Nothing costly happens before the first module needs it.
    #[must_use]
    pub fn new(config: EngineConfig) -> Self {
        let slots = match config.allocation {
            Allocation::Pooled { slots } => Some(slots),
            Allocation::OnDemand => None,
        };
        let cache = config.cache_dir.as_deref().map(|dir| Cache::new(dir, config.cache_bytes_max));
        Self {
            inner: Arc::new(Inner {
                config,
                compiled: OnceLock::new(),
                interpreted: OnceLock::new(),
                cache,
                ticker: Ticker::new(),
                places: Arc::new(Places::new(slots)),
                behind: OnceLock::new(),
            }),
        }
    }

    /// The settings the engine was made with.
    #[must_use]
    pub fn config(&self) -> &EngineConfig {
        &self.inner.config
    }

    /// The compiled-code cache, if there is one.
    #[must_use]
    pub fn cache(&self) -> Option<&Cache> {
        self.inner.cache.as_ref()
    }

    /// Reads, checks and prepares a module in the binary or the text format. Runs no guest code.
    ///
    /// # Errors
    ///
    /// When the input is not a module, uses a feature that is not accepted, or exceeds a compile limit.
    pub fn load(&self, input: &[u8]) -> Result<Module, LoadError> {
        self.load_as(input, How::Kept)
    }

    /// As [`Engine::load`], of a module that a guest brought and nobody else will see again: it is neither looked for in
    /// the cache nor put there, and [`Choice::Auto`] interprets it, whatever its size. A guest that brings one module after
    /// the other keeps no compiler busy behind itself, and pushes nothing out of the cache.
    ///
    /// # Errors
    ///
    /// As [`Engine::load`].
    pub fn load_passing(&self, input: &[u8]) -> Result<Module, LoadError> {
        self.load_as(input, How::Passing)
    }

    /// As [`Engine::load`], of a module whose instances are to be put back and used again: see
    /// [`Instance::reset`](crate::Instance::reset). Its code notes what it writes, which takes a little time of each store;
    /// what it computes is the same. It uses more fuel. A module that does not lend itself to this (several memories, a
    /// function that would become too large) is loaded as always: see [`Module::is_resettable`].
    ///
    /// # Errors
    ///
    /// As [`Engine::load`].
    pub fn load_resettable(&self, input: &[u8]) -> Result<Module, LoadError> {
        self.load_as(input, How::Resettable)
    }

    fn load_as(&self, input: &[u8], how: How) -> Result<Module, LoadError> {
        let keep = how != How::Passing;
        let config = &self.inner.config;
        check_size(input, &config.compile)?;
        let wasm = wasm_from_text(input)?;
        check_size(&wasm, &config.compile)?;
        let info = ModuleInfo::read(&wasm)?;
        check_limits(&info, &config.compile)?;
        let digest: [u8; 32] = Sha256::digest(&*wasm).into();
        let mut module = Made { info, digest, tracks: None };
        let (mut wasm, mut code_digest) = (wasm, digest);
        if how == How::Resettable {
            validate(&wasm)?;
            if let Some((rewritten, tracks)) = track(&wasm)? {
                code_digest = Sha256::digest(&rewritten).into();
                wasm = rewritten.into();
                module.tracks = Some(tracks);
            }
        }

        if config.choice == Choice::Wasmi || (config.choice == Choice::Auto && !keep) {
            return self.interpret(&wasm, module);
        }
        let key = self.cache_key(&code_digest)?;
        if let Some(code) = if keep { self.load_cached(&key) } else { None } {
            return Ok(module.with(Some(code), None));
        }
        if config.choice == Choice::Auto && wasm.len() <= config.interpret_bytes_max {
            let module = self.interpret(&wasm, module)?;
            if config.compile_behind {
                self.compile_behind(&module, wasm.into_owned(), key);
            }
            return Ok(module);
        }
        validate(&wasm)?;
        let compiled = self.compile_in_time(wasm.clone().into_owned(), keep.then_some(key));
        match compiled {
            Ok(code) => Ok(module.with(Some(code), None)),
            Err(LoadError::CompileTime { .. }) if config.choice == Choice::Auto => {
                self.interpret(&wasm, module)
            }
            Err(error) => Err(error),
        }
    }

    /// Compiles a module into the cache, unless it is there already. Returns whether it was compiled now.
    ///
    /// # Errors
    ///
    /// As [`Engine::load`], and when there is no usable cache.
    pub fn prewarm(&self, input: &[u8]) -> Result<bool, LoadError> {
        let config = &self.inner.config;
        check_size(input, &config.compile)?;
        let wasm = wasm_from_text(input)?;
        let info = ModuleInfo::read(&wasm)?;
        check_limits(&info, &config.compile)?;
        let key = self.cache_key(&Sha256::digest(&*wasm).into())?;
        if self.load_cached(&key).is_some() {
            return Ok(false);
        }
        validate(&wasm)?;
        let Some(cache) = &self.inner.cache else {
            return Err(LoadError::Engine("there is no cache".into()));
        };
        let code = self.compile_in_time(wasm.into_owned(), Some(key.clone()))?;
        // `compile_in_time` stores what it can and is silent about what it cannot; here the caller wants to know.
        if cache.get(&key).is_none() {
            let bytes = code.serialize()?;
            cache.put(&key, &bytes).map_err(|error| LoadError::Engine(error.to_string()))?;
        }
        Ok(true)
    }

    /// Resolves the imports of a module against a table.
    ///
    /// # Errors
    ///
    /// When an import is not in the table, has another type, or is not a function.
    pub fn link<T: 'static>(
        &self,
        module: &Module,
        table: &Arc<HostTable<T>>,
    ) -> Result<Linked<T>, LinkError> {
        Linked::new(self, module, table)
    }

    pub(crate) fn compiled(&self) -> Result<&compiled::Backend, String> {
        let made = self.inner.compiled.get_or_init(|| compiled::Backend::new(&self.inner.config));
        made.as_ref().map_err(Clone::clone)
    }

    pub(crate) fn interpreted(&self) -> &interpreted::Backend {
        self.inner.interpreted.get_or_init(interpreted::Backend::new)
    }

    /// The places of its instances.
    pub(crate) fn places(&self) -> &Arc<Places> {
        &self.inner.places
    }

    /// Says that a guest is about to run compiled code, until the answer is dropped.
    #[inline]
    pub(crate) fn enter(&self) -> Option<Running<'_>> {
        let backend = self.compiled().ok()?;
        self.inner.ticker.enter(backend.engine())
    }

    fn interpret(&self, wasm: &[u8], module: Made) -> Result<Module, LoadError> {
        validate(wasm)?;
        let code = self.interpreted().compile(wasm)?;
        Ok(module.with(None, Some(code)))
    }

    fn cache_key(&self, digest: &[u8; 32]) -> Result<CacheKey, LoadError> {
        let backend = self.compiled().map_err(LoadError::Engine)?;
        Ok(CacheKey::new(&backend.fingerprint(), digest))
    }

    #[expect(unsafe_code, reason = "see the safety comment")]
    fn load_cached(&self, key: &CacheKey) -> Option<compiled::Code> {
        let file = self.inner.cache.as_ref()?.get(key)?;
        let backend = self.compiled().ok()?;
        // SAFETY: the cache has just authenticated, with this user's key, exactly the bytes of this open file under a
        // name that covers engine version, flags and processor; entries are only ever replaced by renaming.
        unsafe { backend.load(file) }
    }

    /// Compiles on another thread, so that a compiler that does not end does not hold us. Stores the code in the cache,
    /// under a key.
    fn compile_in_time(&self, wasm: Vec<u8>, key: Option<CacheKey>) -> Result<compiled::Code, LoadError> {
        let limit = self.inner.config.compile.time;
        let (done, result) = channel();
        let inner = Arc::clone(&self.inner);
        let work = move || {
            let engine = Self { inner };
            // When nobody waits any more, the answer is not wanted.
            drop(done.send(engine.compile_now(&wasm, key.as_ref())));
        };
        let spawned = std::thread::Builder::new().name("hob-compile".into()).spawn(work);
        spawned.map_err(|error| LoadError::Engine(format!("no thread to compile on: {error}")))?;
        match result.recv_timeout(limit) {
            Ok(code) => code,
            Err(RecvTimeoutError::Timeout) => {
                Err(LoadError::CompileTime { limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) })
            }
            Err(RecvTimeoutError::Disconnected) => Err(LoadError::Engine("the compiler panicked".into())),
        }
    }

    fn compile_now(&self, wasm: &[u8], key: Option<&CacheKey>) -> Result<compiled::Code, LoadError> {
        let backend = self.compiled().map_err(LoadError::Engine)?;
        let code = backend.compile(wasm)?;
        if let (Some(cache), Some(key)) = (&self.inner.cache, key) {
            // A cache that cannot be written costs time, not correctness.
            drop(cache.put(key, &code.serialize()?));
        }
        Ok(code)
    }

    fn compile_behind(&self, module: &Module, wasm: Vec<u8>, key: CacheKey) {
        let worker = self.inner.behind.get_or_init(|| {
            let (jobs, queue) = channel();
            let spawned =
                std::thread::Builder::new().name("hob-compile-behind".into()).spawn(move || work(&queue));
            spawned.ok().map(|_| Mutex::new(jobs))
        });
        let Some(worker) = worker else { return };
        let job =
            Job { engine: Arc::downgrade(&self.inner), module: Arc::downgrade(&module.inner), wasm, key };
        if let Ok(jobs) = worker.lock() {
            // When the worker is gone the module stays interpreted.
            drop(jobs.send(job));
        }
    }
}

fn work(queue: &Receiver<Job>) {
    while let Ok(job) = queue.recv() {
        // An engine that is gone needs no code; a module that is gone may still be wanted next time.
        let Some(inner) = job.engine.upgrade() else { return };
        let engine = Engine { inner };
        let Ok(code) = engine.compile_now(&job.wasm, Some(&job.key)) else { continue };
        if let Some(module) = job.module.upgrade() {
            drop(module.compiled.set(code));
        }
    }
}

/// What a module is loaded for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Kept,
    Passing,
    Resettable,
}

/// A module of which only the code is missing.
struct Made {
    info: ModuleInfo,
    digest: [u8; 32],
    tracks: Option<Tracks>,
}

impl Made {
    fn with(self, code: Option<compiled::Code>, interpreted: Option<interpreted::Code>) -> Module {
        let compiled = OnceLock::new();
        if let Some(code) = code {
            drop(compiled.set(code));
        }
        let Self { info, digest, tracks } = self;
        Module { inner: Arc::new(ModuleInner { info, digest, compiled, interpreted, tracks }) }
    }
}
