//! The host: an engine, a policy, limits.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hob_abi::{plugin, wasi_p1};
use hob_cap::{
    Access, AuditSink, ClockGrant, EnvGrant, FsGrant, Limits, NetGrant, Policy, RandomGrant, StdioGrant,
};

use hob_engine::{Allocation, Cache, Choice, CompileLimits, Engine, EngineConfig, HostTable};

use hob_os::addresses_are_limited;
use hob_os::egress::{Egress, Resolver};

use crate::error::{Error, ErrorKind};
use crate::loaded::Loaded;
use crate::package::Package;
use crate::seat::{Opened, Seat};

/// Slots of the pool of a session, at most: 4 TiB of addresses.
const SESSION_SLOTS_MAX: u32 = 1000;

/// The largest memory and the largest table of a slot of the pool of a session; neither costs more than addresses.
const SLOT_BYTES: u64 = 4 << 30;
const SLOT_TABLE_ELEMENTS: u64 = 1 << 20;

/// Loads modules and runs them under one policy and one set of limits. Cheap to clone; usable from many threads.
///
/// ```
/// use hob::{Access, Host};
/// let dir = tempfile::tempdir().unwrap();
/// let host = Host::builder().dir(dir.path(), "/data", Access::Read).build()?;
/// assert_eq!(host.policy().fs.len(), 1);
/// # Ok::<(), hob::Error>(())
/// ```
#[derive(Clone)]
pub struct Host {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
    pub(crate) opened: Opened,
    pub(crate) table: Arc<HostTable<Seat>>,
}

/// Sets up a [`Host`]. Starts with no grants and the default limits.
#[must_use]
pub struct HostBuilder {
    config: EngineConfig,
    policy: Policy,
    limits: Limits,
    audit: Option<Arc<dyn AuditSink>>,
    settings: BTreeMap<String, String>,
    deterministic: bool,
    pooled_session: bool,
    resolver: Option<Arc<dyn Resolver>>,
    tls_roots: Option<Vec<Vec<u8>>>,
    problem: Option<Error>,
}

impl Host {
    /// Begins with nothing granted.
    ///
    /// ```
    /// assert_eq!(hob::Host::builder().build()?.policy(), &hob::Policy::none());
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn builder() -> HostBuilder {
        HostBuilder {
            config: EngineConfig::default(),
            policy: Policy::none(),
            limits: Limits::default(),
            audit: None,
            settings: BTreeMap::new(),
            deterministic: false,
            pooled_session: false,
            resolver: None,
            tls_roots: None,
            problem: None,
        }
    }

    /// Loads a module from a `.wasm` or `.wat` file. Runs no guest code.
    ///
    /// ```
    /// let host = hob::Host::builder().build()?;
    /// assert!(matches!(host.load("no/such.wasm").err().unwrap().kind(), hob::ErrorKind::NotFound(_)));
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or as [`Host::load_bytes`].
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Loaded, Error> {
        let path = path.as_ref();
        let bytes = self.read(path)?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        self.load_bytes(&name, &bytes)
    }

    /// Loads a module in the binary or the text format. `name` is what a command sees as its own name.
    ///
    /// ```
    /// let host = hob::Host::builder().build()?;
    /// assert_eq!(host.load_bytes("empty", b"(module)")?.name(), "empty");
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the bytes are no module, use a feature that is not accepted, or exceed a compile limit.
    pub fn load_bytes(&self, name: &str, bytes: &[u8]) -> Result<Loaded, Error> {
        let module = self.inner.engine.load(bytes)?;
        Ok(Loaded::new(self.clone(), name, module, bytes))
    }

    /// Loads the module of a package that was checked. What the host grants is the host's policy; see
    /// [`HostBuilder::package`] for the package's own.
    ///
    /// ```no_run
    /// let package = hob::package::open("./calculator")?;
    /// let host = hob::Host::builder().package(&package).build()?;
    /// let answer = host.load_package(package)?.tool()?.invoke(&serde_json::json!({"expression": "1 + 1"}))?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Host::load_bytes`].
    pub fn load_package(&self, package: Package) -> Result<Loaded, Error> {
        let mut loaded = self.load_bytes(&package.name, &package.module)?;
        loaded.package = Some(Arc::new(package));
        Ok(loaded)
    }

