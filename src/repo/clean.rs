use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use git2::{AttrCheckFlags, AttrValue};

use super::root::Root;
use super::{BlobId, SnapshotFile};
use crate::text::RepoPath;

/// The attributes under which git may keep other bytes than there are on disk.
const CONVERTING: [&str; 6] = ["text", "eol", "crlf", "filter", "ident", "working-tree-encoding"];

/// Returns the ids of files whose entries in git's index are not older than the files.
///
/// An entry is believed when its size, times and inode are those of the file, it is older than the index itself (else
/// the file may have changed in the same tick: "racy git"), and nothing converts the file on its way in.
pub(super) fn blobs(git: &git2::Repository, root: &Root, files: &[&SnapshotFile]) -> Vec<Option<BlobId>> {
    let none = || vec![None; files.len()];
    let Ok(index) = git.index() else {
        return none();
    };
    let Some(written) = index.path().and_then(|path| fs::metadata(path).ok()) else {
        return none();
    };
    let converts = git
        .config()
        .and_then(|config| config.get_string("core.autocrlf"))
        .is_ok_and(|value| value != "false");
    if converts {
        return none();
    }
    let written = (written.mtime(), written.mtime_nsec());
    let known = files.iter().map(|file| {
        let entry = index.get_path(Path::new(file.path.as_str()), 0)?;
        is_clean(&entry, root, &file.path, written)
            .then(|| !is_converted(git, &file.path))?
            .then(|| BlobId::from(entry.id))
    });
    known.collect()
}

fn is_clean(entry: &git2::IndexEntry, root: &Root, path: &RepoPath, written: (i64, i64)) -> bool {
    const REGULAR: u32 = 0o100_000;
    const KIND: u32 = 0o170_000;
    let Some(stat) = root.stat_of_regular(path) else {
        return false;
    };
    let modified = (i64::from(entry.mtime.seconds()), i64::from(entry.mtime.nanoseconds()));
    let changed = (i64::from(entry.ctime.seconds()), i64::from(entry.ctime.nanoseconds()));
    #[allow(clippy::unnecessary_cast, reason = "the types of these fields differ by platform")]
    let (size, inode, mtime, ctime) = (
        stat.st_size as u64 as u32,
        stat.st_ino as u32,
        (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        (stat.st_ctime as i64, stat.st_ctime_nsec as i64),
    );
    // Git may be built to keep whole seconds.
    let same =
        |kept: (i64, i64), real: (i64, i64)| kept.0 == i64::from(real.0 as i32) && (kept.1 == 0 || kept.1 == real.1);
    entry.mode & KIND == REGULAR
        && entry.file_size == size
        && entry.ino == inode
        && same(modified, mtime)
        && same(changed, ctime)
        && mtime < written
        && (mtime.1 != 0 || mtime.0 < written.0)
}

fn is_converted(git: &git2::Repository, path: &RepoPath) -> bool {
    CONVERTING.iter().any(|attribute| {
        let value = git.get_attr_bytes(Path::new(path.as_str()), attribute, AttrCheckFlags::FILE_THEN_INDEX);
        // What cannot be told is taken for a conversion: then the file is read.
        value.map_or(true, |value| {
            !matches!(
                AttrValue::always_bytes(value),
                AttrValue::Unspecified | AttrValue::False
            )
        })
    })
}
