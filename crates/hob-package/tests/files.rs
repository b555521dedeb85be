//! The files of a package: none outside it, none that waits, none above its bound, and texts that cannot lie to a reader.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use hob_package::{Checked, check};

const MANIFEST: &str = "[package]\nname = \"demo\"\nversion = \"1.2.3\"\nkind = \"tool\"\nmodule = \"m.wasm\"\ninput-schema = \"in.json\"\n";

/// A directory that holds a valid package `p`, and a file beside it.
fn package() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("p");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("hob.toml"), MANIFEST).unwrap();
    fs::write(root.join("m.wasm"), module(0)).unwrap();
    fs::write(root.join("in.json"), "{}").unwrap();
    fs::write(dir.path().join("outside"), "{}").unwrap();
    dir
}

/// A module of a tool, and a custom section with so many bytes after its name.
fn module(padding: usize) -> Vec<u8> {
    // Type () -> (), function 0, memory 0 of one page, exports `_start` and `memory`, an empty body.
    let mut bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x05\x03\x01\0\x01\
        \x07\x13\x02\x06_start\0\0\x06memory\x02\0\x0a\x04\x01\x02\0\x0b"
        .to_vec();
    if padding > 0 {
        // The size in five bytes of LEB128, whatever it is; the name is empty.
        let size = u32::try_from(padding + 1).unwrap();
        bytes.push(0);
        bytes.extend((0..5).map(|at| {
            let low = u8::try_from((size >> (7 * at)) & 0x7f).unwrap();
            if at < 4 { low | 0x80 } else { low }
        }));
        bytes.push(0);
        bytes.resize(bytes.len() + padding, 0);
    }
    bytes
}

fn checked(dir: &Path) -> Checked {
    check(&dir.join("p"))
}

/// The one rule that is broken once `change` was made, or nothing.
fn broken(change: impl FnOnce(&Path)) -> String {
    let dir = package();
    change(&dir.path().join("p"));
    let problems = checked(dir.path()).report.problems;
    problems.iter().map(|problem| problem.to_string()).collect::<Vec<_>>().join("\n")
}

#[test]
fn links_stay_in_the_package() {
    let link = |name: &'static str, target: &'static str| {
        broken(move |root: &Path| {
            fs::remove_file(root.join(name)).unwrap();
            symlink(target, root.join(name)).unwrap();
        })
    };
    for (name, rule) in [("hob.toml", "manifest-file"), ("m.wasm", "module-file"), ("in.json", "schema-file")]
    {
        for target in ["../outside", "/etc/hostname"] {
            let said = link(name, target);
            assert!(said.contains("leads out of the package") && said.contains(rule), "{name}: {said}");
        }
        let said = link(name, name);
        assert!(said.contains("in a circle"), "{said}");
        assert!(link(name, "gone").contains("missing"), "{name}");
    }
    let inside = broken(|root| {
        fs::rename(root.join("m.wasm"), root.join("real.wasm")).unwrap();
        symlink("./real.wasm", root.join("m.wasm")).unwrap();
    });
    assert_eq!(inside, "");
    // A directory that leads out, and a name that comes back in.
    let through = broken(|root| {
        symlink("..", root.join("up")).unwrap();
        fs::write(root.join("hob.toml"), MANIFEST.replace("m.wasm", "up/p/m.wasm")).unwrap();
    });
    assert!(through.contains("leads out of the package"), "{through}");
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    for name in ["hob.toml", "m.wasm", "in.json"] {
        let pipe = broken(|root| {
            fs::remove_file(root.join(name)).unwrap();
            let made = std::process::Command::new("mkfifo").arg(root.join(name)).status().unwrap();
            assert!(made.success());
        });
        assert!(pipe.contains("no regular file"), "{name}: {pipe}");
        let directory = broken(|root| {
            fs::remove_file(root.join(name)).unwrap();
            fs::create_dir(root.join(name)).unwrap();
        });
        assert!(directory.contains("directory"), "{name}: {directory}");
    }
}

