//! The `git` binary in a temporary directory, with nothing of this machine's configuration.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A temporary directory with a home for git and a state directory for skiff.
pub(crate) struct Bench {
    dir: tempfile::TempDir,
}

/// Every file under a directory, `.git` left out: its bytes, and whether it is executable.
pub(crate) type Tree = BTreeMap<PathBuf, (Vec<u8>, bool)>;

#[allow(dead_code, reason = "each test binary uses its part")]
impl Bench {
    pub(crate) fn new() -> Self {
        // In memory where there is such a directory: every write is synced, and no machine dies here.
        let dir = tempfile::tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        fs::create_dir(dir.path().join("home")).unwrap();
        Self { dir }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// Makes a repository and commits `files`.
    pub(crate) fn repo(&self, name: &str, files: &[(&str, &[u8])]) -> PathBuf {
        let root = self.path(name);
        self.git(self.dir.path(), ["init", "--quiet", "--initial-branch=main", name]);
        for (path, bytes) in files {
            put(&root, path, bytes);
        }
        self.commit(&root);
        root
    }

    pub(crate) fn commit(&self, root: &Path) {
        self.git(root, ["add", "--all", "--force"]);
        self.git(root, ["commit", "--quiet", "--allow-empty", "--message=start"]);
    }

    pub(crate) fn git<S: AsRef<OsStr>>(&self, dir: &Path, args: impl IntoIterator<Item = S>) -> String {
        let output = self.try_git(dir, args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git failed: {stderr}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(crate) fn try_git<S: AsRef<OsStr>>(&self, dir: &Path, args: impl IntoIterator<Item = S>) -> Output {
        let mut command = Command::new("git");
        command.env_clear();
        for (name, value) in [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_AUTHOR_NAME", "author"),
            ("GIT_AUTHOR_EMAIL", "author@example.org"),
            ("GIT_AUTHOR_DATE", "2024-01-02T03:04:05Z"),
            ("GIT_COMMITTER_NAME", "committer"),
            ("GIT_COMMITTER_EMAIL", "committer@example.org"),
            ("GIT_COMMITTER_DATE", "2024-01-02T03:04:05Z"),
        ] {
            command.env(name, value);
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env("PATH", path).env("HOME", self.path("home"));
        command.current_dir(dir).args(["-c", "protocol.file.allow=always"]);
        command.args(args).output().unwrap()
    }
}

/// Writes a file and the directories above it.
pub(crate) fn put(root: &Path, path: &str, bytes: &[u8]) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes).unwrap();
}

/// Sets the permission bits of a file.
#[allow(dead_code, reason = "each test binary uses its part")]
pub(crate) fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Reads every file under `root`.
#[allow(dead_code, reason = "each test binary uses its part")]
pub(crate) fn tree(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut dirs = vec![root.to_path_buf()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            if path.file_name() == Some(OsStr::new(".git")) {
                continue;
            }
            let relative = path.strip_prefix(root).unwrap().to_path_buf();
            if meta.is_dir() {
                dirs.push(path);
            } else {
                let executable = meta.permissions().mode() & 0o100 != 0;
                tree.insert(relative, (fs::read(&path).unwrap(), executable));
            }
        }
    }
    tree
}
