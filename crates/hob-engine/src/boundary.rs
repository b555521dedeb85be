//! The boundary between host and guest as something that can be recorded and played back.
//!
//! Everything the world does to a guest during a run comes through host calls: a result, bytes written to memory, a call
//! back into the guest. A [`Recorder`] is told of each in order. A [`Player`] hands them out again, so that the same
//! module runs without the world and cannot tell the difference. Neither format nor storage is known here.

use std::sync::Arc;

use crate::ctx::Ctx;
use crate::fault::Fault;
use crate::host::HostTable;
use crate::module::{ExternType, ModuleInfo};
use crate::value::Value;
use crate::{LinkError, Reach};

/// Is told what crosses the boundary, in order.
pub trait Recorder: Send + 'static {
    /// The guest calls a host function. The other events up to [`Recorder::returned`] belong to it.
    ///
    /// # Errors
    ///
    /// A fault ends the guest before the host function runs: what cannot be recorded is not done.
    fn call(&mut self, module: &str, name: &str, args: &[Value]) -> Result<(), Fault>;

    /// The host looked at these bytes of the guest's memory.
    fn read(&mut self, at: u32, bytes: &[u8]);

    /// The host wrote these bytes to the guest's memory.
    fn wrote(&mut self, at: u32, bytes: &[u8]);

    /// The host calls an export of the guest, from within a host call.
    fn enter(&mut self, export: &str, args: &[Value]);

    /// The call of the export ended.
    fn left(&mut self, result: Result<&[Value], &Fault>);

    /// The host function ended.
    ///
    /// # Errors
    ///
    /// A fault ends the guest.
    fn returned(&mut self, result: Result<Option<Value>, &Fault>) -> Result<(), Fault>;
}

/// Hands out what was recorded.
pub trait Player: Send + 'static {
    /// The guest calls a host function.
    ///
    /// # Errors
    ///
    /// When that is not what was recorded here.
    fn call(&mut self, module: &str, name: &str, args: &[Value]) -> Result<(), Fault>;

    /// What happened next in the call that is under way.
    ///
    /// # Errors
    ///
    /// When the record says nothing of the kind.
    fn step(&mut self) -> Result<Step, Fault>;

    /// The bytes a [`Step::Look`] asked for; `None` when they do not lie in the guest's memory.
    ///
    /// # Errors
    ///
    /// When they are not what was recorded.
    fn saw(&mut self, bytes: Option<&[u8]>) -> Result<(), Fault>;

    /// What the export answered that a [`Step::Enter`] called.
    ///
    /// # Errors
    ///
    /// When that is not what was recorded.
    fn left(&mut self, result: Result<&[Value], &Fault>) -> Result<(), Fault>;
}

/// One thing that happened in a host call.
#[derive(Clone, Debug)]
pub enum Step {
    /// The host looked at the guest's memory.
    Look {
        /// Where.
        at: u32,
        /// At how many bytes.
        len: u32,
    },
    /// The host wrote to the guest's memory.
    Write {
        /// Where.
        at: u32,
        /// What.
        bytes: Vec<u8>,
    },
    /// The host called an export.
    Enter {
        /// Which.
        export: String,
        /// With what.
        args: Vec<Value>,
    },
    /// The host function returned.
    Return(Option<Value>),
    /// The host function ended the guest.
    Fail(Fault),
}

/// Who listens at the boundary of an instance.
pub enum Listener {
    /// Is told what happens. Needs a table from [`HostTable::recording`].
    Recorder(Box<dyn Recorder>),
    /// Says what happens. Needs a table from [`HostTable::playing`].
    Player(Box<dyn Player>),
}

/// Who listens at the boundary of one instance, and what it has to be told.
pub(crate) enum Boundary {
    /// Nobody.
    Live,
    Record(Box<dyn Recorder>, Written),
    Play(Box<dyn Player>),
}

impl From<Option<Listener>> for Boundary {
    fn from(listener: Option<Listener>) -> Self {
        match listener {
            None => Self::Live,
            Some(Listener::Recorder(recorder)) => Self::Record(recorder, Written::default()),
            Some(Listener::Player(player)) => Self::Play(player),
        }
    }
}

/// Ranges handed out to be written, in order.
#[derive(Default)]
pub(crate) struct Written(Vec<(u32, u32)>);

impl Written {
    pub(crate) fn push(&mut self, at: u32, len: u32) {
        self.0.push((at, len));
    }

    /// Only the first `len` bytes of the last range were written.
    pub(crate) fn shorten(&mut self, len: u32) {
        if let Some(last) = self.0.last_mut() {
            last.1 = len;
        }
    }

    pub(crate) fn take(&mut self) -> Vec<(u32, u32)> {
        std::mem::take(&mut self.0)
    }
}

impl<T: 'static> HostTable<T> {
    /// The same functions, each telling the recorder of its instance what it does.
    #[must_use]
    pub fn recording(self: &Arc<Self>) -> Self {
        let mut table = Self::new();
        for (module, name, func) in self.iter() {
            let (module, name) = (module.to_owned(), name.to_owned());
            let source = Arc::clone(self);
            let names = (module.clone(), name.clone());
            table.func_dyn(module, name, func.ty().clone(), func.reach().clone(), move |ctx, args| {
                let (module, name) = (&*names.0, &*names.1);
                let func = source.get(module, name).ok_or_else(|| Fault::host("the function is gone"))?;
                ctx.record_call(module, name, args)?;
                let result = func.call(ctx, args);
                ctx.record_return(result)
            });
        }
        table
    }

    /// Functions for every import of a module, each doing what the player of its instance says and nothing else.
    ///
    /// # Errors
    ///
    /// When the module imports something that is not a function.
    pub fn playing(info: &ModuleInfo) -> Result<Self, LinkError> {
        let mut table = Self::new();
        for import in &info.imports {
            let ExternType::Func(ty) = &import.ty else {
                table.resolve(import)?;
                continue;
            };
            let names = (import.module.clone(), import.name.clone());
            table.func_dyn(
                import.module.clone(),
                import.name.clone(),
                ty.clone(),
                Reach::Nothing,
                move |ctx, args| play(ctx, &names.0, &names.1, args),
            );
        }
        Ok(table)
    }
}

fn play<T: 'static>(
    ctx: &mut Ctx<'_, T>,
    module: &str,
    name: &str,
    args: &[Value],
) -> Result<Option<Value>, Fault> {
    ctx.player()?.call(module, name, args)?;
    loop {
        match ctx.player()?.step()? {
            Step::Look { at, len } => {
                let bytes =
                    ctx.memory().ok().and_then(|mut memory| Some(memory.bytes(at, len).ok()?.to_vec()));
                ctx.player()?.saw(bytes.as_deref())?;
            }
            Step::Write { at, bytes } => {
                let written = ctx.memory()?.write(at, &bytes);
                written.map_err(|wrong| Fault::host(format!("the recorded write does not fit: {wrong}")))?;
            }
            Step::Enter { export, args } => {
                let result = ctx.call_values(&export, &args);
                ctx.player()?.left(result.as_deref())?;
                result?;
            }
            Step::Return(value) => return Ok(value),
            Step::Fail(fault) => return Err(fault),
        }
    }
}
