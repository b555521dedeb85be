//! An actor that is configured by a Nickel contract: what reaches the module is JSON that satisfied the contract, and a configuration
//! that violates it is refused with Nickel's own message before any actor hears of it.
//!
//! Nickel runs in a process of its own, and this program is that process too: see the first lines of `main`.
//!
//! Run it with `cargo run --release -p hob --example nickel`, after `cargo xtask guests actor-config-rust`.

use std::path::Path;
use std::process::ExitCode;

use hob::Host;
use hob::vat::{Actormap, Value};
use hob_config::{ConfigError, Nickel, Source, worker};

const CONTRACT: &str = "{
  host | String,
  port | std.number.PosNat | default = 8080,
  limits | { connections | std.number.PosNat | default = 100, .. } | default = {},
}";

pub(crate) fn main() -> ExitCode {
    if let Some(code) = worker::run_if_asked() {
        return code;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let contract = Nickel::this_program()?.contract(Source::nickel("server.ncl", CONTRACT))?;
    let checked = |name: &str, json: &str| -> Result<String, ConfigError> {
        Ok(contract.check(&Source::json(name, json))?.to_string())
    };

    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests/actor-config-rust.wasm");
    let kind = Host::builder().actors().build()?.load(guest)?.actor()?;
    let mut map = Actormap::new();
    let first = checked("first.json", r#"{ "host": "localhost" }"#)?;
    let config = map.poke(|turn| turn.spawn(kind.clone(), first.as_str().into()))?;
    let get = |map: &mut Actormap, keys: &[&str]| {
        let names = keys.iter().map(|key| (*key).into());
        let args: Vec<Value> = std::iter::once(Value::symbol("get")).chain(names).collect();
        map.peek(|turn| turn.call(config, &args))
    };
    assert_eq!(get(&mut map, &["host"])?, "localhost".into());
    assert_eq!(get(&mut map, &["port"])?, 8080.into());
    assert_eq!(get(&mut map, &["limits", "connections"])?, 100.into());

    let second = checked("second.json", r#"{ "host": "example.org", "port": 443 }"#)?;
    map.poke(|turn| turn.call(config, &[Value::symbol("configure"), second.as_str().into()]))?;
    assert_eq!(get(&mut map, &["port"])?, 443.into());

    let Err(refused) = checked("third.json", r#"{ "host": "example.org", "port": "https" }"#) else {
        return Err("a port that is a text was taken for one".into());
    };
    let told = refused.to_string();
    println!("{told}");
    for line in ["contract broken by the value of `port`", "server.ncl:3:10", "third.json:1:34"] {
        assert!(told.contains(line), "{told}");
    }
    assert_eq!(get(&mut map, &["port"])?, 443.into());
    Ok(())
}
