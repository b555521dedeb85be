//! `--give`: parts of this machine under names, for the lines of a conversation.

use super::Hob;

/// A folder with a script in it.
fn script(lines: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("docs")).unwrap();
    std::fs::write(dir.path().join("docs/a.txt"), "the text").unwrap();
    let file = dir.path().join("script.hob");
    std::fs::write(&file, lines).unwrap();
    let file = file.display().to_string();
    (dir, file)
}

#[test]
fn a_directory_has_a_name_from_the_start() {
    let hob = Hob::new();
    let (dir, file) = script(
        "docs text \"a.txt\"\nnames\nfile = docs file \"b.txt\"\nfile write \"new\"\ndocs text \"b.txt\"\n",
    );
    let docs = dir.path().join("docs").display().to_string();
    let said = hob.check(&["vat", "run", "--give", &format!("docs=dir:{docs}:rw"), &file], 0, "");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!((lines[0], lines[2]), ("\"the text\"", "\"new\""), "{said}");
    assert!(lines[1].starts_with("docs: <object 0 of session "), "{said}");
    assert_eq!(std::fs::read_to_string(dir.path().join("docs/b.txt")).unwrap(), "new");
    // Read-only unless it says otherwise.
    let give = format!("docs=dir:{docs}");
    hob.check(&["vat", "run", "--give", &give, &file], 1, "line 4: not-permitted: write");
    // In a conversation on standard input, too.
    let said = hob.run(&["repl", "--give", &give], b"docs text \"a.txt\"\n");
    assert_eq!(String::from_utf8_lossy(&said.stdout), "\"the text\"\n");
}

#[test]
fn what_cannot_be_given_is_told_with_what_can() {
    let hob = Hob::new();
    let (_dir, file) = script("names\n");
    let check = |give: &[&str], code: i32, why: &str| {
        let mut args = vec!["vat", "run"];
        give.iter().for_each(|give| args.extend(["--give", give]));
        args.push(&file);
        hob.check(&args, code, why);
    };
    check(&["docs"], 2, "NAME=GIFT");
    check(&["docs=file:x"], 2, "it begins with none of dir:, clock, random, console, net:");
    check(&["docs=clock:fast"], 2, "real, coarse, virtual or none");
    check(&["docs=net:example.com"], 2, "the scheme is missing");
    check(&["docs=dir:no/such"], 126, "failed to give `docs`: not-found");
    check(&["docs=net:tcp://localhost:1"], 126, "requests are made by http and https");
    check(&["list=clock"], 126, "a word of the language");
    check(&["a=clock", "a=random"], 126, "it was given already");
    check(&["a=console", "b=console"], 126, "there is one console");
    hob.check(&["vat", "run", "--audit", "x", &file], 2, "--give");
}

#[test]
fn time_randomness_and_the_streams_are_given() {
    let hob = Hob::new();
    let lines = "clock monotonic\nrandom bytes 4\nout write \"> \"\nname = out read-line\nout write name\nclock after 300000000\nout read-line\n";
    let (_dir, file) = script(lines);
    let args =
        ["vat", "run", "--give", "clock=clock", "--give", "random=random:0", "--give", "out=console", &file];
    let said = hob.run(&args, b"a name\n");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let mut lines = said.lines();
    assert!(lines.next().unwrap().parse::<u64>().is_ok(), "{said}");
    assert_eq!(lines.next(), Some(":afcd1d7b"), "{said}");
    assert_eq!(lines.next(), Some("> a name"), "{said}");
    assert_eq!(lines.next(), None, "{said}");
}

#[test]
fn uses_are_recorded_and_a_kept_reference_is_good_for_nothing_later() {
    let hob = Hob::new();
    let (dir, file) = script("publish \"docs\" docs\ndocs text \"a.txt\"\n");
    let path = |name: &str| dir.path().join(name).display().to_string();
    let give = format!("docs=dir:{}", path("docs"));
    let (store, log) = (path("vats"), path("log"));
    hob.check(&["vat", "run", "--store", &store, "--give", &give, "--audit", &log, &file], 0, "");
    let seen = std::fs::read_to_string(&log).unwrap();
    assert!(seen.contains("\"what\":\"open\"") && seen.contains("a.txt"), "{seen}");
    hob.check(&["audit", "verify", &log], 0, "");
    std::fs::write(&file, "old = find \"docs\"\nold text \"a.txt\"\n").unwrap();
    hob.check(
        &["vat", "run", "--store", &store, "--give", &give, &file],
        1,
        "line 2: stale-reference: session",
    );
    hob.check(&["vat", "replay", "--store", &store], 0, "");
}
