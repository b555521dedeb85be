//! The Rust that the pages of the book show is compiled, and run where it needs nothing that is not here.
//!
//! The lines of a page stand in a function here, indented; the test compares them. It has no harness, because the program that runs
//! is the one that evaluates Nickel, too.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod util;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

fn actors() -> Result<(), Box<dyn Error>> {
    use hob::vat::{Peer, Value, library};

    let peer = Peer::builder().build()?;
    let vat = peer.vat("main")?;
    let counter = vat.run(|turn| library::counter(turn, 1))?;
    assert_eq!(vat.run(|turn| turn.call(counter, &[Value::symbol("add")]))?, 2.into());
    Ok(())
}

fn vats(dir: PathBuf) -> Result<(), Box<dyn Error>> {
    use std::sync::Arc;

    let store = hob::store::SqliteStore::open(dir.join("bank.db"))?;
    let peer = hob::vat::Peer::builder().store(Arc::new(store)).build()?;
    let vat = peer.vat("main")?;
    let account = vat.run(|turn| hob::vat::library::counter(turn, 100))?;
    vat.publish("account", account)?;
    Ok(())
}

fn nickel(guest: PathBuf) -> Result<(), Box<dyn Error>> {
    use hob::vat::{Actormap, Value};
    use hob_config::{Nickel, Source};

    let contract = "{ host | String, port | std.number.PosNat | default = 8080 }";
    let contract = Nickel::this_program()?.contract(Source::nickel("server.ncl", contract))?;
    let checked = contract.check(&Source::json("server.json", r#"{ "host": "localhost" }"#))?;
    assert_eq!(checked["port"], 8080);

    let kind = hob::Host::builder().actors().build()?.load(guest)?.actor()?;
    let mut vat = Actormap::new();
    let config = vat.poke(|turn| turn.spawn(kind, checked.to_string().as_str().into()))?;
    let port = vat.peek(|turn| turn.call(config, &[Value::symbol("get"), "port".into()]))?;
    assert_eq!(port, 8080.into());

    let refused = contract.check(&Source::json("server.json", r#"{ "host": 7 }"#)).unwrap_err();
    assert!(refused.to_string().contains("contract broken by the value of `host`"));
    Ok(())
}

fn packages() -> Result<(), Box<dyn Error>> {
    let package = hob::package::open("./calculator")?;
    let host = hob::Host::builder().package(&package).build()?;
    let tool = host.load_package(package)?.tool()?;
    let answer = tool.invoke(&serde_json::json!({"expression": "1 + 1"}))?;
    drop(answer);
    Ok(())
}

fn shell() -> Result<(), Box<dyn Error>> {
    let host = hob::Host::builder().dir("src", "/src", hob::Access::Read).build()?;
    let shell = host.shell().bin("node_modules")?.build()?;
    let session = shell.session()?;
    let done = session.run("grep -rc TODO /src | sort -t: -k2 -n | tail -1")?;

    let job = session.start("wc").args(["-l"]).feed().stdout(hob::Sink::Host).spawn()?;
    job.write(b"one\ntwo\n")?;
    job.close_input();
    assert_eq!(job.wait()?.code, 0);
    drop(done);
    Ok(())
}

fn statecharts() -> Result<(), Box<dyn Error>> {
    use hob::machine::{Chart, Document, Instance, Machine, Registry};

    let document = Document::parse(&std::fs::read_to_string("order.json")?)?;
    let host = hob::Host::builder().build()?;
    let approved = host.load("approve.wasm")?.behavior()?;
    let registry = Registry::new()
        .guard("approved", approved.as_guard(hob::Asks::Context))
        .action("mail", |call| Ok(call.params.get("text").cloned()));
    let machine = Machine::bind(Chart::load(&document)?, &registry)?;
    let (mut order, _) = Instance::start(&machine, serde_json::json!({"total": 50, "status": "paid"}))?;
    let step = order.fire(&"submit".into())?;
    drop(step);
    Ok(())
}

fn sessions(
    text: String,
    file: PathBuf,
    read_beside: fn(&PathBuf, &str) -> Result<String, String>,
    now: i64,
) -> Result<(), Box<dyn Error>> {
    use hob::machine::convert::scxml;
    use hob::machine::driver::{Machines, System, SystemLimits};
    use hob::machine::{Chart, Machine, Registry, ecmascript};

    let document = scxml::import_with(&text, |src| read_beside(&file, src))?.result;
    let machine = Machine::bind(Chart::load(&document)?, &ecmascript::register(Registry::new()))?;
    let machines = ecmascript::sessions(Machines::new().with("order", &machine), Registry::new());
    let mut system = System::new("order", &machines, "order", SystemLimits::default())?;
    system.start(ecmascript::begin(&document).0, now)?;
    Ok(())
}

fn powerbox(grant: hob::FsGrant, soon: std::time::Duration) -> Result<(), Box<dyn Error>> {
    use hob::powerbox::Powerbox;
    use hob::vat::{Peer, Value};

    let peer = Peer::builder().build()?;
    let vat = peer.vat("main")?;
    let powerbox = Powerbox::open(&peer)?;
    let notes = powerbox.directory(&grant)?;
    vat.ask(notes, [Value::symbol("write"), "a.txt".into(), "hello".into()], soon)?;
    powerbox.revoke(notes);
    Ok(())
}

/// Pages whose Rust is a guest's: other tests build those guests.
const OF_GUESTS: [&str; 1] = ["actors-sdk.md"];

/// Every block of Rust of every page stands in this file.
fn the_pages_show_what_is_compiled_here() {
    let docs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let mut found = 0;
    for folder in [docs.clone(), docs.join("abi")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let page = entry.unwrap().path();
            let of_guests = OF_GUESTS.iter().any(|name| page.ends_with(name));
            if of_guests || page.extension().is_none_or(|end| end != "md") {
                continue;
            }
            let text = std::fs::read_to_string(&page).unwrap();
            for block in text.split("```rust\n").skip(1) {
                let block = block.split("```").next().unwrap_or_default();
                let indent = |line: &str| {
                    if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") }
                };
                let lines: String = block.lines().map(indent).collect();
                assert!(include_str!("pages.rs").contains(&lines), "{}: not here:\n{block}", page.display());
                found += 1;
            }
        }
    }
    assert!(found >= 8, "only {found} blocks were found");
}

fn main() -> ExitCode {
    if let Some(code) = hob_config::worker::run_if_asked() {
        return code;
    }
    the_pages_show_what_is_compiled_here();
    actors().unwrap();
    nickel(util::guest("actor-config-rust")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    vats(dir.path().to_owned()).unwrap();
    let grant = hob::FsGrant::parse(&format!("{}::/:rw", dir.path().display())).unwrap();
    powerbox(grant, std::time::Duration::from_secs(60)).unwrap();
    assert_eq!(std::fs::read_to_string(dir.path().join("a.txt")).unwrap(), "hello");
    println!("the pages are as they should be");
    ExitCode::SUCCESS
}
