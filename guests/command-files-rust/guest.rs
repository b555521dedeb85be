//! Does one thing with files and says how it went: `read P`, `write P TEXT`, `append P TEXT`, `truncate P`, `list P`,
//! `stat P`, `rename A B`, `link A B`, `symlink A B`, `remove P`, `mkdir P`, `rmdir P`, `copy A B`.
//! A failure prints its kind and exits with 1.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let at = |index: usize| args.get(index).map(String::as_str).unwrap_or_default();
    if let Err(error) = run(at(0), at(1), at(2)) {
        println!("{:?} ({})", error.kind(), error.raw_os_error().unwrap_or(0));
        std::process::exit(1);
    }
}

fn run(what: &str, first: &str, second: &str) -> io::Result<()> {
    match what {
        "read" => io::stdout().write_all(&fs::read(first)?),
        "write" => fs::write(first, second),
        "append" => OpenOptions::new().append(true).create(true).open(first)?.write_all(second.as_bytes()),
        "truncate" => OpenOptions::new().write(true).truncate(true).open(first).map(drop),
        "list" => {
            let mut names: Vec<String> = fs::read_dir(first)?
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect::<io::Result<_>>()?;
            names.sort();
            names.iter().for_each(|name| println!("{name}"));
            Ok(())
        }
        "stat" => {
            let meta = fs::symlink_metadata(first)?;
            let kind = if meta.is_dir() { "dir" } else if meta.is_symlink() { "symlink" } else { "file" };
            println!("{kind} {}", meta.len());
            Ok(())
        }
        "rename" => fs::rename(first, second),
        "link" => fs::hard_link(first, second),
        "symlink" => symlink(first, second),
        "remove" => fs::remove_file(first),
        "mkdir" => fs::create_dir(first),
        "rmdir" => fs::remove_dir(first),
        "copy" => fs::copy(first, second).map(|bytes| println!("{bytes} bytes")),
        _ => Err(io::Error::from(io::ErrorKind::Unsupported)),
    }
}

/// The name to create is relative to the first granted directory; the target is only text.
fn symlink(target: &str, name: &str) -> io::Result<()> {
    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    unsafe extern "C" {
        fn path_symlink(target: *const u8, target_len: usize, fd: u32, name: *const u8, name_len: usize) -> u16;
    }
    match unsafe { path_symlink(target.as_ptr(), target.len(), 3, name.as_ptr(), name.len()) } {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno.into())),
    }
}
