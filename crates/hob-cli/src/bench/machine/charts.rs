//! The machines that are measured. `xstate.mjs` has the same ones in the words of XState.

/// One row.
pub(super) struct Bench {
    pub(super) row: &'static str,
    pub(super) machine: fn() -> String,
    pub(super) events: &'static [&'static str],
    /// What it is called in the script.
    pub(super) xstate: &'static str,
    /// Whether its guard is a module.
    pub(super) wasm: bool,
}

pub(super) const CASES: &[Bench] = &[
    Bench {
        row: "step of a flat machine",
        machine: flat,
        events: &["go", "back"],
        xstate: "flat",
        wasm: false,
    },
    Bench {
        row: "step of a hierarchical machine",
        machine: hierarchical,
        events: &["next", "up", "next", "down"],
        xstate: "hierarchical",
        wasm: false,
    },
    Bench {
        row: "step of a parallel machine, both regions",
        machine: parallel,
        events: &["tick"],
        xstate: "parallel",
        wasm: false,
    },
    Bench {
        row: "step with a native guard",
        machine: guarded,
        events: &["go", "back"],
        xstate: "guarded",
        wasm: false,
    },
    Bench {
        row: "step with a guard as an expression",
        machine: expression,
        events: &["go", "back"],
        xstate: "guarded",
        wasm: false,
    },
    Bench {
        row: "step with a change of the context",
        machine: counting,
        events: &["tick"],
        xstate: "counting",
        wasm: false,
    },
    Bench {
        row: "step with a guard in WebAssembly, same context",
        machine: always_guarded,
        events: &["go", "back"],
        xstate: "alwaysGuarded",
        wasm: true,
    },
    Bench {
        row: "step with a guard in WebAssembly, new context",
        machine: guarded_counting,
        events: &["tick"],
        xstate: "guardedCounting",
        wasm: true,
    },
];

/// A guard that says yes: what is measured is asking it, with a request that holds the context.
pub(super) const GUARD: &[u8] = br#"(module
    (memory (export "memory") 1)
    (data (i32.const 16) "{\"ok\":true}")
    (func (export "alloc") (param i32) (result i32) (i32.const 1024))
    (func (export "eval") (param i32 i32) (result i64) (i64.const 0x100000000b)))"#;

fn machine(initial: &str, states: &str) -> String {
    format!(r#"{{"name":"bench","initial":"{initial}","hasInitial":true,"states":[{states}]}}"#)
}

fn state(name: &str, transitions: &[(&str, &str, &str)]) -> String {
    let transitions: Vec<String> = transitions
        .iter()
        .map(|(on, to, more)| format!(r#"{{"from":"{name}","on":"{on}","to":"{to}"{more}}}"#))
        .collect();
    format!(r#"{{"name":"{name}","transitions":[{}]}}"#, transitions.join(","))
}

fn flat() -> String {
    machine("a", &format!("{},{}", state("a", &[("go", "b", "")]), state("b", &[("back", "a", "")])))
}

fn hierarchical() -> String {
    let inside = |name: &str, other: &str, on: &str, to: &str| {
        let (first, second) = (format!("{name}1"), format!("{name}2"));
        format!(
            r#"{{"name":"{name}","initialChild":"{first}","transitions":[{{"from":"{name}","on":"{on}","to":"{to}"}}],
                "children":[{},{}]}}"#,
            state(&first, &[("next", &second, "")]),
            state(&second, &[(other, &first, "")]),
        )
    };
    machine("p", &format!("{},{}", inside("p", "never", "up", "q"), inside("q", "never", "down", "p")))
}

fn parallel() -> String {
    let region = |name: &str| {
        let (on, off) = (format!("{name}on"), format!("{name}off"));
        format!(
            r#"{{"name":"{name}","initialChild":"{off}","states":[{},{}]}}"#,
            state(&off, &[("tick", &on, "")]),
            state(&on, &[("tick", &off, "")]),
        )
    };
    machine("both", &format!(r#"{{"name":"both","regions":[{},{}]}}"#, region("left"), region("right")))
}

/// A machine with so many regions, each with two states and events of its own.
pub(super) fn regions(count: usize) -> String {
    let region = |number: usize| {
        let (on, off) = (format!("on{number}"), format!("off{number}"));
        format!(
            r#"{{"name":"r{number}","initialChild":"{off}","states":[{},{}]}}"#,
            state(&off, &[(&format!("ping{number}"), &on, "")]),
            state(&on, &[(&format!("pong{number}"), &off, "")]),
        )
    };
    let regions: Vec<String> = (0..count).map(region).collect();
    machine("all", &format!(r#"{{"name":"all","regions":[{}]}}"#, regions.join(",")))
}

fn guarded_by(guard: &str, on_the_way_back: &str) -> String {
    machine(
        "a",
        &format!("{},{}", state("a", &[("go", "b", guard)]), state("b", &[("back", "a", on_the_way_back)])),
    )
}

fn guarded() -> String {
    guarded_by(r#","guards":[{"name":"enough"}]"#, "")
}

fn always_guarded() -> String {
    guarded_by(r#","guards":[{"name":"enough"}]"#, r#","guards":[{"name":"enough"}]"#)
}

fn expression() -> String {
    let guard = r#","guardExpr":{"op":"ge","kind":"core","children":[
        {"op":"field","kind":"core","path":"amount"},
        {"op":"literal","kind":"core","literal":{"type":"int","value":10}}]}"#;
    guarded_by(guard, "")
}

fn guarded_counting() -> String {
    machine(
        "a",
        &state(
            "a",
            &[("tick", "a", r#","internal":true,"guards":[{"name":"enough"}],"assigns":[{"name":"count"}]"#)],
        ),
    )
}

fn counting() -> String {
    machine("a", &state("a", &[("tick", "a", r#","internal":true,"assigns":[{"name":"count"}]"#)]))
}
