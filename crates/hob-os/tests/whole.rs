//! Whole files by absolute guest path.

mod common;

use common::{Host, errno};
use hob_cap::Access::{Read, ReadWrite};
use hob_os::Errno;

#[test]
fn a_file_is_read_and_written_where_a_grant_covers_it_and_nowhere_else() {
    let host = Host::new();
    host.dir("in/sub").file("in/a", "text").dir("out").file("secret", "no").dir("in2").file("in2/s", "no");
    host.link("../secret", "in/link").link("../secret", "out/link");
    let mut world = host.world(&[("in", "/in", Read), ("out", "/in/out", ReadWrite)]);
    assert_eq!(world.read_file(b"/in/a", 4), Ok(b"text".to_vec()));
    assert_eq!(world.read_file(b"/in//sub/../a", 4), Ok(b"text".to_vec()));
    assert_eq!(world.write_file(b"/in/out/new", b"made"), Ok(()));
    assert_eq!(host.text("out/new"), "made");
    assert_eq!(world.write_file(b"/in/out/new", b""), Ok(()));
    assert_eq!(world.read_file(b"/in/out/new", 0), Ok(Vec::new()));
    let mut check = |path: &str, read: Errno, write: Errno| {
        assert_eq!(errno(world.read_file(path.as_bytes(), 1 << 20)), read, "{path}");
        assert_eq!(errno(world.write_file(path.as_bytes(), b"pwn")), write, "{path}");
    };
    check("/etc/passwd", Errno::NotCapable, Errno::NotCapable);
    check("in/a", Errno::NotCapable, Errno::NotCapable);
    check("", Errno::NotCapable, Errno::NotCapable);
    check("/in2/s", Errno::NotCapable, Errno::NotCapable);
    check("/in/../secret", Errno::Perm, Errno::Perm);
    check("/in/out/../../secret", Errno::Perm, Errno::Perm);
    check("/in/link", Errno::Perm, Errno::Perm);
    check("/in/out/link", Errno::Perm, Errno::Perm);
    check("/in", Errno::IsDir, Errno::Perm);
    check("/in/none", Errno::Noent, Errno::Perm);
    check("/in/sub", Errno::IsDir, Errno::Perm);
    assert_eq!(errno(world.read_file(b"/in/a", 3)), Errno::Fbig);
    assert_eq!(errno(world.write_file(b"/in/a", b"pwn")), Errno::Perm);
    assert_eq!((host.text("in/a"), host.text("secret")), ("text".into(), "no".into()));
}

#[test]
fn no_descriptor_stays_behind() {
    let host = Host::new();
    host.file("a", "text");
    let mut world = host.writable();
    let before = world.ledger().used(hob_cap::Limit::OpenFiles);
    for path in ["/a", "/none", "/", "/../x"] {
        drop(world.read_file(path.as_bytes(), 2));
    }
    assert_eq!(world.ledger().used(hob_cap::Limit::OpenFiles), before);
}
