//! No sequence of file operations reads or changes anything outside the granted directories.

use hob_cap::FsGrant;
use hob_os::{FdFlags, OpenHow, Rights, World, open_grant};

use crate::input::Input;

/// What lies outside, and must not come in.
const SECRET: &[u8] = b"SECRET-OUTSIDE";

/// The most operations of one input.
const STEPS_MAX: usize = 40;

/// Pieces of paths.
const PIECES: [&str; 14] =
    ["a", "b", "d", "..", ".", "/", "//", "up", "loop", "out", "secret", "\0", "e/f", "a/"];

pub(crate) fn run(bytes: &[u8]) -> Result<(), String> {
    let mut input = Input::new(bytes);
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let failed = |error: std::io::Error| error.to_string();
    for name in ["rw", "ro", "out"] {
        std::fs::create_dir(dir.path().join(name)).map_err(failed)?;
    }
    std::fs::write(dir.path().join("out/secret"), SECRET).map_err(failed)?;
    std::fs::write(dir.path().join("ro/a"), "fixed").map_err(failed)?;
    std::os::unix::fs::symlink("../out", dir.path().join("rw/up")).map_err(failed)?;
    std::os::unix::fs::symlink("loop", dir.path().join("rw/loop")).map_err(failed)?;
    let mut world = world(dir.path())?;
    let mut steps = Vec::new();
    for _ in 0..STEPS_MAX {
        if input.is_empty() {
            break;
        }
        let step = step(&mut world, &mut input)?;
        steps.push(step);
    }
    let secret = std::fs::read(dir.path().join("out/secret")).is_ok_and(|bytes| bytes == SECRET);
    let fixed = std::fs::read(dir.path().join("ro/a")).is_ok_and(|bytes| bytes == b"fixed");
    let count = |name: &str| std::fs::read_dir(dir.path().join(name)).map_or(0, Iterator::count);
    let beside = std::fs::read_dir(dir.path()).map_or(0, Iterator::count);
    if secret && fixed && count("out") == 1 && count("ro") == 1 && beside == 3 {
        return Ok(());
    }
    Err(format!("something outside the grants changed, by {steps:?}"))
}

fn world(dir: &std::path::Path) -> Result<World, String> {
    let mut builder = World::builder();
    for (name, access) in [("rw", "rw"), ("ro", "ro")] {
        let grant = FsGrant::parse(&format!("{}::/{name}:{access}", dir.join(name).display()))
            .map_err(|error| error.to_string())?;
        let open = open_grant(&grant).map_err(|error| error.to_string())?;
        builder = builder.preopen(open, &grant);
    }
    builder.build().map_err(|error| error.to_string())
}

fn path(input: &mut Input<'_>) -> Vec<u8> {
    let mut path = String::new();
    for _ in 0..=input.byte() % 4 {
        path += input.pick(&PIECES).unwrap_or("a");
        if input.byte() & 1 == 1 {
            path.push('/');
        }
    }
    path.into_bytes()
}

/// Does one thing, and says what. What is read must not come from outside.
fn step(world: &mut World, input: &mut Input<'_>) -> Result<String, String> {
    let fd = 3 + u32::from(input.byte() % 6);
    let other = 3 + u32::from(input.byte() % 2);
    let (first, second) = (path(input), path(input));
    let follow = input.byte() & 1 == 1;
    let shown = (String::from_utf8_lossy(&first).into_owned(), String::from_utf8_lossy(&second).into_owned());
    // Most of it fails, and may: only what it does counts.
    let name = match input.byte() % 11 {
        0 => done("mkdir", world.create_directory_at(fd, &first)),
        1 => done("rmdir", world.remove_directory_at(fd, &first)),
        2 => done("unlink", world.unlink_at(fd, &first)),
        3 => done("rename", world.rename_at(fd, &first, other, &second)),
        4 => done("link", world.link_at(fd, follow, &first, other, &second)),
        5 => done("symlink", world.symlink_at(&second, fd, &first)),
        6 => done("stat", world.filestat_at(fd, follow, &first)),
        7 => {
            let mut buf = [0; 64];
            done("readlink", world.readlink_at(fd, &first, &mut buf))
        }
        _ => {
            let bits = input.byte();
            let how = OpenHow {
                follow,
                create: bits & 1 != 0,
                exclusive: bits & 2 != 0,
                directory: bits & 4 != 0,
                truncate: bits & 8 != 0,
                rights: if bits & 16 != 0 { Rights::ALL } else { Rights::FD_READ },
                inheriting: Rights::ALL,
                flags: FdFlags { append: bits & 32 != 0, ..FdFlags::default() },
            };
            match world.open_at(fd, &first, how) {
                Ok(opened) => {
                    let mut buf = [0; 64];
                    let read = world.read(opened, &mut buf).unwrap_or(0);
                    if buf
                        .get(..read)
                        .is_some_and(|bytes| bytes.windows(SECRET.len()).any(|bytes| bytes == SECRET))
                    {
                        return Err(format!("read the secret by opening {shown:?} at {fd}"));
                    }
                    done("write", world.write(opened, b"x"))
                }
                Err(_) => "open failed",
            }
        }
    };
    Ok(format!("{name} {fd} {shown:?}"))
}

fn done<T, E>(name: &'static str, _: Result<T, E>) -> &'static str {
    name
}
