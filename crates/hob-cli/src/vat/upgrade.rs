//! `hob vat upgrade`: the actors of a module become actors of a newer version of it, all of a vat or none.
//!
//! What would become of each is found out first, from what the store has: for that the old module is not needed, and nothing is
//! claimed or written.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use hob::vat::history::Past;
use hob::vat::record::Stored;
use hob::vat::{Answer, Kind, KindRef, Kinds, Me, Peer, Problem, Turn, Upgraded, Value};
use hob_repl::Powers;

use super::args::UpgradeArgs;
use super::past::{Looked, say};
use super::place::Modules;
use super::{failure, json};
use crate::report::{Done, Failure, HOST, USAGE, print_json};

/// How the names of kinds begin whose code is a module.
const MODULE: &str = "wasm:";
/// How the names of kinds begin that make actors of a kind, whose name follows.
const MAKES: &str = "make:";
/// Letters that a name must have at least to stand for the whole.
const BEGIN_MIN: usize = 4;

/// A kind whose actors move, and where to.
struct Move {
    from: String,
    /// The version of their states.
    version: u32,
    to: KindRef,
}

/// Exit code 1 when there is an actor that cannot be moved: none is moved then.
pub(super) fn run(args: &UpgradeArgs) -> Done {
    let looked = Looked::open(&args.past)?;
    let past = looked.at(looked.vat.records.next)?;
    let mut modules = Modules::open(&args.past.which.module)?;
    let moves = moves(args, &past, &mut modules)?;
    let seen = past.upgraded(|name| successor(&moves, name));
    let failed = seen.iter().any(|it| it.state.is_err());
    let doing = !args.check && !failed;
    if doing {
        // What waits in the vat is handled after the move, by the code that is new by then.
        let kinds = moves.iter().fold(modules.kinds(), before);
        let builder = Peer::builder().threads(0).store(looked.store.clone()).kinds(kinds);
        let peer = builder.build().map_err(failure)?;
        let vat = peer.vat(&looked.vat.name).map_err(failure)?;
        vat.upgrade_all(|name| successor(&moves, name)).map_err(failure)?;
    }
    for step in &moves {
        let of = |it: &&Upgraded| it.from.strip_prefix(MAKES).unwrap_or(&it.from) == step.from;
        let seen: Vec<&Upgraded> = seen.iter().filter(of).collect();
        if args.past.json {
            let (name, version) = (step.to.name(), step.to.version());
            seen.iter().try_for_each(|it| print_json(&json::upgraded(it, name, version, doing)))?;
        } else {
            tell(step, &seen, doing)?;
        }
    }
    Ok(u8::from(failed))
}

/// Says what became of the actors of one kind.
fn tell(step: &Move, seen: &[&Upgraded], done: bool) -> Result<(), Failure> {
    let actors: Vec<&&Upgraded> = seen.iter().filter(|it| it.from == step.from).collect();
    let makers = seen.len() - actors.len();
    let also = if makers > 0 { format!(", and {makers} that make such actors") } else { String::new() };
    let word = if done { "moved" } else { "would move" };
    let can = actors.iter().filter(|it| it.state.is_ok()).count();
    say(&format!("{} {} -> {} {}", step.from, step.version, step.to.name(), step.to.version()))?;
    say(&format!("  {can} of {} actors {word}{also}", actors.len()))?;
    for it in seen {
        if let Err(problem) = &it.state {
            say(&format!("  {} cannot: {problem}", it.actor))?;
        }
    }
    Ok(())
}

fn successor(moves: &[Move], name: &str) -> Option<KindRef> {
    moves.iter().find(|step| step.from == name).map(|step| step.to.clone())
}

/// What a vat has of a module.
#[derive(Default)]
struct Known {
    actors: usize,
    /// The version of their states.
    version: u32,
}

/// The kinds of a vat whose code are modules, by name: of its actors, and of what makes such actors.
fn kinds_of(past: &Past) -> BTreeMap<&str, Known> {
    let mut kinds: BTreeMap<&str, Known> = BTreeMap::new();
    for (_, stored) in past.places() {
        let Stored::Object { kind, version, .. } = stored else { continue };
        let made = kind.strip_prefix(MAKES);
        let name = made.unwrap_or(kind);
        if name.starts_with(MODULE) {
            let known = kinds.entry(name).or_default();
            if made.is_none() {
                (known.actors, known.version) = (known.actors + 1, *version);
            }
        }
    }
    kinds
}

/// What the flags mean, checked against what the vat has.
fn moves(args: &UpgradeArgs, past: &Past, modules: &mut Modules) -> Result<Vec<Move>, Failure> {
    let kinds = kinds_of(past);
    let mut moves: Vec<Move> = Vec::new();
    for (old, new) in &args.moves {
        let from = named(old, &kinds, modules).map_err(|why| {
            let there: Vec<String> = kinds
                .iter()
                .map(|(name, kind)| format!("\n  {name} {}: {}", kind.version, kind.actors))
                .collect();
            let there = if there.is_empty() { " none".to_owned() } else { there.concat() };
            Failure::new(HOST, format!("{why}. Actors of modules in vat {:?}:{there}", args.past.which.vat))
        })?;
        let to = modules.load(&new.display().to_string()).map_err(failure)?;
        let version = kinds.get(&*from).map_or(0, |kind| kind.version);
        if to.version() <= version {
            let (new, next) = (new.display(), u64::from(version) + 1);
            return Err(Failure::new(
                HOST,
                format!(
                    "not-newer: the states there have version {version} and those of {new} version {}; a module that upgrades \
                     them has version {next} or a higher one (`actor!(turn, version = {next}, upgrade = …)` in Rust)",
                    to.version()
                ),
            ));
        }
        if moves.iter().any(|step| step.from == from) {
            return Err(Failure::new(USAGE, format!("{old} is to become two things")));
        }
        moves.push(Move { from, version, to });
    }
    Ok(moves)
}

/// The kind that is meant: of a module, or by its name or the beginning of it.
fn named(old: &str, kinds: &BTreeMap<&str, Known>, modules: &mut Modules) -> Result<String, String> {
    let name = if Path::new(old).exists() {
        modules.load(old).map_err(|problem| format!("{old}: {problem}"))?.name().to_owned()
    } else {
        old.to_owned()
    };
    let digest = name.strip_prefix(MODULE).unwrap_or(&name);
    let begins = |kind: &&&str| {
        kind.strip_prefix(MODULE)
            .is_some_and(|it| it == digest || digest.len() >= BEGIN_MIN && it.starts_with(digest))
    };
    let found: Vec<&&str> = kinds.keys().filter(begins).collect();
    match found.as_slice() {
        [one] => Ok((**one).to_owned()),
        [] => Err(format!("no actor is of {old}")),
        _ => Err(format!("{old} is the beginning of several")),
    }
}

/// The kinds of a store, with something in the place of one whose code is not at hand any more.
fn before(kinds: Kinds, step: &Move) -> Kinds {
    if kinds.get(&step.from).is_some() {
        return kinds;
    }
    kinds.with(Arc::new(Before { name: step.from.clone(), version: step.version }))
}

/// Stands for code that is about to be replaced. Nothing calls it: the move is the first turn of its vat.
struct Before {
    name: String,
    version: u32,
}

impl Kind for Before {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn call(&self, _: &mut Turn, _: Me<'_>, _: &[Value]) -> Result<Answer, Problem> {
        Err(Problem::rule("unknown-kind", format!("{} is about to be replaced", self.name)))
    }
}
