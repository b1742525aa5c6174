//! Lets the writer of the work tree die before every single change to a disk, and looks at what the next one makes of it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{BlobId, FileContent, FileMode, FileState, FileWrite, RepoError, Repository, WorkTree, fault};
use crate::text::RepoPath;

/// A repository with files to replace, delete and create.
struct Bench {
    dir: tempfile::TempDir,
}

/// Every file and directory under the root: bytes and permission bits of files, nothing for directories.
type Tree = BTreeMap<PathBuf, Option<(Vec<u8>, u32)>>;

impl Bench {
    fn new() -> Self {
        // The process dies here, not the machine: memory is disk enough, where there is such a directory.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let bench = Self { dir: dir.unwrap() };
        git2::Repository::init(bench.root()).unwrap();
        fs::create_dir(bench.root().join("gone")).unwrap();
        for (name, text) in [("a", "old a"), ("b", "old b"), ("gone/c", "old c")] {
            fs::write(bench.root().join(name), text).unwrap();
        }
        fs::set_permissions(bench.root().join("b"), fs::Permissions::from_mode(0o640)).unwrap();
        bench
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    fn open(&self) -> Result<WorkTree, RepoError> {
        WorkTree::open(&Repository::discover(&self.root())?, &self.dir.path().join("state"))
    }

    fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        walk(&self.root(), &mut tree);
        tree
    }

    /// The names of all records, also of those that a crash left half-done.
    fn records(&self) -> Vec<String> {
        let mut applies = Vec::new();
        let state = self.dir.path().join("state/worktrees");
        for work_tree in fs::read_dir(state).unwrap() {
            for record in fs::read_dir(work_tree.unwrap().path().join("applies")).unwrap() {
                applies.push(record.unwrap().file_name().into_string().unwrap());
            }
        }
        applies
    }
}

fn walk(dir: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with(".git") {
            continue;
        }
        if path.is_dir() {
            tree.insert(path.clone(), None);
            walk(&path, tree);
        } else {
            let mode = path.metadata().unwrap().permissions().mode() & 0o7777;
            tree.insert(path.clone(), Some((fs::read(&path).unwrap(), mode)));
        }
    }
}

fn path(name: &str) -> RepoPath {
    RepoPath::new(name).unwrap()
}

fn write(name: &str, old: Option<&str>, new: Option<(&str, FileMode)>) -> FileWrite {
    FileWrite {
        path: path(name),
        before: old.map(|text| FileState {
            blob: BlobId::of(text.as_bytes()),
            mode: FileMode::Regular,
        }),
        after: new.map(|(text, mode)| FileContent {
            bytes: text.as_bytes().to_vec(),
            mode,
        }),
    }
}

fn writes() -> Vec<FileWrite> {
    vec![
        write("a", Some("old a"), Some(("new a", FileMode::Regular))),
        write("b", Some("old b"), Some(("new b", FileMode::Executable))),
        write("gone/c", Some("old c"), None),
        write("made/here/d", None, Some(("new d", FileMode::Regular))),
        write("made/e", None, Some(("", FileMode::Executable))),
    ]
}