    /// Compiles a module into the cache, so that the next run starts at full speed. Returns whether it was compiled now.
    ///
    /// ```
    /// let dir = tempfile::tempdir().unwrap();
    /// std::fs::write(dir.path().join("m.wat"), "(module)").unwrap();
    /// let host = hob::Host::builder().cache_dir(dir.path().join("cache")).build()?;
    /// assert!(host.prewarm(dir.path().join("m.wat"))?);
    /// assert!(!host.prewarm(dir.path().join("m.wat"))?);
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Host::load`], and when there is no usable cache.
    pub fn prewarm(&self, path: impl AsRef<Path>) -> Result<bool, Error> {
        Ok(self.inner.engine.prewarm(&self.read(path.as_ref())?)?)
    }

    /// What every guest of this host is granted.
    ///
    /// ```
    /// let host = hob::Host::builder().stdio().build()?;
    /// assert!(host.policy().stdio.stdout);
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.inner.policy
    }

    /// What every guest of this host is limited to.
    ///
    /// ```
    /// let host = hob::Host::builder().build()?;
    /// assert_eq!(host.limits().memory_bytes, 256 << 20);
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// The compiled-code cache, if the host has one.
    ///
    /// ```
    /// assert!(hob::Host::builder().build()?.cache().is_none());
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn cache(&self) -> Option<&Cache> {
        self.inner.engine.cache()
    }

    /// Begins to set up a shell, whose commands may do what this host grants.
    ///
    /// ```
    /// let shell = hob::Host::builder().build()?.shell().build()?;
    /// assert!(shell.commands().is_empty());
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn shell(&self) -> crate::shell::ShellBuilder {
        crate::shell::ShellBuilder::new(self.clone())
    }

    /// The engine beneath.
    ///
    /// ```
    /// let host = hob::Host::builder().engine(hob::Choice::Wasmi).build()?;
    /// assert_eq!(host.engine().config().choice, hob::Choice::Wasmi);
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, Error> {
        let shown = path.display().to_string();
        let wrong = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::new(ErrorKind::NotFound(shown.clone())),
            _ => Error::new(ErrorKind::Read { path: shown.clone(), why: error.to_string() }),
        };
        let file = std::fs::File::open(path).map_err(wrong)?;
        // One byte more than may be loaded is enough to refuse it.
        let limit = self.inner.engine.config().compile.module_bytes.saturating_add(1);
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes).map_err(wrong)?;
        Ok(bytes)
    }
}

