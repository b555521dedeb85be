//! What a guest could import under a policy: the tables of all contracts, without a guest to run.

use hob_cap::Policy;
use hob_engine::{FuncType, HostTable, Import, LinkError, Reach};
use hob_os::World;

use crate::plugin::{self, Desk, HasDesk};
use crate::wasi_p1::{self, HasWorld};

/// The functions a policy provides. What a package can reach is read from here, as a linker would.
///
/// ```
/// use hob_abi::Offered;
/// use hob_cap::Policy;
/// assert!(Offered::new(&Policy::none()).functions().any(|(module, name, _)| (module, name) == ("samuel", "callback")));
/// ```
pub struct Offered(HostTable<Nobody>);

/// The data of a guest that is never made.
struct Nobody {
    world: World,
    desk: Desk,
}

impl HasWorld for Nobody {
    fn world(&mut self) -> &mut World {
        &mut self.world
    }
}

impl HasDesk for Nobody {
    fn desk(&mut self) -> &mut Desk {
        &mut self.desk
    }
}

impl Offered {
    /// What `policy` provides.
    #[must_use]
    pub fn new(policy: &Policy) -> Self {
        let mut table = HostTable::new();
        wasi_p1::add_to(&mut table, policy);
        wasi_p1::add_unstable_to(&mut table, policy);
        plugin::add_to(&mut table, policy);
        Self(table)
    }

    /// What an import reaches.
    ///
    /// # Errors
    ///
    /// When it is not provided, or has another type.
    pub fn reach(&self, import: &Import) -> Result<&Reach, LinkError> {
        Ok(self.0.resolve(import)?.reach())
    }

    /// Module, name and type of every function.
    pub fn functions(&self) -> impl Iterator<Item = (&str, &str, &FuncType)> {
        self.0.iter().map(|(module, name, func)| (module, name, func.ty()))
    }
}
