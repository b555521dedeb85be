//! Which database a file with vats is. What is there already is known by how it begins; what is not is made as the flag says.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use hob::store::Store;
use hob::vat::TurnStore;

use crate::report::{Failure, HOST};

/// What every SQLite database begins with.
const SQLITE_BEGINS: &[u8] = b"SQLite format 3\0";
/// What every database of redb begins with.
const REDB_BEGINS: &[u8] = b"redb";
/// Before a file that shall be one.
const SQLITE_FLAG: &[u8] = b"sqlite:";

/// Opens a store of vats, or makes it.
pub(super) fn open(flag: &Path) -> Result<Arc<dyn TurnStore>, Failure> {
    let (file, asked) = file(flag);
    let failed = |error: String| Failure::new(HOST, format!("failed to open {}: {error}", file.display()));
    let begin = begin(file).map_err(|error| failed(error.to_string()))?;
    match begin {
        _ if asked => sqlite(file).map_err(failed),
        Some(begin) if begin == SQLITE_BEGINS => sqlite(file).map_err(failed),
        Some(begin) if !begin.starts_with(REDB_BEGINS) => Err(failed("it is no store of vats".into())),
        _ => {
            let store = Store::open(file).map_err(|error| failed(error.to_string()))?;
            Ok(Arc::new(store))
        }
    }
}

/// Opens a store that is there: who looks back makes none.
pub(super) fn past(flag: &Path) -> Result<Arc<dyn TurnStore>, Failure> {
    let (file, _) = file(flag);
    let failed =
        |error: &dyn std::fmt::Display| Failure::new(127, format!("cannot open {}: {error}", file.display()));
    match begin(file) {
        Err(error) => Err(failed(&error)),
        Ok(None) => Err(failed(&"no such file")),
        // Whatever the flag says of it: opened as what it is not, it would be made into that.
        Ok(Some(_)) => open(file),
    }
}

/// The file that a flag names, and whether it shall be of SQLite.
fn file(flag: &Path) -> (&Path, bool) {
    match flag.as_os_str().as_bytes().strip_prefix(SQLITE_FLAG) {
        Some(file) => (Path::new(OsStr::from_bytes(file)), true),
        None => (flag, false),
    }
}

/// How a file begins; None when there is none.
fn begin(file: &Path) -> std::io::Result<Option<Vec<u8>>> {
    if !file.try_exists()? {
        return Ok(None);
    }
    let mut begin = Vec::new();
    let most = u64::try_from(SQLITE_BEGINS.len()).unwrap_or_default();
    std::fs::File::open(file)?.take(most).read_to_end(&mut begin)?;
    Ok(Some(begin))
}

#[cfg(feature = "sqlite")]
fn sqlite(file: &Path) -> Result<Arc<dyn TurnStore>, String> {
    let store = hob::store::SqliteStore::open(file).map_err(|error| error.to_string())?;
    Ok(Arc::new(store))
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(_: &Path) -> Result<Arc<dyn TurnStore>, String> {
    Err("it is a SQLite database, and this hob was built without the feature `sqlite`".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_says_which_file_and_of_what() {
        let check = |flag: &str, expected: (&str, bool)| {
            let (path, asked) = file(Path::new(flag));
            assert_eq!((path.to_str().unwrap(), asked), expected);
        };
        check("bank.vats", ("bank.vats", false));
        check("sqlite:bank.vats", ("bank.vats", true));
        check("./sqlite:bank.vats", ("./sqlite:bank.vats", false));
    }
}