impl HostBuilder {
    /// Which engine runs guests.
    ///
    /// ```
    /// let host = hob::Host::builder().engine(hob::Choice::Wasmtime).build()?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn engine(mut self, choice: Choice) -> Self {
        self.config.choice = choice;
        self
    }

    /// Keeps a pool of `slots` instances, for servers. The pool takes a few milliseconds to set up.
    ///
    /// ```
    /// let host = hob::Host::builder().pooled(16).build()?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn pooled(mut self, slots: u32) -> Self {
        self.config.allocation = Allocation::Pooled { slots };
        self
    }

    /// For one session at a time: keeps a pool with a slot for every process that it may have, which takes about a third
    /// from the time of a short command. Not where there is a limit on address space, of which a slot takes 4 GiB, or for
    /// more than a thousand processes: those find their room when they start.
    ///
    /// ```
    /// let host = hob::Host::builder().pooled_session().build()?;
    /// let session = host.shell().build()?.session()?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn pooled_session(mut self) -> Self {
        self.pooled_session = true;
        self
    }

    /// The same bytes on both engines and in every run: canonical NaN, a virtual clock, seeded randomness. Real clocks and
    /// randomness are narrowed to that.
    ///
    /// ```
    /// use hob::{ClockGrant, Host};
    /// let host = Host::builder().clock(ClockGrant::Real).deterministic().build()?;
    /// assert_eq!(host.policy().clock, ClockGrant::Virtual);
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn deterministic(mut self) -> Self {
        self.config.deterministic = true;
        self.deterministic = true;
        self
    }

    /// Keeps compiled code in this directory, which must belong to the user and be writable by nobody else.
    ///
    /// ```
    /// let dir = tempfile::tempdir().unwrap();
    /// let host = hob::Host::builder().cache_dir(dir.path().join("cache")).build()?;
    /// assert_eq!(host.cache().unwrap().stats().unwrap().entries, 0);
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn cache_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.config.cache_dir = Some(dir.into());
        self
    }

    /// Whether a module that is interpreted at first is compiled on a thread of this process for the next time. On by
    /// default.
    ///
    /// ```
    /// let host = hob::Host::builder().compile_behind(false).build()?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn compile_behind(mut self, on: bool) -> Self {
        self.config.compile_behind = on;
        self
    }

    /// What bounds compilation.
    ///
    /// ```
    /// let limits = hob::CompileLimits { module_bytes: 10, ..Default::default() };
    /// let host = hob::Host::builder().compile_limits(limits).build()?;
    /// assert!(host.load_bytes("m", b"(module (func))").is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn compile_limits(mut self, limits: CompileLimits) -> Self {
        self.config.compile = limits;
        self
    }

    /// What every guest is limited to.
    ///
    /// ```
    /// let limits = hob::Limits { memory_bytes: 1 << 20, ..Default::default() };
    /// assert_eq!(hob::Host::builder().limits(limits).build()?.limits().memory_bytes, 1 << 20);
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Grants exactly this policy, instead of what was granted so far.
    ///
    /// ```
    /// let host = hob::Host::builder().policy(hob::Policy::none()).build()?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Grants what a package is granted when nobody says otherwise, and sets the limits it names. What was granted before
    /// is given up.
    ///
    /// ```no_run
    /// let package = hob::package::open("./linter")?;
    /// let host = hob::Host::builder().package(&package).build()?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn package(mut self, package: &Package) -> Self {
        self.policy = package.policy.clone();
        self.limits = package.limits.apply(self.limits);
        self
    }

    /// Grants a directory of the host, which the guest sees at `guest`.
    ///
    /// ```
    /// let host = hob::Host::builder().dir(".", "/work", hob::Access::Read).build()?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn dir(mut self, host: impl AsRef<Path>, guest: &str, access: Access) -> Self {
        let Some(host) = host.as_ref().to_str() else {
            self.problem =
                Some(Error::new(ErrorKind::Grant("the path of a granted directory must be UTF-8".into())));
            return self;
        };
        match hob_cap::GuestPath::new(guest) {
            Ok(guest) => self.policy.fs.push(FsGrant { host: host.into(), guest, access }),
            Err(error) => self.problem = Some(Error::new(ErrorKind::Grant(error.to_string()))),
        }
        self
    }

    /// Grants one environment variable with this value.
    ///
    /// ```
    /// let host = hob::Host::builder().env("LANG", "C").build()?;
    /// assert!(hob::Host::builder().env("A=B", "").build().is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn env(mut self, key: &str, value: &str) -> Self {
        match EnvGrant::new(key, Some(value.into())) {
            Ok(grant) => self.policy.env.push(grant),
            Err(error) => self.problem = Some(error.into()),
        }
        self
    }

    /// Grants outbound requests, as `[GET,POST] https://*.example.com` names them.
    ///
    /// ```
    /// let host = hob::Host::builder().net("[GET] https://api.example.com").build()?;
    /// assert!(hob::Host::builder().net("example.com").build().is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn net(mut self, pattern: &str) -> Self {
        match NetGrant::parse(pattern) {
            Ok(grant) => self.policy.net.push(grant),
            Err(error) => self.problem = Some(error.into()),
        }
        self
    }

    /// Resolves the names of hosts by `resolver` instead of the system's.
    ///
    /// ```
    /// use std::sync::Arc;
    /// let table = hob::os::FixedResolver::new().name("api.example.com", &["192.0.2.7".parse().unwrap()]);
    /// let host = hob::Host::builder().resolver(Arc::new(table)).build()?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn resolver(mut self, resolver: Arc<dyn Resolver>) -> Self {
        self.resolver = Some(resolver);
        self
    }

    /// Trusts servers whose certificates these sign, DER each, and no others.
    ///
    /// ```
    /// let host = hob::Host::builder().tls_roots(Vec::new()).build()?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn tls_roots(mut self, roots: Vec<Vec<u8>>) -> Self {
        self.tls_roots = Some(roots);
        self
    }

    /// Grants a clock.
    ///
    /// ```
    /// let host = hob::Host::builder().clock(hob::ClockGrant::Coarse).build()?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn clock(mut self, clock: ClockGrant) -> Self {
        self.policy.clock = clock;
        self
    }

    /// Grants randomness.
    ///
    /// ```
    /// let host = hob::Host::builder().random(hob::RandomGrant::Seeded(7)).build()?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn random(mut self, random: RandomGrant) -> Self {
        self.policy.random = random;
        self
    }

    /// Grants the three standard streams, which a run connects.
    ///
    /// ```
    /// let host = hob::Host::builder().stdio().build()?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn stdio(mut self) -> Self {
        self.policy.stdio = StdioGrant::all();
        self
    }

    /// Grants writing to the log.
    ///
    /// ```
    /// assert!(hob::Host::builder().log().build()?.policy().log);
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn log(mut self) -> Self {
        self.policy.log = true;
        self
    }

    /// Gives plugins a value of their configuration, which they ask for by its key.
    ///
    /// ```
    /// let host = hob::Host::builder().config("registry", "https://example.com").build()?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn config(mut self, key: &str, value: &str) -> Self {
        self.settings.insert(key.into(), value.into());
        self
    }

    /// Makes NaN canonical, as [`HostBuilder::deterministic`] does, and changes no grant: what is recorded then plays on
    /// both engines. Needed for a [`Recorder`](crate::Recorder).
    ///
    /// ```
    /// let host = hob::Host::builder().clock(hob::ClockGrant::Real).recordable().build()?;
    /// assert_eq!(host.policy().clock, hob::ClockGrant::Real);
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn recordable(mut self) -> Self {
        self.config.deterministic = true;
        self
    }

    /// For [`Loaded::actor`]: counts fuel, as vats limit it, and makes NaN canonical. No grant changes, and none reaches an
    /// actor. Code that counts takes up to twice the time in tight loops.
    ///
    /// ```
    /// let host = hob::Host::builder().actors().build()?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn actors(mut self) -> Self {
        self.config.metered = true;
        self.config.deterministic = true;
        self
    }

    /// Records every use of authority here.
    ///
    /// ```
    /// struct Print;
    /// impl hob::AuditSink for Print {
    ///     fn record(&self, event: &hob::AuditEvent) -> Result<(), hob::AuditError> {
    ///         println!("{} {}", event.what, event.target);
    ///         Ok(())
    ///     }
    /// }
    /// let host = hob::Host::builder().audit(std::sync::Arc::new(Print)).build()?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    pub fn audit(mut self, sink: Arc<dyn AuditSink>) -> Self {
        self.audit = Some(sink);
        self
    }

    /// Opens the granted directories and sets up the engine.
    ///
    /// ```
    /// assert!(hob::Host::builder().dir("no/such/dir", "/x", hob::Access::Read).build().is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// When a grant cannot be given or a limit is set too high.
    pub fn build(mut self) -> Result<Host, Error> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        self.limits.validate()?;
        if self.deterministic {
            self.policy.clock = self.policy.clock.min(ClockGrant::Virtual);
            if self.policy.random == RandomGrant::Real {
                self.policy.random = RandomGrant::Seeded(0);
            }
        }
        self.config.metered |= self.limits.fuel.is_some();
        self.config.memory_bytes_max = self.limits.memory_bytes;
        self.config.table_elements_max = self.limits.table_elements;
        if self.pooled_session
            && let Some(slots) = slots(&self.limits)
        {
            self.config.allocation = Allocation::Pooled { slots };
            // What asks for more than it may have is to find the limit, and not a slot that is too small.
            self.config.memory_bytes_max = SLOT_BYTES;
            self.config.table_elements_max = self.limits.table_elements.max(SLOT_TABLE_ELEMENTS);
        }
        let mut table = HostTable::new();
        wasi_p1::add_to(&mut table, &self.policy);
        wasi_p1::add_unstable_to(&mut table, &self.policy);
        plugin::add_to(&mut table, &self.policy);
        let mut egress = Egress::new(self.policy.net.clone(), &self.limits);
        if let Some(resolver) = self.resolver {
            egress = egress.resolver(resolver);
        }
        if let Some(roots) = self.tls_roots {
            egress = egress.roots(roots);
        }
        let opened = Opened::new(&self.policy, self.audit, self.settings, egress)?;
        Ok(Host {
            inner: Arc::new(Inner {
                engine: Engine::new(self.config),
                policy: self.policy,
                limits: self.limits,
                opened,
                table: Arc::new(table),
            }),
        })
    }
}

/// Slots of a pool that are never too few for the processes of one session, unless that is too many.
fn slots(limits: &Limits) -> Option<u32> {
    let slots = u32::try_from(limits.processes).ok().filter(|slots| (1..=SESSION_SLOTS_MAX).contains(slots));
    slots.filter(|_| !addresses_are_limited())
}
