//! What is on disk around a work tree, to compare before and after; proposals that nobody could have made.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "every test file uses its own part")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use skiff::repo::BlobId;

use super::support::Place;

/// Everything beneath some folders: kind and mode, and the bytes of a file or the target of a link.
pub(crate) type World = BTreeMap<PathBuf, (u32, Vec<u8>)>;

/// Looks at everything beneath `root` for which `counts` holds; a folder for which it does not is not entered.
pub(crate) fn world(root: &Path, counts: &dyn Fn(&Path) -> bool) -> World {
    let mut world = World::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if !counts(&path) {
                continue;
            }
            let meta = path.symlink_metadata().unwrap();
            let bytes = if meta.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else if meta.is_file() {
                fs::read(&path).unwrap()
            } else {
                Vec::new()
            };
            world.insert(path.clone(), (meta.mode(), bytes));
            if meta.is_dir() {
                folders.push(path);
            }
        }
    }
    world
}

/// A number out of the environment, by which a script asks for more than a test does.
pub(crate) fn asked(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap())
}

/// One side of a file in a proposal.
pub(crate) fn side(text: &str, mode: &str) -> Value {
    json!({"text": text, "blob": BlobId::of(text.as_bytes()).to_string(), "mode": mode})
}

/// A new file in a proposal.
pub(crate) fn created(path: &str) -> Value {
    json!({"path": path, "old": null, "new": side("written\n", "100644")})
}

/// Forges proposals: a file on disk that holds what no run of skiff would have written.
pub(crate) struct Forge {
    folder: PathBuf,
    template: Value,
}

impl Forge {
    /// Takes a proposal for a template that replaces `old` in a file of the place.
    pub(crate) fn new(place: &Place, path: &str, old: &str) -> Self {
        let first = place.propose(path, old, "new");
        let mut proposals = fs::read_dir(place.home().join("state/skiff/proposals")).unwrap();
        let folder = proposals.next().unwrap().unwrap().path();
        let json = fs::read(folder.join(format!("{first}.json"))).unwrap();
        Self {
            folder,
            template: serde_json::from_slice(&json).unwrap(),
        }
    }

    /// Keeps a proposal with these files under a number.
    pub(crate) fn keep(&self, number: usize, files: &[Value]) {
        let mut entry = self.template.clone();
        entry["id"] = json!(number);
        entry["proposal"]["patch"]["files"] = json!(files);
        let file = self.folder.join(format!("{number}.json"));
        fs::write(file, serde_json::to_vec(&entry).unwrap()).unwrap();
    }
}