#[test]
fn every_file_has_a_bound() {
    let padded = |text: &str, size: usize| format!("{text}{}", " ".repeat(size - text.len()));
    let manifest =
        |size: usize| broken(|root| fs::write(root.join("hob.toml"), padded(MANIFEST, size)).unwrap());
    assert_eq!(manifest(64 << 10), "");
    assert!(manifest((64 << 10) + 1).contains("larger than 64 KiB"));
    let schema = |size: usize| broken(|root| fs::write(root.join("in.json"), padded("{}", size)).unwrap());
    assert_eq!(schema(256 << 10), "");
    assert!(schema((256 << 10) + 1).contains("larger than 256 KiB"));
    let empty = module(1).len() - 1;
    let large = |size: usize| {
        let module = module(size - empty);
        assert_eq!(module.len(), size);
        broken(|root| fs::write(root.join("m.wasm"), module).unwrap())
    };
    assert_eq!(large(64 << 20), "");
    assert!(large((64 << 20) + 1).contains("larger than 64 MiB"));
}

#[test]
fn problems_are_many_and_not_without_end() {
    let keys = |count: usize| {
        let keys: String = (0..count).map(|key| format!("k{key} = 1\n")).collect();
        let dir = package();
        fs::write(dir.path().join("p/hob.toml"), format!("{MANIFEST}{keys}")).unwrap();
        checked(dir.path()).report.problems.len()
    };
    assert_eq!(keys(200), 200);
    assert_eq!(keys(201), 200);
}

#[test]
fn texts_of_a_package_cannot_lie_to_a_reader() {
    // A newline, an escape sequence, and letters that turn the direction of reading.
    let hostile = "a\\u001b[2Jb\\nvalid\\u202Egnp\\u2066";
    let dir = package();
    let scoot = format!(
        "name = \"{hostile}\"\ndescription = \"{hostile}\"\nentry = \"_start\"\ninput_schema = \"{hostile}\"\n\
         output_schema = \"in.json\"\ncapabilities = [\"{hostile}\"]\n"
    );
    let root = dir.path().join("p");
    fs::remove_file(root.join("hob.toml")).unwrap();
    fs::write(root.join("manifest.toml"), scoot).unwrap();
    fs::write(root.join("policy.toml"), format!("capabilities = [\"{hostile}\"]\n\"{hostile}\" = 1\n"))
        .unwrap();
    let report = checked(dir.path()).report;
    assert!(!report.problems.is_empty());
    for problem in &report.problems {
        let said = problem.to_string();
        let hidden = |c: char| {
            c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c)
        };
        assert!(!said.contains(hidden) && said.len() < 1000, "{said:?}");
    }
}

#[test]
fn a_policy_that_cannot_be_read_grants_nothing_and_says_why() {
    let policy = |text: Option<&str>| {
        let dir = package();
        let root = dir.path().join("p");
        fs::remove_file(root.join("hob.toml")).unwrap();
        let manifest = "name = \"demo\"\ndescription = \"d\"\nentry = \"_start\"\ninput_schema = \"in.json\"\n\
                        output_schema = \"in.json\"\ncapabilities = [\"compute\"]\n";
        fs::write(root.join("manifest.toml"), manifest).unwrap();
        fs::rename(root.join("m.wasm"), root.join("component.wasm")).unwrap();
        match text {
            Some(text) => fs::write(root.join("policy.toml"), text).unwrap(),
            None => fs::create_dir(root.join("policy.toml")).unwrap(),
        }
        let checked = checked(dir.path());
        assert_eq!(checked.package.is_none(), !checked.report.problems.is_empty());
        let said: Vec<String> = checked.report.problems.iter().map(ToString::to_string).collect();
        said.join("\n")
    };
    assert_eq!(policy(Some("capabilities = [\"compute\"]\n")), "");
    for (text, said) in [
        (None, "policy.toml"),
        (Some(""), "policy.toml"),
        (Some("capabilities = [\"compute\"]\nversion = 2\n"), "policy.toml:2"),
        (Some("capabilities = [\"compute\", \"exec\"]\n"), "exec"),
        (Some("capabilities = 7\n"), "policy.toml"),
        (Some("capabilities = [\n"), "policy.toml"),
    ] {
        let got = policy(text);
        assert!(!got.is_empty() && got.contains(said), "{text:?}: {got}");
    }
}
