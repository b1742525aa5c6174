use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::conversion::refuse_converted;
use super::exclusion::{EXCLUSION_FILE, Exclusions, LetterCase};
use super::repository::GitHandle;
use super::root::{DiskFile, Root, parents};
use super::walk::Walked;
use super::{BlobId, FileContent, FileMode, FileStamp, RepoError};
use crate::text::RepoPath;

/// The most bytes that a file may have to be edited.
pub const MAX_EDIT_BYTES: u64 = 1 << 20;

/// The files of a work tree: those that git tracks, and those that it would offer to add.
///
/// The list is taken once; reading always gives the bytes on disk at that moment.
pub struct Snapshot {
    root: Arc<Root>,
    git: GitHandle,
    taken_ns: u64,
    files: Vec<SnapshotFile>,
    unreadable: Vec<PathBuf>,
    /// What was read as the target of an edit, for the record of the run.
    read: Mutex<BTreeMap<RepoPath, BlobId>>,
}

/// One regular file of a [`Snapshot`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFile {
    /// The file.
    pub path: RepoPath,
    /// Its size when the snapshot was taken.
    pub size_bytes: u64,
    /// What its metadata was then.
    pub stamp: FileStamp,
}

/// Reads the files of a work tree as they are on disk at that moment.
#[derive(Clone, Debug)]
pub struct WorkTreeReader {
    root: Arc<Root>,
}

impl WorkTreeReader {
    /// Reads a regular file of at most `max_bytes`.
    ///
    /// # Errors
    /// As [`Snapshot::read_bytes`].
    pub fn read_bytes(&self, path: &RepoPath, max_bytes: u64) -> Result<Vec<u8>, RepoError> {
        let file = self.root.read(path, max_bytes)?;
        Ok(file.ok_or_else(|| RepoError::Missing(path.clone()))?.bytes)
    }

    /// Reads a regular file of at most `max_bytes` with its mode; none where it has gone away.
    ///
    /// # Errors
    /// As [`Snapshot::read_bytes`], but for the missing file.
    pub fn content(&self, path: &RepoPath, max_bytes: u64) -> Result<Option<FileContent>, RepoError> {
        let file = self.root.read(path, max_bytes)?;
        Ok(file.map(|file| FileContent {
            bytes: file.bytes,
            mode: file.mode,
        }))
    }
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
    /// Puts a walk over the work tree that began at `taken_ns` together with the files of the index, `tracked`, which are
    /// listed even where they are ignored; both sorted.
    pub(super) fn take(root: Root, git: GitHandle, tracked: Vec<RepoPath>, walked: Walked, taken_ns: u64) -> Self {
        let in_module = |path: &RepoPath| parents(path).iter().any(|above| root.modules().contains(above));
        let any_modules = !root.modules().is_empty();
        let files = walked.files.into_iter().map(|(path, size_bytes, stamp)| SnapshotFile {
            path,
            size_bytes,
            stamp,
        });
        let mut files: Vec<SnapshotFile> = files.filter(|file| !any_modules || !in_module(&file.path)).collect();
        let case = git.letter_case();
        let folded: Option<BTreeSet<String>> =
            (case == LetterCase::Ignored).then(|| files.iter().map(|file| file.path.as_str().to_lowercase()).collect());
        let mut missed = Vec::new();
        let mut found = files.iter().peekable();
        for path in tracked {
            while found.next_if(|file| file.path < path).is_some() {}
            if found.peek().is_some_and(|file| file.path == path) {
                continue;
            }
            // Where names are equal but for their case, the file was found under the name that it has on disk.
            let known = folded
                .as_ref()
                .is_some_and(|all| all.contains(&path.as_str().to_lowercase()));
            if !known && let Some(stat) = root.stat_of_regular(&path) {
                missed.push(SnapshotFile {
                    path,
                    size_bytes: u64::try_from(stat.st_size).unwrap_or(0),
                    stamp: FileStamp::of_stat(&stat),
                });
            }
        }
        if !missed.is_empty() {
            files.extend(missed);
            files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        }
        let mut exclusions = Exclusions::new(case);
        for directory in walked.exclusions {
            let lines = fs::read(directory.join(EXCLUSION_FILE)).unwrap_or_default();
            if let Some(inside) = directory.strip_prefix(root.path()).ok().and_then(Path::to_str) {
                exclusions.add(inside, &String::from_utf8_lossy(&lines));
            }
        }
        files.retain(|file| !exclusions.cover(&file.path));
        Self {
            root: Arc::new(root),
            git,
            taken_ns,
            files,
            unreadable: walked.unreadable,
            read: Mutex::default(),
        }
    }

    /// Returns when the walk began, in nanoseconds since 1970.
    pub fn taken_ns(&self) -> u64 {
        self.taken_ns
    }

    /// Returns what reads the files of this work tree when the snapshot is gone.
    pub fn reader(&self) -> WorkTreeReader {
        WorkTreeReader {
            root: Arc::clone(&self.root),
        }
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
    /// way), submodule, special file, no permission, too large ([`MAX_EDIT_BYTES`]), hard link, filtered, LFS pointer,
    /// binary, not UTF-8.
    pub fn read(&self, path: &RepoPath) -> Result<SourceText, RepoError> {
        let file = self.read_file(path, MAX_EDIT_BYTES)?;
        file.refuse_links(path)?;
        refuse_converted(&self.git, &self.root, path, &file.bytes)?;
        if file.bytes.contains(&0) {
            return Err(RepoError::Binary(path.clone()));
        }
        let blob = BlobId::of(&file.bytes);
        let text = String::from_utf8(file.bytes).map_err(|error| RepoError::NotUtf8 {
            path: path.clone(),
            offset: error.utf8_error().valid_up_to(),
        })?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.insert(path.clone(), blob);
        drop(read);
        Ok(SourceText {
            path: path.clone(),
            text,
            blob,
            mode: file.mode,
        })
    }

    /// Returns the files that [`Snapshot::read`] gave out, with the ids that they had when they were last read.
    pub fn files_read(&self) -> Vec<(RepoPath, BlobId)> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.iter().map(|(path, blob)| (path.clone(), *blob)).collect()
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
        refuse_converted(&self.git, &self.root, path, b"")
    }

    fn read_file(&self, path: &RepoPath, max_bytes: u64) -> Result<DiskFile, RepoError> {
        let file = self.root.read(path, max_bytes)?;
        file.ok_or_else(|| RepoError::Missing(path.clone()))
    }
}
