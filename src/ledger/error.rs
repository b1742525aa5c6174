use std::io;
use std::path::{Path, PathBuf};

use super::canonical::CanonicalError;
use super::{Head, ProposalId, PublicKey};

/// Why a proposal or a record cannot be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// No proposal has this number.
    #[error("there is no proposal {0} for this work tree")]
    NoSuchProposal(ProposalId),
    /// A string is not the number of a proposal.
    #[error("{0:?} is not the number of a proposal")]
    NotAnId(String),
    /// The key of a work tree is not a plain file name.
    #[error("{0:?} cannot name the proposals of a work tree")]
    BadKey(String),
    /// A file of a proposal cannot be understood.
    #[error("the proposal file {file:?} is damaged")]
    Damaged {
        file: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    /// A file of a proposal or of the ledger cannot be read or written.
    #[error("cannot use {path:?}")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A record cannot be made durable; what it is about must not be done.
    #[error("the run cannot be recorded in {path:?}, so it stops")]
    NotRecorded {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The ledger is not what was written; `line` is the first wrong one, from 1.
    #[error("the ledger {file:?} is broken at line {line}")]
    Broken {
        file: PathBuf,
        line: u64,
        #[source]
        fault: Box<Fault>,
    },
    /// The file of the signing key cannot be trusted or understood.
    #[error("the signing key {path:?} cannot be used: {reason}")]
    SigningKey { path: PathBuf, reason: &'static str },
    /// A string is not a public key.
    #[error("{0:?} is not a public key of 64 lowercase hexadecimal digits")]
    NotAKey(String),
    /// A string is not a head.
    #[error("{0:?} is not a head: SEQ:HASH, the number of a record and its SHA-384 in 96 lowercase hexadecimal digits")]
    NotAHead(String),
    /// A record has no canonical form: a fault of this program.
    #[error("the record has no canonical form")]
    Unwritable(#[source] CanonicalError),
    /// A marking is empty, too long or not one line of text.
    #[error("{0:?} cannot be a marking: it must be one line of 1 to 200 characters, without control characters")]
    NotAMarking(String),
}

/// What is wrong with a line of the ledger.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The line is not canonical JSON.
    #[error("the line is not a record: {0}")]
    Line(#[source] CanonicalError),
    /// The line is canonical JSON and no record that this version knows.
    #[error("the line is not a record: {0}")]
    Record(#[source] serde_json::Error),
    /// The line has no end: a crash cut it off.
    #[error("the line is cut off after {bytes} bytes")]
    Torn { bytes: u64 },
    /// The line is longer than any that is written.
    #[error("the line has more than {limit_bytes} bytes")]
    TooLong { limit_bytes: u64 },
    /// A record is missing, or not in its place.
    #[error("it is record {found} where record {expected} should be")]
    Sequence { expected: u64, found: u64 },
    /// The line before is not the one that this record was written after.
    #[error("the line before it has another SHA-384 than this record says: one of the two was changed")]
    Link,
    /// A checkpoint counts wrongly.
    #[error("the checkpoint does not count the records before it, or names another head")]
    Checkpoint,
    /// A checkpoint's signature does not fit.
    #[error("the signature of the checkpoint is not right")]
    Signature,
    /// A checkpoint is signed by a key that is not trusted.
    #[error("the checkpoint is signed by the key {0}, which is none of those that are trusted")]
    ForeignKey(PublicKey),
    /// The ledger ends before, or differs at, a record whose digest is known from elsewhere.
    #[error("{origin} knows the record {known}, and the ledger {}", .found.as_ref().map_or_else(
        || "ends before it".to_owned(), |found| format!("has {found}")))]
    Head {
        origin: &'static str,
        known: String,
        found: Option<String>,
    },
    /// There are checkpoints, and the file that names the last one is gone or damaged.
    #[error("the file that names the last checkpoint is missing or damaged")]
    NoHeadFile,
}

impl Fault {
    /// Says that a ledger does not have a head that `origin` knows.
    pub(super) fn head(origin: &'static str, known: Head, found: Option<Head>) -> Self {
        Self::Head {
            origin,
            known: known.to_string(),
            found: found.map(|found| found.to_string()),
        }
    }
}

impl LedgerError {
    /// Says which file could not be used.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, source }
    }

    /// Says where a record could not be made durable.
    pub(super) fn not_recorded(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::NotRecorded { path, source }
    }
}
