use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;

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
    // By folder, the names that will be in it; letter case is passed over, as some file systems do.
    let mut written: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for write in writes.iter().filter(|write| write.after.is_some()) {
        for path in parents(&write.path).iter().chain([&write.path]) {
            let names = written.entry(path.parent().to_owned()).or_default();
            names.insert(path.file_name().to_ascii_lowercase());
        }
    }
    for write in writes {
        let mut opened = Some(root.clone_root()?);
        for dir in parents(&write.path) {
            opened = opened.and_then(|above| open_dir(&above, dir.file_name()).ok());
            let names = written.get(dir.as_str());
            let is_there = |name: &str| {
                let on_disk = |dir: &OwnedFd| statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).is_ok();
                names.is_some_and(|names| names.contains(&name.to_ascii_lowercase()))
                    || opened.as_ref().is_some_and(on_disk)
            };
            if BARE.into_iter().all(is_there) {
                return Err(RepoError::Submodule {
                    path: write.path.clone(),
                    module: dir,
                });
            }
        }
    }
    Ok(())
}
