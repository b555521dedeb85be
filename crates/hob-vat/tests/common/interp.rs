//! An actor that does what it is told: a program is a value, and whoever sends one decides what a turn does.
//!
//! Its state is the references it has. A program names them by number, counted round, so that every program means something.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hob_vat::{Answer, Kind, KindRef, Me, On, Problem, Ref, Turn, Value};
use proptest::prelude::*;

/// The number by which a program names the actor that runs it.
pub(crate) const ITSELF: u8 = 255;

/// One step of a program.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Spawn,
    Promise,
    /// Calls one with a program, giving it another; what it answers is kept when it is a reference.
    Call(u8, u8, Vec<Op>),
    /// The same, and goes on when that fails.
    Try(u8, u8, Vec<Op>),
    /// Sends one a program, giving it another, and keeps the promise.
    Send(u8, u8, Vec<Op>),
    /// Sends without asking for an answer.
    Tell(u8, u8, Vec<Op>),
    /// Keeps a promise with a reference.
    Fulfill(u8, u8),
    /// The same by a call of the resolver.
    Resolve(u8, u8),
    /// Keeps a promise with a number.
    Settle(u8),
    Break(u8),
    Listen(u8, bool),
    On(u8, u8),
    Seal(u8, u8),
    Unseal(u8),
    Forget(u8),
    /// Answers with a reference from here on.
    Answer(u8),
    Fail,
    Panic,
}

impl Op {
    pub(crate) fn value(&self) -> Value {
        let op = |name: &str, numbers: &[u8], script: Option<&[Op]>| {
            let mut items = vec![Value::symbol(name)];
            items.extend(numbers.iter().map(|number| Value::from(u32::from(*number))));
            items.extend(script.map(program));
            Value::list(items)
        };
        match self {
            Self::Spawn => op("spawn", &[], None),
            Self::Promise => op("promise", &[], None),
            Self::Call(to, give, script) => op("call", &[*to, *give], Some(script)),
            Self::Try(to, give, script) => op("try", &[*to, *give], Some(script)),
            Self::Send(to, give, script) => op("send", &[*to, *give], Some(script)),
            Self::Tell(to, give, script) => op("tell", &[*to, *give], Some(script)),
            Self::Fulfill(resolver, value) => op("fulfill", &[*resolver, *value], None),
            Self::Resolve(resolver, value) => op("resolve", &[*resolver, *value], None),
            Self::Settle(resolver) => op("settle", &[*resolver], None),
            Self::Break(resolver) => op("break", &[*resolver], None),
            Self::Listen(to, partial) => op("listen", &[*to, u8::from(*partial)], None),
            Self::On(to, handler) => op("on", &[*to, *handler], None),
            Self::Seal(brand, what) => op("seal", &[*brand, *what], None),
            Self::Unseal(brand) => op("unseal", &[*brand], None),
            Self::Forget(which) => op("forget", &[*which], None),
            Self::Answer(which) => op("answer", &[*which], None),
            Self::Fail => op("fail", &[], None),
            Self::Panic => op("panic", &[], None),
        }
    }
}

pub(crate) fn program(script: &[Op]) -> Value {
    Value::list(script.iter().map(Op::value))
}

/// Programs. `failing`: with steps that fail of their own accord.
pub(crate) fn programs(failing: bool) -> impl Strategy<Value = Vec<Op>> {
    let leaf = prop_oneof![
        2 => Just(Op::Spawn),
        3 => Just(Op::Promise),
        2 => any::<(u8, u8)>().prop_map(|(a, b)| Op::Fulfill(a, b)),
        2 => any::<(u8, u8)>().prop_map(|(a, b)| Op::Resolve(a, b)),
        1 => any::<u8>().prop_map(Op::Settle),
        1 => any::<u8>().prop_map(Op::Break),
        1 => any::<(u8, bool)>().prop_map(|(a, b)| Op::Listen(a, b)),
        1 => any::<(u8, u8)>().prop_map(|(a, b)| Op::On(a, b)),
        1 => any::<(u8, u8)>().prop_map(|(a, b)| Op::Seal(a, b)),
        1 => any::<u8>().prop_map(Op::Unseal),
        1 => any::<u8>().prop_map(Op::Forget),
        1 => any::<u8>().prop_map(Op::Answer),
        1 => Just(if failing { Op::Fail } else { Op::Spawn }),
        1 => Just(if failing { Op::Panic } else { Op::Promise }),
    ];
    let script = prop::collection::vec(leaf.clone(), 0..5).boxed();
    script.prop_recursive(3, 24, 5, move |inner| {
        let op = prop_oneof![
            3 => leaf.clone(),
            1 => (any::<u8>(), any::<u8>(), inner.clone()).prop_map(|(a, b, script)| Op::Call(a, b, script)),
            1 => (any::<u8>(), any::<u8>(), inner.clone()).prop_map(|(a, b, script)| Op::Try(a, b, script)),
            1 => (any::<u8>(), any::<u8>(), inner.clone()).prop_map(|(a, b, script)| Op::Send(a, b, script)),
            1 => (any::<u8>(), any::<u8>(), inner).prop_map(|(a, b, script)| Op::Tell(a, b, script)),
        ];
        prop::collection::vec(op, 0..6).boxed()
    })
}

/// The kind. Its fuse fails the step that burns it down: with a refusal, or with a panic.
#[derive(Debug, Default)]
pub(crate) struct Interp {
    /// 0: no fuse. Otherwise the number of steps until it fails, and one more.
    pub(crate) fuse: AtomicU32,
    pub(crate) panics: std::sync::atomic::AtomicBool,
    pub(crate) steps: AtomicU32,
}

