//! All of git2 and ignore: what a repository holds, and the only writer of its work tree.
//!
//! Imports `text` and `progress`. Reading goes through [`Snapshot`], writing through [`WorkTree`]; both walk from the
//! root of the work tree without following a symbolic link, and neither ever runs a filter, a hook or another process.

#[cfg(not(unix))]
compile_error!("the work tree is opened with openat(2) and O_NOFOLLOW, which needs a Unix system");

mod admission;
mod beneath;
mod blob;
mod branch;
mod conversion;
#[cfg(test)]
mod crash_tests;
mod error;
mod exclusion;
mod fault;
mod journal;
mod lock;
mod placement;
mod recovery;
mod repository;
mod revision;
mod root;
mod snapshot;
mod stamp;
mod surroundings;
mod user_config;
mod walk;
mod work_tree;
mod write;

pub use blob::{BlobId, BlobIdError, FileMode};
pub use branch::{BranchBuilder, CommitText};
pub use error::RepoError;
pub(crate) use exclusion::{Exclusions, LetterCase};
pub use lock::{FileLock, create_private_dir};
pub use repository::{Head, Repository};
pub use revision::{Revision, RevisionFile};
pub use snapshot::{MAX_EDIT_BYTES, Snapshot, SnapshotFile, SourceText, WorkTreeReader};
pub use stamp::FileStamp;
pub use surroundings::Surroundings;
pub use user_config::configured_files;
pub use work_tree::{Applied, AppliedFile, Undone, WorkTree};
pub use write::{FileContent, FileState, FileWrite};
