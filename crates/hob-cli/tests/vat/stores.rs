//! Files of two databases.

use super::Desk;

#[test]
fn a_file_is_of_the_database_it_was_made_for() {
    for (flag, file, begins) in
        [("bank.vats", "bank.vats", &b"redb"[..]), ("sqlite:bank.db", "bank.db", &b"SQLite format 3\0"[..])]
    {
        let desk = Desk::new();
        let opened =
            desk.script(flag, "account = spawn counter 100\npublish \"account\" account\naccount get");
        assert_eq!(opened, "100\n");
        assert!(std::fs::read(desk.path(file)).unwrap().starts_with(begins), "{file}");
        // What is there is known by what it is.
        assert_eq!(desk.script(file, "account = find \"account\"\naccount add -30"), "70\n");
        assert_eq!(desk.script(flag, "account = find \"account\"\naccount add -30"), "40\n");
        let (log, same) = (desk.json(&["log", "--store", file]), desk.json(&["log", "--store", flag]));
        assert!(log.len() > 3 && log == same, "{log:?}");
        desk.check(&["replay", "--store", file], 0, &["came to the same again"]);
    }
}

#[test]
fn what_is_no_store_of_vats_is_refused_and_left_as_it_was() {
    let desk = Desk::new();
    desk.write("script.hob", "list 1");
    let texts: [(&str, &[u8]); 3] =
        [("text", b"some text"), ("short", b"SQLite format 3\0"), ("redb", b"redb")];
    for (name, text) in texts {
        std::fs::write(desk.path(name), text).unwrap();
        for flag in [name.to_owned(), format!("sqlite:{name}")] {
            desk.check(&["run", "--store", &flag, "script.hob"], 126, &["failed to open"]);
            assert_eq!(std::fs::read(desk.path(name)).unwrap(), text, "{flag}");
        }
    }
    // One of the other kind is not taken for one of its own.
    desk.script("bank", "list 1");
    let before = std::fs::read(desk.path("bank")).unwrap();
    desk.check(&["run", "--store", "sqlite:bank", "script.hob"], 126, &["bank is no store of this format"]);
    assert_eq!(std::fs::read(desk.path("bank")).unwrap(), before);
    desk.check(&["log", "--store", "sqlite:none"], 127, &["cannot open none: no such file"]);
    assert!(!desk.path("none").exists());
}
