//! Directories and files as actors.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::os::unix::fs::symlink;

use common::{Setting, says, setting, with_text, with_texts};
use hob_cap::Access;
use hob_vat::{Ref, Value};

fn names(setting: &Setting, directory: Ref) -> Vec<String> {
    let listed = setting.ask(directory, &says("list")).unwrap();
    let name = |entry: &Value| entry.as_struct().unwrap().get("name").unwrap().as_str().unwrap().to_owned();
    listed.as_list().unwrap().iter().map(name).collect()
}

#[test]
fn a_directory_reads_and_writes() {
    let it = setting();
    let docs = it.directory(Access::ReadWrite);
    assert_eq!(it.ask(docs, &with_texts("write", "a.txt", "one")), Ok(Value::Undefined));
    assert_eq!(it.ask(docs, &with_texts("append", "a.txt", ", two")), Ok(Value::Undefined));
    assert_eq!(
        it.ask(docs, &[Value::symbol("append"), "b".into(), Value::bytes(&[0xff])]),
        Ok(Value::Undefined)
    );
    assert_eq!(it.ask(docs, &with_text("text", "a.txt")), Ok("one, two".into()));
    assert_eq!(it.ask(docs, &with_text("read", "a.txt")), Ok(Value::bytes(b"one, two")));
    let part =
        |offset: i64, length: i64| [Value::symbol("read"), "a.txt".into(), offset.into(), length.into()];
    assert_eq!(it.ask(docs, &part(5, 2)), Ok(Value::bytes(b"tw")));
    assert_eq!(it.ask(docs, &part(5, 200)), Ok(Value::bytes(b"two")));
    assert_eq!(it.ask(docs, &part(500, 2)), Ok(Value::bytes(b"")));
    assert_eq!(it.rule(docs, &with_text("text", "b")), "not-text");
    assert_eq!(it.ask(docs, &with_text("make-directory", "sub")), Ok(Value::Undefined));
    assert_eq!(it.ask(docs, &with_texts("rename", "b", "sub/c")), Ok(Value::Undefined));
    assert_eq!(names(&it, docs), ["a.txt", "sub"]);
    let stat = it.ask(docs, &with_text("stat", "a.txt")).unwrap();
    let stat = stat.as_struct().unwrap();
    assert_eq!((stat.get("kind"), stat.get("size")), (Some(&Value::symbol("file")), Some(&8.into())));
    assert_eq!(it.rule(docs, &with_text("remove", "sub")), "not-empty");
    assert_eq!(it.ask(docs, &with_text("remove", "sub/c")), Ok(Value::Undefined));
    assert_eq!(it.ask(docs, &with_text("remove", "sub")), Ok(Value::Undefined));
    assert_eq!(names(&it, docs), ["a.txt"]);
    assert_eq!(it.got("a.txt"), "one, two");
}

#[test]
fn what_fails_names_a_rule_and_what_would_be_allowed() {
    let it = setting();
    it.put("a", "text");
    std::fs::create_dir(it.folder.path().join("d")).unwrap();
    symlink("/etc", it.folder.path().join("out")).unwrap();
    symlink("a", it.folder.path().join("in")).unwrap();
    let docs = it.directory(Access::ReadWrite);
    let check = |args: &[Value], want: &str| assert_eq!(it.rule(docs, args), want, "{args:?}");
    check(&with_text("read", "none"), "not-found");
    check(&with_text("read", "none/a"), "not-found");
    check(&with_text("read", "d"), "is-a-directory");
    check(&with_text("read", "a/b"), "not-a-directory");
    check(&with_text("open", "a"), "not-a-directory");
    check(&with_text("make-directory", "a"), "exists");
    check(&with_text("read", "../a"), "outside");
    check(&with_text("read", "/etc/passwd"), "outside");
    check(&with_text("file", "/etc/passwd"), "outside");
    check(&with_text("read", "out/passwd"), "outside");
    check(&with_text("open", "out"), "outside");
    check(&with_text("open", "d/../.."), "outside");
    check(&with_texts("write", "../x", ""), "outside");
    check(&with_texts("write", "out/x", ""), "outside");
    check(&with_texts("rename", "a", "../a"), "outside");
    check(&with_text("file", "d/.."), "bad-path");
    check(&with_text("file", ""), "bad-path");
    check(&with_text("read", "a\0"), "bad-path");
    check(&with_text("read", &"x".repeat(300)), "bad-path");
    check(&[Value::symbol("read"), 1.into()], "bad-arguments");
    check(&[Value::symbol("write"), "a".into(), 1.into()], "bad-arguments");
    check(&[Value::symbol("read"), "a".into(), (-1).into(), 1.into()], "bad-arguments");
    check(&says("format"), "no-method");
    check(&[], "no-method");
    assert_eq!(
        it.ask(docs, &with_text("text", "in")),
        Ok("text".into()),
        "a link that stays inside is followed"
    );
    let file = it.narrow(docs, &with_text("file", "in"));
    assert_eq!(it.rule(file, &says("read")), "link");
    assert_eq!(it.rule(file, &with_text("write", "x")), "link");
    let told = it.ask(docs, &with_texts("write", "../x", "")).unwrap_err();
    assert!(told.contains("`../x` leads outside of what was granted"), "{told}");
    let told = it.ask(docs, &says("format")).unwrap_err();
    assert!(told.contains("'format is not a method here: list, page FROM [COUNT]"), "{told}");
    let methods = it.ask(docs, &says("methods")).unwrap();
    assert!(methods.as_list().unwrap().contains(&"read PATH [OFFSET LENGTH]".into()));
}

