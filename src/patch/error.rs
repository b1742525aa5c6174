use crate::repo::RepoError;
use crate::text::{EditError, RepoPath};

/// Why a change cannot become a patch.
#[derive(Debug, thiserror::Error)]
pub enum PatchError {
    /// A file of the change cannot be read, created or deleted.
    #[error("cannot make a patch")]
    Repo(#[from] RepoError),
    /// An edit does not fit the file.
    #[error("cannot edit {path}")]
    Edit {
        path: RepoPath,
        #[source]
        source: EditError,
    },
    /// A text that should be written holds a NUL byte, which would make the file a binary one.
    #[error("the new text of {0} holds a NUL byte")]
    Nul(RepoPath),
}
