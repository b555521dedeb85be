//! Sources of every kind, as package managers and people lay them out.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::fs::image::tests::{Made, package};
use crate::limits::SOURCE_NAMES_MAX;

const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// A folder of the host that goes with the test.
struct Host(tempfile::TempDir);

impl Host {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn file(&self, path: &str, bytes: impl AsRef<[u8]>) -> &Self {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), bytes).unwrap();
        self
    }

    fn link(&self, path: &str, target: &str) -> &Self {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        symlink(target, self.path(path)).unwrap();
        self
    }

    /// A package of the older generation.
    fn older(&self, path: &str, name: &str, commands: &[&str]) -> &Self {
        self.file(&format!("{path}/package.json"), format!(r#"{{"name":"{name}","version":"1.0.0"}}"#));
        self.file(&format!("{path}/dist/index.js"), "throw 1");
        for command in commands {
            self.file(&format!("{path}/wasm/{command}"), [MODULE, command.as_bytes()].concat());
        }
        self
    }

    /// A package of the newer generation.
    fn newer(&self, path: &str, name: &str, commands: &[&str]) -> &Self {
        self.file(&format!("{path}/package.json"), format!(r#"{{"name":"{name}","version":"2.0.0"}}"#));
        self.file(&format!("{path}/dist/package.aospkg"), archive(commands))
    }

    fn open(&self, path: &str) -> Result<Commands, SourceError> {
        Commands::open(&self.path(path))
    }

    fn names(&self, path: &str) -> Vec<String> {
        self.open(path).unwrap().names().map(str::to_owned).collect()
    }

    fn refused(&self, path: &str, want: &str) {
        let error = self.open(path).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
}

fn archive(commands: &[&str]) -> Vec<u8> {
    let entries: Vec<String> = commands.iter().map(|name| format!("bin/{name}")).collect();
    let listed: Vec<(&str, &str)> =
        commands.iter().copied().zip(entries.iter().map(String::as_str)).collect();
    let objects: Vec<Made> = entries
        .iter()
        .map(|entry| Made::file(&format!("/{entry}"), &[MODULE, entry.as_bytes()].concat()))
        .collect();
    package(1, &listed, &objects)
}

#[test]
fn in_a_folder_what_runs_is_a_command() {
    let host = Host::new();
    host.file("bin/a.wasm", MODULE).file("bin/[", MODULE).file("bin/run.sh", "#!/bin/sh\n");
    host.file("bin/README", "text").file("bin/empty", "").file("bin/sub/c.wasm", MODULE);
    host.file("secret", MODULE).link("bin/out", "../secret").link("bin/abs", "/etc/passwd");
    host.link("bin/b", "a.wasm").link("bin/b2", "./b").link("bin/loop", "loop").link("bin/gone", "none");
    assert_eq!(host.names("bin"), ["[", "a", "b", "b2", "run.sh"]);
    let commands = host.open("bin").unwrap();
    let left: Vec<_> = commands.left_out().iter().map(|left| left.path.file_name().unwrap()).collect();
    assert_eq!(left, ["abs", "gone", "loop", "out"]);
    assert_eq!(commands.get("a").unwrap().origin().path, host.path("bin"));
    assert_eq!(commands.get("a").unwrap().origin().package, None);
    host.file("bin/a", MODULE);
    host.refused("bin", "two files for the command `a`");
}

#[test]
fn names_are_what_a_file_can_be_called() {
    let check = |name: &str, want: &str| {
        let host = Host::new();
        host.file(&format!("bin/{name}"), MODULE);
        host.refused("bin", want);
    };
    check(".wasm", "it is empty");
    check("..wasm", "a directory's own name");
    check("a\nb", "`a\\nb` cannot be the name of a command: it has a control character");
    assert_eq!(checked(&[b'a'; NAME_BYTES_MAX]).map(str::len), Ok(NAME_BYTES_MAX));
    for wrong in [[b'a'; NAME_BYTES_MAX + 1].as_slice(), b"a/b", b"..", b"\xff", b"a\0"] {
        assert!(checked(wrong).is_err(), "{}", wrong.escape_ascii());
    }
    let host = Host::new();
    host.file("p.aospkg", package(1, &[("../x", "a")], &[Made::file("/a", MODULE)]));
    host.refused("p.aospkg", "it has a slash in it");
    host.file("p.aospkg", package(1, &[("x", "a"), ("x", "a")], &[Made::file("/a", MODULE)]));
    host.refused("p.aospkg", "two files for the command `x`");
}

#[test]
fn both_generations_of_packages_are_known() {
    let host = Host::new();
    host.older("older", "@s/older", &["ls", "sh", "_stubs"]).file("older/wasm/notes", "text");
    host.file("older/wasm/lib.wasm", MODULE).file("secret", MODULE).link("older/wasm/out", "../../secret");
    assert_eq!(host.names("older"), ["ls", "sh"]);
    let origin = host.open("older").unwrap().get("ls").unwrap().origin().clone();
    let (package, version) = (Some("@s/older".to_owned()), Some("1.0.0".to_owned()));
    assert_eq!(origin, Origin { package, version, path: host.path("older") });
    host.newer("newer", "@t/newer", &["cat", "tar"]);
    assert_eq!(host.names("newer"), ["cat", "tar"]);
    assert_eq!(host.open("newer").unwrap().get("cat").unwrap().origin().version.as_deref(), Some("2.0.0"));
    assert_eq!(host.names("newer/dist/package.aospkg"), ["cat", "tar"]);
    let alone = host.open("newer/dist/package.aospkg").unwrap();
    assert_eq!(alone.get("cat").unwrap().origin().package.as_deref(), Some("made"));
}

#[test]
fn a_package_does_not_lead_out_of_itself() {
    let host = Host::new();
    host.older("real", "real", &["ls"]).newer("new", "new", &["ls"]);
    host.file("a/package.json", "{}").file("a/dist/index.js", "").link("a/wasm", "../real/wasm");
    host.file("b/package.json", "{}").link("b/dist", "../new/dist");
    host.file("c/package.json", "{}").link("c/dist/package.aospkg", "../../new/dist/package.aospkg");
    host.file("d/dist/x", "")
        .link("d/package.json", "../real/package.json")
        .link("d/wasm/ls", "../../real/wasm/ls");
    for package in ["a", "b", "c", "d"] {
        host.refused(package, "has no commands; name a folder of wasm modules");
    }
}

#[test]
fn in_node_modules_packages_of_commands_are_found_and_others_passed_over() {
    let host = Host::new();
    host.older("n/node_modules/@r/core", "@r/core", &["ls", "cat"]);
    host.newer("n/node_modules/@a/tar", "@a/tar", &["tar", "cat"]);
    host.older("n/node_modules/single", "single", &["one"]);
    host.file("n/node_modules/react/package.json", "{}").file("n/node_modules/react/dist/index.js", "");
    host.file("n/node_modules/parser/package.json", "{}").file("n/node_modules/parser/dist/index.js", "");
    host.file("n/node_modules/parser/wasm/parser.wasm", MODULE).file("n/node_modules/stray", MODULE);
    host.older("n/node_modules/.cache/x", "x", &["hidden"]);
    host.older("store/linked", "linked", &["far"]).link("n/node_modules/linked", "../../store/linked");
    host.older("store/scoped", "scoped", &["wide"]).link("n/node_modules/@a/scoped", "../../../store/scoped");
    host.link("n/node_modules/gone", "../none").link("n/node_modules/@all", "@r");
    let commands = host.open("n/node_modules").unwrap();
    assert_eq!(commands.names().collect::<Vec<_>>(), ["cat", "far", "ls", "one", "tar", "wide"]);
    assert_eq!(commands.get("cat").unwrap().origin().package.as_deref(), Some("@r/core"));
    let [over] = commands.overridden() else { panic!("{:?}", commands.overridden()) };
    assert_eq!((over.name.as_str(), over.was.package.as_deref()), ("cat", Some("@a/tar")));
    assert_eq!(host.names("n/node_modules/@r"), ["cat", "ls"]);
    host.file("n/node_modules/@r/core/package.json", "{");
    host.refused("n/node_modules", "package.json` cannot be used: EOF");
}

#[test]
fn one_module_is_one_command() {
    let host = Host::new();
    host.file("tool.wasm", MODULE).file("script", "#!/bin/sh").file("text", "text");
    assert_eq!(host.names("tool.wasm"), ["tool"]);
    assert_eq!(host.names("script"), ["script"]);
    host.refused("text", "has no commands; name a folder");
    host.refused("none", "cannot open");
    assert!(
        Commands::open(Path::new("/dev/null")).unwrap_err().to_string().contains("neither an ordinary file")
    );
    host.file("bad.aospkg", b"\x89AOS\x01\0\0\0");
    host.refused("bad.aospkg", "bad.aospkg` cannot be used: it ends early");
}

#[test]
fn later_sources_override_earlier_ones_and_it_is_told() {
    let host = Host::new();
    host.file("one/a", MODULE).file("one/b", MODULE).file("two/b.wasm", [MODULE, b"two"].concat());
    let merged = Commands::merge(vec![host.open("one").unwrap(), host.open("two").unwrap()]);
    assert_eq!((merged.len(), merged.get("b").unwrap().size()), (2, 11));
    let [over] = merged.overridden() else { panic!("{:?}", merged.overridden()) };
    assert_eq!((&over.was.path, &over.by.path), (&host.path("one"), &host.path("two")));
}

#[test]
fn the_directory_looks_the_same_everywhere() {
    let host = Host::new();
    host.newer("n/node_modules/new", "new", &["tar", "cat"]).older("n/node_modules/old", "old", &["ls"]);
    let root = host.open("n/node_modules").unwrap().tree(7);
    let mut listed = Vec::new();
    root.list(0, &mut |entry| {
        assert!(entry.next >= 3);
        listed.push((String::from_utf8(entry.name.to_vec()).unwrap(), entry.inode));
        true
    })
    .unwrap();
    assert_eq!(listed, [("cat".into(), 2), ("ls".into(), 3), ("tar".into(), 4)]);
    for (name, text) in [("cat", "bin/cat"), ("ls", "ls")] {
        let node = root.lookup(name.as_bytes()).unwrap();
        let stat = node.stat().unwrap();
        assert_eq!((stat.mode, stat.uid, stat.gid, stat.modified), (0o755, 0, 0, 0));
        let mut bytes = [0; 32];
        let read = node.open(false).unwrap().read_at(&mut bytes, 8).unwrap();
        assert_eq!(&bytes[..read], text.as_bytes());
    }
}

#[test]
fn there_are_only_so_many_commands() {
    let host = Host::new();
    let origin = Arc::new(Origin::default());
    let mut commands = Commands::default();
    for number in 0..COMMANDS_MAX {
        let command = Command { bytes: Stored::memory(*b""), origin: Arc::clone(&origin) };
        commands.add(format!("c{number}").as_bytes(), command).unwrap();
    }
    let one_more = Command { bytes: Stored::memory(*b""), origin };
    assert!(commands.add(b"d", one_more).unwrap_err().to_string().contains("more than 4096 commands"));
    assert_eq!(SOURCE_NAMES_MAX, 65_536);
    drop(host);
}
