//! WASI preview 1: all 46 functions over one [`World`].
//!
//! Each function copies numbers and structures in, asks the world, and copies the answer out; nothing is decided here.
//! What a guest can reach is what its world was built with, and [`add_to`] says of each function what that is.
//!
//! A pointer that does not lie in the guest's memory is answered with `fault` (21), never with a trap of the host.

pub(crate) mod errno;
mod files;
mod paths;
mod poll;
mod process;
mod sockets;
mod system;
pub(crate) mod types;

use hob_cap::{ClockGrant, Policy, RandomGrant};
use hob_engine::{Ctx, Fault, HostTable, Memory, Reach};
use hob_os::{Errno, World};

use errno::{Refusal, Result, answer};

pub use system::{Handled, HasSystem, System};

/// The module name of every function here.
pub const MODULE: &str = "wasi_snapshot_preview1";

/// Data of an instance that has a world.
pub trait HasWorld: 'static {
    /// The world of this guest.
    fn world(&mut self) -> &mut World;
}

impl HasWorld for World {
    fn world(&mut self) -> &mut World {
        self
    }
}

/// Adds all 46 functions, each with what it reaches under `policy`.
pub fn add_to<T: HasSystem>(table: &mut HostTable<T>, policy: &Policy) {
    let reach = Reaches::of(policy);
    add_as(table, MODULE, &reach);
}

/// Adds all 46 functions of a session, whose grants are asked at each call, under both names of the module.
pub(crate) fn add_all_to<T: HasSystem>(table: &mut HostTable<T>) {
    let reach = Reaches::of_session();
    add_as(table, MODULE, &reach);
    add_as(table, UNSTABLE_MODULE, &reach);
}

fn add_as<T: HasSystem>(table: &mut HostTable<T>, module: &'static str, reach: &Reaches) {
    process::add_to(table, module, reach);
    files::add_to(table, module, reach);
    paths::add_to(table, module, reach);
    poll::add_to(table, module, reach);
    sockets::add_to(table, module, reach);
}

/// The module name of the snapshot before.
pub const UNSTABLE_MODULE: &str = "wasi_unstable";

/// Adds those functions of the snapshot before that are the same in both: arguments, environment, clocks, randomness, exit,
/// and reading and writing streams. Old tools need no more.
pub fn add_unstable_to<T: HasSystem>(table: &mut HostTable<T>, policy: &Policy) {
    let reach = Reaches::of(policy);
    process::add_to(table, UNSTABLE_MODULE, &reach);
    files::add_streams(table, UNSTABLE_MODULE, &reach);
}

/// What each group of functions reaches.
struct Reaches {
    environ: Reach,
    clock: Reach,
    random: Reach,
    descriptors: Reach,
    paths: Reach,
    sockets: Reach,
}

impl Reaches {
    /// What they reach in a session, which is decided at each call and not when a program is linked.
    fn of_session() -> Self {
        let granted = |what: &str| Reach::Granted(format!("what the session was granted: {what}"));
        Self {
            environ: Reach::Nothing,
            clock: granted("clock"),
            random: granted("random"),
            descriptors: granted("fs, stdio"),
            paths: granted("fs"),
            sockets: granted("net"),
        }
    }

    fn of(policy: &Policy) -> Self {
        let list = |items: Vec<String>, flag: &str| {
            if items.is_empty() { Reach::Inert(flag.into()) } else { Reach::Granted(items.join(", ")) }
        };
        let dirs: Vec<String> =
            policy.fs.iter().map(|grant| format!("{} ({})", grant.guest, grant.access)).collect();
        let stdio =
            [(policy.stdio.stdin, "stdin"), (policy.stdio.stdout, "stdout"), (policy.stdio.stderr, "stderr")];
        let streams = stdio.iter().filter(|(on, _)| *on).map(|(_, name)| (*name).to_owned());
        let env = policy.env.iter().map(|grant| grant.key.clone()).collect();
        Self {
            environ: list(env, "--env KEY"),
            clock: match policy.clock {
                ClockGrant::None => Reach::Inert("--clock".into()),
                ClockGrant::Virtual => Reach::Nothing,
                ClockGrant::Coarse => Reach::Granted("the host's clocks, in milliseconds".into()),
                ClockGrant::Real => Reach::Granted("the host's clocks".into()),
            },
            random: match policy.random {
                RandomGrant::None => Reach::Inert("--random".into()),
                RandomGrant::Seeded(_) => Reach::Nothing,
                RandomGrant::Real => Reach::Granted("the host's randomness".into()),
            },
            descriptors: list(streams.chain(dirs.iter().cloned()).collect(), "--dir HOST::GUEST"),
            paths: list(dirs, "--dir HOST::GUEST"),
            sockets: Reach::Inert("a socket handed in by the embedder".into()),
        }
    }
}

/// Runs `f` with the guest's memory and system, and turns what it says into an error number. A call that a signal
/// interrupted begins again when all handlers want that.
#[inline]
pub(crate) fn with<T: HasSystem>(
    ctx: &mut Ctx<'_, T>,
    f: impl Fn(&mut Memory<'_>, &mut T::System) -> Result<()>,
) -> std::result::Result<i32, Fault> {
    loop {
        let (done, handled) = with_signals(ctx, &f)?;
        let interrupted = matches!(done, Err(Refusal::Errno(Errno::Intr)));
        if !(interrupted && handled == Handled::Restart) {
            return answer(done);
        }
    }
}

/// As [`with`], of a call that never begins again.
#[inline]
pub(crate) fn with_once<T: HasSystem>(
    ctx: &mut Ctx<'_, T>,
    f: impl Fn(&mut Memory<'_>, &mut T::System) -> Result<()>,
) -> std::result::Result<i32, Fault> {
    answer(with_signals(ctx, &f)?.0)
}

#[inline]
fn with_signals<T: HasSystem>(
    ctx: &mut Ctx<'_, T>,
    f: &impl Fn(&mut Memory<'_>, &mut T::System) -> Result<()>,
) -> std::result::Result<(Result<()>, Handled), Fault> {
    T::safe_point(ctx)?;
    let (mut memory, data) = ctx.split()?;
    let done = f(&mut memory, data.system());
    if let Err(Refusal::Limit(limit)) = &done {
        data.system().limited(limit);
    }
    Ok((done, T::safe_point(ctx)?))
}

/// Runs `f` with the guest's system alone.
#[inline]
pub(crate) fn with_world<T: HasSystem>(
    ctx: &mut Ctx<'_, T>,
    f: impl Fn(&mut T::System) -> Result<()>,
) -> std::result::Result<i32, Fault> {
    loop {
        T::safe_point(ctx)?;
        let done = f(ctx.data().system());
        if let Err(Refusal::Limit(limit)) = &done {
            ctx.data().system().limited(limit);
        }
        let interrupted = matches!(done, Err(Refusal::Errno(Errno::Intr)));
        let handled = T::safe_point(ctx)?;
        if !(interrupted && handled == Handled::Restart) {
            return answer(done);
        }
    }
}
