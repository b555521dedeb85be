//! `hob.toml`: what its reader and its published schema say of good and bad manifests, and what becomes of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::fs;

use hob_package::{Checked, Schema, check};

const PACKAGE: &str =
    "[package]\nname = \"demo\"\nversion = \"1.2.3\"\nkind = \"command\"\nmodule = \"m.wat\"\n";
const PLUGIN: &str =
    "[package]\nname = \"demo\"\nversion = \"1.2.3\"\nkind = \"plugin\"\nmodule = \"p.wat\"\n[[export]]\n";

/// A package with this manifest, and modules for all of them.
fn checked(manifest: &str) -> Checked {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    file("hob.toml", manifest);
    let start = r#"(module (func (export "_start")) (func (export "run")) (memory (export "memory") 1))"#;
    let plugin = r#"(module (memory (export "memory") 1)
        (func (export "samuel_protocol_version") (result i32) i32.const 1)
        (func (export "health") (result i32) i32.const 0)
        (func (export "samuel_alloc") (param i32) (result i32) i32.const 0)
        (func (export "plain") (result i32) i32.const 0)
        (func (export "lint") (param i32 i32) (result i64) i64.const 0))"#;
    for name in ["m.wat", "a/b.wat", "m.txt"] {
        file(name, start);
    }
    file("p.wat", plugin);
    for name in ["in.json", "schema/in.json"] {
        file(name, "{}");
    }
    check(dir.path())
}

fn rules(manifest: &str) -> Vec<(String, Option<usize>)> {
    let mut rules: Vec<_> = checked(manifest)
        .report
        .problems
        .iter()
        .map(|problem| (problem.rule.to_string(), problem.line))
        .collect();
    rules.dedup();
    rules
}

#[test]
fn the_published_schema_and_the_reader_agree() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../../docs/hob.schema.json")).unwrap();
    let schema = Schema::new(&schema, "hob.schema.json").unwrap();
    let check = |text: &str, good: bool| {
        let rules = rules(text);
        assert_eq!(rules.is_empty(), good, "the reader, of {text}: {rules:?}");
        let value: toml::Value = toml::from_str(text).unwrap();
        let verdict = schema.validate(&serde_json::to_value(value).unwrap());
        assert_eq!(verdict.is_ok(), good, "the schema, of {text}: {verdict:?}");
    };
    let with = |more: &str, good: bool| check(&format!("{PACKAGE}{more}"), good);
    let plugin = |more: &str, good: bool| check(&format!("{PLUGIN}{more}"), good);
    let replaced = |from: &str, to: &str, good: bool| check(&PACKAGE.replace(from, to), good);

    with("", true);
    with("description = \"d\"\nlicense = \"MIT\"\nhomepage = \"https://x\"\nauthors = [\"a\"]\n", true);
    with("entry = \"run\"\ninput-schema = \"schema/in.json\"\noutput-schema = \"in.json\"\n", true);
    for bad in [
        "bogus = 1",
        "input_schema = \"in.json\"",
        "authors = \"a\"",
        "authors = [1]",
        "license = 1",
        "description = \"\\u001b[31m\"",
        "description = \"\\u202egnp\"",
        "entry = \"\"",
        "entry = \"a b\"",
        "entry = 5",
        "input-schema = \"/in.json\"",
        "output-schema = \"../in.json\"",
    ] {
        with(bad, false);
    }
    for key in ["name", "version", "kind", "module"] {
        let without: Vec<&str> = PACKAGE.lines().filter(|line| !line.starts_with(key)).collect();
        check(&without.join("\n"), false);
    }
    check("", false);
    check("package = 1\n", false);
    with("[extra]\n", false);
    let long = "a".repeat(64);
    let longer = "a".repeat(65);
    for (name, good) in [
        ("a.b_c-d", true),
        ("0x", true),
        (&long, true),
        (&longer, false),
        ("_x", false),
        (".x", false),
        ("-x", false),
        ("", false),
        ("a b", false),
    ] {
        replaced("demo", name, good);
    }
    for (version, good) in
        [("1.0.0-rc.1+b", true), ("1.2", false), ("banana", false), ("01.2.3", false), ("1.0.0-01", false)]
    {
        replaced("1.2.3", version, good);
    }
    for (kind, good) in [("tool", true), ("skill", false), ("Tool", false)] {
        replaced("command", kind, good);
    }
    for (module, good) in [
        ("a/b.wat", true),
        ("../m.wat", false),
        ("/m.wat", false),
        ("m.txt", false),
        ("a\\\\m.wat", false),
        (".m.wat", false),
        ("a//b.wat", false),
        ("C:m.wat", false),
        ("a/./b.wat", false),
    ] {
        replaced("m.wat", module, good);
    }
    plugin("name = \"lint\"\n", true);
    plugin("name = \"lint\"\nabi = \"json\"\ninput = \"in.json\"\noutput = \"schema/in.json\"\n", true);
    plugin("name = \"plain\"\nabi = \"none\"\ndescription = \"d\"\n", true);
    for bad in [
        "name = \"plain\"\nabi = \"none\"\ninput = \"in.json\"",
        "name = \"lint\"\nabi = \"wit\"",
        "abi = \"json\"",
        "name = \"\"",
        "name = \"memory\"",
        "name = \"health\"",
        "name = \"lint\"\nextra = 1",
    ] {
        plugin(bad, false);
    }
    with("[export]\nname = \"lint\"\n", false);
    with(
        "[request]\nfs = [{ path = \"/workspace\", access = \"rw\" }, { path = \".\" }]\nenv = [\"HOME\"]\n\
         net = [\"[GET] https://api.example.com\", \"tcp://db.example.com:5432\"]\nclock = \"real\"\n\
         random = \"real\"\nlog = false\nstdio = false\nobjects = [\"db\"]\nconfig = [\"api.key\"]\n[policy]\nlog = false\nstdio = false\n",
        true,
    );
    for bad in [
        "fs = [\"/workspace\"]",
        "fs = [{ path = \"/a/../b\" }]",
        "fs = [{ path = \"/a/*\" }]",
        "fs = [{ path = \"\" }]",
        "fs = [{ path = \"/a\\u202e\" }]",
        "fs = [{}]",
        "fs = [{ path = \"/a\", access = \"wo\" }]",
        "fs = [{ path = \"/a\", host = \"/b\" }]",
        "env = [\"A=B\"]",
        "env = [\"*\"]",
        "env = [\"1A\"]",
        "env = [\"\"]",
        "net = [\"api.example.com\"]",
        "net = [\"ftp://x.com\"]",
        "net = [\"https://u@x.com\"]",
        "clock = \"wall\"",
        "random = 7",
        "random = \"dice\"",
        "log = \"yes\"",
        "stdio = \"all\"",
        "config = [\"\"]",
        "objects = [\"a b\"]",
        "exec = true",
    ] {
        with(&format!("[request]\n{bad}\n"), false);
        with(&format!("[policy]\n{bad}\n"), false);
    }
    with("[limits]\nmemory = \"64MiB\"\ntimeout = \"5s\"\nsoft-timeout = \"250ms\"\nfuel = 1000\n", true);
    with("[limits]\noutput = \"1024\"\ntimeout = \"1.5m\"\n", true);
    for bad in [
        "memory = 0",
        "memory = \"0\"",
        "memory = \"much\"",
        "output = 5",
        "timeout = 5",
        "timeout = \"5\"",
        "timeout = \"0s\"",
        "timeout = \"1.2.3s\"",
        "fuel = \"1\"",
        "fuel = -1",
        "handles = 1",
    ] {
        with(&format!("[limits]\n{bad}\n"), false);
    }
}

