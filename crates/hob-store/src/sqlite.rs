//! Turns of vats in SQLite: for who has tools for it, or wants a file that other programs can look into.
//!
//! Write-ahead log, every commit waits for the disk, one process at a time: whoever opens the file keeps it locked until it is
//! dropped. A database that is not of this store is refused and left as it was.
//!
//! | table | row |
//! |---|---|
//! | `streams` | `id`, `name`, `claim`, `first`: the first record that is there, `next`: the number of the next one |
//! | `records` | `stream`, `number`, `record` |
//! | `snapshots` | `stream`, `at`: how many records came before it, `snapshot` |

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use hob_vat::{
    Append, Claim, Extent, RECORD_BYTES_MAX, STREAM_NAME_MAX, StoreError, TurnStore, check_append,
};
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params,
};

/// Says that a database is of this store: "hobt".
const APPLICATION: i64 = 0x686f_6274;
/// The version of the tables.
const FORMAT: i64 = 1;

const TABLES: &str = "
    CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, claim INTEGER NOT NULL,
        first INTEGER NOT NULL, next INTEGER NOT NULL) STRICT;
    CREATE TABLE records (stream INTEGER NOT NULL, number INTEGER NOT NULL, record BLOB NOT NULL,
        PRIMARY KEY (stream, number)) STRICT, WITHOUT ROWID;
    CREATE TABLE snapshots (stream INTEGER PRIMARY KEY, at INTEGER NOT NULL, snapshot BLOB NOT NULL) STRICT;
";

/// Streams of records in one SQLite database. Cheap to clone; all clones are the same.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    connection: Connection,
    /// The database failed while something was committed. Until it is opened again nobody knows what is in it.
    failed: bool,
}

#[derive(Clone, Copy, Default)]
struct Row {
    id: i64,
    claim: u64,
    first: u64,
    next: u64,
}

impl SqliteStore {
    /// Opens a file, or makes it. One process has it open at a time, once.
    ///
    /// # Errors
    ///
    /// It is open elsewhere; it is not of this store; what the database says.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let new = !path.try_exists().map_err(|error| StoreError::Failed(error.to_string()))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let opened = Connection::open_with_flags(path, flags).and_then(|mut connection| {
            let ours = prepare(&mut connection)?;
            Ok((connection, ours))
        });
        let (connection, ours) = opened.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Failed(format!(
                "{} is open in another process, or twice in this one",
                path.display()
            )),
            Some(ErrorCode::NotADatabase) => not_ours(path),
            _ => StoreError::Failed(format!("{}: {error}", path.display())),
        })?;
        if !ours {
            return Err(not_ours(path));
        }
        if new {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            std::fs::File::open(folder.unwrap_or_else(|| Path::new(".")))
                .and_then(|folder| folder.sync_all())
                .map_err(|error| StoreError::Failed(error.to_string()))?;
        }
        Ok(Self { inner: Arc::new(Mutex::new(Inner { connection, failed: false })) })
    }

    fn with<R>(&self, f: impl FnOnce(&mut Inner) -> Result<R, StoreError>) -> Result<R, StoreError> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.failed {
            return Err(StoreError::Failed("the database failed before; open it again".into()));
        }
        f(&mut inner)
    }
}

fn not_ours(path: &Path) -> StoreError {
    StoreError::Failed(format!("{} is no store of this format", path.display()))
}

