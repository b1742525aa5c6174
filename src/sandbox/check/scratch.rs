use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::CheckError;
use crate::repo::{FileContent, FileMode, FileWrite, Snapshot, create_private_dir};
use crate::text::RepoPath;

/// Larger files are data that a check of source code does without.
const MOST_BYTES: u64 = 256 << 20;

/// A copy of a work tree that is thrown away: `tree`, and beside it `home` and `tmp`.
///
/// It has the regular files that git tracks or would offer to add, and no `.git`. Symbolic links, submodules and files
/// above 256 MiB are left out.
#[derive(Debug)]
pub struct Scratch {
    dir: TempDir,
}

impl Scratch {
    /// Copies the files of a snapshot, as they are on disk now, to a new folder in `base`.
    ///
    /// # Errors
    /// When a file cannot be read or written. A file that has gone away meanwhile is left out.
    pub fn copy(snapshot: &Snapshot, base: &Path) -> Result<Self, CheckError> {
        let scratch = Self::empty(base)?;
        let reader = snapshot.reader();
        for file in snapshot.files().iter().filter(|file| file.size_bytes <= MOST_BYTES) {
            if let Some(content) = reader.content(&file.path, MOST_BYTES)? {
                scratch.put(&file.path, &content)?;
            }
        }
        Ok(scratch)
    }

    /// Makes the folders, for this user alone.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn empty(base: &Path) -> Result<Self, CheckError> {
        create_private_dir(base).map_err(CheckError::io("make the scratch folder"))?;
        let base = base.canonicalize().map_err(CheckError::io("find the scratch folder"))?;
        let dir = tempfile::Builder::new()
            .prefix("check-")
            .tempdir_in(base)
            .map_err(CheckError::io("make the scratch folder"))?;
        let scratch = Self { dir };
        for folder in [scratch.tree(), scratch.home(), scratch.temporary()] {
            DirBuilder::new()
                .mode(0o700)
                .create(folder)
                .map_err(CheckError::io("make the scratch folder"))?;
        }
        Ok(scratch)
    }

    /// Makes the changes of a candidate. Comes before the first command is run, so that no link can lead astray.
    ///
    /// # Errors
    /// When a file cannot be written or removed.
    pub fn change(&self, writes: &[FileWrite]) -> Result<(), CheckError> {
        for write in writes {
            match &write.after {
                Some(content) => self.put(&write.path, content)?,
                None => self.remove(&write.path)?,
            }
        }
        Ok(())
    }

    /// Returns the root of the copy.
    pub fn tree(&self) -> PathBuf {
        self.dir.path().join("tree")
    }

    /// Returns the folder that is the home of commands.
    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// Returns the folder for temporary files.
    pub fn temporary(&self) -> PathBuf {
        self.dir.path().join("tmp")
    }

    fn put(&self, path: &RepoPath, content: &FileContent) -> Result<(), CheckError> {
        let target = path.to_path(&self.tree());
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(CheckError::io("make a folder of the scratch work tree"))?;
        }
        // A file of that name goes first: it may be there with another mode.
        self.remove(path)?;
        let mode = match content.mode {
            FileMode::Regular => 0o644,
            FileMode::Executable => 0o755,
        };
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(target)
            .and_then(|mut file| file.write_all(&content.bytes))
            .map_err(CheckError::io("write to the scratch work tree"))
    }

    fn remove(&self, path: &RepoPath) -> Result<(), CheckError> {
        match fs::remove_file(path.to_path(&self.tree())) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(CheckError::io("remove a file of the scratch work tree")(error))
            }
            _ => Ok(()),
        }
    }
}
