//! `hob vat` and `hob repl`: actors on the command line. What lines mean is the business of `hob-repl`; here are flags, a
//! terminal, and the modules that may be loaded.

pub(crate) mod args;
mod console;
mod gifts;
mod past;
mod place;

use hob::Source;
use hob_repl::{Console, End, speak};

use crate::report::{Done, Failure, HOST};
use args::{GiveArgs, ReplArgs, RunArgs, VatCommand, WhereArgs};
use console::{Lines, Terminal};
use gifts::Gifts;
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
    let source = if args.what.as_os_str() == "-" { Source::Empty } else { Source::Host };
    talk(&args.place, &args.gifts, source, &mut Lines::new(lines), !args.keep_going)
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
        let mut terminal = Terminal::open(args.history.as_deref())?;
        talk(&args.place, &args.gifts, Source::Host, &mut terminal, false)
    } else {
        // Standard input is the lines themselves.
        let lines = console::script("-".as_ref())?;
        talk(&args.place, &args.gifts, Source::Empty, &mut Lines::new(lines), false)
    }
}

/// `input` is what is read by a console that is given.
fn talk(place: &WhereArgs, gifts: &GiveArgs, input: Source, console: &mut dyn Console, stops: bool) -> Done {
    let Place { peer, vat, modules } = Place::open(place)?;
    let mut powers = Gifts::open(gifts, &peer, modules, input)?;
    let end = speak(&peer, &vat, console, &mut powers, stops).map_err(failure)?;
    powers.finish()?;
    Ok(u8::from(end == End::Failed))
}

fn failure(problem: hob::vat::Problem) -> Failure {
    Failure::new(HOST, problem)
}
