use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use git2::{AttrCheckFlags, AttrValue};
use ignore::{DirEntry, WalkBuilder};

use super::recovery::TEMPORARY_PREFIX;
use super::repository::GitHandle;
use super::root::{DiskFile, Root};
use super::{BlobId, FileMode, RepoError};
use crate::text::RepoPath;

/// The most bytes that a file may have to be edited.
pub const MAX_EDIT_BYTES: u64 = 1 << 20;

/// The first bytes of a Git LFS pointer file, version 1 of its specification.
const LFS_PREFIX: &[u8] = b"version https://git-lfs.github.com/spec/";

/// The files of a work tree: those that git tracks, and those that it would offer to add.
///
/// The list is taken once; reading always gives the bytes on disk at that moment.
pub struct Snapshot {
    root: Root,
    git: GitHandle,
    files: Vec<SnapshotFile>,
    unreadable: Vec<PathBuf>,
}

/// One regular file of a [`Snapshot`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFile {
    /// The file.
    pub path: RepoPath,
    /// Its size when the snapshot was taken.
    pub size_bytes: u64,
}

/// A text file that may be edited, as it is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    /// The file.
    pub path: RepoPath,
    /// All of its bytes.
    pub text: String,
    /// The id of the bytes.
    pub blob: BlobId,
    /// The mode.
    pub mode: FileMode,
}

