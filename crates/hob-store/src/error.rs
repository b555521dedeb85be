//! Why a store did not do what was asked.

/// Why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another has claimed the stream since. Nothing was written.
    #[error(
        "stream {stream:?} was claimed by another since (claim {now}, and this is {mine}); claim it to write"
    )]
    Fenced {
        /// Which stream.
        stream: String,
        /// The claim that was shown.
        mine: u64,
        /// The one that counts.
        now: u64,
    },
    /// The stream is longer or shorter than expected. Nothing was written.
    #[error("stream {stream:?} has {next} records, and {expected} were expected")]
    Moved {
        /// Which stream.
        stream: String,
        /// How many were expected.
        expected: u64,
        /// How many there have been.
        next: u64,
    },
    /// These records were forgotten.
    #[error("stream {stream:?} begins with record {first}; {wanted} was forgotten")]
    Forgotten {
        /// Which stream.
        stream: String,
        /// What was asked for.
        wanted: u64,
        /// The first that is there.
        first: u64,
    },
    /// Something is too large.
    #[error("{what} of {size}: {limit} are allowed")]
    TooLarge {
        /// What.
        what: &'static str,
        /// How large it is.
        size: usize,
        /// How large it may be.
        limit: usize,
    },
    /// One process has a file open at a time.
    #[error("{0} is open in another process, or twice in this one")]
    Open(String),
    /// The file is of another version.
    #[error("the store is of format {found}; {known} is read here")]
    Format {
        /// What the file says.
        found: u64,
        /// What is read.
        known: u64,
    },
    /// The database failed. What it kept is not known; open it again.
    #[error("the database failed: {0}")]
    Database(#[source] Box<redb::Error>),
}

impl<E: Into<redb::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Database(Box::new(error.into()))
    }
}