/// Makes the tables if there is nothing. False when there is something else.
fn prepare(connection: &mut Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(std::time::Duration::ZERO)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    let number = |name: &str, connection: &Connection| {
        connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0))
    };
    let (application, format) = (number("application_id", connection)?, number("user_version", connection)?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let new = (application, format, tables) == (0, 0, 0);
    if !new && (application, format) != (APPLICATION, FORMAT) {
        return Ok(false);
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Even when there is nothing to write: it is this that locks out others.
    let write = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if new {
        write.execute_batch(TABLES)?;
        write.pragma_update(None, "application_id", APPLICATION)?;
        write.pragma_update(None, "user_version", FORMAT)?;
    }
    write.commit()?;
    Ok(true)
}

impl Inner {
    /// Writes, durably; what `f` refuses changes nothing.
    fn write<R>(
        &mut self,
        f: impl FnOnce(&Transaction<'_>) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        let write =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let done = f(&write)?;
        write.commit().map_err(|error| {
            self.failed = true;
            failed(error)
        })?;
        Ok(done)
    }
}

impl TurnStore for SqliteStore {
    fn claim(&self, stream: &str) -> Result<Claim, StoreError> {
        let claims = self.claim_all(&[stream])?;
        claims.first().copied().ok_or_else(|| StoreError::Failed("nothing was claimed".into()))
    }

    fn claim_all(&self, streams: &[&str]) -> Result<Vec<Claim>, StoreError> {
        for stream in streams {
            StoreError::within("a stream's name", stream.len(), STREAM_NAME_MAX)?;
        }
        self.with(|inner| {
            inner.write(|write| {
                let mut claim = write
                    .prepare(
                        "INSERT INTO streams (name, claim, first, next) VALUES (?1, 1, 0, 0)
                         ON CONFLICT (name) DO UPDATE SET claim = claim + 1 RETURNING claim, next",
                    )
                    .map_err(failed)?;
                streams
                    .iter()
                    .map(|stream| {
                        let row = claim.query_row([stream], |row| Ok((row.get(0)?, row.get(1)?)));
                        let (fence, next) = row.map_err(failed)?;
                        Ok(Claim { fence: unsigned(fence)?, next: unsigned(next)? })
                    })
                    .collect()
            })
        })
    }

    fn extent(&self, stream: &str) -> Result<Extent, StoreError> {
        self.with(|inner| {
            let row = row(&inner.connection, stream)?.unwrap_or_default();
            Ok(Extent { first: row.first, next: row.next })
        })
    }

    fn read(&self, stream: &str, from: u64, at_most: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.with(|inner| {
            let Some(row) = row(&inner.connection, stream)? else { return Ok(Vec::new()) };
            if from < row.first {
                return Err(StoreError::Forgotten(stream.to_owned()));
            }
            // No number is beyond what the database can count.
            let Ok(from) = signed(from) else { return Ok(Vec::new()) };
            let at_most = i64::try_from(at_most).unwrap_or(i64::MAX);
            let mut select = inner
                .connection
                .prepare(
                    "SELECT record FROM records WHERE stream = ?1 AND number >= ?2 ORDER BY number LIMIT ?3",
                )
                .map_err(failed)?;
            let found = select.query_map(params![row.id, from, at_most], |row| row.get(0)).map_err(failed)?;
            found.collect::<Result<_, _>>().map_err(failed)
        })
    }

    fn snapshot(&self, stream: &str) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        self.with(|inner| {
            let found = inner
                .connection
                .query_row(
                    "SELECT at, snapshot FROM snapshots JOIN streams ON id = stream WHERE name = ?1",
                    [stream],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()
                .map_err(failed)?;
            found.map(|(at, snapshot)| Ok((unsigned(at)?, snapshot))).transpose()
        })
    }

    fn append(&self, entries: &[Append<'_>]) -> Vec<Result<(), StoreError>> {
        self.with(|inner| inner.write(|write| put(write, entries)))
            .unwrap_or_else(|error| entries.iter().map(|_| Err(error.clone())).collect())
    }

    fn replace(&self, stream: &str, fence: u64, at: u64, snapshot: &[u8]) -> Result<(), StoreError> {
        StoreError::within("a snapshot", snapshot.len(), RECORD_BYTES_MAX)?;
        self.with(|inner| {
            inner.write(|write| {
                let row = row(write, stream)?
                    .filter(|row| row.claim == fence)
                    .ok_or_else(|| StoreError::Fenced(stream.to_owned()))?;
                if at > row.next {
                    return Err(StoreError::Moved { stream: stream.to_owned(), next: row.next, at });
                }
                if at < row.first {
                    return Err(StoreError::Forgotten(stream.to_owned()));
                }
                let at = signed(at)?;
                write
                    .execute("DELETE FROM records WHERE stream = ?1 AND number < ?2", [row.id, at])
                    .map_err(failed)?;
                write.execute("UPDATE streams SET first = ?2 WHERE id = ?1", [row.id, at]).map_err(failed)?;
                write
                    .execute(
                        "INSERT OR REPLACE INTO snapshots VALUES (?1, ?2, ?3)",
                        params![row.id, at, snapshot],
                    )
                    .map_err(failed)?;
                Ok(())
            })
        })
    }
}

fn put(write: &Transaction<'_>, entries: &[Append<'_>]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let mut insert = write.prepare("INSERT INTO records VALUES (?1, ?2, ?3)").map_err(failed)?;
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let mut results = Vec::with_capacity(entries.len());
    for entry in entries {
        let row = match rows.get_mut(entry.stream) {
            Some(row) => row,
            None => {
                let found = row(write, entry.stream)?.unwrap_or_default();
                rows.entry(entry.stream).or_insert(found)
            }
        };
        let allowed = check_append(entry, row.claim, row.next);
        if allowed.is_ok() {
            insert.execute(params![row.id, signed(row.next)?, entry.record]).map_err(failed)?;
            row.next = row.next.saturating_add(1);
        }
        results.push(allowed);
    }
    let mut update = write.prepare("UPDATE streams SET next = ?2 WHERE id = ?1").map_err(failed)?;
    for row in rows.values() {
        update.execute(params![row.id, signed(row.next)?]).map_err(failed)?;
    }
    Ok(results)
}

fn row(connection: &Connection, stream: &str) -> Result<Option<Row>, StoreError> {
    let found = connection
        .query_row("SELECT id, claim, first, next FROM streams WHERE name = ?1", [stream], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()
        .map_err(failed)?;
    let row = |(id, claim, first, next)| {
        Ok(Row { id, claim: unsigned(claim)?, first: unsigned(first)?, next: unsigned(next)? })
    };
    found.map(row).transpose()
}

#[expect(clippy::needless_pass_by_value, reason = "it is used with map_err")]
fn failed(error: rusqlite::Error) -> StoreError {
    StoreError::Failed(format!("the database failed: {error}"))
}

fn unsigned(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Failed(format!("the database has {number} for a number")))
}

fn signed(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number)
        .map_err(|_| StoreError::Failed(format!("{number} is more than a database can count")))
}
