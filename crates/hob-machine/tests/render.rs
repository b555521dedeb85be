//! The same machine in three languages, and what must be true of every picture.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::collections::HashMap;

use hob_machine::document::model::State;
use hob_machine::render::{ALL_MAX, NAMES_MAX, STATES_MAX, Svg, TooLarge, dot, mermaid, svg};
use hob_machine::{Chart, Document};
use insta::assert_snapshot;
use proptest::prelude::*;
use roxmltree::{Document as Xml, Node};
use serde_json::{Value, json};

/// Everything that can be drawn.
const ALL: &str = r#"{"name": "all <&\"'>", "initial": "a", "hasInitial": true, "states": [
    {"name": "a", "onEntry": [{"name": "in"}], "transitions": [
        {"from": "a", "to": "x1", "on": "go", "guards": [{"name": "may"}], "effects": [{"name": "log"}]},
        {"from": "a", "to": "p", "on": "go", "wildcard": true},
        {"from": "a", "to": "a", "on": "again", "reenter": true},
        {"from": "a", "to": "a", "on": "stay", "internal": true, "assigns": [{"name": "n"}]},
        {"from": "a", "to": "b", "on": "t", "after": 1500000000},
        {"from": "a", "to": "", "on": "never", "forbidden": true}]},
    {"name": "p", "transitions": [{"from": "p", "to": "a", "on": "back"}, {"from": "p", "to": "y1", "on": "down", "reenter": true}],
     "regions": [
        {"name": "x", "initialChild": "x1", "states": [
            {"name": "x1", "transitions": [{"from": "x1", "to": "x2", "on": "n"}, {"from": "x1", "to": "h", "on": "o"}]},
            {"name": "x2", "isFinal": true}]},
        {"name": "y", "initialChild": "y1", "states": [
            {"name": "y1", "transitions": [{"from": "y1", "to": "b1", "on": "n"}, {"from": "y1", "to": "x2", "on": "over"}]}]}]},
    {"name": "b", "initialChild": "b1", "transitions": [{"from": "b", "to": "b2", "on": "", "eventLess": true}], "children": [
        {"name": "b1", "transitions": [{"from": "b1", "to": "a", "on": "up"}, {"from": "b1", "to": "b", "on": "out", "reenter": true}]},
        {"name": "b2", "initialChild": "b3", "children": [{"name": "b3"}]},
        {"name": "h", "historyType": 2, "historyDefault": "b3"}]}]}"#;

fn chart(text: &str) -> Chart {
    Chart::load(&Document::parse(text).unwrap()).unwrap_or_else(|refused| panic!("{refused}"))
}

