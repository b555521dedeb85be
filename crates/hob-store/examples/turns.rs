//! How many turns become durable in a second, beside what one wait for this disk costs:
//! `cargo run --release -p hob-store --features sqlite --example turns [folder]`.
#![allow(missing_docs, clippy::unwrap_used, clippy::cast_precision_loss, reason = "a program for figures")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hob_store::Store;
use hob_vat::{Answer, Kind, Kinds, Me, MemoryStore, Peer, Problem, Ref, Turn, TurnStore, Value, Vat};

const LONG: Duration = Duration::from_secs(600);

/// Counts what it is sent. `['pass n]` goes on to the one it knows with n - 1, until there is nothing to pass.
struct Node;

static NODE: Node = Node;

impl Kind for Node {
    fn name(&self) -> &str {
        "bench.node"
    }

    fn call(&self, turn: &mut Turn, me: Me<'_>, args: &[Value]) -> Result<Answer, Problem> {
        let [next, count] = me.state().as_list().unwrap_or_default() else { return Ok(().into()) };
        let (more, count) = (Value::from(count.as_i64().unwrap_or_default() + 1), count.clone());
        match args {
            [Value::Ref(next)] => Ok(me.becomes(Value::list([(*next).into(), count]))),
            [_, hops] => {
                let hops = hops.as_i64().unwrap_or_default();
                if hops > 0
                    && let Some(next) = next.as_ref()
                {
                    turn.send_only(next, [Value::symbol("pass"), (hops - 1).into()])?;
                }
                Ok(me.becomes(Value::list([next.clone(), more])))
            }
            _ => Ok(me.becomes(Value::list([next.clone(), more]))),
        }
    }
}

fn sync_time(folder: &Path) -> Duration {
    let mut file = std::fs::File::create(folder.join("sync")).unwrap();
    let rounds = 100;
    let begun = Instant::now();
    for _ in 0..rounds {
        file.write_all(&[1; 4096]).unwrap();
        file.sync_data().unwrap();
    }
    begun.elapsed() / rounds
}

fn peer(store: Arc<dyn TurnStore>, at_once: usize) -> Peer {
    let kinds = Kinds::library().with(&NODE);
    Peer::builder().threads(2).store(store).kinds(kinds).commit_at_once(at_once).build().unwrap()
}

fn nodes(peer: &Peer, count: usize) -> Vec<(Vat, Ref)> {
    let nodes: Vec<_> = (0..count)
        .map(|number| {
            let vat = peer.vat(&format!("v{number}")).unwrap();
            let node = vat.run(|turn| turn.spawn(&NODE, Value::list([().into(), 0.into()]))).unwrap();
            (vat, node)
        })
        .collect();
    let next = nodes.iter().skip(1).chain(nodes.first());
    for ((vat, node), (_, next)) in nodes.iter().zip(next) {
        vat.run(|turn| turn.call(*node, &[(*next).into()])).unwrap();
    }
    nodes
}

fn rate(what: &str, count: u32, begun: Instant) {
    let took = begun.elapsed();
    println!("  {what:58} {:>10.0}/s", f64::from(count) / took.as_secs_f64());
}

fn measure(name: &str, open: impl Fn() -> Arc<dyn TurnStore>) {
    for at_once in [1, 8192] {
        println!("{name}, {}", if at_once == 1 { "one record at a time" } else { "group commit" });
        let fast = name == "memory";
        let scale = if at_once == 1 && !fast { 1 } else { 10 };
        {
            let peer = peer(open(), at_once);
            let nodes = nodes(&peer, 1);
            let Some((vat, node)) = nodes.first() else { return };
            let begun = Instant::now();
            let count = 200;
            (0..count).for_each(|_| drop(vat.run(|turn| turn.call(*node, &["x".into()])).unwrap()));
            rate("turns of one vat, each waited for", count, begun);
        }
        {
            let peer = peer(open(), at_once);
            let nodes = nodes(&peer, 64);
            let (tokens, hops) = (64, 20 * scale);
            let begun = Instant::now();
            for (vat, node) in nodes.iter().take(tokens) {
                vat.send_only(*node, [Value::symbol("pass"), i64::from(hops).into()]).unwrap();
            }
            assert!(peer.settle(LONG));
            rate("turns in 64 vats, 64 tokens that go round", 64 * (hops + 1), begun);
        }
        {
            let peer = peer(open(), at_once);
            let nodes = nodes(&peer, 64);
            let count = 20_000 * scale;
            let begun = Instant::now();
            for (number, (vat, node)) in (0..count).zip(nodes.iter().cycle()) {
                while vat.send_only(*node, ["x".into()]).is_err() {
                    std::thread::yield_now();
                }
                let _ = number;
            }
            assert!(peer.settle(LONG));
            rate("turns in 64 vats, messages of the program", count, begun);
        }
    }
}

fn main() {
    let folder = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(folder).unwrap();
    println!("one wait for this disk: {:?}", sync_time(folder.path()));
    measure("memory", || Arc::new(MemoryStore::new()));
    let files = std::cell::Cell::new(0);
    let next = || {
        files.set(files.get() + 1);
        folder.path().join(format!("store{}", files.get()))
    };
    measure("redb", || Arc::new(Store::open(next()).unwrap()));
    #[cfg(feature = "sqlite")]
    measure("sqlite", || Arc::new(hob_store::SqliteStore::open(next()).unwrap()));
    println!("one wait for this disk: {:?}", sync_time(folder.path()));
}
