use std::io;
use std::path::PathBuf;

/// Why the index on disk cannot be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::index) enum StoreError {
    /// What is stored is not what was written.
    #[error("{0} is damaged")]
    Damaged(&'static str),
    /// SQLite refuses.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A file or directory beside the database cannot be used.
    #[error("cannot use {path:?}")]
    Io { path: PathBuf, source: io::Error },
}

impl StoreError {
    /// Tells whether the file must be made anew, against one that only cannot be used now.
    pub(in crate::index) fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, TypeMismatch};
        match self {
            Self::Damaged(_) => true,
            Self::Sqlite(rusqlite::Error::SqliteFailure(failure, message)) => {
                // A schema that is damaged but readable gives plain errors: "no such table".
                matches!(failure.code, DatabaseCorrupt | NotADatabase | TypeMismatch)
                    || (failure.extended_code == rusqlite::ffi::SQLITE_ERROR && message.is_some())
            }
            Self::Sqlite(
                rusqlite::Error::QueryReturnedNoRows
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::Utf8Error(..)
                | rusqlite::Error::SqlInputError { .. },
            ) => true,
            Self::Sqlite(_) | Self::Io { .. } => false,
        }
    }
}