#[test]
fn as_mermaid() {
    assert_snapshot!(mermaid(&chart(ALL), &["b3".into()]), @r##"
    stateDiagram-v2
      [*] --> s1
      state "a<br/>entry / in<br/>stay / assign n<br/>never is forbidden" as s1
      state "p" as s2
      state s2 {
        %% region x
        [*] --> s4
        state "x1" as s4
        state "x2" as s5
        s5 --> [*]
        --
        %% region y
        [*] --> s7
        state "y1" as s7
      }
      state "b" as s8
      state s8 {
        [*] --> s9
        state "b1" as s9
        state "b2" as s10
        state s10 {
          [*] --> s11
          state "b3" as s11
        }
        state "(H*) h" as s12
      }
      s12 --> s11 : default
      s1 --> s4 : go #91;may#93; / log
      s1 --> s2 : *
      s1 --> s1 : again
      s1 --> s8 : after 1.5s (t)
      s2 --> s1 : back
      s2 --> s7 : down
      s4 --> s5 : n
      s4 --> s12 : o
      s7 --> s9 : n
      s7 --> s5 : over
      s8 --> s10 : always
      s9 --> s1 : up
      s9 --> s8 : out
      classDef active fill:#dcfce7,stroke:#16a34a,stroke-width:2px,color:#14532d
      class s8,s10,s11 active
    "##);
}

#[test]
fn as_dot() {
    assert_snapshot!(dot(&chart(ALL), &["b3".into()]), @r##"
    digraph "all <&amp;\"'>" {
      compound=true
      fontname="Helvetica"
      node [shape=box, style="rounded,filled", fillcolor=white, fontname="Helvetica"]
      edge [fontname="Helvetica", fontsize=10]
      start0 [shape=point, width=0.15, style=filled, fillcolor=black, label=""]
      s1 [label="a\nentry / in\nstay / assign n\nnever is forbidden"]
      subgraph cluster_s2 {
        graph [label="p", style=rounded]
        s2 [shape=point, style=invis, label=""]
        subgraph cluster_s3 {
          graph [label="x", style=dashed]
          s3 [shape=point, style=invis, label=""]
          start3 [shape=point, width=0.15, style=filled, fillcolor=black, label=""]
          s4 [label="x1"]
          s5 [label="x2", peripheries=2]
        }
        subgraph cluster_s6 {
          graph [label="y", style=dashed]
          s6 [shape=point, style=invis, label=""]
          start6 [shape=point, width=0.15, style=filled, fillcolor=black, label=""]
          s7 [label="y1"]
        }
      }
      subgraph cluster_s8 {
        graph [label="b", style=rounded, color="#16a34a", penwidth=2]
        s8 [shape=point, style=invis, label=""]
        start8 [shape=point, width=0.15, style=filled, fillcolor=black, label=""]
        s9 [label="b1"]
        subgraph cluster_s10 {
          graph [label="b2", style=rounded, color="#16a34a", penwidth=2]
          s10 [shape=point, style=invis, label=""]
          start10 [shape=point, width=0.15, style=filled, fillcolor=black, label=""]
          s11 [label="b3", color="#16a34a", penwidth=2, fillcolor="#dcfce7"]
        }
        s12 [label="H*\nh", shape=circle]
      }
      start0 -> s1
      start3 -> s4
      start6 -> s7
      start8 -> s9
      start10 -> s11
      s12 -> s11 [style=dashed]
      s1 -> s4 [label="go [may] / log"]
      s1 -> s2 [label="*", lhead=cluster_s2]
      s1 -> s1 [label="again"]
      s1 -> s8 [label="after 1.5s (t)", lhead=cluster_s8]
      s2 -> s1 [label="back", ltail=cluster_s2]
      s2 -> s7 [label="down"]
      s4 -> s5 [label="n"]
      s4 -> s12 [label="o"]
      s7 -> s9 [label="n"]
      s7 -> s5 [label="over"]
      s8 -> s10 [label="always", lhead=cluster_s10]
      s9 -> s1 [label="up"]
      s9 -> s8 [label="out"]
    }
    "##);
}

#[test]
fn as_svg() {
    let chart = chart(ALL);
    let text = svg(&chart, &["b3".into()], Svg::default()).unwrap();
    check(&chart, &text);
    let xml = Xml::parse(&text).unwrap();
    let active = xml.descendants().filter(|node| has(*node, "active"));
    let active: Vec<&str> = active.filter_map(|node| node.attribute("data-name")).collect();
    assert_eq!(active, ["b", "b2", "b3"]);
    let events = xml.descendants().filter(|node| has(*node, "transition"));
    let events: Vec<&str> = events.filter_map(|node| node.attribute("data-event")).collect();
    assert_eq!(events, ["go", "again", "t", "back", "down", "n", "o", "n", "over", "up", "out"]);
}

/// By the rules of SCXML a parallel state may have a history.
#[test]
fn a_parallel_state_with_a_history() {
    let chart = chart(
        r#"{"name": "m", "meta": {"hob.semantics": "scxml"}, "initial": "a", "hasInitial": true, "states": [
        {"name": "a", "transitions": [{"from": "a", "to": "h", "on": "again"}]},
        {"name": "p", "transitions": [{"from": "p", "to": "a", "on": "pause"}], "regions": [
            {"name": "x", "initialChild": "x1", "states": [{"name": "x1", "transitions": [{"from": "x1", "to": "x2", "on": "n"}]}, {"name": "x2"}]},
            {"name": "", "initialChild": "h", "states": [{"name": "h", "historyType": 2, "historyDefault": "y1"}]},
            {"name": "y", "initialChild": "y1", "states": [{"name": "y1"}, {"name": "y2"}]}]}]}"#,
    );
    let text = svg(&chart, &["x2".into(), "y1".into()], Svg::default()).unwrap();
    check(&chart, &text);
    assert!(mermaid(&chart, &[]).contains("state \"(H*) h\" as s6"));
}

#[test]
fn a_page_may_bring_the_style() {
    let text = svg(&chart(ALL), &[], Svg { style: false }).unwrap();
    assert!(!text.contains("<style") && !text.contains("style="));
    assert!(svg(&chart(ALL), &[], Svg::default()).unwrap().contains("<style>"));
}

