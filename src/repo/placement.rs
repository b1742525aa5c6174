use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Gid, Mode, OFlags, RenameFlags, Uid, fchmod, fchown, fsync, mkdirat, renameat};
use rustix::fs::{renameat_with, statat, unlinkat};
use rustix::io::Errno;

use super::beneath::{open_beneath, open_dir};
use super::recovery::MAX_WRITE_BYTES;
use super::root::{Root, parents};
use super::{FileMode, FileState, RepoError, fault};
use crate::text::RepoPath;

/// A written and synced file that waits under a temporary name.
#[derive(Debug)]
pub(super) struct Staged {
    /// Where the temporary file is: beside its target, or in the deepest directory that exists.
    dir: OwnedFd,
    name: String,
}

/// The permissions and the owner that a file gets.
#[derive(Clone, Copy, Debug)]
pub(super) enum Attributes {
    /// Those of a new file: the umask decides.
    Fresh(FileMode),
    /// Those of the file that it replaces, with the executable bits that the mode asks for.
    Like {
        permissions: u32,
        owner: (u32, u32),
        mode: FileMode,
    },
}

impl Root {
    /// Writes a file that will become `path`, under the name `temporary`.
    pub(super) fn stage(
        &self,
        path: &RepoPath,
        temporary: &str,
        bytes: &[u8],
        attributes: Attributes,
    ) -> Result<Staged, RepoError> {
        let (dir, _) = self.deepest(path)?;
        let create = match attributes {
            Attributes::Fresh(FileMode::Regular) => 0o666,
            Attributes::Fresh(FileMode::Executable) => 0o777,
            Attributes::Like { .. } => 0o600,
        };
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        fault::point()?;
        let fd = open_beneath(&dir, temporary, flags, Mode::from_raw_mode(create)).map_err(|e| self.io(path, e))?;
        let staged = Staged {
            dir,
            name: temporary.to_owned(),
        };
        if let Attributes::Like {
            permissions,
            owner: (uid, gid),
            mode,
        } = attributes
        {
            // Another owner can be given by root alone; for anybody else the file becomes theirs, as with git, and what a
            // program may do in its owner's name was not meant for them.
            let owned = fchown(&fd, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
            let kept = if owned.is_ok() { 0o7777 } else { 0o777 };
            let permissions = with_mode(permissions & kept, mode);
            fchmod(&fd, Mode::from_raw_mode(permissions)).map_err(|e| self.io(path, e))?;
        }
        let mut file = File::from(fd);
        fault::point()?;
        file.write_all(bytes).map_err(|e| self.io(path, e))?;
        file.sync_all().map_err(|e| self.io(path, e))?;
        Ok(staged)
    }

    /// Puts a staged file in the place of one whose state is `old`.
    ///
    /// The two change places, so that what goes away can be looked at: a file that somebody wrote since the last look goes
    /// back where it was.
    pub(super) fn replace(&self, path: &RepoPath, staged: &Staged, old: FileState) -> Result<(), RepoError> {
        let dir = self.existing_parent(path)?;
        let name = path.file_name();
        fault::point()?;
        let exchange = || renameat_with(&staged.dir, &staged.name, &dir, name, RenameFlags::EXCHANGE);
        match exchange() {
            Ok(()) => {}
            Err(Errno::NOENT) => return Err(RepoError::PreimageChanged { path: path.clone() }),
            // The file system cannot do it: the last look must do.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                renameat(&staged.dir, &staged.name, &dir, name).map_err(|e| self.io(path, e))?;
                return fsync(&dir).map_err(|e| self.io(path, e));
            }
            Err(errno) => return Err(self.io(path, errno)),
        }
        if !self.is_in_state(&staged.dir, &staged.name, path, old) {
            exchange().map_err(|e| self.io(path, e))?;
            return Err(RepoError::PreimageChanged { path: path.clone() });
        }
        fault::point()?;
        unlinkat(&staged.dir, &staged.name, AtFlags::empty()).map_err(|e| self.io(path, e))?;
        fsync(&dir).map_err(|e| self.io(path, e))
    }

