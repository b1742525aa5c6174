use super::{BlobId, FileMode};
use crate::text::RepoPath;

/// One file's part of a change to the work tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileWrite {
    /// The file.
    pub path: RepoPath,
    /// What must be there; `None` when nothing may be.
    pub before: Option<FileState>,
    /// What is there afterwards; `None` when the file goes away.
    pub after: Option<FileContent>,
}

/// What identifies a file's content and mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileState {
    /// The id of the bytes.
    pub blob: BlobId,
    /// The mode.
    pub mode: FileMode,
}

/// A file's bytes and mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileContent {
    /// The bytes, as they are on disk.
    pub bytes: Vec<u8>,
    /// The mode.
    pub mode: FileMode,
}

impl FileContent {
    /// Returns the id of the bytes, and the mode.
    pub fn state(&self) -> FileState {
        FileState {
            blob: BlobId::of(&self.bytes),
            mode: self.mode,
        }
    }
}
