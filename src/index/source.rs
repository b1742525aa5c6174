use std::collections::BTreeMap;

use crate::repo::{BlobId, RepoError, Revision, RevisionFile, Snapshot, SnapshotFile, WorkTreeReader};
use crate::text::RepoPath;

/// What is indexed.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// A work tree, as it is on disk now.
    WorkTree(&'a Snapshot),
    /// A commit's tree.
    Revision(&'a Revision),
}

impl Source<'_> {
    pub(super) fn texts(&self) -> Texts {
        match self {
            Self::WorkTree(snapshot) => Texts::WorkTree(snapshot.reader()),
            Self::Revision(revision) => Texts::Revision(Box::new((*revision).clone())),
        }
    }
}

/// Where the texts of indexed files are read again.
#[derive(Debug)]
pub(super) enum Texts {
    Memory(BTreeMap<RepoPath, String>),
    WorkTree(WorkTreeReader),
    Revision(Box<Revision>),
}

impl Texts {
    /// Reads a file whose bytes have this id; `None` when they no longer do, or it cannot be read.
    pub(super) fn read(&self, path: &RepoPath, blob: BlobId, max_bytes: u64) -> Option<String> {
        let bytes = match self {
            Self::Memory(texts) => return texts.get(path).cloned(),
            Self::WorkTree(reader) => reader.read_bytes(path, max_bytes).ok()?,
            Self::Revision(revision) => {
                return String::from_utf8(revision.read_bytes(path, blob, max_bytes).ok()?).ok();
            }
        };
        (BlobId::of(&bytes) == blob).then(|| String::from_utf8(bytes).ok())?
    }
}

/// A file that is to be indexed.
#[derive(Clone, Copy)]
pub(super) enum Item<'a> {
    WorkTree(&'a Snapshot, &'a SnapshotFile),
    Revision(&'a Revision, &'a RevisionFile),
    Memory(&'a RepoPath, &'a str),
}

impl Item<'_> {
    pub(super) fn path(&self) -> &RepoPath {
        match self {
            Self::WorkTree(_, file) => &file.path,
            Self::Revision(_, file) => &file.path,
            Self::Memory(path, _) => path,
        }
    }

    /// Returns the size, where it is known without reading.
    pub(super) fn size_bytes(&self) -> Option<u64> {
        match self {
            Self::WorkTree(_, file) => Some(file.size_bytes),
            Self::Revision(..) => None,
            Self::Memory(_, text) => Some(text.len() as u64),
        }
    }

    /// Returns the number that stands for the file's metadata in a view.
    pub(super) fn stamp(&self) -> u64 {
        match self {
            Self::WorkTree(_, file) => file.stamp.digest,
            Self::Revision(..) | Self::Memory(..) => 0,
        }
    }

    /// Returns the id of the bytes, which are read where it is not known without; `None` where they cannot be read.
    ///
    /// Git's index, which keeps ids too, is not asked: whether an attribute converts a file on its way into git takes
    /// longer to find out than to read and hash the file.
    pub(super) fn id(&self, max_bytes: u64) -> Option<BlobId> {
        match self {
            Self::Revision(_, file) => Some(file.blob),
            Self::WorkTree(..) | Self::Memory(..) => Some(self.read(max_bytes).ok()?.0),
        }
    }

    /// Reads the bytes with their id.
    pub(super) fn read(&self, max_bytes: u64) -> Result<(BlobId, Vec<u8>), RepoError> {
        let bytes = match self {
            Self::WorkTree(snapshot, file) => snapshot.read_bytes(&file.path, max_bytes)?,
            Self::Revision(revision, file) => {
                return Ok((file.blob, revision.read_bytes(&file.path, file.blob, max_bytes)?));
            }
            Self::Memory(_, text) => text.as_bytes().to_vec(),
        };
        Ok((BlobId::of(&bytes), bytes))
    }
}
