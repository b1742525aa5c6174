use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use git2::{AttrCheckFlags, AttrValue};

use super::RepoError;
use super::repository::GitHandle;
use super::root::Root;
use crate::text::RepoPath;

/// The first bytes of a Git LFS pointer file, version 1 of its specification.
const LFS_PREFIX: &[u8] = b"version https://git-lfs.github.com/spec/";

/// Refuses a file that stands for other content, or whose bytes on disk are not those that git keeps, line endings apart.
///
/// Attributes are read, never acted on: no filter is looked up, and none runs.
///
/// # Errors
/// [`RepoError::Filtered`] with the attribute, [`RepoError::LfsPointer`], [`RepoError::PermissionDenied`] when attributes may
/// not be read, or what libgit2 says.
pub(super) fn refuse_converted(git: &GitHandle, root: &Root, path: &RepoPath, bytes: &[u8]) -> Result<(), RepoError> {
    let git = git.lock();
    // libgit2 passes over a file of attributes that it may not read, and with it over the filters that are set there.
    if let Ok(file) = git.config().and_then(|config| config.get_path("core.attributesfile"))
        && let Err(error) = File::open(&file)
        && error.kind() == ErrorKind::PermissionDenied
    {
        return Err(RepoError::PermissionDenied(file));
    }
    for attribute in ["filter", "working-tree-encoding", "ident"] {
        let value = git
            .get_attr_bytes(Path::new(path.as_str()), attribute, AttrCheckFlags::FILE_THEN_INDEX)
            .map_err(|e| RepoError::git(root.path(), e))?;
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
    match bytes.starts_with(LFS_PREFIX) {
        true => Err(RepoError::LfsPointer(path.clone())),
        false => Ok(()),
    }
}

fn holds_ident(bytes: &[u8]) -> bool {
    bytes.windows(3).any(|window| window == b"$Id")
}
