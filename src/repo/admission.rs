use std::collections::BTreeSet;

use rustix::fs::{AtFlags, statat};

use super::beneath::open_dir;
use super::conversion::refuse_converted;
use super::repository::GitHandle;
use super::root::{DiskFile, Root, parents};
use super::{FileWrite, RepoError};
use crate::text::RepoPath;

/// What makes a directory a repository to git, without a `.git` in it.
const BARE: [&str; 3] = ["HEAD", "objects", "refs"];

/// Refuses a file that must not be written, whoever asks for it: a hard link, one that git converts, an LFS pointer.
///
/// # Errors
/// [`RepoError::HardLinked`], [`RepoError::Filtered`], [`RepoError::LfsPointer`].
pub(super) fn refuse_file(
    git: &GitHandle,
    root: &Root,
    path: &RepoPath,
    old: Option<&DiskFile>,
) -> Result<(), RepoError> {
    if let Some(old) = old {
        old.refuse_links(path)?;
    }
    refuse_converted(git, root, path, old.map_or(&[], |old| &old.bytes))
}

/// Refuses to write into a repository without a work tree that lies in this one, or to make one: git run inside it would
/// do what its configuration says.
///
/// # Errors
/// [`RepoError::Submodule`] with the directory.
pub(super) fn refuse_bare_repositories(root: &Root, writes: &[FileWrite]) -> Result<(), RepoError> {
    let mut written = BTreeSet::new();
    for write in writes.iter().filter(|write| write.after.is_some()) {
        written.extend(parents(&write.path));
        written.insert(write.path.clone());
    }
    let mut looked = BTreeSet::new();
    for write in writes {
        for dir in parents(&write.path) {
            if looked.insert(dir.clone()) && is_bare(root, &dir, &written)? {
                return Err(RepoError::Submodule {
                    path: write.path.clone(),
                    module: dir,
                });
            }
        }
    }
    Ok(())
}

/// Tells whether a directory is, or with the names in `written` becomes, what git takes for a repository.
fn is_bare(root: &Root, dir: &RepoPath, written: &BTreeSet<RepoPath>) -> Result<bool, RepoError> {
    let opened = match root.parent(dir)? {
        Some(parent) => open_dir(&parent, dir.file_name()).ok(),
        None => None,
    };
    let there = |name: &str| {
        let on_disk = opened
            .as_ref()
            .is_some_and(|dir| statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).is_ok());
        // Letter case is passed over, as some file systems do.
        let will_be = || {
            let inside = |path: &&RepoPath| path.parent() == dir.as_str();
            let mut names = written.iter().filter(inside).map(RepoPath::file_name);
            names.any(|written| written.eq_ignore_ascii_case(name))
        };
        on_disk || will_be()
    };
    Ok(BARE.into_iter().all(there))
}
