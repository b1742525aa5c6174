use std::io;
use std::path::{Path, PathBuf};

use crate::text::{PathError, RepoPath};

/// Why a repository cannot be read, or a work tree not be written.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// No `.git` in the directory or in any directory above it.
    #[error("{0:?} is not inside a git repository")]
    NotARepository(PathBuf),
    /// A directory or file may not be read or written by this user.
    #[error("no permission to use {0:?}")]
    PermissionDenied(PathBuf),
    /// The repository belongs to another user and is not listed in `safe.directory`.
    #[error(
        "the repository at {0:?} belongs to another user; trust it with `git config --global --add safe.directory`"
    )]
    Ownership(PathBuf),
    /// The repository has no work tree.
    #[error("{0:?} is a bare repository: it has no work tree")]
    Bare(PathBuf),
    /// A name is of no commit, tag or tree.
    #[error("there is no revision {name:?} in this repository")]
    NoSuchRevision {
        name: String,
        #[source]
        source: Box<git2::Error>,
    },
    /// No branch can have the name.
    #[error("{0:?} is no name for a branch")]
    BranchName(String),
    /// There is a branch of that name.
    #[error("there is a branch {0:?} already")]
    BranchExists(String),
    /// A file is another one than the last commit has.
    #[error("{0} is not as the last commit has it: commit it first")]
    NotCommitted(RepoPath),
    /// A typed path lies outside the work tree.
    #[error("{path:?} is outside the work tree {root:?}")]
    Outside { path: PathBuf, root: PathBuf },
    /// A typed path is the work tree itself.
    #[error("{0:?} is the work tree itself, not a path in it")]
    WorkTreeRoot(PathBuf),
    /// A typed path cannot be a path in a repository.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The path is a submodule or a nested repository, or lies in one.
    #[error("{path} belongs to the submodule or nested repository {module}")]
    Submodule { path: RepoPath, module: RepoPath },
    /// The path is a symbolic link, or runs through one.
    #[error("{path} cannot be used: {link} is a symbolic link")]
    Symlink { path: RepoPath, link: RepoPath },
    /// The path is a directory.
    #[error("{0} is a directory, not a file")]
    Directory(RepoPath),
    /// A part of the path that should be a directory is a file.
    #[error("{path} cannot be used: {parent} is not a directory")]
    NotADirectory { path: RepoPath, parent: RepoPath },
    /// The path is a FIFO, socket or device.
    #[error("{0} is not a regular file")]
    Special(RepoPath),
    /// The file holds a NUL byte.
    #[error("{0} is a binary file: it holds a NUL byte")]
    Binary(RepoPath),
    /// The file is not UTF-8.
    #[error("{path} is not UTF-8 text: invalid byte at offset {offset}")]
    NotUtf8 { path: RepoPath, offset: usize },
    /// The file is larger than can be used.
    #[error("{path} has {size_bytes} bytes; the limit is {limit_bytes}")]
    TooLarge {
        path: RepoPath,
        size_bytes: u64,
        limit_bytes: u64,
    },
    /// Git would run the file through a filter, so its bytes here are not those that git keeps.
    #[error("{path} is converted by git: .gitattributes sets {attribute} for it")]
    Filtered { path: RepoPath, attribute: String },
    /// The file is a Git LFS pointer and stands for other content.
    #[error("{0} is a Git LFS pointer, not the file itself")]
    LfsPointer(RepoPath),
    /// The file has other names, which may lie anywhere: to write it is to change them or to part from them.
    #[error("{path} is a hard link: the file has {links} names")]
    HardLinked { path: RepoPath, links: u64 },
    /// There is no such file.
    #[error("{0} does not exist")]
    Missing(RepoPath),
    /// There is a file where none should be.
    #[error("{0} exists already")]
    Exists(RepoPath),
    /// The file on disk is not the one the change was made for.
    #[error("{path} was changed in the meantime: nothing is written")]
    PreimageChanged { path: RepoPath },
    /// One set of writes names a path twice.
    #[error("{0} is written twice by one change")]
    WrittenTwice(RepoPath),
    /// Nothing was applied that could be taken back.
    #[error("there is nothing to undo in this work tree")]
    NothingToUndo,
    /// Another process writes the work tree.
    #[error("another process is using this work tree (lock file {0:?})")]
    Locked(PathBuf),
    /// A write was cut short and a person has changed the file since, so it is neither rolled back nor finished.
    #[error(
        "an earlier write was cut short and {path} has been changed since; nothing is overwritten. The text from before \
         is kept in {saved:?}: put the file in order, then remove that directory"
    )]
    RecoveryNeeded { path: RepoPath, saved: PathBuf },
    /// A write failed half-way, and so did the way back; the next to write tries again.
    #[error(
        "a write was cut short and cannot be taken back now. The next run that writes to this work tree puts it in order; \
         the text from before is kept in {saved:?}"
    )]
    CutShort {
        saved: PathBuf,
        #[source]
        source: Box<RepoError>,
    },
    /// A record of skiff's own state cannot be understood.
    #[error("the state file {file:?} is damaged")]
    StateDamaged {
        file: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    /// The operating system refuses a file or directory.
    #[error("cannot use {path:?}")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// libgit2 cannot read the repository.
    #[error("cannot read the repository {path:?}")]
    Git {
        path: PathBuf,
        #[source]
        source: git2::Error,
    },
    /// A test ends the process here.
    #[cfg(test)]
    #[error("the process ends here")]
    Injected,
}

impl RepoError {
    /// Wraps an I/O error; a refused permission gets its own variant.
    pub(super) fn io(path: impl AsRef<Path>, source: impl Into<io::Error>) -> Self {
        let (path, source) = (path.as_ref().to_path_buf(), source.into());
        match source.kind() {
            io::ErrorKind::PermissionDenied => Self::PermissionDenied(path),
            _ => Self::Io { path, source },
        }
    }

    /// Wraps a libgit2 error; foreign ownership gets its own variant.
    pub(super) fn git(path: impl AsRef<Path>, source: git2::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        match source.code() {
            git2::ErrorCode::Owner => Self::Ownership(path),
            _ => Self::Git { path, source },
        }
    }
}
