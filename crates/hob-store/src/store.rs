//! The store: one file, or memory.
//!
//! Source of the layout: three tables. `streams`: name to (claim, first record, next record); `records`: (name, number) to
//! bytes; `snapshots`: name to (how many records came before it, bytes). `meta` holds the version of this layout.

use std::path::Path;
use std::sync::Arc;

use redb::backends::InMemoryBackend;
use redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition,
    WriteTransaction,
};

use crate::{Batch, Error};

/// How many bytes a record or a snapshot may have.
pub const RECORD_MAX: usize = hob_vat::RECORD_BYTES_MAX;
/// How many records one append may have.
pub const RECORDS_MAX: usize = 100_000;
/// How many bytes the name of a stream may have.
pub const NAME_MAX: usize = hob_vat::STREAM_NAME_MAX;

/// The version of the layout.
const FORMAT: u64 = 1;

pub(crate) const STREAMS: TableDefinition<'_, &str, (u64, u64, u64)> = TableDefinition::new("streams");
pub(crate) const RECORDS: TableDefinition<'_, (&str, u64), &[u8]> = TableDefinition::new("records");
pub(crate) const SNAPSHOTS: TableDefinition<'_, &str, (u64, &[u8])> = TableDefinition::new("snapshots");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// How far a stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// Which claim counts.
    pub claim: u64,
    /// The first record that is there.
    pub first: u64,
    /// The number that the next one gets.
    pub next: u64,
}

impl Stream {
    pub(crate) fn of((claim, first, next): (u64, u64, u64)) -> Self {
        Self { claim, first, next }
    }

    pub(crate) fn row(self) -> (u64, u64, u64) {
        (self.claim, self.first, self.next)
    }
}

/// The right to write a stream, until another claims it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    pub(crate) stream: String,
    pub(crate) claim: u64,
}

impl Fence {
    /// Which stream.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.stream
    }
}

/// Streams of records. Cheap to clone; all clones are the same.
#[derive(Clone, Debug)]
pub struct Store {
    database: Arc<Database>,
}

