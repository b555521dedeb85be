//! What a machine has, handed to an actor: a directory that is narrowed, lent, and taken back.
//!
//! Run it with `cargo run --example powerbox`.

use std::time::Duration;

use hob::powerbox::Powerbox;
use hob::vat::{Peer, Value, library};
use hob::{Access, ClockGrant, FsGrant, GuestPath};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    std::fs::create_dir(folder.path().join("letters"))?;
    let soon = Duration::from_secs(10);

    let peer = Peer::builder().build()?;
    let vat = peer.vat("main")?;
    let powerbox = Powerbox::open(&peer)?;
    let host = folder.path().display().to_string();
    let grant = FsGrant { host, guest: GuestPath::new("/")?, access: Access::ReadWrite };
    let home = powerbox.directory(&grant)?;
    let clock = powerbox.clock(ClockGrant::Virtual)?;

    // Who has the whole writes; who gets less of it reads one folder, until a caretaker is told to end that.
    let now = vat.ask(clock, [Value::symbol("now")], soon)?;
    let letter = format!("written at {now}");
    vat.ask(home, [Value::symbol("write"), "letters/one".into(), letter.as_str().into()], soon)?;
    let letters = vat.ask(home, [Value::symbol("open"), "letters".into()], soon)?;
    let letters = letters.as_ref().ok_or("no directory")?;
    let to_read = vat.ask(letters, [Value::symbol("read-only")], soon)?.as_ref().ok_or("no directory")?;
    let (lent, end) = vat.run(|turn| library::caretaker(turn, to_read))?;

    let read = [Value::symbol("text"), "one".into()];
    println!("read: {}", vat.ask(lent, read.clone(), soon)?);
    for (what, args) in [
        ("above it", [Value::symbol("text"), "../secret".into()]),
        ("what is elsewhere", [Value::symbol("text"), "/etc/passwd".into()]),
        ("a change", [Value::symbol("remove"), "one".into()]),
    ] {
        match vat.ask(lent, args, soon) {
            Ok(_) => return Err(format!("{what} was allowed").into()),
            Err(problem) => println!("{what}: {problem}"),
        }
    }
    vat.run(|turn| turn.call(end, &[]))?;
    if vat.ask(lent, read, soon).is_ok() {
        return Err("it was taken back".into());
    }

    // What the program takes back ends with all that was narrowed from it.
    powerbox.revoke(home);
    if vat.ask(to_read, [Value::symbol("list")], soon).is_ok() {
        return Err("it was taken back".into());
    }
    println!("taken back");
    Ok(())
}