/// Lets `work` die before its change number `limit`; tells whether it got so far.
fn dies(limit: u32, work: impl FnOnce() -> Result<(), RepoError>) -> bool {
    fault::LEFT.set(Some(limit));
    let result = work();
    fault::LEFT.set(None);
    match result {
        Ok(()) => false,
        Err(RepoError::Injected) => true,
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn an_apply_cut_short_anywhere_is_taken_back_whole() {
    let mut deaths = 0;
    loop {
        let bench = Bench::new();
        let old = bench.tree();
        let mut work_tree = bench.open().unwrap();
        let died = dies(deaths, || work_tree.apply(&writes(), "test"));
        drop(work_tree);
        if !died {
            break;
        }
        bench.open().unwrap();
        assert_eq!(bench.tree(), old, "death before change {deaths}");
        assert_eq!(bench.records(), [""; 0], "death before change {deaths}");
        deaths += 1;
    }
    assert!(deaths > 20, "{deaths}");
}

#[test]
fn an_undo_cut_short_anywhere_ends_old_or_new() {
    let mut deaths = 0;
    let mut completed = 0;
    loop {
        let bench = Bench::new();
        let old = bench.tree();
        let mut work_tree = bench.open().unwrap();
        work_tree.apply(&writes(), "test").unwrap();
        let new = bench.tree();
        let died = dies(deaths, || work_tree.undo().map(drop));
        drop(work_tree);
        if !died {
            assert_eq!(bench.tree(), old);
            break;
        }
        let work_tree = bench.open().unwrap();
        let now = bench.tree();
        match work_tree.recovered() {
            Some(undone) => assert_eq!((undone.label.as_str(), &now), ("test", &old)),
            None => assert!(now == new || now == old, "death before change {deaths}"),
        }
        completed += u32::from(now == old);
        deaths += 1;
    }
    assert!(deaths > 15 && completed > 10, "{deaths} {completed}");
}

#[test]
fn a_recovery_cut_short_anywhere_is_taken_up_again() {
    // Far enough into the apply that all files but the last have changed.
    const APPLY_DIES_AT: u32 = 21;
    let mut deaths = 0;
    loop {
        let bench = Bench::new();
        let old = bench.tree();
        let mut work_tree = bench.open().unwrap();
        assert!(dies(APPLY_DIES_AT, || work_tree.apply(&writes(), "test")));
        drop(work_tree);
        assert_ne!(bench.tree(), old);
        let died = dies(deaths, || bench.open().map(drop));
        bench.open().unwrap();
        assert_eq!(bench.tree(), old, "death before change {deaths}");
        if !died {
            break;
        }
        deaths += 1;
    }
    assert!(deaths > 5, "{deaths}");
}

#[test]
fn a_file_changed_after_the_crash_is_not_overwritten() {
    let bench = Bench::new();
    let mut work_tree = bench.open().unwrap();
    assert!(dies(21, || work_tree.apply(&writes(), "test")));
    drop(work_tree);
    fs::write(bench.root().join("b"), "mine").unwrap();
    let before = bench.tree();
    let error = bench.open().err().unwrap();
    let RepoError::RecoveryNeeded { path: changed, saved } = error else {
        panic!("{error:?}");
    };
    assert_eq!(changed, path("b"));
    assert_eq!(fs::read(saved.join("0.old")).unwrap(), b"old a");
    let after = bench.tree();
    for (file, content) in before {
        if !file.to_string_lossy().contains(".skiff-tmp-") {
            assert_eq!(after.get(&file), Some(&content), "{file:?}");
        }
    }
    assert!(
        matches!(bench.open(), Err(RepoError::RecoveryNeeded { .. })),
        "it stays so"
    );
    fs::write(bench.root().join("b"), "old b").unwrap();
    fs::set_permissions(bench.root().join("b"), fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(bench.open().unwrap().recovered().unwrap().label, "test");
}

#[test]
fn what_somebody_wrote_before_an_exchange_cut_short_goes_back() {
    for undo in [false, true] {
        let mut deaths = 0;
        let mut seen = 0;
        loop {
            let bench = Bench::new();
            let mut work_tree = bench.open().unwrap();
            let died = if undo {
                work_tree.apply(&writes(), "test").unwrap();
                dies(deaths, || work_tree.undo().map(drop))
            } else {
                dies(deaths, || work_tree.apply(&writes(), "test"))
            };
            drop(work_tree);
            if !died {
                break;
            }
            // Whatever was taken out of its place and still lies there under its temporary name is made somebody's.
            let taken = bench.tree().into_iter().find(|(file, content)| {
                let name = file.file_name().unwrap().to_string_lossy().into_owned();
                let old = content
                    .as_ref()
                    .is_some_and(|(bytes, _)| bytes.starts_with(if undo { b"new" } else { b"old" }));
                name.starts_with(".skiff-tmp-") && old
            });
            if let Some((file, _)) = taken {
                seen += 1;
                fs::write(&file, "mine").unwrap();
                assert!(matches!(bench.open(), Err(RepoError::RecoveryNeeded { .. })));
                let mine = bench
                    .tree()
                    .into_values()
                    .flatten()
                    .filter(|(bytes, _)| bytes == b"mine");
                assert_eq!(mine.count(), 1, "death before change {deaths}");
                assert!(
                    !bench
                        .tree()
                        .keys()
                        .any(|file| file.to_string_lossy().contains(".skiff-tmp-"))
                );
            }
            deaths += 1;
        }
        assert!(seen >= 2, "{seen}");
    }
}