#[test]
fn a_problem_has_its_rule_and_line() {
    let check = |more: &str, rule: &str, line: Option<usize>| {
        assert_eq!(rules(&format!("{PACKAGE}{more}")), [(rule.to_owned(), line)], "{more}");
    };
    check("[policy]\nenv = [\"HOME\"]\n", "policy-within-request", None);
    check("[policy]\nclock = \"real\"\n", "policy-within-request", None);
    check("[policy]\nconfig = [\"k\"]\n", "policy-within-request", None);
    check("[request]\nlog = false\n[policy]\nlog = true\n", "policy-within-request", None);
    let widened = "[request]\nfs = [{path=\"/w\"}]\n[policy]\nfs = [{path=\"/w\",access=\"rw\"}]\n";
    check(widened, "policy-within-request", None);
    check("[limits]\nsoft-timeout = \"6s\"\ntimeout = \"5s\"\n", "timeouts", Some(7));
    check("[limits]\nmemory = \"5GiB\"\n", "limit-value", Some(7));
    check("[request]\nnet = [\"https://api.*.com\"]\n", "net-pattern", Some(7));
    check("entry = 5\n", "manifest-fields", Some(6));
    check("entry = \n", "manifest-toml", Some(6));
    check("entry = \"gone\"\n", "entry-export", None);
    check("input-schema = \"gone.json\"\n", "schema-file", None);
    check("[bogus]\n", "unknown-key", Some(6));
    let twice = format!("{PLUGIN}name = \"lint\"\n[[export]]\nname = \"lint\"\n");
    assert_eq!(rules(&twice), [("export-name".to_owned(), Some(9))]);
}

#[test]
fn a_policy_that_is_absent_grants_only_harmless_things() {
    let granted = |more: &str| {
        let checked = checked(&format!("{PACKAGE}{more}"));
        let package = checked.package.unwrap_or_else(|| panic!("{more}: {:?}", checked.report.problems));
        let items: Vec<String> = package.policy.items().into_iter().map(|(item, _)| item).collect();
        items.join(" ")
    };
    let harmless = granted("");
    assert!(harmless.contains("stdin") && !harmless.contains("--env"), "{harmless}");
    assert_eq!(granted("[request]\nenv = [\"HOME\"]\nclock = \"real\"\nrandom = \"real\"\n"), harmless);
    let less = granted("[request]\nclock = \"none\"\nlog = false\nrandom = \"none\"\nstdio = false\n");
    assert_eq!(less, "");
    let own = granted(
        "[request]\nfs = [{path=\"/w\",access=\"rw\"}]\n[policy]\nfs = [{path=\"/w/x\"}]\nlog = false\n",
    );
    assert!(own.contains("/w/x:ro") && !own.contains("log"), "{own}");
}
