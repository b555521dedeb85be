//! Path resolution against a model: the same paths through cap-std, which resolves them in the kernel.

mod common;

use cap_std::fs::OpenOptions;
use common::{DIR, Host, create, follow, read};
use hob_os::OsError;
use proptest::prelude::*;

/// One step of making a folder.
#[derive(Debug, Clone)]
enum Make {
    Dir(String),
    File(String),
    Link(String, String),
}

fn name() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("a"), Just("b"), Just("c"), Just("d")]
}

fn path() -> impl Strategy<Value = String> {
    let part = prop_oneof![8 => name(), 3 => Just(".."), 1 => Just("."), 1 => Just("")];
    (proptest::collection::vec(part, 1..7), prop_oneof![9 => Just(""), 1 => Just("/")])
        .prop_map(|(parts, start)| format!("{start}{}", parts.join("/")))
        .prop_filter("cap-std and this crate agree on what an empty path is", |path| !path.is_empty())
}

fn make() -> impl Strategy<Value = Make> {
    let place = || proptest::collection::vec(name(), 1..4).prop_map(|parts| parts.join("/"));
    prop_oneof![
        4 => place().prop_map(Make::Dir),
        2 => place().prop_map(Make::File),
        4 => (path(), place()).prop_map(|(text, place)| Make::Link(text, place)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_object_is_found_or_none(
        making in proptest::collection::vec(make(), 0..24),
        paths in proptest::collection::vec(path(), 1..16),
    ) {
        let host = Host::new();
        host.dir("in").dir("a").dir("b").file("c", "outside").file("a/b", "outside");
        let model = cap_std::fs::Dir::open_ambient_dir(host.path("in"), cap_std::ambient_authority()).unwrap();
        // Through the model as well, so that no link made before leads the making out.
        for step in &making {
            match step {
                Make::Dir(path) => drop(model.create_dir(path)),
                Make::File(path) => drop(model.open_with(path, OpenOptions::new().write(true).create_new(true))),
                Make::Link(text, path) => drop(model.symlink_contents(text, path)),
            }
        }
        let mut world = host.world(&[("in", "/", hob_cap::Access::ReadWrite)]);
        for path in &paths {
            use cap_std::fs::MetadataExt;
            let expected = model.metadata(path).map(|meta| (meta.dev(), meta.ino()));
            let found = world.filestat_at(DIR, true, path.as_bytes()).map(|stat| (stat.device, stat.inode));
            match (&expected, &found) {
                (Ok(expected), Ok(found)) => prop_assert_eq!(expected, found, "{}", path),
                (Err(_), Err(OsError::Errno(_))) => {}
                _ => prop_assert!(false, "{path}: {expected:?} but {found:?}"),
            }
            prop_assert_eq!(world.open_at(DIR, path.as_bytes(), follow(read())).is_ok(), expected.is_ok());
            // Nothing a guest does here shows outside.
            let _ = world.open_at(DIR, path.as_bytes(), follow(create()));
            let _ = world.unlink_at(DIR, path.as_bytes());
        }
        prop_assert_eq!(host.text("c"), "outside");
        prop_assert_eq!(host.text("a/b"), "outside");
        prop_assert_eq!(std::fs::read_dir(host.path("")).unwrap().count(), 4);
        prop_assert_eq!(std::fs::read_dir(host.path("b")).unwrap().count(), 0);
    }
}
