//! Functions that a host grants to modules of actors besides those of the contract: data in, data out.
//!
//! A table of them is a module of imports. A guest that imports one that is in no table does not link, and the message says
//! which; so what a guest may ask is what it imports, and that can be seen before it runs.
//!
//! They are functions and no more: of the same data they must make the same data, because turns are run again. References can be
//! neither given to one nor had from one: for what has effects there are actors.

use std::collections::BTreeMap;
use std::sync::Arc;

use hob_engine::{Ctx, Fault, HostTable, Reach};
use hob_vat::{NoNames, Problem, Value, decode, encode};

use super::host::{BYTE_FUEL, outside, pay, told};
use super::seat::HasSeat;

type Code = Arc<dyn Fn(&Value) -> Result<Value, Problem> + Send + Sync>;

/// A table of functions that modules may import. Cheap to clone.
#[derive(Clone)]
pub struct Functions {
    module: String,
    functions: BTreeMap<String, (u64, Code)>,
}

impl Functions {
    /// An empty table; `module` is the name of the module that guests import its functions from.
    #[must_use]
    pub fn new(module: impl Into<String>) -> Self {
        Self { module: module.into(), functions: BTreeMap::new() }
    }

    /// Adds a function. A second one of the same name replaces the first.
    ///
    /// `fuel` is what a call costs besides the bytes that cross: choose it after the work, about one unit an instruction, since
    /// nothing else bounds how often a guest calls.
    #[must_use]
    pub fn grant(
        mut self,
        name: impl Into<String>,
        fuel: u64,
        function: impl Fn(&Value) -> Result<Value, Problem> + Send + Sync + 'static,
    ) -> Self {
        self.functions.insert(name.into(), (fuel, Arc::new(function)));
        self
    }

    /// The module that guests import its functions from.
    #[must_use]
    pub fn module(&self) -> &str {
        &self.module
    }

    /// The names of its functions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(String::as_str)
    }

    /// Adds its functions.
    pub fn add_to<T: HasSeat>(&self, table: &mut HostTable<T>) {
        for (name, (fuel, code)) in &self.functions {
            let reach = Reach::Granted(format!("the host's function {}.{name}", self.module));
            let (fuel, code) = (*fuel, Arc::clone(code));
            table.func(
                self.module.clone(),
                name.clone(),
                reach,
                move |ctx: &mut Ctx<'_, T>, at: u32, len: u32| call(ctx, at, len, fuel, &code),
            );
        }
    }
}

impl std::fmt::Debug for Functions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ", self.module)?;
        f.debug_set().entries(self.functions.keys()).finish()
    }
}

fn call<T: HasSeat>(ctx: &mut Ctx<'_, T>, at: u32, len: u32, fuel: u64, code: &Code) -> Result<i64, Fault> {
    pay(ctx, usize::try_from(len).unwrap_or(usize::MAX))?;
    ctx.burn(fuel)?;
    let (mut memory, data) = ctx.split()?;
    let bytes = memory.bytes(at, len).map_err(outside)?;
    let seat = data.seat();
    let made = seat.parts().and_then(|(turn, ..)| {
        let allowed = turn.limits().message_bytes;
        if len > allowed {
            return Err(Problem::rule("limit", format!("message-bytes limit exceeded: {allowed} allowed")));
        }
        let given = decode(bytes, &mut NoNames)?;
        encode(&code(&given)?, &mut NoNames)
    });
    let length = made.map(|made| {
        seat.reply = made;
        seat.reply.len()
    });
    // The answer is paid for when it is made, not only when it is taken.
    let price = length.as_ref().map_or(0, |length| u64::try_from(*length).unwrap_or(u64::MAX));
    let length = length.map(|length| i64::try_from(length).unwrap_or(i64::MAX));
    let answer = told(seat, length);
    ctx.burn(price.saturating_mul(BYTE_FUEL))?;
    Ok(answer)
}