#[test]
fn names_are_never_markup() {
    let evil = "</text><script>alert(1)</script>\" onload=\"x\u{0}\u{202e}]]>&amp;\n--> \\N {";
    let machine = json!({"name": evil, "initial": evil, "hasInitial": true, "states": [
        {"name": evil, "onEntry": [{"name": evil}], "transitions": [
            {"from": evil, "to": evil, "on": evil, "reenter": true, "guards": [{"name": evil}], "effects": [{"name": evil}]}]}]});
    let chart = chart(&machine.to_string());
    let text = svg(&chart, &[evil.into()], Svg::default()).unwrap();
    check(&chart, &text);
    let xml = Xml::parse(&text).unwrap();
    for node in xml.descendants().filter(Node::is_element) {
        let known = ["svg", "title", "style", "rect", "text", "tspan", "g", "path", "circle", "line"];
        assert!(known.contains(&node.tag_name().name()), "{node:?}");
        assert!(node.attributes().all(|attribute| !attribute.name().starts_with("on")));
    }
    let text = mermaid(&chart, &[]);
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(!text.contains("script>") && !text.contains("{\n"));
    assert_eq!(dot(&chart, &[]).lines().count(), 10);
}

#[test]
fn what_is_large_is_drawn_with_less_and_then_not_at_all() {
    let flat = |count: usize| {
        let name = |number: usize| format!("s{}", number % count);
        let states: Vec<Value> = (0..count)
            .map(|n| {
                json!({"name": name(n), "onEntry": [{"name": "enter"}], "transitions": [
                    {"from": name(n), "to": name(n * 7 + 1), "on": "next", "reenter": true, "guards": [{"name": "may"}]}]})
            })
            .collect();
        chart(&json!({"name": "flat", "initial": "s0", "hasInitial": true, "states": states}).to_string())
    };
    let draw = |count: usize| {
        let chart = flat(count);
        let text = svg(&chart, &[], Svg::default())?;
        check(&chart, &text);
        let shows = |word: &str| text.contains(&format!(">{word}</t"));
        Ok((shows("[may]"), shows("next"), shows("s0")))
    };
    assert_eq!(draw(ALL_MAX), Ok((true, true, true)));
    assert_eq!(draw(ALL_MAX + 1), Ok((false, true, true)));
    assert_eq!(draw(NAMES_MAX + 1), Ok((false, false, true)));
    let refused: Result<_, TooLarge> = draw(STATES_MAX + 1);
    assert_eq!(refused, Err(TooLarge { states: STATES_MAX + 1, transitions: STATES_MAX + 1 }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_picture_is_sound(machine in machines()) {
        let text = machine.to_string();
        let chart = Chart::load(&Document::parse(&text).unwrap());
        let chart = chart.unwrap_or_else(|refused| panic!("{refused}\n{text}"));
        let first = svg(&chart, &[], Svg::default()).unwrap();
        check(&chart, &first);
        prop_assert_eq!(first, svg(&chart, &[], Svg::default()).unwrap());
    }
}

/// Trees of states with transitions between any two of them.
fn machines() -> impl Strategy<Value = Value> {
    let leaf = Just(json!({}));
    let tree = leaf.prop_recursive(4, 24, 4, |inner| {
        let some = prop::collection::vec(inner, 1..4);
        (some, 0..3_u8).prop_map(|(inside, kind)| match kind {
            0 => json!({"regions": inside.chunks(2).collect::<Vec<_>>()}),
            _ => json!({"children": inside, "history": kind == 2}),
        })
    });
    let arrows = prop::collection::vec((any::<u16>(), any::<u16>(), 0..4_u8), 0..20);
    (prop::collection::vec(tree, 1..4), arrows).prop_map(|(trees, arrows)| {
        let mut names = Vec::new();
        let mut states: Vec<Value> = trees.iter().map(|tree| state(tree, &mut names)).collect();
        for (number, (from, to, kind)) in arrows.into_iter().enumerate() {
            let (from, to) = (usize::from(from) % names.len(), usize::from(to) % names.len());
            let mut transition =
                json!({"from": names[from], "to": names[to], "on": format!("event {number}"), "reenter": true});
            if kind == 0 {
                transition["guards"] = json!([{"name": "a rather long name of a guard that says maybe"}]);
            }
            for state in &mut states {
                add(state, &names[from], &transition);
            }
        }
        json!({"name": "m", "initial": names[0], "hasInitial": true, "states": states})
    })
}

fn state(tree: &Value, names: &mut Vec<String>) -> Value {
    let name = format!("state{}", names.len());
    names.push(name.clone());
    let mut made = json!({"name": name, "transitions": []});
    if let Some(children) = tree["children"].as_array() {
        let mut children: Vec<Value> = children.iter().map(|child| state(child, names)).collect();
        made["initialChild"] = children[0]["name"].clone();
        if tree["history"] == true {
            children.push(json!({"name": format!("h of {name}"), "historyType": 1, "historyDefault": children[0]["name"]}));
        }
        made["children"] = children.into();
    }
    if let Some(regions) = tree["regions"].as_array() {
        let regions = regions.iter().enumerate().map(|(number, region)| {
            let states: Vec<Value> =
                region.as_array().unwrap().iter().map(|child| state(child, names)).collect();
            json!({"name": format!("r{number}"), "initialChild": states[0]["name"], "states": states})
        });
        made["regions"] = regions.collect::<Vec<_>>().into();
    }
    made
}

fn add(state: &mut Value, name: &str, transition: &Value) {
    if state["name"] == name {
        state["transitions"].as_array_mut().unwrap().push(transition.clone());
    }
    for key in ["children", "regions", "states"] {
        for inside in state.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
            add(inside, name, transition);
        }
    }
}

fn has(node: Node<'_, '_>, class: &str) -> bool {
    node.attribute("class").unwrap_or_default().split(' ').any(|each| each == class)
}

/// Well-formed; every state and transition there once; boxes inside those around them and beside their siblings; words on
/// the canvas, on no box of a leaf and on no other words.
fn check(chart: &Chart, text: &str) {
    let xml = Xml::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut places: HashMap<&str, Rect> = HashMap::new();
    let shapes = |node: &Node<'_, '_>| has(*node, "state");
    for node in xml.descendants().filter(shapes) {
        let drawn = node.children().find(|child| has(*child, "box")).unwrap();
        assert!(places.insert(node.attribute("data-at").unwrap(), rect(drawn)).is_none());
    }
    let states: Vec<_> = chart.source().all_states().collect();
    assert_eq!(places.len(), states.len());
    let mut transitions: HashMap<&str, usize> = HashMap::new();
    for node in xml.descendants().filter(|node| has(*node, "transition")) {
        *transitions.entry(node.attribute("data-at").unwrap()).or_default() += 1;
    }
    for state in &states {
        for transition in &state.transitions {
            assert_eq!(transitions.remove(transition.at.as_str()), Some(1), "{}", transition.at);
        }
    }
    assert!(transitions.is_empty());
    let canvas = rect(xml.descendants().find(|node| has(*node, "canvas")).unwrap());
    let siblings = |states: Vec<&State>, around: Rect| {
        let rects: Vec<Rect> = states.iter().map(|state| places[state.at.as_str()]).collect();
        for (number, one) in rects.iter().enumerate() {
            assert!(within(*one, around), "{} leaves what is around it", states[number].name);
            for (other, two) in rects.iter().enumerate().skip(number + 1) {
                assert!(!overlap(*one, *two), "{} and {} overlap", states[number].name, states[other].name);
            }
        }
    };
    siblings(chart.source().states.iter().collect(), canvas);
    for state in &states {
        siblings(state.inside().collect(), places[state.at.as_str()]);
    }
    let pills: Vec<Rect> = xml.descendants().filter(|node| has(*node, "pill")).map(rect).collect();
    let leaves: Vec<Rect> = states
        .iter()
        .filter(|state| state.inside().next().is_none())
        .map(|state| places[state.at.as_str()])
        .collect();
    for (number, pill) in pills.iter().enumerate() {
        assert!(within(*pill, canvas), "words leave the canvas: {pill:?}");
        assert!(
            pills.iter().skip(number + 1).all(|other| !overlap(*pill, *other)),
            "words on words: {pill:?}"
        );
        assert!(leaves.iter().all(|leaf| !overlap(*pill, *leaf)), "words on a box: {pill:?}");
    }
}

#[derive(Clone, Copy, Debug)]
struct Rect {
    x: f64,
    y: f64,
    right: f64,
    bottom: f64,
}

fn rect(node: Node<'_, '_>) -> Rect {
    let get = |key: &str| node.attribute(key).unwrap().parse::<f64>().unwrap();
    if node.has_tag_name((node.tag_name().namespace().unwrap_or_default(), "circle")) {
        let (x, y, r) = (get("cx"), get("cy"), get("r"));
        return Rect { x: x - r, y: y - r, right: x + r, bottom: y + r };
    }
    let (x, y) = (get("x"), get("y"));
    Rect { x, y, right: x + get("width"), bottom: y + get("height") }
}

fn overlap(a: Rect, b: Rect) -> bool {
    a.x < b.right && b.x < a.right && a.y < b.bottom && b.y < a.bottom
}

fn within(inner: Rect, outer: Rect) -> bool {
    inner.x >= outer.x && inner.y >= outer.y && inner.right <= outer.right && inner.bottom <= outer.bottom
}
