//! Which of our rules makes a machine differ: found in the machine itself, never by its name.

use hob::machine::{Refused, Semantics};
use serde_json::Value;

/// The rules that upstream does not look at, below the top or at all.
const STRICTER: &[(&str, &str)] = &[
    ("undeclared_target", "machine-target"),
    ("malformed_guard", "machine-guard"),
    ("duplicate_state", "machine-names"),
    ("children_and_regions", "machine-shape"),
    ("missing_initial", "machine-shape"),
    ("no_states", "machine-shape"),
    ("initial_outside", "machine-shape"),
    ("duplicate_region", "machine-shape"),
    ("history_default", "machine-shape"),
    ("history_place", "machine-shape"),
    ("history_shape", "machine-shape"),
    ("final_transitions", "machine-shape"),
    ("final_substates", "machine-shape"),
    ("forbidden", "machine-shape"),
    ("delay", "machine-shape"),
    ("unbound", "machine-unbound"),
    ("unknown_field", "machine-guard"),
    ("guard_type", "machine-guard"),
    ("wrong_type", "machine-types"),
    ("wrong_value", "machine-types"),
];

/// The row for a machine that upstream takes and hob refuses.
pub(super) fn refused(refused: &Refused) -> Option<&'static str> {
    let error = refused.0.iter().find(|problem| problem.is_error())?;
    STRICTER.iter().find(|(code, _)| *code == error.code).map(|(_, id)| *id)
}

/// The row for a machine that steps differently.
pub(super) fn differs(machine: &Value, semantics: Semantics) -> Option<&'static str> {
    let facts = Facts::of(machine);
    // Done right by either rules: upstream leaves what is no configuration.
    let both = [
        (facts.wildcard_without_target, "machine-wildcard-stays"),
        (facts.leaves_region, "machine-region-exit"),
        (facts.enters_region, "machine-region-enter"),
        (facts.eventless_on_parallel, "machine-parallel-always"),
        (facts.nested_parallel, "machine-nested-parallel"),
    ];
    let ours = [
        (facts.reenters_around, "machine-reenter"),
        (facts.region_rules, "machine-region-rules"),
        (facts.raises_and_eventless, "machine-raise-order"),
        (facts.raises, "machine-raise-refused"),
        (facts.final_initial, "machine-done"),
        (facts.final_by_eventless, "machine-done"),
        (facts.guard_in_region, "machine-guard-error"),
    ];
    let ours = if semantics == Semantics::Hob { &ours[..] } else { &[] };
    both.iter().chain(ours).find(|(holds, _)| *holds).map(|(_, id)| *id)
}

/// What there is in a machine.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing to find")]
struct Facts {
    wildcard_without_target: bool,
    leaves_region: bool,
    enters_region: bool,
    eventless_on_parallel: bool,
    nested_parallel: bool,
    reenters_around: bool,
    region_rules: bool,
    raises: bool,
    raises_and_eventless: bool,
    final_initial: bool,
    final_by_eventless: bool,
    guard_in_region: bool,
}

/// Where a state stands: the states around it from the outside in, and the region it is in.
struct Place<'a> {
    name: &'a Value,
    around: Vec<&'a Value>,
    regions: Vec<(&'a Value, &'a str)>,
    state: &'a Value,
}

impl Facts {
    fn of(machine: &Value) -> Self {
        let mut places = Vec::new();
        for state in list(machine, "states") {
            walk(state, &[], &[], &mut places);
        }
        let place_of = |name: &Value| places.iter().find(|place| place.name == name);
        let mut facts = Self::default();
        let (mut eventless, mut finals) = (false, false);
        for place in &places {
            let parallel = !list(place.state, "regions").is_empty();
            facts.nested_parallel |= parallel && !place.regions.is_empty();
            let initial = place.state.get("initialChild").and_then(place_of);
            facts.final_initial |= initial.is_some_and(|child| flag(child.state, "isFinal"));
            finals |= flag(place.state, "isFinal");
            for transition in list(place.state, "transitions") {
                let is_eventless = flag(transition, "eventLess");
                eventless |= is_eventless;
                facts.raises |= !list(transition, "raise").is_empty();
                facts.eventless_on_parallel |= is_eventless && parallel;
                let guarded = transition.get("guards").or(transition.get("guardExpr")).is_some();
                facts.guard_in_region |= guarded && !place.regions.is_empty();
                let target = transition.get("to").and_then(place_of);
                facts.wildcard_without_target |= flag(transition, "wildcard") && target.is_none();
                facts.region_rules |= !place.regions.is_empty()
                    && (flag(transition, "reenter")
                        || flag(transition, "forbidden")
                        || flag(transition, "internal"));
                let Some(target) = target else { continue };
                let around = place.around.contains(&target.name) || place.name == target.name;
                facts.region_rules |= around && !place.regions.is_empty();
                facts.reenters_around |= around && flag(transition, "reenter");
                facts.leaves_region |= place.regions.iter().any(|region| !target.regions.contains(region));
                facts.enters_region |= target.regions.iter().any(|region| !place.regions.contains(region));
            }
        }
        facts.raises_and_eventless = facts.raises && eventless;
        facts.final_by_eventless = eventless && finals;
        facts
    }
}

fn walk<'a>(
    state: &'a Value,
    around: &[&'a Value],
    regions: &[(&'a Value, &'a str)],
    places: &mut Vec<Place<'a>>,
) {
    let name = state.get("name").unwrap_or(&Value::Null);
    places.push(Place { name, around: around.to_vec(), regions: regions.to_vec(), state });
    let mut inside = around.to_vec();
    inside.push(name);
    for child in list(state, "children") {
        walk(child, &inside, regions, places);
    }
    for region in list(state, "regions") {
        let mut regions = regions.to_vec();
        regions.push((name, region.get("name").and_then(Value::as_str).unwrap_or_default()));
        for child in list(region, "states") {
            walk(child, &inside, &regions, places);
        }
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}
