//! Whatever is narrowed and done in whatever order, nothing outside of the grant is reached and no right is ever widened.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;

use common::{SOON, says, with_text, with_texts};
use hob_cap::{Access, FsGrant};
use hob_powerbox::Powerbox;
use hob_vat::{Peer, Problem, Ref, Value, Vat};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;

/// Names that steps are about: those that are there, and those that lead out or nowhere.
const PATHS: [&str; 16] = [
    ".",
    "a",
    "d",
    "d/b",
    "d/e",
    "d/e/c",
    "..",
    "../secret",
    "out",
    "out/secret",
    "d/up",
    "d/e/../../a",
    "/etc/passwd",
    "in",
    "none/x",
    "d/../../secret",
];

/// What is done to one of the objects there are.
#[derive(Clone, Debug)]
enum Step {
    Open(usize, usize),
    File(usize, usize),
    ReadOnly(usize),
    Read(usize, usize),
    Write(usize, usize),
    Append(usize, usize),
    Make(usize, usize),
    Remove(usize, usize),
    Rename(usize, usize, usize),
    Revoke(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (object, path) = (0..32_usize, 0..PATHS.len());
    prop_oneof![
        3 => (object.clone(), path.clone()).prop_map(|(at, path)| Step::Open(at, path)),
        2 => (object.clone(), path.clone()).prop_map(|(at, path)| Step::File(at, path)),
        2 => object.clone().prop_map(Step::ReadOnly),
        2 => (object.clone(), path.clone()).prop_map(|(at, path)| Step::Read(at, path)),
        2 => (object.clone(), path.clone()).prop_map(|(at, path)| Step::Write(at, path)),
        1 => (object.clone(), path.clone()).prop_map(|(at, path)| Step::Append(at, path)),
        1 => (object.clone(), path.clone()).prop_map(|(at, path)| Step::Make(at, path)),
        1 => (object.clone(), path.clone()).prop_map(|(at, path)| Step::Remove(at, path)),
        1 => (object.clone(), path.clone(), path).prop_map(|(at, from, to)| Step::Rename(at, from, to)),
        1 => object.prop_map(Step::Revoke),
    ]
}

/// What is known of an object: what it was narrowed from, and what may be done with it at most.
struct Known {
    reference: Ref,
    parent: Option<usize>,
    access: Access,
    is_file: bool,
    gone: bool,
}

struct Model {
    vat: Vat,
    powerbox: Powerbox,
    objects: Vec<Known>,
}

/// Every file with what it holds, and every other name with what it is.
fn all(at: &std::path::Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        let kind = std::fs::symlink_metadata(&path).unwrap().file_type();
        let name = path.display().to_string();
        if kind.is_dir() {
            found.extend(all(&path));
            found.insert(name, "a directory".into());
        } else if kind.is_symlink() {
            found.insert(name, "a link".into());
        } else {
            found.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
    found
}

impl Model {
    fn ask(&self, at: usize, args: &[Value]) -> Result<Value, Problem> {
        self.vat.ask(self.objects[at].reference, args.to_vec(), SOON)
    }

    fn narrowed(&mut self, at: usize, args: &[Value], access: Access, is_file: bool) {
        if let Ok(made) = self.ask(at, args) {
            let reference = made.as_ref().unwrap();
            assert!(!self.objects[at].gone && (!self.objects[at].is_file || args.len() == 1), "{args:?}");
            let access = self.objects[at].access.min(access);
            self.objects.push(Known { reference, parent: Some(at), access, is_file, gone: false });
        }
    }

    /// Whether it is below another, or that one.
    fn is_below(&self, mut at: usize, top: usize) -> bool {
        loop {
            if at == top {
                return true;
            }
            let Some(parent) = self.objects[at].parent else { return false };
            at = parent;
        }
    }

    /// Does a step. Says whether the file system may be another one afterwards.
    fn step(&mut self, step: &Step) -> bool {
        let count = self.objects.len();
        let path = |at: &usize| PATHS[*at];
        match step {
            Step::Open(at, to) => {
                self.narrowed(at % count, &with_text("open", path(to)), Access::ReadWrite, false);
                false
            }
            Step::File(at, to) => {
                self.narrowed(at % count, &with_text("file", path(to)), Access::ReadWrite, true);
                false
            }
            Step::ReadOnly(at) => {
                let is_file = self.objects[at % count].is_file;
                self.narrowed(at % count, &says("read-only"), Access::Read, is_file);
                false
            }
            Step::Read(at, from) => {
                let is_file = self.objects[at % count].is_file;
                let answer = if is_file {
                    self.ask(at % count, &says("text"))
                } else {
                    self.ask(at % count, &with_text("text", path(from)))
                };
                if let Ok(answer) = answer {
                    assert_ne!(answer, "secret".into(), "{step:?}");
                }
                false
            }
            Step::Write(at, to) => self.change(at % count, "write", path(to)),
            Step::Append(at, to) => self.change(at % count, "append", path(to)),
            Step::Make(at, to) => self.changes(at % count, &with_text("make-directory", path(to))),
            Step::Remove(at, to) => self.changes(at % count, &with_text("remove", path(to))),
            Step::Rename(at, from, to) => {
                self.changes(at % count, &with_texts("rename", path(from), path(to)))
            }
            Step::Revoke(at) => {
                let at = at % count;
                // The first one stays, or nothing would be left to do.
                if at > 0 {
                    assert_eq!(self.powerbox.revoke(self.objects[at].reference), !self.objects[at].gone);
                    let below: Vec<usize> = (0..count).filter(|it| self.is_below(*it, at)).collect();
                    below.into_iter().for_each(|it| self.objects[it].gone = true);
                }
                false
            }
        }
    }

    fn change(&self, at: usize, method: &str, path: &str) -> bool {
        if self.objects[at].is_file {
            self.changes(at, &with_text(method, "written"))
        } else {
            self.changes(at, &with_texts(method, path, "written"))
        }
    }

    fn changes(&self, at: usize, args: &[Value]) -> bool {
        let done = self.ask(at, args).is_ok();
        assert!(
            !done || (self.objects[at].access == Access::ReadWrite && !self.objects[at].gone),
            "{args:?}"
        );
        done
    }

    /// What is gone answers nothing, and what is there answers.
    fn check(&self) {
        for (at, object) in self.objects.iter().enumerate() {
            match self.ask(at, &says("methods")) {
                Ok(_) => assert!(!object.gone),
                Err(problem) => {
                    assert!(object.gone, "{problem}");
                    assert_eq!(problem.rule_name(), Some("revoked"));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 48, failure_persistence: None, ..Config::default() })]

    #[test]
    fn nothing_outside_is_reached_and_no_right_is_widened(
        writable in any::<bool>(),
        steps in vec(step(), 1..40),
    ) {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("granted");
        std::fs::create_dir_all(root.join("d/e")).unwrap();
        std::fs::write(outer.path().join("secret"), "secret").unwrap();
        for (name, text) in [("a", "a"), ("d/b", "b"), ("d/e/c", "c")] {
            std::fs::write(root.join(name), text).unwrap();
        }
        symlink(outer.path(), root.join("out")).unwrap();
        symlink("../../secret", root.join("d/up")).unwrap();
        symlink("d/b", root.join("in")).unwrap();
        let outside = |path: &std::path::Path| {
            let mut all = all(path);
            all.retain(|name, _| !name.starts_with(root.to_str().unwrap()));
            all
        };
        let before = outside(outer.path());

        let access = if writable { Access::ReadWrite } else { Access::Read };
        let peer = Peer::builder().threads(1).build().unwrap();
        let powerbox = Powerbox::open(&peer).unwrap();
        let grant = FsGrant::parse(&format!("{}::/:{access}", root.display())).unwrap();
        let reference = powerbox.directory(&grant).unwrap();
        let first = Known { reference, parent: None, access, is_file: false, gone: false };
        let mut model = Model { vat: peer.vat("main").unwrap(), powerbox, objects: vec![first] };
        let mut inside = all(&root);
        for step in &steps {
            let changed = model.step(step);
            let now = all(&root);
            prop_assert!(changed || now == inside, "{:?} changed what it may not", step);
            prop_assert_eq!(&outside(outer.path()), &before, "{:?}", step);
            inside = now;
        }
        model.check();
    }
}
