//! Properties, their answers and the traces that show them.

use hob_machine::analysis::{Bounds, Exploration, Goals, Property};
use serde_json::{Value, json};

use crate::{chart, chart_of, explore, recorded};

/// The answer and, line by line, what shows it.
fn check(states: &Value, property: &str, expected: &str) {
    check_in(&json!({"states": states}), &Bounds::default(), property, expected);
}

fn check_in(machine: &Value, bounds: &Bounds, property: &str, expected: &str) {
    let chart = chart_of(machine);
    let graph = Exploration::of(&chart, bounds).unwrap();
    let verdict = graph.check(&Property::parse(property).unwrap()).unwrap();
    let answer = serde_json::to_value(verdict.answered).unwrap();
    let mut shown = match answer["limit"].as_str() {
        Some(limit) => format!("gaveUp {limit} {}", answer["at"]),
        None => answer["answer"].as_str().unwrap().to_owned(),
    };
    if let Some(witness) = &verdict.witness {
        graph.replay(witness).unwrap();
        shown += &format!("\n{witness}");
    }
    assert_eq!(shown, expected, "{property}");
}

fn to(to: &str, on: &str) -> Value {
    json!({"to": to, "on": on})
}

#[test]
fn a_chain() {
    let states = json!([
        {"name": "a", "transitions": [to("b", "go"), {"to": "c", "on": "skip", "guards": [{"name": "g"}]}]},
        {"name": "b", "transitions": [to("c", "go"), to("a", "back")]},
        {"name": "c", "isFinal": true},
        {"name": "lost", "transitions": [to("a", "go")]},
    ]);
    check(&states, "reach(c)", "holds\nbegin -> a\nskip [g] -> c");
    check(&states, "reach(lost)", "fails");
    check(&states, "avoid(c, b)", "holds\nbegin -> a\nskip [g] -> c");
    check(&states, "avoid(b, a)", "fails");
    check(&states, "never(b)", "fails\nbegin -> a\ngo -> b");
    check(&states, "never(lost | a & b)", "holds");
    check(&states, "always(a | b | c)", "holds");
    check(&states, "always(b -> !b)", "fails\nbegin -> a\ngo -> b");
    check(&states, "eventually(c)", "holds");
    check(&states, "eventually(b)", "fails\nbegin -> a\nskip [g] -> c");
    check(&states, "inevitable(c)", "fails\nbegin -> a\ngo -> b\nback -> a\nand from step 1 again");
    check(&states, "inevitable(a)", "holds");
    check(&states, "inevitable(lost)", "fails\nbegin -> a\nskip [g] -> c");
}

#[test]
fn regions() {
    let region = |name: &str, states: Value| json!({"name": name, "initialChild": states[0]["name"], "states": states});
    let states = json!([{"name": "p", "regions": [
        region("left", json!([{"name": "l1", "transitions": [to("l2", "x")]}, {"name": "l2"}])),
        region("right", json!([
            {"name": "r1", "transitions": [{"to": "r2", "on": "y",
                "guardExpr": {"op": "not", "children": [{"op": "stateIn", "in": "l2"}]}}]},
            {"name": "r2"}])),
    ]}]);
    check(&states, "reach(l2 & r2)", "holds\nbegin -> l1 r1\ny -> l1 r2\nx -> l2 r2");
    check(&states, "avoid(l2 & r2, l2 & r1)", "holds\nbegin -> l1 r1\ny -> l1 r2\nx -> l2 r2");
    check(&states, "eventually(r2)", "fails\nbegin -> l1 r1\nx -> l2 r1");
    check(&states, "always(p)", "holds");
}

#[test]
fn within_a_step() {
    let states = json!([
        {"name": "a", "transitions": [to("b", "go")]},
        {"name": "b", "transitions": [{"to": "c", "eventLess": true}]},
        {"name": "c"},
    ]);
    check(&states, "reach(b)", "fails");
    check(&states, "pass(b)", "holds\nbegin -> a\ngo -> c");
    check(&states, "avoid(c, b)", "fails");
}

#[test]
fn comparisons_do_not_contradict_each_other() {
    let compare = |op: &str, value: i64| {
        json!({"op": op, "children": [{"op": "field", "path": "n"},
            {"op": "literal", "literal": {"type": "int", "value": value}}]})
    };
    let both = json!({"op": "and", "children": [compare("gt", 5), compare("lt", 3)]});
    let states = json!([
        {"name": "a", "transitions": [{"to": "b", "on": "go", "guardExpr": both},
            {"to": "c", "on": "go", "guardExpr": compare("gt", 5)}]},
        {"name": "b"}, {"name": "c"},
    ]);
    check(&states, "reach(b)", "fails");
    check(&states, "reach(c)", "holds\nbegin -> a\ngo [n gt 5, not n lt 3] -> c");
}

