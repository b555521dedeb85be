//! A module whose imports are met: what makes instances.

use std::sync::{Arc, OnceLock};

use crate::backend::{compiled, interpreted};
use crate::boundary::Listener;
use crate::bounds::Bounds;
use crate::engine::Engine;
use crate::error::LinkError;
use crate::fault::Fault;
use crate::host::HostTable;
use crate::instance::{Guest, Instance};
use crate::module::Module;

/// A module with every import resolved and type-checked. Cheap to clone, usable from many threads.
///
/// When a module was interpreted at first and its native code has been compiled behind, instances made from then on are
/// compiled ones; nobody needs to link again.
pub struct Linked<T: 'static> {
    inner: Arc<Inner<T>>,
}

struct Inner<T: 'static> {
    engine: Engine,
    module: Module,
    table: Arc<HostTable<T>>,
    compiled: OnceLock<Result<compiled::Pre<T>, LinkError>>,
    interpreted: Option<interpreted::Pre<T>>,
}

impl<T: 'static> Clone for Linked<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<T: 'static> Linked<T> {
    pub(crate) fn new(
        engine: &Engine,
        module: &Module,
        table: &Arc<HostTable<T>>,
    ) -> Result<Self, LinkError> {
        for import in &module.info().imports {
            table.resolve(import)?;
        }
        let interpreted = match (&module.inner.interpreted, module.inner.compiled.get()) {
            (Some(code), None) => {
                let backend = engine.interpreted();
                Some(interpreted::Pre::new(backend, code, &module.inner, table)?)
            }
            _ => None,
        };
        let inner = Inner {
            engine: engine.clone(),
            module: module.clone(),
            table: Arc::clone(table),
            compiled: OnceLock::new(),
            interpreted,
        };
        let linked = Self { inner: Arc::new(inner) };
        if linked.inner.interpreted.is_none() {
            linked.compiled_pre()?;
        }
        Ok(linked)
    }

    /// The module.
    #[must_use]
    pub fn module(&self) -> &Module {
        &self.inner.module
    }

    /// The table it was linked against.
    #[must_use]
    pub fn table(&self) -> &HostTable<T> {
        &self.inner.table
    }

    /// Makes an instance. Start functions run here, under the same bounds as every call.
    ///
    /// # Errors
    ///
    /// The fault that ended the guest before it was there: a limit its memories exceed, a trap in its start function.
    pub fn instantiate(&self, data: T, bounds: Bounds) -> Result<Instance<T>, Fault> {
        self.instantiate_with(data, bounds, None)
    }

    /// As [`Linked::instantiate`], with someone listening at the boundary.
    ///
    /// # Errors
    ///
    /// As [`Linked::instantiate`].
    pub fn instantiate_with(
        &self,
        data: T,
        bounds: Bounds,
        listener: Option<Listener>,
    ) -> Result<Instance<T>, Fault> {
        let inner = &self.inner;
        let place = inner.engine.places().take()?;
        let guest = if inner.module.inner.compiled.get().is_some() || inner.interpreted.is_none() {
            let pre = self.compiled_pre().map_err(|error| Fault::host(error.to_string()))?;
            Guest::Compiled(pre.instantiate(&inner.engine, data, bounds, listener.into())?)
        } else if let Some(pre) = &inner.interpreted {
            Guest::Interpreted(Box::new(pre.instantiate(data, bounds, listener.into())?))
        } else {
            return Err(Fault::host("the module has no code"));
        };
        Ok(Instance::new(guest, inner.module.clone(), place))
    }

    fn compiled_pre(&self) -> Result<&compiled::Pre<T>, LinkError> {
        let inner = &self.inner;
        let made = inner.compiled.get_or_init(|| {
            let backend = inner.engine.compiled().map_err(LinkError::Engine)?;
            let Some(code) = inner.module.inner.compiled.get() else {
                return Err(LinkError::Engine("the module is not compiled".into()));
            };
            compiled::Pre::new(backend, code, &inner.module.inner, &inner.table)
        });
        made.as_ref().map_err(Clone::clone)
    }
}