#[test]
fn what_may_only_be_read_is_not_written_by_any_method() {
    let it = setting();
    it.put("a", "text");
    std::fs::create_dir(it.folder.path().join("d")).unwrap();
    let given = it.directory(Access::Read);
    let writable = it.directory(Access::ReadWrite);
    let narrowed = it.narrow(writable, &says("read-only"));
    let below = it.narrow(it.narrow(narrowed, &with_text("open", "d")), &with_text("open", "."));
    let file = it.narrow(narrowed, &with_text("file", "a"));
    let lesser = it.narrow(it.narrow(writable, &with_text("file", "a")), &says("read-only"));
    for directory in [given, narrowed, below] {
        for args in [
            &with_texts("write", "a", "x")[..],
            &with_texts("append", "a", "x"),
            &with_text("make-directory", "x"),
            &with_text("remove", "a"),
            &with_texts("rename", "a", "x"),
        ] {
            assert_eq!(it.rule(directory, args), "not-permitted", "{args:?}");
        }
    }
    for file in [file, lesser] {
        for args in
            [&with_text("write", "x")[..], &with_text("append", "x"), &[Value::symbol("truncate"), 0.into()]]
        {
            assert_eq!(it.rule(file, args), "not-permitted", "{args:?}");
        }
        assert_eq!(it.ask(file, &says("text")), Ok("text".into()));
    }
    assert_eq!(it.got("a"), "text");
    assert_eq!(names(&it, narrowed), ["a", "d"]);
    let told = it.ask(given, &with_texts("write", "a", "x")).unwrap_err();
    assert!(told.contains("`:rw`"), "{told}");
}

#[test]
fn a_directory_that_was_narrowed_has_no_above() {
    let it = setting();
    std::fs::create_dir_all(it.folder.path().join("d/e")).unwrap();
    it.put("secret", "no");
    it.put("d/a", "yes");
    symlink("../secret", it.folder.path().join("d/up")).unwrap();
    let root = it.directory(Access::ReadWrite);
    let below = it.narrow(root, &with_text("open", "d"));
    assert_eq!(it.ask(root, &with_text("text", "d/up")), Ok("no".into()), "who has the whole may");
    for path in ["../secret", "up", "e/../../secret", "./.."] {
        assert_eq!(it.rule(below, &with_text("read", path)), "outside", "{path}");
    }
    assert_eq!(it.ask(below, &with_text("text", "e/../a")), Ok("yes".into()));
    // It is the directory that was opened, whatever it is called by now.
    std::fs::rename(it.folder.path().join("d"), it.folder.path().join("moved")).unwrap();
    std::fs::create_dir(it.folder.path().join("d")).unwrap();
    assert_eq!(it.ask(below, &with_text("text", "a")), Ok("yes".into()));
}

#[test]
fn a_file_is_a_name_in_a_directory() {
    let it = setting();
    std::fs::create_dir(it.folder.path().join("d")).unwrap();
    let root = it.directory(Access::ReadWrite);
    let file = it.narrow(root, &with_text("file", "d/log"));
    assert_eq!(it.rule(file, &says("size")), "not-found");
    assert_eq!(it.ask(file, &with_text("append", "one")), Ok(Value::Undefined));
    assert_eq!(it.ask(file, &with_text("append", " two")), Ok(Value::Undefined));
    assert_eq!(it.ask(file, &says("size")), Ok(7.into()));
    assert_eq!(it.ask(file, &[Value::symbol("read"), 4.into(), 2.into()]), Ok(Value::bytes(b"tw")));
    assert_eq!(it.ask(file, &[Value::symbol("truncate"), 3.into()]), Ok(Value::Undefined));
    assert_eq!(it.ask(file, &says("text")), Ok("one".into()));
    assert_eq!(it.ask(file, &with_text("write", "new")), Ok(Value::Undefined));
    assert_eq!(it.got("d/log"), "new");
    // Its name leads to something else now, and to nothing that was not given.
    std::fs::remove_file(it.folder.path().join("d/log")).unwrap();
    it.put("secret", "no");
    symlink("../secret", it.folder.path().join("d/log")).unwrap();
    assert_eq!(it.rule(file, &says("read")), "link");
}

#[test]
fn a_listing_goes_on_where_it_ended() {
    let it = setting();
    for number in 0..25 {
        it.put(&format!("f{number:02}"), "x");
    }
    let root = it.directory(Access::Read);
    let (mut found, mut from) = (Vec::new(), Value::from(0));
    while from != Value::Undefined {
        let page = it.ask(root, &[Value::symbol("page"), from.clone(), 10.into()]).unwrap();
        let page = page.as_struct().unwrap();
        let entries = page.get("entries").unwrap().as_list().unwrap();
        assert!(entries.len() <= 10);
        found.extend(entries.iter().map(|entry| entry.as_struct().unwrap().get("name").unwrap().to_string()));
        from = page.get("next").unwrap().clone();
    }
    found.sort();
    let want: Vec<String> = (0..25).map(|number| format!("\"f{number:02}\"")).collect();
    assert_eq!(found, want);
    assert_eq!(names(&it, root).len(), 25);
}