#[test]
fn history_is_part_of_where_a_machine_is() {
    let states = json!([
        {"name": "on", "initialChild": "x", "transitions": [to("off", "cut")], "children": [
            {"name": "x", "transitions": [to("y", "next")]}, {"name": "y"},
            {"name": "h", "historyType": 1}]},
        {"name": "off", "transitions": [to("h", "back")]},
    ]);
    check(&states, "avoid(on & y, off)", "holds\nbegin -> x\nnext -> y");
    let chart = chart(&states);
    assert_eq!(
        explore(&chart).configurations(),
        7,
        "x and y with nothing, off with each, x with x, y with each"
    );
}

#[test]
fn limits_are_told() {
    let bits: Vec<Value> = (0..12)
        .map(|n| {
            json!({"name": format!("bit{n}"), "initialChild": format!("{n}:0"), "states": [
                {"name": format!("{n}:0"), "transitions": [to(&format!("{n}:1"), &format!("set{n}"))]},
                {"name": format!("{n}:1"), "transitions": [to(&format!("{n}:0"), &format!("clear{n}"))]}]})
        })
        .collect();
    let machine = json!({"states": [{"name": "bits", "regions": bits}]});
    let few = |configurations: usize| Bounds { configurations, ..Bounds::default() };
    check_in(&machine, &few(4096), "eventually(\"0:0\")", "holds");
    check_in(&machine, &few(4095), "eventually(\"0:0\")", "gaveUp configurations 4095");
    check_in(&machine, &few(4095), "never(bits & !bits)", "gaveUp configurations 4095");
    check_in(
        &machine,
        &few(10),
        "inevitable(\"1:1\")",
        "fails\nbegin -> 0:0 1:0 2:0 3:0 4:0 5:0 6:0 7:0 8:0 9:0 10:0 11:0\n\
        set0 -> 0:1 1:0 2:0 3:0 4:0 5:0 6:0 7:0 8:0 9:0 10:0 11:0\n\
        clear0 -> 0:0 1:0 2:0 3:0 4:0 5:0 6:0 7:0 8:0 9:0 10:0 11:0\nand from step 1 again",
    );
    let steps = Bounds { steps: 100, ..Bounds::default() };
    check_in(&machine, &steps, "always(bits)", "gaveUp steps 100");
}

#[test]
fn a_state_that_is_not_there() {
    let chart = chart(&json!([{"name": "a"}]));
    let error = explore(&chart).check(&Property::parse("reach(b)").unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "the machine has no state \"b\"");
}

#[test]
fn a_machine_that_never_comes_to_rest() {
    let states = json!([{"name": "a", "transitions": [{"to": "a", "eventLess": true}]}]);
    let shown = "fails\nbegin ->\nand the last step does not come to rest";
    check(&states, "inevitable(a)", shown);
    check(&states, "reach(a)", "fails");
}

#[test]
fn names_that_are_numbers() {
    check(
        &json!([{"name": 1, "transitions": [{"to": 2, "on": 7}]}, {"name": 2}]),
        "reach(2)",
        "holds\nbegin -> 1\n7 -> 2",
    );
}

#[test]
fn covering_sequences() {
    let states = json!([
        {"name": "a", "transitions": [to("b", "go"), to("c", "other")]},
        {"name": "b", "transitions": [to("a", "back"), to("c", "end")]},
        {"name": "c", "isFinal": true},
        {"name": "lost"},
    ]);
    let chart = chart(&states);
    let graph = explore(&chart);
    let events = |goals| -> Vec<String> {
        let cover = graph.cover(goals);
        cover.sequences.iter().for_each(|sequence| graph.replay(sequence).unwrap());
        let joined = |sequence: &hob_machine::analysis::Witness| {
            sequence.events().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        cover.sequences.iter().map(joined).collect()
    };
    assert_eq!(events(Goals::States), ["go end"]);
    assert_eq!(graph.cover(Goals::States).uncovered, ["/states/3"]);
    assert_eq!(events(Goals::Transitions), ["go back other", "go end"]);
    assert_eq!(events(Goals::Pairs), ["go back go end", "go back other"]);
}

#[test]
fn every_sequence_for_the_recorded_machines_is_one() {
    for chart in recorded() {
        let graph = explore(&chart);
        for goals in [Goals::States, Goals::Transitions, Goals::Pairs] {
            let cover = graph.cover(goals);
            for sequence in &cover.sequences {
                graph.replay(sequence).unwrap_or_else(|why| panic!("{}: {why}", chart.name()));
            }
        }
    }
}
