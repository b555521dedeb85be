//! `hob vat` and `hob repl`: actors on the command line. What lines mean is the business of `hob-repl`; here are flags, a
//! terminal, and the modules that may be loaded.

pub(crate) mod args;
mod console;
mod past;
mod place;

use hob_repl::{Console, End, speak};

use crate::report::{Done, Failure, HOST};
use args::{ReplArgs, RunArgs, VatCommand, WhereArgs};
use console::{Lines, Terminal};
use place::Place;

pub(crate) fn run(command: &VatCommand) -> Done {
    match command {
        VatCommand::Run(args) => script(args),
        VatCommand::Log(args) => past::log(args),
        VatCommand::At(args) => past::at(args),
        VatCommand::Replay(args) => past::replay(args),
        VatCommand::Diff(args) => past::diff(args),
    }
}

/// Exit code 1 when a line failed.
fn script(args: &RunArgs) -> Done {
    let is_module = args.what.extension().is_some_and(|end| end == "wasm" || end == "wat");
    let lines = if is_module { module_lines(args) } else { console::script(&args.what)? };
    talk(&args.place, &mut Lines::new(lines), !args.keep_going)
}

/// A module as a script: it is loaded, an actor of it is made, and it is talked to.
fn module_lines(args: &RunArgs) -> Vec<String> {
    let file = args.what.display().to_string().replace('\\', "\\\\").replace('"', "\\\"");
    let begin = [format!("module = load \"{file}\""), format!("it = spawn module {}", args.state)];
    begin.into_iter().chain(args.say.iter().map(|said| format!("it {said}"))).collect()
}

pub(crate) fn repl(args: &ReplArgs) -> Done {
    use std::io::IsTerminal;
    if std::io::stdin().is_terminal() {
        talk(&args.place, &mut Terminal::open(args.history.as_deref())?, false)
    } else {
        talk(&args.place, &mut Lines::new(console::script("-".as_ref())?), false)
    }
}

fn talk(place: &WhereArgs, console: &mut dyn Console, stops: bool) -> Done {
    let Place { peer, vat, mut modules } = Place::open(place)?;
    let end = speak(&peer, &vat, console, &mut modules, stops).map_err(failure)?;
    Ok(u8::from(end == End::Failed))
}

fn failure(problem: hob::vat::Problem) -> Failure {
    Failure::new(HOST, problem)
}
