//! Which durable vats are in memory. When there are more than may be, those that were not used for longest are forgotten, if the store
//! has all of them: they sleep until a message comes, or until the program wants something of them.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Shared;
use super::cell::Cell;

/// How many vats are tried at a time: those that have something to do stay.
const TRIED_AT_ONCE: usize = 32;

pub(crate) struct Loaded {
    /// None: any number.
    limit: Option<usize>,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    uses: u64,
    /// By when they were used last.
    cells: BTreeMap<u64, Arc<Cell>>,
}

impl Loaded {
    pub(crate) fn new(limit: Option<usize>) -> Self {
        Self { limit, line: Mutex::default() }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is in memory, and used now.
    pub(crate) fn touch(&self, cell: &Arc<Cell>) {
        if self.limit.is_none() {
            return;
        }
        let mut line = self.line();
        let used = cell.used.load(Ordering::SeqCst);
        if used == 0 || used != line.uses {
            line.cells.remove(&used);
            line.uses += 1;
            cell.used.store(line.uses, Ordering::SeqCst);
            let at = line.uses;
            line.cells.insert(at, Arc::clone(cell));
        }
    }

    /// It is not in memory any more.
    pub(crate) fn forget(&self, cell: &Cell) {
        let used = cell.used.swap(0, Ordering::SeqCst);
        if used != 0 {
            self.line().cells.remove(&used);
        }
    }

    /// Those that should sleep, the first first.
    fn too_many(&self) -> Vec<Arc<Cell>> {
        let Some(limit) = self.limit else { return Vec::new() };
        let line = self.line();
        let many = if line.cells.len() > limit { TRIED_AT_ONCE } else { 0 };
        line.cells.values().take(many).cloned().collect()
    }

    fn is_over(&self) -> bool {
        self.limit.is_some_and(|limit| self.line().cells.len() > limit)
    }
}

impl Shared {
    /// Lets vats sleep that are too many.
    pub(crate) fn drowse(&self) {
        for cell in self.loaded.too_many() {
            if !self.loaded.is_over() {
                return;
            }
            cell.sleep(self);
        }
    }
}
