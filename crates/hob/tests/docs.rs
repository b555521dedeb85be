//! The tables of the documentation say what the code does. `HOB_UPDATE_DOCS=1` writes the tables anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

use std::path::PathBuf;

use hob::{Limit, Policy};

/// Checks that a document holds exactly these rows under this head.
fn check(document: &str, head: &str, rows: &[String]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(document);
    let text = std::fs::read_to_string(&path).unwrap();
    let begin = text.find(head).unwrap_or_else(|| panic!("{document} has no table {head}")) + head.len();
    let begin = begin + text[begin..].find("|\n").unwrap() + 2;
    let begin = begin + text[begin..].find('\n').map_or(0, |_| 0);
    let body_start = text[begin..]
        .lines()
        .next()
        .filter(|line| line.starts_with("|---"))
        .map_or(begin, |line| begin + line.len() + 1);
    let body: String = text[body_start..]
        .lines()
        .take_while(|line| line.starts_with('|'))
        .map(|line| format!("{line}\n"))
        .collect();
    let want: String = rows.iter().map(|row| format!("{row}\n")).collect();
    if std::env::var_os("HOB_UPDATE_DOCS").is_some() {
        let rest = text[body_start..].lines().skip_while(|line| {
            line.starts_with('|') || line.chars().all(|c| c.is_ascii_uppercase()) && !line.is_empty()
        });
        let rest: String = rest.map(|line| format!("{line}\n")).collect();
        std::fs::write(&path, format!("{}{want}{rest}", &text[..body_start])).unwrap();
        return;
    }
    assert_eq!(body, want, "{document} differs from the code; HOB_UPDATE_DOCS=1 writes it anew");
}

#[test]
fn limits() {
    let at = |limit: Limit| match limit {
        Limit::Memory | Limit::TableElements => {
            "growing is refused; a module that begins larger is not instantiated"
        }
        Limit::HostBuffer => "the call that would hold more fails",
        Limit::Output => "the bytes up to it go out; then the guest is ended",
        Limit::LogLines => "further lines are counted and dropped",
        Limit::Handles => "of an actor, in one turn: naming one more fails with `limit`",
        Limit::Processes => "starting another says `again`",
        Limit::Disk => "writing says `nospc`",
        Limit::DiskFiles => "making another says `nospc`",
        Limit::OpenFiles => "opening fails with `mfile`",
        Limit::Instances => "another instance is refused",
        Limit::Fuel => "the guest is ended",
        Limit::SoftDeadline => "the next wait ends early, once",
        Limit::HardDeadline => "the guest is ended",
        Limit::Request | Limit::Response => "the call fails",
        Limit::ModuleSize | Limit::FunctionCount | Limit::FunctionSize => "the module is not loaded",
        Limit::HttpBody | Limit::HttpHeaders | Limit::HttpRedirects | Limit::HttpTime => "the request fails",
        Limit::Record => "the next host call is not made, and the guest is ended",
        Limit::CompileTime => "with `--engine auto` the module is interpreted instead; else it is not loaded",
        _ => "",
    };
    let rows: Vec<String> = Limit::ALL
        .iter()
        .map(|limit| {
            let unit = format!("{:?}", limit.unit()).to_lowercase();
            let default = limit.default_value().map_or("none".into(), |value| limit.amount(value));
            let max = if *limit == Limit::Fuel { "none".into() } else { limit.amount(limit.max_value()) };
            let flag = limit.flag().map_or("".into(), |flag| format!("`{flag}`"));
            format!("| `{}` | {unit} | {default} | {max} | {flag} | {} |", limit.name(), at(*limit))
        })
        .collect();
    check("limits.md", "| limit | unit |", &rows);
}

#[test]
fn features() {
    let rows: Vec<String> =
        hob::accepted_features().map(|(name, why)| format!("| `{name}` | {why} |")).collect();
    check("features.md", "| proposal | needed by ", &rows);
}

#[test]
fn functions_of_plugins() {
    let offered = |grants: &dyn Fn(&mut Policy)| {
        let mut policy = Policy::none();
        grants(&mut policy);
        let offered = hob::abi::Offered::new(&policy);
        let own = offered.functions().filter(|(module, _, _)| !module.starts_with("wasi_"));
        own.map(|(module, name, ty)| (format!("{module}.{name}"), ty.to_string())).collect::<Vec<_>>()
    };
    let folder = |access: &'static str| {
        move |policy: &mut Policy| policy.fs.push(hob::FsGrant::parse(&format!("/::/w:{access}")).unwrap())
    };
    let there: [(&str, Vec<(String, String)>); 5] = [
        ("always", offered(&|_| {})),
        ("the log is granted", offered(&|policy| policy.log = true)),
        ("a folder is granted", offered(&folder("ro"))),
        ("a folder is granted for writing", offered(&folder("rw"))),
        (
            "a host is granted",
            offered(&|policy| policy.net.push(hob::NetGrant::parse("https://a.example").unwrap())),
        ),
    ];
    let mut rows = std::collections::BTreeMap::new();
    for (when, functions) in &there {
        for (name, ty) in functions {
            rows.entry(name).or_insert((*when, ty));
        }
    }
    let answers = |name: &str| match name {
        "hob.http" => "a response as JSON, below",
        "samuel.callback" => "0 taken, 1 not taken",
        "samuel.config_get" => "the value of a key",
        "samuel.fs_read" => "the bytes of a file",
        "samuel.fs_write" => "0 done, 1 failed, 2 denied",
        "samuel.log" => "nothing",
        "samuel.net_outbound" => "0 sent and answered below 400, 1 failed, 2 denied",
        _ => "",
    };
    let rows: Vec<String> = rows
        .into_iter()
        .map(|(name, (when, ty))| format!("| `{name}` | `{ty}` | {when} | {} |", answers(name)))
        .collect();
    check("abi/plugin.md", "| function | type | there when ", &rows);
}

#[test]
fn the_guard_of_the_contract_page_is_a_guard() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/abi/json.md");
    let text = std::fs::read_to_string(path).unwrap();
    let guard = text.split("```wat\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let host = hob::Host::builder().build().unwrap();
    assert!(host.load_bytes("guard", guard.as_bytes()).unwrap().behavior().unwrap().decide(b"{}").unwrap());
}

#[test]
fn the_lines_of_the_readme_are_those_of_the_example() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("../../README.md")).unwrap();
    let example = std::fs::read_to_string(root.join("examples/embed.rs")).unwrap();
    let block = readme.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let indented: String = block.lines().map(|line| format!("    {line}\n")).collect();
    assert!(example.contains(&indented), "the README shows other lines than crates/hob/examples/embed.rs");
}

#[test]
fn the_actors_of_the_sdk_page_are_those_that_are_tested() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/actors-sdk.md")).unwrap();
    for (fence, language, ending) in
        [("rust", "rust", "rs"), ("c", "c", "c"), ("ts", "as", "ts"), ("go", "go", "go")]
    {
        let guest = root.join(format!("guests/actor-counter-{language}/guest.{ending}"));
        let source = std::fs::read_to_string(&guest).unwrap();
        let shown = page.contains(&format!("```{fence}\n{source}```\n"));
        assert!(shown, "docs/actors-sdk.md shows another actor than {}", guest.display());
    }
}