    /// Puts a staged file where there is none, and makes the directories above it; what has appeared there in the
    /// meantime is left alone.
    pub(super) fn create(&self, path: &RepoPath, staged: &Staged) -> Result<(), RepoError> {
        let dir = self.make_parents(path)?;
        fault::point()?;
        let renamed = renameat_with(
            &staged.dir,
            &staged.name,
            &dir,
            path.file_name(),
            RenameFlags::NOREPLACE,
        );
        match renamed {
            Ok(()) => {}
            Err(Errno::EXIST) => return Err(RepoError::PreimageChanged { path: path.clone() }),
            // The file system cannot do it: look, then rename.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                if statat(&dir, path.file_name(), AtFlags::SYMLINK_NOFOLLOW).is_ok() {
                    return Err(RepoError::PreimageChanged { path: path.clone() });
                }
                renameat(&staged.dir, &staged.name, &dir, path.file_name()).map_err(|e| self.io(path, e))?;
            }
            Err(errno) => return Err(self.io(path, errno)),
        }
        fsync(&dir).map_err(|e| self.io(path, e))
    }

    /// Removes a file whose state is `old`. It gets the name `temporary` first: one that somebody wrote since the last look
    /// goes back where it was.
    pub(super) fn remove(&self, path: &RepoPath, temporary: &str, old: FileState) -> Result<(), RepoError> {
        let dir = self.existing_parent(path)?;
        let name = path.file_name();
        fault::point()?;
        match renameat(&dir, name, &dir, temporary) {
            Ok(()) => {}
            Err(Errno::NOENT) => return Err(RepoError::PreimageChanged { path: path.clone() }),
            Err(errno) => return Err(self.io(path, errno)),
        }
        if !self.is_in_state(&dir, temporary, path, old) {
            renameat_with(&dir, temporary, &dir, name, RenameFlags::NOREPLACE).map_err(|e| self.io(path, e))?;
            return Err(RepoError::PreimageChanged { path: path.clone() });
        }
        fault::point()?;
        unlinkat(&dir, temporary, AtFlags::empty()).map_err(|e| self.io(path, e))?;
        fsync(&dir).map_err(|e| self.io(path, e))
    }

    /// Undoes the last step of [`Root::replace`] or [`Root::remove`] where what it took away is not in the state `old`; `new` is
    /// what is in its place.
    pub(super) fn put_back(
        &self,
        path: &RepoPath,
        temporary: &str,
        old: FileState,
        new: Option<FileState>,
    ) -> Result<(), RepoError> {
        let Some(dir) = self.parent(path)? else {
            return Ok(());
        };
        let is_there = statat(&dir, temporary, AtFlags::SYMLINK_NOFOLLOW).is_ok();
        if !is_there || self.is_in_state(&dir, temporary, path, old) {
            return Ok(());
        }
        let how = match new {
            Some(_) => RenameFlags::EXCHANGE,
            None => RenameFlags::NOREPLACE,
        };
        renameat_with(&dir, temporary, &dir, path.file_name(), how).map_err(|e| self.io(path, e))?;
        fsync(&dir).map_err(|e| self.io(path, e))
    }

    fn is_in_state(&self, dir: &OwnedFd, name: &str, path: &RepoPath, state: FileState) -> bool {
        let file = self.read_at(dir, name, path, MAX_WRITE_BYTES);
        matches!(file, Ok(Some(file)) if file.state() == state)
    }

    /// Removes the directories above `path` that have become empty, the innermost first, as git does.
    pub(super) fn prune_parents(&self, path: &RepoPath) -> Result<(), RepoError> {
        for dir in parents(path).iter().rev() {
            if !self.remove_empty_dir(dir)? {
                break;
            }
        }
        Ok(())
    }

    /// Removes a directory if it is empty, and tells whether it is gone.
    pub(super) fn remove_empty_dir(&self, path: &RepoPath) -> Result<bool, RepoError> {
        let Some(dir) = self.parent(path)? else {
            return Ok(true);
        };
        fault::point()?;
        match unlinkat(&dir, path.file_name(), AtFlags::REMOVEDIR) {
            Ok(()) => fsync(&dir).map(|()| true).map_err(|e| self.io(path, e)),
            Err(Errno::NOENT) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::BUSY | Errno::NOTDIR) => Ok(false),
            Err(errno) => Err(self.io(path, errno)),
        }
    }

    /// Removes a temporary file of `path`, wherever a crash may have left it.
    pub(super) fn discard(&self, path: &RepoPath, temporary: &str) -> Result<(), RepoError> {
        let mut dir = self.clone_root()?;
        let mut dirs = parents(path).into_iter();
        loop {
            match unlinkat(&dir, temporary, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(self.io(path, errno)),
            }
            let Some(next) = dirs.next() else {
                return Ok(());
            };
            match open_dir(&dir, next.file_name()) {
                Ok(next) => dir = next,
                // Where there is no such folder, nothing of ours is in it.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
                Err(errno) => return Err(self.io(path, errno)),
            }
        }
    }

    fn existing_parent(&self, path: &RepoPath) -> Result<OwnedFd, RepoError> {
        let parent = self.parent(path)?;
        parent.ok_or_else(|| RepoError::PreimageChanged { path: path.clone() })
    }

    fn make_parents(&self, path: &RepoPath) -> Result<OwnedFd, RepoError> {
        let (mut dir, missing) = self.deepest(path)?;
        for parent in missing {
            let name = parent.file_name();
            fault::point()?;
            match mkdirat(&dir, name, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(self.io(&parent, errno)),
            }
            fsync(&dir).map_err(|e| self.io(&parent, e))?;
            dir = open_dir(&dir, name).map_err(|e| self.io(&parent, e))?;
        }
        Ok(dir)
    }
}

/// Gives permission bits the executable bits of a mode, one for each reader, as git does on checkout.
fn with_mode(permissions: u32, mode: FileMode) -> u32 {
    let is_executable = permissions & 0o100 != 0;
    match mode {
        FileMode::Regular if is_executable => permissions & !0o111,
        FileMode::Executable if !is_executable => permissions | 0o100 | (permissions & 0o044) >> 2,
        FileMode::Regular | FileMode::Executable => permissions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_change_the_executable_bits_alone() {
        assert_eq!(with_mode(0o640, FileMode::Executable), 0o750);
        assert_eq!(with_mode(0o755, FileMode::Regular), 0o644);
        assert_eq!(with_mode(0o700, FileMode::Executable), 0o700);
        assert_eq!(with_mode(0o600, FileMode::Regular), 0o600);
    }
}
