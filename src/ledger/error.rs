use std::io;
use std::path::PathBuf;

use super::ProposalId;

/// Why a proposal cannot be kept or found.
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
    /// A file of a proposal cannot be read or written.
    #[error("cannot use {path:?}")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}
