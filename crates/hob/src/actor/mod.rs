//! Actors that are WebAssembly: kinds of the kernel of vats whose code is a module.

mod image;
mod nest;
mod pool;
mod resident;

use std::sync::{Arc, Weak};

pub use hob_abi::actor::Functions;
use hob_abi::actor::{self, Answered, Declared, HasSeat, Mode, Seat};
use hob_abi::wasi_p1::{self, HasWorld};
use hob_engine::{Bounds, Fault, HostTable};
use hob_os::World;
use hob_vat::{Answer, Kind, KindRef, Me, Problem, Turn, Value};

use crate::error::{Error, ErrorKind};
use crate::loaded::Loaded;
pub use nest::with_room_for_guests;
use pool::{Chair, Pool};

/// A module as the code of actors: a [`Kind`] for a vat.
///
/// Each message is handled in an instance of its own. What the actor keeps is a value, and what references it has are its
/// own: a module reaches what its actors were given, and nothing else.
///
/// ```
/// use hob::vat::{Actormap, Value};
///
/// // Answers what it keeps, and keeps it: `<answer STATE>` is cut out of `<turn self STATE [args]>`.
/// let host = hob::Host::builder().actors().build()?;
/// let seven = host.load_bytes("seven", br#"(module (memory (export "memory") 1)
///     (data (i32.const 16) "<6'answer7+>")
///     (func (export "alloc") (param i32) (result i32) (i32.const 64))
///     (func (export "turn") (param i32 i32) (result i64) (i64.const 0x100000000c)))"#)?.actor()?;
/// let mut map = Actormap::new();
/// let one = map.poke(|turn| turn.spawn(seven.clone(), ().into())).unwrap();
/// assert_eq!(map.peek(|turn| turn.call(one, &[])).unwrap(), 7.into());
/// # Ok::<(), hob::Error>(())
/// ```
pub struct Actor {
    name: String,
    declared: Declared,
    code: Code,
    /// What it spawns is of its own kind.
    own: Weak<Self>,
}

enum Code {
    /// Imports nothing but the functions of actors.
    Pure(Pool<Seat>),
    Worldly(Pool<Worldly>),
}

impl Actor {
    pub(crate) fn new(loaded: &Loaded, functions: &[Functions]) -> Result<Arc<Self>, Error> {
        let (host, module) = (&loaded.host, loaded.module());
        let engine = &host.inner.engine;
        let refuse = |why: String| Err(Error::new(ErrorKind::WrongKind(why)));
        let config = engine.config();
        if !(config.metered && config.deterministic) {
            return refuse(
                "actors need a host that counts fuel and is deterministic; HostBuilder::actors makes it so"
                    .into(),
            );
        }
        let reserved = |module: &str| [actor::MODULE, wasi_p1::MODULE].contains(&module);
        if let Some(taken) = functions.iter().find(|it| reserved(it.module())) {
            let why = "has functions of its own, and a table may not stand in for them";
            return refuse(format!("the module name `{}` {why}", taken.module()));
        }
        let declared = match Declared::read(module.info()) {
            Ok(declared) => declared,
            Err(error) => return refuse(error.to_string()),
        };
        // The bytes of a module of a deterministic host are at hand.
        let source = loaded.source.as_deref().unwrap_or_default();
        let module = &engine.load_resettable(source)?;
        if declared.mode == Mode::Resident && !module.is_resettable() {
            return refuse(
                "the module is a resident actor, and does not lend itself to it: it has several memories, for example".into(),
            );
        }
        let limits = host.inner.limits.clone();
        let code = if module.info().imports.iter().all(|import| import.module != wasi_p1::MODULE) {
            let mut table = HostTable::new();
            add_to(&mut table, functions);
            Code::Pure(Pool::new(engine.link(module, &Arc::new(table))?, limits))
        } else {
            let (mut table, policy) = (HostTable::new(), actor::inert_policy());
            add_to(&mut table, functions);
            wasi_p1::add_to(&mut table, &policy);
            Code::Worldly(Pool::new(engine.link(module, &Arc::new(table))?, limits))
        };
        let digest: String = module.digest().iter().map(|byte| format!("{byte:02x}")).collect();
        // With other functions the same module may be another actor.
        let granted = functions.iter().fold(String::new(), |names, it| names + "+" + it.module());
        let name = format!("wasm:{digest}{granted}");
        Ok(Arc::new_cyclic(|own| Self { name, declared, code, own: own.clone() }))
    }

