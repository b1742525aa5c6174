use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, statat};
use rustix::io::Errno;

use super::beneath::{open_beneath, open_dir};
use super::{BlobId, FileMode, FileState, RepoError};
use crate::text::RepoPath;

/// The root of a work tree, held open; every file is reached from it one component at a time.
///
/// No symbolic link is followed on the way, so a link that appears between a check and its use leads nowhere, and
/// no directory with a `.git` of its own is entered.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    dir: OwnedFd,
    modules: BTreeSet<RepoPath>,
}

/// A regular file as it is on disk.
#[derive(Clone, Debug)]
pub(super) struct DiskFile {
    pub(super) bytes: Vec<u8>,
    pub(super) mode: FileMode,
    /// The permission bits, of which git keeps only one.
    pub(super) permissions: u32,
    pub(super) owner: (u32, u32),
    /// How many names the file has.
    pub(super) links: u64,
}

impl DiskFile {
    pub(super) fn state(&self) -> FileState {
        FileState {
            blob: BlobId::of(&self.bytes),
            mode: self.mode,
        }
    }

    /// Refuses a file that has more than one name.
    pub(super) fn refuse_links(&self, path: &RepoPath) -> Result<(), RepoError> {
        match self.links {
            0 | 1 => Ok(()),
            links => Err(RepoError::HardLinked {
                path: path.clone(),
                links,
            }),
        }
    }
}

impl Root {
    /// Opens the root of a work tree; `modules` are the paths of its gitlinks.
    pub(super) fn open(path: &Path, modules: BTreeSet<RepoPath>) -> Result<Self, RepoError> {
        let dir = File::open(path).map_err(|e| RepoError::io(path, e))?;
        Ok(Self {
            path: path.to_path_buf(),
            dir: dir.into(),
            modules,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn modules(&self) -> &BTreeSet<RepoPath> {
        &self.modules
    }

    pub(super) fn absolute(&self, path: &RepoPath) -> PathBuf {
        path.to_path(&self.path)
    }

    /// Opens the directory that holds `path`; `None` where it does not exist.
    pub(super) fn parent(&self, path: &RepoPath) -> Result<Option<OwnedFd>, RepoError> {
        let (dir, missing) = self.deepest(path)?;
        Ok(missing.is_empty().then_some(dir))
    }

    /// Opens the deepest existing directory above `path` and returns with it the directories that are missing below.
    pub(super) fn deepest(&self, path: &RepoPath) -> Result<(OwnedFd, Vec<RepoPath>), RepoError> {
        let mut dir = self.clone_root()?;
        let mut missing = Vec::new();
        for prefix in parents(path) {
            if self.modules.contains(&prefix) {
                return Err(self.in_module(path, prefix));
            }
            if !missing.is_empty() {
                missing.push(prefix);
                continue;
            }
            match open_dir(&dir, prefix.file_name()) {
                Ok(next) => dir = next,
                Err(Errno::NOENT) => {
                    missing.push(prefix);
                    continue;
                }
                Err(errno) => return Err(self.refused_parent(&dir, path, prefix, errno)),
            }
            if has_dot_git(&dir) {
                return Err(self.in_module(path, prefix));
            }
        }
        if self.modules.contains(path) {
            return Err(self.in_module(path, path.clone()));
        }
        Ok((dir, missing))
    }

    pub(super) fn clone_root(&self) -> Result<OwnedFd, RepoError> {
        self.dir.try_clone().map_err(|e| RepoError::io(&self.path, e))
    }

    /// Reads a regular file of at most `max_bytes`; `None` where there is nothing of that name.
    pub(super) fn read(&self, path: &RepoPath, max_bytes: u64) -> Result<Option<DiskFile>, RepoError> {
        match self.parent(path)? {
            Some(dir) => self.read_at(&dir, path.file_name(), path, max_bytes),
            None => Ok(None),
        }
    }

    /// Reads as [`Root::read`] what has the name `name` in a directory; errors speak of `path`.
    pub(super) fn read_at(
        &self,
        dir: &OwnedFd,
        name: &str,
        path: &RepoPath,
        max_bytes: u64,
    ) -> Result<Option<DiskFile>, RepoError> {
        // Without NONBLOCK, opening a FIFO would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let fd = match open_beneath(dir, name, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(self.refused_file(dir, name, path, errno)),
        };
        let stat = fstat(&fd).map_err(|e| self.io(path, e))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {}
            FileType::Directory if has_dot_git(&fd) => return Err(self.in_module(path, path.clone())),
            FileType::Directory => return Err(RepoError::Directory(path.clone())),
            _ => return Err(RepoError::Special(path.clone())),
        }
        let size_bytes = u64::try_from(stat.st_size).unwrap_or(0);
        let too_large = |size_bytes| RepoError::TooLarge {
            path: path.clone(),
            size_bytes,
            limit_bytes: max_bytes,
        };
        if size_bytes > max_bytes {
            return Err(too_large(size_bytes));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size_bytes).unwrap_or(0));
        File::from(fd)
            .take(max_bytes.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|e| self.io(path, e))?;
        if bytes.len() as u64 > max_bytes {
            return Err(too_large(bytes.len() as u64));
        }
        Ok(Some(DiskFile {
            bytes,
            mode: mode_of(&stat),
            permissions: stat.st_mode & 0o7777,
            owner: (stat.st_uid, stat.st_gid),
            links: links_of(&stat),
        }))
    }

