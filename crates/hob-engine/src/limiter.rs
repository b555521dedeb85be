//! Charges every memory and table of an instance to its ledger, on either engine.
//!
//! The engines ask before they grow anything. The answer here counts the *sum*: two memories of 64 KiB are 128 KiB. What
//! was charged is released when the instance goes, so one ledger can serve a guest that is called again and again.

use std::sync::Arc;

use hob_cap::{Ledger, Limit, LimitExceeded};

use crate::module::MAP_BYTES;

/// What one table element costs on the ledger's memory account, in bytes.
const TABLE_ELEMENT_BYTES: u64 = 16;

/// The account of one instance.
pub(crate) struct Account {
    ledger: Arc<Ledger>,
    memory_bytes: u64,
    table_elements: u64,
    /// What the growth now under way was charged, to be given back should the engine fail to grow after all.
    pending: Pending,
    refused: Option<LimitExceeded>,
    /// How many memories were made, and which of them is the host's own and not charged: the guest has no say in it.
    made: u64,
    own: Option<u64>,
}

#[derive(Clone, Copy, Default)]
struct Pending {
    memory_bytes: u64,
    table_elements: u64,
}

impl Account {
    /// An account on this ledger. Of a module that keeps a map behind so many memories of its own, the map is not charged.
    pub(crate) fn new(ledger: Arc<Ledger>, map_behind: Option<u64>) -> Self {
        Self {
            ledger,
            memory_bytes: 0,
            table_elements: 0,
            pending: Pending::default(),
            refused: None,
            made: 0,
            own: map_behind,
        }
    }

    /// Moves what is held to another ledger.
    pub(crate) fn move_to(&mut self, ledger: Arc<Ledger>) -> Result<(), LimitExceeded> {
        if !Arc::ptr_eq(&ledger, &self.ledger) {
            ledger.charge(Limit::TableElements, self.table_elements)?;
            if let Err(refused) = ledger.charge(Limit::Memory, self.memory_bytes) {
                ledger.release(Limit::TableElements, self.table_elements);
                return Err(refused);
            }
            self.ledger.release(Limit::Memory, self.memory_bytes);
            self.ledger.release(Limit::TableElements, self.table_elements);
            self.ledger = ledger;
        }
        self.forget_refused();
        Ok(())
    }

    /// Forgets a growth that was refused: what comes next has nothing to do with it.
    pub(crate) fn forget_refused(&mut self) {
        self.refused = None;
        self.pending = Pending::default();
    }

    /// The last growth that was refused: what to say when an instance cannot even be made.
    pub(crate) fn refused(&self) -> Option<&LimitExceeded> {
        self.refused.as_ref()
    }

    fn grow_memory(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        self.pending = Pending::default();
        if current == 0 {
            // Memories are made in order, each from nothing.
            let own = self.own == Some(self.made);
            self.made = self.made.saturating_add(1);
            if own && desired == MAP_BYTES {
                return true;
            }
        }
        if maximum.is_some_and(|max| desired > max) {
            return false;
        }
        let bytes = u64::try_from(desired.saturating_sub(current)).unwrap_or(u64::MAX);
        match self.ledger.charge(Limit::Memory, bytes) {
            Ok(()) => {
                self.took(Pending { memory_bytes: bytes, table_elements: 0 });
                true
            }
            Err(refused) => {
                self.refused = Some(refused);
                false
            }
        }
    }

    fn grow_table(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        self.pending = Pending::default();
        if maximum.is_some_and(|max| desired > max) {
            return false;
        }
        let elements = u64::try_from(desired.saturating_sub(current)).unwrap_or(u64::MAX);
        let bytes = elements.saturating_mul(TABLE_ELEMENT_BYTES);
        if let Err(refused) = self.ledger.charge(Limit::TableElements, elements) {
            self.refused = Some(refused);
            return false;
        }
        if let Err(refused) = self.ledger.charge(Limit::Memory, bytes) {
            self.ledger.release(Limit::TableElements, elements);
            self.refused = Some(refused);
            return false;
        }
        self.took(Pending { memory_bytes: bytes, table_elements: elements });
        true
    }

    fn took(&mut self, pending: Pending) {
        self.pending = pending;
        self.memory_bytes = self.memory_bytes.saturating_add(pending.memory_bytes);
        self.table_elements = self.table_elements.saturating_add(pending.table_elements);
    }

    /// The engine could not grow after we allowed it: give back what that growth was charged.
    fn grow_failed(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        self.ledger.release(Limit::Memory, pending.memory_bytes);
        self.ledger.release(Limit::TableElements, pending.table_elements);
        self.memory_bytes = self.memory_bytes.saturating_sub(pending.memory_bytes);
        self.table_elements = self.table_elements.saturating_sub(pending.table_elements);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.ledger.release(Limit::Memory, self.memory_bytes);
        self.ledger.release(Limit::TableElements, self.table_elements);
    }
}

/// Memories, tables and instances of one store. A guest is one module, and a module may have several memories.
const INSTANCES_MAX: usize = 1;
const TABLES_MAX: usize = 100;
const MEMORIES_MAX: usize = 100;

impl wasmtime::ResourceLimiter for Account {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow_memory(current, desired, maximum))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow_table(current, desired, maximum))
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.grow_failed();
        Ok(())
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.grow_failed();
        Ok(())
    }

    fn instances(&self) -> usize {
        INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}

impl wasmi::ResourceLimiter for Account {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, wasmi_core::LimiterError> {
        Ok(self.grow_memory(current, desired, maximum))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, wasmi_core::LimiterError> {
        Ok(self.grow_table(current, desired, maximum))
    }

    fn memory_grow_failed(
        &mut self,
        _error: &wasmi::errors::MemoryError,
    ) -> Result<(), wasmi_core::LimiterError> {
        self.grow_failed();
        Ok(())
    }

    fn table_grow_failed(
        &mut self,
        _error: &wasmi::errors::TableError,
    ) -> Result<(), wasmi_core::LimiterError> {
        self.grow_failed();
        Ok(())
    }

    fn instances(&self) -> usize {
        INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}