impl Store {
    /// Opens a file, or makes it. One process has it open at a time. Errors: the database's, and a file of another format.
    ///
    /// A store is made under another name and gets its own when it is whole: an end in between leaves no file that is neither.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        if !path.try_exists()? {
            let mut name = path.file_name().unwrap_or_default().to_owned();
            name.push(format!(".{}.new", std::process::id()));
            let new = path.with_file_name(name);
            if new.try_exists()? {
                std::fs::remove_file(&new)?;
            }
            drop(Self::with(Database::create(&new)?)?);
            // A link, and no renaming: whoever came first stays.
            let linked = std::fs::hard_link(&new, path);
            std::fs::remove_file(&new)?;
            match linked {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error.into()),
                _ => {}
            }
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            std::fs::File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
        }
        let database = Database::open(path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => Error::Open(path.display().to_string()),
            other => other.into(),
        })?;
        Self::with(database)
    }

    /// One that ends with its process.
    pub fn in_memory() -> Result<Self, Error> {
        Self::on(InMemoryBackend::new())
    }

    /// One on storage of one's own.
    pub fn on(backend: impl StorageBackend) -> Result<Self, Error> {
        Self::with(Database::builder().create_with_backend(backend)?)
    }

    fn with(database: Database) -> Result<Self, Error> {
        let write = database.begin_write()?;
        let found = {
            let mut meta = write.open_table(META)?;
            write.open_table(STREAMS)?;
            write.open_table(RECORDS)?;
            write.open_table(SNAPSHOTS)?;
            let found = meta.get("format")?.map(|found| found.value());
            if found.is_none() {
                meta.insert("format", FORMAT)?;
            }
            found
        };
        match found {
            None => write.commit()?,
            Some(FORMAT) => write.abort()?,
            Some(found) => return Err(Error::Format { found, known: FORMAT }),
        }
        Ok(Self { database: Arc::new(database) })
    }

    /// Takes the right to write a stream: whoever had it has it no more. The stream is there from then on.
    pub fn claim(&self, stream: &str) -> Result<Fence, Error> {
        let claim = self.claims(&[stream])?.first().map(|row| row.claim).unwrap_or_default();
        Ok(Fence { stream: stream.into(), claim })
    }

    /// Claims several streams with one wait for the disk.
    pub(crate) fn claims(&self, streams: &[&str]) -> Result<Vec<Stream>, Error> {
        for stream in streams {
            within("a stream's name", stream.len(), NAME_MAX)?;
        }
        let write = self.database.begin_write()?;
        let mut rows = Vec::with_capacity(streams.len());
        {
            let mut table = write.open_table(STREAMS)?;
            for stream in streams {
                let mut row = table.get(*stream)?.map(|row| Stream::of(row.value())).unwrap_or_default();
                row.claim = row.claim.saturating_add(1);
                table.insert(*stream, row.row())?;
                rows.push(row);
            }
        }
        write.commit()?;
        Ok(rows)
    }

    pub(crate) fn write(&self) -> Result<WriteTransaction, Error> {
        Ok(self.database.begin_write()?)
    }

    /// Begins to write, perhaps several streams. One batch is written at a time; a second waits for the first.
    pub fn begin(&self) -> Result<Batch, Error> {
        Ok(Batch::new(self.database.begin_write()?))
    }

    /// Appends records, durably: all or none. `expected` is how many there have been. Returns how many there are then.
    pub fn append<R: AsRef<[u8]>>(&self, fence: &Fence, expected: u64, records: &[R]) -> Result<u64, Error> {
        let mut batch = self.begin()?;
        let next = batch.append(fence, expected, records)?;
        batch.commit()?;
        Ok(next)
    }

    /// Keeps a snapshot of what `at` records led to, and forgets them, durably. `at` is how many there have been at least.
    pub fn snapshot(&self, fence: &Fence, at: u64, snapshot: &[u8]) -> Result<(), Error> {
        let mut batch = self.begin()?;
        batch.snapshot(fence, at, snapshot)?;
        batch.commit()
    }

    /// Forgets the records before `first`, durably.
    pub fn truncate(&self, fence: &Fence, first: u64) -> Result<(), Error> {
        let mut batch = self.begin()?;
        batch.truncate(fence, first)?;
        batch.commit()
    }

    /// How far a stream is; `None` when nobody has claimed it yet.
    pub fn stream(&self, stream: &str) -> Result<Option<Stream>, Error> {
        let read = self.database.begin_read()?;
        let row = read.open_table(STREAMS)?.get(stream)?.map(|row| Stream::of(row.value()));
        Ok(row)
    }

    /// At most so many records from `from` on. Errors: records that were forgotten.
    pub fn read(&self, stream: &str, from: u64, at_most: usize) -> Result<Vec<Vec<u8>>, Error> {
        let read = self.database.begin_read()?;
        let row =
            read.open_table(STREAMS)?.get(stream)?.map(|row| Stream::of(row.value())).unwrap_or_default();
        if from < row.first {
            return Err(Error::Forgotten { stream: stream.into(), wanted: from, first: row.first });
        }
        let records = read.open_table(RECORDS)?;
        let mut found = Vec::new();
        for record in records.range((stream, from)..(stream, u64::MAX))?.take(at_most) {
            found.push(record?.1.value().to_vec());
        }
        Ok(found)
    }

    /// The last snapshot, and how many records came before it.
    pub fn last_snapshot(&self, stream: &str) -> Result<Option<(u64, Vec<u8>)>, Error> {
        let read = self.database.begin_read()?;
        let found = read.open_table(SNAPSHOTS)?.get(stream)?.map(|row| {
            let (at, bytes) = row.value();
            (at, bytes.to_vec())
        });
        Ok(found)
    }
}

pub(crate) fn within(what: &'static str, size: usize, limit: usize) -> Result<(), Error> {
    if size > limit { Err(Error::TooLarge { what, size, limit }) } else { Ok(()) }
}
