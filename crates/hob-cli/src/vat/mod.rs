//! `hob vat` and `hob repl`: actors on the command line. What lines mean is the business of `hob-repl`; here are flags, a
//! terminal, and the modules that may be loaded.

pub(crate) mod args;
mod console;
mod gifts;
mod json;
mod past;
mod place;
mod store;
mod terminal;
mod upgrade;

use hob::{Gift, Source};
use hob_repl::{Console, End, speak};

use crate::report::{Done, Failure, HOST};
use args::{GiveArgs, ReplArgs, RunArgs, VatCommand};
use console::Lines;
use gifts::Gifts;
use place::Place;
use terminal::{Keep, Terminal};

pub(crate) fn run(command: &VatCommand) -> Done {
    match command {
        VatCommand::Run(args) => script(args),
        VatCommand::Log(args) => past::log(args),
        VatCommand::At(args) => past::at(args),
        VatCommand::Replay(args) => past::replay(args),
        VatCommand::Diff(args) => past::diff(args),
        VatCommand::Upgrade(args) => upgrade::run(args),
    }
}

/// Exit code 1 when a line failed.
fn script(args: &RunArgs) -> Done {
    let is_module = args.what.extension().is_some_and(|end| end == "wasm" || end == "wat");
    let source = if args.what.as_os_str() == "-" { Source::Empty } else { Source::Host };
    let lines = if is_module { Lines::of(module_lines(args)) } else { console::script(&args.what)? };
    say_all(Place::open(&args.place)?, &args.gifts, source, lines, !args.keep_going)
}

/// A module as a script: it is loaded, an actor of it is made, and it is talked to.
fn module_lines(args: &RunArgs) -> Vec<String> {
    let file = args.what.display().to_string().replace('\\', "\\\\").replace('"', "\\\"");
    let begin = [format!("module = load \"{file}\""), format!("it = spawn module {}", args.state)];
    begin.into_iter().chain(args.say.iter().map(|said| format!("it {said}"))).collect()
}

pub(crate) fn repl(args: &ReplArgs) -> Done {
    use std::io::IsTerminal;
    let place = Place::open(&args.place)?;
    if !std::io::stdin().is_terminal() {
        // Standard input is the lines themselves.
        return say_all(place, &args.gifts, Source::Empty, console::script("-".as_ref())?, false);
    }
    let keep = match &args.history {
        _ if args.no_history => Keep::Nowhere,
        Some(file) => Keep::In(file),
        None => Keep::AtHome,
    };
    // What is typed while a line waits is for the console, if one is given.
    let given = args.gifts.give.iter().any(|given| matches!(given.gift, Gift::Console));
    talk(place, &args.gifts, Source::Host, &mut Terminal::open(&keep, !given)?, false)
}

/// Lines that nobody types: one that could not be read is no end of them.
fn say_all(place: Place, gifts: &GiveArgs, input: Source, mut lines: Lines, stops: bool) -> Done {
    let code = talk(place, gifts, input, &mut lines, stops)?;
    lines.finish()?;
    Ok(code)
}

/// `input` is what is read by a console that is given.
fn talk(place: Place, gifts: &GiveArgs, input: Source, console: &mut dyn Console, stops: bool) -> Done {
    let Place { peer, vat, modules } = place;
    let mut powers = Gifts::open(gifts, &peer, modules, input)?;
    let end = speak(&peer, &vat, console, &mut powers, stops).map_err(failure)?;
    powers.finish()?;
    Ok(u8::from(end == End::Failed))
}

#[expect(clippy::needless_pass_by_value, reason = "it is used with map_err")]
fn failure(problem: hob::vat::Problem) -> Failure {
    let advice = match problem.rule_name() {
        Some("unknown-kind") => "; --module FILE names a module whose actors the store has",
        _ => "",
    };
    Failure::new(HOST, format!("{problem}{advice}"))
}