impl Interp {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn light(&self, steps: u32, panics: bool) {
        self.fuse.store(steps + 1, Ordering::Relaxed);
        self.panics.store(panics, Ordering::Relaxed);
        self.steps.store(0, Ordering::Relaxed);
    }

    pub(crate) fn quench(&self) {
        self.fuse.store(0, Ordering::Relaxed);
        self.steps.store(0, Ordering::Relaxed);
    }

    fn step(&self) -> Result<(), Problem> {
        self.steps.fetch_add(1, Ordering::Relaxed);
        match self.fuse.load(Ordering::Relaxed) {
            0 => Ok(()),
            1 => {
                self.fuse.store(0, Ordering::Relaxed);
                assert!(!self.panics.load(Ordering::Relaxed), "the fuse");
                Err(Problem::refused("the fuse"))
            }
            left => {
                self.fuse.store(left - 1, Ordering::Relaxed);
                Ok(())
            }
        }
    }
}

/// The kind as actors have it.
pub(crate) fn interp(kind: &Arc<Interp>) -> KindRef {
    KindRef::Shared(Arc::clone(kind) as Arc<dyn Kind>)
}

impl Kind for Interp {
    fn name(&self) -> &str {
        "interp"
    }

    fn call(&self, turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        INVOKED.with_borrow_mut(|invoked| invoked.push(me.itself()));
        let mut refs: Vec<Ref> =
            me.state().as_list().unwrap_or_default().iter().filter_map(Value::as_ref).collect();
        let mut boxes: Vec<Value> = Vec::new();
        for arg in args {
            match arg {
                Value::Ref(given) => refs.push(*given),
                Value::Sealed(_) => boxes.push(arg.clone()),
                _ => {}
            }
        }
        let mut answer = Value::Undefined;
        for op in args.first().and_then(Value::as_list).unwrap_or_default() {
            self.step()?;
            let parts = op.as_list().unwrap();
            let number = |at: usize| usize::try_from(parts[at].as_i64().unwrap()).unwrap();
            // One past the last is the actor itself.
            let pick = |at: usize, refs: &[Ref]| match parts[at].as_i64() {
                Some(it) if it == i64::from(ITSELF) => me.itself(),
                _ => refs.get(number(at) % (refs.len() + 1)).copied().unwrap_or(me.itself()),
            };
            match parts[0].as_name().unwrap() {
                "spawn" => refs.push(
                    turn.spawn(THREAD.with_borrow(|kind| interp(kind.as_ref().unwrap())), Value::list([]))?,
                ),
                "promise" => {
                    let (promise, resolver) = turn.promise()?;
                    refs.extend([promise, resolver]);
                }
                "call" => {
                    let given = [parts[3].clone(), pick(2, &refs).into()];
                    if let Value::Ref(got) = turn.call(pick(1, &refs), &given)? {
                        refs.push(got);
                    }
                }
                "try" => {
                    let given = [parts[3].clone(), pick(2, &refs).into()];
                    let done = turn.call(pick(1, &refs), &given);
                    if let Ok(Value::Ref(got)) = done {
                        refs.push(got);
                    }
                }
                "send" => {
                    let given = [parts[3].clone(), pick(2, &refs).into()];
                    refs.push(turn.send(pick(1, &refs), given)?);
                }
                "tell" => {
                    let given = [parts[3].clone(), pick(2, &refs).into()];
                    turn.send_only(pick(1, &refs), given)?;
                }
                "fulfill" => turn.fulfill(pick(1, &refs), pick(2, &refs))?,
                "resolve" => {
                    turn.call(pick(1, &refs), &["fulfill".into(), pick(2, &refs).into()]).map(|_| ())?;
                }
                "settle" => turn.fulfill(pick(1, &refs), 1)?,
                "break" => turn.break_with(pick(1, &refs), 1)?,
                "listen" => turn.listen(pick(1, &refs), me.itself(), number(2) > 0)?,
                "on" => refs.push(turn.on(pick(1, &refs), On::fulfilled(pick(2, &refs)))?),
                "seal" => boxes.push(turn.seal(pick(1, &refs), pick(2, &refs).into())),
                "unseal" => {
                    let brand = pick(1, &refs);
                    let opened: Vec<Value> = boxes.iter().filter_map(|it| turn.unseal(brand, it)).collect();
                    refs.extend(opened.iter().filter_map(Value::as_ref));
                }
                "forget" if !refs.is_empty() => {
                    refs.remove(number(1) % refs.len());
                }
                "answer" => answer = pick(1, &refs).into(),
                "fail" => return Err(Problem::refused("as told")),
                "panic" => panic!("as told"),
                _ => {}
            }
        }
        // It keeps no more than it can show.
        refs.truncate(64);
        Ok(me.becomes(Value::list(refs.into_iter().map(Value::from))).saying(answer))
    }
}

thread_local! {
    /// The actors that were called, in that order.
    pub(crate) static INVOKED: std::cell::RefCell<Vec<Ref>> = const { std::cell::RefCell::new(Vec::new()) };
    /// The kind that programs of this thread spawn.
    pub(crate) static THREAD: std::cell::RefCell<Option<Arc<Interp>>> = const { std::cell::RefCell::new(None) };
}

/// A kind of its own for one test, which its programs spawn too.
pub(crate) fn fresh() -> Arc<Interp> {
    let kind = Interp::new();
    THREAD.set(Some(Arc::clone(&kind)));
    kind
}
