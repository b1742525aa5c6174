//! Everything that lies in a folder, to be compared.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Every folder, file and link below a place, by its path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Folder(BTreeMap<PathBuf, Thing>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Thing {
    mode: u32,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    /// The bytes of a file, the target of a link.
    content: Vec<u8>,
}

impl Folder {
    /// Reads a folder with all that is below it, but for the folders `except`.
    pub(crate) fn read(root: &Path, except: &[PathBuf]) -> Self {
        let mut things = BTreeMap::new();
        let mut left = vec![root.to_owned()];
        while let Some(path) = left.pop() {
            if except.contains(&path) {
                continue;
            }
            let metadata = path.symlink_metadata().unwrap();
            let kind = metadata.file_type();
            let mut content = Vec::new();
            if kind.is_dir() {
                left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else if kind.is_symlink() {
                content = fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes();
            } else {
                content = fs::read(&path).unwrap();
            }
            let thing = Thing {
                mode: metadata.mode(),
                modified: (metadata.mtime(), metadata.mtime_nsec()),
                content,
            };
            things.insert(path, thing);
        }
        Self(things)
    }

    /// Returns the paths of what differs in any way, times included.
    pub(crate) fn differing(&self, other: &Self) -> Vec<PathBuf> {
        self.compare(other, |one, two| one == two)
    }

    /// Returns the paths of what differs in bytes or mode, or is there on one side only.
    pub(crate) fn differing_in_content(&self, other: &Self) -> Vec<PathBuf> {
        self.compare(other, |one, two| (one.mode, &one.content) == (two.mode, &two.content))
    }

    fn compare(&self, other: &Self, same: fn(&Thing, &Thing) -> bool) -> Vec<PathBuf> {
        let all: std::collections::BTreeSet<&PathBuf> = self.0.keys().chain(other.0.keys()).collect();
        let differs = |path: &&&PathBuf| match (self.0.get(**path), other.0.get(**path)) {
            (Some(one), Some(two)) => !same(one, two),
            _ => true,
        };
        all.iter().filter(differs).map(|path| (**path).clone()).collect()
    }
}