impl Snapshot {
    /// Walks the work tree once; `tracked` are the files of the index, which are listed even where they are ignored.
    pub(super) fn take(root: Root, git: GitHandle, tracked: BTreeSet<RepoPath>) -> Result<Self, RepoError> {
        let mut found = BTreeMap::new();
        let mut unreadable = Vec::new();
        let modules = root.modules().clone();
        let base = root.path().to_path_buf();
        let enter = move |entry: &DirEntry| {
            let path = repo_path(&base, entry.path());
            !is_foreign(entry) && path.is_none_or(|path| !modules.contains(&path))
        };
        // Exactly `git ls-files --cached --others --exclude-standard`: no `.ignore` files, nothing from above the root.
        let walk = WalkBuilder::new(root.path())
            .hidden(false)
            .ignore(false)
            .parents(false)
            .require_git(false)
            .filter_entry(enter)
            .build();
        for entry in walk {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    unreadable.extend(path_of(&error));
                    continue;
                }
            };
            if !entry.file_type().is_some_and(|kind| kind.is_file()) {
                continue;
            }
            match (repo_path(root.path(), entry.path()), entry.metadata()) {
                (Some(path), Ok(meta)) => {
                    found.insert(path, meta.len());
                }
                (None, _) | (_, Err(_)) => unreadable.push(entry.into_path()),
            }
        }
        for path in tracked {
            if !found.contains_key(&path)
                && let Some(size_bytes) = root.size_of_regular(&path)
            {
                found.insert(path, size_bytes);
            }
        }
        let files = found
            .into_iter()
            .map(|(path, size_bytes)| SnapshotFile { path, size_bytes })
            .collect();
        Ok(Self {
            root,
            git,
            files,
            unreadable,
        })
    }

    /// Returns the regular files, sorted by path.
    pub fn files(&self) -> &[SnapshotFile] {
        &self.files
    }

    /// Returns what the walk had to leave out: directories without permission, names that are not UTF-8.
    pub fn unreadable(&self) -> &[PathBuf] {
        &self.unreadable
    }

    /// Tells whether something of that name is on disk now, of any kind.
    pub fn exists(&self, path: &RepoPath) -> bool {
        fs::symlink_metadata(self.root.absolute(path)).is_ok()
    }

    /// Reads a file as the target of an edit.
    ///
    /// # Errors
    /// Each reason why the file cannot be edited is a variant of its own: missing, directory, symbolic link (also on the
    /// way), submodule, special file, no permission, too large ([`MAX_EDIT_BYTES`]), filtered, LFS pointer, binary,
    /// not UTF-8.
    pub fn read(&self, path: &RepoPath) -> Result<SourceText, RepoError> {
        let file = self.read_file(path, MAX_EDIT_BYTES)?;
        self.refuse_filtered(path, &file.bytes)?;
        if file.bytes.starts_with(LFS_PREFIX) {
            return Err(RepoError::LfsPointer(path.clone()));
        }
        if file.bytes.contains(&0) {
            return Err(RepoError::Binary(path.clone()));
        }
        let blob = BlobId::of(&file.bytes);
        let text = String::from_utf8(file.bytes).map_err(|error| RepoError::NotUtf8 {
            path: path.clone(),
            offset: error.utf8_error().valid_up_to(),
        })?;
        Ok(SourceText {
            path: path.clone(),
            text,
            blob,
            mode: file.mode,
        })
    }

    /// Reads any regular file of at most `max_bytes`.
    ///
    /// # Errors
    /// As [`Snapshot::read`], as far as it concerns the path and the size.
    pub fn read_bytes(&self, path: &RepoPath, max_bytes: u64) -> Result<Vec<u8>, RepoError> {
        Ok(self.read_file(path, max_bytes)?.bytes)
    }

    /// Succeeds when a text file could be created at `path`.
    ///
    /// # Errors
    /// [`RepoError::Exists`], or what [`Snapshot::read`] says of the directories above and of filters.
    pub fn vacant(&self, path: &RepoPath) -> Result<(), RepoError> {
        self.root.vacant(path)?;
        self.refuse_filtered(path, b"")
    }

    fn read_file(&self, path: &RepoPath, max_bytes: u64) -> Result<DiskFile, RepoError> {
        let file = self.root.read(path, max_bytes)?;
        file.ok_or_else(|| RepoError::Missing(path.clone()))
    }

    /// Refuses a file whose bytes on disk are not those that git keeps, line endings apart.
    fn refuse_filtered(&self, path: &RepoPath, bytes: &[u8]) -> Result<(), RepoError> {
        let git = self.git.lock();
        for attribute in ["filter", "working-tree-encoding", "ident"] {
            let value = git
                .get_attr_bytes(Path::new(path.as_str()), attribute, AttrCheckFlags::FILE_THEN_INDEX)
                .map_err(|e| RepoError::git(self.root.path(), e))?;
            let set = match AttrValue::always_bytes(value) {
                AttrValue::Unspecified | AttrValue::False => None,
                // `ident` alone has a meaning when it is merely set, and only for files that hold the keyword.
                AttrValue::True if attribute != "ident" || !holds_ident(bytes) => None,
                AttrValue::True => Some(attribute.to_owned()),
                AttrValue::Bytes(_) if attribute == "ident" => None,
                AttrValue::Bytes(value) => Some(format!("{attribute}={}", String::from_utf8_lossy(value))),
                AttrValue::String(value) => Some(format!("{attribute}={value}")),
            };
            if let Some(attribute) = set {
                return Err(RepoError::Filtered {
                    path: path.clone(),
                    attribute,
                });
            }
        }
        Ok(())
    }
}

fn holds_ident(bytes: &[u8]) -> bool {
    bytes.windows(3).any(|window| window == b"$Id")
}

/// Tells what the walk passes over: git's own directory, repositories inside this one, and what a writer that was cut
/// short left behind.
fn is_foreign(entry: &DirEntry) -> bool {
    let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
    entry.file_name() == ".git"
        || entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(TEMPORARY_PREFIX.as_bytes())
        || entry.depth() > 0 && is_dir && fs::symlink_metadata(entry.path().join(".git")).is_ok()
}

fn repo_path(root: &Path, path: &Path) -> Option<RepoPath> {
    RepoPath::new(path.strip_prefix(root).ok()?.to_str()?).ok()
}

fn path_of(error: &ignore::Error) -> Option<PathBuf> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path.clone()),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}
