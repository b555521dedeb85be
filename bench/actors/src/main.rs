//! What actix and ractor take for what a vat does. `hob bench vat` runs this and stands the figures beside its own.
//!
//! Prints one JSON object: nanoseconds for each of what is named, at best of several batches.

use std::time::{Duration, Instant};

use serde_json::json;

/// Messages of one batch, and batches.
const MESSAGES: u32 = 100_000;
const ACTORS: u32 = 20_000;
const BATCHES: u32 = 5;

type Failed = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failed> {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let (batches, part) = if quick { (1, 50) } else { (BATCHES, 1) };
    let (actix_tell, actix_spawn) = actix_figures(batches, MESSAGES / part, ACTORS / part)?;
    let (ractor_tell, ractor_spawn) = ractor_figures(batches, MESSAGES / part, ACTORS / part)?;
    let figures = json!({
        "actix": {"send": actix_tell, "spawn": actix_spawn},
        "ractor": {"send": ractor_tell, "spawn": ractor_spawn},
    });
    println!("{figures}");
    Ok(())
}

fn each(took: Duration, count: u32) -> f64 {
    took.as_secs_f64() * 1e9 / f64::from(count.max(1))
}

struct Adder(u64);

struct Add(u64);

struct Sum;

impl actix::Message for Add {
    type Result = ();
}

impl actix::Message for Sum {
    type Result = u64;
}

impl actix::Actor for Adder {
    type Context = actix::Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(usize::MAX >> 4);
    }
}

impl actix::Handler<Add> for Adder {
    type Result = ();

    fn handle(&mut self, Add(more): Add, _: &mut Self::Context) {
        self.0 = self.0.wrapping_add(more);
    }
}

impl actix::Handler<Sum> for Adder {
    type Result = u64;

    fn handle(&mut self, _: Sum, _: &mut Self::Context) -> u64 {
        self.0
    }
}

fn actix_figures(batches: u32, messages: u32, actors: u32) -> Result<(f64, f64), Failed> {
    use actix::Actor;
    let (mut send, mut spawn) = (f64::INFINITY, f64::INFINITY);
    actix::System::new().block_on(async {
        for _ in 0..batches {
            let adder = Adder(0).start();
            let began = Instant::now();
            for number in 0..messages {
                adder.do_send(Add(number.into()));
            }
            let sum = adder.send(Sum).await?;
            send = send.min(each(began.elapsed(), messages));
            expected(sum, messages)?;
            let began = Instant::now();
            let all: Vec<_> = (0..actors).map(|_| Adder(0).start()).collect();
            if let Some(last) = all.last() {
                last.send(Sum).await?;
            }
            spawn = spawn.min(each(began.elapsed(), actors));
        }
        Ok((send, spawn))
    })
}

fn expected(sum: u64, messages: u32) -> Result<(), Failed> {
    let all: u64 = (0..u64::from(messages)).sum();
    if sum == all { Ok(()) } else { Err(format!("{sum} was added of {all}").into()) }
}

struct Counting;

enum Told {
    Add(u64),
    Sum(ractor::RpcReplyPort<u64>),
}

impl ractor::Actor for Counting {
    type Msg = Told;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<Told>, (): ()) -> Result<u64, ractor::ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<Told>,
        told: Told,
        sum: &mut u64,
    ) -> Result<(), ractor::ActorProcessingErr> {
        match told {
            Told::Add(more) => *sum = sum.wrapping_add(more),
            // Who asked and went away is told nothing.
            Told::Sum(reply) => drop(reply.send(*sum)),
        }
        Ok(())
    }
}

fn ractor_figures(batches: u32, messages: u32, actors: u32) -> Result<(f64, f64), Failed> {
    use ractor::Actor;
    let (mut send, mut spawn) = (f64::INFINITY, f64::INFINITY);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        for _ in 0..batches {
            let (counting, _) = Counting::spawn(None, Counting, ()).await?;
            let began = Instant::now();
            for number in 0..messages {
                counting.cast(Told::Add(number.into()))?;
            }
            let sum = match counting.call(Told::Sum, None).await? {
                ractor::rpc::CallResult::Success(sum) => sum,
                other => return Err(format!("{other:?}").into()),
            };
            send = send.min(each(began.elapsed(), messages));
            expected(sum, messages)?;
            let began = Instant::now();
            let mut all = Vec::new();
            for _ in 0..actors {
                all.push(Counting::spawn(None, Counting, ()).await?.0);
            }
            spawn = spawn.min(each(began.elapsed(), actors));
            all.into_iter().for_each(|actor| actor.stop(None));
            counting.stop(None);
        }
        Ok((send, spawn))
    })
}