    fn own(&self) -> Result<KindRef, Problem> {
        let own = self.own.upgrade();
        own.map(KindRef::from).ok_or_else(|| Problem::rule("host", "the kind is not shared".into()))
    }
}

impl Kind for Actor {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> u32 {
        self.declared.version
    }

    fn call(&self, turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        let own = self.own()?;
        if self.declared.mode == Mode::Resident {
            return match &self.code {
                Code::Pure(pool) => pool.resident_turn(turn, own, me, args),
                Code::Worldly(pool) => pool.resident_turn(turn, own, me, args),
            };
        }
        let answered = match &self.code {
            Code::Pure(pool) => pool.turn(turn, own, me, args)?,
            Code::Worldly(pool) => pool.turn(turn, own, me, args)?,
        };
        match answered {
            Answered::Answer(value) => Ok(value.into()),
            Answered::Become { state, value } => Ok(me.becomes(state).saying(value)),
            Answered::Fail(reason) => Err(Problem::refused(reason)),
        }
    }

    fn upgrade(&self, from: u32, state: Value) -> Result<Value, Problem> {
        // What another version had in memory is nothing that this one could read.
        let state = match self.declared.mode {
            Mode::Resident => image::split(&state).0.clone(),
            Mode::Become => state,
        };
        let answered = match &self.code {
            Code::Pure(pool) => pool.upgrade(from, &state)?,
            Code::Worldly(pool) => pool.upgrade(from, &state)?,
        };
        match answered {
            Answered::Become { state, .. } => Ok(state),
            Answered::Fail(reason) => Err(Problem::refused(reason)),
            Answered::Answer(_) => {
                let what = "an upgrade answers <become state <void>> or <fail reason>";
                Err(Problem::rule("contract", what.into()))
            }
        }
    }
}

impl std::fmt::Debug for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

fn add_to<S: HasSeat>(table: &mut HostTable<S>, functions: &[Functions]) {
    actor::add_to(table);
    functions.iter().for_each(|it| it.add_to(table));
}

/// The data of an instance whose module imports functions of WASI: a world with nothing in it.
struct Worldly {
    seat: Seat,
    world: World,
}

impl HasSeat for Worldly {
    fn seat(&mut self) -> &mut Seat {
        &mut self.seat
    }
}

impl HasWorld for Worldly {
    fn world(&mut self) -> &mut World {
        &mut self.world
    }
}

impl Chair for Seat {
    fn set_up(seat: Seat, _: &Bounds) -> Result<Self, Fault> {
        Ok(seat)
    }

    fn renew(&mut self, _: &Bounds) -> Result<(), Fault> {
        Ok(())
    }
}

impl Chair for Worldly {
    fn set_up(seat: Seat, bounds: &Bounds) -> Result<Self, Fault> {
        Ok(Self { seat, world: empty_world(bounds)? })
    }

    fn renew(&mut self, bounds: &Bounds) -> Result<(), Fault> {
        self.world = empty_world(bounds)?;
        Ok(())
    }
}

fn empty_world(bounds: &Bounds) -> Result<World, Fault> {
    let policy = actor::inert_policy();
    let world = World::builder()
        .clock(policy.clock)
        .random(policy.random)
        .ledger(Arc::clone(&bounds.ledger))
        .stop(bounds.stop.clone())
        .build();
    world.map_err(|error| Fault::host(format!("failed to make an empty world: {error}")))
}