    /// Returns the metadata of a regular file; `None` where there is no such file or it may not be used.
    pub(super) fn stat_of_regular(&self, path: &RepoPath) -> Option<Stat> {
        let dir = self.parent(path).ok()??;
        let stat = statat(&dir, path.file_name(), AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        regular.then_some(stat)
    }

    /// Succeeds when a file could be created at `path`.
    pub(super) fn vacant(&self, path: &RepoPath) -> Result<(), RepoError> {
        let Some(dir) = self.parent(path)? else {
            return Ok(());
        };
        match statat(&dir, path.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.io(path, errno)),
            Ok(_) => Err(RepoError::Exists(path.clone())),
        }
    }

    pub(super) fn io(&self, path: &RepoPath, source: impl Into<std::io::Error>) -> RepoError {
        RepoError::io(self.absolute(path), source)
    }

    fn in_module(&self, path: &RepoPath, module: RepoPath) -> RepoError {
        RepoError::Submodule {
            path: path.clone(),
            module,
        }
    }

    fn refused_parent(&self, dir: &OwnedFd, path: &RepoPath, parent: RepoPath, errno: Errno) -> RepoError {
        let path = path.clone();
        match kind_of(dir, parent.file_name()) {
            Some(FileType::Symlink) => RepoError::Symlink { path, link: parent },
            Some(FileType::Directory) | None => self.io(&parent, errno),
            Some(_) => RepoError::NotADirectory { path, parent },
        }
    }

    fn refused_file(&self, dir: &OwnedFd, name: &str, path: &RepoPath, errno: Errno) -> RepoError {
        match kind_of(dir, name) {
            Some(FileType::Symlink) => RepoError::Symlink {
                path: path.clone(),
                link: path.clone(),
            },
            Some(FileType::Directory | FileType::RegularFile) | None => self.io(path, errno),
            Some(_) => RepoError::Special(path.clone()),
        }
    }
}

/// Returns the directories above `path`, the outermost first.
pub(super) fn parents(path: &RepoPath) -> Vec<RepoPath> {
    let text = path.as_str();
    text.match_indices('/')
        .filter_map(|(at, _)| RepoPath::new(&text[..at]).ok())
        .collect()
}

fn kind_of(dir: &OwnedFd, name: &str) -> Option<FileType> {
    let stat = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some(FileType::from_raw_mode(stat.st_mode))
}

fn has_dot_git(dir: &OwnedFd) -> bool {
    statat(dir, ".git", AtFlags::SYMLINK_NOFOLLOW).is_ok()
}

#[allow(clippy::useless_conversion, reason = "the type differs between systems")]
fn links_of(stat: &Stat) -> u64 {
    u64::from(stat.st_nlink)
}

fn mode_of(stat: &Stat) -> FileMode {
    if stat.st_mode & 0o100 == 0 {
        FileMode::Regular
    } else {
        FileMode::Executable
    }
}
